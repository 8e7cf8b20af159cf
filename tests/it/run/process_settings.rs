//! How the kernel treats the program, as it sees itself in /proc.

use std::fs;

use nix::unistd::geteuid;

use crate::harness::{Capability, Dir, Svc, have, require, skip};

/// What the program of a start in this mode writes into its output, line by line.
fn seen(dir: &Dir, start: Svc, mode: &str, options: &[&str], script: &str) -> Vec<String> {
    let output = format!("--standard-output=truncate:{}", dir.join("seen").display());
    let words = ["run", "--mode", mode, "--type", "oneshot", &output];
    start.args(words).args(options).args(["--", "/bin/sh", "-c", script]).run();
    let shown = dir.read("seen").lines().map(str::to_owned).collect();
    fs::remove_file(dir.join("seen")).unwrap();
    shown
}

/// The ignored signals of the shell itself (proc_pid_status(5)).
const IGNORED: &str = "sed -n 's/^SigIgn:.//p' /proc/$$/status";
const ONLY_SIGPIPE: &str = "0000000000001000";
const NO_SIGNAL: &str = "0000000000000000";

#[test]
fn sigpipe_is_ignored_only_if_asked_for() {
    let dir = Dir::new();
    for mode in ["classic", "supervised"] {
        let ignored = |options: &[&str]| seen(&dir, Svc::new(&dir), mode, options, IGNORED);
        assert_eq!(ignored(&[]), [NO_SIGNAL], "{mode}");
        assert_eq!(ignored(&["--ignore-sigpipe=no"]), [NO_SIGNAL], "{mode}");
        assert_eq!(ignored(&["--ignore-sigpipe"]), [ONLY_SIGPIPE], "{mode}");
    }
}

#[test]
fn sigpipe_is_ignored_in_a_unit_that_does_not_forbid_it() {
    let dir = Dir::new();
    for mode in ["classic", "supervised"] {
        for (name, line, expected) in [
            ("default", "", ONLY_SIGPIPE),
            ("yes", "IgnoreSIGPIPE=yes\n", ONLY_SIGPIPE),
            ("no", "IgnoreSIGPIPE=yes\nIgnoreSIGPIPE=no\n", NO_SIGNAL),
        ] {
            let output = dir.join("seen").display().to_string();
            // Commands of the service are treated as the program.
            let unit = format!(
                "[Service]\nType=oneshot\nStandardOutput=append:{output}\n{line}\
                 ExecStartPre=/bin/sh -c \"{script}\"\nExecStart=/bin/sh -c \"{script}\"\n",
                script = IGNORED.replace('$', "$$"),
            );
            let file = dir.write(&format!("{mode}-{name}.service"), &unit).display().to_string();
            Svc::new(&dir).args(["run", "--mode", mode, &file]).run();
            assert_eq!(dir.read("seen").lines().collect::<Vec<_>>(), [expected; 2], "{mode} {line}");
            fs::remove_file(dir.join("seen")).unwrap();
        }
    }
}

/// Prints what the kernel has of the shell: machine, parts of a core dump, and the policy of memory.
const KERNEL: &str = "read personality </proc/$$/personality; read filter </proc/$$/coredump_filter; \
                      read where policy rest </proc/$$/numa_maps; echo $personality $filter $policy";

