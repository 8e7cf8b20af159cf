//! A hardened service has the promised exposure score, and still works.

mod explicit_settings;

use std::ffi::OsStr;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::harness::{
    Dir, Exit, Output, Svc, Systemd, copy_program, example, free_port, low_port, skip, wait_until,
};

fn gen_unit<S: AsRef<OsStr>>(dir: &Dir, words: &[S]) -> Output {
    Svc::new(dir).args(["gen-unit", "--svcadapt", "/bin/true"]).args(words).output()
}

/// Its standard output; standard error must be empty.
fn unit<S: AsRef<OsStr>>(dir: &Dir, words: &[S]) -> String {
    let output = gen_unit(dir, words);
    assert_eq!((output.exit, output.stderr.as_str()), (Exit::Status(0), ""), "{}", output.stdout);
    output.stdout
}

/// The exposure score by `systemd-analyze`; `None` without it.
fn analyze(dir: &Dir, name: &str, text: &str, words: &[&str]) -> Option<std::process::Output> {
    let file = dir.write(name, text);
    match Command::new("systemd-analyze").args(words).arg(file).output() {
        Ok(output) => Some(output),
        Err(error) => {
            skip("systemd", &format!("systemd-analyze cannot be run: {error}"));
            None
        }
    }
}

/// In tenths, as printed.
fn exposure(dir: &Dir, text: &str) -> Option<u32> {
    let output = analyze(dir, "scored.service", text, &["security", "--no-pager", "--offline=true"])?;
    let message = String::from_utf8_lossy(&output.stdout).into_owned();
    let (_, level) = message.rsplit_once("scored.service: ").unwrap_or_else(|| panic!("{output:?}"));
    let (number, _) = level.split_once(' ').unwrap();
    Some(number.replace('.', "").parse().unwrap())
}

/// A unit with a socket unit: the service itself opens none.
const ACTIVATED: &str = "[Service]\nExecStart=/bin/true\nSockets=web.socket\n";

#[test]
fn strict_level_scores_as_promised() {
    let dir = Dir::new();
    let activated = dir.write("web.service", ACTIVATED);
    let activated = activated.to_str().unwrap();
    for (most, words) in [
        (11, &["--", "/bin/true"][..]),
        (11, &["--user", "daemon", "--state-directory", "web", "--", "/bin/true"]),
        (11, &["--", "/usr/bin/node", "/srv/web/app.js"]),
        (14, &["--ambient-capabilities", "CAP_NET_BIND_SERVICE", "--", "/bin/true"]),
        (2, &[activated]),
        // The adapter notifies from a helper process, which requires a wider NotifyAccess=.
        (12, &["--ready", "tcp:8080", "--", "/bin/true"]),
        (16, &["--ready", "tcp:80", "--", "/bin/true"]),
    ] {
        let text = unit(&dir, &[&["--harden", "strict"], words].concat());
        let Some(scored) = exposure(&dir, &text) else { return };
        assert!(scored <= most, "{words:?} scores {scored} tenths\n{text}");
    }
    let bare = exposure(&dir, &unit(&dir, &["--", "/bin/true"])).unwrap();
    let baseline = exposure(&dir, &unit(&dir, &["--harden", "baseline", "--", "/bin/true"])).unwrap();
    assert!(baseline + 15 <= bare, "baseline is worth {} tenths", bare - baseline);
}

#[test]
fn hardened_units_verify_without_a_warning() {
    let dir = Dir::new();
    for level in ["baseline", "strict"] {
        for words in [
            &["--", "/bin/true"][..],
            &["--user", "daemon", "--pid-file", "/run/web 1.pid", "--", "/bin/true"],
            &["--user", "7", "--ready", "tcp:80", "--ready", "unix:/srv/a \"b\" 100%\\/s", "--", "/bin/true"],
        ] {
            let text = unit(&dir, &[&["--harden", level], words].concat());
            let verify = ["verify", "--recursive-errors=no"];
            let Some(output) = analyze(&dir, "verified.service", &text, &verify) else { return };
            let message = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success() && message.is_empty(), "{message}\n{text}");
        }
    }
}

