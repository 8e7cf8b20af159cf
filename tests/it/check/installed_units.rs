//! Findings in installed and in generated units are true, and most units have none.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::{codes, findings};
use crate::harness::{Dir, SOURCES, Svc, skip};

/// True findings in the units of distributions, each verified by hand.
const ACCOUNTED: [(&str, &str); 2] = [
    // syslog.socket starts the alias syslog.service, which most machines do not have.
    ("SVC610", "syslog.socket"),
    // The reload needs a program that speaks the protocol; those of distributions do.
    ("SVC605", ""),
];

/// Verifies a finding by the machine, the line or systemd itself. `None` if that is impossible.
fn is_so(finding: &Value) -> Option<bool> {
    let text = |key: &str| finding[key].as_str().unwrap_or_default();
    let (code, file, message) = (text("code"), text("file"), text("message"));
    if ACCOUNTED.iter().any(|(known, unit)| *known == code && file.contains(unit)) {
        return Some(true);
    }
    let content = fs::read_to_string(file).unwrap_or_default();
    let number = usize::try_from(finding["line"].as_u64().unwrap_or_default()).unwrap();
    let line = content.lines().nth(number.saturating_sub(1)).unwrap_or_default();
    let sets = |name: &str| content.contains(&format!("{name}=")) || content.contains("EnvironmentFile=");
    let named = |before: &str| message.strip_prefix(before)?.split([' ', ',']).next();
    match code {
        "SVC311" | "SVC401" | "SVC402" | "SVC501" | "SVC502" | "SVC504" | "SVC609" => {
            Some(really_missing(message))
        }
        // systemd itself reports what it ignores or refuses.
        "SVC101" | "SVC102" | "SVC201" | "SVC202" | "SVC203" | "SVC206" | "SVC211" | "SVC214" | "SVC217"
        | "SVC614" => verified(file, finding["line"].as_u64()),
        "SVC209" => Some(line.starts_with("TimeoutStopSec=0")),
        "SVC210" => Some(line.contains("/var/run/")),
        "SVC215" => Some(line.contains('$')),
        "SVC303" | "SVC304" => Some(!sets(named("nothing sets ")?)),
        "SVC603" => Some(line == "Type=forking" && !content.contains("PIDFile=")),
        "SVC606" => Some(line == "KillMode=none"),
        "SVC615" => Some(!content.lines().any(|line| {
            ["Wants=", "Requires=", "BindsTo="].iter().any(|key| line.starts_with(key))
                && line.contains("network-online.target")
        })),
        "SVC616" => {
            let unit = message.split(' ').find(|word| word.ends_with(".service"))?;
            let orders = |line: &str| line.starts_with("After=") || line.starts_with("Before=");
            Some(!content.lines().any(|line| orders(line) && line.split(['=', ' ']).any(|word| word == unit)))
        }
        _ => None,
    }
}

/// Whether `systemd-analyze verify` names a line of a file, or where there is no line, the file.
fn verified(file: &str, line: Option<u64>) -> Option<bool> {
    let output = Command::new("systemd-analyze").args(["verify", "--man=no", file]).output().ok()?;
    let name = Path::new(file).file_name()?.to_str()?;
    let place = line.map_or_else(|| name.to_owned(), |line| format!("{name}:{line}:"));
    Some(String::from_utf8_lossy(&output.stderr).contains(&place))
}

