//! Files at the path of a socket, and what a start does with them.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::net::{UnixDatagram, UnixListener};
use std::path::Path;

use super::{end, serving, stop, unix};
use crate::harness::{Capability, Dir, Exit, Process, Svc, free_port, leave_behind, require, this_process};

/// Asserts that a start at this path is refused with this cause and changes nothing.
fn refused(dir: &Dir, path: &Path, cause: &str) {
    let listen = format!("--listen-stream={}", path.display());
    serving(dir, "classic", &[&listen])
        .stderr("svcadapt: listen '[PATH]': [CAUSE]\n")
        .name("[PATH]", path.display())
        .name("[CAUSE]", cause)
        .status(202)
        .run();
}

fn in_use() -> String {
    format!("address already in use\n  hint: {} listens there", this_process())
}

#[test]
fn stale_socket_is_replaced_and_a_used_one_refused() {
    let dir = Dir::new();
    let path = dir.join("s");
    leave_behind(UnixListener::bind(&path).unwrap(), &path);
    let listen = format!("--listen-stream={}", path.display());
    serving(&dir, "classic", &[&listen, "--file-descriptor-name=one"]).run();
    let (process, _) = dir.reported();
    assert_eq!(unix(&path), "3 one");
    fs::rename(dir.join("report"), dir.join("first")).unwrap();
    refused(&dir, &path, "address already in use\n  hint: process [ANY] listens there");
    assert_eq!(unix(&path), "3 one");
    fs::rename(dir.join("first"), dir.join("report")).unwrap();
    stop(&dir, &process);
    // A socket of another kind is in use or stale as well.
    fs::remove_file(&path).unwrap();
    let held = UnixDatagram::bind(&path).unwrap();
    refused(&dir, &path, &in_use());
    leave_behind(held, &path);
    serving(&dir, "classic", &[&listen]).run();
    stop(&dir, &dir.reported().0);
    dir.nothing_left();
}

#[test]
fn non_socket_at_the_path_is_refused_and_kept() {
    let dir = Dir::new();
    let (path, other) = (dir.join("s"), dir.write("precious", "text"));
    symlink(&other, &path).unwrap();
    let link = "a symbolic link is in its place\n  hint: remove it, and find out who put it there";
    refused(&dir, &path, link);
    fs::remove_file(&path).unwrap();
    // A dangling link would let svcadapt create a file at its target.
    symlink(dir.join("nowhere"), &path).unwrap();
    refused(&dir, &path, link);
    assert!(!dir.join("nowhere").exists());
    fs::remove_file(&path).unwrap();
    let no_socket = "a file that is not a socket is in its place\n  hint: remove it if it is not needed";
    fs::write(&path, "precious").unwrap();
    refused(&dir, &path, no_socket);
    assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
    fs::remove_file(&path).unwrap();
    fs::create_dir(&path).unwrap();
    refused(&dir, &path, no_socket);
    assert!(path.is_dir() && dir.read("precious") == "text");
    dir.nothing_left();
}

#[test]
fn socket_directory_writable_by_others_is_refused_for_root() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    let open = dir.join("open");
    fs::create_dir(&open).unwrap();
    let mode = |bits| fs::set_permissions(&open, fs::Permissions::from_mode(bits)).unwrap();
    mode(0o777);
    let cause = format!(
        "users other than root and the service's can write in {}\n  \
         hint: put it directly into /run",
        open.display()
    );
    refused(&dir, &open.join("s"), &cause);
    refused(&dir, &open.join("deeper/s"), &cause);
    assert!(fs::read_dir(&open).unwrap().next().is_none());
    // In a sticky directory no user can remove another's file, and the service's own user is trusted.
    mode(0o1777);
    let listen = format!("--listen-stream={}", open.join("s").display());
    serving(&dir, "classic", &[&listen]).run();
    stop(&dir, &dir.reported().0);
    mode(0o755);
    std::os::unix::fs::chown(&open, Some(65_534), Some(65_534)).unwrap();
    let dir = dir.owned_by("nobody");
    for group in ["daemon", "nogroup"] {
        // In a directory of that user's, everything is done with that user's rights except for changing the owner; and
        // a stale socket of any user is replaced.
        let group = format!("--socket-group={group}");
        serving(&dir, "classic", &[&listen, "--user=nobody", "--socket-mode=0620", &group]).run();
        let made = fs::symlink_metadata(open.join("s")).unwrap();
        assert_eq!((made.uid(), made.mode() & 0o777), (65_534, 0o620));
        stop(&dir, &dir.reported().0);
        std::os::unix::fs::lchown(open.join("s"), Some(0), None).unwrap();
    }
    dir.nothing_left();
}

