//! With OpenRC's own commands.

use super::Machine;
use crate::harness::{Capability, require};

/// What its boot makes.
const INIT: &str = "for state in daemons exclusive failed hotplugged inactive init.d options scheduled started starting \
                    stopping tmp wasinactive; do mkdir -p /run/openrc/$state; done; : >/run/openrc/softlevel; \
                    : >/etc/insserv.conf; sleep infinity & wait";

fn machine() -> Option<Machine> {
    let machine = if require(Capability::Managers) { Machine::boot(INIT, true) } else { None };
    if let Some(machine) = &machine {
        machine.shell("within test -e /etc/insserv.conf");
    }
    machine
}

impl Machine {
    /// A service that `work` does, started.
    fn openrc(&self, name: &str, options: &[&str]) {
        let work = self.program("work");
        self.generate("gen-openrc", name, "/etc/init.d", &[options, &["--", &work, name]].concat());
        self.shell(&format!(
            "gate {name}; rc-service {name} start >$D/log 2>&1 || cat $D/log; within started {name} 1"
        ));
    }
}

#[test]
fn openrc_service_restarts_exactly_by_its_policy() {
    let Some(machine) = machine() else { return };
    for (name, policy, delay, again, last) in [
        ("supervised", "always", "1s", &["crash", "0", "3"][..], None),
        ("adapted", "always", "100ms", &["crash", "0"], None),
        ("failure", "on-failure", "100ms", &["crash", "3"], Some("0")),
        ("never", "no", "100ms", &[], Some("3")),
    ] {
        machine.openrc(name, &["--restart", policy, "--restart-sec", delay]);
        for (number, order) in again.iter().enumerate() {
            machine.shell(&format!("order {name} {order}; within started {name} {}", number + 2));
        }
        let starts = again.len() + 1;
        if let Some(last) = last {
            machine.shell(&format!(
                "order {name} {last}; within sh -c '! rc-service {name} status'; holds started {name} {starts}"
            ));
        } else {
            machine.shell(&format!(
                "rc-service {name} status && rc-service {name} stop && holds started {name} {starts} &&
                 ! rc-service {name} status && ! kill -0 \"$(tail -n 1 $D/{name}.starts)\""
            ));
        }
    }
}

#[test]
fn openrc_starts_a_service_as_often_as_its_limit_allows() {
    let Some(machine) = machine() else { return };
    let limit = ["--start-limit-burst", "3", "--start-limit-interval-sec", "10min"];
    for (name, delay) in [("supervised", "1s"), ("adapted", "100ms")] {
        machine.openrc(name, &[&["--restart", "always", "--restart-sec", delay], &limit[..]].concat());
        let supervised = machine.shell(&format!("grep -c supervise-daemon /etc/init.d/{name} || true"));
        assert_eq!(supervised == "1\n", name == "supervised");
        machine.shell(&format!(
            "order {name} crash; within started {name} 2; order {name} 0; within started {name} 3; order {name} 3;
             within sh -c '! rc-service {name} status >&2'; holds started {name} 3"
        ));
    }
}

#[test]
fn openrc_start_returns_when_the_service_is_ready_and_reload_reloads_it() {
    let Some(machine) = machine() else { return };
    let dir = machine.dir.path().display().to_string();
    let program = format!(
        "#!/bin/sh\ntrap 'echo reloaded >{dir}/reloaded' HUP\n: >{dir}/ready\nwhile :; do sleep 0.1; done\n"
    );
    let program = machine.dir.executable("program", &program).display().to_string();
    let ready = format!("file:{dir}/ready");
    machine.generate(
        "gen-openrc",
        "web",
        "/etc/init.d",
        &["--ready", &ready, "--reload-signal", "HUP", "--", &program],
    );
    machine.shell(
        "rc-service web start && test -e $D/ready && rc-service web status && rc-service web reload &&
         within test -e $D/reloaded && rc-service web stop && ! rc-service web status",
    );
    // A start that fails is an error.
    machine.generate("gen-openrc", "bad", "/etc/init.d", &["--ready", "file:/nowhere", "--", "/bin/false"]);
    machine.shell("! rc-service bad start");
}

#[test]
fn openrc_starts_first_what_a_unit_requires() {
    let Some(machine) = machine() else { return };
    let unit = "[Unit]\nAfter=first.service second.service\nRequires=first.service\n[Service]\nExecStart=/bin/sleep 100\n";
    let unit = machine.dir.write("web.service", unit).display().to_string();
    machine.generate("gen-openrc", "web", "/etc/init.d", &[&unit]);
    let printed = machine.shell(
        "for name in first second; do
             printf '#!/sbin/openrc-run\\nstart() { echo %s >>%s/order; }\\n' $name $D >/etc/init.d/$name
             chmod 0755 /etc/init.d/$name
         done
         rc-service web start >&2 && cat $D/order && rc-service web stop >&2",
    );
    assert_eq!(printed, "first\n");
}

#[test]
fn openrc_log_has_the_output_of_a_supervised_program() {
    let Some(machine) = machine() else { return };
    let program = machine.dir.executable("program", "#!/bin/sh\necho out\necho error >&2\nexec sleep 100\n");
    let words = ["--restart", "always", "--", &program.display().to_string()];
    machine.generate("gen-openrc", "web", "/etc/init.d", &words);
    machine.shell(
        "rc-service web start >&2 && within grep -q out /var/log/web.log && within grep -q error /var/log/web.log &&
         rc-service web stop >&2",
    );
}

#[test]
fn openrc_program_gets_hostile_values_byte_for_byte() {
    let Some(machine) = machine() else { return };
    let start = |name: &str| {
        machine.shell(&format!("rc-service {name} start"));
    };
    machine.passes_hostile_values("gen-openrc", "/etc/init.d", &[], start);
    machine
        .shell("rc-service plain stop; rc-service environment stop; rm $D/plain.words $D/environment.words");
    machine.passes_hostile_values("gen-openrc", "/etc/init.d", &["--restart", "always"], start);
}
