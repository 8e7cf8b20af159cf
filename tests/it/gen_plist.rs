//! A generated property list contains exactly what was set, or is not generated.

use std::process::Command;

use serde_json::{Value, json};

use crate::harness::skip;
use crate::support::{Chance, Folder, printed, stderr_of, svcadapt};

/// Loads property lists with Python's strict XML reader, and prints each as a line of JSON.
const READER: &str = "
import json, plistlib, sys
for name in sys.argv[1:]:
    with open(name, 'rb') as file:
        print(json.dumps(plistlib.load(file, fmt=plistlib.FMT_XML), sort_keys=True))
";

/// The result of Python's reader; `None` without Python.
pub(crate) fn read(texts: &[String]) -> Option<Vec<Value>> {
    let folder = Folder::new();
    let mut command = Command::new("timeout");
    command.args(["60", "python3", "-c", READER]);
    for (number, text) in texts.iter().enumerate() {
        folder.write(&number.to_string(), text);
        command.arg(folder.path().join(number.to_string()));
    }
    if Command::new("python3").arg("--version").output().is_err() {
        skip("python3", "there is no such program");
        return None;
    }
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", stderr_of(&output));
    let lines = String::from_utf8(output.stdout).unwrap();
    Some(lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect())
}

/// The result of the reader in the crate that wrote it.
fn read_back(text: &str) -> plist::Dictionary {
    plist::Value::from_reader_xml(text.as_bytes()).unwrap().into_dictionary().unwrap()
}

fn plist(words: &[&str]) -> String {
    printed([&["gen-plist", "--label=org.example.web"], words].concat())
}

#[test]
fn plist_contains_every_field_that_launchd_supports() {
    let text = plist(&[
        "--user=_www",
        "--group=_www",
        "--umask=027",
        "--working-directory=/a b&<c>",
        "--environment=B=\"x\" & 'y'",
        "--environment=A= \t\n ",
        "--environment=B=last",
        "--standard-input=file:/in",
        "--standard-output=append:/out",
        "--standard-error=append:/err",
        "--limit-cpu=1min",
        "--limit-nofile=1024:4096",
        "--limit-core=infinity",
        "--nice=-5",
        "--timeout-stop-sec=45",
        "--clean-environment",
        "--",
        "/bin/web",
        "",
        "  a  ",
        "--label",
    ]);
    let expected = json!({
        "Label": "org.example.web",
        "ProgramArguments": ["/bin/web", "", "  a  ", "--label"],
        "RunAtLoad": true,
        "ExitTimeOut": 45,
        "UserName": "_www",
        "GroupName": "_www",
        "InitGroups": true,
        "Umask": 23,
        "WorkingDirectory": "/a b&<c>",
        "EnvironmentVariables": {"A": " \t\n ", "B": "last"},
        "StandardInPath": "/in",
        "StandardOutPath": "/out",
        "StandardErrorPath": "/err",
        "SoftResourceLimits": {"CPU": 60, "NumberOfFiles": 1024, "Core": i64::MAX},
        "HardResourceLimits": {"CPU": 60, "NumberOfFiles": 4096, "Core": i64::MAX},
        "Nice": -5,
    });
    let keys: Vec<String> = read_back(&text).keys().cloned().collect();
    assert!(keys.is_sorted() && text.ends_with("</plist>\n"));
    assert_eq!(keys.len(), expected.as_object().unwrap().len());
    if let Some(read) = read(&[text]) {
        assert_eq!(read, [expected]);
    }
}

