//! A SIGKILL at a system call of a start, in any of its processes: launcher, intermediate, service.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};

use nix::sys::signal::Signal;

use super::becomes;
use crate::harness::{Capability, Dir, Exit, Process, Service, killed_at, require, wait_until};

/// The calls at which something may be half done, and how many of each are tried. They cover the launcher (which waits
/// by poll(2)), the intermediate, and the service's work on descriptors, files and itself. Of all calls together every
/// fifth is tried: the first 170 or so are the launcher's, the later ones the service's.
const KINDS: [(&str, &[usize]); 18] = [
    ("fork,clone,clone3,vfork", &[1]),
    ("signalfd4", &[1]),
    ("poll", &[1, 2, 4, 6]),
    ("setsid", &[1]),
    ("exit_group", &[1]),
    ("prctl", &[1, 2]),
    ("write", &[1, 2, 3, 4, 5, 6, 7, 8]),
    ("mkdir", &[1, 2]),
    ("fchmod", &[1, 3, 5]),
    ("renameat", &[1, 2]),
    ("unlink,unlinkat", &[1, 2, 3]),
    ("dup2", &[1, 2, 3, 4, 5]),
    ("fcntl", &[1, 6, 11, 12, 18, 24, 30, 36, 42, 48]),
    ("openat", &[5, 10, 15, 16, 17, 18, 19, 20, 21]),
    ("prlimit64", &[3, 8, 13]),
    ("chdir", &[1]),
    ("rt_sigprocmask", &[1]),
    (
        "all",
        &[
            120, 125, 130, 135, 140, 145, 150, 155, 160, 165, 170, 180, 185, 190, 195, 200, 205, 210, 215,
            220, 225, 230, 235, 240, 245, 250, 255, 260, 265, 270, 275,
        ],
    ),
];

/// Things that no death of a process may touch.
struct Strangers {
    bystander: Service,
    shared: PathBuf,
    files: Vec<PathBuf>,
}

impl Drop for Strangers {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.shared);
    }
}

const PRECIOUS: &str = "precious\n";

impl Strangers {
    /// Another service, a file in the shared directory, and an older log.
    fn here(dir: &Dir, shared: &Path) -> Self {
        let bystander = Service::new();
        becomes(dir, &bystander, &["enter", "ready", "stay"]).run();
        fs::create_dir_all(shared).unwrap();
        let files = vec![shared.join("of-another"), dir.join("out")];
        for file in &files {
            fs::write(file, PRECIOUS).unwrap();
        }
        Self { bystander, shared: shared.to_owned(), files }
    }

    fn unharmed(&self, what: &str) {
        assert!(self.bystander.running().is_some(), "{what}: another service was ended");
        for file in &self.files {
            let text = fs::read_to_string(file).unwrap_or_default();
            assert!(text.starts_with(PRECIOUS), "{what}: {} is {text:?}", file.display());
        }
    }
}

/// The calls that identify the launcher and show whether it got a report.
const REPORTING_CALLS: &str = "execve,write,";

/// What became of the processes of one start.
struct Fared {
    killed: bool,
    /// Whether the service has told its launcher that it is ready.
    reported: bool,
    launcher: Exit,
}

/// Reads that from a trace with the calls in `REPORTING_CALLS`.
fn fared(text: &str) -> Fared {
    // The first line is the launcher's execve(2), so its pid is the launcher's.
    let own = text.split_whitespace().next().unwrap_or_default();
    let ends: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.split_once(" +++ "))
        .map(|(pid, end)| (pid.trim(), end))
        .collect();
    let launcher = ends.iter().find(|(pid, _)| *pid == own).map(|(_, end)| *end);
    let status = |end: &str| end.strip_prefix("exited with ")?.split(' ').next()?.parse().ok();
    Fared {
        reported: text.lines().any(|line| line.contains(" write(") && line.contains(", \"R\", 1")),
        killed: ends.iter().any(|(_, end)| end.starts_with("killed by SIGKILL")),
        launcher: match launcher.and_then(status) {
            Some(status) => Exit::Status(status),
            None => Exit::Signal(Signal::SIGKILL as i32),
        },
    }
}

