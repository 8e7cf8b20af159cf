//! The options of systemd.socket(5) that setsockopt(2) sets, as the program sees them.

use std::fs;

use crate::harness::{Capability, Dir, Exit, Service, Svc, Systemd, free_port, have, require};

/// Writes the level, the number and the value of options of its first sockets, and stays.
const PROGRAM: &str = r#"
open(my $out, ">", "$ARGV[0].new") or die;
my @kept;
for my $asked (split / /, $ARGV[1]) {
    my ($fd, $level, $number) = split /:/, $asked;
    open(my $socket, "<&=", $fd) or die;
    push @kept, $socket;
    my $value = getsockopt($socket, $level, $number);
    $value = defined $value ? (length $value == 4 ? unpack("i", $value) : unpack("Z*", $value)) : "none";
    print $out "$asked=$value\n";
}
close $out;
rename "$ARGV[0].new", $ARGV[0];
sleep 60;
"#;

/// The options in a unit, and where the kernel has them: 3 is TCP, 4 is a Unix socket.
const OPTIONS: [(&str, &str, &str); 16] = [
    ("ReusePort=yes", "3:1:15", "1"),
    ("KeepAlive=yes", "3:1:9", "1"),
    ("KeepAliveTimeSec=77", "3:6:4", "77"),
    ("KeepAliveIntervalSec=1min", "3:6:5", "60"),
    ("KeepAliveProbes=3", "3:6:6", "3"),
    ("NoDelay=true", "3:6:1", "1"),
    // Low delay is this priority, and is set after it (ip(7), IP_TOS).
    ("Priority=5", "3:1:12", "6"),
    ("ReceiveBuffer=64K", "3:1:8", "131072"),
    ("SendBuffer=32K", "4:1:7", "65536"),
    ("IPTOS=low-delay", "3:0:1", "16"),
    ("IPTTL=9", "3:0:2", "9"),
    ("Mark=7", "3:1:36", "7"),
    ("FreeBind=yes", "3:0:15", "1"),
    ("Transparent=yes", "3:0:19", "1"),
    ("TCPCongestion=reno", "3:6:13", "reno"),
    ("PassCredentials=yes", "4:1:16", "1"),
];

#[test]
fn socket_has_the_options_that_systemd_would_set() {
    if !require(Capability::Root) || !have("perl") {
        return;
    }
    let dir = Dir::new();
    let (service, port) = (Service::new(), free_port());
    let (report, program) = (dir.join("report"), dir.write("program.pl", PROGRAM));
    let asked: Vec<&str> = OPTIONS.iter().map(|(_, place, _)| *place).collect();
    let unit = format!(
        "[Service]\nExecStart=/usr/bin/perl {} {} \"{}\"\nSockets={}.socket\n",
        program.display(),
        report.display(),
        asked.join(" "),
        service.name()
    );
    let lines: Vec<&str> = OPTIONS.iter().map(|(line, ..)| *line).collect();
    let sockets = format!(
        "[Socket]\nListenStream=127.0.0.1:{port}\nListenStream={}\nRemoveOnStop=yes\n{}\n",
        dir.join("s").display(),
        lines.join("\n")
    );
    let path = dir.write(&format!("{}.service", service.name()), &unit).display().to_string();
    dir.write(&format!("{}.socket", service.name()), &sockets);
    let ready = format!("--ready=file:{}", report.display());
    Svc::new(&dir).args(["run", "--mode", "classic", &ready, &path]).stderr("").run();
    let expected: Vec<_> = OPTIONS.iter().map(|(_, place, value)| format!("{place}={value}\n")).collect();
    let expected = expected.concat();
    assert_eq!(dir.read("report"), expected);
    assert!(dir.join("s").exists());
    assert_eq!(Svc::new(&dir).args(["stop", service.name()]).output().exit, Exit::Status(0));
    assert!(!dir.join("s").exists(), "RemoveOnStop=yes");
    let Some(systemd) = Systemd::shared() else { return };
    fs::remove_file(&report).unwrap();
    systemd.write_unit(&format!("{}.service", service.name()), &unit);
    systemd.write_unit(&format!("{}.socket", service.name()), &sockets);
    systemd.must(&["start", &format!("{}.service", service.name())]);
    let theirs = crate::harness::wait_until("it has reported", || fs::read_to_string(&report).ok());
    systemd.must(&["stop", &format!("{}.service", service.name()), &format!("{}.socket", service.name())]);
    assert_eq!(theirs, expected, "systemd {}", systemd.version());
}

#[test]
fn option_that_cannot_be_set_is_named_and_a_missing_interface_is_an_error() {
    let dir = Dir::new();
    let port = free_port();
    let listen = format!("--listen-stream=127.0.0.1:{port}");
    let run = |option: &str| {
        Svc::new(&dir).args(["run", "--mode", "classic", &listen, option, "--", "/bin/true"]).output()
    };
    let output = run("--tcp-congestion=nosuch");
    let cause =
        format!("socket option 'TCPCongestion': not set on 127.0.0.1:{port}: no such file or directory");
    assert!(output.stderr.contains(&cause), "{}", output.stderr);
    let output = run("--bind-to-device=nosuch0");
    assert_eq!(output.exit, Exit::Status(202), "{}", output.stderr);
    assert!(
        output.stderr.starts_with(&format!("svcadapt: listen '127.0.0.1:{port}': ")),
        "{}",
        output.stderr
    );
    let output = run("--send-buffer=lots");
    assert_eq!(output.exit, Exit::Status(2), "{}", output.stderr);
    dir.wait_nothing_left();
}
