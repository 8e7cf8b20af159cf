//! What launchctl refuses, and says with a number alone: the stand-in has these numbers.

use crate::contract::host::{self, Host};
use crate::harness::{Exit, Output};

use super::prepare;

/// A host with launchd, of which most runs have none.
fn hosts() -> Vec<Host> {
    let mut all = host::boot_some("launchd");
    all.retain(|host| host.is("launchd") && prepare(host));
    all
}

fn expect(host: &Host, words: &str, status: i32, text: &str) -> String {
    let Output { stdout, stderr, exit } = host.shell(words);
    assert_eq!(exit, Exit::Status(status), "{words}: {stdout}{stderr}");
    assert!(format!("{stdout}{stderr}").contains(text), "{words}: {stdout}{stderr}");
    stdout + &stderr
}

#[test]
fn job_that_launchd_refuses_is_explained_with_the_cure() {
    for host in hosts() {
        let file = "/Library/LaunchDaemons/web.plist";
        let install = "$svcadapt install --svcadapt $svcadapt --name web";
        let program =
            host.program("web.sh", "echo $$ >>[D]/web.pids; echo hello; trap '' TERM; exec sleep 600");
        expect(&host, &format!("{install} -- {program}"), 0, "web: installed (launchd");
        // The owner, the mode, the label.
        expect(&host, &format!("chown 4711 {file}; $svcadapt start web"), 1, "a property list of user 4711");
        let writable = format!("chown 0 {file}; chmod 666 {file}; $svcadapt start web");
        expect(&host, &writable, 1, &format!("hint: `chmod 644 {file}`"));
        expect(&host, &format!("chmod 644 {file}; $svcadapt disable web"), 0, "web: disabled");
        expect(&host, "$svcadapt start web", 1, "hint: `svcadapt enable web` enables it");
        expect(&host, &format!("{install} --nice 3 -- {program}"), 0, "is disabled, not running");
        expect(&host, "$svcadapt enable web && $svcadapt start web", 0, "web: started");
        host.first("web.pids");
        // Without a journal it has a log file.
        assert!(host.becomes("logs_show hello"), "{}", host.shell("$svcadapt logs web").stdout);

        // One that was booted out by another command, and has not ended, is waited for.
        assert!(host.holds("/usr/local/bin/launchctl bootout system/web"));
        expect(&host, "/usr/local/bin/launchctl bootout system/web", 36, "36");
        expect(&host, &format!("/usr/local/bin/launchctl bootstrap system {file}"), 37, "37");
        expect(&host, "$svcadapt restart web", 0, "web: restarted");
        assert_eq!(host.lines("web.pids", 2).len(), 2);
        expect(&host, "$svcadapt stop web && $svcadapt stop web && $svcadapt status web", 3, "not running");
        expect(&host, "$svcadapt uninstall web", 0, "web: uninstalled");
        // A job that cannot be set up.
        let failed =
            expect(&host, &format!("{install} --now --working-directory /nowhere -- {program}"), 1, "");
        assert!(failed.contains("launchd could not set it up"), "{failed}");
        host.shell("rm -f /Library/Logs/web.log");
    }
}

#[test]
fn program_that_a_shell_finds_by_path_is_found_by_launchd() {
    for host in hosts() {
        host.shell("mkdir -p /opt/it/bin; printf '#!/bin/sh\\necho $PATH >>$0.path; exec sleep 600\\n' >/opt/it/bin/tool; chmod 755 /opt/it/bin/tool
            printf '#!/usr/bin/env tool\\n' >/opt/it/script; chmod 755 /opt/it/script");
        let install = |path: &str, program: &str| {
            format!("PATH=$PATH:/opt/it/bin:{path} $svcadapt install --name tool --now -- {program}")
        };
        for program in ["tool", "/opt/it/script"] {
            let said = expect(&host, &install("/tmp", program), 0, "by which tool is found");
            // Others can write in /tmp, and root's service does not search there.
            assert!(said.contains(":/opt/it/bin, by which"), "{said}");
            assert!(host.becomes("eval [ -s /opt/it/bin/tool.path ]"), "{program}");
            assert!(host.holds("$svcadapt uninstall tool && rm /opt/it/bin/tool.path"), "{program}");
        }
        // Nothing is said of one with a path.
        let said = expect(&host, &install("/tmp", "/bin/sleep 600"), 0, "tool: installed");
        assert!(!said.contains("PATH"), "{said}");
        assert!(host.holds("$svcadapt uninstall tool"));
        host.shell("rm -rf /opt/it /Library/Logs/tool.log");
    }
}

#[test]
fn agent_of_a_user_is_loaded_where_the_user_is_logged_in() {
    for host in hosts() {
        let user = "id=4711 home=/home/it-user
            as_user() { chroot --userspec=$id:$id --groups= / env -i HOME=$home PATH=/usr/bin:/bin \"$@\"; }
            ";
        let shell = |words: &str| format!("{user}{words}");
        assert!(host.holds(&shell(
            "echo it-user:x:$id:$id::$home:/bin/sh >>/etc/passwd; mkdir -p $home/Library/Logs && chown -R $id:$id $home"
        )));
        let before = host.shell(&shell("find $home | sort")).stdout;
        let program = "/bin/sleep 600";
        let install = format!(
            "as_user $svcadapt install --scope user --svcadapt $svcadapt --name web --now -- {program}"
        );
        // Without a screen an agent has no session, unless it says so.
        expect(&host, &shell(&install), 1, "this user is not logged in at the screen");
        assert_eq!(host.shell(&shell("find $home | sort")).stdout, before);
        let list = "printf '%s\\n' '<?xml version=\"1.0\"?>' '<plist version=\"1.0\"><dict><key>Label</key><string>web</string>' \
            '<key>ProgramArguments</key><array><string>/bin/sleep</string><string>600</string></array>' \
            '<key>RunAtLoad</key><true/><key>LimitLoadToSessionType</key><string>Background</string></dict></plist>' >$dir/web.plist
            as_user $svcadapt install --scope user --now $dir/web.plist";
        expect(
            &host,
            &shell(list),
            0,
            "web: installed (launchd, /home/it-user/Library/LaunchAgents/web.plist), starts at login",
        );
        expect(&host, &shell("as_user $svcadapt status web"), 0, "launchd, user/4711/web");
        expect(&host, &shell("as_user $svcadapt uninstall web"), 0, "web: uninstalled");

        assert!(host.holds("/usr/local/bin/launchctl login 4711"));
        expect(&host, &shell(&install), 0, "web: installed");
        expect(&host, &shell("as_user $svcadapt status web"), 0, "launchd, gui/4711/web");
        expect(&host, &shell("as_user $svcadapt uninstall web && rm $home/Library/Logs/web.log"), 0, "");
        assert_eq!(host.shell(&shell("find $home | sort")).stdout, before);
    }
}
