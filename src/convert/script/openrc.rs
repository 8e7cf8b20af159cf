//! A script of OpenRC (openrc-run(8)).

use std::fmt::Write;
use std::os::unix::ffi::OsStrExt;

use svcadapt_spec::{Output, Timespan};

use super::{ScriptFile, Service, shell};
use crate::WriteError;
use crate::divide::{Relation, Target, command, dependencies, is_supervised, start_limit};

pub(super) fn files(service: &Service<'_>) -> Result<Vec<ScriptFile>, Vec<WriteError>> {
    let mut text = format!("#!/sbin/openrc-run\n# {}\n", service.title()).into_bytes();
    let description = service.spec.description.as_deref().unwrap_or_default();
    if !description.is_empty() {
        assign(&mut text, "description", &shell::quote(description.as_bytes()));
    }
    if is_supervised(service.spec) {
        supervised(service, &mut text)?;
    } else {
        by_adapter(service, &mut text)?;
    }
    text.extend(depend(service).into_bytes());
    Ok(vec![ScriptFile::program(service.name.to_string(), text)])
}

/// supervise-daemon starts the program, or an adapter that becomes the program, and starts it again after every end.
fn supervised(service: &Service<'_>, text: &mut Vec<u8>) -> Result<(), Vec<WriteError>> {
    let spec = service.spec;
    let words = command(spec, service.division, service.adapter);
    assign(text, "supervisor", b"supervise-daemon");
    // OpenRC splits both at blanks before it evaluates them (eval), so every other word is in a variable.
    let (mut evaluated, mut errors) = (Vec::new(), Vec::new());
    for (number, word) in words.iter().enumerate() {
        match shell::word(word.place, &word.text) {
            Ok(quoted) if quoted == word.text.as_bytes() => evaluated.push(quoted),
            Ok(quoted) => {
                let variable = format!("word_{number}");
                assign(text, &variable, &quoted);
                evaluated.push(format!("\"${variable}\"").into_bytes());
            }
            Err(error) => errors.push(error),
        }
    }
    if !errors.is_empty() {
        return Err(errors);
    }
    let Some((program, arguments)) = evaluated.split_first() else { return Ok(()) };
    assign(text, "command", &shell::quote(program));
    if !arguments.is_empty() {
        assign(text, "command_args", &shell::quote(&arguments.join(&b' ')));
    }
    if let Some(delay) = spec.restart_delay.and_then(Timespan::finite) {
        assign(text, "respawn_delay", delay.as_secs().to_string().as_bytes());
    }
    if let Some((restarts, period)) = start_limit(spec) {
        assign(text, "respawn_max", restarts.to_string().as_bytes());
        assign(text, "respawn_period", period.to_string().as_bytes());
    }
    // Without a file supervise-daemon sends the output to /dev/null.
    for (variable, output) in [("output_log", &spec.standard_output), ("error_log", &spec.standard_error)] {
        if matches!(output, None | Some(Output::Inherit)) {
            assign(text, variable, &shell::quote(format!("/var/log/{}.log", service.name).as_bytes()));
        }
    }
    Ok(())
}

/// The adapter makes the program a daemon, and is asked for it by its name.
fn by_adapter(service: &Service<'_>, text: &mut Vec<u8>) -> Result<(), Vec<WriteError>> {
    if service.reloads() {
        assign(text, "extra_started_commands", b"reload");
    }
    // Its lines would be in the middle of those of OpenRC.
    let quiet = |command: Vec<u8>| [&command[..], b" >/dev/null"].concat();
    function(text, "start", "Starting", &service.command(8)?);
    function(text, "stop", "Stopping", &quiet(service.ask(&["stop"])?));
    if service.reloads() {
        function(text, "reload", "Reloading", &quiet(service.ask(&["reload"])?));
    }
    text.extend(b"\nstatus() {\n    ");
    text.extend(service.ask(&["status"])?);
    text.extend(b"\n}\n");
    Ok(())
}

/// A function of the script that OpenRC calls.
fn function(text: &mut Vec<u8>, name: &str, title: &str, command: &[u8]) {
    text.extend(format!("\n{name}() {{\n    ebegin \"{title} $RC_SVCNAME\"\n    ").bytes());
    text.extend(command);
    text.extend(b"\n    eend $?\n}\n");
}

fn assign(text: &mut Vec<u8>, variable: &str, value: &[u8]) {
    text.extend(variable.bytes());
    text.push(b'=');
    text.extend(value);
    text.push(b'\n');
}

/// The order of the start (openrc-run(8), "DEPENDENCIES"). Local file systems come first, as for every unit.
fn depend(service: &Service<'_>) -> String {
    let mut text = "\ndepend() {\n    use localmount\n".to_owned();
    let found = dependencies(service.spec, Target::OpenRc);
    for (relation, verb) in [
        (Relation::Need, "need"),
        (Relation::Use, "use"),
        (Relation::After, "after"),
        (Relation::Before, "before"),
    ] {
        let words: Vec<&str> =
            found.iter().filter(|(other, _)| *other == relation).map(|(_, word)| word.as_str()).collect();
        let words: Vec<&str> = words.into_iter().filter(|word| *word != "localmount").collect();
        if !words.is_empty() {
            // Writing to a String does not fail.
            let _ = writeln!(text, "    {verb} {}", words.join(" "));
        }
    }
    text.push_str("}\n");
    text
}
