//! A SIGKILL at a system call of a start, whichever process of it makes that call: the launcher, the one between, or the
//! one that becomes the service.

use std::ffi::OsStr;
use std::fs;
use std::path::Path;
use std::path::PathBuf;

use nix::sys::signal::Signal;

use crate::harness::Capability;
use crate::harness::Dir;
use crate::harness::Exit;
use crate::harness::Process;
use crate::harness::Service;
use crate::harness::killed_at;
use crate::harness::require;
use crate::harness::wait_until;

use super::becomes;

/// The kinds of calls at which something can be half done, and at how many of each a process is killed: those of the
/// launcher, which waits for the others by poll(2); of the one between; of the service, at all that it does to its
/// descriptors, its files and itself. Of all kinds together it is every fifth: up to some 170 the launcher's, and behind
/// those the service's alone.
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

/// What of the starter's and of others must not be touched, whatever dies.
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
    /// Another service, a file in the directory that this one shares, and the log of yesterday.
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

/// The calls by which it is seen who is the launcher, and whether it was told.
const TOLD: &str = "execve,write,";

/// How the processes of one start fared.
struct Fared {
    killed: bool,
    /// Whether the service has told its launcher that it is ready.
    told: bool,
    launcher: Exit,
}

/// What a trace, with the calls that `TOLD` names, says of that.
fn fared(text: &str) -> Fared {
    // The first line is the launcher's execve(2), and so is the number in front of it.
    let own = text.split_whitespace().next().unwrap_or_default();
    let ends: Vec<(&str, &str)> = text
        .lines()
        .filter_map(|line| line.split_once(" +++ "))
        .map(|(pid, end)| (pid.trim(), end))
        .collect();
    let launcher = ends.iter().find(|(pid, _)| *pid == own).map(|(_, end)| *end);
    let status = |end: &str| end.strip_prefix("exited with ")?.split(' ').next()?.parse().ok();
    Fared {
        told: text.lines().any(|line| line.contains(" write(") && line.contains(", \"R\", 1")),
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
    // The bystander is a copy under another name, so that the two are told apart.
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
            let fared = fared(&killed_at(&dir, all, calls, number, TOLD, settled));
            let what = format!("{calls} {number}, launcher {}", fared.launcher);
            kills += usize::from(fared.killed);
            // Whatever has no launcher any more has gone on, or given up.
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
            // It is no success unless it was ready, and whoever was told of a failure finds nothing running.
            match fared.launcher {
                Exit::Status(0) => assert!(fared.told, "{what}: it never was ready"),
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
