//! The files themselves: where they are written, with which modes, and that a shell reads them.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use super::made;
use crate::harness::{Dir, SOURCES, Svc, have};
use crate::support::Chance;

const FORMATS: [&str; 4] = ["gen-openrc", "gen-runit", "gen-s6", "gen-sysv"];

/// The files below a directory with their modes, in order.
fn tree(path: &Path) -> Vec<String> {
    let mut all = Vec::new();
    for entry in fs::read_dir(path).unwrap().map(Result::unwrap) {
        let (name, metadata) = (entry.file_name().into_string().unwrap(), entry.metadata().unwrap());
        if metadata.is_dir() {
            all.extend(tree(&entry.path()).iter().map(|inner| format!("{name}/{inner}")));
        }
        all.push(format!("{name} {:o}", metadata.permissions().mode() & 0o7777));
    }
    all.sort();
    all
}

#[test]
fn written_files_have_the_modes_of_their_host() {
    let dir = Dir::new();
    let words = [
        "--ready",
        "tcp:80",
        "--restart",
        "on-failure",
        "--name",
        "web",
        "--output",
        "out",
        "--",
        "/bin/web",
    ];
    for (format, expected) in [
        ("gen-openrc", &["web 755"][..]),
        ("gen-sysv", &["web 755"]),
        (
            "gen-runit",
            &[
                "web 755",
                "web/check 755",
                "web/control 755",
                "web/control/t 755",
                "web/finish 755",
                "web/run 755",
            ],
        ),
        ("gen-s6", &["web 755", "web/finish 755", "web/notification-fd 644", "web/run 755", "web/type 644"]),
    ] {
        let out = dir.join("out");
        fs::create_dir(&out).unwrap();
        let args: Vec<&str> = [format].into_iter().chain(words).collect();
        // The first time the directory comes as a whole, the second time its files are replaced.
        for _ in 0..2 {
            let output = Svc::new(&dir)
                .program("/bin/sh")
                .args(["-c", "umask 077; exec \"$0\" \"$@\""])
                .args([dir.program("svcadapt").to_str().unwrap()])
                .args(&args)
                .output();
            assert_eq!(output.stdout, "");
            assert_eq!(tree(&out), expected, "{format}: {}", output.stderr);
        }
        fs::remove_dir_all(out).unwrap();
    }
}

#[test]
fn older_file_that_the_supervisor_would_use_is_reported_and_kept() {
    let dir = Dir::new();
    fs::create_dir_all(dir.join("out/web")).unwrap();
    dir.write("out/web/timeout-kill", "1\n");
    let path = fs::canonicalize(dir.path()).unwrap().join("out");
    let words = ["--name", "web", "--restart", "always", "--", "/bin/web"];
    let output = Svc::new(&dir).args(["gen-s6", "--output"]).args([&path]).args(words).output();
    assert_eq!(
        output.stderr,
        format!(
            "svcadapt: output '{}/web/timeout-kill': an older file is still there, and the supervisor would use it\n  \
             hint: if the service does not need it, remove it\n",
            path.display()
        )
    );
    assert_eq!(dir.read("out/web/timeout-kill"), "1\n");
    Svc::new(&dir)
        .args(["gen-s6", "--strict", "--output"])
        .args([&path])
        .args(words)
        .status(2)
        .stderr(&format!(
            "{}svcadapt: strict: not everything in the spec can be expressed exactly; nothing was written\n",
            output.stderr
        ))
        .run();
}

#[test]
fn failed_write_leaves_the_directory_as_it_was() {
    let dir = Dir::new();
    fs::create_dir_all(dir.join("out/web/finish")).unwrap();
    let before = tree(&dir.join("out"));
    let output = Svc::new(&dir).args(["gen-runit", "--name=web", "--output=out", "--", "/bin/web"]).output();
    assert_eq!(output.exit, crate::harness::Exit::Status(1));
    assert!(output.stderr.contains("out/web/finish': is a directory"), "{}", output.stderr);
    assert_eq!(tree(&dir.join("out")), before);
}

#[test]
fn service_that_a_script_cannot_carry_is_refused_with_the_cause() {
    let dir = Dir::new();
    for format in FORMATS {
        Svc::new(&dir)
            .args([format, "--", "/bin/web"])
            .status(2)
            .stderr("svcadapt: output: the service has no name\n  hint: set one: --name NAME\n")
            .run();
    }
    for format in ["gen-openrc", "gen-sysv"] {
        Svc::new(&dir)
            .args([format, "--name", "web.sh", "--", "/bin/web"])
            .status(2)
            .stderr(
                "svcadapt: --name 'web.sh': byte 3: a script of this name would be read into the shell of the boot, not executed\n",
            )
            .run();
    }
}

