//! `svcadapt run NAME.service`: a unit with its drop-ins and instances is a spec, and options override it.

use std::process::Output;

use crate::harness::{Capability, require};
use crate::support::{Folder, stderr_of, svcadapt};

fn unit(folder: &Folder, name: &str) -> String {
    folder.path().join(name).display().to_string()
}

fn written(output: &Output) -> String {
    assert!(output.status.success(), "{}", stderr_of(output));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn run(spec: &str, more: &[&str]) -> Output {
    let output = svcadapt([&["run", "--mode", "supervised", spec], more].concat());
    // The program was svcadapt's own process, so its record is still there.
    let name = std::path::Path::new(spec).file_stem().unwrap().to_str().unwrap().to_owned();
    svcadapt(["stop".to_owned(), name]);
    output
}

const ECHO: &str =
    "[Service]\nEnvironment=\"A=one 'two  three'\" I=%i\nExecStart=/bin/echo $A <${A}> $NONE $$A ${I}%%\n";

#[test]
fn unit_command_is_expanded_as_by_systemd() {
    let folder = Folder::new();
    folder.write("echo@.service", ECHO);
    let output = run(&unit(&folder, "echo@x-y.service"), &[]);
    assert_eq!(written(&output), "one two  three <one 'two  three'> $A x-y%\n");
    assert_eq!(stderr_of(&output), "");
    // Words on the command line are not expanded.
    let output = run(&unit(&folder, "echo@x.service"), &["--", "/bin/echo", "$A", "$$"]);
    assert_eq!(written(&output), "$A $$\n");
}

#[test]
fn unit_with_fields_of_the_journal_runs_without_a_warning() {
    let folder = Folder::new();
    let text = "[Service]\nSyslogIdentifier=x\nSyslogFacility=local0\nSyslogLevel=debug\nSyslogLevelPrefix=no\n\
                ExecStart=/bin/echo x\n";
    folder.write("journal.service", text);
    let output = run(&unit(&folder, "journal.service"), &["--strict"]);
    assert_eq!((written(&output), stderr_of(&output)), ("x\n".into(), String::new()));
}

#[test]
fn drop_ins_are_read_in_name_order() {
    let folder = Folder::new();
    folder.write("web-a.service", "[Service]\nExecStart=/bin/echo base\nEnvironment=A=1\n");
    for beside in ["web-a.service.d", "web-.service.d"] {
        std::fs::create_dir(folder.path().join(beside)).unwrap();
    }
    folder.write("web-.service.d/10-x.conf", "[Service]\nExecStart=\nExecStart=/bin/echo lost\n");
    folder.write("web-a.service.d/10-x.conf", "[Service]\nExecStart=\nExecStart=/bin/echo over $A $B\n");
    folder.write("web-.service.d/20-y.conf", "[Service]\nEnvironment=B=2\n");
    folder.write("web-a.service.d/30-not.txt", "[Service\n");
    let path = unit(&folder, "web-a.service");
    assert_eq!(written(&run(&path, &[])), "over 1 2\n");
    assert_eq!(written(&run(&path, &["--environment", "B=3"])), "over 1 3\n");
    folder.write("web-a.service.d/40-z.conf", "[Service\n");
    let output = run(&path, &[]);
    assert_eq!(output.status.code(), Some(2));
    let place = unit(&folder, "web-a.service.d/40-z.conf");
    assert_eq!(
        stderr_of(&output),
        format!("svcadapt: {place}:1:1: the header of a section must end with ']'\n  | [Service\n  | ^\n")
    );
}

#[test]
fn unsupported_directive_is_reported_and_refused_by_strict() {
    let folder = Folder::new();
    let text = "[Unit]\nDescription=x\nAfter=a.service\nDocumentation=man:x\n[Service]\nExecStart=-/bin/echo x\n\
                GuessMainPID=no\nIgnoreSIGPIPE=no\n[Install]\nWantedBy=multi-user.target\n";
    folder.write("kept.service", text);
    let path = unit(&folder, "kept.service");
    let notes = format!(
        "svcadapt: {path}:3: After=: not honoured here: services have no order\n\
         svcadapt: {path}:7: GuessMainPID=: not honoured here: it takes effect only in a generated unit or property list\n"
    );
    let output = run(&path, &[]);
    assert_eq!((written(&output), stderr_of(&output)), ("x\n".into(), notes.clone()));
    let output = run(&path, &["--strict"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(output.stdout.is_empty() && stderr_of(&output).starts_with(&notes), "{}", stderr_of(&output));
    let output = svcadapt(["gen-plist", &path, "--strict", "--svcadapt", "/bin/svcadapt"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    let lost = format!(
        "svcadapt: {path}:2: Description=x: lost: a property list has no key for it\n\
         svcadapt: {path}:7: GuessMainPID=no: lost: it has no equivalent\n\
         svcadapt: StandardOutput=: lost: launchd has no journal: output goes to /dev/null and is lost; \
         --standard-output append:PATH keeps it\n\
         svcadapt: {path}:3: After=a.service: lost: services have no order\n\
         svcadapt: strict: "
    );
    assert!(stderr_of(&output).starts_with(&lost), "{}", stderr_of(&output));
    // The model is complete, and so is what is read from it.
    let model = written(&svcadapt(["show", &path]));
    folder.write(
        "kept.json",
        &model.replace("\"command\"", "\"launchd\": {\"ProcessType\": \"Interactive\"},\n  \"command\""),
    );
    let path_of_model = unit(&folder, "kept.json");
    let output = run(&path_of_model, &["--strict"]);
    let told_of_model = format!(
        "svcadapt: {path_of_model}: After=: not honoured here: services have no order\n\
         svcadapt: {path_of_model}: ProcessType: not honoured here: only launchd has this setting\n"
    );
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    assert!(stderr_of(&output).starts_with(&told_of_model), "{}", stderr_of(&output));
    // systemd gets back what only systemd understands.
    let output = svcadapt(["gen-unit", &path, "--strict"]);
    assert_eq!(stderr_of(&output), "");
    assert_eq!(written(&output), text);
}

#[test]
fn line_ignored_by_systemd_is_reported_by_every_command() {
    let folder = Folder::new();
    folder.write(
        "odd.service",
        "[Service]\nExecStart=/bin/echo x\nUMask=888\nNice=5\nStandardOutput=null\n[Install]\n\
         WantedBy=multi-user.target\n",
    );
    let path = unit(&folder, "odd.service");
    let note = format!(
        "svcadapt: {path}:3:7: UMask=: not an octal number between 0 and 777\n  | UMask=888\n  |       ^\n"
    );
    for command in [&["show"][..], &["gen-unit"], &["gen-plist", "--label=x"], &["run", "--dry-run"]] {
        let output = svcadapt([command, &[&path]].concat());
        assert_eq!((output.status.code(), stderr_of(&output)), (Some(0), note.clone()), "{command:?}");
    }
    for command in ["gen-unit", "run"] {
        let output = svcadapt([command, "--strict", &path]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{command}");
    }
}

#[test]
fn unit_generated_from_a_unit_is_equivalent() {
    let folder = Folder::new();
    folder.write("echo@.service", ECHO);
    // The instance is a part of the name; another name has none.
    assert_eq!(written(&svcadapt(["gen-unit", &unit(&folder, "echo@x-y.service")])), ECHO);
    let output = svcadapt(["gen-unit", &unit(&folder, "echo@x-y.service"), "--name=again"]);
    assert!(stderr_of(&output).contains("cannot be made line by line"), "{}", stderr_of(&output));
    let text = written(&output);
    assert!(text.contains("ExecStart=/bin/echo \"$A\" \"<${A}>\" \"$NONE\" \"$$A\" \"${I}%%\"\n"), "{text}");
    folder.write("again.service", &text);
    let path = unit(&folder, "again.service");
    assert_eq!(written(&svcadapt(["gen-unit", &path])), text);
    assert_eq!(written(&run(&path, &[])), "one two  three <one 'two  three'> $A x-y%\n");
    // With an adapter, the adapter expands them.
    let text = written(&svcadapt(["gen-unit", &path, "--type=exec", "--ready=tcp:80"]));
    assert!(text.contains("--expand-variables=yes") && text.contains(" \"$$A\" "), "{text}");
    folder.write("again.service", &text);
    assert_eq!(written(&svcadapt(["gen-unit", &path])), text);
}

#[test]
fn invalid_spec_file_is_refused_in_one_line() {
    let folder = Folder::new();
    folder.write("empty.service", "");
    folder.write("two.service", "[Service]\nType=oneshot\nExecStart=/bin/a\nExecStart=/bin/b\n");
    folder.write("web.toml", "");
    std::fs::create_dir(folder.path().join("d.service")).unwrap();
    std::os::unix::fs::symlink("loop.service", folder.path().join("loop.service")).unwrap();
    for (name, words) in [
        ("web.toml", "unknown kind of file"),
        ("none.service", "no such file or directory"),
        ("none/none.service", "none/none.service': no such file or directory"),
        ("empty.service", "masked"),
        ("d.service", "not a regular file"),
        ("loop.service", "svcadapt: spec '"),
        ("a b.service", "not a valid unit name"),
    ] {
        let output = run(&unit(&folder, name), &[]);
        assert_eq!(output.status.code(), Some(2), "{name}");
        assert!(stderr_of(&output).contains(words), "{name}: {}", stderr_of(&output));
        assert!(!stderr_of(&output).contains("os error"), "{name}: {}", stderr_of(&output));
    }
}

#[test]
fn unit_without_a_program_reports_the_reason_last() {
    let folder = Folder::new();
    folder.write("a@.service", "[Service]\nExecStart=/bin/echo %i\nExecStartPre=/bin/true\n");
    let line = |name: &str, number: usize, why: &str| {
        format!("svcadapt: {}:{number}: ExecStart=: not honoured here: {why}\n", unit(&folder, name))
    };
    let template = "%i: a template has no instance; use the name of an instance: NAME@INSTANCE.service";
    let (name, reason) = ("a@.service", line("a@.service", 2, template));
    folder.write("b.json", &written(&svcadapt(["show", &unit(&folder, name)])));
    for command in [&["run"][..], &["run", "--strict"], &["gen-plist", "--label=x"]] {
        let output = svcadapt([command, &[&unit(&folder, name)]].concat());
        assert_eq!(output.status.code(), Some(2), "{command:?} {name}");
        assert!(stderr_of(&output).ends_with(&reason), "{command:?} {name}: {}", stderr_of(&output));
        let of_json = svcadapt([command, &[&unit(&folder, "b.json")]].concat());
        assert!(
            stderr_of(&of_json)
                .ends_with(": ExecStart=: not honoured here: only systemd can read this command line\n"),
            "{}",
            stderr_of(&of_json)
        );
    }
    // A program on the command line is started nevertheless, and other mistakes are reported before.
    let output = run(&unit(&folder, "a@.service"), &["--", "/bin/echo", "y"]);
    assert_eq!(written(&output), "y\n");
    let output = svcadapt(["gen-plist", "--label=x", "--umask=9", &unit(&folder, "a@.service")]);
    let umask = "svcadapt: options: --umask '9': ";
    assert!(
        stderr_of(&output).starts_with(umask) && stderr_of(&output).lines().count() == 2,
        "{}",
        stderr_of(&output)
    );
}

#[test]
fn drop_ins_in_etc_apply_to_a_vendor_unit() {
    const SCRIPT: &str = "
        for folder in /etc/systemd/system /usr/lib/systemd/system; do
            mkdir -p $folder; mount -t tmpfs none $folder; mkdir $folder/web.service.d
        done
        printf '[Service]\nExecStart=/bin/echo vendor\nUMask=077\n' >/usr/lib/systemd/system/web.service
        printf '[Service]\nUMask=027\nNice=1\n' >/usr/lib/systemd/system/web.service.d/10-a.conf
        printf '[Service]\nNice=2\n' >/usr/lib/systemd/system/web.service.d/20-b.conf
        printf '[Service]\nUMask=022\n' >/etc/systemd/system/web.service.d/10-a.conf
        ln -s /dev/null /etc/systemd/system/web.service.d/20-b.conf
        printf '[Service]\nOOMScoreAdjust=5\n' >/etc/systemd/system/web.service.d/30-c.conf
        exec \"$0\" show /usr/lib/systemd/system/web.service";
    if !require(Capability::Namespaces) {
        return;
    }
    let output = std::process::Command::new("unshare")
        .args(["--mount", "--propagation", "private", "sh", "-ec", SCRIPT, env!("CARGO_BIN_EXE_svcadapt")])
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", stderr_of(&output));
    let model: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    // Of two drop-ins with one name only the administrator's is read, and an empty one disables the vendor's.
    assert_eq!((&model["umask"], &model["oom_score_adjust"]), (&"0022".into(), &5.into()), "{model}");
    assert!(model.get("nice").is_none(), "{model}");
}

#[test]
fn mistake_is_reported_in_the_terms_of_its_file() {
    let folder = Folder::new();
    let dict = "<plist version=\"1.0\"><dict><key>Program</key><string>/bin/true</string>\n\
                <key>UserName</key><string>a b</string>\n<key>WorkingDirectory</key><string>x</string>\n";
    folder.write(
        "a.plist",
        &format!("{dict}<key>Label</key><string>a</string><key>KeepAlive</key><true/></dict></plist>"),
    );
    let out = "<key>StandardOutPath</key><string>log</string>";
    folder.write("b.plist", &format!("{dict}<key>Label</key><string>a</string>{out}</dict></plist>"));
    folder.write("a.json", "{\"command\": [\"/bin/true\"],\n\"umask\": \"999\", \"restart\": \"always\",\n\"listen_stream\": [\"x y\"]}");
    folder.write("c.json", "{\"command\": [\"/bin/true\"],\n\"user\": \"root\",}");
    folder.write("d.json", "{\"comand\": [\"/bin/true\"]}");
    folder.write("e.json", "{\"command\": \"/bin/true\"}");
    folder.write("a.service", "[Service]\nExecStart=/bin/a\nType=simple\nExecStart=/bin/b\n");
    folder.write("b.service", "[Service]\nType=oneshot\nRestart=always\nExecStart=/bin/b\n");
    folder.write("c.service", "[Service]\nType=dbus\nExecStart=/bin/b\n");
    for (file, all) in [
        (
            "a.plist",
            &["2:20: UserName 'a b': not a name or ID", "3:28: WorkingDirectory 'x': not an abs"][..],
        ),
        ("b.plist", &["4:61: StandardOutPath must be an absolute path, not 'log'"]),
        ("a.json", &["2:10: umask '999': not an octal", "3:19: listen_stream 'x y': not an address"]),
        ("c.json", &["2:16: trailing comma"]),
        ("d.json", &["1:12: unknown key 'comand'"]),
        ("e.json", &["1:13: command: expected an array"]),
        ("a.service", &["4:11: more than one ExecStart= needs Type=oneshot"]),
        ("b.service", &["3:9: Type=oneshot does not allow Restart=always"]),
        ("c.service", &["2:6: Type=dbus needs BusName="]),
    ] {
        let path = unit(&folder, file);
        let output = svcadapt(["run", "--dry-run", &path]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{file}");
        let reported = stderr_of(&output);
        let lines: Vec<_> = reported.lines().filter(|line| line.starts_with("svcadapt: ")).collect();
        assert_eq!(lines.len(), all.len(), "{reported}");
        for expected in all {
            let begin = format!("svcadapt: {path}:{expected}");
            assert!(lines.iter().any(|line| line.starts_with(&begin)), "no {begin} in\n{reported}");
        }
    }
}

#[test]
fn mistake_in_a_spec_file_has_a_hint() {
    let folder = Folder::new();
    folder.write("a.json", "{\"comand\": [\"/bin/true\"]}");
    folder.write("b.json", "{\"listen_steam\": [\"80\"], \"command\": [\"/bin/true\"]}");
    folder.write("c.json", "{\"command\": \"/bin/true\"}");
    folder.write("a@.service", "[Service]\nExecStart=/bin/true\n");
    for (command, file, hint) in [
        ("show", "a.json", "did you mean 'command'?"),
        ("show", "b.json", "did you mean 'listen_stream'?"),
        ("show", "c.json", "write the program and each argument as an element: [\"/bin/program\", \"-x\"]"),
        ("gen-plist", "a@.service", "set another label: --label LABEL, for example org.example.web"),
    ] {
        let output = svcadapt([command, &unit(&folder, file)]);
        assert_eq!(output.status.code(), Some(2), "{file}");
        assert!(stderr_of(&output).ends_with(&format!("\n  hint: {hint}\n")), "{}", stderr_of(&output));
    }
}
