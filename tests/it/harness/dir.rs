//! The private directory of a test, and the one above it for this run.

use std::fs::Permissions;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use std::{env, fs, process};

use nix::sys::signal::Signal;
use nix::unistd::User;

use super::process::{Process, inherit_nothing, mentioning, wait_until};
use super::programs;

/// A private directory with mode 0755. On drop every process that still refers to it is killed, and it is removed.
#[derive(Debug)]
pub(crate) struct Dir {
    path: PathBuf,
}

impl Dir {
    /// A new, empty one.
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        super::machine::ordinary();
        let path = run().join(COUNT.fetch_add(1, Ordering::Relaxed).to_string());
        make(&path);
        Self { path }
    }

    /// Its absolute path; the part that the harness made has no links.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// A path in it.
    pub(crate) fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes a file with mode 0644, and returns its path.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.join(name);
        fs::write(&path, text).unwrap();
        mode(&path, 0o644);
        path
    }

    /// Writes a file with mode 0755, and returns its path.
    pub(crate) fn executable(&self, name: &str, text: &str) -> PathBuf {
        let path = self.write(name, text);
        mode(&path, 0o755);
        path
    }

    /// The text of a file.
    pub(crate) fn read(&self, name: &str) -> String {
        let path = self.join(name);
        fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The bytes of a file.
    pub(crate) fn read_bytes(&self, name: &str) -> Vec<u8> {
        let path = self.join(name);
        fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
    }

    /// The report that `inspect --out NAME` wrote.
    pub(crate) fn report(&self, name: &str) -> serde_json::Value {
        serde_json::from_str(&self.read(name)).unwrap()
    }

    /// Waits until `inspect` or `becomes` has written `report`, and returns its process and the report.
    pub(crate) fn reported(&self) -> (Process, serde_json::Value) {
        let report = self.awaited_report();
        let pid = report["pid"].as_i64().and_then(|pid| pid.try_into().ok()).unwrap();
        (Process::open(pid).unwrap(), report)
    }

    /// Waits for the report in `report`.
    pub(crate) fn awaited_report(&self) -> serde_json::Value {
        wait_until("the program reports", || self.join("report").exists().then_some(()));
        self.report("report")
    }

    /// Gives the directory to a user (which root can).
    pub(crate) fn owned_by(self, user: &str) -> Self {
        let user = User::from_name(user).unwrap().unwrap_or_else(|| panic!("no user {user}"));
        chown(&self.path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).unwrap();
        self
    }

    /// A program in this directory that every user may run: `svcadapt`, `inspect`, `announce`, `becomes`, `hostile`, `forge`,
    /// `launch_shim`, `clock_shim`, `daemonic`, or a path like `/bin/sleep`.
    ///
    /// It is a link to the one copy of this run. A test that changes the file takes [`Dir::own_copy`].
    pub(crate) fn program(&self, program: &str) -> PathBuf {
        let source = match program {
            "svcadapt" => PathBuf::from(env!("CARGO_BIN_EXE_svcadapt")),
            "inspect" | "becomes" | "hostile" | "forge" | "launch_shim" | "clock_shim" | "fuzz"
            | "daemonic" | "trace" | "bus_owner" | "keeper" | "announce" | "launchd" | "selfmade" => {
                example(program)
            }
            path => PathBuf::from(path),
        };
        self.program_as(&source, source.file_name().unwrap().to_str().unwrap())
    }

    /// The same for any program, under another name.
    pub(crate) fn program_as(&self, source: &Path, name: &str) -> PathBuf {
        let link = self.path.join(name);
        if !link.exists() {
            programs::link(source, &link);
        }
        link
    }

    /// A copy of a program in this directory with a mode of its own.
    pub(crate) fn own_copy(&self, source: &Path, permissions: u32) -> PathBuf {
        let copy = self.path.join(source.file_name().unwrap());
        programs::copy(source, &copy);
        mode(&copy, permissions);
        copy
    }

    /// Fails if a process still has this directory in its program, its directories, its open files, its arguments or
    /// its environment.
    pub(crate) fn nothing_left(&self) {
        let left = mentioning(&self.path);
        assert!(left.is_empty(), "left behind:\n{}", list(&left));
    }

    /// Waits until no process refers to the directory: a process closes its lock and files before it has ended.
    pub(crate) fn wait_nothing_left(&self) {
        wait_until("nothing is left", || mentioning(&self.path).is_empty().then_some(()));
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        for process in mentioning(&self.path) {
            process.signal(Signal::SIGKILL);
            process.wait_gone();
        }
        // The janitor removes the rest.
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// The directory of all sources, above that of the command's package.
pub(crate) const SOURCES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

/// The program that Cargo built from tests/tools/ beside svcadapt.
///
/// `cargo test` builds it, but `cargo test --test it` does not, so one that is older than its source is refused.
pub(crate) fn example(name: &str) -> PathBuf {
    let is_library = name.ends_with("_shim");
    let file = if is_library { format!("lib{name}.so") } else { name.to_owned() };
    let program = Path::new(env!("CARGO_BIN_EXE_svcadapt")).with_file_name("examples").join(file);
    let changed = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified());
    let tests = Path::new(SOURCES).join("tests");
    let tools = tests.join("tools");
    let mut sources = vec![tools.join(name).with_extension("rs")];
    if let Ok(parts) = fs::read_dir(tools.join(name)) {
        sources.extend(parts.map(|part| part.unwrap().path()));
    }
    if name == "inspect" {
        sources.push(tests.join("it/harness/proc.rs"));
    }
    let built = changed(&program).is_ok_and(|built| {
        sources.iter().all(|source| changed(source).is_ok_and(|changed| changed <= built))
    });
    assert!(built, "{} is missing or older than its source; run `cargo build --examples`", program.display());
    program
}

/// The static svcadapt that `.ci/run static` has built; one that is older than the sources is refused.
pub(crate) fn static_svcadapt() -> Result<PathBuf, String> {
    const TARGET: &str = "x86_64-unknown-linux-musl";
    let built = Path::new(env!("CARGO_BIN_EXE_svcadapt")).ancestors().nth(2).unwrap();
    let program = built.join(TARGET).join("release/svcadapt");
    let changed = |path: &Path| fs::metadata(path).and_then(|metadata| metadata.modified());
    let newest = newest(&Path::new(SOURCES).join("src"));
    match changed(&program) {
        Ok(built) if built >= newest => Ok(program),
        _ => Err(format!(
            "{} is missing or older than its sources; run `packaging/binary {TARGET}`",
            program.display()
        )),
    }
}

/// The time of the last change below a directory.
fn newest(directory: &Path) -> SystemTime {
    let entries = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path());
    let times = entries.map(|path| {
        if path.is_dir() { newest(&path) } else { fs::metadata(&path).unwrap().modified().unwrap() }
    });
    times.max().unwrap_or(UNIX_EPOCH)
}

