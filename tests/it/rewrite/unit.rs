//! Units.

use crate::support::{Folder, stderr_of, svcadapt};

/// The output of `gen-unit` for this text and these options.
fn rewritten(text: &str, options: &[&str]) -> String {
    with_reports(text, options).0
}

/// The same, with what is reported on standard error.
fn with_reports(text: &str, options: &[&str]) -> (String, String) {
    super::rewritten_with_reports("gen-unit", "web.service", text, options)
}

/// Formatting that differs from the writer's.
const ODD: &str = "# by hand\n\
    ; and by another one\n\n\
    [Unit]\nDescription = Web  server\n\tAfter=b.service\nAfter=a.service a.service\n\n\n\
    [Service]\n\
    # the program\n\
    ExecStart=\nExecStart=/bin/web \\\n# not now: --debug\n   --port '80' \"a b\" $OPTS ${X} %n \\\n  --last\n\
    Type=simple\n\
    Environment=A=1 'B=2 3' \\\n\tC=4\n\
    NoNewPrivileges=true\nUMask=22\nRestartSec=1500ms\nTimeoutSec=1min 30s\nNice=3\nNice=4\n\
    RuntimeDirectory=web web/data\nProtectSystem=yes\nX-Mine=1\n\n\
    [X-Other]\nThis=that\n\n\
    [Unit]\nWants=c.service\n\
    [Install]\nWantedBy=multi-user.target\n# the end";

#[test]
fn unit_without_options_comes_back_byte_for_byte() {
    for text in [
        ODD.to_owned(),
        format!("{ODD}\n"),
        ODD.replace('\n', "\r\n"),
        format!("\u{feff}{}", ODD.split_once("\n\n").unwrap().1),
        format!("{ODD}\n\n\n"),
        "[Service]\nExecStart=/bin/web".to_owned(),
        "[Service]\nExecStart=/bin/web\n[Service]\nType=oneshot\n[Service]\nExecStart=/bin/b\n".to_owned(),
        "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStop=/bin/true".to_owned(),
    ] {
        let (written, reported) = with_reports(&text, &["--strict"]);
        assert_eq!((written, reported), (text, String::new()));
    }
}

#[test]
fn comment_that_is_not_utf_8_is_kept() {
    let folder = Folder::new();
    let text = b"# caf\xe9\n[Service]\nExecStart=/bin/web\n";
    std::fs::write(folder.path().join("web.service"), text).unwrap();
    let output = svcadapt(["gen-unit".as_ref(), folder.path().join("web.service").as_os_str()]);
    assert_eq!((output.stdout, output.stderr), (text.to_vec(), Vec::new()));
}

/// The lines that differ, each with + or -.
fn difference(before: &str, after: &str) -> Vec<String> {
    let (old, new): (Vec<_>, Vec<_>) = (before.split('\n').collect(), after.split('\n').collect());
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = |all: &[&str]| all[same..].len();
    let tail = old.iter().rev().zip(new.iter().rev()).take_while(|(a, b)| a == b).count();
    let tail = tail.min(rest(&old)).min(rest(&new));
    let gone = old[same..old.len() - tail].iter().map(|line| format!("-{line}"));
    gone.chain(new[same..new.len() - tail].iter().map(|line| format!("+{line}"))).collect()
}

#[test]
fn changed_option_changes_only_its_line() {
    for (option, changed) in [
        ("--description=x", &["-Description = Web  server", "+Description = x"][..]),
        ("--nice=5", &["-Nice=4", "+Nice=5"]),
        ("--umask=22", &[]),
        ("--umask=27", &["-UMask=22", "+UMask=0027"]),
        ("--no-new-privileges", &[]),
        ("--no-new-privileges=no", &["-NoNewPrivileges=true", "+NoNewPrivileges=no"]),
        ("--type=simple", &[]),
        ("--type=notify", &["-Type=simple", "+Type=notify"]),
        ("--restart-sec=2", &["-RestartSec=1500ms", "+RestartSec=2s"]),
        // Both are on one line, and one of them is unchanged.
        ("--timeout-stop-sec=5", &["+TimeoutStopSec=5s"]),
        // A list grows.
        ("--environment=D=5 6", &["+Environment=\"D=5 6\""]),
        ("--runtime-directory=more", &["+RuntimeDirectory=more"]),
        // Behind lines of its kind.
        ("--oom-score-adjust=7", &["+OOMScoreAdjust=7"]),
        ("--user=www", &["+User=www"]),
        ("--limit-nofile=64", &["+LimitNOFILE=64"]),
        ("--restart=always", &["+Restart=always"]),
    ] {
        let (written, reported) = with_reports(ODD, &["--strict", option]);
        assert_eq!(
            (difference(ODD, &written), reported),
            (changed.iter().map(ToString::to_string).collect(), String::new())
        );
        let windows = ODD.replace('\n', "\r\n");
        assert_eq!(rewritten(&windows, &[option]), written.replace('\n', "\r\n"), "{option}");
    }
}

