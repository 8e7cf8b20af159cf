//! A property list is read as launchd reads it, and what launchd would ignore silently is reported.

mod command;
mod document;
mod python;
mod sockets;

use std::path::Path;

use serde_json::{Value, json};
use svcadapt_convert::json;
use svcadapt_convert::plist::{ParsedJob, read};
use svcadapt_spec::NativeValue as Native;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\">\n";

/// A document with this value.
fn document(value: &str) -> String {
    format!("{HEAD}{value}\n</plist>\n")
}

/// A job with these keys, beginning on the third line, and those that every job needs.
fn job(keys: &str) -> String {
    let rest =
        "<key>Label</key><string>x</string><key>Program</key><string>/x</string><key>RunAtLoad</key><true/>";
    document(&format!("<dict>{keys}\n{rest}</dict>"))
}

fn first_line(problem: &impl ToString) -> String {
    problem.to_string().lines().next().unwrap_or_default().to_owned()
}

fn reading(bytes: &[u8]) -> Result<ParsedJob, Vec<String>> {
    read(bytes, Path::new("x")).map_err(|problems| problems.iter().map(first_line).collect())
}

/// The model without the parts that every job has.
fn model(reading: ParsedJob) -> Value {
    let spec = reading.draft.finish().unwrap_or_else(|problems| panic!("{}", problems[0]));
    let mut model: Value = serde_json::from_str(&json::write(&spec)).unwrap();
    let object = model.as_object_mut().unwrap();
    if object.get("command") == Some(&json!(["/x"])) {
        object.remove("command");
    }
    object.remove("name");
    object.remove("launchd");
    model
}

/// The model of a job, and all remarks: unmapped keys by name, warnings without their place.
fn model_and_remarks(keys: &str) -> (Value, Vec<String>) {
    let mut reading = reading(job(keys).as_bytes()).unwrap();
    let mut remarks: Vec<String> = {
        let asked = reading
            .unmapped
            .drain(..)
            .filter(|key| key.value != Some(Native::Boolean(false)) || key.key == "InitGroups");
        asked.map(|key| key.key).collect()
    };
    remarks.extend(reading.warnings.drain(..).map(|warning| warning.error.cause));
    (model(reading), remarks)
}

