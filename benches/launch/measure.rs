//! Measures a launch: from the start of the launcher to the program's first instruction, and to the launcher's return.
//!
//!     cargo bench --bench launch -- [--rounds N]
//!
//! All contenders start the same small program. Their order is shuffled in each round, so that other load of the machine
//! affects all of them equally; the result is the median of the ratios within a round. Each launch waits until the machine
//! is idle. `SVCADAPT_BENCH_BINARY` names another svcadapt to measure. Tools that are not installed are skipped and listed.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot continue ends")]
#![allow(clippy::print_stdout, reason = "the program prints a table")]

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::Read;
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{env, fs};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::{Signal, kill};
use nix::sys::stat::Mode;
use nix::sys::wait::waitpid;
use nix::time::{ClockId, clock_gettime};
use nix::unistd::Pid;
use svcadapt::control::{ServiceRef, stop};
use svcadapt_spec::AbsPath;

/// The limit of open files under most shells and managers.
const FEW: u64 = 1024;
/// The limit of open files in some environments; slow for a launcher that closes every number.
const MANY: u64 = 20_000;
/// The path of the static build below the target directory.
const STATIC: &str = "x86_64-unknown-linux-musl/release/svcadapt";
const PATIENCE: u16 = 10_000;
const BARE: &str = "exec alone";

pub(crate) fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    // Without a C compiler this program is the payload itself.
    if let [word, fifo] = arguments.as_slice()
        && word == "payload"
    {
        return payload(Path::new(fifo));
    }
    let rounds = rounds(&arguments);
    let room = Room::new();
    // Adopt the daemons, so that a round can wait for all its processes.
    nix::sys::prctl::set_child_subreaper(true).unwrap();
    let (contenders, mut skipped) = contenders(&room);
    let (contenders, failed): (Vec<_>, Vec<_>) =
        contenders.into_iter().partition(|contender| room.measure(contender).is_some());
    skipped.extend(failed.iter().map(|contender| format!("{} (it started nothing)", contender.name)));
    let mut samples = vec![Vec::new(); contenders.len()];
    let mut order: Vec<usize> = (0..contenders.len()).collect();
    let mut dice = Dice::new();
    for _ in 0..rounds {
        dice.shuffle(&mut order);
        for &one in &order {
            let contender = &contenders[one];
            samples[one].push(room.measure(contender).unwrap_or_else(|| panic!("{} failed", contender.name)));
        }
    }
    print!("{}", table(&contenders, &samples));
    println!("\n{rounds} rounds; microseconds: median (fastest..slowest); ratios are medians within a round");
    for name in skipped {
        println!("SKIPPED: {name}");
    }
}

fn rounds(arguments: &[String]) -> usize {
    let position = arguments.iter().position(|argument| argument == "--rounds");
    let rounds = position.map(|at| arguments.get(at + 1).expect("--rounds takes a number"));
    rounds.map_or(30, |number| number.parse().expect("--rounds takes a number")).clamp(1, 1000)
}

/// A launcher of the payload.
struct Contender {
    name: String,
    kind: Kind,
    words: Vec<OsString>,
    /// The limit of open files at its start.
    files: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It exits, and the payload stays.
    Daemonizer,
    /// It becomes the payload, or stays with it.
    Wrapper,
}

/// One launch, in nanoseconds.
#[derive(Clone, Copy)]
struct Sample {
    alive: i64,
    returned: i64,
}

