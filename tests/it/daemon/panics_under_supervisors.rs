//! A panic in each phase and under each kind of host: its message is on standard error, the host sees a failure, and
//! nothing is left. (Without a supervisor: `start`.)

use std::fs;
use std::path::PathBuf;

use crate::harness::{Capability, Dir, Exit, Process, Service, Svc, Systemd, have, require, wait_until};
use crate::supervised::s6_and_runit as supervisors;
use crate::supervised::support::Unit;

/// The message, and the words that cause it.
struct Phase {
    name: &'static str,
    deeds: &'static [&'static str],
    message: &'static str,
    /// Whether readiness is reported before the panic.
    ready: bool,
}

const PHASES: [Phase; 5] = [
    Phase { name: "before it enters", deeds: &["panic=ouch", "enter"], message: "ouch", ready: false },
    Phase { name: "before it is ready", deeds: &["enter", "panic=ouch"], message: "ouch", ready: false },
    Phase {
        name: "with rights that are kept",
        deeds: &["--keep-privileges", "enter", "panic=ouch"],
        message: "ouch",
        ready: false,
    },
    Phase {
        name: "after it was ready",
        deeds: &["enter", "ready", "panic=ouch"],
        message: "ouch",
        ready: true,
    },
    // A value of the program that is dropped before the service.
    Phase { name: "in a destructor", deeds: &["enter", "bomb", "ready"], message: "once more", ready: true },
];

/// Rust's exit status after a panic.
const PANIC: i32 = 101;

/// The same service for each host.
struct Case {
    dir: Dir,
    service: Service,
    pid_file: PathBuf,
}

impl Case {
    fn new() -> Self {
        let service = Service::new();
        Self { dir: Dir::new(), pid_file: format!("/run/{}.pid", service.name()).into(), service }
    }

    /// The words of a start, as systemd and a shell read them.
    fn line(&self, deeds: &[&str]) -> String {
        let program = self.dir.program("becomes").display().to_string();
        let name = format!("name={}", self.service.name());
        let pid_file = format!("pid-file={}", self.pid_file.display());
        let log = self.dir.join("log").display().to_string();
        let words = [&program, "--log", &log, "--set", &name, "--set", &pid_file];
        words.iter().chain(deeds).map(|word| format!("'{word}'")).collect::<Vec<_>>().join(" ")
    }

    fn nothing_left(&self, phase: &str) {
        wait_until(&format!("{phase}: the process is gone"), || {
            Process::of_program(&self.dir.join("becomes")).is_empty().then_some(())
        });
        assert!(!self.pid_file.exists(), "{phase}: the pid file is still there");
        assert!(!self.service.lock().exists(), "{phase}: the lock is still there");
    }
}

/// There is one panic, with its whole message.
fn assert_message(text: &str, phase: &Phase) {
    assert_eq!(text.matches("panicked at tests/tools/becomes.rs").count(), 1, "{}: {text}", phase.name);
    assert!(text.contains(&format!("\n{}\n", phase.message)), "{}: {text}", phase.name);
}

#[test]
fn panic_fails_the_systemd_unit_and_is_logged() {
    let Some(systemd) = Systemd::shared() else { return };
    for phase in &PHASES {
        let case = Case::new();
        let text = format!(
            "[Service]\nType=notify\nStandardError=append:{}\nExecStart={}\n",
            case.dir.join("errors").display(),
            case.line(phase.deeds)
        );
        let unit = Unit::write(systemd, "itself-panics", &text);
        let started = unit.start();
        assert_eq!(started.exit == Exit::Status(0), phase.ready, "{}: {}", phase.name, started.stderr);
        wait_until("the unit has failed", || (unit.show("ActiveState") == "failed").then_some(()));
        assert_eq!(unit.state(&["Result", "ExecMainStatus"]), format!("exit-code {PANIC}"), "{}", phase.name);
        assert_message(&case.dir.read("errors"), phase);
        case.nothing_left(phase.name);
        drop(unit);
        case.dir.nothing_left();
    }
}

#[test]
fn panic_status_and_message_reach_s6() {
    if !require(Capability::Root) || !have("s6-supervise") {
        return;
    }
    for phase in &PHASES {
        let case = Case::new();
        let dir = case.dir.path().display().to_string();
        fs::create_dir(case.dir.join("service")).unwrap();
        case.dir.write("service/notification-fd", "3\n");
        for (name, text) in [
            ("run", format!("#!/bin/sh\nexec {} 2>>'{dir}/errors'\n", case.line(phase.deeds))),
            // s6 reports readiness itself; the exit is written last.
            (
                "finish",
                format!(
                    "#!/bin/sh\ns6-svc -d . ; echo \"$1\" >'{dir}/end.new'; mv '{dir}/end.new' '{dir}/end'\n"
                ),
            ),
        ] {
            case.dir.executable(&format!("service/{name}"), &text);
        }
        let running = supervisors::s6(&case.dir);
        wait_until("s6 has seen the end", || case.dir.join("end").exists().then_some(()));
        assert_eq!(case.dir.read("end"), format!("{PANIC}\n"), "{}", phase.name);
        assert_eq!(supervisors::command(&case.dir, "s6-svc", &["-dx"]).exit, Exit::Status(0));
        assert_eq!(running.finish().exit, Exit::Status(0));
        assert_message(&case.dir.read("errors"), phase);
        let log = fs::read_to_string(case.dir.join("log")).unwrap_or_default();
        assert_eq!(log.contains("ready: Ok(Supervisor)"), phase.ready, "{}: {log}", phase.name);
        case.nothing_left(phase.name);
        case.dir.nothing_left();
    }
}

#[test]
fn panic_status_ends_the_container() {
    if !require(Capability::Root) {
        return;
    }
    for phase in &PHASES {
        let case = Case::new();
        let output = Svc::new(&case.dir)
            .program("/usr/bin/unshare")
            .args(["-pf", "--mount-proc", "--kill-child", "/bin/sh", "-c"])
            .args([format!(
                "exec {}",
                case.line(&[&["--set", "standard-error=inherit"], phase.deeds].concat())
            )])
            .output();
        assert_eq!(output.exit, Exit::Status(PANIC), "{}: {}", phase.name, output.stderr);
        assert_message(&output.stderr, phase);
        case.nothing_left(phase.name);
        case.dir.nothing_left();
    }
}

/// A panic ends only its thread.
#[test]
fn panic_of_another_thread_leaves_the_unit_active() {
    let Some(systemd) = Systemd::shared() else { return };
    let case = Case::new();
    let errors = case.dir.join("errors").display().to_string();
    let text = format!(
        "[Service]\nType=notify\nStandardError=append:{errors}\nExecStart={}\n",
        case.line(&[
            "--signal",
            "TERM=tell",
            "enter",
            "ready",
            "panic-elsewhere=ouch",
            "signals",
            "stopping"
        ])
    );
    let unit = Unit::write(systemd, "itself-thread", &text);
    assert_eq!(unit.start().exit, Exit::Status(0), "{}", unit.status());
    wait_until("the panic is printed", || {
        fs::read_to_string(case.dir.join("log")).ok()?.contains("panic-elsewhere: true").then_some(())
    });
    assert!(case.dir.read("errors").contains("\nouch\n"));
    assert_eq!(unit.show("ActiveState"), "active");
    unit.stop();
    assert_eq!(unit.state(&["ActiveState", "Result", "ExecMainStatus"]), "inactive success 0");
    case.nothing_left("in a thread");
    drop(unit);
    case.dir.nothing_left();
}
