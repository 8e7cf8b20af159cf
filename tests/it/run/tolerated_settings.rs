//! Settings that systemd accepts with a warning or rounds do not prevent a start.

use crate::harness::{Capability, Dir, Service, Svc, require, world};

/// `run` in the foreground, of `sh -c TEXT`.
fn foreground<'a>(dir: &'a Dir, words: &[&str], text: &str) -> Svc<'a> {
    Svc::new(dir).args(["run", "--mode", "supervised"]).args(words).args(["--", "sh", "-c", text])
}

#[test]
fn invalid_environment_file_line_is_reported_and_skipped() {
    let dir = Dir::new();
    let file = dir.write("e", "A=1\nexport B=2\nnothing\nC=\"open\n").display().to_string();
    foreground(&dir, &["--environment-file", &file], "echo $A${B-none}$C")
        .stdout("1noneopen\n")
        .stderr(
            "svcadapt: environment file '[DIR]/e:2': invalid variable name 'export B'; the line is ignored\n  \
             hint: this file is not a shell script: write B=VALUE\n\
             svcadapt: environment file '[DIR]/e:3': no NAME=VALUE on this line; the line is ignored\n  \
             hint: a comment starts with '#'\n\
             svcadapt: environment file '[DIR]/e:4': unclosed quote: the rest of the file belongs to the value\n",
        )
        .run();
    // With --strict nothing is started.
    Svc::new(&dir)
        .args(["run", "--strict", "--environment-file", &file, "--", "true"])
        .stderr("[ANY]\n[ANY]\n[ANY]\n[ANY]\n[ANY]\nsvcadapt: strict: not everything in the file is supported here; nothing was started\n")
        .status(2)
        .run();
}

#[test]
fn limit_above_the_hard_limit_is_lowered_and_reported() {
    if !require(Capability::Namespaces) {
        return;
    }
    let dir = Dir::new();
    // As root of a container, without the two capabilities.
    let script = "ulimit -n 1000\n\
         caps=-sys_resource,-sys_nice\n\
         exec setpriv --bounding-set=$caps --inh-caps=$caps svcadapt run --mode supervised --limit-nofile 500:65535 \
         --prevent-core --nice -5 --oom-score-adjust -1000 -- sh -c 'ulimit -n; ulimit -Hn; nice'\n";
    let hint = "  hint: CAP_SYS_RESOURCE and CAP_SYS_NICE are missing; set a container's limits where it is started\n";
    world(&dir, script)
        .stdout("500\n1000\n[PID]\n")
        .stderr(&format!(
            "svcadapt: limit 'NOFILE 500:65535': 500:1000 is set: the hard limit cannot be raised\n{hint}\
             svcadapt: nice '-5': [PID] is set: no lower level is permitted\n{hint}\
             svcadapt: oom score '-1000': [PID] is kept: no lower score is permitted\n{hint}"
        ))
        .run();
    let script = "ulimit -n 1000; exec setpriv --reuid=www --regid=www --clear-groups svcadapt run --mode supervised \
         --limit-nofile infinity -- sh -c 'ulimit -n'\n";
    world(&dir, script)
        .stdout("1000\n")
        .stderr(
            "svcadapt: limit 'NOFILE infinity': 1000 is set: the hard limit cannot be raised\n  hint: only root can set more\n",
        )
        .run();
}

