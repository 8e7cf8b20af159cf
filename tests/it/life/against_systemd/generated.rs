//! Units that are made from a seed: legal combinations of types, commands, restarts, timeouts and the stop.
//!
//! Only what is decided by order is made: two processes never write at the same time, and no command runs while the
//! program may end.

use super::cases::{Case, Until};

/// The unit of this seed, a pure function of it.
pub(super) fn case(seed: u64) -> Case {
    let mut draw = Draw(seed.wrapping_mul(0x2545_f491_4f6c_dd1d) ^ 0x9e37_79b9_7f4a_7c15);
    let program = Program::draw(&mut draw);
    let mut unit = Lines::default();
    unit.add("Type", program.kind);
    restarts(&mut draw, &mut unit, &program);
    stop(&mut draw, &mut unit);
    rest(&mut draw, &mut unit);
    commands(&mut draw, &mut unit, &program);
    unit.0.extend(program.lines.iter().cloned());
    Case { name: format!("seed_{seed}"), rounds: rounds(&mut draw, &program), unit: unit.0.join("\n") + "\n" }
}

/// What the program does, and when it is known to do nothing more.
struct Program {
    kind: &'static str,
    lines: Vec<String>,
    /// It stays until a request ends it.
    stays: bool,
    /// `Some`: the signal of its end; it may be asked to end by it.
    ends_by: Option<&'static str>,
}

impl Program {
    fn draw(draw: &mut Draw) -> Self {
        let kind = draw.one(&["simple", "exec", "notify", "oneshot", "forking"]);
        match kind {
            "oneshot" => Self::oneshot(draw),
            "forking" => Self::forking(draw),
            _ => Self::usual(draw, kind),
        }
    }

    fn oneshot(draw: &mut Draw) -> Self {
        let mut lines: Vec<String> = (0..=draw.below(3))
            .map(|_| {
                let end = draw.one(&["", "", "", " exit 3", " exit 7", " raise USR1", " raise TERM"]);
                format!("ExecStart={}[T] main{end}", draw.minus())
            })
            .collect();
        if draw.chance(10) {
            lines = vec![format!(
                "TimeoutStartSec=800ms\nExecStart=[T] main {}",
                draw.one(&["deaf", "stay ABRT"])
            )];
        }
        Self { kind: "oneshot", lines, stays: false, ends_by: None }
    }

    fn forking(draw: &mut Draw) -> Self {
        let stays = draw.chance(80);
        let first = if stays {
            format!("fork [PID] {}", draw.one(&["stay", "stay", "deaf"]))
        } else {
            draw.one(&["exit 3", "exit 7", "raise TERM", "raise KILL"]).to_owned()
        };
        let lines = vec!["PIDFile=[PID]".to_owned(), format!("ExecStart=[T] first {first}")];
        Self { kind: "forking", lines, stays, ends_by: None }
    }

    fn usual(draw: &mut Draw, kind: &'static str) -> Self {
        let mut lines = Vec::new();
        let child = match draw.below(10) {
            0 => "child stay ",
            1 => "child deaf ",
            _ => "",
        };
        let ready = if kind == "notify" { "notify READY=1 " } else { "" };
        let pause = if kind == "notify" { "pause 150 " } else { "" };
        let signal = draw.one(&["TERM", "TERM", "TERM", "INT", "USR1", "ABRT"]);
        let stay = format!("stay {signal}");
        let (end, stays) = match draw.below(20) {
            0..=4 => (format!("{ready}{pause}{}", draw.one(&["exit 0", "exit 3", "exit 7"])), false),
            5..=7 => {
                let signal = draw.one(&["TERM", "KILL", "USR1", "ABRT"]);
                (format!("{ready}{pause}raise {signal}"), false)
            }
            8 if kind == "notify" => (draw.one(&["exit 0", "exit 3", "raise KILL"]).to_owned(), false),
            9 if kind == "notify" => {
                lines.push("TimeoutStartSec=800ms".to_owned());
                let mode = draw.one(&["terminate", "abort", "kill"]);
                lines.push(format!("TimeoutStartFailureMode={mode}"));
                (stay, false)
            }
            10 if kind == "notify" => {
                lines.push("WatchdogSec=800ms".to_owned());
                (format!("{ready}{}", draw.one(&["stay ABRT", "deaf"])), false)
            }
            11 => {
                lines.push("RuntimeMaxSec=800ms".to_owned());
                (format!("{ready}{stay}"), false)
            }
            12 => (format!("{ready}deaf"), true),
            _ => (format!("{ready}{stay}"), true),
        };
        lines.push(format!("ExecStart={}[T] main {child}{end}", draw.minus()));
        let ends_by = (stays && end.contains("stay")).then_some(signal);
        Self { kind, lines, stays, ends_by }
    }
}

