//! The name of a daemon for which none was given: by it `status`, `stop` and `logs` find the service.

use std::ffi::{OsStr, OsString};
use std::path::Path;

use svcadapt::{StepError, detect, internal};
use svcadapt_spec::{ServiceName, ServiceSpec};

/// More instances of one program are started with names of their own.
const MAX_INSTANCES: usize = 10_000;

/// The names to try, in order: that of the file without its suffix, else of the program; then NAME-2, NAME-3 ...
pub(crate) fn candidates(spec: &ServiceSpec, file: Option<&Path>) -> impl Iterator<Item = ServiceName> {
    let program = Path::new(&spec.command.program).file_name();
    let base = legal(file.and_then(Path::file_stem).or(program).unwrap_or_default());
    let numbered = move |number| match number {
        1 => base.clone(),
        number => format!("{base}-{number}"),
    };
    (1..=MAX_INSTANCES).filter_map(move |number| ServiceName::parse(numbered(number).as_ref()).ok())
}

/// The error if all names are taken.
pub(crate) fn exhausted(spec: &ServiceSpec) -> StepError {
    StepError::new("start", format!("{MAX_INSTANCES} services have its name already"))
        .of(spec.command.program.to_string_lossy())
        .hint("give this one a name: --name NAME")
}

/// The environment. A launcher that had children is a fork of the process that was started, and takes its place for a second
/// attempt.
pub(crate) fn variables(started: i32) -> Vec<(OsString, OsString)> {
    let (own, before) = (internal::own_pid(), OsString::from(started.to_string()));
    let mut all = detect::variables();
    if own != started {
        let addressed = all.iter_mut().filter(|(name, value)| {
            ["LISTEN_PID", "WATCHDOG_PID"].iter().any(|known| name == known) && *value == before
        });
        addressed.for_each(|(_, value)| *value = own.to_string().into());
    }
    all
}

/// The text with a hyphen for every character that a service name cannot have, and shorter than a name may be.
fn legal(text: &OsStr) -> String {
    const MAX_CHARS: usize = 200;
    let text = text.to_string_lossy();
    let characters = text.trim_start_matches(['.', '-', '@']).chars().take(MAX_CHARS);
    let name: String =
        characters.map(|c| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '-' }).collect();
    if name.is_empty() { "service".to_owned() } else { name }
}

#[cfg(test)]
mod tests {
    use svcadapt_spec::SpecDraft;

    use super::*;

    fn first(program: &str, file: Option<&str>, count: usize) -> Vec<String> {
        let mut draft = SpecDraft::new();
        draft.command(vec![program.into()]);
        let spec = draft.finish().unwrap();
        candidates(&spec, file.map(Path::new)).take(count).map(|name| name.to_string()).collect()
    }

    #[test]
    fn name_is_that_of_the_file_or_the_program_and_then_numbered() {
        assert_eq!(first("/usr/bin/sleep", None, 3), ["sleep", "sleep-2", "sleep-3"]);
        assert_eq!(first("/usr/bin/sleep", Some("conf/web.json"), 2), ["web", "web-2"]);
    }

    #[test]
    fn hostile_program_names_become_legal() {
        let long = "x".repeat(255);
        for (program, name) in [
            ("/opt/my server", "my-server"),
            ("/bin/[", "-"),
            ("/opt/..hidden", "hidden"),
            ("/opt/a@b@c", "a-b-c"),
            ("/opt/\n\x1b[2J", "---2J"),
            ("/opt/@@", "service"),
            (&long, &long[..200]),
        ] {
            assert_eq!(first(program, None, 1), [name], "{program:?}");
        }
        assert_eq!(first("/opt/x.service", None, 1), ["x"]);
    }
}
