//! What is passed beside sockets: FIFOs, special files, netlink sockets and message queues.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::Path;

use crate::harness::{Capability, Dir, Exit, Service, Svc, Systemd, free_port, have, require, wait_until};

/// Writes what it has got to a file: for each descriptor its target, its flags and its file's mode and owner; of a netlink
/// socket its family and groups; of a message queue its limits.
const PROGRAM: &str = r#"
import os, re, sys
lines = [os.environ.get("LISTEN_FDS", "-") + " " + os.environ.get("LISTEN_FDNAMES", "-")]
for number in range(3, 3 + int(os.environ["LISTEN_FDS"])):
    target = os.readlink(f"/proc/self/fd/{number}")
    info = open(f"/proc/self/fdinfo/{number}").read()
    flags = int(re.search(r"flags:\s+(\d+)", info).group(1), 8) & ~os.O_CLOEXEC & ~0o100000
    found = os.fstat(number)
    if target.startswith("socket:"):
        inode = target[8:-1]
        rows = [row.split() for row in open("/proc/self/net/netlink").readlines()[1:]]
        lines += [f"netlink {row[1]} {row[3]}" for row in rows if row[-1] == inode]
    else:
        lines.append(f"{target} {flags:o} {found.st_mode:o} {found.st_uid}")
    if target == "/svcadapt-it":
        lines.append(f"queue {os.read(number, 200).split()[0].decode()}")
lines.append(os.read(3, 100).decode().strip() if len(sys.argv) > 2 else "-")
with open(sys.argv[1] + ".new", "w") as out:
    out.write("\n".join(lines) + "\n")
os.rename(sys.argv[1] + ".new", sys.argv[1])
import signal
signal.pause()
"#;

#[test]
fn files_beside_sockets_are_opened_and_passed_as_by_systemd() {
    if !require(Capability::Root) || !have("python3") {
        return;
    }
    let dir = Dir::new();
    let service = Service::new();
    let (fifo, report, program) =
        (dir.join("new/fifo"), dir.join("report"), dir.write("program.py", PROGRAM));
    let unit = format!(
        "[Service]\nExecStart=/usr/bin/python3 {} {}\nSockets={}.socket\n",
        program.display(),
        report.display(),
        service.name()
    );
    let sockets = format!(
        "[Socket]\nListenNetlink=kobject-uevent 1\nListenFIFO={}\n\
         ListenMessageQueue=/{}\nSocketMode=0620\nSocketUser=nobody\nPipeSize=32K\n\
         MessageQueueMaxMessages=5\nMessageQueueMessageSize=100\nReceiveBuffer=64K\nRemoveOnStop=yes\n",
        fifo.display(),
        service.name()
    );
    let path = dir.write(&format!("{}.service", service.name()), &unit).display().to_string();
    dir.write(&format!("{}.socket", service.name()), &sockets);
    let ready = format!("--ready=file:{}", report.display());
    Svc::new(&dir).args(["run", "--mode", "classic", &ready, &path]).stderr("").run();
    let ours = dir.read("report");
    assert!(ours.starts_with(&format!("3 {0}.socket:{0}.socket:", service.name())), "{ours}");
    assert!(ours.contains("\nnetlink 15 00000001\n"), "{ours}");
    assert!(ours.contains(&format!("\n{} 400002 10620 65534\n", fifo.display())), "{ours}");
    assert!(ours.contains(&format!("\n/{} 0 100620 0\n", service.name())), "{ours}");
    assert_eq!(Svc::new(&dir).args(["stop", service.name()]).output().exit, Exit::Status(0));
    assert!(!fifo.exists(), "RemoveOnStop=yes");
    dir.nothing_left();
    let Some(systemd) = Systemd::shared() else { return };
    fs::remove_file(&report).unwrap();
    systemd.write_unit(&format!("{}.service", service.name()), &unit);
    systemd.write_unit(&format!("{}.socket", service.name()), &sockets);
    systemd.must(&["start", &format!("{}.service", service.name())]);
    let theirs = wait_until("it has reported", || fs::read_to_string(&report).ok());
    systemd.must(&["stop", &format!("{}.service", service.name()), &format!("{}.socket", service.name())]);
    assert_eq!(theirs, ours, "systemd {}", systemd.version());
}

/// Writes to a FIFO as any client does.
fn write(fifo: &Path, line: &str) {
    writeln!(fs::OpenOptions::new().write(true).open(fifo).unwrap(), "{line}").unwrap();
}

fn listening(dir: &Dir, service: &Service) {
    wait_until("it listens", || {
        let status = Svc::new(dir).args(["status", service.name()]).output().stdout;
        status.contains(": listening, process ").then_some(())
    });
}

