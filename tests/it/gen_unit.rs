//! A generated unit means to systemd exactly what was set, or is not generated.

mod adjacent_sockets;
mod log_directory;
pub(crate) mod rewrite_installed_units;
mod start_commands;
mod systemd_verify;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::Command;

use serde_json::Value;
use svcadapt_spec::FIELDS;

use crate::harness::{Dir, Svc, rounds, skip};
use crate::support::{Chance, Folder, Judgement, printed, stderr_of, svcadapt};

/// `gen-unit` with these words.
fn unit<S: AsRef<OsStr>>(words: &[S]) -> String {
    printed(std::iter::once(OsStr::new("gen-unit")).chain(words.iter().map(AsRef::as_ref)))
}

/// Expands `$$` as systemd does at the start; a single `$` would be expanded.
fn executed(word: &OsStr) -> OsString {
    let mut plain = Vec::new();
    let mut bytes = word.as_bytes().iter();
    while let Some(&byte) = bytes.next() {
        if byte == b'$' {
            assert_eq!(bytes.next(), Some(&b'$'), "'{}' would be expanded", word.display());
        }
        plain.push(byte);
    }
    OsString::from_vec(plain)
}

/// Every option that systemd supports, with the setting that systemd should make of it.
const EVERYTHING: [(&str, &str, &[&str]); 71] = [
    ("description", "a \"b\" 100% \\ $x ; #", &["Description: a \"b\" 100% \\ $x ; #"]),
    ("type", "simple", &["Type: simple"]),
    ("user", "daemon", &["User: daemon"]),
    ("group", "65534", &["Group: 65534"]),
    ("supplementary-groups", "adm,7", &["SupplementaryGroups: adm 7"]),
    ("umask", "027", &["UMask: 0027"]),
    ("working-directory", "/a b%h\"", &["WorkingDirectory: /a b%h\""]),
    ("root-directory", "/jail $x", &["RootDirectory: /jail $x"]),
    ("environment", "A=b c$d%e\"'", &["Environment: A=b c$d%e\"'"]),
    ("environment-file", "-/etc/%n*[x]", &["EnvironmentFile: -/etc/%n\\*\\[x\\]"]),
    ("pass-environment", "LANG", &["PassEnvironment: LANG"]),
    ("unset-environment", "TZ", &["UnsetEnvironment: TZ"]),
    ("standard-input", "file:/in put%", &["StandardInput: file", "StandardInputFile: /in put%"]),
    ("standard-output", "append:/o ut%n", &["StandardOutput: append", "StandardOutputFileToAppend: /o ut%n"]),
    ("standard-error", "truncate:/err:", &["StandardError: truncate", "StandardErrorFileToTruncate: /err:"]),
    ("limit-cpu", "1min", &["LimitCPU: 60"]),
    ("limit-fsize", "1G", &["LimitFSIZE: 1073741824"]),
    ("limit-core", "infinity", &["LimitCORE: 18446744073709551615"]),
    ("limit-nofile", "1024:4096", &["LimitNOFILE: 4096", "LimitNOFILESoft: 1024"]),
    ("limit-nice", "0", &["LimitNICE: 0"]),
    ("limit-rttime", "5000", &["LimitRTTIME: 5000"]),
    ("nice", "-5", &["Nice: -5"]),
    ("oom-score-adjust", "-500", &["OOMScoreAdjust: -500"]),
    ("io-scheduling-class", "idle", &["IOSchedulingClass: idle"]),
    ("io-scheduling-priority", "6", &["IOPriority: 6"]),
    ("cpu-scheduling-policy", "rr", &["CPUSchedulingPolicy: rr"]),
    ("cpu-scheduling-priority", "7", &["CPUSchedulingPriority: 7"]),
    ("cpu-scheduling-reset-on-fork", "yes", &["CPUSchedulingResetOnFork: yes"]),
    ("cpu-affinity", "0-1,3", &["CPUAffinity: 0-1 3"]),
    ("standard-input-data", "Zm9v", &[]),
    ("syslog-identifier", "web", &[]),
    ("syslog-facility", "local1", &[]),
    ("syslog-level", "err", &[]),
    ("syslog-level-prefix", "no", &[]),
    ("tty-path", "/dev/tty9", &["TTYPath: /dev/tty9"]),
    ("tty-reset", "yes", &["TTYReset: yes"]),
    ("tty-vhangup", "yes", &["TTYVHangup: yes"]),
    ("tty-vt-disallocate", "yes", &["TTYVTDisallocate: yes"]),
    ("tty-rows", "24", &["TTYRows: 24"]),
    ("tty-columns", "80", &["TTYColumns: 80"]),
    ("timer-slack-nsec", "1ms", &["TimerSlackNSec: 1000000"]),
    ("ignore-sigpipe", "yes", &["IgnoreSIGPIPE: yes"]),
    ("personality", "x86-64", &["Personality: x86-64"]),
    ("keyring-mode", "shared", &["KeyringMode: shared"]),
    ("secure-bits", "noroot-locked keep-caps", &["Secure Bits: keep-caps noroot-locked"]),
    ("coredump-filter", "default shared-dax", &["CoredumpFilter: 0x133"]),
    ("numa-policy", "bind", &["NUMAPolicy: bind"]),
    ("numa-mask", "0-1 3", &["NUMAMask: 0-1 3"]),
    ("load-credential", "key:/etc/key", &[]),
    ("set-credential", "other:a b\\n%", &[]),
    ("tasks-max", "512", &["TasksMax: 512"]),
    ("memory-min", "1K", &["MemoryMin: 1024"]),
    ("memory-low", "1M", &["MemoryLow: 1048576"]),
    ("memory-high", "1.5G", &["MemoryHigh: 1610612736"]),
    ("memory-max", "2G", &["MemoryMax: 2147483648"]),
    ("memory-swap-max", "0", &["MemorySwapMax: 0"]),
    ("cpu-weight", "20", &["CPUWeight: 20"]),
    ("cpu-quota", "150%", &["CPUQuotaPerSecSec: 1.500000s"]),
    ("allowed-cpus", "0-1,3", &["AllowedCPUs: 0-1 3"]),
    ("allowed-memory-nodes", "0", &["AllowedMemoryNodes: 0"]),
    ("io-weight", "5", &["IOWeight: 5"]),
    ("capability-bounding-set", "CAP_CHOWN CAP_KILL", &["CapabilityBoundingSet: cap_chown cap_kill"]),
    ("ambient-capabilities", "CAP_KILL", &["AmbientCapabilities: cap_kill"]),
    ("runtime-directory", "web@1/x", &["RuntimeDirectory: web@1/x"]),
    ("state-directory", "web", &["StateDirectory: web"]),
    ("cache-directory", "web", &["CacheDirectory: web"]),
    ("logs-directory", "web", &["LogsDirectory: web"]),
    ("configuration-directory", "web", &["ConfigurationDirectory: web"]),
    ("state-directory-mode", "0700", &["StateDirectoryMode: 0700"]),
    ("timeout-start-sec", "90", &["TimeoutStartSec: 1min 30s"]),
    ("timeout-stop-sec", "infinity", &["TimeoutStopSec: infinity"]),
];

