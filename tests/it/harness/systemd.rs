//! A systemd as process 1 of private namespaces (`boot.sh`), in about a quarter of a second: the machine's own, or
//! another version from a root that `.ci/systemd-roots` has made.
//!
//! It has its own /run, /tmp, /dev, /proc and cgroups, a discarded copy of everything else of the machine (or of that
//! root), the directories of this test run at their outer paths, and only the units that a test writes, with the
//! journal. It has no D-Bus, login or console. It shares the machine's network.

use std::ffi::{OsStr, OsString};
use std::ops::RangeBounds;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;
use std::{env, fs, iter};

use super::booted::{BOOT, Booted};
use super::dir::{Dir, static_svcadapt};
use super::process::{Process, wait_within};
use super::require::{Capability, all_rounds, missing};
use super::svc::{Exit, Output};

/// A booted systemd. It ends with the value or the test binary.
#[derive(Debug)]
pub(crate) struct Systemd {
    machine: Booted,
    version: u32,
    root: PathBuf,
}

impl Systemd {
    /// The machine's own, which all tests of this binary share (so unit names must be unique), or `None` after skipping
    /// the test.
    pub(crate) fn shared() -> Option<&'static Self> {
        static SHARED: OnceLock<Result<Systemd, String>> = OnceLock::new();
        match SHARED.get_or_init(Self::boot) {
            Ok(systemd) => Some(systemd),
            Err(why) => {
                missing(Capability::Systemd, why);
                None
            }
        }
    }

    /// All available ones of these versions, including the machine's own, oldest first; they are shared, too. Without
    /// any, the test is skipped.
    pub(crate) fn of_versions(versions: impl RangeBounds<u32>) -> Vec<&'static Self> {
        static OTHERS: OnceLock<Result<Vec<Systemd>, String>> = OnceLock::new();
        let boot = |root: &PathBuf| {
            Self::boot_root(root, None).map_err(|why| format!("there is {}, but {why}", root.display()))
        };
        let others = OTHERS.get_or_init(|| roots()?.iter().map(boot).collect());
        let mut all: Vec<_> = match others {
            Ok(others) => others.iter().chain(Self::shared()).collect(),
            Err(why) => {
                missing(Capability::Systemds, why);
                Self::shared().into_iter().collect()
            }
        };
        all.retain(|systemd| versions.contains(&systemd.version));
        all.sort_by_key(|systemd| systemd.version);
        if all.is_empty() && others.is_ok() {
            missing(Capability::Systemds, "its version is not installed");
        }
        all
    }

    /// The machine's own, for a test that would disturb others. The error is the reason why there is none.
    pub(crate) fn boot() -> Result<Self, String> {
        Self::boot_root(Path::new("/"), None)
    }

    /// As [`Systemd::of_versions`], but for the caller alone: a daemon-reload of another test makes systemd forget how often
    /// it has started a service, and what it would remove at its end.
    pub(crate) fn own_of_versions(versions: impl RangeBounds<u32>) -> Vec<Self> {
        let versions: Vec<_> = Self::of_versions(versions).iter().map(|systemd| systemd.version).collect();
        let roots = roots().unwrap_or_default().into_iter().chain([PathBuf::from("/")]);
        let mut all: Vec<_> = roots
            .filter_map(|root| Self::boot_root(&root, None).ok())
            .filter(|own| versions.contains(&own.version))
            .collect();
        all.sort_by_key(|systemd| systemd.version);
        assert_eq!(all.iter().map(|systemd| systemd.version).collect::<Vec<_>>(), versions);
        all
    }

    /// Ends it without a shutdown, and boots it again with these files over those of its root.
    pub(crate) fn reboot(self, layer: &Path) -> Result<Self, String> {
        let Self { machine, root, .. } = self;
        drop(machine);
        Self::boot_root(&root, Some(layer))
    }

    /// Process 1.
    pub(crate) fn init(&self) -> &Process {
        self.machine.init()
    }

    fn boot_root(root: &Path, layer: Option<&Path>) -> Result<Self, String> {
        if !root.join("lib/systemd/systemd").exists() {
            return Err("it is not installed".to_owned());
        }
        let machine = Booted::boot(root, layer, "systemd")?;
        let mut systemd = Self { machine, version: 0, root: root.to_owned() };
        wait_within(BOOT, "systemd boots", || {
            assert!(systemd.machine.init().is_alive(), "systemd has ended while booting");
            let state = systemd.systemctl(["is-system-running"]).stdout;
            matches!(state.trim_end(), "running" | "degraded").then_some(())
        });
        // `systemd 252 (252.38-1~deb12u1)`, and its features in more lines.
        let message = systemd.systemctl(["--version"]).stdout;
        let number = message.split_ascii_whitespace().nth(1).and_then(|number| number.parse().ok());
        systemd.version = number.ok_or_else(|| format!("it has no version: {message}"))?;
        Ok(systemd)
    }

    /// Its version, such as 252.
    pub(crate) fn version(&self) -> u32 {
        self.version
    }

    /// Copies a svcadapt that runs inside into the directory, and returns its path: the tested one or, where the C
    /// library inside is older, the static one. `None` after skipping the test if the static one is missing.
    pub(crate) fn svcadapt(&self, dir: &Dir) -> Option<PathBuf> {
        let built = dir.program("svcadapt");
        if self.run([built.as_os_str(), OsStr::new("--version")]).exit == Exit::Status(0) {
            return Some(built);
        }
        match static_svcadapt() {
            Ok(path) => Some(dir.program_as(&path, "svcadapt-static")),
            Err(why) => {
                missing(Capability::Static, &why);
                None
            }
        }
    }

    /// Runs a command inside, as root, for 30 seconds at most.
    pub(crate) fn run(&self, argv: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
        self.machine.run(argv)
    }

    /// `systemctl`, inside.
    pub(crate) fn systemctl(&self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Output {
        let arguments = arguments.into_iter().map(|argument| argument.as_ref().to_owned());
        self.run(iter::once(OsString::from("systemctl")).chain(arguments))
    }

    /// `systemctl` with arguments that must succeed. A failure prints the state of the unit, the last argument.
    pub(crate) fn must(&self, arguments: &[&str]) {
        let output = self.systemctl(arguments);
        if output.exit != Exit::Status(0) {
            let unit = arguments.last().copied().unwrap_or_default();
            let status = self.systemctl(["status", "--no-pager", "--full", unit]);
            panic!(
                "systemctl {}: {}\n{}\n{}",
                arguments.join(" "),
                output.exit,
                output.stderr,
                status.stdout
            );
        }
    }

    /// Writes a unit and makes systemd read it.
    pub(crate) fn write_unit(&self, name: &str, text: &str) {
        fs::write(self.path("/run/systemd/system").join(name), text).unwrap();
        self.must(&["daemon-reload"]);
    }

    /// One property of a unit, as `systemctl show` says it.
    pub(crate) fn show(&self, unit: &str, property: &str) -> String {
        self.systemctl(["show", "--value", "--property", property, unit]).stdout.trim_end().to_owned()
    }

    /// The outer path of an inner path. (In a [`Dir`](super::Dir) both are the same.)
    pub(crate) fn path(&self, inside: &str) -> PathBuf {
        self.machine.path(inside)
    }

    /// The main process of a unit, by outer pid.
    pub(crate) fn main_process(&self, unit: &str) -> Process {
        let inside = self.show(unit, "MainPID");
        self.machine
            .process(&inside)
            .unwrap_or_else(|| panic!("{unit} has no main process (MainPID={inside})"))
    }
}

/// The roots in `SVCADAPT_TEST_SYSTEMDS`, or where `.ci/run` makes them.
fn roots() -> Result<Vec<PathBuf>, String> {
    if !all_rounds() {
        return Err("without SVCADAPT_TEST_ALL=1 only the machine's own is booted".to_owned());
    }
    let built = Path::new(env!("CARGO_BIN_EXE_svcadapt")).ancestors().nth(2).unwrap();
    let named = env::var_os("SVCADAPT_TEST_SYSTEMDS").map(PathBuf::from);
    let place = named.unwrap_or_else(|| built.join("roots"));
    let entries = fs::read_dir(&place).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut roots: Vec<_> = entries.filter(|root| root.join("usr/lib/systemd/systemd").exists()).collect();
    roots.sort();
    if roots.is_empty() {
        return Err(format!("there are no roots in {}; .ci/systemd-roots makes them", place.display()));
    }
    Ok(roots)
}
