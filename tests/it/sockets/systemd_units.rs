//! The two units that gen-unit writes, under a real systemd.

use std::fs;
use std::path::Path;
use std::process::Command;

use super::{server, tcp, unix};
use crate::harness::{Dir, Exit, Svc, Systemd, free_port, wait_until};

/// The two units of a service, in the shared systemd; they are stopped and removed at the end.
struct Pair {
    systemd: &'static Systemd,
    names: [String; 2],
}

impl Pair {
    fn generate(systemd: &'static Systemd, dir: &Dir, name: &str, options: &[&str]) -> Self {
        let output = dir.join("units");
        fs::create_dir(&output).unwrap();
        let svcadapt = dir.program("svcadapt").display().to_string();
        Svc::new(dir)
            .args([
                "gen-unit",
                "--svcadapt",
                &svcadapt,
                "--output",
                &output.display().to_string(),
                "--name",
                name,
            ])
            .args(options)
            .args(server(dir))
            .run();
        let names = ["service", "socket"].map(|kind| format!("{name}.{kind}"));
        verify(&output, &names);
        for name in &names {
            systemd.write_unit(name, &fs::read_to_string(output.join(name)).unwrap());
        }
        Self { systemd, names }
    }

    fn state(&self) -> [String; 2] {
        self.names.clone().map(|name| self.systemd.show(&name, "ActiveState"))
    }
}

impl Drop for Pair {
    fn drop(&mut self) {
        let [service, socket] = &self.names;
        self.systemd.systemctl(["kill", "--signal=SIGKILL", service]);
        self.systemd.systemctl(["stop", socket, service]);
        self.systemd.systemctl(["reset-failed", service, socket]);
        for name in &self.names {
            let _ = fs::remove_file(self.systemd.path("/run/systemd/system").join(name));
        }
    }
}

/// Asserts that systemd verifies them without a warning.
fn verify(directory: &Path, names: &[String]) {
    let verdict = Command::new("systemd-analyze")
        .arg("verify")
        .args(names.iter().map(|name| directory.join(name)))
        .output()
        .unwrap();
    let stderr = String::from_utf8_lossy(&verdict.stderr).into_owned();
    let about_them = |line: &&str| names.iter().any(|name| line.contains(name.as_str()));
    let about: Vec<&str> = stderr.lines().filter(about_them).collect();
    assert!(verdict.status.success() && about.is_empty(), "{stderr}");
}

#[test]
fn connection_starts_the_service_and_service_the_sockets() {
    // What is built here may not run where the C library is older than ours.
    for systemd in Systemd::of_versions(252..) {
        on_demand(systemd);
    }
}

fn on_demand(systemd: &'static Systemd) {
    for (name, readiness) in
        [("it-sockets-on-demand", None), ("it-sockets-adapted", Some("--ready=file:[DIR]/report"))]
    {
        let dir = Dir::new();
        let (port, path) = (free_port(), dir.join("s"));
        let mut options = vec![
            format!("--listen-stream=127.0.0.1:{port}"),
            format!("--listen-stream={}", path.display()),
            "--socket-mode=0600".into(),
            "--file-descriptor-name=web".into(),
        ];
        options.extend(readiness.map(|ready| ready.replace("[DIR]", &dir.path().display().to_string())));
        let options: Vec<&str> = options.iter().map(String::as_str).collect();
        let pair = Pair::generate(systemd, &dir, name, &options);
        systemd.must(&["start", &pair.names[1]]);
        assert_eq!(pair.state(), ["inactive", "active"]);
        assert_eq!(tcp(port), "3 web");
        assert_eq!(unix(&path), "4 web");
        wait_until("the service is active", || (pair.state() == ["active", "active"]).then_some(()));
        // It ends, and the next connection starts it again.
        let process = systemd.main_process(&pair.names[0]);
        process.signal(nix::sys::signal::Signal::SIGTERM);
        process.wait_gone();
        wait_until("the service has ended", || (pair.state()[0] == "inactive").then_some(()));
        assert_eq!(unix(&path), "4 web");
        // Starting the service starts its sockets.
        systemd.must(&["stop", &pair.names[1], &pair.names[0]]);
        systemd.must(&["start", &pair.names[0]]);
        assert_eq!(pair.state()[1], "active");
        assert_eq!(tcp(port), "3 web");
        drop(pair);
        dir.nothing_left();
    }
}

#[test]
fn enabling_the_service_enables_its_sockets() {
    let Some(systemd) = Systemd::shared() else { return };
    let dir = Dir::new();
    let path = format!("--listen-stream={}", dir.join("s").display());
    let pair = Pair::generate(systemd, &dir, "it-sockets-enabled", &[&path]);
    systemd.must(&["enable", "--runtime", &pair.names[0]]);
    let enabled = pair.names.clone().map(|name| systemd.systemctl(["is-enabled", &name]).stdout);
    assert_eq!(enabled.map(|state| state.trim().to_owned()), ["enabled-runtime", "enabled-runtime"]);
    systemd.must(&["disable", "--runtime", &pair.names[0]]);
}

#[test]
fn service_and_socket_units_are_written_together() {
    let dir = Dir::new();
    let words = ["gen-unit", "--listen-stream=80", "--socket-user=www", "--name=web"];
    Svc::new(&dir)
        .args(words)
        .args(["--", "/bin/web"])
        .stdout(
            "# web.service\n[Unit]\nRequires=web.socket\n\n[Service]\nType=exec\nExecStart=/bin/web\nIgnoreSIGPIPE=no\n\n\
             [Install]\nWantedBy=multi-user.target\nAlso=web.socket\n\n\
             # web.socket\n[Socket]\nListenStream=80\nSocketUser=www\n\n[Install]\nWantedBy=sockets.target\n",
        )
        .run();
    let directory = dir.join("out");
    fs::create_dir(&directory).unwrap();
    // The second file cannot be renamed into place, so neither is left.
    fs::create_dir(directory.join("web.socket")).unwrap();
    let output = Svc::new(&dir).args(words).args(["--output", "out", "--", "/bin/web"]).output();
    assert_eq!(output.exit, Exit::Status(1), "{}", output.stderr);
    assert!(output.stderr.starts_with("svcadapt: output 'out/web.socket': "), "{}", output.stderr);
    let left: Vec<_> = fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(left.iter().all(|name| name == "web.socket" || name == "web.service"), "{left:?}");
    Svc::new(&dir)
        .args(["gen-unit", "--listen-stream=80", "--", "/bin/web"])
        .stderr(
            "svcadapt: sockets: the socket unit needs the name of the service, which is not set\n  \
             hint: set one: --name NAME\n",
        )
        .status(2)
        .run();
}
