//! The socket unit beside a service.

use std::fs::File;
use std::process::Command;

use crate::support::{Folder, printed, stderr_of, svcadapt};

#[test]
fn stale_socket_unit_is_reported_and_kept() {
    let folder = Folder::new();
    let directory = folder.path().to_str().unwrap();
    let plain = ["gen-unit", "--name=web", "--output", directory, "--", "/bin/true"];
    assert_eq!(stderr_of(&svcadapt(plain)), "");
    printed(["gen-unit", "--name=web", "--listen-stream=80", "--output", directory, "--", "/bin/true"]);
    let socket = || std::fs::read_to_string(folder.path().join("web.socket")).unwrap();
    let before = socket();
    let output = svcadapt(plain);
    let reported = format!(
        "svcadapt: output '{directory}/web.socket': an older socket unit is still there, and systemd would use it for \
         web.service\n  hint: if it is not needed, run 'systemctl disable --now' on it and remove it\n"
    );
    assert_eq!((output.status.code(), stderr_of(&output)), (Some(0), reported.clone()));
    let service = || std::fs::read_to_string(folder.path().join("web.service")).unwrap();
    assert!(!service().contains("web.socket"));
    folder.write("web.service", "mine");
    let output = svcadapt(["gen-unit", "--strict", "--name=web", "--output", directory, "--", "/bin/true"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(stderr_of(&output).starts_with(&reported), "{}", stderr_of(&output));
    assert_eq!((service().as_str(), socket()), ("mine", before));
}

#[test]
fn units_in_one_file_are_reported_and_can_be_split() {
    let folder = Folder::new();
    let words = ["gen-unit", "--name=web", "--listen-stream=80", "--", "/bin/true"];
    let both = folder.path().join("both");
    let output = Command::new(env!("CARGO_BIN_EXE_svcadapt"))
        .args(words)
        .stdout(File::create(&both).unwrap())
        .output()
        .unwrap();
    assert_eq!(
        stderr_of(&output),
        "svcadapt: output: web.service and web.socket are in one output file, each below a line with its name\n  \
         hint: --output DIR writes separate files\n"
    );
    let output = svcadapt(words);
    assert_eq!(stderr_of(&output), "", "a script that splits them knows");
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(text, std::fs::read_to_string(&both).unwrap());
    let units: Vec<_> = text.strip_prefix("# web.service\n").unwrap().split("\n# web.socket\n").collect();
    printed(["gen-unit", "--output", folder.path().to_str().unwrap()].iter().chain(&words[1..]));
    for (name, unit) in ["web.service", "web.socket"].into_iter().zip(units) {
        assert_eq!(std::fs::read_to_string(folder.path().join(name)).unwrap(), unit);
    }
}

#[test]
fn sockets_under_another_name_are_reported_and_not_opened() {
    let folder = Folder::new();
    let path = |name: &str| folder.path().join(name).display().to_string();
    let service =
        "[Service]\nExecStart=/bin/true\nStandardOutput=null\n\n[Install]\nWantedBy=multi-user.target\n";
    folder.write("web.service", service);
    folder.write("web.socket", "[Socket]\nListenStream=80\n");
    let enabled = folder.path().join("sockets.target.wants");
    std::fs::create_dir(&enabled).unwrap();
    std::os::unix::fs::symlink("../web.socket", enabled.join("web.socket")).unwrap();
    folder.write("admin.socket", "[Socket]\nListenStream=81\nService=web.service\n");
    folder.write("other.socket", "[Socket]\nListenStream=82\nService=other.service\n");
    let reported = format!(
        "svcadapt: {}:3: Service=: these sockets of web.service are not read: only those of web.socket are\n",
        std::fs::canonicalize(folder.path()).unwrap().join("admin.socket").display()
    );
    // Without a loss for systemd.
    printed(["gen-unit", "--strict", &path("web.service")]);
    for command in [&["show"][..], &["gen-plist", "--svcadapt=/opt/svcadapt"]] {
        let output = svcadapt([command, &[&path("web.service")]].concat());
        assert_eq!((output.status.code(), stderr_of(&output)), (Some(0), reported.clone()), "{command:?}");
        assert!(!String::from_utf8(output.stdout).unwrap().contains("81"));
    }
    assert_eq!(svcadapt(["gen-plist", "--strict", &path("web.service")]).status.code(), Some(2));
    std::fs::remove_file(folder.path().join("admin.socket")).unwrap();
    folder.write("web.service", &service.replace("\n\n", "\nSockets=other.socket\n\n"));
    let output = svcadapt(["run", "--dry-run", &path("web.service")]);
    assert!(
        stderr_of(&output)
            .contains(":4: Sockets=: not honoured here: only sockets of the unit with the service")
    );
    let output = svcadapt(["gen-plist", "--svcadapt=/opt/svcadapt", &path("web.service")]);
    assert_eq!(
        stderr_of(&output),
        format!(
            "svcadapt: {}:4: Sockets=other.socket: lost: only sockets of the unit with the service's own name are read\n",
            path("web.service")
        )
    );
}
