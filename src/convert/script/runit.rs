//! A service directory of runit (runsv(8)).

use svcadapt_spec::Field;

use super::finish::{Words, finish};
use super::{ScriptFile, Service};
use crate::WriteError;

/// The files that runsv and sv(8) read.
pub(super) const FILES: &[&str] = &["run", "finish", "check", "control/t"];

const WORDS: Words = Words {
    by_signal: "-1",
    keep_down: "printf d >supervise/control",
    // It is left by control/t.
    exception: Some("[ ! -e supervise/again ] || exec rm supervise/again"),
};

/// sv restart and sv term end the program and want it to be started again.
const TERM: &str = "#!/bin/sh
# sv restart and sv term: the service is started again, whatever its end means to ./finish.
: >supervise/again
# runsv sends SIGTERM itself.
exit 1
";

pub(super) fn files(service: &Service<'_>) -> Result<Vec<ScriptFile>, Vec<WriteError>> {
    let path = |file: &str| format!("{}/{file}", service.name);
    let mut files = vec![ScriptFile::program(path("run"), run(service)?)];
    if let Some(text) = finish(service, &WORDS) {
        files.push(ScriptFile::program(path("finish"), text.into_bytes()));
        files.push(ScriptFile::program(path("control/t"), TERM.into()));
    }
    if service.division.adapter.contains(&Field::Ready) {
        let head = "#!/bin/sh\n# sv(8) asks whether the service is ready.\nexec ";
        let text =
            [head.as_bytes(), &service.ask(&["wait", "--ready", "--timeout", "1s"])?, b" >/dev/null 2>&1\n"]
                .concat();
        files.push(ScriptFile::program(path("check"), text));
    }
    Ok(files)
}

/// The script that becomes the program. Errors go where the output goes, because a log service reads only that.
pub(super) fn run(service: &Service<'_>) -> Result<Vec<u8>, Vec<WriteError>> {
    let streams = if service.spec.standard_error.is_none() { "exec 2>&1\n" } else { "" };
    let head = format!("#!/bin/sh\n# {}\n{streams}exec ", service.title());
    Ok([head.as_bytes(), &service.command(4)?, b"\n"].concat())
}
