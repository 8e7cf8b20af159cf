//! Every setting that another host lacks is reported with its name and the kind of loss, and no other setting is lost.

mod approximated;
mod output_streams;
mod start_conditions;

use serde_json::{Value, json};

use crate::support::{Folder, lost, printed, stderr_of, svcadapt};

/// The unit or its `[Service]` lines, the keys of the property list besides the common ones, and the losses.
type Row = (&'static str, &'static [(&'static str, &'static str)], &'static [&'static str]);

/// From systemd to launchd, line by line.
const ROWS: [Row; 25] = [
    ("Type=simple", &[], &[]),
    ("Type=exec", &[], &[]),
    ("Type=oneshot", &[], &["Type=oneshot: approximated"]),
    ("Restart=no", &[], &[]),
    ("Restart=always", &[("KeepAlive", "true"), ("ThrottleInterval", "10")], &[]),
    (
        "Restart=on-failure",
        &[("KeepAlive", "{\"SuccessfulExit\":false}"), ("ThrottleInterval", "10")],
        &["Restart=on-failure: approximated"],
    ),
    (
        "Restart=on-success\nRestartSec=1500ms",
        &[("KeepAlive", "{\"SuccessfulExit\":true}"), ("ThrottleInterval", "2")],
        &["Restart=on-success: approximated", "RestartSec=1500ms: approximated"],
    ),
    (
        "Restart=on-abnormal\nRestartSec=0",
        &[("KeepAlive", "{\"Crashed\":true}"), ("ThrottleInterval", "1")],
        &["Restart=on-abnormal: approximated", "RestartSec=0: approximated"],
    ),
    (
        "Restart=on-abort",
        &[("KeepAlive", "{\"Crashed\":true}"), ("ThrottleInterval", "10")],
        &["Restart=on-abort: approximated"],
    ),
    ("Restart=on-watchdog", &[], &["Restart=on-watchdog: lost"]),
    ("TimeoutStopSec=7", &[("ExitTimeOut", "7")], &[]),
    ("TimeoutStopSec=0", &[("ExitTimeOut", "0")], &["TimeoutStopSec=0: approximated"]),
    ("TimeoutStartSec=7", &[], &["TimeoutStartSec=7: lost"]),
    ("OOMPolicy=kill", &[], &["OOMPolicy=kill: lost"]),
    ("KillMode=process", &[("AbandonProcessGroup", "true")], &["KillMode=process: approximated"]),
    ("IOSchedulingClass=idle", &[("LowPriorityIO", "true")], &["IOSchedulingClass=idle: approximated"]),
    ("UMask=027\nNice=5\nUser=web", &[("Nice", "5"), ("Umask", "23"), ("UserName", "\"web\"")], &[]),
    ("StandardOutput=journal", &[], &["StandardOutput=journal: lost"]),
    ("StandardOutput=syslog+console", &[], &["StandardOutput=syslog+console: lost"]),
    ("StandardError=journal", &[], &["StandardError=journal: lost"]),
    ("StandardError=inherit", &[], &[]),
    ("IgnoreSIGPIPE=no\nNotifyAccess=all", &[], &[]),
    ("ProtectSystem=strict", &[], &["ProtectSystem=strict: lost, weakens security"]),
    ("NoNewPrivileges=yes", &[], &["NoNewPrivileges=yes: lost, weakens security"]),
    ("DynamicUser=yes", &[], &["DynamicUser=yes: lost, weakens security"]),
];

fn as_json(plist: &str) -> Value {
    fn of(value: &plist::Value) -> Value {
        match value {
            plist::Value::Boolean(truth) => (*truth).into(),
            plist::Value::Integer(number) => number.as_signed().into(),
            plist::Value::String(text) => text.as_str().into(),
            plist::Value::Array(values) => values.iter().map(of).collect(),
            plist::Value::Dictionary(entries) => {
                Value::Object(entries.iter().map(|(key, value)| (key.clone(), of(value))).collect())
            }
            other => panic!("{other:?}"),
        }
    }
    of(&plist::Value::from_reader_xml(plist.as_bytes()).unwrap())
}

/// A property list with a label, a program and these keys.
fn job(keys: &str) -> String {
    let always = "<key>Label</key><string>a.b</string><key>Program</key><string>/bin/web</string>";
    format!("<plist version=\"1.0\"><dict>{always}{keys}</dict></plist>")
}

