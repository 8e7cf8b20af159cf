//! An explicit setting of a service overrides the hardening level.

use crate::support::{Folder, printed, stderr_of, svcadapt};

#[test]
fn explicit_setting_overrides_the_level() {
    for (option, line) in [
        ("--no-new-privileges=no", "NoNewPrivileges=no"),
        ("--ambient-capabilities=", "AmbientCapabilities="),
    ] {
        let name = line.split('=').next().unwrap();
        for level in ["strict", "baseline", "none"] {
            let words =
                ["gen-unit", "--harden", level, "--explain", option, "--ready=tcp:80", "--", "/bin/true"];
            let output = svcadapt(words);
            let text = String::from_utf8(output.stdout.clone()).unwrap();
            let lines: Vec<_> = text.lines().filter(|line| line.starts_with(name)).collect();
            assert_eq!(lines, [line], "{level}");
            let reported = format!("svcadapt: {name}: left out: the service sets it itself\n");
            let in_level = level == "strict" || level == "baseline" && name == "NoNewPrivileges";
            assert_eq!(stderr_of(&output).contains(&reported), in_level, "{}", stderr_of(&output));
        }
        // An option without effect is no loss, and is kept when rewritten.
        assert_eq!(
            stderr_of(&svcadapt(["gen-plist", "--strict", "--label=a", option, "--", "/bin/true"])),
            ""
        );
        let folder = Folder::new();
        folder.write("a.json", &printed(["show", option, "--", "/bin/true"]));
        let json = folder.path().join("a.json").display().to_string();
        assert!(printed(["gen-unit", &json]).contains(&format!("\n{line}\n")));
        folder.write("a.service", &format!("[Service]\nExecStart=/bin/true\n{line}\n"));
        let unit = folder.path().join("a.service").display().to_string();
        assert!(printed(["gen-unit", "--harden=baseline", &unit]).contains(&format!("\n{line}\n")));
    }
}