#[test]
fn explain_option_covers_every_directive_and_keeps_the_file() {
    let dir = Dir::new();
    let words =
        ["--harden", "strict", "--systemd-version", "239", "--umask", "022", "--", "/usr/bin/node", "x.js"];
    let plain = unit(&dir, &words);
    let explained = gen_unit(&dir, &[&["--explain"], &words[..]].concat());
    assert_eq!(explained.stdout, plain);
    let sandbox = plain.lines().skip_while(|line| *line != "IgnoreSIGPIPE=no").skip(1);
    for line in sandbox.take_while(|line| !line.is_empty()).filter(|line| !line.starts_with("UMask=")) {
        assert!(explained.stderr.contains(&format!("svcadapt: {line}: ")), "{line}\n{}", explained.stderr);
    }
    for reported in [
        "svcadapt: MemoryDenyWriteExecute: left out: node has a JIT compiler, and fails without memory that is writable and executable\n",
        "svcadapt: ProtectProc: left out: systemd 239 does not know it; it is new in 247\n",
        "svcadapt: UMask: left out: the service sets it itself\n",
    ] {
        assert!(explained.stderr.contains(reported), "{reported}\n{}", explained.stderr);
    }
    let json = unit(&dir, &[&["--json"], &words[..]].concat());
    let json: Value = serde_json::from_str(&json).unwrap();
    let reported = json["hardening"]["set"].as_array().unwrap().len()
        + json["hardening"]["left_out"].as_array().unwrap().len();
    assert_eq!(reported, explained.stderr.lines().count());
}

#[test]
fn conflicting_directives_are_refused() {
    let dir = Dir::new();
    let users =
        "[Service]\nExecStart=/bin/true\nPrivateUsers=yes\nAmbientCapabilities=CAP_NET_BIND_SERVICE\n";
    let code = "[Service]\nExecStart=/usr/bin/node x.js\nMemoryDenyWriteExecute=yes\n";
    for (text, reported) in [
        (users, "svcadapt: --harden 'PrivateUsers=': in a user namespace a capability has no effect"),
        (code, "svcadapt: --harden 'MemoryDenyWriteExecute=': node has a JIT compiler"),
    ] {
        let file = dir.write("web.service", text);
        let output = gen_unit(&dir, &[OsStr::new("--harden"), OsStr::new("baseline"), file.as_os_str()]);
        assert_eq!((output.exit, output.stdout.as_str()), (Exit::Status(2), ""), "{}", output.stderr);
        assert!(output.stderr.starts_with(reported), "{}", output.stderr);
    }
}

/// A server under systemd, and a client for it.
struct Server {
    systemd: &'static Systemd,
    name: String,
    /// The folder of its programs, which is not /tmp.
    folder: String,
    port: u16,
}

impl Server {
    fn new(systemd: &'static Systemd, name: &str, port: u16) -> Self {
        let folder = format!("/opt/it-{name}");
        let seen = systemd.path(&folder);
        fs::create_dir_all(&seen).unwrap();
        for program in [example("serve"), env!("CARGO_BIN_EXE_svcadapt").into()] {
            let copy = seen.join(Path::new(&program).file_name().unwrap());
            copy_program(Path::new(&program), &copy);
        }
        Self { systemd, name: format!("it-{name}"), folder, port }
    }

    /// Starts the unit that `gen-unit` writes for these options.
    fn start(&self, options: &[&str]) -> String {
        let dir = Dir::new();
        let program = format!("{}/serve", self.folder);
        let place = format!("tcp:{}", self.port);
        let svcadapt = format!("{}/svcadapt", self.folder);
        let command =
            ["--state-directory", &self.name, "--svcadapt", &svcadapt, "--", &program, &place, "/etc/passwd"];
        let text = Svc::new(&dir).args(["gen-unit"]).args(options).args(command).output().stdout;
        self.begin(&text);
        text
    }

    fn begin(&self, text: &str) {
        self.systemd.write_unit(&format!("{}.service", self.name), text);
        let service = format!("{}.service", self.name);
        self.systemd.must(&["start", &service]);
    }

    fn answer(&self, question: &str) -> String {
        let mut stream =
            wait_until("the server answers", || TcpStream::connect(("127.0.0.1", self.port)).ok());
        writeln!(stream, "{question}").unwrap();
        BufReader::new(stream).lines().next().unwrap_or_else(|| panic!("{}", self.status())).unwrap()
    }

    fn may_write(&self, path: &str) -> bool {
        let message = self.answer(&format!("write {path}"));
        assert!(
            message == "done" || ["Read-only", "denied"].iter().any(|word| message.contains(word)),
            "{path}: {message}"
        );
        message == "done"
    }

    fn status(&self) -> String {
        let unit = format!("{}.service", self.name);
        self.systemd.systemctl(["status", "--no-pager", "--full", &unit]).stdout
    }

