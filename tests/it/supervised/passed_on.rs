//! What a program says to its monitor reaches the manager of the monitor, byte for byte.

use nix::sys::signal::Signal;

use super::notify_messages::Manager;
use crate::harness::{Dir, Exit, Process, Running, Service, Svc, wait_until};

struct Started {
    dir: Dir,
    service: Service,
    manager: Manager,
    running: Running,
}

/// A monitor below a manager with a notify socket, and a program that does this (tests/tools/trace.rs).
fn start(options: &[&str], actions: &[&str]) -> Started {
    let (dir, service) = (Dir::new(), Service::new());
    let manager = Manager::at_path(&dir);
    let trace = dir.program("trace").display().to_string();
    let log = dir.join("log").display().to_string();
    let running = Svc::new(&dir)
        .args(["run", "--mode=supervised", "--type=notify", "--name", service.name()])
        .args(options)
        .args(["--", &trace, &log, "main"])
        .args(actions)
        .env("NOTIFY_SOCKET", &manager.address)
        .spawn();
    Started { dir, service, manager, running }
}

impl Started {
    /// The next message, which the monitor has sent.
    fn next(&self) -> String {
        let message = self.manager.next();
        assert_eq!(message.sender, self.running.pid(), "{}", message.text);
        message.text
    }

    fn main(&self) -> Process {
        self.service.main()
    }

    fn go_on(&self) {
        self.main().signal(Signal::SIGUSR1);
    }

    fn status(&self) -> String {
        Svc::new(&self.dir).args(["status", self.service.name()]).output().stdout
    }

    fn end(self) {
        self.running.signal(Signal::SIGTERM);
        assert_eq!(self.running.finish().exit, Exit::Status(0));
        self.dir.nothing_left();
    }
}

/// The time in a message about a reload.
fn time(message: &str) -> u64 {
    let time = message.strip_prefix("RELOADING=1\nMONOTONIC_USEC=").and_then(|rest| rest.strip_suffix('\n'));
    time.unwrap_or_else(|| panic!("{message:?}")).parse().unwrap()
}

#[test]
fn messages_of_the_program_are_passed_on_over_changes_of_the_monitor() {
    let go = ["stay-then", "USR1"];
    let actions: Vec<&str> = [
        &["notify", "STATUS=warming up\nEXTEND_TIMEOUT_USEC=60000000"][..],
        &go,
        &["notify", "READY=1\nSTATUS=100 %\u{1b}[2J\u{202e}"],
        &go,
        &["notify", "RELOADING=1\nMONOTONIC_USEC=4711", "stay-then", "USR1", "notify", "READY=1"],
        &go,
        &["notify", "RELOADING=1", "stay-then", "USR1", "notify", "READY=1"],
        &go,
        &["notify", "WATCHDOG=1"],
        &go,
        &["notify", "ERRNO=2\nBUSERROR=a.b"],
        &go,
        &["notify", "MAINPID=1\nX_OTHER=1\nREADY=1", "notify", "STATUS="],
        &go,
        &["notify", "STOPPING=1"],
        &["stay", "TERM"],
    ]
    .concat();
    let started = start(&[], &actions);
    assert_eq!(started.next(), "STATUS=warming up\n");
    let extended = started.next();
    let micros = extended.strip_prefix("EXTEND_TIMEOUT_USEC=").unwrap().trim_end().parse::<u64>().unwrap();
    assert!((50_000_000..=60_000_000).contains(&micros), "{extended}");
    started.go_on();
    assert_eq!(started.next(), "STATUS=100 %\\u{1b}[2J\\u{202e}\n");
    assert_eq!(started.next(), "READY=1\n");
    for given in [Some(4711), None] {
        started.go_on();
        let reloading = time(&started.next());
        assert!(given.is_none_or(|given| given == reloading) && reloading > 0);
        started.go_on();
        assert_eq!(started.next(), "READY=1\n");
    }
    started.go_on();
    assert_eq!(started.next(), "WATCHDOG=1\n");
    started.go_on();
    assert_eq!([started.next(), started.next()], ["ERRNO=2\n", "BUSERROR=a.b\n"]);
    started.go_on();
    // The rest is a matter of the monitor.
    assert_eq!(started.next(), "STATUS=\n");
    started.go_on();
    assert_eq!(started.next(), "STOPPING=1\n");
    assert!(!started.manager.has());
    started.end();
}