#[test]
fn systemd_reads_every_directive_as_intended() {
    let mut words: Vec<String> =
        EVERYTHING.iter().map(|(option, value, _)| format!("--{option}={value}")).collect();
    words.extend(["--no-new-privileges", "--clean-environment", "--", "/bin/true"].map(String::from));
    let folder = Folder::new();
    folder.write("all.service", &unit(&words));
    let Some(judgement) = Judgement::of(&folder, &["all.service".into()]) else { return };
    assert_eq!(judgement.warnings, "");
    for (option, _, settings) in EVERYTHING {
        for setting in settings {
            let dump = judgement.unit("all.service");
            assert!(judgement.has("all.service", setting), "--{option}: no '{setting}' in\n{dump}");
        }
    }
}

#[test]
fn unit_contains_the_complete_spec() {
    let more =
        ["pid-file=/run/x", "ready=tcp:80", "files-preserve=5", "notification-fd=6", "prevent-core=yes"];
    // Data is not used beside another input.
    let given: Vec<String> = EVERYTHING
        .iter()
        .filter(|(option, ..)| *option != "standard-input-data")
        .map(|(option, value, _)| format!("{option}={value}"))
        .chain(more.map(String::from))
        .chain(["clean-environment=no".into()])
        .collect();
    let words: Vec<String> = given.iter().map(|option| format!("--{option}")).collect();
    let text = unit(&[words, vec!["--".into(), "/bin/true".into()]].concat());
    for option in &given {
        let name = option.split_once('=').unwrap().0;
        let row = FIELDS.iter().find(|row| row.option == name).unwrap();
        let directive = format!("{}=", row.directive);
        assert!(text.lines().any(|line| line.starts_with(&directive)), "no {directive} in\n{text}");
    }
    let (above, own) = text.split_once("[X-Svcadapt]\n").unwrap();
    for line in ["User=daemon", "Ready=tcp:80", "PIDFile=/run/x", "RootDirectory=/jail $x", "PreventCore=yes"]
    {
        assert!(own.lines().any(|own| own == line), "no {line} in\n{own}");
    }
    assert!(above.contains("UMask=0027\n") && !above.contains("\nUser="), "{above}");
}

