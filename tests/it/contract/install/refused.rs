//! What cannot be installed: one line with the reason and the cure, and nothing half done.

use nix::sys::signal::Signal;

use crate::contract::host::{self, Host};
use crate::harness::{Capability, Dir, Exit, Output, Systemd, all_rounds, require};

use super::{FILES, on_each};

/// A name, and what is said of it.
const NAMES: [(&str, &str); 5] = [
    ("a/b", "name 'a/b'"),
    ("..", "name '..'"),
    ("''", "name ''"),
    ("\"$(printf 'a\\nb')\"", "name 'a"),
    ("\"$(printf '%0300d' 0)\"", "name '000"),
];

#[test]
fn name_that_a_host_cannot_carry_is_refused() {
    on_each(|host| {
        let before = host.shell(FILES).stdout;
        for (name, text) in NAMES {
            let words = format!("install --svcadapt $svcadapt --name {name} --now -- /bin/sleep 600");
            refused(host, &words, text);
        }
        if host.is("systemd") {
            // A template is no service.
            refused(host, "install --svcadapt $svcadapt --name web@ --now -- /bin/sleep 600", "web@");
        }
        assert_eq!(host.shell(FILES).stdout, before, "{}", host.name());
    });
}

/// One message with this text, and status 1 or 2.
fn refused(host: &Host, words: &str, text: &str) {
    let Output { stdout, stderr, exit } = host.shell(&format!("$svcadapt {words}"));
    let name = host.name();
    assert!(matches!(exit, Exit::Status(1 | 2)), "{name}: {words}: {exit}: {stdout}{stderr}");
    assert!(stderr.starts_with("svcadapt: ") && stderr.contains(text), "{name}: {words}: {stderr}");
    assert_eq!(stderr.matches("svcadapt: ").count(), 1, "{name}: {words}: {stderr}");
}

#[test]
fn place_that_cannot_be_written_leaves_nothing_half_installed() {
    // The directory of the files, and that of the list of installed files.
    let places = |host: &Host| {
        let own = match host.name().split(' ').next().unwrap_or_default() {
            "systemd" => "/etc/systemd/system",
            "runit" => "/etc/sv",
            "s6" => "/etc/s6/sv",
            "launchd" => "/Library/LaunchDaemons",
            _ => "/etc/init.d",
        };
        [own.to_owned(), "/var/lib/svcadapt".to_owned()]
    };
    let words = "install --svcadapt $svcadapt --name inst --now -- /bin/sleep 600";
    on_each(|host| {
        for place in places(host) {
            // No page is free, or nothing may be written.
            for (mount, text) in [("size=4k", "no space left"), ("ro", "read-only")] {
                let full = format!(
                    "mkdir -p {place} && mount -t tmpfs -o mode=0755,size=64k it {place} && \
                     {{ [ {mount} != size=4k ] || head -c 1M /dev/zero >{place}/full 2>/dev/null || true; }} && \
                     {{ [ {mount} != ro ] || mount -o remount,ro {place}; }}"
                );
                assert!(host.holds(&full), "{}: {full}", host.name());
                let before = host.shell(FILES).stdout;
                refused(host, words, text);
                assert_eq!(host.shell(FILES).stdout, before, "{}: {place} {mount}", host.name());
                host.shell(&format!("umount {place}; rmdir --ignore-fail-on-non-empty {place} 2>/dev/null"));
            }
        }
        // A command that was interrupted leaves its list: the next one repairs it.
        assert!(host.holds(&format!("$svcadapt {words}")), "{}", host.name());
        host.shell("echo partial >>/var/lib/svcadapt/installed/inst");
        assert!(host.holds(&format!("$svcadapt {words} && $svcadapt uninstall inst")), "{}", host.name());
        assert!(host.holds("test ! -e /var/lib/svcadapt"), "{}", host.name());
    });
}

#[test]
fn scan_directory_below_run_is_reported_as_lost_at_boot() {
    let hosts = host::boot_some("classic");
    for host in hosts.iter().filter(|host| host.is("classic") && host.holds("type s6-svscan")) {
        let scan = "mkdir /run/service; setsid s6-svscan /run/service </dev/null >/dev/null 2>&1 &";
        assert!(host.holds(scan) && host.becomes("test -p /run/service/.s6-svscan/control"));
        let words = "$svcadapt install --host s6 --svcadapt $svcadapt --name rc --now -- /bin/sleep 600";
        let Output { stdout, stderr, exit } = host.shell(words);
        assert_eq!(exit, Exit::Status(0), "{stdout}{stderr}");
        assert!(stdout.contains("is not started at boot, running"), "{stdout}");
        assert!(
            stderr.contains("boot '/run/service': its links are lost") && stderr.contains("s6-rc"),
            "{stderr}"
        );
        assert!(host.holds("$svcadapt uninstall rc && s6-svscanctl -t /run/service"));
    }
}

/// A systemd, and what `svcadapt` says there.
struct Machine {
    systemd: Systemd,
    svcadapt: String,
    _dir: Dir,
}

impl Machine {
    /// `None` after skipping the test.
    fn boot() -> Option<Self> {
        if !require(Capability::Systemd) {
            return None;
        }
        let dir = Dir::new();
        let svcadapt = dir.program("svcadapt").display().to_string();
        Some(Self { systemd: Systemd::boot().unwrap(), svcadapt, _dir: dir })
    }

    fn asks(&self, words: &str) -> Output {
        self.systemd.run([self.svcadapt.as_str()].into_iter().chain(words.split(' ')))
    }

    fn expect(&self, words: &str, text: &str) {
        let Output { stdout, stderr, exit } = self.asks(words);
        assert_eq!(exit, Exit::Status(1), "{words}: {stdout}{stderr}");
        assert!(stderr.contains(text), "{words}: {stderr}");
    }
}

#[test]
fn masked_unit_is_refused_with_the_cure() {
    let Some(machine) = Machine::boot() else { return };
    machine.systemd.must(&["mask", "masked"]);
    let install = "install --name masked -- /bin/sleep 600";
    machine.expect(install, "hint: `systemctl unmask masked.service` removes the link");
    machine.systemd.must(&["unmask", "masked"]);
    assert_eq!(machine.asks(install).exit, Exit::Status(0));
}

#[test]
fn home_that_is_missing_is_refused_for_a_service_of_a_user() {
    let Some(machine) = Machine::boot() else { return };
    let user = ["chroot", "--userspec=4711:4711", "/", "env", "HOME=/nowhere", &machine.svcadapt];
    let install = ["install", "--scope", "user", "--", "/bin/sleep", "600"];
    let homeless = machine.systemd.run(user.into_iter().chain(install));
    assert!(homeless.stderr.contains("HOME is not set to a directory"), "{homeless:?}");
}

#[test]
fn silent_systemd_ends_install_in_time_and_leaves_nothing() {
    // It waits for ten seconds.
    if !all_rounds() {
        return;
    }
    let Some(machine) = Machine::boot() else { return };
    let init = machine.systemd.init();
    init.signal(Signal::SIGSTOP);
    let install = "install --name late --now -- /bin/sleep 600";
    machine.expect(install, "no answer within 10 s");
    init.signal(Signal::SIGCONT);
    assert!(!machine.systemd.path("/etc/systemd/system/late.service").exists());
    assert_eq!(machine.asks(install).exit, Exit::Status(0));
}
