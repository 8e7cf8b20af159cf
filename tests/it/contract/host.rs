//! The hosts, each on a machine of its own, with its adapter (`hosts/*.sh`).

use std::fmt::Write;
use std::fs::{self, OpenOptions, Permissions};
use std::io::Write as _;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, thread};

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use crate::harness::{
    Booted, Capability, Dir, Exit, Output, Systemd, all_rounds, have, managers, require, wait_within,
};

/// How long something that comes at once is waited for, on a machine that has other work, too; and where it is known not
/// to come.
const PATIENCE: [u64; 2] = [25, 3];

/// The hosts without systemd: the name, the adapter, and the program that has to be there.
const HOSTS: [(&str, &str, &str); 8] = [
    ("classic", include_str!("hosts/classic.sh"), ""),
    ("launchd", include_str!("hosts/launchd.sh"), ""),
    ("container", include_str!("hosts/container.sh"), ""),
    ("s6", include_str!("hosts/s6.sh"), "s6-svscan"),
    ("runit", include_str!("hosts/runit.sh"), "runsv"),
    ("OpenRC", include_str!("hosts/openrc.sh"), "supervise-daemon"),
    ("supervisord", include_str!("hosts/supervisord.sh"), "supervisord"),
    ("daemontools", include_str!("hosts/daemontools.sh"), "supervise"),
];

/// The hosts of a run without all rounds, beside the machine's own systemd.
const FEW: [&str; 3] = ["classic", "container", "s6"];

/// A service of a row.
pub(super) struct Service {
    name: String,
    options: String,
    program: String,
}

impl Service {
    /// The words must not need quotes.
    pub(super) fn new(
        name: impl Into<String>,
        options: impl Into<String>,
        program: impl Into<String>,
    ) -> Self {
        Self { name: name.into(), options: options.into(), program: program.into() }
    }
}

enum Machine {
    Own(Booted),
    Systemd(Systemd),
}

/// A booted host.
pub(super) struct Host {
    name: String,
    machine: Machine,
    dir: Dir,
    /// In seconds.
    patience: AtomicU64,
}

/// All hosts that this machine has; those that are missing are skipped.
pub(super) fn boot_all() -> Vec<Host> {
    let wanted = env::var_os("SVCADAPT_TEST_HOSTS").unwrap_or_default();
    boot_some(&wanted.to_string_lossy())
}

/// Those with this in their names; without any, a part of all.
pub(super) fn boot_some(wanted: &str) -> Vec<Host> {
    if !require(Capability::Namespaces) {
        return Vec::new();
    }
    let layer = managers();
    let is_asked = |name: &str| match wanted {
        "" => all_rounds() || FEW.contains(&name),
        wanted => name.contains(wanted),
    };
    let own = HOSTS.iter().filter(|(name, ..)| is_asked(name)).filter(|(_, _, program)| {
        let laid = layer.iter().any(|layer| {
            ["usr/bin", "usr/sbin"]
                .map(|part| layer.join(part).join(program))
                .iter()
                .any(|path| path.exists())
        });
        program.is_empty() || laid || have(program)
    });
    let systemds = if "systemd".contains(wanted) || wanted.starts_with("systemd") {
        Systemd::own_of_versions(252..)
    } else {
        Vec::new()
    };
    let systemds = systemds.into_iter().map(|systemd| {
        let host = Host {
            name: format!("systemd {}", systemd.version()),
            dir: Dir::new(),
            machine: Machine::Systemd(systemd),
            patience: AtomicU64::new(PATIENCE[0]),
        };
        host.adapt(include_str!("hosts/systemd.sh"));
        host
    });
    let mut all: Vec<Host> = systemds.filter(|host| host.name.contains(wanted)).collect();
    thread::scope(|scope| {
        let booting: Vec<_> = own
            .map(|(name, adapter, _)| scope.spawn(|| Host::boot(name, adapter, layer.as_deref())))
            .collect();
        all.extend(booting.into_iter().map(|host| host.join().unwrap()));
    });
    // In the order of the table: the machine's own first.
    let classic = all.iter().position(|host| host.is("classic"));
    if let Some(classic) = classic {
        all[..=classic].rotate_right(1);
    }
    all
}

