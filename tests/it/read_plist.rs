//! A property list is read as launchd reads it, and what launchd would pass over in silence is told.

use std::path::Path;
use std::process::Command;
use std::process::Stdio;
use std::time::Duration;
use std::time::Instant;

use plist::Value as Plist;
use serde_json::Value;
use serde_json::json;

use svcadapt::format::json;
use svcadapt::format::plist::Label;
use svcadapt::format::plist::Reading;
use svcadapt::format::plist::read;
use svcadapt::format::plist::write;
use svcadapt::spec::Field;
use svcadapt::spec::Resource;
use svcadapt::target::Target;
use svcadapt::target::divide;

use crate::judge::Chance;
use crate::judge::Folder;
use crate::judge::damage;
use crate::judge::printed;
use crate::judge::said;
use crate::judge::skip;
use crate::judge::svcadapt;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<plist version=\"1.0\">\n";

/// A document that is this value.
fn document(value: &str) -> String {
    format!("{HEAD}{value}\n</plist>\n")
}

/// A job of these keys, the first of which stands on the third line, and of what every job needs.
fn job(keys: &str) -> String {
    let rest =
        "<key>Label</key><string>x</string><key>Program</key><string>/x</string><key>RunAtLoad</key><true/>";
    document(&format!("<dict>{keys}\n{rest}</dict>"))
}

fn first_line(problem: impl ToString) -> String {
    problem.to_string().lines().next().unwrap_or_default().to_owned()
}

fn reading(bytes: &[u8]) -> Result<Reading, Vec<String>> {
    read(bytes, Path::new("x")).map_err(|problems| problems.into_iter().map(first_line).collect())
}

/// The model, less what every job has.
fn model(reading: Reading) -> Value {
    let spec = reading.draft.finish().unwrap_or_else(|problems| panic!("{}", problems[0]));
    let mut model: Value = serde_json::from_str(&json::write(&spec)).unwrap();
    let object = model.as_object_mut().unwrap();
    if object.get("command") == Some(&json!(["/x"])) {
        object.remove("command");
    }
    object.remove("name");
    model
}

/// What a job says, and all that is remarked: keys that are kept by their name, warnings without their place.
fn told(keys: &str) -> (Value, Vec<String>) {
    let mut reading = reading(job(keys).as_bytes()).unwrap();
    let mut remarks: Vec<String> = reading.kept.drain(..).map(|kept| kept.key).collect();
    remarks.extend(reading.warnings.drain(..).map(|warning| warning.refusal.cause));
    (model(reading), remarks)
}

