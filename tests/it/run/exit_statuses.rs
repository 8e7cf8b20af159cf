//! The exit statuses of steps that rarely fail. Each is made to fail by the machine itself or by strace(1), which
//! injects an error. (`failed_start` and `daemon/start` have the other steps.)

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use super::run;
use crate::harness::{Capability, Dir, Exit, Service, Svc, require};

/// The kinds of directories, with their base and the status of a failed creation (systemd.exec(5)).
const DIRECTORIES: [(&str, &str, i32); 5] = [
    ("runtime-directory", "/run", 233),
    ("state-directory", "/var/lib", 238),
    ("cache-directory", "/var/cache", 239),
    ("logs-directory", "/var/log", 240),
    ("configuration-directory", "/etc", 241),
];

/// The same service by the command and by the library.
fn both<'a>(dir: &'a Dir, service: &Service, option: (&str, &str)) -> [Svc<'a>; 2] {
    let (name, value) = option;
    let words = ["--name", service.name(), &format!("--{name}={value}"), "--", "/bin/sleep", "60"];
    let set = [
        "--detach",
        "yes",
        "--set",
        &format!("name={}", service.name()),
        "--set",
        &format!("{name}={value}"),
    ];
    [run(dir, &words), Svc::new(dir).program("becomes").args(set).args(["enter", "ready", "stay"])]
}

#[test]
fn directory_that_cannot_be_created_has_the_status_of_its_kind() {
    if !require(Capability::Root) {
        return;
    }
    for (option, base, status) in DIRECTORIES {
        let (dir, service) = (Dir::new(), Service::new());
        let place = Path::new(base).join(service.name());
        fs::write(&place, "of another\n").unwrap();
        for (start, who) in
            both(&dir, &service, (option, service.name())).into_iter().zip(["svcadapt", "becomes"])
        {
            start
                .stderr(&format!("{who}: directory '{}': not a directory\n", place.display()))
                .status(status)
                .run();
            assert_eq!(fs::read_to_string(&place).unwrap(), "of another\n");
            assert!(!service.lock().exists());
        }
        fs::remove_file(&place).unwrap();
        dir.nothing_left();
    }
}

#[test]
fn directory_on_a_read_only_file_system_is_reported_as_such() {
    if !require(Capability::Root) || !require(Capability::Namespaces) {
        return;
    }
    for (option, base, status) in DIRECTORIES {
        let (dir, service) = (Dir::new(), Service::new());
        let svcadapt = dir.program("svcadapt");
        // The lock is in /run as well, so its directory exists before.
        let script = format!(
            "mkdir -p /run/svcadapt && mount --bind {base} {base} && mount -o remount,bind,ro {base} && \
             exec '{}' run --mode classic --{option}={} -- /bin/sleep 60",
            svcadapt.display(),
            service.name()
        );
        let note = match base {
            "/run" => {
                "svcadapt: lock 'sleep': started without a lock, so status and stop cannot find this service: \
                 /run/svcadapt: read-only file system\n  \
                 hint: make /run writable; in a container: --tmpfs /run:mode=755\n"
            }
            _ => "",
        };
        Svc::new(&dir)
            .program("/usr/bin/unshare")
            .args(["--mount", "--propagation", "private", "/bin/sh", "-c", &script])
            .stderr(&format!("{note}svcadapt: directory '[PLACE]': read-only file system\n"))
            .name("[PLACE]", Path::new(base).join(service.name()).display())
            .status(status)
            .run();
        assert!(!Path::new(base).join(service.name()).exists());
        dir.nothing_left();
    }
}

#[test]
fn fork_refused_by_the_process_limit_ends_with_204() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new().owned_by("nobody");
    for program in ["svcadapt", "becomes"] {
        let words = match program {
            "svcadapt" => "run --mode classic -- /bin/sleep 60",
            _ => "--detach yes enter ready stay",
        };
        let script = format!("ulimit -u 0; exec '{}' {words}", dir.program(program).display());
        Svc::new(&dir)
            .program("/bin/bash")
            .args(["-c", &script])
            .by("nobody")
            .stderr(&format!("{program}: fork: resource temporarily unavailable\n"))
            .status(204)
            .run();
        dir.nothing_left();
    }
}

