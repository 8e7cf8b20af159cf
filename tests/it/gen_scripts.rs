//! gen-openrc, gen-runit, gen-s6 and gen-sysv: what the hosts make of the files, with the real managers.

mod files;
mod openrc;
mod runit;
mod s6;
mod sysv;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::harness::{Booted, Capability, Dir, Exit, Svc, all_at_once, managers, require};

/// The words of every script: `D` is the test's directory, and `svcadapt` is in it.
const WORDS: &str = r#"
export PATH="$D:$PATH"
within() {
    end=$(($(date +%s) + 20))
    until "$@"; do
        [ "$(date +%s)" -lt $end ] || { echo "not in time: $*" >&2; return 1; }
        sleep 0.1
    done
}
holds() {
    end=$(($(date +%s) + 2))
    while "$@"; do
        [ "$(date +%s)" -lt $end ] || return 0
        sleep 0.1
    done
    echo "did not hold: $*" >&2
    return 1
}
starts() { cat "$D/$1.starts" 2>/dev/null | wc -l; }
started() { [ "$(starts "$1")" = "$2" ]; }
# The service does this now: it waits at its gate.
order() { echo "$2" >"$D/$1.gate"; }
gate() { mkfifo "$D/$1.gate"; }
"#;

/// A program that appends its pid to `NAME.starts`, waits at `NAME.gate`, and ends as it reads there.
const WORK: &str = "#!/bin/sh
echo $$ >>[D]/$1.starts
read -r word <[D]/$1.gate
case $word in
crash) kill -KILL $$ ;;
*) exit \"$word\" ;;
esac
";

/// A program that writes its words and its environment as they are, and stays.
const TELL: &str = "#!/bin/sh
cat /proc/$$/environ >[D]/$1.env
cat /proc/$$/cmdline >[D]/$1.new
mv [D]/$1.new [D]/$1.words
exec sleep 100
";

/// Words that a shell, systemd, OpenRC or a supervisor could change.
const HOSTILE: [&[u8]; 13] = [
    b"",
    b" a  b\t",
    b"it's \"quoted\"",
    b"''\\''",
    b"two\nlines\n",
    b"$HOME ${D} $(id) `id` $$",
    b"%n %% %i \\n \\\\",
    b"* ? [a-z] ~ {a,b} ! #",
    b"; & | < > ( )",
    "\u{e4}\u{1f600}\u{301}".as_bytes(),
    b"bytes \xff\xfe\x01\x1b[0m",
    b"-n",
    b"A=b",
];

/// Restart policies, with the ends after which each starts the program again, and one that is final.
const POLICIES: [(&str, &[&str], Option<&str>); 5] = [
    ("always", &["crash", "0", "3"], None),
    ("on-failure", &["crash", "3"], Some("0")),
    ("on-abnormal", &["crash"], Some("3")),
    ("on-success", &["0"], Some("crash")),
    ("no", &[], Some("3")),
];

/// The options of services that their supervisor starts again, and of such that svcadapt does.
const RESTARTED_BY: [(&str, &[&str]); 2] = [("host", &[]), ("adapter", &["--restart-sec", "100ms"])];

/// A machine of its own with a host.
struct Machine {
    machine: Booted,
    dir: Dir,
}

impl Machine {
    /// Process 1 is this script. `None`: the test is skipped.
    fn boot(init: &str, with_managers: bool) -> Option<Self> {
        if !require(Capability::Namespaces) || with_managers && !require(Capability::Managers) {
            return None;
        }
        let layer = managers().filter(|_| with_managers);
        let dir = Dir::new();
        dir.program("svcadapt");
        let path = dir.path().display().to_string();
        for (name, text) in [("work", WORK), ("tell", TELL)] {
            dir.executable(name, &text.replace("[D]", &path));
        }
        let machine = Booted::boot(Path::new("/"), layer.as_deref(), init);
        Some(Self { machine: machine.unwrap_or_else(|why| panic!("{why}")), dir })
    }

    /// Generates a service named NAME, into a directory of the machine.
    fn generate(&self, format: &str, name: &str, to: &str, words: &[&str]) {
        let words: Vec<&OsStr> = words.iter().map(OsStr::new).collect();
        self.generate_bytes(format, name, to, &words);
    }