#[test]
fn keys_are_read_as_launchd_reads_them() {
    let none: [&str; 0] = [];
    for (keys, expected, remarks) in [
        ("<key>UserName</key><string>www</string><key>GroupName</key><string>ssl</string><key>InitGroups</key><true/>",
         json!({ "user": "www", "group": "ssl" }), &none[..]),
        ("<key>UserName</key><string>www</string><key>InitGroups</key><false/>", json!({ "user": "www" }), &["InitGroups"]),
        ("<key>InitGroups</key><false/>", json!({}), &[]),
        ("<key>UserName</key><string>501</string>", json!({ "user": "501" }),
         &["launchd looks '501' up as a name; svcadapt uses it as a numeric ID"]),
        ("<key>Umask</key><integer>54</integer>", json!({ "umask": "0066" }), &[]),
        ("<key>Umask</key><string>027</string>", json!({ "umask": "0027" }), &[]),
        ("<key>Umask</key><integer>022</integer>", json!({ "umask": "0026" }),
         &["an integer is decimal even with a leading zero: the umask is 0026"]),
        ("<key>Umask</key><string>18</string>", json!({ "umask": "0022" }),
         &["a string without a leading zero is decimal: the umask is 0022"]),
        ("<key>StandardInPath</key><string>/in</string><key>StandardOutPath</key><string>/a b</string><key>StandardErrorPath</key><string>/dev/null</string>",
         json!({ "standard_input": "file:/in", "standard_output": "append:/a b", "standard_error": "null" }), &[]),
        ("<key>WorkingDirectory</key><string>/srv</string><key>RootDirectory</key><string>/jail</string>",
         json!({ "working_directory": "/srv", "root_directory": "/jail" }), &[]),
        ("<key>ExitTimeOut</key><integer>0</integer><key>Nice</key><integer>20</integer>",
         json!({ "timeout_stop_sec": "infinity", "nice": 19 }), &["svcadapt uses the nice level 19, the largest on this host"]),
        ("<key>ExitTimeOut</key><integer>08</integer>", json!({ "timeout_stop_sec": "8s" }), &[]),
        ("<key>ServiceDescription</key><string>A web server</string>", json!({ "description": "A web server" }), &[]),
        ("<key>EnvironmentVariables</key><dict><key>A</key><string> x=\n</string><key>B</key><integer>3</integer></dict>",
         json!({ "environment": ["A= x=\n"] }), &["the variable 'B' is an integer"]),
        ("<key>SoftResourceLimits</key><dict><key>NumberOfFiles</key><integer>1024</integer><key>Core</key><integer>0</integer></dict>
          <key>HardResourceLimits</key><dict><key>NumberOfFiles</key><integer>9223372036854775807</integer><key>Core</key><integer>0</integer></dict>",
         json!({ "limit_core": 0, "limit_nofile": "1024:infinity" }), &[]),
        ("<key>SoftResourceLimits</key><dict><key>CPU</key><integer>60</integer></dict>",
         json!({ "limit_cpu": 60 }), &["the soft limit CPU is also used as the hard limit"]),
        ("<key>KeepAlive</key><dict><key>SuccessfulExit</key><false/><key>PathState</key><dict><key>/x</key><true/></dict></dict>
          <key>ThrottleInterval</key><integer>5</integer>", json!({}), &["KeepAlive", "ThrottleInterval"]),
        ("<key>KeepAlive</key><true/>", json!({ "restart": "always", "restart_sec": "10s" }), &[]),
        ("<key>KeepAlive</key><dict><key>Crashed</key><true/><key>SuccessfulExit</key><false/></dict>",
         json!({ "restart": "on-failure", "restart_sec": "10s" }), &[]),
        ("<key>ThrottleInterval</key><integer>3</integer>", json!({}), &["ThrottleInterval"]),
        ("<key>LimitLoadToSessionType</key><string>Aqua</string><key>AssociatedBundleIdentifiers</key><array><string>a</string></array>
          <key>StartCalendarInterval</key><array><dict><key>Hour</key><integer>3</integer></dict></array>
          <key>inetdCompatibility</key><dict><key>Wait</key><false/></dict><key>LaunchEvents</key><dict><key>a</key><date>2026-01-01T00:00:00Z</date></dict>",
         json!({}), &["LimitLoadToSessionType", "AssociatedBundleIdentifiers", "StartCalendarInterval", "LaunchEvents", "inetdCompatibility"]),
        // The default is not reported.
        ("<key>KeepAlive</key><false/><key>Disabled</key><false/><key>EnableTransactions</key><false/>", json!({}), &[]),
        ("<key>TimeOut</key><integer>5</integer>", json!({}), &["launchd ignores TimeOut: the key is obsolete"]),
        // Keys that launchd ignores.
        ("<key>MachServices</key><string>/x</string>", json!({}),
         &["MachServices must be a dictionary, not a string"]),
        ("<key>Disabled</key><string>true</string>", json!({}), &["Disabled must be a boolean, not a string"]),
        ("<key>StartInterval</key><real>60</real>", json!({}), &["StartInterval must be an integer, not a real"]),
        ("<key>StartCalendarIntervals</key><array/>", json!({}), &["unknown key 'StartCalendarIntervals'"]),
        ("<key>StartCalendarInterval</key><dict><key>WeekDay</key><integer>1</integer></dict>", json!({}),
         &["unknown key 'StartCalendarInterval.WeekDay'"]),
        ("<key>enabletransactions</key><true/>", json!({}), &["unknown key 'enabletransactions'"]),
        ("<key>#IfFeatureFlagEnabled</key><dict/>", json!({}), &["unknown key '#IfFeatureFlagEnabled'"]),
    ] {
        let (model, found) = model_and_remarks(keys);
        assert_eq!(model, expected, "{keys}");
        assert_eq!(found, remarks, "{keys}");
    }
}

#[test]
fn misspelt_key_is_reported_with_the_right_one() {
    for (key, meant) in [
        ("ExitTimeout", "ExitTimeOut"),
        ("StartCalendarIntervals", "StartCalendarInterval"),
        ("keepAlive", "KeepAlive"),
        ("EnvironmentVariable", "EnvironmentVariables"),
    ] {
        let reading = reading(job(&format!("<key>{key}</key><true/>")).as_bytes()).unwrap();
        let warning = reading.warnings[0].to_string();
        assert!(warning.contains(&format!("did you mean '{meant}'?")), "{warning}");
    }
}

/// launchd would start such a job nevertheless, as root or with wider file modes. It is refused here.
#[test]
fn wrong_value_of_a_supported_key_is_refused() {
    for (keys, problem) in [
        ("<key>UserName</key><integer>501</integer>", "3:26: UserName must be a string, not an integer"),
        ("<key>Umask</key><true/>", "3:23: Umask must be an integer or a string, not a boolean"),
        ("<key>Umask</key><integer>777</integer>", "3:23: a umask is between 0 and 511 (0777)"),
        (
            "<key>Umask</key><string>0o27</string>",
            "3:23: '0o27' is not a valid umask: launchd would read it as 0000",
        ),
        (
            "<key>Nice</key><integer>21</integer>",
            "3:22: a nice level is between -20 and 20; launchd ignores others",
        ),
        ("<key>ExitTimeOut</key><integer>-1</integer>", "3:29: a time must not be negative"),
        (
            "<key>ProgramArguments</key><array><string>a</string><integer>1</integer></array>",
            "3:59: ProgramArguments[1] must be a string, not an integer",
        ),
        (
            "<key>ProgramArguments</key><string>a b</string>",
            "3:34: ProgramArguments must be an array, not a string",
        ),
        (
            "<key>SoftResourceLimits</key><dict><key>NumberOfFile</key><integer>1</integer></dict>",
            "3:65: unknown key 'SoftResourceLimits.NumberOfFile'",
        ),
        (
            "<key>HardResourceLimits</key><dict><key>Core</key><integer>-1</integer></dict>",
            "3:57: the limit Core must not be negative",
        ),
    ] {
        assert_eq!(reading(job(keys).as_bytes()).unwrap_err(), [format!("x:{problem}")], "{keys}");
    }
    // A key that is valid in itself is checked by the spec.
    let reading = reading(job("<key>WorkingDirectory</key><string>~/x</string>").as_bytes()).unwrap();
    let problem = first_line(&reading.draft.finish().unwrap_err()[0]);
    assert_eq!(problem, "x:3:34: WorkingDirectory '~/x': not an absolute path");
}

#[test]
fn program_and_argv0_are_read_from_their_keys() {
    let command = |keys: &str| -> Result<(Value, Vec<String>), Vec<String>> {
        let mut reading =
            reading(document(&format!("<dict><key>RunAtLoad</key><true/>{keys}</dict>")).as_bytes())?;
        let warnings = reading.warnings.drain(..).map(|warning| warning.error.cause).skip(1).collect();
        let problems =
            |problems: Vec<svcadapt_spec::SpecError>| problems.iter().map(first_line).collect::<Vec<_>>();
        let spec = reading.draft.finish().map_err(problems)?;
        Ok((spec.command.argv().map(|word| word.to_str().unwrap()).collect(), warnings))
    };
    let words = |words: &[&str]| {
        let words = words.iter().map(|word| format!("<string>{word}</string>")).collect::<Vec<_>>().concat();
        format!("<key>ProgramArguments</key><array>{words}</array>")
    };
    let program = |path: &str| format!("<key>Program</key><string>{path}</string>");
    let path = "<key>EnvironmentVariables</key><dict><key>PATH</key><string>/opt/bin</string></dict>";
    for (keys, expected, warnings) in [
        (words(&["/bin/web", "$HOME", "*", ""]), json!(["/bin/web", "$HOME", "*", ""]), &[][..]),
        (program("/bin/web"), json!(["/bin/web"]), &[]),
        (program("/bin/web") + &words(&["/bin/web", "-v"]), json!(["/bin/web", "-v"]), &[]),
        (program("/bin/web") + &words(&["web", "-v"]), json!(["/bin/web", "-v"]), &[]),
        (program("/bin/busybox") + &words(&["httpd", "-f"]), json!(["/bin/busybox", "-f"]), &[]),
        (program("/bin/web") + &words(&[]), json!(["/bin/web"]), &[]),
        (words(&["web"]), json!(["web"]), &[]),
        (
            words(&["web"]) + path,
            json!(["web"]),
            &["launchd searches for the program in its own PATH, not in the PATH of the job"],
        ),
    ] {
        let (argv, found) = command(&keys).unwrap();
        assert_eq!(argv, expected, "{keys}");
        assert_eq!(found, warnings, "{keys}");
    }
    for (keys, problem) in [
        (String::new(), "spec: no program to run"),
        (words(&[]), "spec: no program to run"),
        (words(&["./web"]), "x:3:61: the program's path is relative"),
        (program("web"), "x:3:52: Program must be an absolute path"),
    ] {
        assert_eq!(command(&keys).unwrap_err(), [problem], "{keys}");
    }
}

#[test]
fn job_without_run_at_load_or_label_is_reported() {
    let warnings = |keys: &str| -> Vec<String> {
        let text = document(&format!("<dict><key>Program</key><string>/x</string>{keys}</dict>"));
        reading(text.as_bytes()).unwrap().warnings.iter().map(first_line).collect()
    };
    let label = "<key>Label</key><string>x</string>";
    let demand = "launchd starts this job on demand only; svcadapt starts it at once";
    assert_eq!(warnings(label), [format!("x:3:1: {demand}")]);
    assert_eq!(warnings(&format!("{label}<key>RunAtLoad</key><false/>")), [format!("x:3:98: {demand}")]);
    assert_eq!(warnings(&format!("{label}<key>KeepAlive</key><true/>")), [""; 0]);
    let atonce = "<key>RunAtLoad</key><true/>";
    assert_eq!(warnings(atonce), ["x:3:1: Label is missing; launchd rejects the job"]);
    let strange = format!("{atonce}<key>Label</key><string>a b</string>");
    assert_eq!(
        warnings(&strange),
        [
            "x:3:87: the label is not a valid name of a service: invalid character ' ' in the name of a service"
        ]
    );
    let reading = reading(job("").as_bytes()).unwrap();
    assert_eq!(reading.label.as_deref(), Some("x"));
    assert_eq!(reading.draft.finish().unwrap().name.unwrap().as_str(), "x");
}

/// The same document in binary, written by a crate that svcadapt does not use for reading.
fn binary(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    plist::Value::from_reader_xml(text.as_bytes()).unwrap().to_writer_binary(&mut bytes).unwrap();
    bytes
}
