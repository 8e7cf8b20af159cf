//! `argv[0]` of the program, which may differ from the path that is executed (execve(2)).

use serde_json::{Value, json};

use crate::harness::Service;
use crate::support::{Folder, Judgement, printed, stderr_of, svcadapt};

/// The `ExecStart=` line of a unit.
fn start(text: &str) -> &str {
    text.lines().find(|line| line.starts_with("ExecStart=")).unwrap()
}

/// `Program` and `ProgramArguments`.
fn program(plist: &str) -> (Value, Vec<String>) {
    let job = plist::Value::from_reader_xml(plist.as_bytes()).unwrap().into_dictionary().unwrap();
    let text = |value: &plist::Value| value.as_string().unwrap().to_owned();
    let words = job["ProgramArguments"].as_array().unwrap().iter().map(text).collect();
    (job.get("Program").map_or(Value::Null, |path| text(path).into()), words)
}

#[test]
fn argv0_round_trips_between_unit_and_property_list() {
    let folder = Folder::new();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let quiet = "StandardOutput=null\n[Install]\nWantedBy=multi-user.target\n";
    folder.write("zsh.service", &format!("[Service]\nExecStart=@/bin/zsh -zsh -l\n{quiet}"));
    assert_eq!(
        start(&printed(["gen-unit", "--strict", &file("zsh.service")])),
        "ExecStart=@/bin/zsh -zsh -l"
    );
    let list = printed(["gen-plist", "--strict", &file("zsh.service")]);
    assert_eq!(program(&list), (json!("/bin/zsh"), vec!["-zsh".to_owned(), "-l".to_owned()]));
    folder.write("zsh.plist", &list);
    assert_eq!(program(&printed(["gen-plist", "--strict", &file("zsh.plist")])), program(&list));
    let output = svcadapt(["gen-unit", &file("zsh.plist")]);
    assert_eq!(start(&String::from_utf8(output.stdout).unwrap()), "ExecStart=@/bin/zsh -zsh -l");
    let model: Value = serde_json::from_str(&printed(["show", &file("zsh.plist")])).unwrap();
    assert_eq!((&model["argv0"], &model["command"]), (&json!("-zsh"), &json!(["/bin/zsh", "-l"])));
    // `--argv0` overrides the file; a program on the command line resets it.
    let typed = printed(["gen-unit", "--argv0=zsh", &file("zsh.service")]);
    assert_eq!(start(&typed), "ExecStart=@/bin/zsh zsh -l");
    let typed = printed(["gen-unit", &file("zsh.service"), "--", "/bin/true"]);
    assert_eq!(start(&typed), "ExecStart=/bin/true");
    let Some(judgement) = Judgement::of(&folder, &["zsh.service".into()]) else { return };
    assert_eq!(judgement.argv("zsh.service"), ["-zsh", "-l"]);
}

#[test]
fn argv0_with_special_characters_is_kept() {
    for (options, line) in [
        (&["--", "/bin/web", "$A"][..], "ExecStart=@/bin/web \"a $$x 100%%\" \"$$A\""),
        (&["--", "web"], "ExecStart=@web \"a $$x 100%%\""),
        (&["--", "/opt/$x/web", "$A"], "ExecStart=\"@:/opt/$x/web\" \"a $x 100%%\" \"$A\""),
        (&["--expand-variables=yes", "--", "/bin/web", "$A"], "ExecStart=@/bin/web \"a $$x 100%%\" \"$A\""),
    ] {
        let text = printed([&["gen-unit", "--argv0", "a $x 100%"], options].concat());
        assert_eq!(start(&text), line);
        let folder = Folder::new();
        folder.write("web.service", &text);
        let file = folder.path().join("web.service").display().to_string();
        assert_eq!(printed(["gen-unit", "--strict", &file]), text);
    }
    assert_eq!(
        stderr_of(&svcadapt(["gen-unit", "--argv0=", "--", "/bin/web"])),
        "svcadapt: --argv0 '': the name is empty\n"
    );
}

#[test]
fn argv0_applies_to_the_program_and_not_to_the_adapter() {
    let folder = Folder::new();
    let file = |name: &str| folder.path().join(name).display().to_string();
    folder.write("zsh.service", "[Service]\nExecStart=@/bin/zsh -zsh -l\n");
    let gen_unit = ["gen-unit", "--svcadapt=/opt/svcadapt", "--strict", "--ready=tcp:80"];
    let text = printed([&gen_unit[..], &[&file("zsh.service")]].concat());
    let adapted = "ExecStart=/opt/svcadapt run --mode systemd --argv0=-zsh --ready tcp:80 --ignore-sigpipe=yes -- /bin/zsh -l";
    assert_eq!(start(&text), adapted);
    assert!(text.contains("[X-Svcadapt]\nArgv0=-zsh\nReady=tcp:80\n"), "{text}");
    folder.write("again.service", &text);
    assert_eq!(printed([&gen_unit[..3], &[&file("again.service")]].concat()), text);
    // launchd searches no program for Program.
    let list =
        printed(["gen-plist", "--label=x", "--svcadapt=/opt/svcadapt", "--argv0=web", "--", "sh", "-c", "x"]);
    let words =
        ["/opt/svcadapt", "run", "--mode", "launchd", "--name", "x", "--argv0", "web", "--", "sh", "-c", "x"];
    assert_eq!(program(&list), (Value::Null, words.map(str::to_owned).to_vec()));
    folder.write("x.plist", &list);
    assert_eq!(start(&printed(["gen-unit", "--allow-loss", &file("x.plist")])), "ExecStart=@sh web -c x");
}

#[test]
fn argv0_is_set_for_the_started_program() {
    let folder = Folder::new();
    // A file names its service, which leaves a record.
    let services: [Service; 3] = std::array::from_fn(|_| Service::new());
    let [unit, list, refused] = [(0, "service"), (1, "plist"), (2, "service")]
        .map(|(at, end)| format!("{}.{end}", services[at].name()));
    let file = |name: &str| folder.path().join(name).display().to_string();
    let spoken = |words: &[&str]| {
        let output = svcadapt([&["run", "--mode=supervised"], words].concat());
        (String::from_utf8(output.stdout.clone()).unwrap(), stderr_of(&output))
    };
    let name = ("a web\n".to_owned(), String::new());
    assert_eq!(spoken(&["--argv0", "a web", "--", "/bin/sh", "-c", "echo \"$0\""]), name);
    folder.write(&unit, "[Service]\nExecStart=@/bin/sh \"a web\" -c 'echo \"$$0\"'\n");
    assert_eq!(spoken(&[&file(&unit)]), name);
    folder.write(
        &list,
        &format!(
            "<plist version=\"1.0\"><dict><key>Label</key><string>{}</string><key>RunAtLoad</key><true/>\
         <key>Program</key><string>/bin/sh</string><key>ProgramArguments</key><array><string>a web</string>\
         <string>-c</string><string>echo \"$0\"</string></array></dict></plist>",
            services[1].name()
        ),
    );
    assert_eq!(spoken(&[&file(&list)]), name);
    // Only systemd can expand a variable in argv[0].
    folder.write(&refused, "[Service]\nExecStart=@/bin/sh $NAME -c true\n");
    assert_eq!(
        spoken(&[&file(&refused)]).1,
        format!("svcadapt: {}:2: ExecStart=: not honoured here: the prefix '@'\n", file(&refused))
    );
    assert_eq!(
        start(&printed(["gen-unit", "--strict", &file(&refused)])),
        "ExecStart=@/bin/sh $NAME -c true"
    );
}
