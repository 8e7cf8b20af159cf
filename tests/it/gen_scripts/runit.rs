//! Below runsv(8).

use super::Machine;
use crate::harness::have;

const INIT: &str = "mkdir /srv/on; exec runsvdir /srv/on";

const STATE: &str = "down() { sv status /srv/$1 | grep -q '^down'; }\n";

fn machine() -> Option<Machine> {
    if have("runsvdir") { Machine::boot(INIT, false) } else { None }
}

impl Machine {
    /// A service that `work` does, below runsvdir, which has started it.
    fn runit(&self, name: &str, options: &[&str]) {
        let work = self.program("work");
        self.generate("gen-runit", name, "/srv", &[options, &["--", &work, name]].concat());
        self.shell(&format!("gate {name}; ln -s /srv/{name} /srv/on/{name}; within started {name} 1"));
    }
}

#[test]
fn runit_service_restarts_exactly_by_its_policy() {
    let Some(machine) = machine() else { return };
    machine.restarts_by_policy(STATE, "sv start", |name, options| machine.runit(name, options));
}

#[test]
fn stopped_runit_service_stays_stopped_until_sv_starts_it() {
    let Some(machine) = machine() else { return };
    for (name, options) in
        [("plain", &[][..]), ("kept", &["--restart", "always"]), ("adapted", &["--timeout-stop-sec", "20"])]
    {
        machine.runit(name, options);
        // Whatever its policy is: sv restart starts it, and a stop is final.
        machine.shell(&format!(
            "sv -w 20 restart /srv/{name} && within started {name} 2 && sv -w 20 stop /srv/{name} &&
             holds started {name} 2 && sv status /srv/{name} | grep -q '^down' &&
             sv -w 20 start /srv/{name} && within started {name} 3 && order {name} 0"
        ));
    }
}

#[test]
fn svcadapt_stops_and_restarts_what_it_restarts_below_runit() {
    let Some(machine) = machine() else { return };
    machine.runit("web", &["--restart", "always", "--restart-sec", "100ms"]);
    machine.shell(&format!(
        "{STATE}svcadapt restart web && within started web 2 && svcadapt stop web && within down web &&
         holds started web 2 && down web && ! svcadapt status web && sv start /srv/web && within started web 3"
    ));
}

#[test]
fn runit_service_gets_its_stop_signal_and_is_killed_in_time() {
    let Some(machine) = machine() else { return };
    let dir = machine.dir.path().display().to_string();
    let deaf = format!(
        "#!/bin/sh\ntrap ': >{dir}/asked' QUIT\ntrap '' TERM\n: >{dir}/up\nwhile :; do sleep 0.1; done\n"
    );
    let deaf = machine.dir.executable("deaf", &deaf).display().to_string();
    let words = ["--timeout-stop-sec", "500ms", "--kill-signal", "QUIT", "--", &deaf];
    machine.generate("gen-runit", "web", "/srv", &words);
    machine.shell(&format!(
        "{STATE}ln -s /srv/web /srv/on/web; within test -e $D/up; sv -w 20 stop /srv/web && within down web &&
         test -e $D/asked && ! svcadapt status web"
    ));
}

#[test]
fn runit_check_succeeds_when_the_service_is_ready() {
    let Some(machine) = machine() else { return };
    let ready = machine.dir.join("ready").display().to_string();
    machine.runit("web", &["--ready", &format!("file:{ready}"), "--timeout-start-sec", "60"]);
    machine.shell("! sv -w 2 check /srv/web");
    machine.dir.write("ready", "");
    machine.shell("within sv -w 2 check /srv/web");
}

#[test]
fn runit_program_gets_hostile_values_byte_for_byte() {
    let Some(machine) = machine() else { return };
    machine.passes_hostile_values("gen-runit", "/srv", &[], |name| {
        machine.shell(&format!("ln -s /srv/{name} /srv/on/{name}"));
    });
}

#[test]
fn signal_reaches_a_runit_service_that_svcadapt_has_not_started() {
    let Some(machine) = machine() else { return };
    let printed = machine.shell(
        "mkdir -p /srv/own; printf '#!/bin/sh\\ntrap \"echo usr1 >/srv/got\" USR1\\necho >/srv/ready\\nwhile :; do sleep 0.1; done\\n' >/srv/own/run
         chmod 755 /srv/own/run; ln -s /srv/own /srv/on/own; within test -e /srv/ready
         svcadapt signal -s USR1 own && within test -e /srv/got
         sv -w 20 stop /srv/own >/dev/null; svcadapt signal own 2>&1 || echo $?",
    );
    assert_eq!(printed, "svcadapt: signal '/srv/own': it does not run\n7\n");
}
