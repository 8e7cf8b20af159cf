//! The sockets of a job: created at load, a connection starts it, and `launch_activate_socket` passes them through the
//! shim (tests/tools/launch_shim.rs).

use std::fs;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{UnixDatagram, UnixStream};
use std::path::Path;
use std::time::Duration;

use super::generated_jobs::generate;
use super::support::{RUN_AT_LOAD, arguments, open_dir};
use crate::harness::{Dir, Launchd, Svc, free_port, has_ipv6, wait_until};

const SECOND: Duration = Duration::from_millis(50);

/// A job of `inspect` that writes what it got to `LABEL.out`, with these additional words; `[DIR]` is the directory.
fn job(dir: &Dir, launchd: &Launchd, label: &str, words: &[&str], keys: &str) {
    let shim = dir.program("launch_shim");
    let text = format!(
        "<key>EnvironmentVariables</key><dict><key>LD_PRELOAD</key><string>{}</string></dict>
         <key>StandardOutPath</key><string>[DIR]/{label}.out</string>\n{}{keys}",
        shim.display(),
        arguments(words)
    );
    launchd.load(label, &text.replace("[DIR]", &dir.path().display().to_string()));
}

/// A socket of TCP at a port of 127.0.0.1.
fn tcp(name: &str, port: u16, more: &str) -> String {
    format!(
        "<key>{name}</key><dict><key>SockNodeName</key><string>127.0.0.1</string>
         <key>SockServiceName</key><integer>{port}</integer>{more}</dict>"
    )
}

fn sockets(entries: &str) -> String {
    format!("<key>Sockets</key><dict>{entries}</dict>")
}

#[test]
fn launch_activate_socket_answers_as_documented() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let port = free_port();
    let words = ["[DIR]/inspect", "--activate", "L", "--activate", "L", "--activate", "other"];
    job(&dir, &launchd, "x", &words, &(RUN_AT_LOAD.to_owned() + &sockets(&tcp("L", port, ""))));
    assert_eq!(launchd.wait("x", "exited")["status"], 0);
    let expected = format!("L: Stream 127.0.0.1:{port}\nL: EALREADY\nother: ENOENT\n");
    assert_eq!(dir.read("x.out"), expected);
    // Each process of the job may activate the socket once.
    launchd.must("kickstart x");
    launchd.wait_nth("x", "exited", 2);
    assert_eq!(dir.read("x.out"), expected.repeat(2));
}

/// The code that asks launchd is the same on every system; the shim answers here.
#[test]
fn launchd_is_detected_by_its_answer() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let svcadapt = dir.program("svcadapt").display().to_string();
    job(&dir, &launchd, "x", &[&svcadapt, "detect", "--json"], RUN_AT_LOAD);
    assert_eq!(launchd.wait("x", "exited")["status"], 0);
    let found: serde_json::Value = serde_json::from_str(&dir.read("x.out")).unwrap();
    assert_eq!((&found["mode"], &found["manager"]), (&"supervised".into(), &"launchd".into()), "{found}");
    // Not a child of launchd, but with the job's environment.
    job(&dir, &launchd, "y", &["/bin/sh", "-c", &format!("{svcadapt} detect --json; exit $?")], RUN_AT_LOAD);
    assert_eq!(launchd.wait("y", "exited")["status"], 0);
    let found: serde_json::Value = serde_json::from_str(&dir.read("y.out")).unwrap();
    assert_eq!(found["manager"], "none", "{found}");
}

/// One binary without options: it stays, takes its socket by name, and exits with 0 at SIGTERM, as launchd expects.
#[test]
fn library_program_runs_as_a_launchd_job() {
    let dir = open_dir();
    dir.program("becomes");
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let port = free_port();
    let words = ["[DIR]/becomes", "--log", "[DIR]/log", "--signal", "TERM=tell"];
    let deeds = ["enter", "mode", "asked", "named=L", "ready", "report=[DIR]/report", "signals", "stopping"];
    let keys = sockets(&tcp("L", port, "")) + "<key>Umask</key><integer>25</integer>";
    job(&dir, &launchd, "x", &[&words[..], &deeds].concat(), &keys);
    let mut connection = TcpStream::connect(("127.0.0.1", port)).unwrap();
    connection.write_all(b"hello").unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    assert_eq!(answer, "hello");
    wait_until("it reports", || dir.join("report").exists().then_some(()));
    let seen = dir.report("report");
    assert_eq!((&seen["umask"], &seen["ppid"]), (&"0031".into(), &1.into()), "what launchd has made stays");
    launchd.must("kill TERM x");
    assert_eq!(launchd.wait("x", "exited")["status"], 0);
    let expected = "enter: \"done\"\nmode: (\"supervised\", \"launchd\")\nasked: false\nnamed: (1, 0)\n\
                    ready: Ok(Nobody)\nsignal: SIGTERM\nstopping: Ok(())\n";
    assert_eq!(dir.read("log"), expected);
}

