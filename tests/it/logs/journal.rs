//! Where a journal listens: the journal, and stand-ins that fail.

use std::path::Path;

use crate::harness::{Capability, Dir, Exit, Svc, Systemd, require, wait_until};

/// Runs svcadapt inside of a booted systemd.
fn inside(systemd: &Systemd, words: &[&str]) -> crate::harness::Output {
    systemd.run(words)
}

#[test]
fn output_of_a_service_is_a_stream_of_its_own_in_the_journal() {
    let Some(systemd) = Systemd::shared() else { return };
    if !systemd.path("/run/systemd/journal/stdout").exists() {
        systemd.must(&["start", "systemd-journald.service"]);
    }
    let dir = Dir::new();
    let Some(svcadapt) = systemd.svcadapt(&dir) else { return };
    let svcadapt = svcadapt.display().to_string();
    let out = dir.join("seen").display().to_string();
    let script = format!(
        "echo one; echo '<3>two' >&2; echo $JOURNAL_STREAM $(stat -L -c %d:%i /proc/$$/fd/2) >{out}; exec sleep 600"
    );
    let name = "journal-web";
    let started = inside(
        systemd,
        &[&svcadapt, "run", "--mode", "classic", "--name", name, "--", "/bin/sh", "-c", &script],
    );
    assert_eq!((started.stderr.as_str(), started.exit), ("", Exit::Status(0)));
    let logs = |more: &[&str]| inside(systemd, &[&[svcadapt.as_str(), "logs", name], more].concat());
    let shown = wait_until("the journal has both lines", || {
        Some(logs(&[]).stdout).filter(|text| text.contains("one") && text.contains("two"))
    });
    assert!(shown.lines().all(|line| line.contains("journal-web[")), "{shown}");
    let errors = inside(
        systemd,
        &["journalctl", "-o", "cat", "-p", "err", "SYSLOG_IDENTIFIER=journal-web", "_TRANSPORT=stdout"],
    );
    assert_eq!(errors.stdout, "two\n");
    let seen = dir.read("seen");
    let (stream, file) = seen.trim().split_once(' ').unwrap();
    assert_eq!(stream, file);
    assert_eq!(logs(&["-n", "1", "--since", "2000-01-01"]).stdout.lines().count(), 1);
    let stopped = inside(systemd, &[&svcadapt, "stop", name]);
    assert_eq!(stopped.exit, Exit::Status(0), "{}", stopped.stderr);
    // The last lines of a failed start are those of this start.
    let failed = inside(
        systemd,
        &[
            &svcadapt,
            "run",
            "--mode",
            "classic",
            "--name",
            name,
            "--ready",
            "notify",
            "--",
            "/bin/sh",
            "-c",
            "echo 'port in use' >&2; exit 3",
        ],
    );
    assert_eq!(failed.exit, Exit::Status(3));
    assert!(
        failed.stderr.contains("  | port in use\n") && !failed.stderr.contains("two"),
        "{}",
        failed.stderr
    );
}

/// Runs a command where something else is at the place of the journal's socket.
fn beside(dir: &Dir, stand_in: &str, words: &[&str]) -> crate::harness::Output {
    let script = format!(
        "mount -t tmpfs -o mode=755 none /run && mkdir -p /run/systemd/journal /run/svcadapt && \
         cd /run/systemd/journal || exit 9; {stand_in}; cd {} && \"$@\"; s=$?; [ -z \"$!\" ] || kill $!; exit $s",
        dir.path().display()
    );
    let svcadapt = dir.program("svcadapt").display().to_string();
    Svc::new(dir)
        .program("/usr/bin/unshare")
        .args(["--mount", "/bin/sh", "-c", &script, "sh", &svcadapt])
        .args(words)
        .output()
}

#[test]
fn journal_that_does_not_listen_or_is_not_roots_is_not_used() {
    if !require(Capability::Root) || !Path::new("/usr/bin/python3").exists() {
        return;
    }
    let dir = Dir::new();
    let bind = "python3 -c 'import socket; s = socket.socket(socket.AF_UNIX); s.bind(\"stdout\")'";
    let listen = "python3 -c 'import socket, time; s = socket.socket(socket.AF_UNIX); s.bind(\"stdout\"); s.listen(0); \
                  c = [socket.socket(socket.AF_UNIX) for _ in range(2)]; [x.setblocking(False) for x in c]; \
                  [x.connect_ex(\"stdout\") for x in c]; open(\"full\", \"w\"); time.sleep(60)' \
                  </dev/null >/dev/null 2>&1 & while ! [ -e full ]; do :; done";
    for stand_in in [
        "true",
        "touch stdout",
        bind,
        &format!("{bind}; chown nobody stdout"),
        &format!("{bind}; chmod 777 ."),
        listen,
    ] {
        let name = format!("journal-stand-in-{}", std::process::id());
        let words =
            ["run", "--mode", "classic", "--type", "oneshot", "--name", &name, "--", "/bin/echo", "one"];
        let output = beside(&dir, stand_in, &words);
        assert_eq!((output.stderr.as_str(), output.exit), ("", Exit::Status(0)), "{stand_in}");
        let words = [
            "run",
            "--mode",
            "classic",
            "--dry-run",
            "--standard-output",
            "journal+console",
            "--",
            "/bin/true",
        ];
        let output = beside(&dir, stand_in, &words);
        let expected = "svcadapt: standard output 'journal+console': no journal listens at \
                        /run/systemd/journal/stdout: it goes to append:";
        assert!(output.stderr.starts_with(expected), "{stand_in}: {}", output.stderr);
    }
    dir.wait_nothing_left();
}
