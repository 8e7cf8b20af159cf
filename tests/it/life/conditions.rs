//! Conditions and assertions of a start (systemd.unit(5), "Conditions and Asserts").

use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use nix::sys::signal::Signal;

use super::support::Traced;
use crate::harness::{Dir, Exit, Svc, Systemd, all_at_once, rounds, skip, wait_until};

#[test]
fn start_with_met_conditions_runs_the_program() {
    let traced = Traced::new();
    let options = [
        "--condition",
        "PathExists=/",
        "--condition",
        "PathExists=!/no/such",
        "--condition",
        "PathExists=|/no/such",
        "--condition",
        "PathIsDirectory=|/",
        "--assert",
        "Environment=PATH",
    ];
    traced.run("supervised", &options, "exit 0").run();
    assert_eq!(traced.log(), ["program"]);
    traced.run("classic", &options, "exec sleep 1000").run();
    assert_eq!(traced.wait_for_lines(2), ["program", "program"]);
    traced.ask("stop").stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
    traced.dir.nothing_left();
}

#[test]
fn start_with_an_unmet_condition_is_skipped_without_a_trace() {
    for (options, unmet) in [
        (&["--condition", "PathExists=/no/such"][..], "ConditionPathExists=/no/such"),
        (&["--condition", "PathExists=!/"], "ConditionPathExists=!/"),
        (
            &["--condition", "PathExists=|/no/such", "--condition", "PathExists=|!/"],
            "ConditionPathExists=|/no/such",
        ),
        (&["--condition", "CPUs=!x"], "ConditionCPUs=!x"),
        (
            &["--condition", "FirstBoot=maybe", "--assert", "PathExists=/no/such", "--restart", "always"],
            "ConditionFirstBoot=maybe",
        ),
    ] {
        for mode in ["classic", "supervised"] {
            let traced = Traced::new();
            let all = [options, &["--pid-file", "[T].pid"]].concat();
            traced
                .run(mode, &all, "exec sleep 1000")
                .stderr(&format!("svcadapt: start '[NAME]': not started: {unmet} is not met\n"))
                .status(0)
                .run();
            assert_eq!(traced.log(), [""; 0], "{options:?}");
            assert!(!traced.service.lock().exists() && !traced.dir.join("trace.pid").exists(), "{options:?}");
            traced.dir.nothing_left();
        }
    }
}

#[test]
fn start_with_an_unmet_assertion_fails() {
    for mode in ["classic", "supervised"] {
        let traced = Traced::new();
        traced
            .run(mode, &["--condition", "PathExists=/", "--assert", "PathExists=/no/such"], "exit 0")
            .stderr("svcadapt: start '[NAME]': not started: AssertPathExists=/no/such is not met\n")
            .status(1)
            .run();
        assert_eq!(traced.log(), [""; 0]);
        assert!(!traced.service.lock().exists());
        traced.dir.nothing_left();
    }
}

#[test]
fn condition_that_only_systemd_can_check_is_named_and_met() {
    let traced = Traced::new();
    traced
        .run("supervised", &["--condition", "Credential=x", "--assert", "Credential=!x"], "exit 0")
        .stderr(
            "svcadapt: condition 'Credential=x': not checked: only systemd has it\n\
             svcadapt: assertion 'Credential=!x': not checked: only systemd has it\n",
        )
        .run();
    assert_eq!(traced.log(), ["program"]);
}

#[test]
fn restart_whose_condition_no_longer_holds_ends_the_service() {
    let traced = Traced::new();
    let file = traced.dir.write("wanted", "");
    let condition = format!("PathExists={}", file.display());
    let options = ["--condition", condition.as_str(), "--restart", "always", "--restart-sec", "1ms"];
    traced.run("classic", &options, "exec sleep 1000").run();
    traced.wait_for_lines(1);
    let main = traced.service.main();
    main.signal(Signal::SIGKILL);
    traced.wait_for_lines(2);
    wait_until("it was started again", || traced.service.running().filter(|now| now.pid() != main.pid()));
    std::fs::remove_file(&file).unwrap();
    traced.service.main().signal(Signal::SIGKILL);
    traced.dir.wait_nothing_left();
    assert_eq!(traced.log(), ["program", "program"]);
    traced.ask("status").stdout("[NAME]: not running\n").status(3).run();
}

