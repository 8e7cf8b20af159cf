//! systemd's own judge has nothing to say about what is generated for it.

use std::path::Path;
use std::process::Command;

use svcadapt::format::unit::write;
use svcadapt::spec::Field;
use svcadapt::spec::Principal;
use svcadapt::spec::ServiceSpec;
use svcadapt::target::Systemd;
use svcadapt::target::Target;
use svcadapt::target::Version;
use svcadapt::target::divide;

use crate::judge::Chance;
use crate::judge::Folder;
use crate::judge::said;
use crate::judge::skip;

/// The version of the systemd that is installed, as far as units are written for it.
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

#[test]
fn two_hundred_random_services_are_verified_in_silence() {
    let Some(version) = installed() else { return };
    let mut chance = Chance(31);
    let folder = Folder::new();
    let mut units = Vec::new();
    while units.len() < 200 {
        // Verify wants the program to be there, and what a root directory holds it cannot see.
        let mut spec = crate::said::spec(&mut chance, |field| field != Field::RootDirectory);
        spec.command.program = "/bin/true".into();
        // It remarks on names that it takes all the same, and does not say in which file they stand.
        let plain =
            |name: &Option<Principal>| name.as_ref().is_none_or(|name| !name.to_string().contains('\\'));
        if !plain(&spec.user) || !plain(&spec.group) {
            continue;
        }
        let spec = ServiceSpec { name: None, ..spec };
        let host = Systemd { version, ..Systemd::default() };
        let Ok(unit) = write(&spec, &divide(&spec, Target::Systemd(host)), Path::new("/bin/true")) else {
            continue;
        };
        let name = format!("r{}.service", units.len());
        folder.write(&name, &unit.text);
        units.push(folder.path().join(name));
    }
    let output = Command::new("timeout")
        .args(["60", "systemd-analyze", "verify", "--man=no", "--recursive-errors=no"])
        .args(&units)
        .output()
        .unwrap();
    assert_eq!((output.status.code(), said(&output).as_str()), (Some(0), ""));
}