#[test]
fn recorded_arguments_are_read_back_by_systemd() {
    let file: Value = serde_json::from_str(include_str!("../fixtures/escape-vectors.json")).unwrap();
    let vectors = file["vectors"].as_array().unwrap().iter();
    let inputs: Vec<OsString> = vectors
        .filter(|vector| vector["kind"] == "exec_arg" && vector["note"].is_null())
        .map(|vector| vector["input"]["utf8"].as_str().unwrap().into())
        .collect();
    assert_eq!(inputs.len(), 51);
    let argv = [vec!["/bin/true".into()], inputs].concat();
    let folder = Folder::new();
    folder.write("v.service", &unit(&[vec!["--".into()], argv.clone()].concat()));
    let Some(judgement) = Judgement::of(&folder, &["v.service".into()]) else { return };
    let read: Vec<OsString> = judgement.argv("v.service").iter().map(|word| executed(word)).collect();
    assert_eq!(read, argv);
}

#[test]
fn random_services_are_read_back_by_systemd() {
    let mut chance = Chance(7);
    let folder = Folder::new();
    let mut expected = Vec::new();
    for number in 0..rounds(300) {
        let name = format!("r{number}.service");
        // A description loses blanks at its ends and a last backslash, and has no line breaks.
        let description = format!("d{}.", chance.text(12, "").replace(['\t', '\u{85}'], ""));
        let variables: Vec<String> =
            (0..chance.below(4)).map(|n| format!("V{n}={}", chance.text(12, "\n\r\u{1}\u{7f}"))).collect();
        let mut argv = vec!["/bin/true".to_owned()];
        argv.extend(
            (0..chance.below(7)).map(|_| chance.text(12, "\n\r\u{1}\u{1f}\u{7f}\u{b}\u{c}\u{8}\u{7}")),
        );
        let mut words = vec![format!("--description={description}")];
        words.extend(variables.iter().map(|set| format!("--environment={set}")));
        words.push("--".into());
        words.extend_from_slice(&argv);
        folder.write(&name, &unit(&words));
        expected.push((name, description, variables, argv));
    }
    let names: Vec<String> = expected.iter().map(|(name, ..)| name.clone()).collect();
    let Some(judgement) = Judgement::of(&folder, &names) else { return };
    assert_eq!(judgement.warnings, "");
    for (name, description, variables, argv) in &expected {
        let dump = judgement.unit(name);
        assert!(judgement.has(name, &format!("Description: {description}")), "{description:?} in\n{dump}");
        let block: String = variables.iter().flat_map(|set| ["\t\tEnvironment: ", set, "\n"]).collect();
        assert!(dump.contains(&block), "{variables:?} in\n{dump}");
        assert_eq!(dump.matches("\t\tEnvironment: ").count(), variables.len());
        let read: Vec<OsString> = judgement.argv(name).iter().map(|word| executed(word)).collect();
        assert_eq!(read, argv.iter().map(OsString::from).collect::<Vec<_>>(), "{name}");
    }
}