#[test]
fn personality_core_dump_and_memory_policy_are_the_kernels() {
    if fs::metadata("/proc/self/numa_maps").is_err() {
        return skip("numa", "this kernel has no policies of memory");
    }
    let dir = Dir::new();
    let options = ["--coredump-filter=default shared-dax", "--numa-policy=bind", "--numa-mask=0"];
    for mode in ["classic", "supervised"] {
        let shown = |options: &[&str]| seen(&dir, Svc::new(&dir), mode, options, KERNEL);
        assert_eq!(shown(&options), ["00000000 00000133 bind:0"], "{mode}");
        // A core dump without any mapping, and all nodes of this machine.
        let all = shown(&["--coredump-filter=0", "--numa-policy=interleave", "--numa-mask=all"]);
        assert!(all[0].starts_with("00000000 00000000 interleave:0"), "{mode}: {all:?}");
        if cfg!(target_arch = "x86_64") {
            assert!(shown(&["--personality=x86"])[0].starts_with("00000008 "), "{mode}");
        }
    }
    Svc::new(&dir)
        .args([
            "run",
            "--mode",
            "supervised",
            "--numa-policy=preferred",
            "--numa-mask=0-1",
            "--",
            "/bin/true",
        ])
        .stderr(
            "svcadapt: numa policy 'preferred 0-1': invalid argument\n  \
             hint: bind and interleave need nodes that exist, preferred at most one, and the others none\n",
        )
        .status(242)
        .run();
}

#[test]
fn personality_of_other_processors_is_refused_and_in_a_unit_ignored() {
    let dir = Dir::new();
    let foreign = if cfg!(target_arch = "s390x") { "x86" } else { "s390" };
    Svc::new(&dir)
        .args(["run", "--mode", "supervised", "--personality", foreign, "--", "/bin/true"])
        .stderr(&format!(
            "svcadapt: personality '{foreign}': the processors of this machine do not have it\n"
        ))
        .status(230)
        .run();
    let unit = format!("[Service]\nType=oneshot\nPersonality={foreign}\nExecStart=/bin/true\n");
    let file = dir.write("web.service", &unit).display().to_string();
    Svc::new(&dir)
        .args(["run", "--mode", "supervised", &file])
        .stderr(&format!(
            "svcadapt: personality '{foreign}': ignored: the processors of this machine do not have it\n"
        ))
        .run();
}

/// Prints what this call of prctl(2) or keyctl(2) returns for the process itself.
fn call(name: &str, arguments: &str) -> Option<String> {
    let number = match (std::env::consts::ARCH, name) {
        ("x86_64", "keyctl") => 250,
        ("x86_64", "prctl") => 157,
        ("aarch64", "keyctl") => 219,
        ("aarch64", "prctl") => 167,
        _ => return None,
    };
    Some(format!("exec perl -e '$buffer = \"0\" x 64; print syscall({number}, {arguments}), \"\\n\"'"))
}

#[test]
fn keyring_of_the_session_is_new_if_asked_for() {
    // The number of the session keyring, and the bytes of its list of keys.
    let (Some(number), Some(keys)) = (call("keyctl", "0, -3, 0"), call("keyctl", "11, -3, $buffer, 64"))
    else {
        return skip("x86_64", "system calls have other numbers here");
    };
    if !have("perl") {
        return;
    }
    let dir = Dir::new().owned_by("nobody");
    let users: &[Option<&str>] = if geteuid().is_root() { &[None, Some("nobody")] } else { &[None] };
    for (mode, user) in
        ["classic", "supervised"].into_iter().flat_map(|mode| users.iter().map(move |user| (mode, user)))
    {
        let user = user.map(|user| format!("--user={user}"));
        let shown = |options: &[&str], script: &str| {
            let options: Vec<&str> = options.iter().copied().chain(user.as_deref()).collect();
            seen(&dir, Svc::new(&dir), mode, &options, script)
        };
        let inherited = shown(&["--keyring-mode=inherit"], &number);
        assert_eq!(shown(&[], &number), inherited, "{mode} {user:?}");
        for (option, length) in [("--keyring-mode=private", "0"), ("--keyring-mode=shared", "4")] {
            assert_ne!(shown(&[option], &number), inherited, "{mode} {user:?} {option}");
            assert_eq!(shown(&[option], &keys), [length], "{mode} {user:?} {option}");
        }
    }
}

