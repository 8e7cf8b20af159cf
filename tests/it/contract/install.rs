//! `install` and `uninstall` with each manager: the service runs, and afterwards the files of the machine are what they were.

mod forms;
mod killed;
mod launchctl;
mod program;
mod reboot;
mod refused;
mod user;

use std::collections::HashSet;
use std::thread;

use crate::harness::{Exit, Output};

use super::host::{self, Host};

/// Lists the files of the directories that managers read, with modes, owners and links, but for what the managers write
/// themselves, logs, and those of other tests.
const FILES: &str = "for place in /etc /var/lib /Library; do \
    [ ! -d $place ] || find $place -xdev ! -name '*.journal' ! -path '*/supervise*' ! -path '*/it-[0-9]*' ! -path '/Library/Logs/*' ! -path /etc/machine-id -printf '%p %m %u %l %y\\n'; \
    done | sort";

/// The lines that only one of the two has.
fn differences(before: &str, after: &str) -> String {
    let only = |sign: &str, one: &str, other: &str| {
        let other: HashSet<&str> = other.lines().collect();
        let lines = one.lines().filter(|line| !other.contains(line));
        lines.map(|line| format!("{sign} {line}")).collect::<Vec<_>>()
    };
    [only("+", after, before), only("-", before, after)].concat().join("\n")
}