    /// Asserts that it is confined and works.
    fn is_strict(&self) {
        let read = fs::read_to_string(self.systemd.path("/etc/passwd")).unwrap();
        assert_eq!(self.answer("read"), read.lines().next().unwrap());
        assert_eq!(self.answer("state"), "kept");
        for path in ["/etc/it-harden", "/run/it-harden", "/usr/it-harden", "/var/it-harden"] {
            assert!(!self.may_write(path), "{path}");
        }
        assert!(self.may_write("/tmp/it-harden"));
        assert!(!self.systemd.path("/tmp/it-harden").exists(), "its /tmp is not its own");
        assert_ne!(self.answer("user"), "0");
        // EPERM comes from the filter, EACCES from the kernel where a newer systemd asks for that.
        assert_ne!(self.answer("code"), "done");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        for kind in ["socket", "service"] {
            let unit = format!("{}.{kind}", self.name);
            self.systemd.systemctl(["kill", "--signal=SIGKILL", &unit]);
            self.systemd.systemctl(["stop", &unit]);
            self.systemd.systemctl(["reset-failed", &unit]);
            let _ = fs::remove_file(self.systemd.path("/run/systemd/system").join(&unit));
        }
        let _ = fs::remove_dir_all(self.systemd.path(&self.folder));
    }
}

const STRICT: [&str; 2] = ["--harden", "strict"];

#[test]
fn server_runs_under_strict() {
    // What is built here may not run where the C library is older than ours.
    for systemd in Systemd::of_versions(252..) {
        let server = Server::new(systemd, "harden-own", free_port());
        server.start(&[&STRICT[..], &["--systemd-version", &systemd.version().to_string()]].concat());
        server.is_strict();
    }
}

#[test]
fn server_on_a_privileged_port_runs_under_strict() {
    let Some(systemd) = Systemd::shared() else { return };
    let server = Server::new(systemd, "harden-low", low_port());
    server.start(&[&STRICT[..], &["--ambient-capabilities", "CAP_NET_BIND_SERVICE"]].concat());
    server.is_strict();
}

#[test]
fn socket_activated_server_runs_under_strict() {
    let Some(systemd) = Systemd::shared() else { return };
    let server = Server::new(systemd, "harden-act", free_port());
    let dir = Dir::new();
    let given = dir.write(
        "web.service",
        &format!(
            "[Service]\nExecStart={}/serve activated /etc/passwd\nSockets={}.socket\nStateDirectory={}\n",
            server.folder, server.name, server.name
        ),
    );
    let text = unit(&dir, &[OsStr::new("--harden"), OsStr::new("strict"), given.as_os_str()]);
    assert!(
        text.contains("\nPrivateNetwork=yes\n") && text.contains("\nRestrictAddressFamilies=AF_UNIX\n"),
        "{text}"
    );
    systemd.write_unit(&format!("{}.service", server.name), &text);
    let socket = format!("{}.socket", server.name);
    let listen =
        format!("[Unit]\nDefaultDependencies=no\n[Socket]\nListenStream=127.0.0.1:{}\n", server.port);
    systemd.write_unit(&socket, &listen);
    systemd.must(&["start", &socket]);
    server.is_strict();
}

#[test]
fn adapter_detects_readiness_under_strict() {
    for systemd in Systemd::of_versions(252..) {
        let own = ["--systemd-version".to_owned(), systemd.version().to_string()];
        for (name, port) in [("harden-ready", free_port()), ("harden-ready-low", low_port())] {
            let server = Server::new(systemd, name, port);
            let ready = format!("tcp:{port}");
            let text = server.start(&[&STRICT[..], &["--ready", &ready, &own[0], &own[1]]].concat());
            assert!(text.contains("--ready tcp:"), "{text}");
            // It answers at once: systemd has reported it active.
            TcpStream::connect(("127.0.0.1", port)).unwrap();
            server.is_strict();
        }
    }
}

#[test]
fn adapter_as_root_works_under_strict() {
    let Some(systemd) = Systemd::shared() else { return };
    let server = Server::new(systemd, "harden-root", free_port());
    let ready = format!("tcp:{}", server.port);
    let own = ["--user", "daemon", "--pid-file", "/run/it-harden-root.pid", "--ready", &ready];
    server.start(&[&STRICT[..], &own].concat());
    server.is_strict();
    let main = systemd.show(&format!("{}.service", server.name), "MainPID");
    let file = fs::read_to_string(systemd.path("/run/it-harden-root.pid")).unwrap();
    assert_eq!(file.trim_end(), main);
}