#[test]
fn time_of_the_managers_watchdog_is_passed_on_if_it_has_one() {
    let actions = [
        "notify",
        "READY=1\nWATCHDOG_USEC=90000000",
        "stay-then",
        "USR1",
        "notify",
        "WATCHDOG_USEC=0",
        "stay",
    ];
    let (dir, service) = (Dir::new(), Service::new());
    let manager = Manager::at_path(&dir);
    let trace = dir.program("trace").display().to_string();
    let running = Svc::new(&dir)
        .args(["run", "--mode=supervised", "--type=notify", "--name", service.name(), "--", &trace])
        .args([dir.join("log").display().to_string().as_str(), "main"])
        .args(actions)
        .env("NOTIFY_SOCKET", &manager.address)
        .env("WATCHDOG_USEC", "60000000")
        .spawn();
    assert_eq!(manager.next().text, "READY=1\n");
    assert_eq!(manager.next().text, "WATCHDOG_USEC=90000000\n");
    service.main().signal(Signal::SIGUSR1);
    assert_eq!(manager.next().text, "WATCHDOG_USEC=0\n");
    running.signal(Signal::SIGTERM);
    assert_eq!(running.finish().exit, Exit::Status(0));
    dir.nothing_left();
}

#[test]
fn manager_that_does_not_read_does_not_stop_the_monitor() {
    let mut actions = vec!["notify", "READY=1"];
    let texts: Vec<String> = (0..2000).map(|number| format!("STATUS={number}\nWATCHDOG=1")).collect();
    actions.extend(texts.iter().flat_map(|text| ["notify", text.as_str()]));
    actions.extend(["notify", "STATUS=last", "stay"]);
    let started = start(&[], &actions);
    wait_until("all is heard", || started.status().contains("\n  status: last\n").then_some(()));
    started.end();
}

#[test]
fn reload_of_a_program_without_notifications_is_announced_by_its_monitor() {
    let (dir, service) = (Dir::new(), Service::new());
    let manager = Manager::at_path(&dir);
    let (ready, gate) = (dir.join("ready").display().to_string(), dir.join("gate").display().to_string());
    let program = format!(
        "echo >{ready}; while :; do if rm {gate}; then echo >{ready}; fi 2>/dev/null; sleep 0.01; done"
    );
    let running = Svc::new(&dir)
        .args([
            "run",
            "--mode=supervised",
            "--restart=always",
            "--timeout-start-sec=5",
            "--name",
            service.name(),
        ])
        .args([format!("--ready=file:{ready}"), format!("--exec-reload=/bin/rm {ready}")])
        .args(["--", "/bin/sh", "-c", &program])
        .env("NOTIFY_SOCKET", &manager.address)
        .spawn();
    assert_eq!(manager.next().text, "READY=1\n");
    for _ in 0..2 {
        std::thread::scope(|scope| {
            let reload = scope.spawn(|| Svc::new(&dir).args(["reload", service.name()]).output());
            assert!(time(&manager.next().text) > 0);
            wait_until("the command has run", || (!std::path::Path::new(&ready).exists()).then_some(()));
            assert!(!manager.has() && !reload.is_finished());
            std::fs::write(&gate, "").unwrap();
            assert_eq!(manager.next().text, "READY=1\n");
            assert_eq!(reload.join().unwrap().exit, Exit::Status(0));
        });
    }
    running.signal(Signal::SIGTERM);
    assert_eq!(running.finish().exit, Exit::Signal(libc::SIGTERM));
    dir.nothing_left();
}