#[test]
fn added_line_follows_its_kind() {
    let added = |options: &[&str]| {
        let written = rewritten(ODD, options);
        let at = written.split('\n').zip(ODD.split('\n')).take_while(|(new, old)| new == old).count();
        written.split('\n').skip(at - 1).take(2).collect::<Vec<_>>().join("|")
    };
    assert_eq!(added(&["--oom-score-adjust=7"]), "Nice=4|OOMScoreAdjust=7");
    assert_eq!(added(&["--environment=D=5"]), "\tC=4|Environment=D=5");
    let few = "[Unit]\n# u\n\n[Service]\n# s\nExecStart=/bin/web\n\n[Install]\nWantedBy=multi-user.target";
    assert_eq!(
        rewritten(few, &["--description=x", "--nice=5", "--umask=77"]),
        few.replace("[Unit]\n", "[Unit]\nDescription=x\n")
            .replace("/bin/web\n", "/bin/web\nUMask=0077\nNice=5\n")
    );
}

#[test]
fn missing_section_is_appended() {
    let text = "[Service]\nExecStart=/bin/web";
    assert_eq!(
        rewritten(text, &["--description=x", "--nice=5"]),
        "[Service]\nExecStart=/bin/web\nNice=5\n\n[Unit]\nDescription=x"
    );
}

#[test]
fn changed_command_keeps_the_comments_between_its_lines() {
    let written = rewritten(ODD, &["--", "/bin/other", "$x"]);
    let old =
        "ExecStart=/bin/web \\\n# not now: --debug\n   --port '80' \"a b\" $OPTS ${X} %n \\\n  --last\n";
    assert_eq!(written, ODD.replace(old, "# not now: --debug\nExecStart=/bin/other \"$$x\"\n"));
}

#[test]
fn adapter_changes_only_the_command_and_the_type() {
    let text = "[Unit]\n# a\nAfter=x.service\n[Service]\n# b\nType=simple\n# c\nExecStart=/bin/web  -d\n# d\nNice = 3\n\
                [Install]\nWantedBy=multi-user.target\n";
    let command = "/opt/svcadapt run --mode systemd --ready tcp:80 --ignore-sigpipe=yes -- /bin/web -d";
    let expected =
        text.replace("Type=simple\n", "Type=notify\nNotifyAccess=all\n").replace("/bin/web  -d", command)
            + "\n[X-Svcadapt]\nType=simple\nReady=tcp:80\n";
    let options = ["--svcadapt=/opt/svcadapt", "--ready=tcp:80"];
    let written = rewritten(text, &options);
    assert_eq!(written, expected);
    // The result is an ordinary unit.
    assert_eq!(rewritten(&written, &[]), written);
    assert_eq!(rewritten(&written, &["--nice=5"]), written.replace("Nice = 3", "Nice = 5"));
}

#[test]
fn systemd_version_removes_the_lines_it_does_not_know() {
    let text = "[Service]\n# why\nExecStart=/bin/web\nProtectProc=invisible\nRestartMode=direct\n# 2\nNice=3\nProtectHome=yes\n";
    let known = "[Service]\n# why\nExecStart=/bin/web\n# 2\nNice=3\nProtectHome=yes\n";
    let (written, lost) = with_reports(text, &["--systemd-version=239", "--allow-loss"]);
    // What svcadapt has a field for stays for a later version.
    assert_eq!(written, known.to_owned() + "\n[X-Svcadapt]\nRestartMode=direct\n");
    assert_eq!(
        lost,
        "svcadapt: web.service:4: ProtectProc=invisible: lost, weakens security: systemd 239 does not know it\n\
         svcadapt: web.service:5: RestartMode=direct: lost: systemd 239 does not know it\n"
    );
    assert_eq!(with_reports(text, &["--systemd-version=262"]), (text.to_owned(), String::new()));
    // The unit needs no adapter any more, and its lines are kept.
    let exit = "[Unit]\n# why\nSuccessAction=exit\n[Service]\nType=oneshot\n";
    assert_eq!(rewritten(exit, &["--systemd-version=239"]), exit.replace("SuccessAction=exit\n", ""));
    // The newest version no longer knows a directive of the oldest.
    let old = "[Service]\nExecStart=/bin/web\nCPUShares=100\n";
    assert_eq!(rewritten(old, &["--systemd-version=257"]), old);
    assert_eq!(rewritten(old, &["--systemd-version=262"]), "[Service]\nExecStart=/bin/web\n");
}