#[test]
fn what_is_no_property_list_is_refused_at_its_place() {
    let dict = "<dict><key>Label</key><string>x</string></dict>";
    let mut different = Vec::new();
    for (text, place) in [
        (String::new(), "1:1: it is empty"),
        (" \n".to_owned(), "1:1: it is empty"),
        (document("<dict>"), "4:1: </plist> where </dict> has to stand"),
        (document("<dict><key>A</key></dict>"), "3:19: the key 'A' has no value"),
        (document("<dict><string>x</string></dict>"), "3:7: a <string> where a <key> has to stand"),
        (document("<dict>\n<key>A</key><true/><true/></dict>"), "4:20: a <true> where a <key> has to stand"),
        (document("<string>a & b</string>"), "3:11: '&' stands for itself"),
        (document("<string>a < b</string>"), "3:11: '<' does not begin a tag here"),
        (document("<string>&#1;</string>"), "3:9: &#1; is no character of XML"),
        (document("<string>&xxe;</string>"), "3:9: the entity 'xxe' is not known"),
        (document("<string>]]></string>"), "3:9: ']]>' cannot stand in a text"),
        (document("<integer>1x</integer>"), "3:1: '1x' is no integer"),
        (document("<integer/>"), "3:1: '' is no integer"),
        (
            document("<integer>18446744073709551616</integer>"),
            "3:1: 18446744073709551616 does not fit into 64 bits",
        ),
        (document("<True/>"), "3:1: <True> is no element of a property list"),
        (document("<true>x</true>"), "3:1: <true/> holds no text"),
        (document("<null/>"), "3:1: <null> is no element of a property list"),
        (
            document("<dict><key><string>x</string></key></dict>"),
            "3:12: a <string> in a <key>, which holds nothing but text",
        ),
        (document("<dict>stray</dict>"), "3:7: text can only stand in a value"),
        (document("<array><true></array>"), "3:14: </array> where </true> has to stand"),
        (
            document("<dict><key>A</key><true/>\n<key>A</key><false/></dict>"),
            "4:13: the key 'A' is there twice",
        ),
        (document("<dict a=\"b\"></dict>"), "3:1: <dict> has no attributes in a property list"),
        (document("<!-- a -- b --><dict/>"), "3:1: '--' cannot stand in a comment"),
        (document("<true/><true/>"), "3:8: <plist> holds one value and then ends"),
        (document(""), "4:1: </plist> where a value has to stand"),
        (document("<string>\u{1}</string>"), "3:9: U+0001 cannot stand in XML"),
        (document("<string>\0</string>"), "3:9: U+0000 cannot stand in XML"),
        (document(dict) + "x", "5:1: something stands behind </plist>"),
        (document(dict) + &document(dict), "5:1: the XML declaration has to be the first thing in the file"),
        (format!("\n{}", document(dict)), "2:1: the XML declaration has to be the first thing in the file"),
        (format!("{HEAD}{dict}"), "3:48: the file ends in the middle"),
        (dict.to_owned(), "1:1: the outermost element has to be <plist>"),
        ("{ Label = x; }".to_owned(), "1:1: text can only stand in a value"),
        (
            "<?xml version=“1.0”?><plist/>".to_owned(),
            "1:15: a value has to stand between straight quotation marks",
        ),
        ("<?xml version=\"1.1\"?><plist/>".to_owned(), "1:20: this is no XML 1.0 declaration"),
        ("<?xml version='1.0' encoding='UTF-16'?>".to_owned(), "1:38: a property list has to be in UTF-8"),
        ("<?xml version=\"1.0\"".to_owned(), "1:1: the XML declaration has no end"),
        ("<!DOCTYPE html><html/>".to_owned(), "1:10: this is no document type of a property list"),
        (
            "<!DOCTYPE plist [<!ENTITY a \"b\">]><plist/>".to_owned(),
            "1:17: a document type of its own cannot be: it could define entities",
        ),
        (
            "<!DOCTYPE plist SYSTEM \"x\" [<!ENTITY a \"b\">]><plist/>".to_owned(),
            "1:28: a document type of its own cannot be: it could define entities",
        ),
        (document("<true/>"), "3:1: a job is a dictionary, not a boolean"),
        (document("<array/>"), "3:1: a job is a dictionary, not an array"),
    ] {
        let problems = reading(text.as_bytes()).unwrap_err();
        if problems != [format!("x:{place}")] {
            different.push((text, problems, place));
        }
    }
    assert!(different.is_empty(), "{different:#?}");
    let bytes = [HEAD.as_bytes(), b"<string>\xff"].concat();
    assert_eq!(reading(&bytes).unwrap_err(), ["x:3:9: it is not UTF-8"]);
}

#[test]
fn every_way_to_write_the_same_job_is_read() {
    let dict = "<dict><key>Program</key><string>/x</string><key>Nice</key><integer>5</integer></dict>";
    let old = "<!DOCTYPE plist PUBLIC \"-//Apple Computer//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">";
    for text in [
        document(dict),
        format!("<plist>{dict}</plist>"),
        format!("\u{feff}{}", document(dict)),
        document(dict).replace('\n', "\r\n"),
        format!(
            "<?xml version='1.0' encoding='utf-8' standalone='yes'?>{old}<plist version=\"1.0\">{dict}</plist>"
        ),
        format!(
            "<!DOCTYPE plist SYSTEM \"file://localhost/PropertyList.dtd\" ><plist >{dict}</plist ><!-- end -->\n"
        ),
        format!("<!-- a --><?editor x?><plist version = '0.9'>{dict}</plist>"),
        document(&dict.replace("<dict>", "<dict><!-- <key>Nice</key> -->\n")),
        document(&dict.replace("/x", "&#47;<![CDATA[x]]>")),
        document(&dict.replace("/x", "/<!-- -->&#x78;")),
        document(&dict.replace('5', " +0x5 ")),
        document(&dict.replace('5', "05")),
        document(&dict.replace("</dict>", "<key>Debug</key><false></false></dict>")),
    ] {
        let reading = reading(text.as_bytes()).unwrap_or_else(|problems| panic!("{problems:?}: {text}"));
        assert_eq!(model(reading), json!({ "nice": 5 }), "{text}");
    }
}

