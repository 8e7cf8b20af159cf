//! The pid file and the lock: complete when the launcher returns, never in the way after the end, and one service at a
//! time.

use std::fs;
use std::path::PathBuf;

use nix::sys::signal::Signal;

use super::becomes;
use crate::harness::{Dir, Exit, Process, Service, Svc, wait_until};

/// The directory of root's pid files, and of another user's here.
fn pid_file(dir: &Dir, service: &Service) -> PathBuf {
    if nix::unistd::geteuid().is_root() {
        PathBuf::from(format!("/run/{}.pid", service.name()))
    } else {
        dir.join("service.pid")
    }
}

#[test]
fn pid_file_exists_from_readiness_until_a_clean_end() {
    let (dir, service) = (Dir::new(), Service::new());
    let path = pid_file(&dir, &service);
    let option = format!("pid-file={}", path.display());
    let words = ["--set", &option, "--signal", "TERM=tell", "enter", "ready", "signals"];
    for _ in 0..5 {
        becomes(&dir, &service, &words).run();
        let main = service.main();
        assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", main.pid()));
        main.signal(Signal::SIGTERM);
        main.wait_gone();
        assert!(fs::symlink_metadata(&path).is_err(), "the pid file is still there");
        assert!(!service.lock().exists(), "the lock is still there");
    }
}

#[test]
fn pid_file_with_another_pid_is_not_removed() {
    let (dir, service) = (Dir::new(), Service::new());
    let path = pid_file(&dir, &service);
    let option = format!("pid-file={}", path.display());
    becomes(&dir, &service, &["--set", &option, "--signal", "TERM=tell", "enter", "ready", "signals"]).run();
    fs::write(&path, "1\n").unwrap();
    let main = service.main();
    main.signal(Signal::SIGTERM);
    main.wait_gone();
    assert_eq!(fs::read_to_string(&path).unwrap(), "1\n");
    fs::remove_file(&path).unwrap();
}

#[test]
fn pid_file_is_removed_after_a_panic() {
    let (dir, service) = (Dir::new(), Service::new());
    let path = pid_file(&dir, &service);
    let option = format!("pid-file={}", path.display());
    becomes(&dir, &service, &["--set", &option, "enter", "ready", "panic=ouch"]).run();
    wait_until("the pid file is gone", || fs::symlink_metadata(&path).is_err().then_some(()));
    // The file is removed a moment before the process ends.
    let program = dir.join("becomes");
    wait_until("its process is gone", || Process::of_program(&program).is_empty().then_some(()));
    dir.nothing_left();
}

#[test]
fn second_start_is_refused_and_names_the_running_process() {
    let (dir, service) = (Dir::new(), Service::new());
    becomes(&dir, &service, &["enter", "ready", "stay"]).run();
    let main = service.main();
    becomes(&dir, &service, &["enter", "ready", "stay"])
        .stderr("start '[NAME]': already running as process [MAIN]\n")
        .name("[MAIN]", main.pid())
        .status(250)
        .run();
    // `run` and the library share their locks.
    Svc::new(&dir)
        .args(["run", "--mode", "classic", "--name", service.name(), "--", "/bin/sleep", "60"])
        .stderr("svcadapt: start '[NAME]': already running as process [MAIN]\n")
        .name("[NAME]", service.name())
        .name("[MAIN]", main.pid())
        .status(250)
        .run();
    assert_eq!(service.main().pid(), main.pid());
}

#[test]
fn concurrent_starts_leave_one_service() {
    for _ in 0..5 {
        let (dir, service) = (Dir::new(), Service::new());
        let all: Vec<_> =
            (0..6).map(|_| becomes(&dir, &service, &["enter", "ready", "stay"]).spawn()).collect();
        let exits: Vec<Exit> = all.into_iter().map(|one| one.finish().exit).collect();
        assert_eq!(exits.iter().filter(|exit| **exit == Exit::Status(0)).count(), 1, "{exits:?}");
        assert_eq!(exits.iter().filter(|exit| **exit == Exit::Status(250)).count(), 5, "{exits:?}");
        let main = service.main();
        main.signal(Signal::SIGKILL);
        main.wait_gone();
        dir.nothing_left();
    }
}

#[test]
fn killed_service_does_not_block_the_next_start() {
    let (dir, service) = (Dir::new(), Service::new());
    let path = pid_file(&dir, &service);
    let option = format!("pid-file={}", path.display());
    for _ in 0..3 {
        becomes(&dir, &service, &["--set", &option, "enter", "ready", "stay"]).run();
        let main = service.main();
        main.signal(Signal::SIGKILL);
        main.wait_gone();
        assert!(path.exists());
    }
    let output = Svc::new(&dir).args(["status", service.name()]).output();
    assert_eq!(output.exit, Exit::Status(1), "{}", output.stdout);
    fs::write(&path, "garbage").unwrap();
    becomes(&dir, &service, &["--set", &option, "enter", "ready", "stay"]).run();
    assert_eq!(fs::read_to_string(&path).unwrap(), format!("{}\n", service.main().pid()));
}

#[test]
fn untrusted_pid_file_is_refused_before_any_change() {
    let (dir, service) = (Dir::new(), Service::new());
    let target = dir.write("target", "precious");
    let link = dir.join("link");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let output =
        becomes(&dir, &service, &["--set", &format!("pid-file={}", link.display()), "enter", "ready"])
            .output();
    assert_eq!(output.exit, Exit::Status(251), "{}", output.stderr);
    assert!(output.stderr.starts_with("pid file '"), "{}", output.stderr);
    assert_eq!(dir.read("target"), "precious");
}