#[test]
fn failed_start_removes_its_sockets() {
    let dir = Dir::new();
    let (new, deep) = (dir.join("s"), dir.join("a/b/s"));
    let listen = [&new, &deep].map(|path| format!("--listen-stream={}", path.display()));
    let program = dir.program("inspect").display().to_string();
    // It looks executable, but the kernel refuses it.
    let garbage = dir.executable("garbage", "\u{7f}none").display().to_string();
    for mode in ["classic", "supervised"] {
        let words = ["run", "--mode", mode, &listen[0], &listen[1], "--", &garbage];
        let output = Svc::new(&dir).args(words).output();
        assert_eq!(output.exit, Exit::Status(203), "{}", output.stderr);
        assert!(!new.exists() && !dir.join("a").exists(), "{mode}");
    }
    // The program was executed and ended too early.
    let output = Svc::new(&dir)
        .args([
            "run",
            "--mode=classic",
            "--ready=notify",
            &listen[0],
            &listen[1],
            "--",
            &program,
            "--exit",
            "7",
        ])
        .output();
    assert_eq!(output.exit, Exit::Status(7), "{}", output.stderr);
    assert!(!new.exists() && !dir.join("a").exists());
    // The second socket fails, so the first one is removed.
    let port = free_port();
    let held = std::net::TcpListener::bind(("0.0.0.0", port)).unwrap();
    let both = [format!("--listen-stream={}", new.display()), format!("--listen-stream=0.0.0.0:{port}")];
    serving(&dir, "classic", &[&both[0], &both[1]])
        .stderr(&format!("svcadapt: listen '0.0.0.0:[PORT]': {}\n", in_use()))
        .name("[PORT]", port)
        .status(202)
        .run();
    assert!(!new.exists());
    drop(held);
    dir.nothing_left();
}

#[test]
fn concurrent_starts_leave_one_socket_owner() {
    let dir = Dir::new();
    let path = dir.join("s");
    let program = dir.program("inspect").display().to_string();
    for round in 0..5 {
        if round % 2 == 0 {
            let _ = fs::remove_file(&path);
            leave_behind(UnixListener::bind(&path).unwrap(), &path);
        }
        let starts: Vec<_> = (0..8)
            .map(|number| {
                let report = dir.join(&format!("report.{number}")).display().to_string();
                Svc::new(&dir)
                    .args(["run", "--mode=classic", &format!("--listen-stream={}", path.display())])
                    .args(["--file-descriptor-name=one"])
                    .args([format!("--ready=file:{report}"), "--".into(), program.clone()])
                    .args(["--out", &report, "--serve"])
                    .spawn()
            })
            .collect();
        let ends: Vec<_> = starts.into_iter().map(crate::harness::Running::finish).collect();
        let won = ends.iter().filter(|end| end.exit == Exit::Status(0)).count();
        assert_eq!(won, 1, "{ends:#?}");
        for lost in ends.iter().filter(|end| end.exit != Exit::Status(0)) {
            assert_eq!(lost.exit, Exit::Status(202), "{}", lost.stderr);
            assert!(lost.stderr.contains("address already in use"), "{}", lost.stderr);
        }
        assert_eq!(unix(&path), "3 one");
        let mut left = Process::of_program(&dir.join("inspect"));
        assert_eq!(left.len(), 1);
        let process = left.pop().unwrap();
        end(&process);
        for number in 0..8 {
            let _ = fs::remove_file(dir.join(&format!("report.{number}")));
        }
    }
    dir.nothing_left();
}