#[test]
fn generated_scripts_are_read_by_every_shell() {
    let dir = Dir::new();
    let adapter = ["--svcadapt", "/usr/bin/svcadapt"];
    let policies = ["no", "always", "on-failure", "on-success", "on-abnormal", "on-abort", "on-watchdog"];
    let mut specs: Vec<Vec<String>> = policies
        .iter()
        .flat_map(|policy| {
            [
                &["--name=web"][..],
                &["--name=web", "--ready=tcp:80", "--reload-signal=HUP", "--description=it's $(a) web"],
            ]
            .map(|options| {
                let words =
                    options.iter().copied().chain(["--restart", policy, "--", "/bin/web", "a b", "$x'\n"]);
                words.map(str::to_owned).collect()
            })
        })
        .collect();
    for case in fs::read_dir(Path::new(SOURCES).join("tests/golden/cases")).unwrap() {
        specs.push(vec![case.unwrap().path().join("spec.json").display().to_string()]);
    }
    let mut scripts = Vec::new();
    for (number, spec) in specs.iter().enumerate() {
        for format in FORMATS {
            let words: Vec<&str> = [format, "--json", "--allow-loss"]
                .into_iter()
                .chain(adapter)
                .chain(spec.iter().map(String::as_str))
                .collect();
            let account: Value = serde_json::from_str(&made(&dir, &words)).unwrap();
            for (index, file) in account["files"].as_array().unwrap().iter().enumerate() {
                let text = file["text"].as_str().unwrap();
                if text.starts_with("#!") {
                    let name = format!("{format}.{number}.{index}");
                    scripts.push(dir.write(&name, &text.replacen("#!/sbin/openrc-run", "#!/bin/sh", 1)));
                }
            }
        }
    }
    assert!(scripts.len() > 80, "only {} scripts", scripts.len());
    for shell in ["dash", "bash"].into_iter().filter(|shell| have(shell)) {
        for script in &scripts {
            let output = Command::new(shell).arg("-n").arg(script).output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        }
    }
    if have("shellcheck") {
        // Variables that OpenRC reads (2034, 2154) and quotes that are meant (2016, 1003) are no faults.
        let output = Command::new("shellcheck")
            .args(["--exclude=SC2034,SC2016,SC2154,SC1003"])
            .args(&scripts)
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
}

#[test]
fn random_word_is_read_back_by_the_shell_byte_for_byte() {
    let dir = Dir::new();
    let mut chance = Chance(47);
    let mut word = || {
        let length = chance.below(9);
        OsString::from_vec((0..length).map(|_| u8::try_from(1 + chance.below(255)).unwrap()).collect())
    };
    let words: Vec<OsString> = (0..400).map(|_| word()).collect();
    let printf = ["gen-runit", "--name=web", "--restart=always", "--", "printf", "%s\\0"];
    let generated = Command::new(dir.program("svcadapt")).args(printf).args(&words).output().unwrap();
    fs::write(dir.join("run"), generated.stdout).unwrap();
    for shell in ["dash", "bash"].into_iter().filter(|shell| have(shell)) {
        let output = Command::new(shell).arg(dir.join("run")).output().unwrap();
        let printed = output.stdout.strip_suffix(b"\0").unwrap_or_default();
        let printed: Vec<&[u8]> = printed.split(|byte| *byte == 0).collect();
        let expected: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
        assert_eq!(printed, expected, "{shell}");
    }
}

#[test]
fn restart_policy_of_a_property_list_keeps_its_meaning() {
    let dir = Dir::new();
    dir.write(
        "web.plist",
        "<plist version=\"1.0\"><dict><key>Label</key><string>web</string><key>Program</key><string>/bin/web</string>\
         <key>KeepAlive</key><dict><key>SuccessfulExit</key><false/></dict><key>RunAtLoad</key><true/></dict></plist>\n",
    );
    // For launchd an end by SIGTERM is no success. It waits between two starts, as only svcadapt can.
    let text = made(&dir, &["gen-runit", "web.plist"]);
    assert!(text.contains("'--restart-force-exit-status=SIGHUP SIGINT SIGTERM SIGPIPE'"), "{text}");
    let text = made(&dir, &["gen-runit", "--name=web", "--restart=on-failure", "--", "/bin/web"]);
    assert!(text.contains("case $1:$2 in\n0:* | -1:1 | -1:2 | -1:13 | -1:15) ;;\n"), "{text}");
}

#[test]
fn order_of_a_unit_is_written_in_the_words_of_the_host() {
    let dir = Dir::new();
    dir.write(
        "web.service",
        "[Unit]\nAfter=network-online.target postgresql.service strange.target\nWants=network-online.target\n\
         Requires=redis.service\nBefore=proxy.service\n[Service]\nExecStart=/bin/web\n",
    );
    let lost = "web.service:2: After=network-online.target postgresql.service strange.target: approximated: without \
                strange.target: this host has no such service\n";
    for (format, expected) in [
        ("gen-openrc", "    need redis\n    use net\n    after postgresql\n    before proxy\n"),
        (
            "gen-sysv",
            "# Required-Start:    $local_fs $remote_fs redis\n# Required-Stop:     $local_fs $remote_fs redis\n\
             # Should-Start:      $network postgresql\n# Should-Stop:       $network postgresql\n# X-Start-Before:    proxy\n",
        ),
    ] {
        let output = Svc::new(&dir).args([format, "web.service"]).output();
        assert!(output.stdout.contains(expected), "{}", output.stdout);
        assert!(output.stderr.ends_with(lost), "{}", output.stderr);
    }
    let output = Svc::new(&dir).args(["gen-runit", "web.service"]).output();
    assert_eq!(output.stderr.matches("lost: services have no order").count(), 4, "{}", output.stderr);
}
