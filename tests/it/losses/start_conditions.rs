//! What starts a job of launchd, and when: never earlier or more often than its property list says.

use serde_json::{Value, json};

use super::{as_json, job};
use crate::support::{Folder, lost, printed, stderr_of, svcadapt};

fn map(key: &str, value: &str) -> String {
    format!("<dict><key>{key}</key>{value}</dict>")
}

#[test]
fn keep_alive_condition_does_not_imply_run_at_load() {
    let folder = Folder::new();
    let file = folder.path().join("a.b.plist").display().to_string();
    let json = folder.path().join("a.b.json").display().to_string();
    let (on, off) = ("<true/>", "<false/>");
    let path = map("/var/install/now", on);
    for (conditions, at_once, reported) in [
        (map("PathState", &path), false, "needs a .path unit with PathExists="),
        (
            map("PathState", &map("/var/install/done", off)),
            false,
            "a .path unit can start it when a path exists (PathExists=), but not when a path is missing",
        ),
        (map("OtherJobEnabled", &map("org.x", on)), false, "needs Upholds= in the other job's unit"),
        (
            format!("<dict><key>SuccessfulExit</key>{off}<key>PathState</key>{path}</dict>"),
            true,
            "only launchd has these conditions",
        ),
        (
            format!("<dict><key>SuccessfulExit</key>{off}<key>AfterInitialDemand</key>{on}</dict>"),
            false,
            "only launchd has these conditions",
        ),
    ] {
        folder.write("a.b.plist", &job(&format!("<key>KeepAlive</key>{conditions}")));
        let output = svcadapt(["gen-unit", &file]);
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        assert_eq!(text.contains("WantedBy="), at_once, "{conditions}\n{text}");
        assert!(!text.contains("Restart"), "{text}");
        assert!(
            stderr_of(&output).contains(&format!("KeepAlive: lost: {reported}\n")),
            "{}",
            stderr_of(&output)
        );
        let by_hand = stderr_of(&output)
            .contains("RunAtLoad: approximated: no target starts it; start it with systemctl start\n");
        assert_eq!(by_hand, !at_once, "{}", stderr_of(&output));
        assert_eq!(printed(["gen-plist", &file]), std::fs::read_to_string(&file).unwrap());
        folder.write("a.b.json", &printed(["show", &file]));
        let anew = as_json(&printed(["gen-plist", &json]));
        assert_eq!(anew["RunAtLoad"], json!(at_once), "{conditions}");
    }
}

#[test]
fn run_at_load_false_is_kept_despite_keep_alive() {
    let folder = Folder::new();
    let file = folder.path().join("a.b.plist").display().to_string();
    let json = folder.path().join("a.b.json").display().to_string();
    let off = "<key>RunAtLoad</key><false/>";
    for (keys, at_once) in [
        (String::new(), false),
        ("<key>KeepAlive</key><true/>".to_owned(), true),
        (format!("<key>KeepAlive</key>{}", map("SuccessfulExit", "<false/>")), true),
        (format!("<key>KeepAlive</key>{}", map("PathState", &map("/x", "<true/>"))), false),
    ] {
        folder.write("a.b.plist", &job(&format!("{off}{keys}")));
        assert_eq!(printed(["gen-plist", &file]), std::fs::read_to_string(&file).unwrap());
        folder.write("a.b.json", &printed(["show", &file]));
        assert_eq!(as_json(&printed(["gen-plist", &json]))["RunAtLoad"], json!(false), "{keys}");
        let output = svcadapt(["gen-unit", &file]);
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        assert_eq!(text.contains("WantedBy="), at_once, "{keys}\n{text}");
        assert_eq!(stderr_of(&output).contains("RunAtLoad: "), !at_once, "{}", stderr_of(&output));
    }
}

#[test]
fn on_demand_false_becomes_keep_alive() {
    let folder = Folder::new();
    let file = folder.path().join("a.b.plist").display().to_string();
    let json = folder.path().join("a.b.json").display().to_string();
    let key = |key: &str, value: &str| format!("<key>{key}</key><{value}/>");
    folder.write("a.b.plist", &job(&key("OnDemand", "false")));
    assert_eq!(printed(["gen-plist", "--strict", &file]), std::fs::read_to_string(&file).unwrap());
    folder.write("a.b.json", &printed(["show", &file]));
    let anew = as_json(&printed(["gen-plist", "--strict", &json]));
    assert_eq!(
        (&anew["KeepAlive"], &anew["RunAtLoad"], &anew["OnDemand"]),
        (&json!(true), &json!(true), &Value::Null)
    );
    let output = svcadapt(["gen-unit", &file]);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    assert!(text.contains("\nRestart=always\n") && text.contains("WantedBy=multi-user.target\n"), "{text}");
    assert!(
        lost(&stderr_of(&output)).iter().all(|loss| loss.contains(": approximated")),
        "{}",
        stderr_of(&output)
    );
    // The reverse is the default.
    folder.write("a.b.plist", &job(&(key("OnDemand", "true") + &key("RunAtLoad", "true"))));
    let text = printed(["gen-unit", "--strict", &file]);
    assert!(!text.contains("Restart=") && text.contains("WantedBy="), "{text}");
    // The newer of the two keys counts.
    folder.write(
        "a.b.plist",
        &job(&(key("OnDemand", "false") + &key("KeepAlive", "false") + &key("RunAtLoad", "true"))),
    );
    let output = svcadapt(["gen-unit", &file]);
    assert!(
        stderr_of(&output).contains("OnDemand is ignored, because KeepAlive is set\n"),
        "{}",
        stderr_of(&output)
    );
    assert!(!String::from_utf8(output.stdout).unwrap().contains("Restart="));
}