#[test]
fn data_in_a_fifo_starts_the_program_again_and_again() {
    let dir = Dir::new();
    let service = Service::new();
    let fifo = dir.join("fifo");
    let listen = format!("--listen-fifo={}", fifo.display());
    let script = format!("read line <&3 && echo \"$LISTEN_FDS $line\" >>{}", dir.join("got").display());
    let words = ["run", "--mode", "classic", "--name", service.name(), &listen, "--start-on-connect"];
    Svc::new(&dir).args(words).args(["--", "/bin/sh", "-c", &script]).run();
    let made = fs::symlink_metadata(&fifo).unwrap();
    assert!(made.file_type().is_fifo());
    assert_eq!(made.permissions().mode() & 0o7777, 0o666);
    assert!(!dir.join("got").exists(), "the program was started");
    for number in 1..=3 {
        listening(&dir, &service);
        write(&fifo, &format!("line {number}"));
        let last = format!("1 line {number}\n");
        wait_until("it has read the line", || {
            fs::read_to_string(dir.join("got")).is_ok_and(|got| got.ends_with(&last)).then_some(())
        });
    }
    listening(&dir, &service);
    assert_eq!(Svc::new(&dir).args(["stop", service.name()]).output().exit, Exit::Status(0));
    dir.nothing_left();
    // It stays, and the next start takes the same one.
    let inode = made.ino();
    Svc::new(&dir).args(words).args(["--", "/bin/sh", "-c", &script]).run();
    assert_eq!(fs::symlink_metadata(&fifo).unwrap().ino(), inode);
    write(&fifo, "line 4");
    wait_until("it has read the line", || {
        fs::read_to_string(dir.join("got")).is_ok_and(|got| got.ends_with("1 line 4\n")).then_some(())
    });
    listening(&dir, &service);
    assert_eq!(Svc::new(&dir).args(["stop", service.name()]).output().exit, Exit::Status(0));
    dir.nothing_left();
}

#[test]
fn fifo_written_to_before_a_restart_is_read_after_it() {
    let dir = Dir::new();
    let service = Service::new();
    let fifo = dir.join("fifo");
    let listen = format!("--listen-fifo={}", fifo.display());
    let go = dir.join("go");
    let script = format!(
        "while ! test -e {}; do sleep 0.01; done; while read line <&3; do echo $line >>{}; done",
        go.display(),
        dir.join("got").display()
    );
    let words = ["run", "--mode", "classic", "--name", service.name(), &listen];
    Svc::new(&dir).args(words).args(["--", "/bin/sh", "-c", &script]).run();
    write(&fifo, "before");
    assert_eq!(Svc::new(&dir).args(["restart", service.name()]).output().exit, Exit::Status(0));
    write(&fifo, "after");
    dir.write("go", "");
    wait_until("both are read", || {
        fs::read_to_string(dir.join("got")).is_ok_and(|got| got == "before\nafter\n").then_some(())
    });
    assert_eq!(Svc::new(&dir).args(["stop", service.name()]).output().exit, Exit::Status(0));
    dir.nothing_left();
}

#[test]
fn fifo_in_the_place_of_the_held_one_stays_at_a_stop() {
    let (dir, service) = (Dir::new(), Service::new());
    let fifo = dir.join("fifo");
    let listen = format!("--listen-fifo={}", fifo.display());
    let words = ["run", "--mode=classic", "--name", service.name(), &listen, "--remove-on-stop"];
    for replaced in [false, true] {
        Svc::new(&dir).args(words).args(["--", "/bin/sleep", "1000"]).run();
        if replaced {
            fs::rename(&fifo, dir.join("held")).unwrap();
            nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
        }
        assert_eq!(Svc::new(&dir).args(["stop", service.name()]).output().exit, Exit::Status(0));
        assert_eq!(fifo.exists(), replaced);
    }
    dir.nothing_left();
}

#[test]
fn file_in_the_place_of_a_fifo_is_left_alone() {
    let dir = Dir::new();
    let fifo = dir.join("fifo");
    let run = |options: &[&str]| {
        Svc::new(&dir).args(["run", "--mode", "classic"]).args(options).args(["--", "/bin/true"]).output()
    };
    let listen = format!("--listen-fifo={}", fifo.display());
    dir.write("fifo", "content");
    let output = run(&[&listen]);
    assert_eq!(output.exit, Exit::Status(202), "{}", output.stderr);
    let cause = format!("svcadapt: listen '{} as a FIFO': a file that is not a FIFO", fifo.display());
    assert!(output.stderr.starts_with(&cause), "{}", output.stderr);
    assert_eq!(dir.read("fifo"), "content");
    fs::remove_file(&fifo).unwrap();
    std::os::unix::fs::symlink("/dev/null", &fifo).unwrap();
    assert_eq!(run(&[&listen]).exit, Exit::Status(202));
    fs::remove_file(&fifo).unwrap();
    // A FIFO, and the directory that it needed, do not stay after a failed start.
    let deep = dir.join("a/b/fifo");
    let output = run(&[&format!("--listen-fifo={}", deep.display()), "--listen-special=/dev/nosuch"]);
    assert_eq!(output.exit, Exit::Status(202), "{}", output.stderr);
    let cause = "svcadapt: listen '/dev/nosuch as a special file': ";
    assert!(output.stderr.starts_with(cause), "{}", output.stderr);
    assert!(!dir.join("a").exists());
    let output = run(&[&listen, "--accept"]);
    assert!(output.stderr.contains("it has no connections that could be accepted"), "{}", output.stderr);
    for (option, cause) in [
        ("--listen-netlink=nosuch", "not a netlink family"),
        ("--listen-message-queue=/a/b", "not the name of a message queue"),
        ("--listen-special=/", "the root directory"),
    ] {
        let output = run(&[option]);
        assert_eq!(output.exit, Exit::Status(2));
        assert!(output.stderr.contains(cause), "{}", output.stderr);
    }
    dir.nothing_left();
}

