//! Jobs that `gen-plist` writes, loaded and run: the program gets every setting, and no other process stays.

use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;
use std::{fs, process};

use serde_json::{Value, json};

use super::support::{ignored, open_dir};
use crate::harness::{Dir, Exit, Launchd, Process, SOURCES, Svc, wait_until};

const SECOND: Duration = Duration::from_millis(50);

/// Writes a property list with these words before `--` and this program behind it, where `[DIR]` is the directory;
/// loads it, and returns the reported losses.
pub(super) fn generate(
    dir: &Dir,
    launchd: &Launchd,
    label: &str,
    words: &[&str],
    program: &[&str],
) -> String {
    let svcadapt = dir.program("svcadapt");
    let path = dir.path().display().to_string();
    let output = Svc::new(dir)
        .args(["gen-plist", "--label", label, "--output", &path, "--svcadapt"])
        .args([svcadapt])
        .args(words.iter().chain(&["--"]).chain(program).map(|word| word.replace("[DIR]", &path)))
        .output();
    assert_eq!(output.exit, Exit::Status(0), "{}", output.stderr);
    launchd.must(&format!("bootstrap {path}/{label}.plist"));
    assert_eq!(ignored(launchd, label), [""; 0], "launchd knows all that is written");
    output.stderr
}

/// The program that writes `LABEL.report` and stays, and its report.
const STAYS: [&str; 4] = ["[DIR]/inspect", "--out", "[DIR]/report", "--stay"];

/// The only process of the job, a child of launchd.
fn only_process(launchd: &Launchd, label: &str) -> Process {
    let spawned = launchd.wait(label, "spawned");
    wait_until("the adapter has become the program", || (launchd.processes().len() == 1).then_some(()));
    launchd.process(&spawned["pid"])
}

/// Stops the job, which must end successfully.
fn bootout(launchd: &Launchd, label: &str) {
    launchd.must(&format!("bootout {label}"));
    launchd.wait(label, "removed");
    assert_eq!(launchd.story(label), "loaded spawned sent(15) exited(0) removed");
    assert!(launchd.processes().is_empty(), "{:?}", launchd.processes());
}

#[test]
fn job_runs_with_every_native_setting() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    fs::create_dir(dir.join("a b&<c>")).unwrap();
    dir.write("in", "in\n");
    let words = [
        "--user=nobody",
        "--group=daemon",
        "--umask=027",
        "--working-directory=[DIR]/a b&<c>",
        "--environment=B=\"x\" & 'y'",
        "--environment=A= \t\n ",
        "--standard-input=file:[DIR]/in",
        "--standard-output=append:[DIR]/out",
        "--standard-error=append:[DIR]/err",
        "--limit-cpu=1min",
        "--limit-nofile=1024:4096",
        "--limit-core=infinity",
        "--nice=-5",
        "--timeout-stop-sec=45",
    ];
    let program = [&STAYS[..], &["--stdout", "said", "--stderr", ""]].concat();
    generate(&dir, &launchd, "org.example.all", &words, &program);
    let seen = dir.awaited_report();
    assert_eq!(seen["pid"], launchd.wait("org.example.all", "spawned")["pid"]);
    assert_eq!((&seen["uid"]["real"], &seen["gid"]["real"]), (&json!(65534), &json!(1)));
    assert_eq!(seen["groups"], json!([1]));
    assert_eq!((&seen["umask"], &seen["nice"]), (&json!("0027"), &json!(-5)));
    assert_eq!(seen["cwd"], dir.join("a b&<c>").display().to_string());
    assert_eq!((&seen["env"]["A"], &seen["env"]["B"]), (&json!(" \t\n "), &json!("\"x\" & 'y'")));
    assert_eq!((&seen["env"]["USER"], &seen["env"]["XPC_FLAGS"]), (&json!("nobody"), &json!("0x0")));
    assert_eq!(seen["limits"]["Max cpu time"], json!({ "soft": "60", "hard": "60" }));
    assert_eq!(seen["limits"]["Max open files"], json!({ "soft": "1024", "hard": "4096" }));
    assert_eq!(seen["limits"]["Max core file size"], json!({ "soft": "unlimited", "hard": "unlimited" }));
    assert_eq!(seen["fds"]["0"]["target"], dir.join("in").display().to_string());
    let expected = [dir.join("inspect").display().to_string(), "--out".to_owned()];
    assert_eq!(seen["argv"].as_array().unwrap()[..2], [json!(expected[0]), json!(expected[1])]);
    only_process(&launchd, "org.example.all");
    wait_until("it has spoken", || (dir.read("out") == "said\n" && dir.read("err") == "\n").then_some(()));
    for name in ["out", "err"] {
        let file = fs::metadata(dir.join(name)).unwrap();
        assert_eq!((file.uid(), file.gid(), file.mode() & 0o7777), (65534, file.gid(), 0o640), "{name}");
    }
    bootout(&launchd, "org.example.all");
}

#[test]
fn stop_timeout_becomes_exit_time_out() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let deaf = ["[DIR]/inspect", "--out", "[DIR]/report", "--stdout", "up", "--deaf"];
    let words = ["--timeout-stop-sec=7", "--standard-output=append:[DIR]/out"];
    generate(&dir, &launchd, "org.example.deaf", &words, &deaf);
    wait_until("it is deaf", || fs::read_to_string(dir.join("out")).ok().filter(|text| text == "up\n"));
    launchd.must("bootout org.example.deaf");
    launchd.wait("org.example.deaf", "removed");
    assert_eq!(launchd.story("org.example.deaf"), "loaded spawned sent(15) sent(9) exited(-9) removed");
    let at = |number| launchd.wait_nth("org.example.deaf", "sent", number)["time"].as_u64().unwrap();
    let waited = Duration::from_micros(at(2) - at(1));
    assert!(waited >= SECOND * 7 && waited < SECOND * 7 + Duration::from_secs(2), "{waited:?}");
}

