//! The cases of property lists, on the machine of `machine`.

use std::path::Path;

use svcadapt_spec::{Origin, Scope};

use super::{RuleCase, errors, inode, machine, random};
use crate::lint::rules::{file, job as lifecycle, key};
use crate::lint::{FileKind, Finding, JobFile, Lookup, Machine, MachineData, job};

/// The keys of a job that starts its program through svcadapt.
macro_rules! svcadapt {
    ($option:literal, $program:literal, $argument:literal) => {
        concat!(
            "#without Program\n<key>ProgramArguments</key><array><string>/usr/local/bin/svcadapt</string>",
            "<string>run</string><string>",
            $option,
            "</string><string>--</string><string>",
            $program,
            "</string><string>",
            $argument,
            "</string></array>"
        )
    };
}

/// A case has keys of the dictionary; a label, a program and `RunAtLoad` are added if it does not set them. Lines that
/// start with `#` set up the machine and the file.
#[rustfmt::skip]
pub(super) const CASES: &[RuleCase] = &[
    (&file::REFUSED, "</dict>", ""),
    (&file::WRITABLE, "#mode 664 0", "#mode 644 0"),
    (&file::OWNER, "#mode 644 501", "#agent\n#mode 644 501"),
    (&file::QUARANTINE, "#quarantine", ""),
    (&file::SECRET, "<key>EnvironmentVariables</key><dict><key>API_KEY</key><string>abcdef</string></dict>", "<key>EnvironmentVariables</key><dict><key>API_KEY_FILE</key><string>/a</string></dict>"),

    (&key::UNKNOWN, "<key>StartCalendarIntervals</key><array/>", "<key>StartCalendarInterval</key><array/>"),
    (&key::UNKNOWN, "<key>keepalive</key><false/>", "<key>KeepAlive</key><false/>"),
    (&key::KIND, "<key>RunAtLoad</key><string>true</string><key>StartInterval</key><integer>5</integer>", "<key>RunAtLoad</key><true/>"),
    (&key::KIND, "<key>KeepAlive</key><dict><key>PathState</key><string>/x</string></dict><key>ThrottleInterval</key><integer>9</integer><key>ExitTimeOut</key><integer>9</integer>", "<key>KeepAlive</key><dict><key>PathState</key><dict><key>/x</key><true/></dict></dict><key>ThrottleInterval</key><integer>9</integer><key>ExitTimeOut</key><integer>9</integer>"),
    (&key::KIND, "<key>EnvironmentVariables</key><dict><key>N</key><integer>1</integer></dict>", "<key>EnvironmentVariables</key><dict><key>N</key><string>1</string></dict>"),
    (&key::DEAD, "<key>TimeOut</key><integer>9</integer>", "<key>ExitTimeOut</key><integer>9</integer>"),
    (&key::DEAD, "<key>OnDemand</key><false/>", ""),
    (&key::NO_LABEL, "#without Label", ""),
    (&key::FILE_NAME, "<key>Label</key><string>org.other</string>", "<key>Label</key><string>org.web</string>"),
    (&key::NO_PROGRAM, "#without Program", "#without Program\n<key>BundleProgram</key><string>Contents/web</string>"),
    (&key::RELATIVE, "<key>Program</key><string>web</string>", "<key>Program</key><string>/bin/web</string>"),
    (&key::RELATIVE, "#without Program\n<key>ProgramArguments</key><array><string>bin/web</string></array>", "#without Program\n<key>ProgramArguments</key><array><string>/bin/web</string></array>"),
    (&key::SEARCHED, "#without Program\n<key>ProgramArguments</key><array><string>web</string></array>", "<key>ProgramArguments</key><array><string>web</string></array>"),
    (&key::SHELL, "<key>ProgramArguments</key><array><string>web</string><string>$HOME/x</string></array>", "<key>ProgramArguments</key><array><string>web</string><string>5$</string></array>"),
    (&key::SHELL, "<key>ProgramArguments</key><array><string>web</string><string>&gt;</string></array>", "<key>ProgramArguments</key><array><string>web</string><string>a&gt;b</string></array>"),
    (&key::SHELL, "#agent\n<key>StandardOutPath</key><string>~/log</string>", "#agent\n<key>StandardOutPath</key><string>/tmp/log</string>"),
    (&key::SHELL, "<key>ProgramArguments</key><array><string>web</string><string>--dir=~/x</string></array>", "#without Program\n<key>ProgramArguments</key><array><string>/bin/sh</string><string>-c</string><string>~/x | $Y</string></array>"),
    (&key::SHELL, svcadapt!("--umask=027", "/bin/web", "$PORT"), svcadapt!("--expand-variables=yes", "/bin/web", "$PORT")),
    (&key::SHELL, svcadapt!("--expand-variables=no", "/bin/web", "$PORT"), svcadapt!("--expand-variables", "/bin/web", "${PORT}")),
    (&key::SHELL, svcadapt!("--expand-variables", "/bin/web", "~/x"), svcadapt!("--ready=x", "/bin/sh", "~/x $Y")),
    (&key::SHELL, svcadapt!("--environment-file=~/x", "/bin/web", "a"), svcadapt!("--ready=exec:test ${A}", "/bin/web", "a")),
    (&key::USER_NUMBER, "<key>UserName</key><string>501</string>", "<key>UserName</key><string>www</string>"),
    (&key::AGENT_USER, "#agent\n<key>UserName</key><string>www</string>", "<key>UserName</key><string>www</string><key>InitGroups</key><true/>"),
    (&key::USER_MISSING, "#mac\n<key>UserName</key><string>_web</string>", "<key>UserName</key><string>_web</string>"),
    (&key::USER_MISSING, "#mac\n<key>GroupName</key><string>_web</string>", "#mac\n<key>GroupName</key><string>www</string>"),
    (&key::UMASK, "<key>Umask</key><integer>027</integer>", "<key>Umask</key><integer>23</integer>"),
    (&key::UMASK, "<key>Umask</key><integer>010</integer>", "<key>Umask</key><integer>002</integer>"),
    (&key::UMASK, "<key>Umask</key><string>27</string>", "<key>Umask</key><string>027</string>"),
    (&key::UMASK, "<key>Umask</key><string>0o27</string>", "<key>Umask</key><string>0x17</string>"),
    (&key::NICE, "<key>Nice</key><integer>21</integer>", "<key>Nice</key><integer>-20</integer>"),
    (&key::MAXFILES, "<key>HardResourceLimits</key><dict><key>NumberOfFiles</key><integer>9</integer></dict>", "#agent\n<key>HardResourceLimits</key><dict><key>NumberOfFiles</key><integer>9</integer></dict>"),
    (&key::LIMITS, "<key>SoftResourceLimits</key><dict><key>Core</key><integer>9</integer></dict><key>HardResourceLimits</key><dict><key>Core</key><integer>8</integer></dict>", "<key>SoftResourceLimits</key><dict><key>Core</key><integer>8</integer></dict><key>HardResourceLimits</key><dict><key>Core</key><integer>8</integer></dict>"),
    (&key::PORT, "<key>Sockets</key><dict><key>a</key><dict/></dict>", "<key>Sockets</key><dict><key>a</key><dict><key>SockServiceName</key><string>80</string></dict></dict>"),
    (&key::SOCKET_MODE, "<key>Sockets</key><dict><key>a</key><array><dict><key>SockPathName</key><string>/x</string></dict></array></dict>", "<key>Sockets</key><dict><key>a</key><dict><key>SockPathName</key><string>/x</string><key>SockPathMode</key><integer>438</integer></dict></dict>"),
    (&key::SOCKET_OCTAL, "<key>Sockets</key><dict><key>a</key><dict><key>SockPathName</key><string>/x</string><key>SockPathMode</key><integer>666</integer></dict></dict>", "<key>Sockets</key><dict><key>a</key><dict><key>SockPathName</key><string>/x</string><key>SockPathMode</key><integer>49663</integer></dict></dict>"),
    (&key::ROOT, "<key>RootDirectory</key><string>/srv</string>", "<key>RootDirectory</key><string>/srv</string><key>WorkingDirectory</key><string>/</string>"),
    (&key::CALENDAR, "<key>StartCalendarInterval</key><dict><key>Minute</key><integer>60</integer></dict>", "<key>StartCalendarInterval</key><array><dict><key>Weekday</key><integer>7</integer><key>Hour</key><integer>0</integer><key>Minute</key><integer>0</integer></dict></array>"),

    (&key::NOT_HERE, "#mac\n<key>Program</key><string>/no/web</string>", "<key>Program</key><string>/no/web</string>"),
    (&key::NOT_HERE, "#mac\n<key>WorkingDirectory</key><string>/no</string>", "#mac\n<key>WorkingDirectory</key><string>/srv</string>"),

    (&key::WORDS, "<key>Program</key><string>/bin/web --a</string>", "<key>Program</key><string>/Applications/My App.app/web</string>"),
    (&key::WORDS, "<key>ProgramArguments</key><array><string>web</string><string>--port 80</string></array>", "<key>ProgramArguments</key><array><string>web</string><string>--title=My web</string></array>"),
    (&key::SCRIPT, "#without Program\n<key>ProgramArguments</key><array><string>/bin/sh</string><string>-c</string><string>web</string><string>-a</string></array>", "#without Program\n<key>ProgramArguments</key><array><string>/bin/sh</string><string>-c</string><string>web $1</string><string>sh</string><string>-a</string></array>"),
    (&key::EVERY_MINUTE, "<key>StartCalendarInterval</key><dict><key>Hour</key><integer>4</integer></dict>", "<key>StartCalendarInterval</key><dict><key>Minute</key><integer>4</integer></dict>"),
    (&key::EVERY_MINUTE, "<key>StartCalendarInterval</key><dict><key>Weekday</key><integer>4</integer><key>Minute</key><integer>0</integer></dict>", "<key>StartCalendarInterval</key><dict><key>Weekday</key><integer>4</integer><key>Hour</key><integer>0</integer><key>Minute</key><integer>0</integer></dict>"),
    (&key::RELATIVE_PATH, "<key>StandardOutPath</key><string>web.log</string>", "<key>StandardOutPath</key><string>/tmp/web.log</string>"),
    (&key::RELATIVE_PATH, "<key>QueueDirectories</key><array><string>file:///a</string></array>", "<key>QueueDirectories</key><array><string>/a</string></array>"),
    (&key::SHELL, "<key>KeepAlive</key><dict><key>PathState</key><dict><key>~/x</key><true/></dict></dict><key>ThrottleInterval</key><integer>9</integer><key>ExitTimeOut</key><integer>9</integer>", "<key>KeepAlive</key><dict><key>PathState</key><dict><key>/x</key><true/></dict></dict><key>ThrottleInterval</key><integer>9</integer><key>ExitTimeOut</key><integer>9</integer>"),
    (&key::SHELL, "<key>EnvironmentVariables</key><dict><key>PATH</key><string>/a:$PATH</string></dict>", "<key>EnvironmentVariables</key><dict><key>A</key><string>cost$5</string></dict>"),
    (&key::SESSION, "<key>LimitLoadToSessionType</key><array><string>Aqua</string></array>", "<key>LimitLoadToSessionType</key><array><string>Aqua</string><string>System</string></array>"),
    (&key::SESSION, "#agent\n<key>LimitLoadToSessionType</key><string>System</string>", "#agent\n<key>LimitLoadToSessionType</key><string>Background</string>"),
    (&key::CHOICE, "<key>ProcessType</key><string>Daemon</string>", "<key>ProcessType</key><string>Interactive</string>"),
    (&key::CHOICE, "<key>Sockets</key><dict><key>a</key><dict><key>SockServiceName</key><string>80</string><key>SockType</key><string>tcp</string></dict></dict>", "<key>Sockets</key><dict><key>a</key><dict><key>SockServiceName</key><string>80</string><key>SockType</key><string>Stream</string></dict></dict>"),
    (&key::QUOTED, "<key>Program</key><string>/My\\ App/web</string>", "<key>Program</key><string>/My App/web</string>"),
    (&key::QUOTED, "<key>ProgramArguments</key><array><string>web</string><string>\"a b\"</string></array>", "<key>ProgramArguments</key><array><string>web</string><string>say \"a b\" twice</string></array>"),
    (&key::INTERVAL, "<key>StartInterval</key><integer>0</integer>", "<key>StartInterval</key><integer>1</integer><key>ThrottleInterval</key><integer>0</integer>"),
    (&key::NAME_FIRST, "<key>ProgramArguments</key><array><string>--a</string></array>", "<key>ProgramArguments</key><array><string>web</string><string>--a</string></array>"),
    (&key::LABEL, "<key>Label</key><string>a/b</string>", "<key>Label</key><string>org.web</string>"),
    (&key::EITHER_DAY, "<key>StartCalendarInterval</key><dict><key>Weekday</key><integer>4</integer><key>Day</key><integer>4</integer><key>Hour</key><integer>0</integer><key>Minute</key><integer>0</integer></dict>", "<key>StartCalendarInterval</key><array><dict><key>Day</key><integer>4</integer><key>Hour</key><integer>0</integer><key>Minute</key><integer>0</integer></dict></array>"),
    (&key::WRAPPER, "#without Program\n<key>ProgramArguments</key><array><string>/usr/bin/sudo</string><string>/bin/web</string></array>", "#agent\n#without Program\n<key>ProgramArguments</key><array><string>/usr/bin/sudo</string><string>/bin/web</string></array>"),
    (&key::UMASK, "<key>Umask</key><integer>22</integer>", "<key>Umask</key><integer>18</integer>"),
    (&key::CALENDAR, "<key>StartCalendarInterval</key><dict><key>Month</key><integer>4</integer><key>Day</key><integer>31</integer><key>Hour</key><integer>0</integer><key>Minute</key><integer>0</integer></dict>", "<key>StartCalendarInterval</key><dict><key>Month</key><integer>2</integer><key>Day</key><integer>29</integer><key>Hour</key><integer>0</integer><key>Minute</key><integer>0</integer></dict>"),

    (&lifecycle::INVERTED, "<key>KeepAlive</key><dict><key>SuccessfulExit</key><true/></dict><key>ThrottleInterval</key><integer>9</integer><key>ExitTimeOut</key><integer>9</integer>", "<key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict><key>ThrottleInterval</key><integer>9</integer><key>ExitTimeOut</key><integer>9</integer>"),
    (&lifecycle::THROTTLE, "<key>KeepAlive</key><true/><key>ExitTimeOut</key><integer>9</integer>", "<key>ThrottleInterval</key><integer>9</integer>"),
    (&lifecycle::THROTTLE, "<key>KeepAlive</key><true/>", "<key>KeepAlive</key><false/>"),
    (&lifecycle::EXIT_TIME_OUT, "<key>KeepAlive</key><true/><key>ThrottleInterval</key><integer>9</integer>", "<key>KeepAlive</key><false/>"),
    (&lifecycle::EXIT_NEVER, "<key>ExitTimeOut</key><integer>0</integer>", "<key>ExitTimeOut</key><integer>1</integer>"),
    (&lifecycle::TRANSACTIONS, "<key>EnableTransactions</key><true/>", "<key>EnableTransactions</key><false/>"),
    (&lifecycle::TRANSACTIONS, "<key>EnablePressuredExit</key><true/>", "<key>EnablePressuredExit</key><false/>"),
    (&lifecycle::NETWORK, "<key>KeepAlive</key><dict><key>NetworkState</key><true/></dict><key>ThrottleInterval</key><integer>9</integer><key>ExitTimeOut</key><integer>9</integer>", "<key>KeepAlive</key><dict><key>Crashed</key><true/></dict><key>ThrottleInterval</key><integer>9</integer><key>ExitTimeOut</key><integer>9</integer>"),
    (&lifecycle::NEVER, "#without RunAtLoad", "#without RunAtLoad\n<key>StartInterval</key><integer>9</integer>"),
    (&lifecycle::NEVER, "<key>RunAtLoad</key><false/>", "<key>RunAtLoad</key><false/><key>MachServices</key><dict><key>a</key><true/></dict>"),
    (&lifecycle::LOG, "<key>UserName</key><string>www</string><key>StandardErrorPath</key><string>/var/log/web.log</string>", "<key>UserName</key><string>www</string><key>StandardErrorPath</key><string>/var/log/web/web.log</string>"),
    (&lifecycle::LOG, "<key>UserName</key><string>www</string><key>StandardOutPath</key><string>/var/log/closed/web.log</string>", "<key>StandardOutPath</key><string>/var/log/closed/web.log</string>"),
    (&lifecycle::LOG, "<key>UserName</key><string>www</string><key>StandardOutPath</key><string>/var/log/web/root.log</string>", "<key>UserName</key><string>root</string><key>StandardOutPath</key><string>/var/log/web/root.log</string>"),
    (&lifecycle::LOG, "<key>UserName</key><string>www</string><key>StandardOutPath</key><string>/var/log/new/web.log</string>", "<key>UserName</key><string>www</string><key>StandardOutPath</key><string>/tmp/web.log</string>"),
    (&lifecycle::LOG_DIRECTORY, "<key>UserName</key><string>www</string><key>StandardOutPath</key><string>/var/log/web/new/web.log</string>", "<key>StandardOutPath</key><string>/Library/Logs/x/y.log</string>"),
    (&lifecycle::DISABLED, "<key>Disabled</key><true/>", "<key>Disabled</key><false/>"),
    (&lifecycle::BACKGROUND, "<key>ProgramArguments</key><array><string>web</string><string>--daemonize</string></array>", "<key>ProgramArguments</key><array><string>web</string><string>--daemonize=no</string></array>"),
    (&lifecycle::CONTRARY, "<key>KeepAlive</key><true/><key>StartInterval</key><integer>9</integer><key>ThrottleInterval</key><integer>9</integer><key>ExitTimeOut</key><integer>9</integer>", "<key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict><key>StartInterval</key><integer>9</integer><key>ThrottleInterval</key><integer>9</integer><key>ExitTimeOut</key><integer>9</integer>"),
    (&lifecycle::CONTRARY, "<key>KeepAlive</key><true/><key>LaunchOnlyOnce</key><true/><key>ThrottleInterval</key><integer>9</integer><key>ExitTimeOut</key><integer>9</integer>", "<key>LaunchOnlyOnce</key><true/>"),
];