/// Installed units may contain mistakes. A finding fails the test if a second check refutes it. Findings that cannot be
/// checked fail in systemd's own units and are printed for others.
#[test]
fn installed_units_have_no_false_finding() {
    let folder = Path::new("/lib/systemd/system");
    let Ok(entries) = fs::read_dir(folder) else {
        return skip("systemd-units", "there is no /lib/systemd/system");
    };
    let units: Vec<String> = entries
        .filter_map(|entry| entry.unwrap().path().to_str().map(str::to_owned))
        .filter(|path| Path::new(path).extension().is_some_and(|kind| kind == "service" || kind == "socket"))
        // A link to a unit that is not installed.
        .filter(|path| Path::new(path).exists())
        .collect();
    if units.len() < 20 {
        skip("systemd-units", &format!("only {} units are installed here", units.len()));
    }
    let dir = Dir::new();
    let units: Vec<&str> = units.iter().map(String::as_str).collect();
    let mut wrong = Vec::new();
    for elsewhere in [true, false] {
        let option = if elsewhere { &["--elsewhere"][..] } else { &[] };
        let found = units.chunks(50).flat_map(|units| findings(&dir, &[option, units].concat()));
        for finding in found {
            let own = finding["file"].as_str().unwrap().contains("/systemd-");
            match is_so(&finding) {
                Some(true) => {}
                None if !own => eprintln!("not judged: {finding}"),
                _ => wrong.push(finding),
            }
        }
    }
    assert_eq!(wrong, [Value::Null; 0]);
}

/// Whether the quoted name in a message is no file, program, user or group of this machine.
fn really_missing(message: &str) -> bool {
    let Some(name) = message.split('\'').nth(1) else { return message.contains(".socket") };
    let has = |database: &str| {
        Command::new("getent").args([database, name]).output().is_ok_and(|output| output.status.success())
    };
    let found = Command::new("sh").args(["-c", "command -v -- \"$0\"", name]).output();
    !Path::new(name).exists()
        && !has("passwd")
        && !has("group")
        && !found.is_ok_and(|output| output.status.success())
}

#[test]
fn generated_files_have_no_finding() {
    let services: [&[&str]; 6] = [
        &["--name", "a", "--", "/bin/sleep", "60"],
        &[
            "--name",
            "a",
            "--user",
            "nobody",
            "--umask",
            "027",
            "--description",
            "50% of $x \"y\"",
            "--",
            "/bin/sh",
            "-c",
            "a; b | c > $d %q ~/x *",
        ],
        &[
            "--name",
            "a",
            "--environment",
            "A=1 2 %q $x",
            "--environment",
            "B=#;",
            "--",
            "/bin/echo",
            "$A",
            "${B}",
            "&&",
            ";",
            "/etc/*",
        ],
        &[
            "--name",
            "a",
            "--ready",
            "tcp:8080",
            "--runtime-directory",
            "a",
            "--pid-file",
            "/run/a/pid",
            "--",
            "/bin/sleep",
            "60",
        ],
        &[
            "--name",
            "a",
            "--type",
            "notify",
            "--limit-nofile",
            "4096",
            "--timeout-stop-sec",
            "5",
            "--nice",
            "5",
            "--",
            "/bin/sleep",
            "60",
        ],
        &[
            "--name",
            "a",
            "--working-directory",
            "/tmp",
            "--standard-output",
            "append:/tmp/a log",
            "--no-new-privileges=yes",
            "--",
            "/bin/sleep",
            "60",
        ],
    ];
    let dir = Dir::new();
    let out = dir.path().to_str().unwrap();
    for service in services {
        for command in ["gen-unit", "gen-plist"] {
            let label = if command == "gen-plist" { &["--label", "org.a"][..] } else { &[] };
            let arguments = [&[command, "--allow-loss", "--output", out][..], label, service].concat();
            let output = Svc::new(&dir).args(&arguments).output();
            let file = if command == "gen-plist" { "org.a.plist" } else { "a.service" };
            assert!(dir.join(file).exists(), "{arguments:?}: {output:?}");
        }
        for file in ["a.service", "org.a.plist"] {
            // A property list has no quotes, so shell characters cannot be recognised as literal text.
            let asked = service.contains(&"&&") && file == "org.a.plist";
            let severe =
                |finding: &Value| finding["severity"] != "note" && !(asked && finding["code"] == "SVC709");
            let bad: Vec<_> = findings(&dir, &[file]).into_iter().filter(severe).collect();
            assert_eq!(bad, [Value::Null; 0], "{service:?}\n{}", dir.read(file));
        }
    }
}

