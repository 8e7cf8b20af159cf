//! Settings that are nearly the same on two hosts are made equal or reported.

use serde_json::{Value, json};

use super::{as_json, job};
use crate::harness::{Systemd, wait_until};
use crate::support::{Folder, Judgement, lost, printed, stderr_of, svcadapt};

#[test]
fn run_at_load_follows_the_units_install_section() {
    let folder = Folder::new();
    let file = folder.path().join("web.service").display().to_string();
    let told_so: &[&str] = &["WantedBy=: approximated"];
    for (lines, at_load, reported) in [
        ("[Install]\nWantedBy=multi-user.target\n", true, &[][..]),
        ("[Install]\nWantedBy=graphical.target sleep.target\n", true, &[]),
        ("", false, told_so),
        ("[Install]\nAlias=w.service\n", false, told_so),
        ("[Install]\nWantedBy=multi-user.target\nWantedBy=\n", false, told_so),
        ("Restart=always\n", true, told_so),
        ("[Install]\nRequiredBy=sleep.target\n", true, &["RequiredBy=sleep.target: approximated"]),
    ] {
        folder.write("web.service", &format!("[Service]\nExecStart=/bin/web\nStandardOutput=null\n{lines}"));
        let output = svcadapt(["gen-plist", &file]);
        let job = as_json(std::str::from_utf8(&output.stdout).unwrap());
        assert_eq!(
            (&job["RunAtLoad"], lost(&stderr_of(&output))),
            (&json!(at_load), reported.iter().map(ToString::to_string).collect()),
            "{lines}"
        );
    }
    // Only a connection starts a service whose sockets alone are enabled, on both hosts.
    folder.write("web.service", "[Service]\nExecStart=/bin/web\nStandardOutput=null\n");
    folder.write("web.socket", "[Socket]\nListenStream=80\n[Install]\nWantedBy=sockets.target\n");
    let sockets = folder.path().join("web.socket").display().to_string();
    let output = svcadapt(["gen-plist", "--svcadapt=/opt/svcadapt", &sockets]);
    assert_eq!(as_json(std::str::from_utf8(&output.stdout).unwrap())["RunAtLoad"], false);
    assert_eq!(stderr_of(&output), "");
    assert_eq!(as_json(&printed(["gen-plist", "--label=a", "--", "/bin/web"]))["RunAtLoad"], true);
}

#[test]
fn unwanted_socket_unit_stays_unwanted() {
    let folder = Folder::new();
    let file = folder.path().join("web.service").display().to_string();
    let sockets = folder.path().join("web.socket").display().to_string();
    let service = "[Service]\nExecStart=/bin/web\n\n[Install]\nWantedBy=multi-user.target\n";
    let both = |socket: &str| format!("# web.service\n{service}\n# web.socket\n{socket}");
    folder.write("web.service", service);
    for socket in [
        "[Socket]\nListenStream=80\n",
        "[Socket]\nListenStream=80\n\n[Install]\nRequiredBy=x.target\n",
        "[Socket]\nListenStream=80\n\n[X-Mine]\nA=b\n",
    ] {
        folder.write("web.socket", socket);
        assert_eq!(printed(["gen-unit", "--strict", &sockets]), both(socket));
        folder.write("web.json", &printed(["show", &sockets]));
        let json = folder.path().join("web.json").display().to_string();
        assert_eq!(printed(["gen-unit", "--strict", &json]), both(socket));
    }
    std::fs::remove_file(folder.path().join("web.socket")).unwrap();
    let text = printed(["gen-unit", &file, "--listen-stream=80"]);
    assert!(text.contains("Requires=web.socket\n") && text.contains("\nAlso=web.socket\n"), "{text}");
    assert!(text.ends_with("[Socket]\nListenStream=80\n\n[Install]\nWantedBy=sockets.target\n"), "{text}");
}