fn restarts(draw: &mut Draw, unit: &mut Lines, program: &Program) {
    if draw.chance(60) {
        let policies =
            ["always", "on-success", "on-failure", "on-failure", "on-abnormal", "on-abort", "on-watchdog"];
        let policy = match (program.kind, draw.one(&policies)) {
            // systemd refuses those.
            ("oneshot", "always" | "on-success") => "on-failure",
            (_, policy) => policy,
        };
        unit.add("Restart", policy);
        unit.add("RestartSec", "1ms");
    }
    unit.add("StartLimitBurst", if program.stays { "6" } else { draw.one(&["2", "2", "3"]) });
    for directive in ["SuccessExitStatus", "RestartPreventExitStatus", "RestartForceExitStatus"] {
        // systemd 252 refuses a oneshot service that is always started again.
        let refused = program.kind == "oneshot" && directive == "RestartForceExitStatus";
        if draw.chance(15) && !refused {
            unit.add(directive, draw.one(&["3", "7 SIGUSR1", "SIGKILL", "SIGTERM", "3 SIGABRT"]));
        }
    }
    if draw.chance(25) {
        unit.add("RemainAfterExit", "yes");
    }
}

fn stop(draw: &mut Draw, unit: &mut Lines) {
    unit.add("TimeoutStopSec", "1");
    if draw.chance(30) {
        unit.add("KillMode", draw.one(&["control-group", "mixed", "process"]));
    }
    if draw.chance(25) {
        unit.add("KillSignal", draw.one(&["SIGINT", "SIGUSR1"]));
    }
    if draw.chance(15) {
        unit.add("RestartKillSignal", draw.one(&["SIGINT", "SIGUSR1"]));
    }
    if draw.chance(20) {
        unit.add("TimeoutStopFailureMode", draw.one(&["abort", "kill"]));
    }
    if draw.chance(10) {
        unit.add("TimeoutAbortSec", "500ms");
    }
}

/// Identity, directories and variables.
fn rest(draw: &mut Draw, unit: &mut Lines) {
    if draw.chance(20) {
        unit.add("User", "daemon");
    }
    if draw.chance(15) {
        unit.add("UMask", draw.one(&["0027", "0077"]));
    }
    if draw.chance(15) {
        unit.add("WorkingDirectory", "/usr");
    }
    if draw.chance(20) {
        unit.add("Environment", "ONE=1 \"TWO=2 3\"");
    }
    if draw.chance(20) {
        unit.add("RuntimeDirectory", "[NAME]");
        if draw.chance(50) {
            unit.add("RuntimeDirectoryPreserve", draw.one(&["yes", "restart"]));
        }
    }
}

fn commands(draw: &mut Draw, unit: &mut Lines, program: &Program) {
    let mut list = |draw: &mut Draw, directive: &str, word: &str, ends: &[&str], chance| {
        if draw.chance(chance) {
            for number in 1..=draw.below(2) + 1 {
                let rights = draw.one(&["", "", "", "", "+", "!"]);
                let end = draw.one(ends);
                unit.add(directive, &format!("{}{rights}[T] {word}{number}{end}", draw.minus()));
            }
        }
    };
    list(draw, "ExecCondition", "condition", &["", "", "", "", " exit 1", " exit 255", " raise KILL"], 15);
    list(draw, "ExecStartPre", "pre", &["", "", "", "", "", " exit 1", " raise TERM"], 35);
    let waits = matches!(program.kind, "oneshot" | "forking") || program.kind == "notify" && program.stays;
    if waits {
        list(draw, "ExecStartPost", "post", &["", "", "", "", " exit 3", " raise TERM"], 35);
    }
    if program.stays {
        list(draw, "ExecReload", "reload", &["", "", "", " exit 3"], 30);
    }
    list(draw, "ExecStop", "stop", &["", "", "", " exit 3", " raise TERM"], 40);
    list(draw, "ExecStopPost", "stop-post", &["", "", "", "", "", " exit 3", " raise KILL"], 100);
    if let Some(signal) = program.ends_by.filter(|_| draw.chance(20)) {
        unit.add("ExecStop", &format!("[T] stop send {signal}"));
    }
}

fn rounds(draw: &mut Draw, program: &Program) -> Vec<(String, Until)> {
    let mut rounds = Vec::new();
    let mut add = |action: &str, until| rounds.push((action.to_owned(), until));
    if program.stays {
        let mut starts = 1;
        add("start", Until::Quiet(starts));
        for _ in 0..draw.below(3) {
            let action = draw.one(&["restart", "reload", "kill"]);
            starts += usize::from(action != "reload");
            add(action, Until::Quiet(starts));
        }
    } else {
        add("start", Until::Rest);
    }
    add("stop", Until::End);
    rounds
}

#[derive(Default)]
struct Lines(Vec<String>);

impl Lines {
    fn add(&mut self, directive: &str, value: &str) {
        self.0.push(format!("{directive}={value}"));
    }
}

/// Random numbers (SplitMix64).
struct Draw(u64);

impl Draw {
    fn below(&mut self, end: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut word = self.0;
        word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (word ^ (word >> 31)) % end
    }

    /// True in so many of a hundred cases.
    fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }

    fn one<'a>(&mut self, all: &[&'a str]) -> &'a str {
        all[usize::try_from(self.below(all.len() as u64)).unwrap()]
    }

    /// Sometimes the prefix of a command whose failure is ignored.
    fn minus(&mut self) -> &'static str {
        if self.chance(15) { "-" } else { "" }
    }
}
