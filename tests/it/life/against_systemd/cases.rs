//! The units whose lives are compared, and what is asked of them.

/// A service, and what is asked of it.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) rounds: Vec<(String, Until)>,
    pub(super) unit: String,
}

/// When a round is over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Until {
    /// So many lines are written, and nothing is under way.
    Settled(usize),
    /// So many lines are written.
    Lines(usize),
    /// The program was started so often and nothing is under way, or it has ended for good; a service that has ended
    /// before is asked nothing.
    Quiet(usize),
    /// Nothing is under way, and the program does not run.
    Rest,
    /// The service has ended for good.
    End,
}

impl Case {
    fn started_once(name: String, unit: String) -> Self {
        Self { name, rounds: vec![("start".to_owned(), Until::End)], unit }
    }
}

pub(super) fn all() -> Vec<Case> {
    written(include_str!("../units.txt")).chain(restarts()).chain(conditions()).collect()
}

fn written(text: &str) -> impl Iterator<Item = Case> + '_ {
    text.split("\n== ").skip(1).map(|part| {
        let (head, unit) = part.split_once('\n').unwrap();
        let (name, rounds) = head.split_once(": ").unwrap();
        let rounds = rounds.split("; ").map(|round| {
            let (action, until) = round.split_once(' ').unwrap();
            let until = match (until, until.strip_prefix('~')) {
                ("end", _) => Until::End,
                (_, Some(count)) => Until::Lines(count.parse().unwrap()),
                (count, _) if count.starts_with('*') => Until::Quiet(count[1..].parse().unwrap()),
                (count, None) => Until::Settled(count.parse().unwrap()),
            };
            (action.to_owned(), until)
        });
        Case { name: name.to_owned(), rounds: rounds.collect(), unit: unit.trim_end().to_owned() + "\n" }
    })
}

/// The table of systemd.service(5), `Restart=`.
fn restarts() -> impl Iterator<Item = Case> {
    let policies = ["no", "always", "on-success", "on-failure", "on-abnormal", "on-abort", "on-watchdog"];
    let ends = [
        ("exit_0", "", "exit 0"),
        ("exit_1", "", "exit 1"),
        ("raise_KILL", "", "raise KILL"),
        ("raise_TERM", "", "raise TERM"),
        ("raise_ABRT", "", "raise ABRT"),
        ("timeout", "Type=notify\nTimeoutStartSec=800ms\n", "stay TERM"),
        ("watchdog", "Type=notify\nWatchdogSec=800ms\n", "notify READY=1 stay ABRT"),
    ];
    policies.into_iter().flat_map(move |policy| {
        ends.into_iter().map(move |(word, lines, end)| {
            let unit = format!(
                "{lines}Restart={policy}\nRestartSec=1ms\nStartLimitBurst=2\nExecStart=[T] main {end}\n"
            );
            Case::started_once(format!("restart_{policy}_{word}"), unit)
        })
    })
}

/// Each condition and each assertion with a value that holds and with one that does not, on every machine.
fn conditions() -> impl Iterator<Item = Case> {
    // What holds, and what does not.
    let kinds = [
        ("Architecture", "!sparc", "sparc"),
        ("Virtualization", "!powervm", "powervm"),
        ("Host", "!no-such-host", "no-such-host"),
        ("KernelCommandLine", "!no.such.word", "no.such.word"),
        ("KernelVersion", ">=2.6", "<2.6"),
        ("Credential", "!no-such-credential", "no-such-credential"),
        ("Environment", "PATH", "NO_SUCH_VARIABLE"),
        ("Security", "!smack", "smack"),
        ("Capability", "CAP_CHOWN", "!CAP_CHOWN"),
        ("ACPower", "", "no-boolean"),
        ("NeedsUpdate", "", "/no/such"),
        ("FirstBoot", "no", "yes"),
        ("PathExists", "/", "/no/such"),
        ("PathExistsGlob", "/proc/sel?", "/no/such*"),
        ("PathIsDirectory", "/proc", "/proc/self/status"),
        ("PathIsSymbolicLink", "/proc/self", "/proc"),
        ("PathIsMountPoint", "/proc", "/proc/self"),
        ("PathIsReadWrite", "/run", "/no/such"),
        ("PathIsEncrypted", "!/proc", "/proc"),
        ("DirectoryNotEmpty", "/proc", "/no/such"),
        ("FileNotEmpty", "[P]", "/no/such"),
        ("FileIsExecutable", "[P]", "/proc/self/status"),
        ("User", "root", "nobody"),
        ("Group", "root", "!root"),
        ("ControlGroupController", "", "no-such-controller"),
        ("Memory", ">1", "<1"),
        ("CPUs", ">=1", "<1"),
        ("OSRelease", "", "ID=no-such-system"),
    ];
    let one = |name: String, lines: &str| {
        Case::started_once(name, format!("ExecStart=[T] main exit 0\n[Unit]\n{lines}"))
    };
    let holding = kinds.iter().filter(|(_, holds, _)| !holds.is_empty());
    let holding: Vec<String> =
        holding.map(|(kind, holds, _)| format!("Condition{kind}={holds}\nAssert{kind}={holds}\n")).collect();
    let holding = holding.concat();
    let failing = kinds.into_iter().flat_map(move |(kind, _, fails)| {
        ["Condition", "Assert"].map(|word| {
            let name = format!("{}_{}", word.to_lowercase(), kind.to_lowercase());
            one(name, &format!("{word}{kind}={fails}\n"))
        })
    });
    std::iter::once(one("all_conditions_hold".to_owned(), &holding)).chain(failing)
}
