//! The state in which the stand-in starts a job; tests/tools/launchd/child.rs has the source of each rule.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use super::support::{RUN_AT_LOAD, arguments, inspect, open_dir, set_mode, shell};
use crate::harness::Launchd;

const SECOND: Duration = Duration::from_millis(50);

#[test]
fn job_without_keys_gets_the_defaults() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let seen = inspect(&dir, &launchd, "org.example.bare", "");
    let device = json!({
        "target": "/dev/null", "access": "rdwr", "append": false, "nonblock": false, "cloexec": false
    });
    assert_eq!(seen["fds"], json!({ "0": device, "1": device, "2": device }));
    let expected = json!({
        "OSLogRateLimit": "64",
        "PATH": "/usr/bin:/bin:/usr/sbin:/sbin",
        "XPC_FLAGS": "0x0",
        "XPC_SERVICE_NAME": "org.example.bare",
    });
    assert_eq!(seen["env"], expected);
    assert_eq!((&seen["umask"], &seen["cwd"], &seen["root"]), (&json!("0022"), &json!("/"), &json!("/")));
    assert_eq!(
        (&seen["ppid"], &seen["sid"], &seen["pgrp"]),
        (&json!(1), &seen["pid"], &seen["pid"]),
        "it leads a session below process 1"
    );
    assert_eq!((&seen["uid"]["real"], &seen["groups"]), (&json!(0), &json!([])));
    assert_eq!(seen["signals"]["blocked"], json!([]));
    // macOS has only these signals. The tests may have inherited an ignored one of the C library's.
    let ignored = seen["signals"]["ignored"].as_array().unwrap();
    assert!(ignored.iter().all(|signal| signal.as_u64() >= Some(32)), "{ignored:?}");
    let spawned = launchd.wait("org.example.bare", "spawned");
    assert_eq!(spawned["pid"], seen["pid"]);
}

#[test]
fn umask_is_a_decimal_integer_or_a_c_string() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    for (number, (value, umask)) in [
        ("<integer>23</integer>", "0027"),
        ("<integer>0</integer>", "0000"),
        // Decimal 27.
        ("<integer>027</integer>", "0033"),
        ("<string>027</string>", "0027"),
        ("<string>23</string>", "0027"),
        ("<string>0x17</string>", "0027"),
        ("<string>0o27</string>", "0000"),
    ]
    .into_iter()
    .enumerate()
    {
        let seen = inspect(&dir, &launchd, &format!("umask{number}"), &format!("<key>Umask</key>{value}"));
        assert_eq!(seen["umask"], umask, "{value}");
    }
}

#[test]
fn output_files_are_appended_as_the_user_with_the_umask() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let (path, script) = (dir.path().display(), "cat; echo out; echo err >&2");
    dir.write("in", "in\n");
    let keys = shell(script)
        + &format!(
            "<key>UserName</key><string>nobody</string><key>Umask</key><integer>23</integer>
             <key>StandardInPath</key><string>{path}/in</string>
             <key>StandardOutPath</key><string>{path}/out</string>
             <key>StandardErrorPath</key><string>{path}/err</string>"
        );
    launchd.load("x", &keys);
    launchd.wait("x", "exited");
    launchd.must("kickstart x");
    assert_eq!(launchd.wait_nth("x", "exited", 2)["status"], 0);
    assert_eq!((dir.read("out"), dir.read("err")), ("in\nout\nin\nout\n".into(), "err\nerr\n".into()));
    for name in ["out", "err"] {
        let file = fs::metadata(dir.join(name)).unwrap();
        assert_eq!((file.uid(), file.mode() & 0o7777), (65534, 0o640), "{name}");
    }
}

#[test]
fn job_that_cannot_be_set_up_ends_with_78() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let path = dir.path().display().to_string();
    fs::create_dir(dir.join("closed")).unwrap();
    set_mode(&dir.join("closed"), 0o700);
    let user = "<key>UserName</key><string>nobody</string>";
    for (number, (keys, step, status)) in [
        ("<key>StandardOutPath</key><string>[DIR]/no/out</string>", "StandardOutPath", 78),
        ("[NOBODY]<key>StandardErrorPath</key><string>[DIR]/closed/err</string>", "StandardErrorPath", 78),
        ("<key>WorkingDirectory</key><string>[DIR]/no</string>", "WorkingDirectory", 78),
        // Root could.
        ("[NOBODY]<key>WorkingDirectory</key><string>[DIR]/closed</string>", "WorkingDirectory", 78),
        ("<key>RootDirectory</key><string>[DIR]/no</string>", "RootDirectory", 78),
        ("<key>Program</key><string>[DIR]/no</string>", "Program", 78),
        ("<key>UserName</key><string>nobody-at-all</string>", "UserName", 3),
        ("<key>UserName</key><string>65534</string>", "UserName", 3),
        ("<key>GroupName</key><string>nobody-at-all</string>", "GroupName", 3),
    ]
    .into_iter()
    .enumerate()
    {
        let (label, ran) = (format!("x{number}"), dir.join("ran"));
        let keys = keys.replace("[DIR]", &path).replace("[NOBODY]", user);
        launchd.load(&label, &(shell(&format!(": > {}", ran.display())) + &keys));
        assert_eq!(launchd.wait(&label, "failed")["step"], step, "{keys}");
        assert_eq!(launchd.wait(&label, "exited")["status"], status, "{keys}");
        assert!(!ran.exists(), "{keys}");
    }
    // A missing input file is no failure.
    launchd.load("y", &(shell("cat") + "<key>StandardInPath</key><string>/nowhere</string>"));
    assert_eq!(launchd.wait("y", "exited")["status"], 0);
}