#[test]
fn value_cannot_inject_a_directive() {
    const FIELDS: [(&str, &str); 10] = [
        ("description", "Description"),
        ("user", "User"),
        ("working-directory", "WorkingDirectory"),
        ("root-directory", "RootDirectory"),
        ("environment", "Environment"),
        ("environment-file", "EnvironmentFile"),
        ("standard-input", "StandardInput"),
        ("standard-output", "StandardOutput"),
        ("state-directory", "StateDirectory"),
        ("files-preserve", "FilesPreserve"),
    ];
    let mut chance = Chance(11);
    let mut written = 0;
    let many = rounds(400);
    for _ in 0..many {
        let mut words = vec!["gen-unit".to_owned()];
        let mut expected = vec!["Type", "ExecStart", "IgnoreSIGPIPE"];
        let mut own = Vec::new();
        for (option, directive) in FIELDS {
            if chance.below(4) > 0 {
                continue;
            }
            let text = chance.text(6, "\n\r\u{1}[");
            let value = match option {
                "environment" => format!("A={text}"),
                "working-directory" | "root-directory" | "environment-file" => format!("/{text}"),
                "standard-input" => format!("file:/{text}"),
                "standard-output" => format!("append:/{text}"),
                "files-preserve" => "5".into(),
                _ => text,
            };
            words.push(format!("--{option}={value}"));
            match option {
                "description" => expected.insert(0, directive),
                "files-preserve" => own.push(directive),
                // An empty value resets a list.
                "state-directory" if words.last().is_some_and(|word| word.ends_with('=')) => (),
                _ => expected.push(directive),
            }
        }
        expected.push("WantedBy");
        expected.extend(own);
        words.extend(["--".into(), "/bin/true".into(), chance.text(9, "\n\r\u{1}")]);
        let output = svcadapt(&words);
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        if !output.status.success() {
            assert_eq!((output.status.code(), text.as_str()), (Some(2), ""), "{words:?}");
            assert!(
                stderr_of(&output)
                    .lines()
                    .all(|line| line.starts_with("svcadapt: ") || line.starts_with("  hint: "))
            );
            continue;
        }
        written += 1;
        let names: Vec<&str> = text
            .split(['\n', '\r'])
            .filter(|line| !line.is_empty() && !line.starts_with('['))
            .map(|line| line.split_once('=').unwrap().0)
            .collect();
        assert_eq!(names, expected, "{words:?}\n{text}");
    }
    assert!(written > many / 4, "only {written} of {many} were written");
}

#[test]
fn systemd_analyze_verify_has_no_warning() {
    if Command::new("systemd-analyze").arg("--version").output().is_err() {
        return skip("systemd-analyze", "there is no such program");
    }
    let everything: Vec<String> = EVERYTHING
        .iter()
        .filter(|(option, ..)| *option != "root-directory")
        .map(|(option, value, _)| format!("--{option}={value}"))
        .collect();
    let cases: [&[&str]; 9] = [
        &[],
        &["--ready=notify"],
        &["--ready=tcp:80", "--user=daemon", "--timeout-start-sec=5"],
        &["--type=forking", "--pid-file=/run/x.pid"],
        &["--type=oneshot"],
        &["--type=exec", "--pid-file=/run/x.pid", "--user=daemon"],
        &["--prevent-core", "--files-preserve=5", "--standard-input=inherit"],
        &["--capability-bounding-set="],
        &["--standard-output=inherit", "--standard-error=null"],
    ];
    let cases = cases.map(|words| words.iter().map(ToString::to_string).collect());
    for words in cases.into_iter().chain([everything]) {
        let folder = Folder::new();
        folder.write("x.service", &unit(&[words.clone(), vec!["--".into(), "/bin/true".into()]].concat()));
        let output = Command::new("timeout")
            .args(["60", "systemd-analyze", "verify", "--man=no", "--recursive-errors=no"])
            .arg(folder.path().join("x.service"))
            .output()
            .unwrap();
        assert_eq!((output.status.code(), stderr_of(&output).as_str()), (Some(0), ""), "{words:?}");
    }
}

#[test]
fn bare_program_name_is_kept_for_systemd_to_search() {
    assert!(unit(&["--", "sh", "-c", "x"]).contains("ExecStart=sh -c x\n"));
    assert!(
        unit(&["--svcadapt=/opt/svcadapt", "--ready=tcp:80", "--", "sh"])
            .contains("ExecStart=/opt/svcadapt run --mode systemd --ready tcp:80 -- sh\n")
    );
    let folder = Folder::new();
    folder.write("bare.service", &unit(&["--", "sh", "-c", "x"]));
    let Some(judgement) = Judgement::of(&folder, &["bare.service".into()]) else { return };
    assert_eq!(judgement.warnings, "");
    assert_eq!(judgement.argv("bare.service")[1..], ["-c", "x"]);
}