#[test]
fn keep_alive_becomes_the_nearest_restart_policy() {
    let folder = Folder::new();
    let file = folder.path().join("a.b.plist").display().to_string();
    let unit = folder.path().join("a.b.service").display().to_string();
    let map = |key: &str, truth: bool| format!("<dict><key>{key}</key><{truth}/></dict>");
    let near = "ThrottleInterval: approximated";
    let clean = "SIGHUP SIGINT SIGTERM SIGPIPE";
    let prevent = format!("RestartPreventExitStatus={clean}\n");
    let force = format!("RestartForceExitStatus={clean}\n");
    for (value, restart, more, reported) in [
        ("<true/>".to_owned(), "always", "", &[near][..]),
        (map("SuccessfulExit", false), "on-failure", &force, &[near]),
        (map("SuccessfulExit", true), "on-success", &prevent, &[near]),
        (map("Crashed", true), "on-abort", "", &["KeepAlive: approximated", near]),
    ] {
        let keys = format!("<key>KeepAlive</key>{value}<key>ThrottleInterval</key><integer>1</integer>");
        folder.write("a.b.plist", &job(&keys));
        let output = svcadapt(["gen-unit", &file]);
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        assert!(text.starts_with("[Unit]\nStartLimitIntervalSec=0\n"), "{text}");
        assert!(text.contains(&format!("Restart={restart}\nRestartSec=1s\n{more}\n[Install]")), "{text}");
        assert_eq!(lost(&stderr_of(&output)), reported, "{value}");
        // launchd already has all of it, and the unit comes back unchanged.
        folder.write("a.b.json", &printed(["show", &file]));
        let json = folder.path().join("a.b.json").display().to_string();
        let again = printed(["gen-plist", "--strict", &json]);
        folder.write("a.b.service", &text);
        let back = svcadapt(["gen-plist", "--standard-output=null", &unit]);
        let mut back_again = as_json(std::str::from_utf8(&back.stdout).unwrap());
        back_again["ExitTimeOut"] = json!(30);
        assert_eq!(back_again, as_json(&again));
        let only_there: &[&str] = match restart {
            "on-abort" => &["Restart=on-abort: approximated", "RestartSec=1s: approximated"],
            _ => &["RestartSec=1s: approximated"],
        };
        assert_eq!(lost(&stderr_of(&back)), only_there, "{value}");
        if let Some(judgement) = Judgement::of(&folder, &["a.b.service".into()]) {
            assert_eq!(judgement.warnings, "");
        }
        let said_over = printed(["gen-unit", &file, "--restart=no"]);
        assert!(!said_over.contains("ExitStatus") && !said_over.contains("StartLimit"), "{said_over}");
    }
}

#[test]
fn throttle_interval_without_keep_alive_is_lost() {
    let folder = Folder::new();
    let file = folder.path().join("a.b.plist").display().to_string();
    folder.write(
        "a.b.plist",
        &job("<key>ThrottleInterval</key><integer>3</integer><key>RunAtLoad</key><true/>"),
    );
    assert_eq!(as_json(&printed(["gen-plist", "--strict", &file]))["ThrottleInterval"], 3);
    let output = svcadapt(["gen-unit", &file]);
    assert_eq!(lost(&stderr_of(&output)), ["ThrottleInterval: lost"]);
    assert!(!String::from_utf8(output.stdout).unwrap().contains("RestartSec"));
}