fn contenders(room: &Room) -> (Vec<Contender>, Vec<String>) {
    use Kind::{Daemonizer, Wrapper};
    let (mut all, mut skipped) = (Vec::new(), Vec::new());
    let mut add = |name: &str, kind, words: &[&OsStr], files| {
        let mut words: Vec<OsString> = words.iter().map(|&word| word.to_owned()).collect();
        words.extend(room.payload.iter().cloned());
        all.push(Contender { name: name.to_owned(), kind, words, files });
    };
    let (pid_file, lock) = (room.path.join("x.pid"), room.path.join("x.lock"));
    let (pid_file, lock) = (pid_file.as_os_str(), lock.as_os_str());
    let many = MANY.min(getrlimit(Resource::RLIMIT_NOFILE).unwrap().1);
    add(BARE, Wrapper, &[], FEW);
    for (build, path) in binaries(&mut skipped) {
        let (ours, word) = (path.as_os_str(), OsStr::new);
        let classic = [ours, word("run"), word("--mode"), word("classic"), word("--")];
        let supervised = [ours, word("run"), word("--mode"), word("supervised"), word("--")];
        let mut with_pid_file = classic.to_vec();
        with_pid_file.splice(4..4, [word("--pid-file"), pid_file]);
        add(&format!("svcadapt supervised, {build}"), Wrapper, &supervised, FEW);
        add(&format!("svcadapt supervised, {build}, {many} files"), Wrapper, &supervised, many);
        add(&format!("svcadapt classic, {build}"), Daemonizer, &classic, FEW);
        add(&format!("svcadapt classic, {build}, {many} files"), Daemonizer, &classic, many);
        add(&format!("svcadapt classic --pid-file, {build}"), Daemonizer, &with_pid_file, FEW);
    }
    match &room.double_fork {
        Some(double_fork) => add("a double fork in C", Daemonizer, &[double_fork.as_os_str()], FEW),
        None => skipped.push("a double fork in C (no cc)".to_owned()),
    }
    let mut installed = |program: &str, name: &str, kind, options: &[&OsStr], files| match which(program) {
        Some(path) => {
            let mut words = vec![path.as_os_str()];
            words.extend(options);
            add(name, kind, &words, files);
        }
        None => skipped.push(format!("{name} (not installed)")),
    };
    let word = OsStr::new;
    let records = [word("-p"), pid_file, word("-l"), lock];
    let background = [word("-S"), word("-b"), word("-m"), word("-p"), pid_file, word("-a")];
    let unsafe_place = [word("--noconfig"), word("--unsafe"), word("--")];
    installed("daemonize", "daemonize", Daemonizer, &[], FEW);
    installed("daemonize", "daemonize -p -l", Daemonizer, &records, FEW);
    installed("start-stop-daemon", "start-stop-daemon -b -m", Daemonizer, &background, FEW);
    let name = format!("start-stop-daemon -b -m, {many} files");
    installed("start-stop-daemon", &name, Daemonizer, &background, many);
    installed("daemon", "daemon", Daemonizer, &unsafe_place, FEW);
    installed("daemon", &format!("daemon, {many} files"), Daemonizer, &unsafe_place, many);
    installed("tini", "tini -s", Wrapper, &[word("-s"), word("--")], FEW);
    installed("dumb-init", "dumb-init", Wrapper, &[], FEW);
    installed("catatonit", "catatonit", Wrapper, &[word("--")], FEW);
    // start-stop-daemon needs a `--` of its own before the options of the program.
    for contender in all.iter_mut().filter(|contender| contender.name.starts_with("start-stop")) {
        let at = contender.words.len() - room.payload.len() + 1;
        contender.words.insert(at, "--".into());
    }
    (all, skipped)
}

/// The available builds of svcadapt.
fn binaries(skipped: &mut Vec<String>) -> Vec<(&'static str, PathBuf)> {
    if let Some(path) = env::var_os("SVCADAPT_BENCH_BINARY") {
        return vec![("as given", path.into())];
    }
    let own = PathBuf::from(env!("CARGO_BIN_EXE_svcadapt"));
    let target = own.ancestors().nth(2).unwrap();
    let fixed = target.join(STATIC);
    let mut all = vec![("this build", own.clone())];
    if fixed.exists() {
        all.push(("static", fixed));
    } else {
        skipped.push(format!("svcadapt, static ({} does not exist)", fixed.display()));
    }
    all
}

fn which(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|place| place.join(program))
        .find(|path| path.is_file())
}

/// The temporary directory, removed at the end.
struct Room {
    path: PathBuf,
    fifo: PathBuf,
    /// The command of the payload.
    payload: Vec<OsString>,
    double_fork: Option<PathBuf>,
}