#[test]
fn life_that_launchd_lacks_is_done_by_the_adapter() {
    let folder = Folder::new();
    let unit = "[Install]\nWantedBy=multi-user.target\n[Service]\nExecStart=/bin/web\nStandardOutput=null\nExecStartPre=/bin/true\nKillMode=mixed\nWatchdogSec=7\n";
    folder.write("web.service", unit);
    let file = folder.path().join("web.service").display().to_string();
    let output = svcadapt(["gen-plist", "--svcadapt", "/bin/svcadapt", &file]);
    assert_eq!((output.status.code(), stderr_of(&output)), (Some(0), String::new()));
    let text = String::from_utf8(output.stdout).unwrap();
    let words: Vec<_> = text.split("<string>").filter_map(|word| word.split_once("</string>")).collect();
    let words: Vec<_> = words.iter().map(|(word, _)| *word).collect();
    let options =
        ["--exec-start-pre", "/bin/true", "--kill-mode", "mixed", "--watchdog-sec", "7s", "--", "/bin/web"];
    assert!(words.join(" ").contains(&options.join(" ")), "{text}");
}

#[test]
fn directive_that_launchd_lacks_is_reported_line_by_line() {
    let folder = Folder::new();
    let file = folder.path().join("web.service").display().to_string();
    for (lines, keys, losses) in ROWS {
        let install = "[Install]\nWantedBy=multi-user.target\n";
        folder.write(
            "web.service",
            &format!("[Service]\nExecStart=/bin/web\nStandardOutput=null\n{lines}\n{install}"),
        );
        let output = svcadapt(["gen-plist", "--allow-loss", &file]);
        let reported = lost(&stderr_of(&output));
        assert_eq!(reported, losses, "{lines}");
        assert!(
            stderr_of(&output).lines().all(|line| line.starts_with(&format!("svcadapt: {file}:"))),
            "{lines}"
        );
        let mut job = as_json(std::str::from_utf8(&output.stdout).unwrap());
        let job = job.as_object_mut().unwrap();
        let usual = ["Label", "ProgramArguments", "RunAtLoad", "InitGroups"];
        job.retain(|key, value| !(usual.contains(&key.as_str()) || key == "ExitTimeOut" && *value == 90));
        let expected: serde_json::Map<String, Value> =
            keys.iter().map(|(key, text)| ((*key).to_owned(), serde_json::from_str(text).unwrap())).collect();
        assert_eq!(*job, expected, "{lines}");
    }
}

#[test]
fn signal_that_no_host_sends_is_reported() {
    let folder = Folder::new();
    let file = folder.path().join("web.service").display().to_string();
    let unit = "[Service]\nExecStart=/bin/web\nExecReload=/bin/kill -HUP $MAINPID\n";
    folder.write("web.service", unit);
    let output = svcadapt(["gen-unit", &file, "--reload-signal=USR1"]);
    assert!(
        stderr_of(&output)
            .starts_with("svcadapt: --reload-signal: lost: systemctl reload runs the unit's own ExecReload="),
        "{}",
        stderr_of(&output)
    );
    assert_eq!(String::from_utf8(output.stdout).unwrap().matches("ExecReload=").count(), 1);
}