impl Host {
    fn boot(name: &str, adapter: &str, layer: Option<&Path>) -> Self {
        let dir = Dir::new();
        if name == "launchd" {
            dir.program("launchd");
            dir.program("launch_shim");
        }
        write_adapter(&dir, adapter, 0);
        let init = format!(". {}; boot", dir.join("adapter").display());
        let machine =
            Booted::boot(Path::new("/"), layer, &init).unwrap_or_else(|why| panic!("{name}: {why}"));
        let host = Self {
            name: name.to_owned(),
            machine: Machine::Own(machine),
            dir,
            patience: AtomicU64::new(PATIENCE[0]),
        };
        host.prepare();
        host
    }

    /// Ends the machine as a loss of power does, and boots it again with the files that services are installed in.
    pub(super) fn reboot(self) -> Self {
        let layer = self.dir.join("layer");
        fs::create_dir(&layer).unwrap();
        if let Some(managers) = managers() {
            let copied = Command::new("cp").arg("-a").arg(managers.join(".")).arg(&layer).status().unwrap();
            assert!(copied.success());
        }
        // Its own files are laid over those of the managers. (Not every root has tar(1).)
        let script =
            "cd \"$1\" && for place in etc/systemd etc/init.d etc/runlevels etc/runit etc/sv etc/service etc/s6 srv \
            var/lib/svcadapt; do [ ! -e $place ] || echo $place; done | tar --create --files-from - |
            tar --extract --keep-directory-symlink --directory \"$2\"";
        let saved = Command::new("sh").args(["-c", script, "sh"]).arg(self.path("/")).arg(&layer).output();
        let saved = saved.unwrap();
        assert!(saved.status.success(), "{}: {saved:?}", self.name);
        let Self { name, machine, dir, patience } = self;
        let machine = match machine {
            Machine::Systemd(systemd) => Machine::Systemd(systemd.reboot(&layer).unwrap()),
            Machine::Own(machine) => {
                drop(machine);
                let init = format!(". {}; boot", dir.join("adapter").display());
                Machine::Own(Booted::boot(Path::new("/"), Some(&layer), &init).unwrap())
            }
        };
        Self { name, machine, dir, patience }
    }

    fn adapt(&self, adapter: &str) {
        let Machine::Systemd(systemd) = &self.machine else { return };
        write_adapter(&self.dir, adapter, systemd.version());
        self.prepare();
    }

    /// What the services of every row need.
    fn prepare(&self) {
        for program in ["svcadapt", "inspect", "announce", "daemonic", "keeper", "selfmade"] {
            self.dir.program(program);
        }
        let http = Path::new(env!("CARGO_BIN_EXE_svcadapt")).with_file_name("examples").join("http");
        self.dir.program_as(&http, "http");
        // For the reports of programs that run as other users.
        let open = self.dir.join("open");
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, Permissions::from_mode(0o777)).unwrap();
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is this host; `systemd` is each of them.
    pub(super) fn is(&self, name: &str) -> bool {
        self.name.split(' ').next() == Some(name)
    }