impl Room {
    fn new() -> Self {
        let path = env::temp_dir().join(format!("svcadapt-launch-{}", std::process::id()));
        fs::DirBuilder::new().create(&path).unwrap();
        let fifo = path.join("fifo");
        nix::unistd::mkfifo(&fifo, Mode::from_bits_truncate(0o600)).unwrap();
        let payload = match compile("payload", &path, &["-static"]).or_else(|| compile("payload", &path, &[]))
        {
            Some(program) => vec![program.into(), fifo.clone().into()],
            None => vec![env::current_exe().unwrap().into(), "payload".into(), fifo.clone().into()],
        };
        let double_fork = compile("double_fork", &path, &[]);
        Self { path, fifo, payload, double_fork }
    }

    /// One launch, until all its processes have ended. `None` if the payload was not started.
    fn measure(&self, contender: &Contender) -> Option<Sample> {
        let mut fifo = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(&self.fifo).unwrap();
        self.forget();
        let mut command = Command::new(&contender.words[0]);
        command.args(&contender.words[1..]).current_dir(&self.path);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let (before, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
        setrlimit(Resource::RLIMIT_NOFILE, contender.files.min(hard), hard).unwrap();
        await_quiet();
        let begin = now();
        let mut child = command.spawn().unwrap();
        let returned = match contender.kind {
            Kind::Daemonizer => child.wait().ok().map(|_| now()),
            Kind::Wrapper => None,
        };
        setrlimit(Resource::RLIMIT_NOFILE, before, hard).unwrap();
        let record = record(&mut fifo);
        match record {
            Some((_, pid)) => kill(Pid::from_raw(pid), Signal::SIGKILL).unwrap(),
            None => drop(child.kill()),
        }
        reap();
        let (alive, _) = record?;
        Some(Sample { alive: alive - begin, returned: returned.unwrap_or(alive) - begin })
    }
}

impl Room {
    /// Removes what a killed payload has left: files of its launcher, and the record of svcadapt.
    fn forget(&self) {
        let pid_file = AbsPath::parse(self.path.join("x.pid").as_os_str());
        if let Ok(pid_file) = pid_file {
            let _ = stop(&ServiceRef::PidFile(pid_file), None);
        }
        for name in ["x.pid", "x.lock"] {
            let _ = fs::remove_file(self.path.join(name));
        }
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.forget();
        let _ = fs::remove_dir_all(&self.path);
    }
}

/// The time of the payload's first instruction, and its pid.
fn record(fifo: &mut File) -> Option<(i64, i32)> {
    let mut record = [0; 16];
    poll(&mut [PollFd::new(fifo.as_fd(), PollFlags::POLLIN)], PollTimeout::from(PATIENCE)).unwrap();
    // The payload writes the sixteen bytes in one write(2).
    fifo.read_exact(&mut record).ok()?;
    let number = |at: usize| i64::from_ne_bytes(record[at..at + 8].try_into().unwrap());
    Some((number(0), i32::try_from(number(8)).unwrap()))
}

/// Waits until all processes of the launch have ended. The payload was killed, and also has an alarm.
fn reap() {
    loop {
        match waitpid(Pid::from_raw(-1), None) {
            Err(Errno::ECHILD) => return,
            Ok(_) | Err(Errno::EINTR) => {}
            Err(error) => panic!("waitpid: {error}"),
        }
    }
}

/// Waits until no other process is runnable, for 50 ms at most.
fn await_quiet() {
    for _ in 0..50 {
        // The fourth field is RUNNABLE/ALL (proc_loadavg(5)).
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        if load.split(' ').nth(3).is_none_or(|tasks| tasks.starts_with("1/")) {
            return;
        }
        poll(&mut [], PollTimeout::from(1_u8)).unwrap();
    }
}

fn now() -> i64 {
    let now = Duration::from(clock_gettime(ClockId::CLOCK_MONOTONIC).unwrap());
    i64::try_from(now.as_nanos()).unwrap()
}

/// The same as payload.c.
fn payload(fifo: &Path) {
    let begin = now();
    nix::unistd::alarm::set(30);
    let mut record = begin.to_ne_bytes().to_vec();
    record.extend(i64::from(std::process::id()).to_ne_bytes());
    let open = File::options().write(true).custom_flags(libc::O_NONBLOCK).open(fifo).unwrap();
    nix::unistd::write(&open, &record).unwrap();
    drop(open);
    nix::unistd::pause();
}

fn compile(name: &str, room: &Path, options: &[&str]) -> Option<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../benches").join(name).with_extension("c");
    let program = room.join(name);
    let mut command = Command::new("cc");
    command.arg("-O2").args(options).arg("-o").arg(&program).arg(source).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success()).then_some(program)
}