#[test]
fn lost_confinement_is_refused_without_allow_loss() {
    let folder = Folder::new();
    let file = folder.path().join("web.service").display().to_string();
    for line in ["ProtectSystem=strict", "NoNewPrivileges=yes", "RestrictNamespaces=yes", "DynamicUser=yes"] {
        folder.write("web.service", &format!("[Service]\nExecStart=/bin/web\n{line}\n"));
        let output = svcadapt(["gen-plist", &file]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{line}");
        assert!(
            stderr_of(&output).contains("svcadapt: security: the service would get more rights"),
            "{line}"
        );
        assert!(svcadapt(["gen-plist", "--allow-loss", &file]).status.success(), "{line}");
    }
}

#[test]
fn user_unit_contains_no_root_only_directive() {
    let text = printed(["gen-unit", "--scope=user", "--nice=5", "--", "/bin/web"]);
    assert!(text.contains("Nice=5\n") && text.ends_with("[Install]\nWantedBy=default.target\n"), "{text}");
    for option in ["--user=web", "--group=web", "--capability-bounding-set=", "--root-directory=/srv"] {
        for command in [&["gen-unit"][..], &["gen-plist", "--label=a.b"]] {
            let words = [command, &["--scope=user", option, "--", "/bin/web"]].concat();
            let output = svcadapt(&words);
            assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{words:?}");
            assert!(stderr_of(&output).contains("svcadapt: security: "), "{words:?}: {}", stderr_of(&output));
        }
    }
    let socket = ["--listen-stream=/x", "--name=x", "--socket-user=a", "--socket-group=b", "--", "/bin/web"];
    let output = svcadapt([&["gen-unit", "--scope=user"], &socket[..]].concat());
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let socket = text.split("# x.socket").nth(1).unwrap();
    assert!(socket.contains("ListenStream=/x\n") && !socket.contains("SocketUser="), "{text}");
    assert!(stderr_of(&output).contains("svcadapt: --socket-group: lost: a user manager does not have"));
    for (port, reported) in [("1023", true), ("127.0.0.1:80", true), ("1024", false), ("/run/x", false)] {
        let words = ["gen-unit", "--scope=user", "--name=x", "--listen-stream", port, "--", "/bin/web"];
        let stderr = stderr_of(&svcadapt(words));
        assert_eq!(
            stderr.starts_with("svcadapt: --listen-stream: approximated: a user manager"),
            reported,
            "{stderr}"
        );
    }
    let folder = Folder::new();
    let targets = "WantedBy=graphical.target multi-user.target\nAlias=w.service\n";
    folder.write("web.service", &format!("[Service]\nExecStart=/bin/web\n[Install]\n{targets}"));
    let file = folder.path().join("web.service").display().to_string();
    let output = svcadapt(["gen-unit", "--scope=user", &file]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(text.ends_with("[Install]\nWantedBy=default.target\nAlias=w.service\n"), "{text}");
    let moved =
        "graphical.target multi-user.target: approximated: a user manager uses default.target instead";
    assert_eq!(stderr_of(&output), format!("svcadapt: {file}:4: WantedBy={moved}\n"));
    assert!(printed(["gen-unit", &file]).ends_with(&format!("[Install]\n{targets}")));
    let output = svcadapt(["gen-unit", "--scope=user", "--nice=-5", "--", "/bin/web"]);
    let lost = "svcadapt: --nice: lost: a user manager cannot raise a priority\n";
    assert_eq!((output.status.code(), stderr_of(&output).as_str()), (Some(0), lost));
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(!text.split("[X-Svcadapt]").next().unwrap().contains("Nice"), "{text}");
}

#[test]
fn json_output_accounts_for_every_field() {
    let words = ["--umask=027", "--restart=on-failure", "--pid-file=/run/x", "--no-new-privileges"];
    let words = [&["gen-plist", "--label=a.b", "--allow-loss", "--json"], &words[..], &["--", "/bin/web"]];
    let output = svcadapt(words.concat());
    let account: Value = serde_json::from_slice(&output.stdout).unwrap();
    let of = |subject: &str| {
        let all = account["fields"].as_array().unwrap();
        let field = all.iter().find(|field| field["subject"] == subject).unwrap();
        (field["by"].clone(), field["kind"].clone(), field["weakens_security"].clone())
    };
    let exact = json!("exact");
    assert_eq!(of("--umask"), (json!("host"), exact.clone(), json!(false)));
    assert_eq!(of("--pid-file"), (json!("adapter"), exact, json!(false)));
    assert_eq!(of("--restart"), (json!("host"), json!("approximated"), json!(false)));
    assert_eq!(of("--no-new-privileges"), (json!("nobody"), json!("lost"), json!(true)));
    // The name is that of the label.
    assert_eq!(of("--name"), (json!("adapter"), json!("exact"), json!(false)));
    assert_eq!(account["fields"].as_array().unwrap().len(), 5);
    let plain = svcadapt(words.concat().into_iter().filter(|word| *word != "--json"));
    assert_eq!(account["text"], std::str::from_utf8(&plain.stdout).unwrap());
    assert_eq!(stderr_of(&output), stderr_of(&plain));
}

#[test]
fn rewritten_property_list_keeps_its_meaning() {
    let folder = Folder::new();
    let file = folder.path().join("a.b.plist").display().to_string();
    let keys = "<key>Label</key><string>a.b</string><key>Program</key><string>/bin/web</string>
        <key>KeepAlive</key><dict><key>PathState</key><dict><key>/x</key><true/></dict></dict>
        <key>ThrottleInterval</key><integer>3</integer><key>ExitTimeOut</key><integer>9</integer>
        <key>RunAtLoad</key><false/><key>ProcessType</key><string>Interactive</string>
        <key>StartCalendarInterval</key><array><dict><key>Hour</key><integer>3</integer></dict></array>
        <key>MachServices</key><dict><key>a.b</key><true/></dict><key>SessionCreate</key><true/>";
    let job = format!("<plist version=\"1.0\"><dict>{keys}</dict></plist>");
    folder.write("a.b.plist", &job);
    assert_eq!(printed(["gen-plist", "--strict", &file]), job);
    let on_demand = "<key>Label</key><string>a.b</string><key>Program</key><string>/bin/web</string>";
    folder.write("b.plist", &format!("<plist version=\"1.0\"><dict>{on_demand}</dict></plist>"));
    let again = printed(["gen-plist", &folder.path().join("b.plist").display().to_string(), "--nice=3"]);
    assert_eq!(as_json(&again), json!({"Label": "a.b", "Program": "/bin/web", "Nice": 3}));
    let output = svcadapt(["gen-unit", &file]);
    for lost in ["KeepAlive: lost", "ProcessType: lost", "StartCalendarInterval: lost", "MachServices: lost"]
    {
        assert!(stderr_of(&output).contains(&format!(": {lost}: ")), "{}", stderr_of(&output));
    }
}

#[test]
fn harmful_launchd_key_is_never_written_anew() {
    let folder = Folder::new();
    let file = |end: &str| folder.path().join(format!("a.b.{end}")).display().to_string();
    for key in ["EnableTransactions", "EnablePressuredExit", "Disabled"] {
        let job = format!(
            "<plist version=\"1.0\"><dict><key>Label</key><string>a.b</string><key>Program</key>\
             <string>/x</string><key>RunAtLoad</key><true/><key>{key}</key><true/></dict></plist>"
        );
        folder.write("a.b.plist", &job);
        // Its own host gets it back.
        assert_eq!(printed(["gen-plist", "--strict", &file("plist")]), job);
        folder.write("a.b.json", &printed(["show", &file("plist")]));
        let output = svcadapt(["gen-plist", &file("json")]);
        assert!(!String::from_utf8(output.stdout.clone()).unwrap().contains(key));
        assert!(
            stderr_of(&output).starts_with(&format!("svcadapt: {}: {key}: lost: ", file("json"))),
            "{}",
            stderr_of(&output)
        );
        assert_eq!(svcadapt(["gen-plist", "--strict", &file("json")]).status.code(), Some(2));
    }
}

#[test]
fn losses_name_their_lines_and_confinement_comes_first() {
    let folder = Folder::new();
    let file = folder.path().join("web.service").display().to_string();
    let unit = "[Unit]\nDescription=Web\n[Service]\nExecStart=/bin/web\n# why\nRestart=on-failure\nStandardOutput=null\n\
                ProtectSystem=strict\n[Install]\nWantedBy=multi-user.target\n";
    folder.write("web.service", unit);
    std::fs::create_dir(folder.path().join("web.service.d")).unwrap();
    folder.write("web.service.d/a.conf", "[Service]\nNoNewPrivileges=yes\n");
    let output = svcadapt([
        "gen-plist",
        "--allow-loss",
        "--svcadapt=/opt/svcadapt",
        &file,
        "--backlog=7",
        "--listen-stream=80",
    ]);
    let expected = format!(
        "svcadapt: {file}.d/a.conf:2: NoNewPrivileges=yes: lost, weakens security: macOS has no such restriction\n\
         svcadapt: {file}:8: ProtectSystem=strict: lost, weakens security: only systemd has this sandbox\n\
         svcadapt: {file}:2: Description=Web: lost: a property list has no key for it\n\
         svcadapt: --backlog: lost: launchd sets the backlog itself\n\
         svcadapt: {file}:6: Restart=on-failure: approximated: launchd takes an end by SIGHUP, SIGINT, SIGTERM or SIGPIPE as a failure\n"
    );
    assert_eq!(stderr_of(&output), expected);
}