#[test]
fn sockets_are_opened_by_launchd_and_passed_by_the_adapter() {
    let listen = [
        "--listen-stream=80",
        "--listen-stream=127.0.0.1:81",
        "--listen-datagram=[::1]:53",
        "--listen-stream=/var/run/a & b",
        "--socket-mode=0660",
        "--socket-user=70",
        "--file-descriptor-name=web",
    ];
    let through = plist(&[&listen[..], &["--svcadapt=/usr/local/bin/svcadapt", "--", "/bin/web"]].concat());
    let itself = plist(&[&listen[..], &["--launchd-activation", "--", "/bin/web"]].concat());
    let Some(read) = read(&[through, itself]) else { return };
    let sockets = json!({ "web": [
        { "SockType": "stream", "SockServiceName": "80", "SockFamily": "IPv4v6" },
        { "SockType": "stream", "SockNodeName": "127.0.0.1", "SockServiceName": "81", "SockFamily": "IPv4" },
        { "SockType": "stream", "SockPathName": "/var/run/a & b", "SockPathMode": 432, "SockPathOwner": 70 },
        { "SockType": "dgram", "SockNodeName": "::1", "SockServiceName": "53", "SockFamily": "IPv6" },
    ] });
    assert_eq!(read[0]["Sockets"], sockets);
    assert_eq!(read[1]["Sockets"], sockets);
    let adapter = "/usr/local/bin/svcadapt run --mode launchd --name org.example.web --listen-stream 80 --listen-stream 127.0.0.1:81 \
                   --listen-stream /var/run/a & b --listen-datagram [::1]:53 --file-descriptor-name web -- /bin/web";
    let words = |job: &Value| {
        let words = job["ProgramArguments"].as_array().unwrap();
        words.iter().map(|word| word.as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!((words(&read[0]), words(&read[1])), (adapter.to_owned(), "/bin/web".to_owned()));
}

#[test]
fn single_socket_is_a_dictionary_and_unsupported_ones_are_reported() {
    let output = svcadapt([
        "gen-plist",
        "--label=x",
        "--svcadapt=/opt/svcadapt",
        "--listen-stream=/s",
        "--listen-stream=@a",
        "--listen-sequential-packet=/p",
        "--backlog=5",
        "--socket-user=web",
        "--",
        "/bin/web",
    ]);
    assert!(output.status.success());
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let read = read_back(&text);
    let listeners = read["Sockets"].as_dictionary().unwrap()["x.socket"].as_dictionary().unwrap();
    assert_eq!(listeners["SockPathMode"].as_unsigned_integer(), Some(0o666));
    assert!(!listeners.contains_key("SockPathOwner"));
    assert_eq!(
        stderr_of(&output),
        "svcadapt: --listen-stream: approximated: without @a: macOS has no abstract sockets\n\
         svcadapt: --listen-sequential-packet: lost: macOS has no SOCK_SEQPACKET sockets\n\
         svcadapt: --socket-user: lost: launchd takes only a numeric owner\n\
         svcadapt: --backlog: lost: launchd sets the backlog itself\n"
    );
}

#[test]
fn random_jobs_are_read_back_by_python() {
    let mut chance = Chance(3);
    let (mut texts, mut expected) = (Vec::new(), Vec::new());
    for _ in 0..100 {
        let mut argv = vec!["/bin/true".to_owned()];
        argv.extend((0..chance.below(6)).map(|_| chance.text(12, "\n\u{7f}]]>")));
        let variable = chance.text(12, "\n");
        let environment = format!("--environment=A={variable}");
        let mut words = vec![environment.as_str(), "--"];
        words.extend(argv.iter().map(String::as_str));
        let text = plist(&words);
        let own = read_back(&text);
        let own: Vec<_> =
            own["ProgramArguments"].as_array().unwrap().iter().filter_map(|v| v.as_string()).collect();
        assert_eq!(own, argv);
        texts.push(text);
        expected.push((argv, variable));
    }
    let Some(read) = read(&texts) else { return };
    for (job, (argv, variable)) in read.iter().zip(&expected) {
        assert_eq!(job["ProgramArguments"], json!(argv));
        assert_eq!(job["EnvironmentVariables"], json!({ "A": variable }));
        assert_eq!(job.as_object().unwrap().len(), 5, "a key was brought in: {job}");
    }
}

#[test]
fn unsupported_field_goes_to_the_adapter_or_is_reported() {
    let words =
        ["gen-plist", "--label=x", "--svcadapt=/opt/svcadapt", "--user=70", "--environment-file=-/etc/web"];
    let output = svcadapt([&words[..], &["--oom-score-adjust=5", "--", "/bin/web", "-v"]].concat());
    let job = read_back(std::str::from_utf8(&output.stdout).unwrap());
    let argv: Vec<_> =
        job["ProgramArguments"].as_array().unwrap().iter().filter_map(|v| v.as_string()).collect();
    assert_eq!(
        argv.join(" "),
        "/opt/svcadapt run --mode launchd --name x --user 70 --environment-file=-/etc/web -- /bin/web -v"
    );
    assert_eq!(stderr_of(&output), "svcadapt: --oom-score-adjust: lost: macOS has no OOM score\n");
}

/// The command that launchd starts for a service of these words.
fn command(words: &[&str]) -> String {
    let all = ["gen-plist", "--label=org.web", "--svcadapt=/opt/svcadapt", "--strict"];
    let job = read_back(&printed([&all[..], words, &["--", "/bin/web"]].concat()));
    let words = job["ProgramArguments"].as_array().unwrap().iter().filter_map(|word| word.as_string());
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn adapter_that_watches_gets_the_name_of_the_service() {
    let adapter = |options: &str| format!("/opt/svcadapt run --mode launchd {options} -- /bin/web");
    assert_eq!(command(&["--name=web", "--umask=027"]), "/bin/web");
    assert_eq!(
        command(&["--name=web", "--ready=tcp:80", "--timeout-start-sec=9"]),
        adapter("--name web --ready tcp:80 --timeout-start-sec 9s")
    );
    // Without a name the label is it.
    assert_eq!(command(&["--ready=tcp:80"]), adapter("--name org.web --ready tcp:80"));
    assert_eq!(command(&["--type=notify"]), adapter("--name org.web --type notify --ready notify"));
    // launchd starts as another user only what needs no record of root.
    let [user, ready] = ["--user=www", "--ready=tcp:80"];
    assert_eq!(command(&[user, ready]), adapter("--name org.web --user www --ready tcp:80"));
    assert_eq!(command(&[user, "--listen-stream=80", "--file-descriptor-name=a"]), {
        adapter("--listen-stream 80 --file-descriptor-name a")
    });
}

#[test]
fn restart_is_the_adapters_where_only_the_adapter_knows_its_rules() {
    let adapter = |options: &str| format!("/opt/svcadapt run --mode launchd {options} -- /bin/web");
    let restart = "--restart=always";
    for (more, options) in [
        ("--file-descriptor-store-max=2", "--restart always --file-descriptor-store-max 2"),
        ("--start-limit-burst=2", "--restart always --start-limit-burst 2"),
        ("--watchdog-sec=2", "--watchdog-sec 2s"),
    ] {
        assert_eq!(command(&["--name=web", restart, more]), adapter(&format!("--name web {options}")));
    }
}

#[test]
fn label_that_is_not_the_name_is_kept() {
    let folder = Folder::new();
    let words = ["gen-plist", "--label=org.web", "--name=web", "--svcadapt=/opt/svcadapt"];
    let text = printed([&words[..], &["--ready=tcp:80", "--", "/bin/web"]].concat());
    folder.write("org.web.plist", &text);
    let file = folder.path().join("org.web.plist").display().to_string();
    assert_eq!(printed(["gen-plist", "--svcadapt=/opt/svcadapt", &file]), text);
    let shown = printed(["show", &file]);
    assert!(shown.contains("\"name\": \"web\"") && shown.contains("\"tcp:80\""), "{shown}");
    let renamed = printed(["gen-plist", "--svcadapt=/opt/svcadapt", "--name=other", &file]);
    assert!(renamed.contains("<string>other</string>") && !renamed.contains("org.web"), "{renamed}");
}

#[test]
fn weakened_security_is_refused_without_allow_loss() {
    let words = ["gen-plist", "--label=x", "--no-new-privileges", "--", "/bin/true"];
    let output = svcadapt(words);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    assert!(
        stderr_of(&output).contains("--no-new-privileges: lost, weakens security: ")
            && stderr_of(&output).contains("--allow-loss")
    );
    let output = svcadapt([&["gen-plist", "--allow-loss"], &words[1..]].concat());
    assert!(output.status.success());
    assert!(stderr_of(&output).contains("--no-new-privileges: lost, weakens security: "));
    let output = svcadapt(["gen-plist", "--label=x", "--strict", "--description=x", "--", "/bin/true"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
}

#[test]
fn value_that_xml_cannot_carry_is_refused_at_its_byte() {
    let folder = Folder::new();
    for (words, place) in [
        (
            &["--environment=A=b\u{1}", "--", "/bin/true"][..],
            "--environment 'A=b\\u{1}': byte 3: a property list cannot contain U+0001",
        ),
        (
            &["--", "/bin/true", "x", "a\rb"],
            "argument 2 'a\\rb': byte 1: a property list cannot contain U+000D",
        ),
        (
            &["--working-directory=/\u{ffff}", "--", "/bin/true"],
            "--working-directory '/\\u{ffff}': byte 1: a property list cannot contain U+FFFF",
        ),
    ] {
        let output = svcadapt(
            [&["gen-plist", "--label=x", "--output", folder.path().to_str().unwrap()], words].concat(),
        );
        assert_eq!(output.status.code(), Some(2));
        assert!(stderr_of(&output).starts_with(&format!("svcadapt: {place}")), "{}", stderr_of(&output));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}

#[test]
fn label_names_the_output_file() {
    let folder = Folder::new();
    let directory = folder.path().to_str().unwrap();
    assert!(
        svcadapt(["gen-plist", "--label=org.x", "--output", directory, "--", "/bin/true"]).status.success()
    );
    assert_eq!(
        std::fs::read_to_string(folder.path().join("org.x.plist")).unwrap(),
        printed(["gen-plist", "--label=org.x", "--", "/bin/true"])
    );
    let output = svcadapt(["gen-plist", "--label=a/b", "--umask=9", "--", "/bin/true"]);
    assert_eq!(stderr_of(&output).lines().filter(|line| line.starts_with("svcadapt: ")).count(), 2);
    assert_eq!(svcadapt(["gen-plist", "--", "/bin/true"]).status.code(), Some(2));
}

#[test]
fn bare_program_name_is_kept_for_launchd_to_search() {
    let note = |program: &str| {
        format!(
            "svcadapt: program '{program}': launchd searches for it only in /usr/bin:/bin:/usr/sbin:/sbin\n  \
             hint: if it is installed elsewhere, give its absolute path\n"
        )
    };
    let words = |text: &[u8]| read_back(&String::from_utf8_lossy(text))["ProgramArguments"].clone();
    let array =
        |words: &[&str]| plist::Value::from(words.iter().map(|word| (*word).into()).collect::<Vec<_>>());
    // A program that exists only on a Mac, too.
    for program in ["sh", "osascript"] {
        let output = svcadapt(["gen-plist", "--strict", "--label=x", "--", program, "-e", "1"]);
        assert_eq!((output.status.code(), stderr_of(&output)), (Some(0), note(program)));
        assert_eq!(words(&output.stdout), array(&[program, "-e", "1"]));
    }
    let folder = Folder::new();
    folder.write("a.service", "[Service]\nExecStart=sh -c x\n");
    let output = svcadapt(["gen-plist", &folder.path().join("a.service").display().to_string()]);
    assert_eq!(words(&output.stdout), array(&["sh", "-c", "x"]));
    let job = |words: &str| {
        format!(
            "<plist version=\"1.0\"><dict><key>Label</key><string>b</string><key>RunAtLoad</key><true/>\
             <key>ProgramArguments</key><array>{words}</array></dict></plist>"
        )
    };
    folder.write("b.plist", &job("<string>osascript</string><string>-l</string>"));
    let file = folder.path().join("b.plist").display().to_string();
    let output = svcadapt(["gen-plist", &file]);
    assert_eq!((stderr_of(&output).as_str(), words(&output.stdout)), ("", array(&["osascript", "-l"])));
    folder.write("b.plist", &job("<string>sh</string><string>-l</string>"));
    assert!(printed(["gen-unit", &file]).contains("ExecStart=sh -l\n"));
}

#[test]
fn adapter_path_defaults_to_usr_local_bin_off_macos() {
    let output = svcadapt(["gen-plist", "--strict", "--label=x", "--user=70", "--", "/bin/true"]);
    let here = env!("CARGO_BIN_EXE_svcadapt");
    let (path, note) = if std::env::consts::OS == "macos" {
        (here, "")
    } else {
        (
            "/usr/local/bin/svcadapt",
            "svcadapt: --svcadapt '/usr/local/bin/svcadapt': assumed to be the path of svcadapt on the target \
             machine\n  hint: --svcadapt PATH sets another one\n",
        )
    };
    assert_eq!((output.status.code(), stderr_of(&output).as_str()), (Some(0), note));
    let first = |text: &str| read_back(text)["ProgramArguments"].as_array().unwrap()[0].clone();
    assert_eq!(first(&String::from_utf8(output.stdout).unwrap()), path.into());
    let words = ["gen-plist", "--label=x", "--svcadapt=/opt/svcadapt", "--user=70", "--", "/bin/true"];
    let output = svcadapt(words);
    assert_eq!(stderr_of(&output), "");
    assert_eq!(first(&String::from_utf8(output.stdout).unwrap()), "/opt/svcadapt".into());
    // Without an adapter svcadapt is not mentioned.
    assert_eq!(stderr_of(&svcadapt(["gen-plist", "--label=x", "--", "/bin/true"])), "");
}