#[test]
fn environment_variables_of_the_plist_override_the_defaults() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let keys = "<key>UserName</key><string>nobody</string><key>EnvironmentVariables</key><dict>
        <key>PATH</key><string>/bin</string><key>HOME</key><string>/h</string><key>A</key><string> \"&amp; </string>
        </dict>";
    let env: BTreeMap<String, String> =
        serde_json::from_value(inspect(&dir, &launchd, "x", keys)["env"].clone()).unwrap();
    assert_eq!((env["PATH"].as_str(), env["HOME"].as_str(), env["A"].as_str()), ("/bin", "/h", " \"& "));
    let names: Vec<&str> = env.keys().map(String::as_str).collect();
    assert_eq!(
        names.join(" "),
        "A HOME LOGNAME OSLogRateLimit PATH SHELL TMPDIR USER XPC_FLAGS XPC_SERVICE_NAME"
    );
}

#[test]
fn priority_and_limits_are_set_where_allowed() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let limits = |key: &str, entries: &[(&str, u64)]| {
        let entries =
            entries.iter().map(|(name, value)| format!("<key>{name}</key><integer>{value}</integer>"));
        format!("<key>{key}</key><dict>{}</dict>", entries.collect::<String>())
    };
    let infinity = i64::MAX.unsigned_abs();
    let keys = limits("SoftResourceLimits", &[("NumberOfFiles", 100), ("CPU", 60), ("Core", infinity)])
        + &limits("HardResourceLimits", &[("NumberOfFiles", 200), ("CPU", 60), ("Core", infinity)])
        + "<key>Nice</key><integer>-7</integer><key>UserName</key><string>nobody</string>";
    let seen = inspect(&dir, &launchd, "x", &keys);
    assert_eq!(seen["nice"], -7);
    assert_eq!(seen["limits"]["Max open files"], json!({ "soft": "100", "hard": "200" }));
    assert_eq!(seen["limits"]["Max cpu time"], json!({ "soft": "60", "hard": "60" }));
    assert_eq!(seen["limits"]["Max core file size"], json!({ "soft": "unlimited", "hard": "unlimited" }));
    let nice = |number: i32| format!("<key>Nice</key><integer>{number}</integer>");
    let other = inspect(&dir, &launchd, "y", &nice(21));
    assert_eq!(other["nice"], inspect(&dir, &launchd, "z", "")["nice"], "out of range, so ignored");
}

#[test]
fn program_key_and_first_argument_are_independent() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let (path, report) =
        (dir.join("inspect").display().to_string(), dir.join("report").display().to_string());
    let program = format!("<key>Program</key><string>{path}</string>");
    launchd.load("both", &(RUN_AT_LOAD.to_owned() + &program + &arguments(&["-other", "--out", &report])));
    assert_eq!(launchd.wait("both", "exited")["status"], 0);
    assert_eq!(dir.report("report")["argv"], json!(["-other", "--out", report]));
    launchd.load("alone", &(RUN_AT_LOAD.to_owned() + &program));
    assert_eq!(launchd.wait("alone", "exited")["status"], 0);
    // Searched in the default path, not in the job's own.
    let found = "<key>EnvironmentVariables</key><dict><key>PATH</key><string>/nowhere</string></dict>";
    launchd.load("found", &(RUN_AT_LOAD.to_owned() + &arguments(&["true"]) + found));
    assert_eq!(launchd.wait("found", "exited")["status"], 0);
    for (label, word) in [("lost", "inspect"), ("relative", "bin/true")] {
        launchd.load(label, &(RUN_AT_LOAD.to_owned() + &arguments(&[word])));
        assert_eq!(launchd.wait(label, "exited")["status"], 78, "{word}");
    }
}

#[test]
fn working_directory_is_below_the_root_directory() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    // The files that `inspect` needs in there.
    let script =
        "set -e; cd \"$1\"; mkdir -p jail/tmp jail/proc jail/dev; chmod 777 jail/tmp; : > jail/dev/null
        for file in $(ldd inspect | grep -o '/[^ ]*'); do cp --parents -L $file jail; done; cp inspect jail";
    let made = Command::new("sh").args(["-c", script, "sh"]).arg(dir.path()).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let keys = format!(
        "<key>RootDirectory</key><string>{}/jail</string><key>WorkingDirectory</key><string>/tmp</string>
         <key>StandardOutPath</key><string>out</string>",
        dir.path().display()
    );
    let words = arguments(&["/inspect", "--stdout", "up", "--stay"]);
    launchd.load("x", &(RUN_AT_LOAD.to_owned() + &words + &keys));
    let process = launchd.process(&launchd.wait("x", "spawned")["pid"]);
    crate::harness::wait_until("it runs", || {
        fs::read_to_string(dir.join("jail/tmp/out")).ok().filter(|text| text == "up\n")
    });
    let link = |name: &str| fs::read_link(format!("/proc/{}/{name}", process.pid())).unwrap();
    assert_eq!((link("root"), link("cwd")), (dir.join("jail"), dir.join("jail/tmp")));
    launchd.must("bootout x");
    launchd.wait("x", "removed");
}
