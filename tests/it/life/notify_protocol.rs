//! The assignments of sd_notify(3) that a program sends after its start, judged by the rules of process 1 of systemd.

use std::os::unix::net::UnixDatagram;

use nix::sys::signal::Signal;

use crate::harness::{Dir, Exit, Process, Service, Svc, skip, wait_until};

/// A service whose program does what its arguments say (tests/tools/trace.rs).
struct Traced {
    service: Service,
    dir: Dir,
}

impl Traced {
    fn new() -> Self {
        Self { service: Service::new(), dir: Dir::new() }
    }

    fn ask(&self, command: &str) -> Svc<'_> {
        Svc::new(&self.dir).args([command, self.service.name()])
    }

    fn run(&self, actions: &str) -> Svc<'_> {
        let [svcadapt, trace] =
            ["svcadapt", "trace"].map(|name| self.dir.program(name).display().to_string());
        let actions = actions.replace("[SVCADAPT]", &svcadapt);
        let program = format!("exec {trace} {} main {actions}", self.dir.join("trace.log").display());
        Svc::new(&self.dir)
            .args(["run", "--name", self.service.name(), "--mode=classic", "--type=notify"])
            .args(["--", "/bin/sh", "-c", &program])
    }
}

fn start(traced: &Traced, actions: &str) {
    traced.run(actions).run();
}

fn shows(traced: &Traced, line: &str) {
    wait_until("the line is shown", || {
        traced.ask("status").output().stdout.contains(&format!("\n  {line}\n")).then_some(())
    });
}

fn stop(traced: &Traced) {
    assert_eq!(traced.ask("stop").output().exit, Exit::Status(0));
    traced.dir.nothing_left();
}

#[test]
fn errors_of_a_program_are_shown_until_it_takes_them_back() {
    let traced = Traced::new();
    start(
        &traced,
        "notify 'READY=1\nERRNO=2\nBUSERROR=org.example.Error\nVARLINKERROR=io.example.Failed' stay-then USR1 \
         notify 'ERRNO=4096' notify 'ERRNO=x\nBUSERROR=a b\nVARLINKERROR=\u{1b}[2J' notify STATUS=garbage \
         stay-then USR1 notify 'ERRNO=0\nBUSERROR=' notify STATUS=better stay TERM",
    );
    let main = traced.service.main();
    let all =
        "error: no such file or directory; D-Bus error org.example.Error; Varlink error io.example.Failed";
    shows(&traced, all);
    main.signal(Signal::SIGUSR1);
    shows(&traced, "status: garbage");
    shows(&traced, all);
    let found = traced.ask("status").args(["--json"]).output().stdout;
    for field in
        ["errno\": 2", "bus_error\": \"org.example.Error\"", "varlink_error\": \"io.example.Failed\""]
    {
        assert!(found.contains(&format!("\"{field},")), "{field}: {found}");
    }
    main.signal(Signal::SIGUSR1);
    shows(&traced, "status: better");
    shows(&traced, "error: Varlink error io.example.Failed");
    stop(&traced);
}

#[test]
fn failed_start_gives_the_errors_of_the_program() {
    let traced = Traced::new();
    let output = traced.run("notify 'ERRNO=13\nVARLINKERROR=io.example.Failed' exit 3").output();
    let why = "the program ended with status 3 before it was ready; reason: permission denied; Varlink error \
               io.example.Failed";
    let expected = format!("svcadapt: start '{}': {why}", traced.service.name());
    assert!(output.stderr.starts_with(&expected), "{}", output.stderr);
    assert_eq!(output.exit, Exit::Status(3));
    traced.dir.nothing_left();
}

