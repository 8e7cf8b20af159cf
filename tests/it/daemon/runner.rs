//! `start`, `stop`, `restart` and `status` from the program's own command line.

use super::becomes;
use crate::harness::{Dir, Service, Svc};

#[test]
fn runner_starts_reports_restarts_and_stops() {
    let (dir, service) = (Dir::new(), Service::new());
    let word = |word: &str| -> Svc<'_> { becomes(&dir, &service, &["--runner", word, "ready", "stay"]) };
    word("status").stdout("[NAME]: not running\n").status(3).run();
    word("stop").stdout("[NAME]: not running\n").run();
    word("start").run();
    let first = service.main();
    word("status").stdout(&format!("[NAME]: running, process {}\n", first.pid())).run();
    word("start")
        .stderr(&format!("becomes: start '[NAME]': already running as process {}\n", first.pid()))
        .status(250)
        .run();
    // An error that is found before the stop ends nothing.
    becomes(&dir, &service, &["--set", "working-directory=/nosuch", "--runner", "restart", "ready", "stay"])
        .stderr("becomes: working directory '/nosuch': no such file or directory\n")
        .status(200)
        .run();
    word("status").stdout(&format!("[NAME]: running, process {}\n", first.pid())).run();
    word("restart").run();
    first.wait_gone();
    let second = service.main();
    word("stop").stdout("[NAME]: stopped\n").run();
    second.wait_gone();
    word("reload")
        .stderr("becomes: command 'reload': unknown command\n  hint: use start, stop, restart or status\n")
        .status(2)
        .run();
    // A failed start is reported by `start` with the status of the step.
    becomes(&dir, &service, &["--set", "user=nosuchuser", "--runner", "start"])
        .stderr("becomes: user 'nosuchuser': there is no such user\n")
        .status(217)
        .run();
    dir.nothing_left();
}

#[test]
fn runner_without_a_name_or_pid_file_is_refused() {
    let dir = Dir::new();
    for word in ["start", "restart", "stop", "status"] {
        Svc::new(&dir)
            .program("becomes")
            .args(["--detach", "yes", "--runner", word, "ready", "stay"])
            .stderr("becomes: daemon: a service without a name or a pid file cannot be found again\n  hint: set a name with name()\n")
            .status(2)
            .run();
    }
    dir.nothing_left();
}
