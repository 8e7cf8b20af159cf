//! A command that only starts a service is not the service itself.

use crate::support::{Folder, printed, stderr_of, svcadapt};

#[test]
fn background_start_command_becomes_type_forking() {
    for command in [
        &["/etc/init.d/nginx", "start"][..],
        &["/etc/rc.d/nginx", "start"],
        &["/usr/sbin/apachectl", "start"],
        &["/usr/sbin/apache2ctl", "-k", "start"],
        &["/usr/lib/postgresql/15/bin/pg_ctl", "-D", "/srv/db", "start"],
    ] {
        let output = svcadapt([&["gen-unit", "--strict", "--"], command].concat());
        let text = String::from_utf8(output.stdout.clone()).unwrap();
        assert!(text.starts_with("[Service]\nType=forking\n"), "{text}");
        let note = format!(
            "svcadapt: program '{}': starts the service in the background and exits; --type forking is \
             assumed\n  hint: --pid-file PATH names the file to which the service writes its pid\n",
            command.join(" ")
        );
        assert!(stderr_of(&output).ends_with(&note), "{}", stderr_of(&output));
        // A given type is kept, as is the meaning of a unit.
        let warning =
            "exits; its manager would take that for the end of the service\n  hint: use --type forking\n";
        let output = svcadapt([&["gen-unit", "--type=exec", "--"], command].concat());
        assert!(stderr_of(&output).ends_with(warning), "{}", stderr_of(&output));
        for kind in ["forking", "oneshot"] {
            let output = svcadapt([&["gen-unit", "--type", kind, "--"], command].concat());
            assert!(!stderr_of(&output).contains("it starts the service"), "{}", stderr_of(&output));
        }
    }
    let folder = Folder::new();
    let file = folder.path().join("x.service").display().to_string();
    folder.write("x.service", "[Service]\nExecStart=/etc/init.d/x start\n");
    let output = svcadapt(["gen-unit", "--strict", &file]);
    assert!(stderr_of(&output).ends_with("hint: use --type forking\n"), "{}", stderr_of(&output));
    assert_eq!(output.stdout, b"[Service]\nExecStart=/etc/init.d/x start\n");
    // launchd has no such type, so the adapter stays.
    let words = ["gen-plist", "--label=x", "--svcadapt=/opt/svcadapt", "--", "/etc/init.d/x", "start"];
    assert!(printed(words).contains("<string>--type</string>\n\t\t<string>forking</string>"));
}

#[test]
fn command_that_asks_a_manager_is_reported() {
    for command in
        [&["service", "nginx", "start"][..], &["/bin/systemctl", "restart", "nginx"], &["sv", "start", "x"]]
    {
        let output = svcadapt([&["gen-unit", "--"], command].concat());
        let note = "asks a manager to start another service and exits; that service is not a child of this one\n  \
                    hint: give the program of the service itself, or --type oneshot for a command that runs once\n";
        assert!(stderr_of(&output).ends_with(note), "{}", stderr_of(&output));
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(text.starts_with("[Service]\nType=exec\n"), "{text}");
    }
    for command in [
        &["/usr/bin/web", "start"][..],
        &["/usr/sbin/apachectl", "-DFOREGROUND", "-k", "start"],
        &["/bin/service"],
    ] {
        assert_eq!(stderr_of(&svcadapt([&["gen-unit", "--"], command].concat())), "", "{command:?}");
    }
}