/// A small pseudo-random number generator (xorshift64).
struct Dice(u64);

impl Dice {
    fn new() -> Self {
        Self(now().unsigned_abs() | 1)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % u64::try_from(limit).unwrap()).unwrap()
    }

    fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            all.swap(last, self.below(last + 1));
        }
    }
}

fn table(contenders: &[Contender], samples: &[Vec<Sample>]) -> String {
    let alive = |row: usize| samples[row].iter().map(|sample| sample.alive).collect::<Vec<_>>();
    let returned = |row: usize| samples[row].iter().map(|sample| sample.returned).collect::<Vec<_>>();
    let row_of = |name: &str| contenders.iter().position(|contender| contender.name == name);
    let bare = row_of(BARE).unwrap();
    let mut text = String::new();
    for (kind, title) in [
        (Kind::Wrapper, "wrapper started -> first instruction of the program"),
        (Kind::Daemonizer, "launcher started -> first instruction of the daemon | -> launcher returned"),
    ] {
        let peer = if kind == Kind::Daemonizer { row_of("daemonize") } else { None };
        text.push_str(&["\n", title, "\n"].concat());
        for row in (0..contenders.len()).filter(|&row| contenders[row].kind == kind) {
            let more = median_of_relations(&alive(row), &alive(bare), |one, other| (one - other) / 1000.0);
            let times = median_of_relations(&alive(row), &alive(bare), |one, other| one / other);
            let mut cells = vec![
                format!("  {:<46}", contenders[row].name),
                spread(&alive(row)),
                format!("{more:>+7.0} us {times:>6.2} x exec"),
            ];
            if kind == Kind::Daemonizer {
                cells.push(format!("| {}", spread(&returned(row))));
            }
            if let Some(peer) = peer {
                let alive = median_of_relations(&alive(row), &alive(peer), |one, other| one / other);
                let returned = median_of_relations(&returned(row), &returned(peer), |one, other| one / other);
                cells.push(format!("{alive:>5.2} | {returned:>5.2} x daemonize"));
            }
            text.push_str(cells.join(" ").trim_end());
            text.push('\n');
        }
    }
    text
}

fn spread(nanoseconds: &[i64]) -> String {
    let mut sorted: Vec<f64> = nanoseconds.iter().map(|&one| micros(one)).collect();
    sorted.sort_by(f64::total_cmp);
    let range = format!("({:.0}..{:.0})", sorted[0], sorted[sorted.len() - 1]);
    format!("{:>6.0} {range:<13}", sorted[sorted.len() / 2])
}

/// The median of the ratios (or differences) of two contenders, round by round.
fn median_of_relations(one: &[i64], other: &[i64], relation: impl Fn(f64, f64) -> f64) -> f64 {
    let mut all: Vec<f64> =
        one.iter().zip(other).map(|(&one, &other)| relation(exact(one), exact(other))).collect();
    all.sort_by(f64::total_cmp);
    all[all.len() / 2]
}

fn micros(nanoseconds: i64) -> f64 {
    exact(nanoseconds) / 1000.0
}

/// The number is less than one second, far below the exact range of a double.
#[allow(clippy::cast_precision_loss, reason = "see above")]
fn exact(nanoseconds: i64) -> f64 {
    nanoseconds as f64
}