#[test]
fn restart_below_a_manager_ends_with_the_status_of_its_condition() {
    for (option, kind, status) in [("--condition", "Condition", 0), ("--assert", "Assert", 1)] {
        let traced = Traced::new();
        let file = traced.dir.write("wanted", "");
        let condition = format!("PathExists={}", file.display());
        let options = [option, condition.as_str(), "--restart", "always", "--restart-sec", "1ms"];
        traced
            .run("supervised", &options, &format!("rm '{}'; exit 5", file.display()))
            .stderr(&format!("svcadapt: start '[NAME]': not started: {kind}{condition} is not met\n"))
            .status(status)
            .run();
        assert_eq!(traced.log(), ["program"], "{option}");
        traced.dir.nothing_left();
    }
}

#[test]
fn restart_by_hand_whose_condition_does_not_hold_is_not_done() {
    for monitored in [false, true] {
        let traced = Traced::new();
        let file = traced.dir.write("wanted", "");
        let condition = format!("PathExists={}", file.display());
        let mut options = vec!["--condition", condition.as_str()];
        options.extend(if monitored { &["--restart", "always"][..] } else { &[] });
        traced.run("classic", &options, "exec sleep 1000").run();
        traced.wait_for_lines(1);
        std::fs::remove_file(&file).unwrap();
        let output = traced.ask("restart").output();
        assert_eq!((output.exit, output.stdout.as_str()), (Exit::Status(1), ""), "{}", output.stderr);
        assert!(output.stderr.contains("ondition"), "{}", output.stderr);
        traced.dir.wait_nothing_left();
        assert_eq!(traced.log(), ["program"]);
        traced.ask("status").stdout("[NAME]: not running\n").status(3).run();
    }
}

/// The same service under systemd itself: the exit statuses are those of `systemctl start`, and the end is that of
/// versions before 254. Later ones do not check again before a restart by themselves.
#[test]
fn unmet_condition_has_the_same_end_under_systemd() {
    for systemd in Systemd::of_versions(252..) {
        for (kind, status) in [("Condition", 0), ("Assert", 1)] {
            let dir = Dir::new();
            let file = dir.write("wanted", "");
            let name = format!("unmet-{}.service", kind.to_lowercase());
            let unit = format!(
                "[Unit]\n{kind}PathExists={}\n[Service]\nExecStart=/bin/sleep 1000\nRestart=always\nRestartSec=1ms\n",
                file.display()
            );
            systemd.write_unit(&name, &unit);
            systemd.must(&["start", &name]);
            std::fs::remove_file(&file).unwrap();
            systemd.main_process(&name).signal(Signal::SIGKILL);
            if systemd.version() < 254 {
                wait_until("it is not started again", || {
                    (systemd.show(&name, "ActiveState") == "inactive").then_some(())
                });
                assert_eq!(systemd.show(&name, "Result"), "success");
            } else {
                wait_until("it is started again", || {
                    (systemd.show(&name, "NRestarts") == "1" && systemd.show(&name, "SubState") == "running")
                        .then_some(())
                });
                systemd.must(&["stop", &name]);
            }
            let started = systemd.systemctl(["start", &name]);
            assert_eq!(started.exit, Exit::Status(status), "{}", systemd.version());
            assert_eq!(systemd.show(&name, "ActiveState"), "inactive");
        }
    }
}

#[test]
fn condition_below_systemd_is_left_to_systemd() {
    let traced = Traced::new();
    traced
        .run("systemd", &["--condition", "PathExists=/no/such"], "exit 0")
        .stderr(
            "svcadapt: --condition: not honoured here: it takes effect only in a generated unit or property list\n",
        )
        .run();
    assert_eq!(traced.log(), ["program"]);
}

#[test]
fn dry_run_shows_the_conditions_first() {
    let traced = Traced::new();
    let options = ["--dry-run", "--condition", "PathExists=/no/such", "--assert", "Host=!x"];
    let output = traced.run("classic", &options, "exit 0").output();
    let first = output.stdout.lines().nth(1).unwrap_or_default();
    let words: Vec<&str> = first.split_whitespace().collect();
    let expected =
        ["1", "adapter", "launcher", "conditions", "ConditionPathExists=/no/such,", "AssertHost=!x"];
    assert_eq!(words, expected, "{}", output.stdout);
    assert_eq!(traced.log(), [""; 0]);
}

