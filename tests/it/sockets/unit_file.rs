//! The socket unit beside a service is opened where there is no systemd.

use std::fs;

use serde_json::{Value, json};

use super::{server, stop, tcp, unix};
use crate::harness::{Dir, Exit, Svc, free_port};
use crate::support::printed;

/// The output of `show` for a file in this directory.
fn shown(dir: &Dir, name: &str) -> Value {
    serde_json::from_str(&printed(["show", &dir.join(name).display().to_string()])).unwrap()
}

#[test]
fn unit_runs_with_its_socket_unit_and_drop_ins() {
    let dir = Dir::new();
    let port = free_port();
    let server = server(&dir)[1..].join(" ");
    dir.write(
        "web.service",
        &format!("[Unit]\nRequires=web.socket\n[Service]\nType=exec\nExecStart={server}\n"),
    );
    dir.write(
        "web.socket",
        "[Socket]\nListenStream=1\nSocketMode=0600\n[Install]\nWantedBy=sockets.target\n",
    );
    fs::create_dir(dir.join("web.socket.d")).unwrap();
    let path = dir.join("s");
    let text =
        format!("[Socket]\nListenStream=\nListenStream=127.0.0.1:{port}\nListenStream={}\n", path.display());
    dir.write("web.socket.d/port.conf", &text);
    let report = format!("--ready=file:{}", dir.join("report").display());
    // Under a unique name; the sockets keep that of the unit.
    let name = format!("--name=it-sockets-file-{}", std::process::id());
    let unit = dir.join("web.service").display().to_string();
    Svc::new(&dir)
        .args(["run", "--mode=classic", &report, &name, "--file-descriptor-name=web.socket", &unit])
        .run();
    let (process, _) = dir.reported();
    assert_eq!((tcp(port), unix(&path)), ("3 web.socket".into(), "4 web.socket".into()));
    stop(&dir, &process);
    assert_eq!(Svc::new(&dir).args(["stop", &name["--name=".len()..]]).output().exit, Exit::Status(0));
    // Without options the unit comes back unchanged.
    let again = dir.join("again");
    fs::create_dir(&again).unwrap();
    printed(["gen-unit", "--output", &again.display().to_string(), &unit]);
    let mut model = shown(&dir, "web.service");
    assert_eq!(shown(&dir, "again/web.service"), model);
    model.as_object_mut().unwrap().retain(|key, _| key.starts_with("listen") || key.starts_with("socket"));
    let addresses = [format!("127.0.0.1:{port}"), path.display().to_string()];
    assert_eq!(model, json!({ "listen_stream": addresses, "socket_mode": "0600" }));
}

#[test]
fn instance_uses_the_sockets_of_its_template() {
    let dir = Dir::new();
    dir.write("web@.service", "[Unit]\nRequires=web@%i.socket\n[Service]\nExecStart=/bin/true\n");
    dir.write("web@.socket", "[Socket]\nListenStream=/run/web/%i.sock\n");
    let model = shown(&dir, "web@a.service");
    assert_eq!(model["listen_stream"], json!(["/run/web/a.sock"]));
    // The address of the template itself is unknown.
    assert!(shown(&dir, "web@.service")["listen_stream"].is_null());
}

#[test]
fn unsupported_socket_directive_is_reported_and_refused_by_strict() {
    let dir = Dir::new();
    dir.write("web.service", "[Service]\nType=exec\nExecStart=/bin/true\nSockets=web.socket\n");
    let socket = dir.write("web.socket", "[Socket]\nListenStream=127.0.0.1:9\nTimestamping=us\nAccept=yes\n");
    let unit = dir.join("web.service").display().to_string();
    let path = socket.display();
    let reported = Svc::new(&dir).args(["run", "--dry-run", "--mode=classic", &unit]).output();
    let cause = "not honoured here: only of a template, NAME@.service, a process is started for each connection; these sockets are not opened";
    let no_equivalent = "not honoured here: it has no equivalent\n";
    assert_eq!(
        reported.stderr,
        format!(
            "svcadapt: {path}: Timestamping=, ListenStream=: {no_equivalent}  hint: --verbose prints each with its line\n\
             svcadapt: {path}:4: Accept=: {cause}\n",
        )
    );
    let strict = Svc::new(&dir).args(["run", "--mode=classic", "--strict", &unit]).output();
    assert_eq!(strict.exit, Exit::Status(2));
    dir.write("web.socket", "[Socket]\nListenStream=127.0.0.1:9\nTimestamping=us\n");
    let reported = Svc::new(&dir).args(["run", "--dry-run", "--mode=classic", &unit]).output();
    assert_eq!(reported.stderr, format!("svcadapt: {path}:3: Timestamping=: {no_equivalent}"));
    // A file that cannot be read, or that systemd would refuse, fails the start.
    dir.write("web.socket", "[Socket]\n");
    assert_eq!(Svc::new(&dir).args(["show", &unit]).output().exit, Exit::Status(2));
    fs::remove_file(&socket).unwrap();
    std::os::unix::fs::symlink("/dev/null", &socket).unwrap();
    assert!(shown(&dir, "web.service")["listen_stream"].is_null());
}