const ALWAYS: [(&str, &str); 3] = [
    ("Label", "<string>org.web</string>"),
    ("Program", "<string>/bin/web</string>"),
    ("RunAtLoad", "<true/>"),
];

fn found(case: &str) -> Vec<Finding> {
    let (pragmas, lines): (Vec<&str>, Vec<&str>) = case.split('\n').partition(|line| line.starts_with('#'));
    let lines = lines.join("\n");
    let is_set = |key: &str| {
        lines.contains(&format!("<key>{key}</key>")) || pragmas.contains(&format!("#without {key}").as_str())
    };
    let always = ALWAYS
        .iter()
        .filter(|(key, _)| !is_set(key))
        .map(|(key, value)| format!("<key>{key}</key>{value}\n"));
    let text = format!("<plist version=\"1.0\"><dict>\n{}{lines}</dict></plist>", always.collect::<String>());
    let (mut machine, mut folder) = (machine(), "LaunchDaemons");
    let mut mode = (0o644, 0);
    for pragma in &pragmas {
        let words: Vec<_> = pragma[1..].split(' ').collect();
        match words[0] {
            "agent" => folder = "LaunchAgents",
            "mac" => machine.launchd = true,
            "mode" => mode = (u32::from_str_radix(words[1], 8).unwrap(), words[2].parse().unwrap()),
            "quarantine" => machine.quarantined.push("/Library/LaunchDaemons/org.web.plist".into()),
            _ => {}
        }
    }
    let path = format!("/Library/{folder}/org.web.plist");
    machine.inodes.insert(path.clone().into(), inode(FileKind::File, mode.0, mode.1));
    look(&machine, &path, text.as_bytes())
}