/// As on macOS, where no program that was linked with a stack size of its own may change its stack.
#[test]
fn soft_limit_refused_by_the_kernel_stays_as_it_is() {
    if !require(Capability::Namespaces) || !require(Capability::Strace) {
        return;
    }
    let dir = Dir::new();
    // The fifth call of the service process sets the stack, after four that only ask. That of the spec sets at once.
    let script = "ulimit -S -s 4096
        start() { call=$1; shift; strace -ff -qq -o trace -e inject=prlimit64:error=EINVAL:when=$call \\
            svcadapt run --mode classic --type oneshot -o append:/srv/out \"$@\" -- sh -c 'ulimit -s' 2>&1; echo \"= $?\"; }
        start 5; cat /srv/out; cat trace.* | grep -c 'RLIMIT_STACK, {.*EINVAL'
        start 4+ --limit-stack 3M";
    world(&dir, script)
        .stdout("= 0\n4096\n1\nsvcadapt: limit 'STACK 3145728': invalid argument\n= 205\n")
        .run();
}

#[test]
fn file_modes_of_a_unit_are_read_as_systemd_does() {
    let (dir, service) = (Dir::new(), Service::new());
    for (mode, umask, reported) in [
        ("7027", "0027", ""),
        (
            "0o27",
            "0022",
            "svcadapt: [DIR]/web.service:3:7: UMask=: not an octal number between 0 and 777\n  | UMask=0o27\n  |       ^\n",
        ),
    ] {
        dir.write("web.service", &format!("[Service]\nExecStart=/bin/sh -c umask\nUMask={mode}\n"));
        Svc::new(&dir)
            .args(["run", "--mode", "supervised", "--name", service.name(), "web.service"])
            .stdout(&format!("{umask}\n"))
            .stderr(reported)
            .run();
    }
    // On the command line no other bits are allowed.
    foreground(&dir, &["--umask", "7027"], "true")
        .stderr("svcadapt: --umask '7027': not an octal number between 0 and 777\n")
        .status(2)
        .run();
    dir.write("web.service", "[Service]\nExecStart=/bin/true\nUMask=7027\nLimitNICE=+5\n");
    Svc::new(&dir).args(["check", "web.service"]).run();
    dir.write("web.socket", "[Socket]\nListenStream=/run/web\nSocketMode=2660\n");
    dir.write(
        "web.service",
        "[Unit]\nRequires=web.socket\n[Service]\nExecStart=/bin/true\nLimitNICE=+5:-5\n",
    );
    let shown: serde_json::Value =
        Svc::new(&dir).args(["show", "web.service"]).output().stdout.parse().unwrap();
    assert_eq!((&shown["socket_mode"], &shown["limit_nice"]), (&"0660".into(), &"15:25".into()), "{shown:#}");
}

#[test]
fn output_to_dev_fd_uses_the_open_descriptor() {
    let dir = Dir::new();
    // On pipes, which cannot always be reopened, and sockets, which never can.
    for (own, other) in [("/dev/stdout", "/dev/stderr"), ("/dev/fd/1", "append:/proc/self/fd/2")] {
        foreground(&dir, &["-o", own, "-e", other], "echo out; echo err >&2")
            .stdout("out\n")
            .stderr("err\n")
            .run();
        foreground(&dir, &["-o", other, "-e", own], "echo out; echo err >&2")
            .stdout("err\n")
            .stderr("out\n")
            .run();
    }
    let python = "import os, socket, subprocess, sys; a, b = socket.socketpair(); \
         subprocess.check_call(sys.argv[1:], stdout=b); b.close(); print(a.recv(99))";
    let svcadapt = dir.program("svcadapt");
    Svc::new(&dir)
        .program("/usr/bin/python3")
        .args(["-c", python])
        .args([svcadapt.as_os_str()])
        .args(["run", "--mode", "supervised", "-o", "/dev/stdout", "--", "echo", "here"])
        .stdout("b'here\\n'\n")
        .run();
    foreground(&dir, &["-o", "/dev/fd/99"], "true")
        .stderr("svcadapt: standard output '/dev/fd/99': no such descriptor is open\n")
        .status(209)
        .run();
}

#[test]
fn output_to_dev_fd_is_not_written_to_a_unit_as_a_file() {
    let dir = Dir::new();
    let written = |words: &[&str]| {
        Svc::new(&dir).args(["gen-unit"]).args(words).args(["--", "/bin/true"]).output().stdout
    };
    let text = written(&["-o", "/dev/stdout", "-e", "/dev/stderr"]);
    assert!(text.contains("\nStandardOutput=journal\nStandardError=journal\n"), "{text}");
    let text = written(&["-o", "/dev/stderr"]);
    assert!(text.contains("\nStandardOutput=journal\n"), "{text}");
    // Other descriptors reach only the adapter.
    let text = written(&["-o", "/dev/fd/5"]);
    assert!(
        text.contains("--standard-output /dev/fd/5 ") && !text.contains("\nStandardOutput=file"),
        "{text}"
    );
}