/// Calls a function of mq_overview(7) with the name of a message queue. Whether it succeeds.
fn queue(call: &str, name: &str) -> bool {
    let script = format!("import ctypes, os, sys\nname = b'/{name}'\nsys.exit(ctypes.CDLL(None).{call} < 0)");
    std::process::Command::new("python3").args(["-c", &script]).status().unwrap().success()
}

#[test]
fn message_queue_of_a_failed_start_is_removed_unless_it_was_there() {
    if !have("python3") {
        return;
    }
    let dir = Dir::new();
    let service = Service::new();
    let listen = format!("--listen-message-queue=/{}", service.name());
    let run = |mode: &str, last: &str| {
        let words = ["run", "--mode", mode, "--name", service.name(), &listen, last, "--", "/bin/false"];
        Svc::new(&dir).args(words).output().exit
    };
    let removed = || queue("mq_unlink(name)", service.name());
    for mode in ["classic", "supervised"] {
        assert_eq!(run(mode, "--listen-special=/dev/nosuch"), Exit::Status(202));
        assert!(!removed(), "{mode}");
    }
    assert_eq!(run("classic", "--ready=file:/nosuch"), Exit::Status(1));
    assert!(!removed());
    assert!(queue("mq_open(name, os.O_RDWR | os.O_CREAT, 0o600, None)", service.name()));
    assert_eq!(run("classic", "--listen-special=/dev/nosuch"), Exit::Status(202));
    assert!(removed(), "it was there before");
    dir.nothing_left();
}

#[test]
fn special_file_is_opened_for_writing_only_if_asked_for() {
    let dir = Dir::new();
    let access = |options: &[&str]| {
        let script = format!("grep flags: /proc/self/fdinfo/3 >{}", dir.join("flags").display());
        let words = ["run", "--mode", "supervised", "--listen-special=/dev/null"];
        Svc::new(&dir).args(words).args(options).args(["--", "/bin/sh", "-c", &script]).run();
        let flags = dir.read("flags");
        flags.trim_end().chars().last().unwrap()
    };
    assert_eq!((access(&[]), access(&["--writable=no"]), access(&["--writable"])), ('0', '0', '2'));
    dir.nothing_left();
}

#[test]
fn fifo_of_another_user_is_not_taken() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    let fifo = dir.join("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU).unwrap();
    std::os::unix::fs::chown(&fifo, Some(12_345), Some(12_345)).unwrap();
    let listen = format!("--listen-fifo={}", fifo.display());
    let output = Svc::new(&dir).args(["run", "--mode", "classic", &listen, "--", "/bin/true"]).output();
    assert_eq!(output.exit, Exit::Status(202), "{}", output.stderr);
    assert!(output.stderr.contains("a FIFO of another user is in its place"), "{}", output.stderr);
    assert_eq!(fs::symlink_metadata(&fifo).unwrap().uid(), 12_345);
    dir.nothing_left();
}

#[test]
fn fifo_is_written_to_units_and_lost_for_launchd() {
    let dir = Dir::new();
    let port = free_port();
    let listen = format!("--listen-stream=127.0.0.1:{port}");
    let words =
        ["--name=web", "--listen-fifo=/run/f", "--listen-special=/dev/kmsg", "--listen-netlink=route 1"];
    let words = words.iter().copied().chain([
        "--listen-message-queue=/q",
        "--pipe-size=8K",
        &listen,
        "--",
        "/bin/web",
    ]);
    let output = Svc::new(&dir).args(["gen-unit"]).args(words.clone()).output();
    let socket = format!(
        "[Socket]\nListenStream=127.0.0.1:{port}\nListenFIFO=/run/f\nListenSpecial=/dev/kmsg\nListenNetlink=route 1\nListenMessageQueue=/q\n\
         PipeSize=8192\n"
    );
    assert!(output.stdout.contains(&socket), "{}", output.stdout);
    let output = Svc::new(&dir).args(["gen-plist"]).args(words).output();
    assert!(
        output.stdout.contains(&port.to_string()) && !output.stdout.contains("/run/f"),
        "{}",
        output.stdout
    );
    for lost in [
        "--listen-fifo: lost: launchd opens only TCP, UDP and Unix sockets",
        "--listen-netlink: lost: ",
        "--listen-message-queue: lost: ",
    ] {
        assert!(output.stderr.contains(lost), "{}", output.stderr);
    }
}