#[test]
fn unknown_directive_is_kept_and_reported() {
    let text = "[Service]\nExecStart=/bin/web\nSupersede=yes\nNice=3\n";
    let (written, reported) = with_reports(text, &["--nice=4", "--strict"]);
    assert_eq!(written, text.replace("Nice=3", "Nice=4"));
    assert_eq!(
        reported,
        "svcadapt: web.service:3: Supersede=yes: unknown directive in [Service]; the line is kept\n"
    );
}

#[test]
fn hardening_is_added_after_the_existing_lines() {
    let text = "[Service]\nExecStart=/bin/web\nUser=www\n# mine\nProtectHome=tmpfs\n\n[Install]\nWantedBy=multi-user.target\n";
    let written = rewritten(text, &["--harden=baseline"]);
    let (start, rest) = written.split_once("ProtectHome=tmpfs\n").unwrap();
    assert_eq!(start, "[Service]\nExecStart=/bin/web\nUser=www\n# mine\n");
    let (new, end) = rest.split_once("\n\n").unwrap();
    assert_eq!(end, "[Install]\nWantedBy=multi-user.target\n");
    assert!(new.lines().count() > 5 && new.lines().all(|line| !line.starts_with("ProtectHome")), "{new}");
}

#[test]
fn user_scope_changes_only_the_target() {
    let text = "[Service]\n# a\nExecStart=/bin/web\n[Install]\n# b\nWantedBy=multi-user.target # not me\n";
    let text = text.replace(" # not me", "");
    assert_eq!(rewritten(&text, &["--scope=user"]), text.replace("multi-user", "default"));
}

#[test]
fn drop_ins_are_merged_into_the_unit_and_reported() {
    let folder = Folder::new();
    let text = "[Service]\n# a\nExecStart=/bin/web\nNice=3\nEnvironment=A=1\n# b\nExecStartPre=/bin/true\n";
    folder.write("web.service", text);
    std::fs::create_dir(folder.path().join("web.service.d")).unwrap();
    folder.write(
        "web.service.d/a.conf",
        "[Service]\nNice=7\nEnvironment=\nEnvironment=B=2\nExecStartPre=\n# x\nExecStop=/bin/y\n",
    );
    let file = folder.path().join("web.service").display().to_string();
    let output = svcadapt(["gen-unit", "--strict", &file]);
    let expected = "[Service]\n# a\nExecStart=/bin/web\nNice=7\nEnvironment=B=2\n# b\nExecStop=/bin/y\n";
    assert_eq!(String::from_utf8(output.stdout.clone()).unwrap(), expected);
    let note = format!("svcadapt: {file}: the output includes its drop-ins: {file}.d/a.conf\n");
    assert!(stderr_of(&output).starts_with(&note), "{}", stderr_of(&output));
}

#[test]
fn adjacent_socket_unit_keeps_its_lines() {
    let folder = Folder::new();
    let service = "# s\n[Service]\nExecStart=/bin/web\n";
    let socket = "# t\n[Socket]\nListenStream = 80\n# more\nBacklog=7\n[Install]\nWantedBy=sockets.target";
    folder.write("web.service", service);
    folder.write("web.socket", socket);
    let file = folder.path().join("web.socket").display().to_string();
    let written = |options: &[&str]| {
        let out = Folder::new();
        let place = out.path().display().to_string();
        let output = svcadapt([&["gen-unit", "--strict", "--output", &place, &file], options].concat());
        assert_eq!(stderr_of(&output), "");
        let read = |name: &str| std::fs::read_to_string(out.path().join(name)).unwrap();
        (read("web.service"), read("web.socket"))
    };
    assert_eq!(written(&[]), (service.to_owned(), socket.to_owned()));
    assert_eq!(
        written(&["--listen-datagram=53", "--backlog=9"]),
        (
            service.to_owned(),
            socket.replace("= 80\n", "= 80\nListenDatagram=53\n").replace("Backlog=7", "Backlog=9")
        )
    );
}