#[test]
fn start_killed_at_any_call_leaves_a_whole_service_or_nothing() {
    if !require(Capability::Root) || !require(Capability::Strace) {
        return;
    }
    let dir = Dir::new();
    let shared = Path::new("/run").join(format!("it-moments-{}", std::process::id()));
    // The bystander runs a copy with another name, to tell the two apart.
    let program = dir.join("another");
    let becomes_program = dir.program("becomes");
    fs::hard_link(&becomes_program, &program).unwrap();
    let strangers = Strangers::here(&dir, &shared);
    let (mut kills, mut whole, mut none) = (0, 0, 0);
    for (calls, numbers) in KINDS {
        for &number in numbers {
            let service = Service::new();
            let pid_file = format!("/run/{}.pid", service.name());
            let log = dir.join("log-of-one");
            let _ = fs::remove_file(&log);
            let words: Vec<String> = [
                "--log",
                &log.display().to_string(),
                "--detach",
                "yes",
                "--signal",
                "TERM=tell",
                "--set",
                &format!("name={}", service.name()),
                "--set",
                &format!("pid-file={pid_file}"),
                "--set",
                &format!("runtime-directory={}", shared.file_name().unwrap().display()),
                "--set",
                &format!("standard-output=append:{}", dir.join("out").display()),
                "enter",
                "ready",
                "signals",
            ]
            .map(str::to_owned)
            .into();
            let of_start = || Process::of_program(&program);
            let is_ready = || fs::read_to_string(&log).unwrap_or_default().contains("ready: Ok(");
            let settled = || is_ready() && of_start().len() == 1 && service.running().is_some();
            let all = std::iter::once(program.as_os_str()).chain(words.iter().map(OsStr::new));
            let fared = fared(&killed_at(&dir, all, calls, number, REPORTING_CALLS, settled));
            let what = format!("{calls} {number}, launcher {}", fared.launcher);
            kills += usize::from(fared.killed);
            // Processes without a launcher have finished or given up.
            wait_until(&format!("{what}: the rest of the start ends"), || {
                (of_start().is_empty() || settled()).then_some(())
            });
            let running = service.running();
            if let Some(main) = &running {
                assert_eq!(fs::read_to_string(&pid_file).unwrap(), format!("{}\n", main.pid()), "{what}");
                whole += 1;
            } else {
                assert!(of_start().is_empty(), "{what}: something is left, and is no service");
                none += 1;
            }
            // Success requires readiness, and after a reported failure nothing runs.
            match fared.launcher {
                Exit::Status(0) => assert!(fared.reported, "{what}: it never was ready"),
                Exit::Status(_) => assert!(running.is_none(), "{what}: it failed, and runs"),
                Exit::Signal(_) => {}
            }
            strangers.unharmed(&what);
            let next =
                crate::harness::Svc::new(&dir).program(&program.display().to_string()).args(&words).output();
            match &running {
                Some(main) => {
                    let line = format!("already running as process {}\n", main.pid());
                    assert!(
                        next.exit == Exit::Status(250) && next.stderr.ends_with(&line),
                        "{what}: {next:?}"
                    );
                }
                None => assert!(next.exit == Exit::Status(0) && next.stderr.is_empty(), "{what}: {next:?}"),
            }
            assert_eq!(of_start().len(), 1, "{what}");
            let main = service.main();
            assert_eq!(fs::read_to_string(&pid_file).unwrap(), format!("{}\n", main.pid()), "{what}");
            main.signal(Signal::SIGTERM);
            main.wait_gone();
            assert!(!Path::new(&pid_file).exists() && !service.lock().exists(), "{what}: not clean after it");
            strangers.unharmed(&what);
        }
    }
    assert!(
        kills > 30 && whole > 3 && none > 10,
        "{kills} kills, {whole} whole services and {none} times none"
    );
}