#[test]
fn samples_have_no_finding() {
    let root = Path::new(SOURCES);
    let dir = Dir::new();
    let mut samples = 0;
    for folder in ["units", "launchd"] {
        for entry in fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_some_and(|kind| kind != "md") {
                samples += 1;
                let found = findings(&dir, &["--elsewhere", path.to_str().unwrap()]);
                let bad: Vec<_> = found.into_iter().filter(|finding| finding["severity"] != "note").collect();
                assert_eq!(bad, [Value::Null; 0], "{}", path.display());
            }
        }
    }
    assert!(samples > 5, "only {samples} samples");
}

/// `[Service]` lines that `systemd-analyze verify` reports with their places.
const BOTH: [&str; 12] = [
    "Usre=root",
    "UMask=0999",
    "NotifyAccess=alll",
    "Restart=maybe",
    "LimitNOFILE=unlimited",
    "Environment=A=b c",
    "RestartSec=soon",
    "KillSignal=sigterm",
    "WorkingDirectory=\"/tmp\"",
    "WantedBy=multi-user.target",
    "ExecStop=bin/true",
    "ExecStop=/bin/true %Q",
];

/// Lines that it does not report, although the service does something else than written.
const OURS: [&str; 9] = [
    "ExecStop=/bin/true %q",
    "ExecStop=/bin/true $PORT",
    "ExecStop=/bin/true $HOME/bin",
    "ExecStop=/bin/true | /bin/true",
    "ExecStop=/bin/true ~/x",
    "User=no-such-user",
    "PrivateUsers=yes\nAmbientCapabilities=CAP_NET_BIND_SERVICE",
    "EnvironmentFile=/no/such/file",
    "TimeoutStopSec=0",
];

/// Odd values that systemd accepts.
const TAKEN: [&str; 8] = [
    "UMask=7027",
    "LimitNICE=+5",
    "LimitNICE=-5:40",
    "LimitNOFILE=+5",
    "LimitAS=1.5G",
    "MemoryMax=1G 512M",
    "KillSignal=TERM",
    "TimeoutSec=5 minutes",
];

#[test]
fn odd_values_accepted_by_systemd_have_no_finding() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        return skip("systemd-analyze", "it is not installed");
    }
    let dir = Dir::new();
    dir.write("check-it.service", &format!("[Service]\nExecStart=/bin/true\n{}\n", TAKEN.join("\n")));
    dir.write("check-it.socket", "[Socket]\nListenStream=127.0.0.1:80\nBindIPv6Only=yes\n");
    for file in ["check-it.service", "check-it.socket"] {
        let mut verify = Command::new("systemd-analyze");
        let output = verify.args(["verify", "--man=no"]).arg(dir.join(file)).output().unwrap();
        assert!(!String::from_utf8_lossy(&output.stderr).contains("check-it."), "{output:?}");
        assert_eq!(codes(&dir, &[file]), [""; 0], "{file}");
    }
    let umask = Svc::new(&dir).args(["show", "check-it.service"]).output().stdout;
    assert!(umask.contains("\"umask\": \"0027\""), "{umask}");
}

#[test]
fn findings_include_those_of_systemd_analyze_verify() {
    let Ok(version) = Command::new("systemd-analyze").arg("--version").output() else {
        return skip("systemd-analyze", "it is not installed");
    };
    assert!(version.status.success());
    let dir = Dir::new();
    let verified = |line: &str| {
        dir.write("check-it.service", &format!("[Service]\nExecStart=/bin/true\n{line}\n"));
        let mut verify = Command::new("systemd-analyze");
        let output = verify.args(["verify", "--man=no"]).arg(dir.join("check-it.service")).output().unwrap();
        String::from_utf8_lossy(&output.stderr).contains("check-it.service:3:")
    };
    for line in BOTH {
        assert!(verified(line), "systemd-analyze does not tell of {line}");
        let found = findings(&dir, &["check-it.service"]);
        assert!(found.iter().any(|finding| finding["line"] == 3), "{line}: {found:?}");
    }
    for line in OURS {
        assert!(!verified(line), "systemd-analyze reports {line}");
        assert_eq!(codes(&dir, &["check-it.service"]).len(), 1, "{line}");
    }
}
