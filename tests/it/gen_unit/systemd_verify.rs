//! systemd verifies generated units without a warning: the machine's systemd two hundred random services, every other
//! available version some that are written for it, and all the samples.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use svcadapt_convert::directive::Version;
use svcadapt_convert::divide::{Systemd, Target, divide};
use svcadapt_convert::unit::write;
use svcadapt_spec::{CommandPrivileges, Field, KillMode, Principal, ServiceSpec, Timespan};

use crate::harness::{Dir, Exit, SOURCES, Systemd as Booted, rounds, skip};
use crate::support::{Chance, Folder, printed, stderr_of};

/// The version of the installed systemd, if units can be written for it.
fn installed() -> Option<Version> {
    let output = Command::new("systemd-analyze").arg("--version").output();
    let text = output.ok().map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    let number = text.as_deref().and_then(|text| text.split_ascii_whitespace().nth(1));
    let version = number.and_then(|number| Version::parse(number.split('.').next()?.as_ref()).ok());
    if version.is_none() {
        skip("systemd-analyze", "it is not there, or of a version that nothing is written for");
    }
    version
}

/// Random services, as units for this version: names and texts. Their program is `/bin/true`.
fn units(version: Version, count: usize) -> Vec<(String, String)> {
    let mut chance = Chance(31);
    let mut units = Vec::new();
    while units.len() < count {
        // Verify requires the program to exist, and cannot see into a root directory.
        let mut spec = crate::support::random_spec::spec(&mut chance, |field| field != Field::RootDirectory);
        // It warns that KillMode=none is unsafe.
        spec.kill.mode = spec.kill.mode.filter(|mode| *mode != KillMode::None);
        spec.command.program = "/bin/true".into();
        // And 262 of the prefix '!!', which it ignores.
        if spec.prefix.privileges == CommandPrivileges::Ambient {
            spec.prefix.privileges = CommandPrivileges::KeepIdentity;
        }
        // And 257 of commands after a start that does not wait, beside credentials.
        if !spec.credentials.is_empty() {
            spec.commands.start_post.clear();
        }
        // And of a delay that shrinks from RestartSec=, by default 100 ms.
        let first = spec.restart_delay.unwrap_or(Timespan::Finite(Duration::from_millis(100)));
        spec.restarts.max_delay = spec.restarts.max_delay.filter(|longest| *longest >= first);
        // It warns of some names that it accepts, without the file's name.
        let plain =
            |name: &Option<Principal>| name.as_ref().is_none_or(|name| !name.to_string().contains('\\'));
        if !plain(&spec.user) || !plain(&spec.group) {
            continue;
        }
        let spec = ServiceSpec { name: None, ..spec };
        let host = Systemd { version, ..Systemd::default() };
        if let Ok(unit) = write(&spec, &divide(&spec, Target::Systemd(host)), Path::new("/bin/true")) {
            units.push((format!("r{}.service", units.len()), unit.text));
        }
    }
    units
}

#[test]
fn random_services_verify_without_a_warning() {
    let Some(version) = installed() else { return };
    let folder = Folder::new();
    let mut paths = Vec::new();
    for (name, text) in units(version, rounds(200)) {
        folder.write(&name, &text);
        paths.push(folder.path().join(name));
    }
    let output = Command::new("timeout")
        .args(["60", "systemd-analyze", "verify", "--man=no", "--recursive-errors=no"])
        .args(&paths)
        .output()
        .unwrap();
    assert_eq!((output.status.code(), stderr_of(&output).as_str()), (Some(0), ""));
}

/// Asserts that a booted systemd loads these units without a warning.
fn assert_loads(systemd: &Booted, units: &[(String, String)]) {
    let dir = Dir::new();
    let mut words = vec!["systemd-analyze".to_owned(), "verify".into(), "--man=no".into()];
    if systemd.version() >= 250 {
        words.push("--recursive-errors=no".into());
    }
    words.extend(units.iter().map(|(name, text)| dir.write(name, text).display().to_string()));
    let output = systemd.run(&words);
    let reported = format!("systemd {}: {}{}", systemd.version(), output.stderr, output.stdout);
    assert_eq!((output.exit, output.stderr.as_str()), (Exit::Status(0), ""), "{reported}");
}

fn version(systemd: &Booted) -> Version {
    Version::parse(systemd.version().to_string().as_ref()).unwrap()
}

#[test]
fn random_services_load_in_each_version_without_a_warning() {
    for systemd in Booted::of_versions(..) {
        assert_loads(systemd, &units(version(systemd), rounds(100)));
    }
}

#[test]
fn hardened_services_load_in_each_version_without_a_warning() {
    for systemd in Booted::of_versions(..) {
        let own = systemd.version().to_string();
        let mut units = Vec::new();
        for level in ["baseline", "strict"] {
            for words in [
                &["--", "/bin/true"][..],
                &["--user", "daemon", "--pid-file", "/run/web 1.pid", "--", "/bin/true"],
                &["--ready", "tcp:80", "--type", "notify-reload", "--", "/bin/true"],
                &["--ambient-capabilities", "CAP_NET_BIND_SERVICE", "--", "/bin/true"],
            ] {
                let first =
                    ["gen-unit", "--svcadapt", "/bin/true", "--systemd-version", &own, "--harden", level];
                let text = printed(first.iter().chain(words));
                units.push((format!("h{}.service", units.len()), text));
            }
        }
        assert_loads(systemd, &units);
    }
}

/// Each file of units/, with another program, as its own may be missing here.
#[test]
fn samples_load_in_each_version_without_a_warning() {
    let mut units = Vec::new();
    for entry in fs::read_dir(Path::new(SOURCES).join("units")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "service" || end == "socket") {
            let name = path.file_name().unwrap().to_str().unwrap().replace("@.", "@sample.");
            let text = fs::read_to_string(path).unwrap();
            let lines = text.lines().map(|line| match line.strip_prefix("ExecStart=/") {
                Some(command) => {
                    let words = command.split_once(' ').map_or("", |(_, words)| words);
                    format!("ExecStart=/bin/true {words}\n")
                }
                None => format!("{line}\n"),
            });
            units.push((name, lines.collect()));
        }
    }
    assert!(units.len() >= 5);
    // They are written for 252.
    for systemd in Booted::of_versions(252..) {
        assert_loads(systemd, &units);
    }
}