#[test]
fn process_that_is_not_launchds_child_gets_no_socket() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let keys = RUN_AT_LOAD.to_owned() + &sockets(&tcp("L", free_port(), ""));
    // A child of a job; and the job itself after it has become another program.
    let words = ["/bin/sh", "-c", "[DIR]/inspect --activate L; exec [DIR]/inspect --activate L"];
    job(&dir, &launchd, "x", &words, &keys);
    launchd.wait("x", "exited");
    let printed = dir.read("x.out");
    assert!(printed.starts_with("L: ESRCH\nL: Stream 127.0.0.1:"), "{printed}");
    // A job without sockets is managed.
    job(&dir, &launchd, "y", &["[DIR]/inspect", "--activate", "L"], RUN_AT_LOAD);
    launchd.wait("y", "exited");
    assert_eq!(dir.read("y.out"), "L: ENOENT\n");
    // Without a launchd there is no job, and without the shim no function.
    let shim = dir.program("launch_shim");
    let inspect = || Svc::new(&dir).program("inspect").args(["--activate", "L"]);
    inspect().env("LD_PRELOAD", shim).stdout("L: ESRCH\n").run();
    inspect().stdout("L: nobody\n").run();
}

#[test]
fn connection_starts_a_job() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let port = free_port();
    let words = ["[DIR]/inspect", "--activate", "L", "--exit-after", "100:0"];
    job(&dir, &launchd, "x", &words, &sockets(&tcp("L", port, "")));
    assert_eq!(launchd.story("x"), "loaded");
    let client = TcpStream::connect(("127.0.0.1", port)).unwrap();
    launchd.wait("x", "spawned");
    // The connection was not accepted, so the job is started again.
    launchd.wait_nth("x", "spawned", 2);
    assert!(launchd.story("x").starts_with("loaded spawned exited(0) idle throttled spawned"));
    drop(client);
    launchd.must("bootout x");
    launchd.wait("x", "removed");
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err(), "the socket goes with the job");
}

#[test]
fn socket_name_may_have_several_sockets() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    if !has_ipv6() {
        return crate::harness::skip("IPv6", "this machine has none");
    }
    let (both, dual, four) = (free_port(), free_port(), free_port());
    let any = |name: &str, port: u16, family: &str| {
        format!("<key>{name}</key><dict><key>SockServiceName</key><string>{port}</string>{family}</dict>")
    };
    let family = |name: &str| format!("<key>SockFamily</key><string>{name}</string>");
    let datagram = "<key>SockType</key><string>dgram</string><key>SockProtocol</key><string>UDP</string>";
    let entries = any("both", both, "")
        + &any("dual", dual, &family("IPv4v6"))
        + &any("four", four, &family("IPv4"))
        + &tcp("datagram", four, datagram)
        + &format!(
            "<key>many</key><array><dict><key>SockPathName</key><string>[DIR]/a</string></dict>
             <dict><key>SockPathName</key><string>[DIR]/b</string>{datagram}</dict></array>"
        )
        + "<key>none</key><dict><key>SockType</key><string>raw</string></dict>";
    let mut words = vec!["[DIR]/inspect"];
    for name in ["both", "dual", "four", "datagram", "many", "none"] {
        words.extend(["--activate", name]);
    }
    let stay = ["--stay"];
    words.extend(stay);
    job(&dir, &launchd, "x", &words, &(RUN_AT_LOAD.to_owned() + &sockets(&entries)));
    let printed = wait_until("it has asked for all", || {
        fs::read_to_string(dir.join("x.out")).ok().filter(|text| text.contains("none:"))
    });
    let path = dir.path().display();
    assert_eq!(
        printed,
        format!(
            "both: Stream 0.0.0.0:{both}, Stream [::]:{both}\ndual: Stream [::]:{dual}\nfour: Stream 0.0.0.0:{four}\n\
             datagram: Datagram 127.0.0.1:{four}\nmany: Stream {path}/a, Datagram {path}/b\nnone: \n"
        )
    );
    // A socket for both families answers both.
    for (host, port) in [("127.0.0.1", both), ("::1", both), ("127.0.0.1", dual), ("::1", dual)] {
        TcpStream::connect((host, port)).unwrap_or_else(|error| panic!("{host} {port}: {error}"));
    }
    let trouble: Vec<_> =
        launchd.events("x").into_iter().filter(|event| event["event"] == "trouble").collect();
    assert_eq!((trouble.len(), &trouble[0]["why"]), (1, &serde_json::json!("SockType raw")));
}