/// Does this on each host that services can be installed on, on all at once.
fn on_each(act: impl Fn(&Host) + Sync) {
    let hosts = host::boot_all();
    thread::scope(|scope| {
        let acts: Vec<_> = hosts
            .iter()
            .map(|host| {
                let act = &act;
                scope.spawn(move || {
                    if prepare(host) {
                        act(host);
                    }
                })
            })
            .collect();
        for one in acts {
            one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
}

/// What a host needs before services can be installed with its manager.
fn prepare(host: &Host) -> bool {
    match host.name().split(' ').next().unwrap_or_default() {
        "systemd" => true,
        // Process 1 may not have begun.
        "s6" => host.becomes("test -p /srv/s6/.s6-svscan/control"),
        "launchd" => host.becomes("/usr/local/bin/launchctl print system"),
        "OpenRC" => {
            host.holds("within $patience test -e /run/openrc/softlevel && mkdir -p /etc/runlevels/default")
        }
        "runit" => host.holds(
            "mkdir -p /etc/service /etc/sv; setsid runsvdir /etc/service </dev/null >/dev/null 2>&1 &",
        ),
        // Init scripts.
        "classic" => host.holds("type update-rc.d"),
        _ => false,
    }
}

#[test]
fn installed_service_runs_on_every_host_and_leaves_nothing() {
    on_each(|host| {
        let name = host.name();
        let program = host.program("inst.sh", "echo $$ $COLOUR >>[D]/inst.pids; exec sleep 600");
        let fails = host.program("fails.sh", "echo no configuration >&2; exit 3");
        let files = || host.shell(FILES).stdout;
        let svcadapt = |words: &str| host.shell(&format!("$svcadapt {words}"));
        let expect = |words: &str, status: i32, text: &str| {
            let Output { stdout, stderr, exit } = svcadapt(words);
            assert_eq!(exit, Exit::Status(status), "{name}: {words}: {stdout}{stderr}");
            assert!(format!("{stdout}{stderr}").contains(text), "{name}: {words}: {stdout}{stderr}");
        };
        let install =
            |options: &str| format!("install --svcadapt $svcadapt --name inst {options} -- {program}");
        let before = files();

        expect(&install("--dry-run --environment COLOUR=red"), 0, "+++ ");
        assert_eq!(files(), before, "{name}: a dry run changes nothing");
        expect(&install("--environment COLOUR=red --now"), 0, "inst: installed (");
        let first = host.first("inst.pids");
        assert!(first.ends_with(" red"), "{name}: {first:?}");
        expect("status inst", 0, "inst: running");
        let installed = files();
        expect(&install("--environment COLOUR=red --now"), 0, "inst: already installed (");
        assert_eq!(host.read("inst.pids").lines().count(), 1, "{name}: it was not restarted");
        assert_eq!(files(), installed, "{name}");

        expect(&install("--environment COLOUR=blue --now"), 0, "inst: changed (");
        assert!(host.lines("inst.pids", 2)[1].ends_with(" blue"), "{name}");
        // A file of another author.
        let file = svcadapt(&install("--dry-run --environment COLOUR=red")).stdout;
        let file = file.lines().find_map(|line| line.strip_prefix("--- ")).unwrap().to_owned();
        host.shell(&format!("cp -p {file} /run/saved; echo '# mine' >>{file}"));
        expect(&install("--environment COLOUR=red"), 1, "was not written by svcadapt, or was changed since");
        host.shell(&format!("cp -p /run/saved {file}"));

        // A start that fails is put back.
        let broken = format!("install --svcadapt $svcadapt --name broken --now -- {fails}");
        if !["runit", "s6", "launchd"].contains(&name) {
            let was = files();
            let service_type =
                if name.starts_with("systemd") { "--type oneshot" } else { "--ready alive:1s" };
            let broken = broken.replace("--now", &format!("--now {service_type}"));
            expect(&broken, 1, "");
            assert_eq!(files(), was, "{name}: {broken}");
        }

        if name.starts_with("systemd") {
            expect(
                "run --mode classic --name inst -- /bin/sleep 600",
                250,
                "systemd runs a service of this name",
            );
        }
        let list = svcadapt("list").stdout;
        let line = list.lines().find(|line| line.starts_with("inst ")).unwrap_or_default();
        let host_name = if host.is("classic") {
            "sysv".to_owned()
        } else {
            name.split(' ').next().unwrap().to_lowercase()
        };
        assert!(line.contains(" running ") && line.contains(&format!(" {host_name}")), "{name}: {list}");
        expect("wait --ready --timeout 20s inst", 0, "");
        expect("stop inst", 0, "inst: stopped");
        expect("wait --stopped --timeout 20s inst", 0, "");
        expect("wait --ready --timeout 10ms inst", 1, "not in time");
        expect("list", 0, "inst");
        expect("start inst", 0, "inst: started");
        expect("disable inst", 0, "inst: disabled");
        expect("enable inst", 0, "inst: enabled");
        expect("disable --now inst", 0, "inst: disabled\ninst: stopped");
        expect("status inst", 3, "inst");
        expect("enable --now inst", 0, "inst: enabled\ninst: started");
        expect("status inst", 0, "inst: running");
        expect("uninstall inst", 0, "inst: uninstalled");
        let pid = host.read("inst.pids").lines().last().unwrap().split(' ').next().unwrap().to_owned();
        assert!(host.becomes(&format!("ended inst {pid}")), "{name}");
        let after = files();
        assert_eq!(differences(&before, &after), "", "{name}: files");
        expect("uninstall inst", 5, "it was not installed by svcadapt");
        expect("status inst", 3, "not running");
    });
}

#[test]
fn failed_install_over_a_foreign_unit_puts_unit_and_state_back() {
    for host in host::boot_all().iter().filter(|host| host.name().starts_with("systemd")) {
        let mine = host.program("mine.sh", "echo $$ >>[D]/mine.pids; exec sleep 600");
        let place = "/etc/systemd/system/mine.service";
        host.shell(&format!(
            "printf '[Service]\\nExecStart={mine}\\n[Install]\\nWantedBy=it.target\\n' >{place}
             systemctl daemon-reload; systemctl enable --now mine"
        ));
        host.first("mine.pids");
        let install = |options: &str, program: &str| {
            host.shell(&format!("$svcadapt install --svcadapt $svcadapt --name mine {options} -- {program}"))
        };
        let fails = host.program("fails.sh", "exit 3");
        let refused = install("--now", &fails);
        assert!(refused.stderr.contains("was not written by svcadapt"), "{refused:?}");
        let unit = host.shell(&format!("cat {place}")).stdout;
        let failed = install("--force --now --type notify --timeout-start-sec 2", &fails);
        assert_eq!(failed.exit, Exit::Status(1), "{failed:?}");
        assert!(failed.stderr.contains("what was there before was put back"), "{failed:?}");
        assert_eq!(host.shell(&format!("cat {place}")).stdout, unit);
        assert!(host.holds("systemctl is-enabled mine && systemctl is-active mine"));
        assert!(host.holds("test ! -e /var/lib/svcadapt/installed/mine"));
        // A program that ends at once is no success either, although systemd calls it started.
        let ended =
            host.shell(&format!("$svcadapt install --svcadapt $svcadapt --name ends --now -- {fails}"));
        assert_eq!(ended.exit, Exit::Status(1), "{ended:?}");
        assert!(host.holds("test ! -e /etc/systemd/system/ends.service"));
        // A unit of a package is not taken over.
        host.shell(
            "cp /etc/systemd/system/mine.service /run/systemd/system/vendor.service; systemctl daemon-reload",
        );
        let taken = host.shell(&format!("$svcadapt install --svcadapt $svcadapt --name vendor -- {fails}"));
        assert!(taken.stderr.contains("systemd has a service of this name already"), "{taken:?}");
        // A socket that would start it again goes with it.
        host.shell("printf '[Socket]\\nListenStream=/run/mine.sock\\n' >/run/systemd/system/mine.socket; systemctl daemon-reload; systemctl start mine.socket");
        assert!(host.holds("$svcadapt stop mine"));
        assert!(host.holds("! systemctl is-active mine mine.socket"));
        assert!(
            host.holds("$svcadapt start mine && systemctl is-active mine.socket mine && $svcadapt stop mine")
        );
    }
}

#[test]
fn disabled_service_stays_disabled_over_a_change() {
    for host in host::boot_all().iter().filter(|host| !host.is("runit") && prepare(host)) {
        let install = |colour: &str| {
            let words = format!(
                "install --svcadapt $svcadapt --name dis --environment COLOUR={colour} -- /bin/sleep 600"
            );
            host.shell(&format!("umask 0; $svcadapt {words}"))
        };
        let installed = install("red");
        assert_eq!(installed.exit, Exit::Status(0), "{}: {installed:?}", host.name());
        assert_eq!(host.shell("stat -c %a /var/lib/svcadapt/installed").stdout, "755\n", "{}", host.name());
        host.shell("$svcadapt disable dis");
        let changed = install("blue");
        let is_disabled = changed.stdout.contains("is disabled");
        assert!(is_disabled || host.is("OpenRC"), "{}: {changed:?}", host.name());
        assert_eq!(host.shell("$svcadapt uninstall dis").exit, Exit::Status(0), "{}", host.name());
    }
}

#[test]
fn process_of_another_user_is_not_asked_for_services() {
    for host in host::boot_all().iter().filter(|host| host.is("classic")) {
        // It looks like runsv with a service directory of this name.
        let script = "mkdir -p /tmp/evil/victim; cp /bin/sleep /tmp/evil/runsv; cd /tmp/evil/victim
            setpriv --reuid 65534 --clear-groups /tmp/evil/runsv 600 </dev/null >/dev/null 2>&1 & echo $!";
        let pid = host.shell(script).stdout.trim().to_owned();
        assert!(host.becomes(&format!("grep -q runsv /proc/{pid}/comm")));
        let status = host.shell("$svcadapt status victim");
        assert_eq!(
            (status.stdout.as_str(), status.exit),
            ("victim: not running\n", Exit::Status(3)),
            "{status:?}"
        );
        host.shell(&format!("kill {pid}"));
    }
}