/// A directory with every kind of path, for the conditions below: `[D]` is replaced by it.
fn paths() -> Dir {
    let dir = Dir::new();
    dir.write("empty", "");
    dir.write("full", "x");
    dir.executable("program", "#!/bin/sh\n");
    for name in ["void", "filled"] {
        std::fs::create_dir(dir.join(name)).unwrap();
    }
    dir.write("filled/.hidden", "");
    for name in ["x", "x~", "x.bak", "x.dpkg-new", "x.orig", "x.swp", "x.rpmsave", "lost+found", "..x"] {
        std::fs::create_dir(dir.join(&format!("with-{name}"))).unwrap();
        dir.write(&format!("with-{name}/{name}"), "");
    }
    std::os::unix::fs::symlink("full", dir.join("link")).unwrap();
    std::os::unix::fs::symlink("nowhere", dir.join("dangling")).unwrap();
    dir
}

const CONDITIONS: &str = "
PathExists=[D]
PathExists=[D]/link
PathExists=[D]/dangling
PathExists=![D]/nowhere
PathExistsGlob=[D]/f*
PathExistsGlob=[D]/{x,em}pty
PathExistsGlob=[D]/{x,y}
PathExistsGlob=[D]/dang*
PathExistsGlob=[D]/void/*
PathExistsGlob=[D]/void/.*
PathExistsGlob=[D]/filled/.*
PathExistsGlob=[D]/full
PathExistsGlob=[D]/*/.hidden
PathExistsGlob=[D]/dangling
PathIsDirectory=[D]
PathIsDirectory=[D]/full
PathIsSymbolicLink=[D]/link
PathIsSymbolicLink=[D]/dangling
PathIsSymbolicLink=[D]/full
PathIsMountPoint=/
PathIsMountPoint=/proc
PathIsMountPoint=/proc/self
PathIsMountPoint=[D]
PathIsMountPoint=/nowhere
PathIsReadWrite=[D]
PathIsReadWrite=/proc/sys
PathIsReadWrite=/sys
PathIsReadWrite=/nowhere
FileNotEmpty=[D]/empty
FileNotEmpty=[D]/full
FileNotEmpty=[D]/link
FileNotEmpty=[D]/void
FileIsExecutable=[D]/program
FileIsExecutable=[D]/full
FileIsExecutable=[D]/void
DirectoryNotEmpty=[D]/void
DirectoryNotEmpty=[D]/filled
DirectoryNotEmpty=[D]/full
DirectoryNotEmpty=[D]/with-x
DirectoryNotEmpty=[D]/with-x~
DirectoryNotEmpty=[D]/with-x.bak
DirectoryNotEmpty=[D]/with-x.dpkg-new
DirectoryNotEmpty=[D]/with-x.orig
DirectoryNotEmpty=[D]/with-x.swp
DirectoryNotEmpty=[D]/with-x.rpmsave
DirectoryNotEmpty=[D]/with-lost+found
DirectoryNotEmpty=[D]/with-..x
DirectoryNotEmpty=[D]/nowhere
User=root
User=0
User=nobody
User=65534
User=@system
User=no-such-user
Group=root
Group=0
Group=nogroup
Group=no-such-group
Host=*
Host=no-such-host
Host=0123456789abcdef0123456789abcdef
Host=0123456789abcdef0123456789abcde
Host=[MACHINE]
Architecture=native
Architecture=x86-64
Architecture=arm64
Architecture=x86
Architecture=nonsense
Virtualization=yes
Virtualization=no
Virtualization=vm
Virtualization=container
Virtualization=docker
Virtualization=podman
Virtualization=lxc
Virtualization=kvm
Virtualization=qemu
Virtualization=private-users
Virtualization=nonsense
KernelCommandLine=quiet
KernelCommandLine=console
KernelCommandLine=nonsense
KernelVersion=>=4
KernelVersion=<4
KernelVersion=> 4
KernelVersion=>4 <100
KernelVersion=> 4 < 100
KernelVersion=[0-9]*
KernelVersion=$=[0-9]*
KernelVersion=!$=[0-9]*
KernelVersion=<>1
KernelVersion=!=1
KernelVersion=1*
KernelVersion='>' 4
KernelVersion=>
Capability=CAP_CHOWN
Capability=cap_net_admin
Capability=CAP_SYS_TIME
Capability=CAP_BPF
Capability=3
Capability=CAP_NONSENSE
Capability=!CAP_NONSENSE
Security=selinux
Security=apparmor
Security=tomoyo
Security=ima
Security=smack
Security=audit
Security=uefi-secureboot
Security=tpm2
Security=cvm
Security=nonsense
Memory=1M
Memory=>1.5M
Memory=<1M
Memory=100P
Memory=1M 1M
Memory=x
Memory=!x
CPUs=1
CPUs=>0
CPUs=<1
CPUs=!=0
CPUs=100000
CPUs=x
ACPower=yes
ACPower=no
ACPower=maybe
OSRelease=ID=nonsense
OSRelease=ID!=nonsense
OSRelease=VERSION_ID>=1
OSRelease=VERSION_ID>=1 ID!$=nonsense*
OSRelease=NONSENSE!=x
OSRelease=ID
OSRelease=ID=
FirstBoot=yes
FirstBoot=no
FirstBoot=maybe
NeedsUpdate=/etc
NeedsUpdate=/var
NeedsUpdate=!/var
ControlGroupController=v1
ControlGroupController=v2
ControlGroupController=nonsense
ControlGroupController=cpu
ControlGroupController=memory pids
CPUFeature=fpu
CPUFeature=sse2
CPUFeature=FMA3
CPUFeature=osxsave
CPUFeature=pclmul
CPUFeature=rdrand
CPUFeature=lm
CPUFeature=syscall
CPUFeature=sha_ni
CPUFeature=constant_tsc
CPUFeature=nonsense
MemoryPressure=100%
CPUPressure=100%/5min
IOPressure=100%/1min
IOPressure=100%/10sec
IOPressure=1%/10s
IOPressure=1
Firmware=uefi
Firmware=device-tree
Firmware=nonsense
Firmware=smbios-field(nonsense = x)
Firmware=device-tree-compatible(x)
KernelModuleLoaded=loop
KernelModuleLoaded=virtio-net
KernelModuleLoaded=nonsense
Version=>=4
Version=kernel>=4
Version=kernel >= 4
Version=kernel <4
";