    fn generate_bytes(&self, format: &str, name: &str, to: &str, words: &[&OsStr]) {
        let adapter = self.dir.join("svcadapt").display().to_string();
        let made = ["svcadapt", format, "--name", name, "--output", to];
        let adapter =
            ["--svcadapt", &adapter].into_iter().filter(|_| !words.contains(&OsStr::new("--svcadapt")));
        let made = made.into_iter().chain(adapter).map(OsStr::new);
        let made: Vec<&OsStr> = made.chain(words.iter().copied()).collect();
        let script = format!("{}\nmkdir -p {to}\nexec \"$@\"", self.head());
        let argv = [OsStr::new("sh"), OsStr::new("-c"), OsStr::new(&script), OsStr::new("sh")];
        let output = self.machine.run(argv.into_iter().chain(made));
        assert_eq!((output.exit, output.stdout.as_str()), (Exit::Status(0), ""), "{}", output.stderr);
    }

    fn head(&self) -> String {
        format!("D={}\n{WORDS}", self.dir.path().display())
    }

    /// Runs a script, which must end with 0, and returns what it prints.
    fn shell(&self, script: &str) -> String {
        let output = self.machine.run(["sh", "-c", &format!("{}\n{script}", self.head())]);
        assert_eq!(output.exit, Exit::Status(0), "{script}\n{}{}", output.stdout, output.stderr);
        output.stdout
    }

    /// The path of `work` or `tell`.
    fn program(&self, name: &str) -> String {
        self.dir.join(name).display().to_string()
    }

    /// What `tell` was started with: its words without the shell, its own path and name; and its environment.
    fn told(&self, name: &str) -> (Vec<Vec<u8>>, Vec<Vec<u8>>) {
        self.shell(&format!("within test -e $D/{name}.words"));
        let split = |file: String| {
            let bytes = self.dir.read_bytes(&file);
            let bytes = bytes.strip_suffix(b"\0").unwrap_or(&bytes);
            bytes.split(|byte| *byte == 0).map(<[u8]>::to_vec).collect::<Vec<_>>()
        };
        (split(format!("{name}.words")).split_off(3), split(format!("{name}.env")))
    }

    /// Generates a service with hostile words, and one with a hostile environment, and has the host start both: what
    /// the programs get is what was written.
    fn passes_hostile_values(&self, format: &str, to: &str, options: &[&str], start: impl Fn(&str)) {
        let tell = self.program("tell");
        let variables: Vec<Vec<u8>> = HOSTILE
            .iter()
            .enumerate()
            .map(|(number, value)| [format!("V{number}=").as_bytes(), value].concat())
            // An environment of a spec is text.
            .filter(|variable| std::str::from_utf8(variable).is_ok())
            .collect();
        for (name, with_environment) in [("plain", false), ("environment", true)] {
            let mut words: Vec<&OsStr> = options.iter().map(OsStr::new).collect();
            if with_environment {
                for variable in &variables {
                    words.extend([OsStr::new("--environment"), OsStr::from_bytes(variable)]);
                }
            }
            words.extend(["--", &tell, name].map(OsStr::new));
            words.extend(HOSTILE.map(OsStr::from_bytes));
            self.generate_bytes(format, name, to, &words);
            start(name);
            let (told, environment) = self.told(name);
            assert_eq!(told, HOSTILE, "{name}");
            let missing = variables.iter().filter(|variable| !environment.contains(variable));
            assert!(!with_environment || missing.count() == 0, "{name}: {environment:?}");
        }
    }

    /// Starts a service for each policy, below the supervisor and below svcadapt, and ends it by each of its orders: it is started
    /// again, or stays down and is started by this command. `state`: the functions `up` and `down` of the supervisor.
    fn restarts_by_policy(&self, state: &str, start: &str, begin: impl Fn(&str, &[&str]) + Sync) {
        let all = RESTARTED_BY.iter().flat_map(|by| POLICIES.map(|policy| (by, policy)));
        all_at_once(all, |((by, options), (policy, again, last))| {
            let name = format!("{by}-{policy}");
            begin(&name, &[&["--restart", policy], *options].concat());
            for (number, order) in again.iter().enumerate() {
                self.shell(&format!("order {name} {order}; within started {name} {}", number + 2));
            }
            if let Some(last) = last {
                let starts = again.len() + 1;
                self.shell(&format!(
                    "{state}order {name} {last}; within down {name}; holds started {name} {starts}; down {name} &&
                     {start} /srv/{name} && within started {name} {}",
                    starts + 1
                ));
            }
        });
    }
}

/// The standard output of a command that succeeds.
fn made(dir: &Dir, args: &[&str]) -> String {
    let output = Svc::new(dir).args(args).output();
    assert_eq!(output.exit, Exit::Status(0), "{args:?}: {}", output.stderr);
    output.stdout
}