fn look(machine: &MachineData, path: &str, bytes: &[u8]) -> Vec<Finding> {
    job(JobFile { path: Path::new(path), bytes, scope: Scope::System }, machine)
}

#[test]
fn property_list_case_breaks_its_rule_and_no_other() {
    let wrong: Vec<_> = CASES.iter().flat_map(|case| errors(case, &found)).collect();
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[test]
fn misspelt_key_gets_hint_with_its_name_and_place() {
    let findings = found("<key>StartCalendarIntervals</key>\n<array/>");
    assert!(findings[0].hint.contains("'StartCalendarInterval'"), "{findings:?}");
    let Origin::File { spot: Some(spot), .. } = &findings[0].origin else { unreachable!() };
    assert_eq!((spot.line, spot.column), (5, 1));
}

#[test]
fn secret_in_property_list_is_never_printed() {
    let case = "<key>EnvironmentVariables</key><dict><key>DB_PASSWORD</key><string>hunter2\nhunter2</string>\
                <key>N</key><integer>1</integer></dict><key>TimeOut</key><integer>1</integer>";
    let all = format!("{:?}", found(case));
    assert!(all.contains("SVC106") && all.contains("SVC702") && all.contains("SVC703"), "{all}");
    assert!(!all.contains("hunter2"), "{all}");
}

#[test]
fn mutated_property_list_is_checked_without_panic() {
    let (mut below, facts) = (random(), machine());
    let values = [
        "<true/>",
        "<integer>-1</integer>",
        "<string>é$~|</string>",
        "<array/>",
        "<dict/>",
        "<real>1</real>",
    ];
    for round in 0..1_500 {
        let (_, bad, _) = CASES[round % CASES.len()];
        let mut text = bad.lines().filter(|line| !line.starts_with('#')).collect::<String>();
        for value in ["<true/>", "<false/>", "<dict/>", "<string>/x</string>"] {
            if below(2) == 0 {
                text = text.replacen(value, values[below(values.len())], 1);
            }
        }
        let mut cut = below(text.len() + 1);
        while !text.is_char_boundary(cut) {
            cut -= 1;
        }
        for text in [&text[..], &text[..cut]] {
            for finding in look(&facts, "/é.plist", format!("<plist><dict>{text}</dict></plist>").as_bytes())
            {
                assert!(!finding.message.is_empty() && !finding.hint.is_empty());
            }
        }
    }
}

#[test]
fn hostile_property_list_has_bounded_time_and_findings() {
    let facts = machine();
    let unknown = format!(
        "<plist><dict>{}</dict></plist>",
        (0..30_000).map(|n| format!("<key>k{n}</key><true/>")).collect::<Vec<_>>().concat()
    );
    let words = format!(
        "<plist><dict><key>ProgramArguments</key><array>{}</array></dict></plist>",
        "<string>~/x</string>".repeat(40_000)
    );
    for text in [unknown, words, "<plist><array>".repeat(50_000), "x".repeat(2 << 20)] {
        let begun = std::time::Instant::now();
        let findings = look(&facts, "/x.plist", text.as_bytes());
        assert!((1..=500).contains(&findings.len()), "{}", findings.len());
        assert!(begun.elapsed().as_secs() < 120, "{:?}", begun.elapsed());
    }
    assert_eq!(facts.inode(Path::new("/x.plist")), Lookup::Missing);
}