#[test]
fn secure_bits_of_the_program_are_those_set_as_root_and_as_its_user() {
    let Some(bits) = call("prctl", "27, 0, 0, 0, 0") else {
        return skip("x86_64", "system calls have other numbers here");
    };
    if !have("perl") || !require(Capability::Root) {
        return;
    }
    let dir = Dir::new().owned_by("nobody");
    for mode in ["classic", "supervised"] {
        let shown = |options: &[&str]| seen(&dir, Svc::new(&dir), mode, options, &bits);
        assert_eq!(shown(&["--secure-bits=noroot-locked", "--secure-bits=no-setuid-fixup"]), ["6"], "{mode}");
        assert_eq!(shown(&["--secure-bits=noroot no-setuid-fixup-locked", "--user=nobody"]), ["9"], "{mode}");
        // No capability is left of the change.
        let status = "sed -n 's/^CapPrm:.//p' /proc/$$/status";
        let options = ["--secure-bits=noroot", "--user=nobody"];
        assert_eq!(seen(&dir, Svc::new(&dir), mode, &options, status), ["0000000000000000"], "{mode}");
    }
    Svc::new(&dir)
        .by("nobody")
        .args(["run", "--mode", "supervised", "--secure-bits=noroot", "--", "/bin/true"])
        .stderr("svcadapt: secure bits 'noroot': operation not permitted\n  hint: only root can raise this\n")
        .status(213)
        .run();
}

#[test]
fn process_settings_with_wrong_values_are_refused_all_at_once() {
    Svc::new(&Dir::new())
        .args(["run", "--personality=z80", "--keyring-mode=x", "--secure-bits=root", "--coredump-filter=heap"])
        .args(["--numa-policy=far", "--numa-mask=a", "--ignore-sigpipe=x", "--", "/bin/true"])
        .stderr(
            "svcadapt: --ignore-sigpipe 'x': neither yes nor no\n\
             svcadapt: --personality 'z80': unknown personality\n  \
             hint: use one of x86, x86-64, arm, arm-be, arm64, arm64-be, ppc, ppc-le, ppc64, ppc64-le, s390, s390x\n\
             svcadapt: --keyring-mode 'x': unknown mode\n  hint: use one of inherit, private, shared\n\
             svcadapt: --secure-bits 'root': unknown secure bit root\n  \
             hint: use some of noroot, noroot-locked, no-setuid-fixup, no-setuid-fixup-locked, keep-caps, \
             keep-caps-locked\n\
             svcadapt: --coredump-filter 'heap': unknown mapping heap\n  \
             hint: use some of private-anonymous, shared-anonymous, private-file-backed, shared-file-backed, \
             elf-headers, private-huge, shared-huge, private-dax, shared-dax, all, default, or a hexadecimal \
             number\n\
             svcadapt: --numa-policy 'far': unknown policy\n  \
             hint: use one of default, preferred, bind, interleave, local\n\
             svcadapt: --numa-mask 'a': not a list of nodes\n  \
             hint: write numbers and ranges, as 0-1 3, or all\n",
        )
        .status(2)
        .run();
}

#[test]
fn permissions_start_only_runs_commands_as_root() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new().owned_by("nobody");
    for mode in ["classic", "supervised"] {
        let seen = dir.join(mode).display().to_string();
        let show = format!("/bin/sh -c \"id -u >>{seen}\"");
        let unit = format!(
            "[Service]\nType=oneshot\nUser=nobody\nUMask=0\nPermissionsStartOnly=yes\nExecStartPre={show}\n\
             ExecStart={show}\nExecStartPost={show}\n",
        );
        let file = dir.write(&format!("{mode}.service"), &unit).display().to_string();
        Svc::new(&dir).args(["run", "--mode", mode, &file]).run();
        let user = nix::unistd::User::from_name("nobody").unwrap().unwrap().uid.to_string();
        assert_eq!(dir.read(mode).lines().collect::<Vec<_>>(), ["0", &user, "0"], "{mode}");
    }
}
