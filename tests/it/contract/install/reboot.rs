//! A machine that is booted again: an enabled service runs, a disabled one does not.

use std::thread;

use crate::contract::host::{self, Host};
use crate::harness::Exit;

use super::prepare;

/// What a host does at its boot beyond what the harness boots.
const BOOTED: &str = r"
case $host in
    systemd*)
        printf '[Unit]\nDefaultDependencies=no\n' >/run/systemd/system/multi-user.target
        systemctl daemon-reload && systemctl start multi-user.target
        ;;
    OpenRC) openrc default >/dev/null 2>&1 ;;
esac
";

#[test]
fn enabled_service_runs_after_a_reboot_and_a_disabled_one_does_not() {
    let can = |host: &Host| ["systemd", "OpenRC", "runit", "s6"].iter().any(|name| host.is(name));
    thread::scope(|scope| {
        let hosts: Vec<_> =
            host::boot_all().into_iter().filter(can).map(|host| scope.spawn(|| boots_again(host))).collect();
        for one in hosts {
            one.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        }
    });
}

fn boots_again(host: Host) {
    if prepare(&host) {
        let name = host.name().to_owned();
        let install = |service: &str| {
            let program = host
                .program(&format!("{service}.sh"), &format!("echo $$ >>[D]/{service}.pids; exec sleep 600"));
            let output = host.shell(&format!(
                "$svcadapt install --svcadapt $svcadapt --name {service} --now -- {program}"
            ));
            assert_eq!(output.exit, Exit::Status(0), "{name}: {output:?}");
            host.first(&format!("{service}.pids"));
        };
        install("stays");
        install("rests");
        assert!(host.holds("$svcadapt disable rests && $svcadapt stop rests"), "{name}");
        // A supervisor that was stopped by hand starts again what is enabled.
        assert!(host.holds("$svcadapt stop stays"), "{name}");
        let host = host.reboot();
        assert!(prepare(&host), "{name}");
        assert!(host.holds(&format!("host='{name}'{BOOTED}")), "{name}");
        assert_eq!(host.lines("stays.pids", 2).len(), 2, "{name}: it was started again");
        assert!(host.becomes("eval $svcadapt status stays"), "{name}");
        // By now the other one would have been started, too.
        assert_eq!(host.read("rests.pids").lines().count(), 1, "{name}: it was not started again");
        assert!(!host.holds("$svcadapt status rests"), "{name}");
        assert!(host.holds("$svcadapt uninstall stays && $svcadapt uninstall rests"), "{name}");
    }
}