#[test]
fn program_that_changes_its_user_runs_under_strict() {
    let Some(systemd) = Systemd::shared() else { return };
    let server = Server::new(systemd, "harden-drop", free_port());
    let dir = Dir::new();
    let start = format!(
        "/usr/bin/setpriv --reuid=daemon --regid=daemon --clear-groups {}/serve tcp:{} /etc/passwd",
        server.folder, server.port
    );
    let file = dir.write("drop.service", &format!("[Service]\nUser=root\nExecStart={start}\n"));
    let words = [OsStr::new("--harden=strict"), file.as_os_str()];
    let output = gen_unit(&dir, &words);
    assert!(output.stderr.starts_with("svcadapt: CapabilityBoundingSet: left out: it starts as root, and "));
    assert!(!output.stdout.contains("CapabilityBoundingSet=") && !output.stdout.contains("~@privileged"));
    server.begin(&output.stdout);
    assert_eq!(server.answer("user"), "1", "{}", server.status());
    assert!(!server.may_write("/etc/it-harden"));
    // With its needs given it has exactly those.
    let needs = OsStr::new("--capability-bounding-set=CAP_SETUID CAP_SETGID");
    let output = gen_unit(&dir, &[words[0], needs, words[1]]);
    assert_eq!(output.stderr, "");
    assert!(output.stdout.contains("CapabilityBoundingSet=CAP_SETGID CAP_SETUID\n"), "{}", output.stdout);
}

/// A user's manager as a system service.
const USER_MANAGER: &str = "[Service]\nType=notify\nUser=daemon\nDelegate=yes\n\
    RuntimeDirectory=it-user\nExecStart=/lib/systemd/systemd --user --unit=it.target\n\
    Environment=XDG_RUNTIME_DIR=/run/it-user HOME=/run/it-user SYSTEMD_UNIT_PATH=/run/it-user-units\n";

#[test]
fn user_service_runs_under_strict() {
    let Some(systemd) = Systemd::shared() else { return };
    let server = Server::new(systemd, "harden-user", free_port());
    let folder = systemd.path("/run/it-user-units");
    fs::create_dir_all(&folder).unwrap();
    for target in ["basic", "shutdown", "it"] {
        fs::write(folder.join(format!("{target}.target")), "[Unit]\nDefaultDependencies=no\n").unwrap();
    }
    let dir = Dir::new();
    let (program, place) = (format!("{}/serve", server.folder), format!("tcp:{}", server.port));
    let svcadapt = format!("{}/svcadapt", server.folder);
    let output = Svc::new(&dir)
        .args([
            "gen-unit",
            "--scope",
            "user",
            "--harden",
            "strict",
            "--ready",
            &place,
            "--svcadapt",
            &svcadapt,
        ])
        .args(["--", &program, &place, "/etc/passwd"])
        .output();
    fs::write(folder.join("web.service"), &output.stdout).unwrap();
    server.begin(USER_MANAGER);
    let user = ["setpriv", "--reuid=daemon", "--regid=daemon", "--clear-groups"];
    let start = ["env", "XDG_RUNTIME_DIR=/run/it-user", "systemctl", "--user", "start", "web.service"];
    let started = systemd.run(user.iter().chain(&start));
    assert_eq!(started.exit, Exit::Status(0), "{}\n{}", started.stderr, server.status());
    assert!(server.answer("read").starts_with("root:"));
    assert_ne!(server.answer("code"), "done");
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn read_write_path_with_special_characters_is_the_only_writable() {
    let Some(systemd) = Systemd::shared() else { return };
    let server = Server::new(systemd, "harden-path", free_port());
    let folder = "/srv/it \"harden\" 100% $x 'y' \\";
    fs::create_dir_all(systemd.path(folder)).unwrap();
    fs::write(systemd.path(folder).join("there"), "").unwrap();
    let ready = format!("file:{folder}/there");
    server.start(&[&STRICT[..], &["--ready", &ready]].concat());
    assert!(server.may_write(&format!("{folder}/new")));
    assert!(!server.may_write("/srv/new"));
}

#[test]
fn server_keeps_identity_and_files_under_baseline() {
    let Some(systemd) = Systemd::shared() else { return };
    let server = Server::new(systemd, "harden-base", free_port());
    server.start(&["--harden", "baseline"]);
    assert_eq!(server.answer("user"), "0");
    assert_eq!(server.answer("state"), "kept");
    assert_eq!(server.answer("code"), "done");
    for (path, may) in [("/run", true), ("/var", true), ("/etc", false), ("/usr", false)] {
        assert_eq!(server.may_write(&format!("{path}/it-harden-base")), may, "{path}");
    }
}