#[test]
fn socket_path_has_its_mode_and_owner() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let unix = |name: &str, more: &str| {
        format!("<key>{name}</key><dict><key>SockPathName</key><string>[DIR]/{name}</string>{more}</dict>")
    };
    // The old file is removed.
    fs::write(dir.join("plain"), "").unwrap();
    let owned =
        "<key>SockPathMode</key><integer>432</integer><key>SockPathOwner</key><integer>65534</integer>
        <key>SockPathGroup</key><integer>1</integer>";
    let datagram = "<key>SockType</key><string>dgram</string><key>SockPathMode</key><integer>438</integer>";
    let entries = unix("plain", "") + &unix("owned", owned) + &unix("datagram", datagram);
    let words = ["[DIR]/inspect", "--activate", "plain", "--stay"];
    job(&dir, &launchd, "x", &words, &sockets(&entries));
    for (name, mode, uid, gid) in
        [("plain", 0o700, 0, 0), ("owned", 0o660, 65534, 1), ("datagram", 0o666, 0, 0)]
    {
        let file = fs::symlink_metadata(dir.join(name)).unwrap();
        assert_eq!((file.mode() & 0o7777, file.uid(), file.gid()), (mode, uid, gid), "{name}");
    }
    UnixDatagram::unbound().unwrap().send_to(b"x", dir.join("datagram")).unwrap();
    launchd.wait("x", "spawned");
    let _client = connect(&dir.join("plain"));
}

fn connect(path: &Path) -> UnixStream {
    UnixStream::connect(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// `svcadapt run` passes them as systemd does, and the program answers on them.
#[test]
fn adapter_passes_launchd_sockets_to_the_program() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let shim = dir.program("launch_shim").display().to_string();
    let (port, path) = (free_port(), dir.join("way").display().to_string());
    let words = [
        &format!("--listen-stream=127.0.0.1:{port}"),
        &format!("--listen-stream={path}"),
        "--socket-mode=0600",
        // The shim is loaded into the adapter and into the program.
        &format!("--environment=LD_PRELOAD={shim}"),
        "--standard-error=append:[DIR]/err",
    ];
    generate(&dir, &launchd, "org.example.handed", &words, &["[DIR]/inspect", "--serve"]);
    launchd.wait("org.example.handed", "spawned");
    let answer = |mut connection: Box<dyn Read>| {
        let mut text = String::new();
        connection.read_to_string(&mut text).unwrap();
        text
    };
    let timeout = Some(Duration::from_secs(10));
    let tcp = TcpStream::connect(("127.0.0.1", port)).unwrap();
    tcp.set_read_timeout(timeout).unwrap();
    assert_eq!(answer(Box::new(tcp)), "3 org.example.handed.socket\n", "{}", dir.read("err"));
    let unix = UnixStream::connect(&path).unwrap();
    unix.set_read_timeout(timeout).unwrap();
    assert_eq!(answer(Box::new(unix)), "4 org.example.handed.socket\n");
    assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    assert_eq!(launchd.processes().len(), 1);
    launchd.must("bootout org.example.handed");
    launchd.wait("org.example.handed", "removed");
    assert_eq!(dir.read("err"), "");
}