#[test]
fn exec_start_prefix_is_kept_or_reported() {
    let folder = Folder::new();
    let file = folder.path().join("web.service").display().to_string();
    for (prefix, start, reported) in [
        ("-", "ExecStart=-/", &[][..]),
        ("+", "ExecStart=/", &["ExecStart=+/bin/web: lost"]),
        ("", "ExecStart=/", &[]),
    ] {
        folder.write("web.service", &format!("[Service]\nExecStart={prefix}/bin/web\n"));
        let output = svcadapt(["gen-unit", &file, "--ready=tcp:80"]);
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        assert!(text.contains(&format!("\n{start}")), "{text}");
        assert_eq!(lost(&stderr_of(&output)), reported);
        folder.write("web.service", &text);
        assert_eq!(printed(["gen-unit", &file]), text);
    }
    let spaced = ["gen-unit", &file, "--ready=tcp:80", "--svcadapt=/opt/a b"];
    folder.write("web.service", "[Service]\nExecStart=-/bin/web\n");
    assert!(printed(spaced).contains("\nExecStart=\"-/opt/a b\" run "));
}

#[test]
fn json_with_an_impossible_unit_line_is_refused() {
    let folder = Folder::new();
    let file = folder.path().join("a.json").display().to_string();
    let refused = |systemd: Value, launchd: Value, why: &str| {
        let spec =
            json!({ "command": ["/bin/x"], "restart": "on-failure", "systemd": systemd, "launchd": launchd });
        folder.write("a.json", &spec.to_string());
        let output = svcadapt(["show", &file]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
        assert!(stderr_of(&output).contains(why), "{}", stderr_of(&output));
    };
    refused(json!({"X-Svcadapt": {"Ready": ["tcp:80"]}}), json!({}), "[X-Svcadapt] is not allowed here");
    refused(json!({".socket/X": {"A": ["b"]}}), json!({}), "a socket unit needs an address to listen on");
    refused(json!({}), json!({"KeepAlive": true}), "KeepAlive contradicts the top-level key of the field");
    let spec = json!({ "command": ["/bin/x"], "name": "a", "listen_stream": ["80"], "systemd": {".socket/.socket/X": {"A": ["b"]}}});
    folder.write("a.json", &spec.to_string());
    assert!(printed(["gen-unit", &file]).ends_with("\n[.socket/X]\nA=b\n"));
    let odd = "[Service]\nExecStart=/bin/x\n[.socket/Install]\nWantedBy=x\n";
    folder.write("a.service", odd);
    let output = svcadapt(["gen-unit", &folder.path().join("a.service").display().to_string()]);
    assert!(stderr_of(&output).contains("unknown section for a service; systemd ignores it"));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), odd);
}

/// The lines as systemd itself applies them: killed by SIGTERM, which systemd would count as a clean exit.
#[test]
fn systemd_restarts_a_job_after_the_same_exits_as_launchd() {
    let Some(systemd) = Systemd::shared() else { return };
    let folder = Folder::new();
    let file = folder.path().join("a.b.plist").display().to_string();
    for (success, restarted) in [(false, true), (true, false)] {
        let keys = format!(
            "<key>KeepAlive</key><dict><key>SuccessfulExit</key><{success}/></dict>
             <key>ThrottleInterval</key><integer>0</integer>"
        );
        let sleep =
            "<key>ProgramArguments</key><array><string>/bin/sleep</string><string>1000</string></array>";
        let label = "<key>Label</key><string>a.b</string>";
        folder
            .write("a.b.plist", &format!("<plist version=\"1.0\"><dict>{label}{sleep}{keys}</dict></plist>"));
        let name = format!("it-near-{success}.service");
        systemd.write_unit(&name, &printed(["gen-unit", &file]));
        systemd.must(&["start", &name]);
        systemd.must(&["kill", "--signal=SIGTERM", &name]);
        wait_until("systemd has seen the end", || {
            let (state, restarts) = (systemd.show(&name, "ActiveState"), systemd.show(&name, "NRestarts"));
            let over = if restarted { state == "active" && restarts == "1" } else { state == "inactive" };
            over.then_some(())
        });
        // A requested stop is no failure.
        systemd.must(&["stop", &name]);
        assert_eq!(systemd.show(&name, "ActiveState"), "inactive");
        systemd.systemctl(["reset-failed", &name]);
        let _ = std::fs::remove_file(systemd.path("/run/systemd/system").join(&name));
    }
}