/// The directory of this run, which every user may enter. A janitor removes it afterwards.
pub(crate) fn run() -> &'static Path {
    static RUN: OnceLock<(PathBuf, Child)> = OnceLock::new();
    let (path, _) = RUN.get_or_init(|| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
        let path = fs::canonicalize(env::temp_dir()).unwrap().join(format!(
            "svcadapt-it.{}.{}",
            process::id(),
            now.as_nanos()
        ));
        make(&path);
        make(&path.join("state"));
        mode(&path.join("state"), 0o1777);
        inherit_nothing();
        let mut janitor = Command::new("sh")
            .args(["-c", include_str!("janitor.sh"), "janitor"])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // Ctrl-C must not end the janitor.
            .process_group(0)
            .spawn()
            .unwrap();
        writeln!(janitor.stdin.as_mut().unwrap(), "{}", path.display()).unwrap();
        (path, janitor)
    });
    path
}

/// `XDG_STATE_HOME` of ordinary users, where each can make files.
pub(crate) fn state() -> PathBuf {
    run().join("state")
}

/// One line for each.
pub(crate) fn list(processes: &[Process]) -> String {
    processes.iter().fold(String::new(), |lines, process| lines + "  " + &process.to_string() + "\n")
}

fn make(path: &Path) {
    fs::create_dir(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    mode(path, 0o755);
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}
