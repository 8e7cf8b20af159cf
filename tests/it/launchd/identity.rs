//! User and groups of a job of the stand-in; tests/tools/launchd/account.rs has the source of each rule.

use std::process::Command;
use std::time::Duration;

use serde_json::{Value, json};

use super::support::{inspect, open_dir};
use crate::harness::Launchd;

const SECOND: Duration = Duration::from_millis(50);

/// The groups of a user according to `id`.
fn groups_of(user: &str) -> Value {
    let output = Command::new("id").args(["-G", user]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let mut groups: Vec<u32> = text.split_ascii_whitespace().map(|group| group.parse().unwrap()).collect();
    groups.sort_unstable();
    json!(groups)
}

#[test]
fn job_user_and_group_are_set_with_their_groups() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let (user, group) =
        ("<key>UserName</key><string>nobody</string>", "<key>GroupName</key><string>daemon</string>");
    let off = "<key>InitGroups</key><false/>";
    for (number, (keys, uid, gid, groups)) in [
        (user.to_owned(), 65534, 65534, groups_of("nobody")),
        (format!("{user}{group}"), 65534, 1, json!([1])),
        (format!("{user}{off}"), 65534, 65534, json!([])),
        // Without a user the job is root's, so there are no groups to take.
        (group.to_owned(), 0, 1, json!([])),
        (off.to_owned(), 0, 0, json!([])),
    ]
    .into_iter()
    .enumerate()
    {
        let seen = inspect(&dir, &launchd, &format!("who{number}"), &keys);
        for kind in ["real", "effective", "saved"] {
            assert_eq!((&seen["uid"][kind], &seen["gid"][kind]), (&json!(uid), &json!(gid)), "{keys}");
        }
        assert_eq!(seen["groups"], groups, "{keys}");
        let env = &seen["env"];
        if uid == 0 {
            assert_eq!((&env["HOME"], &env["USER"]), (&Value::Null, &Value::Null), "{keys}");
        } else {
            assert_eq!((&env["USER"], &env["LOGNAME"]), (&json!("nobody"), &json!("nobody")), "{keys}");
            assert!(env["HOME"].is_string() && env["SHELL"].is_string() && env["TMPDIR"].is_string());
        }
    }
}