#[test]
fn bare_name_missing_on_this_machine_is_written_and_reported() {
    let output = svcadapt(["gen-unit", "--strict", "--", "no-such-program"]);
    let note = "svcadapt: program 'no-such-program': not found on this machine in \
                /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin, where systemd searches for it\n  \
                hint: if it is installed elsewhere, give its absolute path\n";
    assert_eq!((output.status.code(), stderr_of(&output).as_str()), (Some(0), note));
    assert!(String::from_utf8(output.stdout).unwrap().contains("ExecStart=no-such-program\n"));
    // The name would be read as a prefix.
    let output = svcadapt(["gen-unit", "--", "@sh"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        stderr_of(&output).contains("program '@sh': byte 0: a unit needs the absolute path "),
        "{}",
        stderr_of(&output)
    );
}

#[test]
fn output_file_is_replaced_whole_and_readable() {
    let folder = Folder::new();
    let target = folder.path().join("web.service");
    folder.write("victim", "untouched");
    std::os::unix::fs::symlink(folder.path().join("victim"), &target).unwrap();
    let status = Command::new("sh")
        .args(["-c", "umask 077; exec \"$0\" gen-unit --name web --output \"$1\" -- /bin/true"])
        .arg(env!("CARGO_BIN_EXE_svcadapt"))
        .arg(folder.path())
        .status()
        .unwrap();
    assert!(status.success());
    let file = target.symlink_metadata().unwrap();
    assert!(file.is_file());
    assert_eq!(file.mode() & 0o7777, 0o644);
    assert_eq!(std::fs::read_to_string(&target).unwrap(), unit(&["--name=web", "--", "/bin/true"]));
    assert_eq!(std::fs::read_to_string(folder.path().join("victim")).unwrap(), "untouched");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2);
}

#[test]
fn output_of_two_files_is_all_or_nothing() {
    let folder = Folder::new();
    std::fs::create_dir(folder.path().join("web.socket")).unwrap();
    let directory = folder.path().to_str().unwrap();
    let words = ["gen-unit", "--name=web", "--listen-stream=80", "--output", directory, "--", "/bin/true"];
    let output = svcadapt(words);
    let reported = format!("svcadapt: output '{directory}/web.socket': is a directory\n");
    assert_eq!((output.status.code(), stderr_of(&output)), (Some(1), reported));
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn refused_unit_leaves_no_file() {
    let folder = Folder::new();
    let refused = |words: &[&str], reason: &str| {
        let output = svcadapt([&["gen-unit", "--output", folder.path().to_str().unwrap()], words].concat());
        assert_eq!(output.status.code(), Some(2), "{words:?}");
        assert!(
            output.stdout.is_empty() && stderr_of(&output).contains(reason),
            "{words:?}: {}",
            stderr_of(&output)
        );
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    };
    refused(&["--", "/bin/true"], "svcadapt: output: the service has no name");
    refused(&["--name=x", "--", "/bin/a*"], "svcadapt: program '/bin/a*': byte 6: ");
    refused(&["--name=x", "--description=x ", "--", "/bin/true"], "a value cannot end with a blank");
    refused(
        &["--name=x", "--systemd-version=243", "--", "/opt/$a"],
        "svcadapt: program '/opt/$a': byte 5: systemd before 244 ",
    );
    refused(&["--name=x", "--explain", "--", "/bin/true"], "--harden LEVEL is missing");
    refused(&["--name=x", "--strict", "--files-preserve=5", "--", "/bin/true"], "svcadapt: strict: ");
    refused(
        &["--name=x", "--svcadapt=bin/x", "--ready=fd", "--", "/bin/true"],
        "svcadapt: --svcadapt 'bin/x': ",
    );
    refused(
        &["--name=x", "--svcadapt=/a*", "--ready=fd", "--", "/bin/true"],
        "svcadapt: --svcadapt '/a*': byte 2: ",
    );
}

#[test]
fn mistakes_are_all_reported_at_once() {
    let output = svcadapt(["gen-unit", "--umask=9", "--nice=99", "--user=a b"]);
    assert_eq!(stderr_of(&output).lines().filter(|line| line.starts_with("svcadapt: ")).count(), 4);
    let output =
        svcadapt(["gen-unit", "--standard-output=append:/a\n", "--working-directory=/b\r", "--", "/c?"]);
    assert_eq!(stderr_of(&output).lines().filter(|line| line.starts_with("svcadapt: ")).count(), 3);
}

#[test]
fn unwritable_output_is_a_failure() {
    if !Path::new("/dev/full").exists() {
        return skip("dev-full", "there is no /dev/full");
    }
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let output = Command::new(env!("CARGO_BIN_EXE_svcadapt"))
        .args(["gen-unit", "--", "/bin/true"])
        .stdout(full)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr_of(&output).starts_with("svcadapt: standard output: "));
}