/// Injects an error at the n-th call of this kind, in each process of the start.
fn answered(dir: &Dir, program: &str, words: &[&str], inject: &str) -> (Exit, String) {
    let calls = inject.split(':').next().unwrap();
    let program = dir.program(program).display().to_string();
    let output = Svc::new(dir)
        .program("/usr/bin/strace")
        .args(["-f", "-qq", "-o", &dir.join("trace").display().to_string()])
        .args(["-e", &format!("trace={calls}"), "-e", &format!("inject={inject}")])
        .args([&program])
        .args(words)
        .output();
    (output.exit, output.stderr)
}

#[test]
fn injected_system_call_error_has_the_status_of_its_step() {
    if !require(Capability::Root) || !require(Capability::Strace) {
        return;
    }
    let (dir, service) = (Dir::new(), Service::new());
    let name = format!("name={}", service.name());
    let command = [
        "run",
        "--mode",
        "classic",
        "--name",
        service.name(),
        "--no-new-privileges",
        "--",
        "/bin/sleep",
        "60",
    ];
    let library = [
        "--detach",
        "yes",
        "--set",
        &name,
        "--set",
        "no-new-privileges=yes",
        "--signal",
        "HUP=tell",
        "enter",
        "ready",
        "stay",
    ];
    for (program, words) in [("svcadapt", &command[..]), ("becomes", &library)] {
        let mut seen = BTreeSet::new();
        let mut expect = |inject: String, lines: &[(&str, i32)]| {
            let (exit, stderr) = answered(&dir, program, words, &inject);
            assert!(!service.lock().exists(), "{program} {inject}: the lock is still there");
            dir.nothing_left();
            let (_, status) = lines
                .iter()
                .find(|(line, _)| stderr == format!("{program}: {line}\n"))
                .unwrap_or_else(|| panic!("{program} {inject}: {exit}, {stderr}"));
            assert_eq!(exit, Exit::Status(*status), "{program} {inject}: {stderr}");
            seen.insert(*status);
        };
        expect("setsid:error=EPERM:when=1".to_owned(), &[("new session: operation not permitted", 220)]);
        expect("fork,clone,clone3,vfork:error=ENOMEM:when=1".to_owned(), &[("fork: out of memory", 204)]);
        // The plan decides which step comes first; each has its own message. No process makes a third call.
        for when in 1..=2 {
            let lines = [
                ("fork: operation not permitted", 204),
                ("ambient capabilities 'none': operation not permitted", 218),
                ("no new privileges: operation not permitted", 227),
            ];
            expect(format!("prctl:error=EPERM:when={when}"), &lines);
        }
        let capabilities = ("ambient capabilities 'none': operation not permitted", 218);
        expect("capset:error=EPERM:when=1".to_owned(), &[capabilities]);
        assert_eq!(seen, BTreeSet::from([204, 218, 220, 227]), "{program}");
    }
}

/// Only the signal steps of a library service can fail with this status: the calls for umask and environment have no
/// error here.
#[test]
fn signal_map_that_cannot_be_set_ends_with_207() {
    if !require(Capability::Strace) {
        return;
    }
    let (dir, service) = (Dir::new(), Service::new());
    let name = format!("name={}", service.name());
    let words = ["--detach", "yes", "--set", &name, "--signal", "HUP=tell", "enter", "exit=77"];
    // The service resets every signal first, so its own call comes later.
    let mut refused = 0;
    for when in 7..=30 {
        let (exit, stderr) =
            answered(&dir, "becomes", &words, &format!("rt_sigaction:error=EINVAL:when={when}"));
        assert!(!service.lock().exists(), "{when}: the lock is still there");
        dir.nothing_left();
        match exit {
            Exit::Status(207) if stderr == "becomes: signal map 'SIGHUP': invalid argument\n" => refused += 1,
            // SIGXFSZ is ignored while the service is set up.
            Exit::Status(207) => assert_eq!(stderr, "becomes: inherited signals: invalid argument\n"),
            exit => assert_eq!(exit, Exit::Status(77), "{when}: {stderr}"),
        }
    }
    assert_eq!(refused, 1, "none of these calls was that of the signal map");
}
