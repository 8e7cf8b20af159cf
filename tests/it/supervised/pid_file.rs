//! The pid file of a generated unit: there while the service runs, and gone after `systemctl stop`.

use std::fs;

use super::support::Unit;
use crate::harness::{Dir, Exit, Systemd, wait_until};

#[test]
fn pid_file_of_a_generated_unit_exists_until_the_stop() {
    for systemd in Systemd::of_versions(..) {
        let dir = Dir::new();
        let Some(svcadapt) = systemd.svcadapt(&dir) else { continue };
        for (name, words) in [
            ("simple", &["--type=simple", "--pid-file=/run/it-pid.pid"][..]),
            ("exec", &["--type=exec", "--pid-file=/run/it-pid.pid"]),
            ("user", &["--user=nobody", "--pid-file=/run/it-pid.pid"]),
            ("ready", &["--ready=exec:/bin/true", "--pid-file=/run/it-pid.pid"]),
            ("own", &["--runtime-directory=it-pid", "--pid-file=/run/it-pid/pid"]),
            ("own-user", &["--user=nobody", "--runtime-directory=it-pid", "--pid-file=/run/it-pid/pid"]),
        ] {
            let file = words.iter().find_map(|word| word.strip_prefix("--pid-file=")).unwrap();
            let words = words.iter().chain(&["--", "/bin/sleep", "100"]);
            let unit = Unit::generate_for(systemd, &dir, &format!("pid-{name}"), &svcadapt, words);
            assert!(unit.text.contains(&format!("\nPIDFile={file}\n")), "{}", unit.text);
            let started = unit.start().exit;
            assert_eq!(started, Exit::Status(0), "{name} {} {}", systemd.version(), unit.status());
            let main = unit.main();
            // For a simple service systemd does not wait until the file is written.
            let written = || fs::read_to_string(systemd.path(file)).ok().filter(|text| text.ends_with('\n'));
            let written = wait_until("the pid file is written", written);
            assert_eq!(written.trim(), unit.show("MainPID"), "{name} {}", systemd.version());
            unit.stop();
            main.wait_gone();
            assert_eq!(unit.state(&["ActiveState", "Result"]), "inactive success", "{name}");
            assert!(!systemd.path(file).exists(), "{name} {}: the file is still there", systemd.version());
        }
    }
}
