//! An init script, called by hand.

use super::Machine;
use crate::harness::have;

fn machine() -> Option<Machine> {
    Machine::boot("sleep infinity & wait", false)
}

#[test]
fn init_script_has_the_exit_statuses_of_the_lsb() {
    let Some(machine) = machine() else { return };
    let work = machine.program("work");
    machine.generate(
        "gen-sysv",
        "web",
        "/etc/init.d",
        &["--restart", "on-failure", "--restart-sec", "100ms", "--", &work, "web"],
    );
    let printed = machine.shell(
        "gate web
         web() { /etc/init.d/web \"$@\" >/dev/null 2>&1; echo \"$*: $?\"; }
         web status; web stop; web try-restart; web force-reload
         web start; within started web 1; web start; web status; web reload; web force-reload; within started web 2
         web restart; within started web 3; web try-restart; within started web 4
         order web crash; within started web 5; web status
         order web 0; within sh -c '! /etc/init.d/web status' >/dev/null; holds started web 5
         web start; within started web 6; web stop; web status; holds started web 6
         web dance; web",
    );
    let expected = "status: 3\nstop: 0\ntry-restart: 0\nforce-reload: 0\n\
                    start: 0\nstart: 0\nstatus: 0\nreload: 3\nforce-reload: 0\n\
                    restart: 0\ntry-restart: 0\nstatus: 0\n\
                    start: 0\nstop: 0\nstatus: 3\ndance: 2\n: 2\n";
    assert_eq!(printed, expected);
}

#[test]
fn init_script_reports_what_fails_with_the_status_of_the_lsb() {
    let Some(machine) = machine() else { return };
    machine.generate("gen-sysv", "gone", "/etc/init.d", &["--", "/nowhere/program"]);
    machine.generate("gen-sysv", "ends", "/etc/init.d", &["--ready", "file:/nowhere", "--", "/bin/false"]);
    machine.generate(
        "gen-sysv",
        "bare",
        "/etc/init.d",
        &["--svcadapt", "/nowhere/svcadapt", "--", "/bin/true"],
    );
    let printed = machine.shell(
        "for name in gone ends bare; do
             /etc/init.d/$name start >/dev/null 2>&1; echo \"$name start: $?\"
             /etc/init.d/$name status >/dev/null 2>&1; echo \"$name status: $?\"
         done",
    );
    assert_eq!(
        printed,
        "gone start: 5\ngone status: 3\nends start: 1\nends status: 3\nbare start: 5\nbare status: 4\n"
    );
}

#[test]
fn init_script_reloads_a_service_that_can_reload() {
    let Some(machine) = machine() else { return };
    machine.generate(
        "gen-sysv",
        "web",
        "/etc/init.d",
        &["--exec-reload", "/bin/true", "--", "/bin/sleep", "100"],
    );
    machine.generate(
        "gen-sysv",
        "bad",
        "/etc/init.d",
        &["--exec-reload", "/bin/false", "--", "/bin/sleep", "100"],
    );
    let printed = machine.shell(
        "for name in web bad; do
             /etc/init.d/$name start >/dev/null || exit 1
             for action in reload force-reload stop reload; do
                 /etc/init.d/$name $action >/dev/null 2>&1; echo \"$name $action: $?\"
             done
         done",
    );
    assert_eq!(
        printed,
        "web reload: 0\nweb force-reload: 0\nweb stop: 0\nweb reload: 7\n\
         bad reload: 1\nbad force-reload: 1\nbad stop: 0\nbad reload: 7\n"
    );
}

#[test]
fn init_script_is_enabled_by_update_rc() {
    let Some(machine) = machine().filter(|_| have("update-rc.d")) else { return };
    machine.generate(
        "gen-sysv",
        "web",
        "/etc/init.d",
        &["--description", "It's a $(web)", "--", "/bin/true"],
    );
    let links =
        machine.shell("update-rc.d web defaults >&2; ls /etc/rc?.d | grep web | cut -c1,4- | sort | uniq -c");
    assert_eq!(links.split_whitespace().collect::<Vec<_>>(), ["3", "Kweb", "4", "Sweb"]);
}

#[test]
fn init_script_passes_hostile_values_byte_for_byte() {
    let Some(machine) = machine() else { return };
    machine.passes_hostile_values("gen-sysv", "/etc/init.d", &[], |name| {
        machine.shell(&format!("/etc/init.d/{name} start"));
    });
}
