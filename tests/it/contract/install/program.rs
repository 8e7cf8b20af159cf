//! A program that links the library and installs itself: `selfmade service install`.

use crate::harness::{Exit, Output};

use super::{FILES, differences, on_each};

#[test]
fn program_with_the_library_installs_and_controls_itself() {
    // The library asks macOS for launchd, and an init script would need svcadapt.
    on_each(|host| {
        if host.is("classic") || host.is("launchd") {
            return;
        }
        let name = host.name();
        let files = || host.shell(FILES).stdout;
        let expect = |words: &str, status: i32, text: &str| {
            let script = format!("SELFMADE_FILE=$dir/selfmade.pids $dir/selfmade service {words}");
            let Output { stdout, stderr, exit } = host.shell(&script);
            assert_eq!(exit, Exit::Status(status), "{name}: {words}: {stdout}{stderr}");
            assert!(format!("{stdout}{stderr}").contains(text), "{name}: {words}: {stdout}{stderr}");
        };
        let before = files();
        expect("status", 3, "selfmade: not installed");
        expect("stop", 5, "hint: `service install` installs it");
        expect("install --now", 0, "selfmade: installed, starts at boot, running");
        let first = host.first("selfmade.pids");
        let process = if host.is("OpenRC") { String::new() } else { format!(", process {first}") };
        expect("status", 0, &format!("selfmade: running{process} ("));
        expect("install --now", 0, "selfmade: installed");
        expect("restart", 0, "selfmade: restarted");
        assert_ne!(host.lines("selfmade.pids", 2)[1], first, "{name}");
        expect("stop", 0, "selfmade: stopped");
        expect("status", 3, "selfmade: not running");
        expect("start", 0, "selfmade: started");
        expect("disable", 0, "selfmade: disabled");
        expect("enable", 0, "selfmade: enabled");
        let last = host.lines("selfmade.pids", 3)[2].clone();
        expect("uninstall", 0, "selfmade: uninstalled");
        assert!(host.becomes(&format!("ended selfmade {last}")), "{name}");
        assert_eq!(differences(&before, &files()), "", "{name}: files");
        expect("uninstall", 5, "it was not installed by svcadapt");
        expect("nonsense", 2, "the words are install [--now], uninstall");
    });
}