#[test]
fn program_decides_which_of_its_processes_are_heard() {
    let traced = Traced::new();
    start(
        &traced,
        "notify READY=1 shell '[SVCADAPT] notify STATUS=child' stay-then USR1 \
         notify NOTIFYACCESS=everyone notify NOTIFYACCESS=main shell '[SVCADAPT] notify STATUS=stranger' \
         notify ERRNO=2 stay-then USR1 \
         notify NOTIFYACCESS=all shell '[SVCADAPT] notify STATUS=again' stay-then USR1 \
         notify NOTIFYACCESS=none shell '[SVCADAPT] notify STATUS=nobody' notify STATUS=nobody stay TERM",
    );
    let main = traced.service.main();
    shows(&traced, "status: child");
    main.signal(Signal::SIGUSR1);
    shows(&traced, "error: no such file or directory");
    shows(&traced, "status: child");
    main.signal(Signal::SIGUSR1);
    shows(&traced, "status: again");
    main.signal(Signal::SIGUSR1);
    // The command waits until its message has been read.
    wait_until("all is sent", || (traced.dir.read("trace.log").matches("ran it").count() == 4).then_some(()));
    shows(&traced, "status: again");
    stop(&traced);
}

/// The child that the program has named.
fn child(traced: &Traced) -> Process {
    wait_until("there is a child", || {
        let named = std::fs::read_to_string(traced.dir.join("trace.log.named")).ok()?;
        Process::open(named.parse().ok()?).ok()
    })
}

#[test]
fn main_process_is_the_one_with_the_named_identity() {
    for (how, follows) in [
        ("descriptor", true),
        ("identity", true),
        ("another", false),
        ("x", false),
        ("-1", false),
        ("", false),
    ] {
        let traced = Traced::new();
        start(&traced, &format!("notify READY=1 stay-then USR1 name '{how}' notify STATUS=named stay TERM"));
        let main = traced.service.main();
        if how == "identity" && !has_process_identities() {
            skip("pidfs", "pidfds have inodes of their own from Linux 6.9 on");
            stop(&traced);
            continue;
        }
        main.signal(Signal::SIGUSR1);
        let child = child(&traced);
        shows(&traced, "status: named");
        let expected = if follows { child.pid() } else { main.pid() };
        wait_until("it is the main process", || (traced.service.running()?.pid() == expected).then_some(()));
        stop(&traced);
        child.wait_gone();
    }
}

/// Whether a pidfd has an inode of its own.
fn has_process_identities() -> bool {
    let release = std::fs::read_to_string("/proc/sys/kernel/osrelease").unwrap();
    let mut numbers = release.split(['.', '-']).map_while(|part| part.parse::<u32>().ok());
    (numbers.next(), numbers.next()) >= (Some(6), Some(9))
}

#[test]
fn messages_that_are_too_long_or_garbage_change_nothing() {
    let traced = Traced::new();
    start(
        &traced,
        "notify 'READY=1\nSTATUS=good' datagram 'STOPPING=1\nSTATUS=' 4097 datagram 'STOPPING=1\nSTATUS=' 65000 \
         datagram 'STOPPING=1\nSTATUS=bad\\0' 0 datagram '\\0STOPPING=1' 0 datagram '' 0 datagram '=\n\n=' 0 \
         notify 'WATCHDOG_USEC=soon\nMAINPID=0\nEXTEND_TIMEOUT_USEC=-1\nWATCHDOG=2\nREADY=0\nSTOPPING=yes' \
         notify 'WATCHDOG_USEC=99999999999999999999\nMAINPID=99999999999\nMAINPIDFD=1' \
         notify 'EXIT_STATUS=300\nNOTIFYACCESS=\nX_ANYTHING=1\nRESTART_RESET=1' \
         notify ERRNO=2 stay TERM",
    );
    let main = traced.service.main();
    shows(&traced, "error: no such file or directory");
    shows(&traced, "status: good");
    // A process that is not of the service.
    let variables = std::fs::read_to_string(format!("/proc/{}/environ", main.pid())).unwrap();
    let address = variables.split('\0').find_map(|one| one.strip_prefix("NOTIFY_SOCKET=")).unwrap();
    let stranger = UnixDatagram::unbound().unwrap();
    for message in ["STOPPING=1\nSTATUS=spoofed", "NOTIFYACCESS=none", "MAINPID=1", "WATCHDOG=trigger"] {
        stranger.send_to(message.as_bytes(), address).unwrap();
    }
    shows(&traced, "status: good");
    assert!(traced.ask("status").output().stdout.contains(": running, process "));
    assert_eq!(traced.service.main().pid(), main.pid());
    stop(&traced);
}