#[test]
fn output_option_with_a_unit_file_name_is_refused() {
    let folder = Folder::new();
    for (command, option, value) in [
        ("gen-unit", "-o", "foo.service"),
        ("gen-unit", "-o", "/etc/systemd/system/foo.service"),
        ("gen-unit", "--standard-error", "x.socket"),
        ("gen-plist", "-o", "x.plist"),
    ] {
        let output = svcadapt([command, "--name=x", option, value, "--", "/bin/true"]);
        let option = if option == "-o" { "--standard-output" } else { option };
        let reported = format!(
            "svcadapt: {option} '{value}': the service would write its output to this file\n  hint: --output DIR writes the generated file into DIR\n"
        );
        assert_eq!((output.status.code(), stderr_of(&output), output.stdout.len()), (Some(2), reported, 0));
    }
    // A log with another name, and the file in its place.
    let directory = folder.path().to_str().unwrap();
    let words = ["gen-unit", "--name=x", "-o", "/var/log/x.log", "--output", directory, "--", "/bin/true"];
    assert!(svcadapt(words).status.success());
    let text = std::fs::read_to_string(folder.path().join("x.service")).unwrap();
    assert!(text.contains("StandardOutput=append:/var/log/x.log\n"), "{text}");
}

#[test]
fn template_name_stays_a_specifier_and_an_instance_is_expanded() {
    const LINES: &str = "PIDFile=/run/%n.pid\nEnvironment=A=%N B=%p C=%i\nExecStart=/bin/web %I %P %f %j%J\n";
    let folder = Folder::new();
    let file = |name: &str| folder.path().join(name).display().to_string();
    let text =
        format!("[Unit]\nDescription=Web %i of %n\nRequires=%N.socket\n\n[Service]\nType=forking\n{LINES}");
    folder.write("a-web@.service", &text);
    folder.write("a-web@.socket", "[Socket]\nListenStream=/run/%p-%i\n");
    let again = printed(["gen-unit", "--strict", &file("a-web@.service")]);
    for line in text.lines().filter(|line| line.contains('=')) {
        assert!(again.lines().any(|written| written == line), "no '{line}' in\n{again}");
    }
    assert!(again.contains("ListenStream=/run/%p-%i\n"), "{again}");
    // Reading and writing again changes nothing, and systemd expands each instance.
    folder.write("a-web@.service", again.split("# a-web@.socket").next().unwrap());
    let instance: Value = serde_json::from_str(&printed(["show", &file("a-web@b-c.service")])).unwrap();
    assert_eq!(instance["pid_file"], "/run/a-web@b-c.service.pid");
    assert_eq!(instance["environment"], serde_json::json!(["A=a-web@b-c", "B=a-web", "C=b-c"]));
    assert_eq!(instance["command"], serde_json::json!(["/bin/web", "b/c", "a/web", "/b/c", "webweb"]));
    let Some(judgement) = Judgement::of(&folder, &["a-web@b-c.service".into()]) else { return };
    assert_eq!(judgement.argv("a-web@b-c.service"), ["/bin/web", "b/c", "a/web", "/b/c", "webweb"]);
    assert!(judgement.has("a-web@b-c.service", "PIDFile: /run/a-web@b-c.service.pid"));
}

#[test]
fn watchdog_probe_is_left_to_the_adapter_and_its_time_to_systemd() {
    let dir = Dir::new();
    let words = ["gen-unit", "--svcadapt=/opt/svcadapt", "--watchdog-sec=5", "--watchdog-probe=tcp:80"];
    for (kind, option) in [("exec", ""), ("notify", "--type notify ")] {
        let output =
            Svc::new(&dir).args(words).args(["--type", kind, "--name=web", "--", "/bin/true"]).output();
        let expected = format!(
            "Type={kind}\nNotifyAccess=all\n\
             ExecStart=/opt/svcadapt run --mode systemd {option}--watchdog-probe tcp:80 -- /bin/true\n"
        );
        assert!(output.stdout.contains(&expected), "{}{}", output.stdout, output.stderr);
        assert!(output.stdout.contains("\nWatchdogSec=5"), "{}", output.stdout);
    }
}