/// Their programs are not run here.
#[test]
fn samples_load_without_an_unknown_key() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let samples = Path::new(SOURCES).join("launchd");
    let mut number = 0;
    for sample in fs::read_dir(samples).unwrap().map(|entry| entry.unwrap().path()) {
        let Some(label) = sample.file_name().unwrap().to_str().unwrap().strip_suffix(".plist") else {
            continue;
        };
        let text = fs::read_to_string(&sample).unwrap().replace("<string>/usr/", "<string>/nowhere/");
        let path = dir.write(&format!("{label}.plist"), &text);
        // The label names the file.
        assert_eq!(launchd.must(&format!("bootstrap {}", path.display())), label);
        assert_eq!(ignored(&launchd, label), [""; 0], "{label}");
        number += 1;
    }
    assert!(number > 0);
}

/// The adapter does what needs root and then becomes the program. It does not repeat what launchd has done.
#[test]
fn adapter_applies_what_launchd_lacks_and_leaves_one_process() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let label = format!("org.example.rest{}", process::id());
    let words = [
        "--name",
        &label,
        "--user=nobody",
        "--supplementary-groups=daemon",
        "--supplementary-groups=sys",
        "--environment-file=[DIR]/variables",
        "--umask=027",
        "--nice=3",
        "--environment=GIVEN=by launchd",
        "--limit-cpu=60",
        "--standard-output=append:[DIR]/out",
        "--standard-error=append:[DIR]/err",
    ];
    dir.write("variables", "SECRET=x\n");
    let stderr = generate(&dir, &launchd, &label, &words, &[&STAYS[..], &["--stdout", "up"]].concat());
    assert_eq!(stderr, "");
    let seen = dir.awaited_report();
    let process = only_process(&launchd, &label);
    // The process of the report is launchd's child.
    assert_eq!(seen["pid"], launchd.wait(&label, "spawned")["pid"]);
    let executed = |process: &Process| fs::read_link(format!("/proc/{}/exe", process.pid())).unwrap();
    assert_eq!(executed(&process), dir.join("inspect"));
    assert_eq!((&seen["ppid"], &seen["sid"]), (&json!(1), &seen["pid"]));
    assert_eq!(seen["uid"]["saved"], 65534);
    let groups: Vec<u64> = serde_json::from_value(seen["groups"].clone()).unwrap();
    assert!(groups.contains(&1) && groups.contains(&3) && !groups.contains(&0), "{groups:?}");
    assert_eq!(seen["env"]["SECRET"], "x");
    assert_eq!(
        (&seen["env"]["GIVEN"], &seen["env"]["XPC_SERVICE_NAME"]),
        (&json!("by launchd"), &json!(label))
    );
    assert_eq!((&seen["umask"], &seen["nice"]), (&json!("0027"), &json!(3)));
    assert_eq!(seen["limits"]["Max cpu time"], json!({ "soft": "60", "hard": "60" }));
    wait_until("its handler is there", || (dir.read("out") == "up\n").then_some(()));
    bootout(&launchd, &label);
    assert_eq!(dir.read("err"), "");
}

/// A monitor stays for that.
#[test]
fn pid_file_and_runtime_directory_of_a_job_go_with_it() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let label = format!("org.example.files{}", process::id());
    let pid_file = format!("/run/{label}.pid");
    let words = ["--name", &label, "--user=nobody", "--pid-file", &pid_file, "--runtime-directory", &label];
    assert_eq!(generate(&dir, &launchd, &label, &words, &STAYS), "");
    let seen = dir.awaited_report();
    let [pid_file, directory] = [pid_file, format!("/run/{label}")].map(|path| launchd.path(&path));
    assert_eq!(fs::read_to_string(&pid_file).unwrap().trim_end(), seen["pid"].to_string());
    assert_eq!(fs::metadata(&directory).unwrap().uid(), 65534);
    bootout(&launchd, &label);
    wait_until("the files are gone", || (!pid_file.exists() && !directory.exists()).then_some(()));
}

/// A failure of the adapter is the status of the job, and its message goes to the job's standard error.
#[test]
fn adapter_failure_is_the_jobs_status_and_one_log_line() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let words = ["--user=nobody", "--pid-file=[DIR]/no/pid", "--standard-error=append:[DIR]/err"];
    generate(&dir, &launchd, "org.example.fails", &words, &STAYS);
    assert_eq!(launchd.wait("org.example.fails", "exited")["status"], 251);
    launchd.wait("org.example.fails", "idle");
    let stderr = dir.read("err");
    let path = dir.join("no/pid").display().to_string();
    assert!(stderr.starts_with(&format!("svcadapt: pid file '{path}': ")), "{stderr}");
    assert!(launchd.processes().is_empty() && !dir.join("report").exists());
}

/// launchd sets neither HOME nor a working directory, and svcadapt needs neither.
#[test]
fn adapter_runs_in_the_bare_environment_of_a_job() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let svcadapt = dir.program("svcadapt").display().to_string();
    let words = ["--standard-output=append:[DIR]/out", "--standard-error=append:[DIR]/err"];
    generate(&dir, &launchd, "org.example.detect", &words, &[&svcadapt, "detect", "--json"]);
    assert_eq!(launchd.wait("org.example.detect", "exited")["status"], 0, "{}", dir.read("err"));
    let reported: Value = serde_json::from_str(&dir.read("out")).unwrap();
    // On Linux this must not be detected as launchd.
    assert!(!reported["manager"].to_string().contains("launchd"), "{reported}");
    assert_eq!(dir.read("err"), "");
}