    /// A path in its directory, the same inside and outside.
    pub(super) fn at(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    /// The path in the machine, from outside.
    pub(super) fn path(&self, inside: &str) -> PathBuf {
        match &self.machine {
            Machine::Own(machine) => machine.path(inside),
            Machine::Systemd(systemd) => systemd.path(inside),
        }
    }

    /// Runs a script with the words of the adapter.
    pub(super) fn shell(&self, script: &str) -> Output {
        let text = format!(". {}\npatience={}\n{script}", self.at("adapter"), self.patience());
        let argv = ["sh", "-c", &text];
        match &self.machine {
            Machine::Own(machine) => machine.run(argv),
            Machine::Systemd(systemd) => systemd.run(argv),
        }
    }

    /// Whether the script ends with success.
    pub(super) fn holds(&self, script: &str) -> bool {
        self.shell(script).exit == Exit::Status(0)
    }

    /// Whether this becomes true. (It is a command, not a script.)
    pub(super) fn becomes(&self, command: &str) -> bool {
        self.holds(&format!("within $patience {command}"))
    }

    /// Installs the services and starts them.
    pub(super) fn start(&self, services: &[Service]) {
        self.begin("", services);
    }

    /// The same for services that svcadapt starts again: a supervisor above it starts them once.
    pub(super) fn start_once(&self, services: &[Service]) {
        self.begin("_once", services);
    }

    fn begin(&self, how: &str, services: &[Service]) {
        let mut script = "set -e\n".to_owned();
        for Service { name, options, program } in services {
            writeln!(script, "install{how} {name} '{options} -- {program}'").unwrap();
        }
        script.push_str("loaded\n");
        for Service { name, .. } in services {
            writeln!(script, "start{how} {name}").unwrap();
        }
        let output = self.shell(&script);
        assert_eq!(output.exit, Exit::Status(0), "{}: {script}{}{}", self.name, output.stdout, output.stderr);
    }

    /// Writes a program for the shell, in which `[D]` is the directory, and returns its path.
    pub(super) fn program(&self, name: &str, text: &str) -> String {
        let text = format!("#!/bin/sh\n{}\n", text.replace("[D]", &self.dir.path().display().to_string()));
        self.dir.executable(name, &text).display().to_string()
    }

    /// A FIFO, at which a program waits until [`Host::open`].
    pub(super) fn gate(&self, name: &str) -> String {
        mkfifo(&self.dir.join(name), Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
        self.at(name)
    }

    /// Opens a gate for one that waits there. Whether one does.
    pub(super) fn open(&self, name: &str) -> bool {
        let mut options = OpenOptions::new();
        options.write(true).custom_flags(libc::O_NONBLOCK);
        let path = self.dir.join(name);
        Self::wait(&format!("a program waits at {name}"), || options.open(&path).ok())
            .is_some_and(|mut gate| gate.write_all(b"\n").is_ok())
    }

    /// What a file has, or nothing if it does not exist.
    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.dir.join(name)).unwrap_or_default()
    }

    /// Waits until the file has these lines, and returns them all.
    pub(super) fn lines(&self, name: &str, count: usize) -> Vec<String> {
        let lines = || self.read(name).lines().map(str::to_owned).collect::<Vec<_>>();
        Self::wait(name, || Some(lines()).filter(|lines| lines.len() >= count)).unwrap_or_else(lines)
    }

    /// The first line of a file, such as the pid of a program.
    pub(super) fn first(&self, name: &str) -> String {
        self.lines(name, 1).into_iter().next().unwrap_or_default()
    }

    /// Before a row: whether it is known to hold.
    pub(super) fn expect(&self, holds: bool) {
        self.patience.store(PATIENCE[usize::from(!holds)], Ordering::Relaxed);
    }

    pub(super) fn patience(&self) -> u64 {
        self.patience.load(Ordering::Relaxed)
    }

    /// Waits for what the row itself needs.
    pub(super) fn wait<T>(what: &str, ask: impl FnMut() -> Option<T>) -> Option<T> {
        Self::within(PATIENCE[0], what, ask)
    }

    /// Waits for what is to be checked: not for long where it is known not to come.
    pub(super) fn soon<T>(&self, what: &str, ask: impl FnMut() -> Option<T>) -> Option<T> {
        Self::within(self.patience(), what, ask)
    }

    fn within<T>(seconds: u64, what: &str, mut ask: impl FnMut() -> Option<T>) -> Option<T> {
        let (begin, patience) = (Instant::now(), Duration::from_secs(seconds));
        wait_within(patience * 2, what, || match ask() {
            None if begin.elapsed() < patience => None,
            answer => Some(answer),
        })
    }
}

fn write_adapter(dir: &Dir, adapter: &str, version: u32) {
    let path = dir.path().display();
    let head = format!("dir={path}\nsvcadapt={path}/svcadapt\nversion={version}\n");
    dir.write("adapter", &format!("{head}{}{adapter}", include_str!("hosts/common.sh")));
}