#[test]
fn what_a_key_says_is_what_launchd_makes_of_it() {
    let none: [&str; 0] = [];
    for (keys, expected, remarks) in [
        ("<key>UserName</key><string>www</string><key>GroupName</key><string>ssl</string><key>InitGroups</key><true/>",
         json!({ "user": "www", "group": "ssl" }), &none[..]),
        ("<key>UserName</key><string>www</string><key>InitGroups</key><false/>", json!({ "user": "www" }), &["InitGroups"]),
        ("<key>InitGroups</key><false/>", json!({}), &[]),
        ("<key>UserName</key><string>501</string>", json!({ "user": "501" }),
         &["launchd takes '501' for a name, and svcadapt for a number"]),
        ("<key>Umask</key><integer>54</integer>", json!({ "umask": "0066" }), &[]),
        ("<key>Umask</key><string>027</string>", json!({ "umask": "0027" }), &[]),
        ("<key>Umask</key><integer>022</integer>", json!({ "umask": "0026" }),
         &["an integer is decimal, whatever zeros it begins with: this is the umask 0026"]),
        ("<key>Umask</key><string>18</string>", json!({ "umask": "0022" }),
         &["a string without a 0 in front is decimal: this is the umask 0022"]),
        ("<key>StandardInPath</key><string>/in</string><key>StandardOutPath</key><string>/a b</string><key>StandardErrorPath</key><string>/dev/null</string>",
         json!({ "standard_input": "file:/in", "standard_output": "append:/a b", "standard_error": "null" }), &[]),
        ("<key>WorkingDirectory</key><string>/srv</string><key>RootDirectory</key><string>/jail</string>",
         json!({ "working_directory": "/srv", "root_directory": "/jail" }), &[]),
        ("<key>ExitTimeOut</key><integer>0</integer><key>Nice</key><integer>20</integer>",
         json!({ "timeout_stop_sec": "infinity", "nice": 19 }), &["the last nice level is 19 here"]),
        ("<key>ExitTimeOut</key><integer>08</integer>", json!({ "timeout_stop_sec": "8s" }), &[]),
        ("<key>ServiceDescription</key><string>A web server</string>", json!({ "description": "A web server" }), &[]),
        ("<key>EnvironmentVariables</key><dict><key>A</key><string> x=\n</string><key>B</key><integer>3</integer></dict>",
         json!({ "environment": ["A= x=\n"] }), &["the variable 'B' is an integer"]),
        ("<key>SoftResourceLimits</key><dict><key>NumberOfFiles</key><integer>1024</integer><key>Core</key><integer>0</integer></dict>
          <key>HardResourceLimits</key><dict><key>NumberOfFiles</key><integer>9223372036854775807</integer><key>Core</key><integer>0</integer></dict>",
         json!({ "limit_core": 0, "limit_nofile": "1024:infinity" }), &[]),
        ("<key>SoftResourceLimits</key><dict><key>CPU</key><integer>60</integer></dict>",
         json!({ "limit_cpu": 60 }), &["the soft limit CPU is taken for the hard one, too"]),
        // An integer where a port has its name, and a mode in decimal: both are launchd's own ways.
        ("<key>Sockets</key><dict><key>L</key><array><dict><key>SockServiceName</key><integer>80</integer></dict></array>
          <key>M</key><dict><key>SockServiceName</key><string>ssh</string><key>SockPathMode</key><integer>438</integer></dict></dict>",
         json!({}), &["Sockets"]),
        ("<key>KeepAlive</key><dict><key>SuccessfulExit</key><false/><key>PathState</key><dict><key>/x</key><true/></dict></dict>
          <key>ThrottleInterval</key><integer>5</integer>", json!({}), &["KeepAlive", "ThrottleInterval"]),
        ("<key>LimitLoadToSessionType</key><string>Aqua</string><key>AssociatedBundleIdentifiers</key><array><string>a</string></array>
          <key>StartCalendarInterval</key><array><dict><key>Hour</key><integer>3</integer></dict></array>
          <key>inetdCompatibility</key><dict><key>Wait</key><false/></dict><key>LaunchEvents</key><dict><key>a</key><date>2026-01-01T00:00:00Z</date></dict>",
         json!({}), &["LimitLoadToSessionType", "AssociatedBundleIdentifiers", "StartCalendarInterval", "inetdCompatibility", "LaunchEvents"]),
        // The default needs no word.
        ("<key>KeepAlive</key><false/><key>Disabled</key><false/><key>EnableTransactions</key><false/>", json!({}), &[]),
        ("<key>TimeOut</key><integer>5</integer>", json!({}), &["launchd does nothing with TimeOut any more"]),
        // What launchd passes over.
        ("<key>KeepAlive</key><dict><key>PathState</key><string>/x</string></dict>", json!({}),
         &["KeepAlive.PathState takes a dictionary, not a string"]),
        ("<key>Disabled</key><string>true</string>", json!({}), &["Disabled takes a boolean, not a string"]),
        ("<key>StartInterval</key><real>60</real>", json!({}), &["StartInterval takes an integer, not a real"]),
        ("<key>StartCalendarIntervals</key><array/>", json!({}), &["'StartCalendarIntervals' is no key of launchd's"]),
        ("<key>StartCalendarInterval</key><dict><key>WeekDay</key><integer>1</integer></dict>", json!({}),
         &["'StartCalendarInterval.WeekDay' is no key of launchd's"]),
        ("<key>enabletransactions</key><true/>", json!({}), &["'enabletransactions' is no key of launchd's"]),
        ("<key>#IfFeatureFlagEnabled</key><dict/>", json!({}), &["'#IfFeatureFlagEnabled' is no key of launchd's"]),
    ] {
        let (model, found) = told(keys);
        assert_eq!(model, expected, "{keys}");
        assert_eq!(found, remarks, "{keys}");
    }
}

#[test]
fn a_key_that_is_misspelt_is_told_which_was_meant() {
    for (key, meant) in [
        ("ExitTimeout", "ExitTimeOut"),
        ("StartCalendarIntervals", "StartCalendarInterval"),
        ("keepAlive", "KeepAlive"),
        ("EnvironmentVariable", "EnvironmentVariables"),
    ] {
        let reading = reading(job(&format!("<key>{key}</key><true/>")).as_bytes()).unwrap();
        let warning = reading.warnings[0].to_string();
        assert!(warning.contains(&format!("'{meant}' is what it knows")), "{warning}");
    }
}

/// launchd would start such a job all the same, as root or with every right to its files: here it is not started.
#[test]
fn a_wrong_value_of_what_svcadapt_acts_on_is_refused() {
    for (keys, problem) in [
        ("<key>UserName</key><integer>501</integer>", "3:26: UserName takes a string, not an integer"),
        ("<key>Umask</key><true/>", "3:23: Umask takes an integer or a string, not a boolean"),
        ("<key>Umask</key><integer>777</integer>", "3:23: a umask is between 0 and 511 (0777)"),
        ("<key>Umask</key><string>0o27</string>", "3:23: '0o27' is no umask: launchd would read it as 0000"),
        (
            "<key>Nice</key><integer>21</integer>",
            "3:22: a nice level is between -20 and 20; launchd passes over others",
        ),
        ("<key>ExitTimeOut</key><integer>-1</integer>", "3:29: a time is not negative"),
        (
            "<key>ProgramArguments</key><array><string>a</string><integer>1</integer></array>",
            "3:59: ProgramArguments[1] takes a string, not an integer",
        ),
        (
            "<key>ProgramArguments</key><string>a b</string>",
            "3:34: ProgramArguments takes an array, not a string",
        ),
        (
            "<key>SoftResourceLimits</key><dict><key>NumberOfFile</key><integer>1</integer></dict>",
            "3:65: 'SoftResourceLimits.NumberOfFile' is no key of launchd's",
        ),
        (
            "<key>HardResourceLimits</key><dict><key>Core</key><integer>-1</integer></dict>",
            "3:57: the limit Core is negative",
        ),
    ] {
        assert_eq!(reading(job(keys).as_bytes()).unwrap_err(), [format!("x:{problem}")], "{keys}");
    }
    // What no key is wrong with, the spec has to say.
    let reading = reading(job("<key>WorkingDirectory</key><string>~/x</string>").as_bytes()).unwrap();
    let problem = first_line(&reading.draft.finish().unwrap_err()[0]);
    assert_eq!(problem, "x:3:34: WorkingDirectory= '~/x': not an absolute path");
}

#[test]
fn the_program_and_the_name_that_it_is_called_by() {
    let command = |keys: &str| -> Result<(Value, Vec<String>), Vec<String>> {
        let mut reading =
            reading(document(&format!("<dict><key>RunAtLoad</key><true/>{keys}</dict>")).as_bytes())?;
        let warnings = reading.warnings.drain(..).map(|warning| warning.refusal.cause).skip(1).collect();
        let problems =
            |problems: Vec<svcadapt::spec::Problem>| problems.into_iter().map(first_line).collect::<Vec<_>>();
        let spec = reading.draft.finish().map_err(problems)?;
        Ok((spec.command.argv().map(|word| word.to_str().unwrap()).collect(), warnings))
    };
    let words = |words: &[&str]| {
        let words: String = words.iter().map(|word| format!("<string>{word}</string>")).collect();
        format!("<key>ProgramArguments</key><array>{words}</array>")
    };
    let program = |path: &str| format!("<key>Program</key><string>{path}</string>");
    let path = "<key>EnvironmentVariables</key><dict><key>PATH</key><string>/opt/bin</string></dict>";
    for (keys, expected, warnings) in [
        (words(&["/bin/web", "$HOME", "*", ""]), json!(["/bin/web", "$HOME", "*", ""]), &[][..]),
        (program("/bin/web"), json!(["/bin/web"]), &[]),
        (program("/bin/web") + &words(&["/bin/web", "-v"]), json!(["/bin/web", "-v"]), &[]),
        (program("/bin/web") + &words(&["web", "-v"]), json!(["/bin/web", "-v"]), &[]),
        (
            program("/bin/busybox") + &words(&["httpd", "-f"]),
            json!(["/bin/busybox", "-f"]),
            &["the program is called by its path, not by 'httpd'"],
        ),
        (program("/bin/web") + &words(&[]), json!(["/bin/web"]), &[]),
        (words(&["web"]), json!(["web"]), &[]),
        (
            words(&["web"]) + path,
            json!(["web"]),
            &["launchd searches the program in its own path, not in the PATH of the job"],
        ),
    ] {
        let (argv, found) = command(&keys).unwrap();
        assert_eq!(argv, expected, "{keys}");
        assert_eq!(found, warnings, "{keys}");
    }
    for (keys, problem) in [
        (String::new(), "spec: no program to run"),
        (words(&[]), "spec: no program to run"),
        (words(&["./web"]), "x:3:61: a relative path names no program"),
        (program("web"), "x:3:52: Program takes the absolute path of the program"),
    ] {
        assert_eq!(command(&keys).unwrap_err(), [problem], "{keys}");
    }
}

#[test]
fn a_job_that_waits_for_a_demand_and_one_without_a_name_are_told() {
    let warnings = |keys: &str| -> Vec<String> {
        let text = document(&format!("<dict><key>Program</key><string>/x</string>{keys}</dict>"));
        reading(text.as_bytes()).unwrap().warnings.iter().map(first_line).collect()
    };
    let label = "<key>Label</key><string>x</string>";
    let demand = "launchd starts this job on demand only; here it is started at once";
    assert_eq!(warnings(label), [format!("x:3:1: {demand}")]);
    assert_eq!(warnings(&format!("{label}<key>RunAtLoad</key><false/>")), [format!("x:3:98: {demand}")]);
    assert_eq!(warnings(&format!("{label}<key>KeepAlive</key><true/>")), [""; 0]);
    let atonce = "<key>RunAtLoad</key><true/>";
    assert_eq!(warnings(atonce), ["x:3:1: there is no Label, and launchd takes no job without"]);
    let strange = format!("{atonce}<key>Label</key><string>a b</string>");
    assert_eq!(
        warnings(&strange),
        ["x:3:87: the label names no service here: the character ' ' cannot stand in the name of a service"]
    );
    let reading = reading(job("").as_bytes()).unwrap();
    assert_eq!(reading.label.as_deref(), Some("x"));
    assert_eq!(reading.draft.finish().unwrap().name.unwrap().as_str(), "x");
}

/// Only what launchd itself has a word for; and what the reader cannot tell from what was meant.
fn of_launchd(field: Field) -> bool {
    matches!(field, Field::Umask | Field::Nice | Field::Environment)
        || matches!(field, Field::Limit(resource) if svcadapt::target::resource_key(resource).is_some())
}

#[test]
fn what_is_written_is_read_again() {
    let mut chance = Chance(21);
    let label = Label::parse("org.example.web".as_ref()).unwrap();
    let mut read_back = 0;
    for _ in 0..500 {
        let mut spec = crate::said::spec(&mut chance, of_launchd);
        // launchd has one variable of a name, and macOS no larger number.
        let (mut last, all) =
            (std::collections::BTreeMap::new(), std::mem::take(&mut spec.environment.assignments));
        last.extend(all.into_iter().map(|set| (set.name.clone(), set)));
        spec.environment.assignments = last.into_values().collect();
        let Ok(rendered) = write(&spec, &divide(&spec, Target::Launchd), &label, Path::new("/svcadapt"))
        else {
            continue;
        };
        let reading = reading(rendered.text.as_bytes()).unwrap();
        assert!(
            reading.kept.is_empty() && reading.warnings.is_empty(),
            "{:?} {:?}",
            reading.kept,
            reading.warnings
        );
        let mut again = reading.draft.finish().unwrap();
        assert_eq!(again.name.take().unwrap().as_str(), "org.example.web");
        assert_eq!(again.timeout_stop.take().unwrap().to_string(), "30s");
        assert_eq!(again, spec, "{}", rendered.text);
        read_back += 1;
    }
    assert!(read_back > 100, "{read_back}");
}

#[test]
fn what_the_adapter_is_told_is_part_of_the_service() {
    let folder = Folder::new();
    let file = folder.path().join("web.plist").display().to_string();
    let options = [
        "--name=web",
        "--umask=027",
        "--user=70",
        "--group=www",
        "--environment-file=-/etc/web",
        "--pid-file=/run/web.pid",
        "--directory-is-none",
        "--state-directory=web",
        "--unset-environment=TZ",
        "--timeout-stop-sec=7",
    ];
    let options: Vec<&str> = options.into_iter().filter(|option| !option.contains("is-none")).collect();
    let program = ["--", "/bin/web", "--user", "--", "-c"];
    let direct = printed([&["show"], &options[..], &program].concat());
    let text = printed([&["gen-plist", "--svcadapt=/opt/bin/svcadapt"], &options[..], &program].concat());
    assert!(text.contains("<string>/opt/bin/svcadapt</string>"), "{text}");
    folder.write("web.plist", &text);
    let output = svcadapt(["show", &file]);
    let sorted = |text: &str| {
        let mut model: Value = serde_json::from_str(text).unwrap();
        model.sort_all_objects();
        model
    };
    assert_eq!(sorted(std::str::from_utf8(&output.stdout).unwrap()), sorted(&direct), "{text}");
    assert_eq!(said(&output), "");
    folder.write("web.plist", &text.replace("supervised", "classic"));
    assert!(said(&svcadapt(["show", &file])).contains("svcadapt is told a mode, which no spec can say"));
}

#[test]
fn what_is_kept_is_told_and_refused_where_nothing_may_be_missing() {
    let folder = Folder::new();
    folder.write("x.plist", &job("<key>KeepAlive</key><true/>"));
    let file = folder.path().join("x.plist").display().to_string();
    let told = format!(
        "svcadapt: {file}:3:27 'KeepAlive': svcadapt does not act on it\n  | <dict><key>KeepAlive</key><true/>\n  |{}^\n",
        " ".repeat(27)
    );
    for command in ["show", "gen-unit", "gen-plist"] {
        let output = svcadapt([command, &file]);
        assert!(output.status.success(), "{}", said(&output));
        assert_eq!(said(&output), told);
    }
    for command in ["gen-unit", "gen-plist", "run"] {
        let output = svcadapt([command, "--strict", &file]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{command}");
        assert!(
            said(&output).starts_with(&told) && said(&output).contains("svcadapt: strict: not everything")
        );
    }
}

/// The same document in binary, as the crate that svcadapt does not read with writes it.
fn binary(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    Plist::from_reader_xml(text.as_bytes()).unwrap().to_writer_binary(&mut bytes).unwrap();
    bytes
}

#[test]
fn binary_and_xml_are_the_same() {
    let long = "x".repeat(300);
    let text = job(&format!(
        "<key>ServiceDescription</key><string>é 😀 {long}</string><key>Nice</key><integer>-5</integer>
         <key>Umask</key><integer>18</integer><key>ExitTimeOut</key><integer>70000</integer>
         <key>SoftResourceLimits</key><dict><key>CPU</key><integer>5000000000</integer></dict>
         <key>HardResourceLimits</key><dict><key>CPU</key><integer>18446744073709551615</integer></dict>
         <key>EnvironmentVariables</key><dict><key>A</key><string>{long}{long}</string><key>B</key><real>1.5</real></dict>
         <key>KeepAlive</key><true/><key>LaunchEvents</key><dict><key>a</key><data>AAAA</data><key>b</key><date>2026-01-01T00:00:00Z</date></dict>"
    ));
    let remarks = |reading: &Reading| {
        let kept: Vec<_> = reading.kept.iter().map(|kept| kept.key.clone()).collect();
        let mut causes: Vec<_> =
            reading.warnings.iter().map(|warning| warning.refusal.cause.clone()).collect();
        causes.sort();
        (kept, causes)
    };
    let (own, other) = (reading(text.as_bytes()).unwrap(), reading(&binary(&text)).unwrap());
    assert_eq!(remarks(&own), remarks(&other));
    assert_eq!(model(own), model(other));
    let wrong = binary(&job("<key>UserName</key><true/>"));
    assert_eq!(reading(&wrong).unwrap_err(), ["x: UserName takes a string, not a boolean"]);
}

/// Objects with one-byte offsets and references, in a file.
fn objects(objects: &[&[u8]]) -> Vec<u8> {
    let mut bytes = b"bplist00".to_vec();
    let mut offsets = Vec::new();
    for object in objects {
        offsets.push(u8::try_from(bytes.len()).unwrap());
        bytes.extend(*object);
    }
    let table = bytes.len() as u64;
    bytes.extend(&offsets);
    bytes.extend([0, 0, 0, 0, 0, 0, 1, 1]);
    for number in [offsets.len() as u64, 0, table] {
        bytes.extend(number.to_be_bytes());
    }
    bytes
}

#[test]
fn a_small_file_cannot_become_a_large_one() {
    let begin = Instant::now();
    // Each array names the next one twice: 2^40 values.
    let bomb: Vec<[u8; 3]> = (1..=40).map(|next| [0xa2, next, next]).collect();
    let mut bomb: Vec<&[u8]> = bomb.iter().map(|object| &object[..]).collect();
    bomb.push(&[0x09]);
    let loops: &[u8] = &[0xa1, 0];
    let doubled: &[&[u8]] = &[&[0xd2, 1, 1, 2, 2], b"\x51A", &[0x09]];
    let huge: &[u8] = &[0x5f, 0x13, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    for (bytes, problem) in [
        (objects(&bomb), "x: it unfolds to more than 1 MiB"),
        (objects(&[loops]), "x: values stand more than 64 deep in each other"),
        (objects(doubled), "x: the key 'A' is there twice"),
        (objects(&[huge]), "x: the binary property list is damaged: a length cannot be"),
        (objects(&[&[0xa1, 9]]), "x: the binary property list is damaged: a reference cannot be"),
        (
            objects(&[&[0x70]]),
            "x: the binary property list is damaged: an object that begins with 0x70 cannot be",
        ),
        (
            objects(&[&[0x00]]),
            "x: the binary property list is damaged: an object that begins with 0x00 cannot be",
        ),
        (b"bplist00".to_vec(), "x: the binary property list is damaged: its last 32 bytes cannot be"),
        (
            [b"bplist00".to_vec(), vec![0xff; 40]].concat(),
            "x: the binary property list is damaged: its last 32 bytes cannot be",
        ),
    ] {
        assert_eq!(reading(&bytes).unwrap_err(), [problem]);
    }
    let (deep, end) = ("<array>".repeat(10_000), "</array>".repeat(10_000));
    assert_eq!(
        reading(document(&format!("{deep}{end}")).as_bytes()).unwrap_err(),
        ["x:3:456: values stand more than 64 deep in each other"]
    );
    for text in [
        format!("<plist>{}", "<array>".repeat(1_000_000)),
        format!("<plist><string>{}", "&amp;".repeat(2_000_000)),
        "\0".repeat(10_000_000),
        "<".repeat(1_000_000),
        format!("<plist><string>{}", "<!---->".repeat(140_000)),
        format!("<plist><string>{}", "]]&gt;".repeat(150_000)),
        format!("<plist {}", "a='b' ".repeat(150_000)),
        format!("<plist><dict>{}", "<key/><true/>".repeat(70_000)),
        format!("{}{}", document("<dict/>"), "\n".repeat(10_000_000)),
    ] {
        assert_eq!(reading(text.as_bytes()).unwrap_err().len(), 1);
    }
    let many: String = (0..30_000).map(|n| format!("<key>{n}</key><true/>\n")).collect();
    assert_eq!(reading(job(&many).as_bytes()).unwrap().warnings.len(), 30_000);
    assert!(begin.elapsed() < Duration::from_secs(120), "{:?}", begin.elapsed());
}

/// Reads documents, in hexadecimal, as Python does, and prints what the job says, or null.
const READER: &str = "
import json, plistlib, sys
for line in sys.stdin:
    try:
        data = bytes.fromhex(line)
        job = plistlib.loads(data, fmt=plistlib.FMT_BINARY if data[:8] == b'bplist00' else plistlib.FMT_XML)
        words = job.get('ProgramArguments', [])
        if 'Program' in job: words[:1] = [job['Program']]
        environment = {n: v for n, v in job.get('EnvironmentVariables', {}).items() if isinstance(v, str)}
        print(json.dumps([job.get('Label'), words, environment]))
    except Exception: print('null')
";

/// Makes jobs of what it gets, in binary and in XML, and prints them in hexadecimal.
const WRITER: &str = "
import json, plistlib, sys
for line in sys.stdin:
    for fmt in plistlib.FMT_XML, plistlib.FMT_BINARY:
        print(plistlib.dumps(json.loads(line), fmt=fmt).hex())
";

fn python(program: &str, lines: &[String]) -> Option<Vec<String>> {
    let folder = Folder::new();
    folder.write("input", &(lines.join("\n") + "\n"));
    let input = std::fs::File::open(folder.path().join("input")).unwrap();
    if Command::new("python3").arg("--version").output().is_err() {
        skip("python3", "there is no such program");
        return None;
    }
    let output = Command::new("timeout")
        .args(["60", "python3", "-c", program])
        .stdin(input)
        .stderr(Stdio::inherit())
        .output()
        .unwrap();
    assert!(output.status.success());
    Some(String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect())
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn bytes(hexadecimal: &str) -> Vec<u8> {
    let digits = |at: usize| u8::from_str_radix(&hexadecimal[at..at + 2], 16).unwrap();
    (0..hexadecimal.len()).step_by(2).map(digits).collect()
}

/// What svcadapt makes of a document, in the form in which `READER` prints it.
fn ours(reading: &Reading) -> Option<Value> {
    let spec = reading.draft.clone().finish().ok()?;
    let environment: serde_json::Map<_, _> = spec
        .environment
        .assignments
        .iter()
        .map(|set| (set.name.to_string(), set.value.to_str().unwrap().into()))
        .collect();
    let words: Vec<_> = spec.command.argv().map(|word| word.to_str().unwrap()).collect();
    Some(json!([reading.label, words, environment]))
}

#[test]
fn what_python_writes_is_read() {
    let mut chance = Chance(22);
    let jobs: Vec<Value> = (0..100)
        .map(|_| {
            let mut words = vec!["/bin/web".to_owned()];
            words.extend((0..chance.below(20)).map(|_| chance.text(40, "\n]]>")));
            json!({
                "Label": "x", "RunAtLoad": true, "ProgramArguments": words, "Nice": 7,
                "EnvironmentVariables": { "A": chance.text(300, "\n"), "B": chance.below(70_000), "C": "" },
            })
        })
        .collect();
    let Some(written) = python(WRITER, &jobs.iter().map(Value::to_string).collect::<Vec<_>>()) else {
        return;
    };
    assert_eq!(written.len(), 200);
    for (document, job) in written.iter().zip(jobs.iter().flat_map(|job| [job, job])) {
        let reading = reading(&bytes(document)).unwrap();
        let set = &job["EnvironmentVariables"];
        let expected = json!(["x", job["ProgramArguments"], { "A": set["A"], "C": "" }]);
        assert_eq!(ours(&reading), Some(expected));
        assert_eq!(reading.draft.finish().unwrap().nice, Some(7));
    }
}

/// Never panics; and what is taken is taken by a reader that is not ours, and means the same to it.
#[test]
fn what_chance_has_damaged_is_read_as_python_reads_it_or_not_at_all() {
    let mut chance = Chance(23);
    let text = job(
        "<key>ProgramArguments</key><array><string>x</string><string>a &amp; &#60;b&#x3e;</string><string/></array>
         <!-- c --><key>EnvironmentVariables</key><dict><key>A</key><string>1</string><key>B</key><integer>2</integer></dict>
         <key>UserName</key><string>www</string><key>Umask</key><integer>18</integer><key>KeepAlive</key><true/>",
    );
    let binary = binary(&text);
    let (mut taken, mut documents) = (Vec::new(), Vec::new());
    for number in 0..6000 {
        let mut bytes = if number % 3 == 0 { binary.clone() } else { text.clone().into_bytes() };
        damage(&mut chance, &mut bytes, b"<>&;/!-[]?\"' =\r\n\xffa0x");
        if let Ok(reading) = reading(&bytes)
            && let Some(read) = ours(&reading)
        {
            taken.push(read);
            documents.push(bytes);
        }
    }
    assert!(taken.len() > 150, "{}", taken.len());
    let lines: Vec<String> = documents.iter().map(|document| hexadecimal(document)).collect();
    let Some(others) = python(READER, &lines) else { return };
    let mut different = Vec::new();
    for ((own, other), document) in taken.iter().zip(&others).zip(&documents) {
        let other: Value = serde_json::from_str(other).unwrap();
        if own != &other {
            different.push(format!("{own}\n{other}\n{}", String::from_utf8_lossy(document)));
        }
    }
    assert!(different.is_empty(), "{}: {}", different.len(), different.join("\n"));
    assert_eq!(taken.len(), others.len());
}

#[test]
fn the_resources_of_launchd_have_one_name_each() {
    let named =
        Resource::ALL.into_iter().filter(|resource| svcadapt::target::resource_key(*resource).is_some());
    assert_eq!(named.count(), 9);
}