#[test]
fn every_condition_has_the_answer_of_systemd() {
    let version = Command::new("systemd-analyze").arg("--version").output();
    let version =
        version.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    let version: u32 =
        version.split_whitespace().nth(1).and_then(|word| word.parse().ok()).unwrap_or_default();
    if version < 252 {
        return skip("systemd-analyze", "it is not there, or older than the rules that are followed");
    }
    let dir = paths();
    let machine = std::fs::read_to_string("/etc/machine-id").unwrap_or_default();
    let (compared, different) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let lines: Vec<&str> = CONDITIONS.lines().filter(|line| !line.is_empty()).collect();
    let every = lines.len() / rounds(lines.len());
    let lines: Vec<&str> = lines.into_iter().step_by(every).collect();
    // Before the threads need it.
    dir.program("svcadapt");
    let compare = |line: &str| {
        let condition =
            line.replace("[D]", &dir.path().display().to_string()).replace("[MACHINE]", machine.trim());
        let (kind, value) = condition.split_once('=').unwrap();
        let words = ["condition".to_owned(), format!("Condition{condition}")];
        let asked = Command::new("systemd-analyze").args(words).output().unwrap();
        let said = String::from_utf8_lossy(&asked.stderr).into_owned();
        // Another version may not know the kind.
        if !said.contains("Conditions succeeded.") && !said.contains("Conditions failed.") {
            return;
        }
        compared.fetch_add(1, Ordering::Relaxed);
        let expected = asked.status.success();
        let words = [
            "run",
            "--mode",
            "supervised",
            "--condition",
            &format!("{kind}={value}"),
            "--",
            "/bin/echo",
            "x",
        ];
        let output = Svc::new(&dir).args(words).output();
        let met = output.stdout == "x\n";
        if met != expected || output.stderr.contains("not checked") {
            let text = format!("{condition}: systemd says {expected}: {said}{}", output.stderr);
            different.lock().unwrap().push(text);
        }
    };
    all_at_once(lines.chunks(lines.len().div_ceil(4)), |lines| lines.iter().copied().for_each(compare));
    let (compared, different) = (compared.into_inner(), different.into_inner().unwrap());
    assert!(different.is_empty(), "{} differ:\n{}", different.len(), different.join("\n"));
    assert!(compared >= rounds(100), "only {compared} conditions were compared");
}
