//! Below s6-supervise(8).

use super::Machine;
use crate::harness::have;

const INIT: &str = "mkdir /srv/on; exec s6-svscan /srv/on";

fn machine() -> Option<Machine> {
    if have("s6-svscan") { Machine::boot(INIT, false) } else { None }
}

const STATE: &str = "up() { [ \"$(s6-svstat -o up /srv/$1)\" = true ]; }\n\
                     down() { [ \"$(s6-svstat -o up /srv/$1)\" = false ]; }\n\
                     ready() { [ \"$(s6-svstat -o ready /srv/$1)\" = true ]; }\n";

/// Starts a service below s6-svscan, which has its directory.
fn scan(name: &str) -> String {
    format!("ln -s /srv/{name} /srv/on/{name}; within s6-svscanctl -a /srv/on; within s6-svok /srv/{name}")
}

impl Machine {
    /// A service that `work` does; s6-supervise has started it.
    fn s6(&self, name: &str, options: &[&str]) {
        let work = self.program("work");
        self.generate("gen-s6", name, "/srv", &[options, &["--", &work, name]].concat());
        self.shell(&format!("gate {name}; {}; within started {name} 1", scan(name)));
    }
}

#[test]
fn s6_service_restarts_exactly_by_its_policy() {
    let Some(machine) = machine() else { return };
    machine.restarts_by_policy(STATE, "s6-svc -u", |name, options| machine.s6(name, options));
}

#[test]
fn s6_service_that_was_stopped_stays_stopped() {
    let Some(machine) = machine() else { return };
    for (name, options) in
        [("plain", &[][..]), ("kept", &["--restart", "always"]), ("adapted", &["--user", "www-data"])]
    {
        if name == "adapted" {
            machine.shell("chmod 0777 $D; : >$D/adapted.starts; chmod 0666 $D/adapted.starts; umask 0");
        }
        machine.s6(name, options);
        machine.shell(&format!(
            "{STATE}s6-svc -wD -T 20000 -d /srv/{name} && holds started {name} 1 && down {name} &&
             s6-svc -u /srv/{name} && within started {name} 2"
        ));
    }
}

#[test]
fn svcadapt_stops_and_restarts_what_it_restarts_below_s6() {
    let Some(machine) = machine() else { return };
    machine.s6("web", &["--restart", "always", "--restart-sec", "100ms"]);
    machine.shell(&format!(
        "{STATE}svcadapt restart web && within started web 2 && svcadapt stop web && within down web &&
         holds started web 2 && down web && ! svcadapt status web && s6-svc -u /srv/web && within started web 3"
    ));
}

#[test]
fn s6_service_that_ignores_the_stop_signal_is_killed_in_time() {
    let Some(machine) = machine() else { return };
    let deaf = machine.dir.executable("deaf", "#!/bin/sh\ntrap '' TERM QUIT\nexec sleep 100\n");
    let deaf = deaf.display().to_string();
    for (name, options) in [
        ("host", &["--timeout-stop-sec", "300ms", "--kill-signal", "QUIT"][..]),
        ("adapter", &["--timeout-stop-sec", "300ms", "--ready", "alive:10ms"]),
    ] {
        machine.generate("gen-s6", name, "/srv", &[options, &["--", &deaf]].concat());
        machine.shell(
            &format!("{STATE}{}; within ready_or_up {name}", scan(name))
                .replace("ready_or_up", if name == "host" { "s6-svok /srv/host; true" } else { "ready" }),
        );
        machine.shell(&format!("s6-svc -wD -T 20000 -d /srv/{name}"));
    }
}

#[test]
fn s6_hears_when_the_service_is_ready() {
    let Some(machine) = machine() else { return };
    let dir = machine.dir.path().display().to_string();
    let says = format!(
        "#!/bin/sh\nread -r _ <{dir}/$1.gate\n\
                        case $2 in notify) {dir}/svcadapt notify --ready ;; *) echo >&\"$2\" ;; esac\nexec sleep 100\n"
    );
    let says = machine.dir.executable("says", &says).display().to_string();
    for (name, options, descriptor) in [
        // The program tells s6 itself, or svcadapt for it.
        ("host", &["--ready", "fd:5"][..], "5"),
        ("adapter", &["--ready", "fd:5", "--working-directory", "/tmp"], "5"),
        ("monitor", &["--ready", "fd", "--restart", "always", "--restart-sec", "1"], "3"),
        ("notify", &["--type", "notify"], "notify"),
    ] {
        machine.generate("gen-s6", name, "/srv", &[options, &["--", &says, name, descriptor]].concat());
        machine.shell(&format!(
            "{STATE}waits() {{ ! ready $1; }}\ngate {name}; {}; within up {name}; holds waits {name} && order {name} x &&
             within ready {name}",
            scan(name)
        ));
    }
}

#[test]
fn s6_program_gets_hostile_values_byte_for_byte() {
    let Some(machine) = machine() else { return };
    machine.passes_hostile_values("gen-s6", "/srv", &[], |name| {
        machine.shell(&scan(name));
    });
}
