//! A spec that cannot run is refused with a line for each mistake, before anything is created or started.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use nix::sys::stat::Mode;
use nix::unistd::mkfifo;

use super::{contents, run};
use crate::harness::{Capability, Dir, Service, require};

/// Asserts that a good program with bad options is refused with this message and status, and that the directory is
/// unchanged.
fn refused(dir: &Dir, options: &[&str], stderr: &str, status: i32) {
    let program = dir.program("inspect").display().to_string();
    let mut all = options.to_vec();
    all.extend(["--", &program, "--stay"]);
    refused_command(dir, &all, stderr, status);
}

/// The same, with the command among the options.
fn refused_command(dir: &Dir, options: &[&str], stderr: &str, status: i32) {
    dir.program("svcadapt");
    let service = Service::new();
    let before = contents(dir.path());
    let name = format!("--name={}", service.name());
    run(dir, &[&name]).args(options).stderr(stderr).status(status).run();
    assert_eq!(contents(dir.path()), before, "{options:?} has changed something");
    assert!(!service.lock().exists(), "{options:?} has left a lock");
    dir.nothing_left();
}

fn executable(dir: &Dir, name: &str, text: &str) -> String {
    dir.executable(name, text).display().to_string()
}

#[test]
fn missing_user_or_group_is_refused() {
    let dir = Dir::new();
    for (option, stderr, status) in [
        ("--user=no-such-user", "user 'no-such-user': there is no such user\n", 217),
        ("--user=+0", "user '+0': there is no such user\n", 217),
        ("--group=no-such-group", "group 'no-such-group': there is no such group\n", 216),
        ("--supplementary-groups=no-such", "supplementary group 'no-such': there is no such group\n", 216),
        (
            "--user=3999999",
            "user '3999999': no account has this uid, so its group is unknown\n  hint: add --group\n",
            216,
        ),
    ] {
        if option == "--user=3999999" && !require(Capability::Root) {
            continue;
        }
        refused(&dir, &[option], &format!("svcadapt: {stderr}"), status);
    }
    for id in ["4294967295", "-1", "4294967296", ""] {
        let got = run(&dir, &[&format!("--user={id}"), "--", "/bin/true"]).output();
        assert_eq!(got.exit, crate::harness::Exit::Status(2), "{id:?}: {}", got.stderr);
    }
}

#[test]
fn unexecutable_program_is_refused() {
    let dir = Dir::new();
    executable(&dir, "script", "#!/no/such/interpreter -x\n");
    dir.write("plain", "#!/bin/sh\n");
    executable(&dir, "garbage", "\u{1}\u{2}\u{3}");
    fs::create_dir(dir.join("folder")).unwrap();
    symlink("nowhere", dir.join("dangling")).unwrap();
    mkfifo(&dir.join("fifo"), Mode::from_bits_truncate(0o755)).unwrap();
    for (name, cause) in [
        ("missing", "there is no such file\n"),
        ("dangling", "there is no such file\n"),
        ("plain/x", "not a directory\n"),
        ("folder", "it is a directory\n"),
        ("fifo", "it is not a regular file\n"),
        ("plain", "it is not executable\n  hint: chmod +x it\n"),
        ("script", "its interpreter /no/such/interpreter does not exist\n"),
        ("garbage", "exec format error\n"),
    ] {
        let program = dir.join(name).display().to_string();
        refused_command(&dir, &["--", &program], &format!("svcadapt: exec '{program}': {cause}"), 203);
    }
    refused_command(
        &dir,
        &["--", "no-such-program"],
        "svcadapt: exec 'no-such-program': there is no such program in PATH\n  hint: PATH is /usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; write the program as a path\n",
        203,
    );
    refused_command(&dir, &[], "svcadapt: spec: no program to run\n  hint: write it after '--'\n", 2);
}

#[test]
fn program_closed_to_the_service_user_is_refused() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    let program = executable(&dir, "private", "#!/bin/sh\n");
    fs::set_permissions(&program, fs::Permissions::from_mode(0o700)).unwrap();
    let stderr = "svcadapt: exec '[DIR]/private': the service's user may not execute it\n";
    refused_command(&dir, &["--user=nobody", "--", &program], stderr, 203);
}

#[test]
fn missing_directory_or_file_is_refused() {
    let dir = Dir::new();
    let d = dir.path().display().to_string();
    dir.write("file", "");
    for (option, stderr, status) in [
        ("--working-directory=[DIR]/no", "working directory '[DIR]/no': no such file or directory\n", 200),
        ("--working-directory=[DIR]/file", "working directory '[DIR]/file': it is not a directory\n", 200),
        (
            "--root-directory=[DIR]/no",
            "root directory '[DIR]/no': no such file or directory\nsvcadapt: exec '[DIR]/inspect': there is no such file\n",
            210,
        ),
        (
            "--standard-input=file:[DIR]/no",
            "standard input 'file:[DIR]/no': no such file or directory\n",
            208,
        ),
        (
            "--standard-output=append:[DIR]/no/log",
            "standard output 'append:[DIR]/no/log': its directory: no such file or directory\n",
            209,
        ),
        ("--standard-output=[DIR]", "standard output 'append:[DIR]': it is a directory\n", 209),
        (
            "--standard-error=file:[DIR]/file/log",
            "standard error 'file:[DIR]/file/log': its directory: it is not a directory\n",
            222,
        ),
        ("--environment-file=[DIR]/no", "environment file '[DIR]/no': no such file or directory\n", 2),
        ("--environment-file=[DIR]", "environment file '[DIR]': is a directory\n", 2),
    ] {
        let stderr = format!("svcadapt: {stderr}");
        if option.starts_with("--root") {
            let got = run(&dir, &[&option.replace("[DIR]", &d), "--", "/bin/true"]).output();
            assert!(got.stderr.contains("root directory '"), "{}", got.stderr);
            continue;
        }
        refused(&dir, &[&option.replace("[DIR]", &d)], &stderr, status);
    }
}

/// The file may be in a directory of the service's user, who could make svcadapt wait for ever or wake a device.
#[test]
fn environment_file_must_be_a_regular_file() {
    let dir = Dir::new();
    let fifo = dir.join("fifo");
    mkfifo(&fifo, Mode::S_IRUSR | Mode::S_IWUSR).unwrap();
    // Held open, so that a reader never reaches its end.
    let writer = fs::OpenOptions::new().read(true).write(true).open(&fifo).unwrap();
    symlink("/dev/zero", dir.join("device")).unwrap();
    for name in ["fifo", "device"] {
        let path = dir.join(name).display().to_string();
        let stderr = format!("svcadapt: environment file '{path}': not a regular file\n");
        run(&dir, &[&format!("--environment-file={path}"), "--", "/bin/true"])
            .stderr(&stderr)
            .status(2)
            .run();
    }
    drop(writer);
}

#[test]
fn log_not_writable_by_an_ordinary_user_is_refused() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    let open = dir.join("theirs");
    fs::create_dir(&open).unwrap();
    // As root, for a user, in a directory of root's: root creates the log. In another user's directory it is refused.
    let user = nix::unistd::User::from_name("daemon").unwrap().unwrap();
    nix::unistd::chown(&open, Some(user.uid), Some(user.gid)).unwrap();
    let log = open.join("log").display().to_string();
    let option = format!("--standard-error={log}");
    let stderr = "svcadapt: standard error 'append:[DIR]/theirs/log': permission denied\n";
    refused(&dir, &["--user=nobody", &option], stderr, 222);
    // As the user, who cannot write to root's directory either.
    let program = dir.program("inspect").display().to_string();
    dir.program("svcadapt");
    let before = contents(dir.path());
    run(&dir, &[&option, "--", &program, "--stay"]).by("nobody").stderr(stderr).status(222).run();
    assert_eq!(contents(dir.path()), before);
    // A link to a file of root's.
    let secret = dir.write("secret", "root's own\n");
    fs::set_permissions(&secret, fs::Permissions::from_mode(0o600)).unwrap();
    symlink(&secret, open.join("link")).unwrap();
    let option = format!("--standard-error={}", open.join("link").display());
    refused(
        &dir,
        &["--user=daemon", &option],
        "svcadapt: standard error 'append:[DIR]/theirs/link': permission denied\n",
        222,
    );
    assert_eq!(dir.read("secret"), "root's own\n");
    dir.nothing_left();
}

#[test]
fn untrusted_pid_file_is_refused() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    let name = format!("it-pid-{}", std::process::id());
    let home = Path::new("/run").join(&name);
    fs::create_dir(&home).unwrap();
    let d = home.display().to_string();
    let target = dir.write("target", "4711\n");
    let make = |name: &str, mode: u32| {
        fs::write(home.join(name), "1\n").unwrap();
        fs::set_permissions(home.join(name), fs::Permissions::from_mode(mode)).unwrap();
        home.join(name)
    };
    symlink(&target, home.join("link")).unwrap();
    symlink("nowhere", home.join("dangling")).unwrap();
    mkfifo(&home.join("fifo"), Mode::from_bits_truncate(0o644)).unwrap();
    fs::create_dir(home.join("folder")).unwrap();
    fs::hard_link(make("two", 0o644), home.join("names")).unwrap();
    make("writable", 0o666);
    let theirs = make("theirs", 0o644);
    nix::unistd::chown(&theirs, Some(65534.into()), None).unwrap();
    let open = home.join("open");
    fs::create_dir(&open).unwrap();
    fs::set_permissions(&open, fs::Permissions::from_mode(0o1777)).unwrap();
    let of_user = home.join("of-user");
    fs::create_dir(&of_user).unwrap();
    nix::unistd::chown(&of_user, Some(65534.into()), None).unwrap();
    symlink(&of_user, home.join("by-link")).unwrap();
    let remove = "  hint: remove it, and find out who put it there\n";
    let elsewhere = "  hint: put it directly into /run\n";
    let before = contents(&home);
    for (file, cause, hint) in [
        ("link", "it is a symbolic link", remove),
        ("dangling", "it is a symbolic link", remove),
        ("fifo", "it is not a regular file", remove),
        ("folder", "it is not a regular file", remove),
        ("names", "it has several hard links", remove),
        ("writable", "other users can write it", remove),
        ("theirs", "it belongs to another user", remove),
        ("open/x", &format!("users other than root can write in {d}/open"), elsewhere),
        ("of-user/x", &format!("users other than root can write in {d}/of-user"), elsewhere),
        ("by-link/x", &format!("users other than root can write in {d}/of-user"), elsewhere),
        ("no/x", "no such file or directory", ""),
    ] {
        let path = format!("{d}/{file}");
        let option = format!("--pid-file={path}");
        refused(&dir, &[&option], &format!("svcadapt: pid file '{path}': {cause}\n{hint}"), 251);
        // The same for a service without a name.
        let program = dir.program("inspect").display().to_string();
        run(&dir, &[&option, "--", &program, "--stay"])
            .stderr(&format!("svcadapt: pid file '{path}': {cause}\n{hint}"))
            .status(251)
            .run();
    }
    assert_eq!(contents(&home), before);
    assert_eq!(dir.read("target"), "4711\n");
    dir.nothing_left();
    fs::remove_dir_all(&home).unwrap();
}

#[test]
fn invalid_option_value_is_refused() {
    let dir = Dir::new();
    for (option, stderr) in [
        ("--umask=0999", "--umask '0999': not an octal number between 0 and 777\n"),
        (
            "--ready=maybe",
            "--ready 'maybe': unknown readiness probe\n  hint: use notify, fd[:N], tcp:[HOST:]PORT, unix:PATH, http://HOST:PORT/PATH, file:PATH, dbus:NAME, log:REGEX, exec:COMMAND or alive:TIME\n",
        ),
        (
            "--ready=tcp:99999",
            "--ready 'tcp:99999': not a port from 1 to 65535\n  hint: write tcp:8080 or tcp:127.0.0.1:8080\n",
        ),
    ] {
        refused(&dir, &[option], &format!("svcadapt: {stderr}"), 2);
    }
    for option in [
        "--ready=fd:0",
        "--ready=fd:2",
        "--ready=unix:/a/../b",
        "--ready=exec:",
        "--name=../x",
        "--name=.x",
        "--name=",
        "--nice=20",
        "--nice=-21",
        "--oom-score-adjust=1001",
        "--limit-nofile=2:1",
        "--limit-cpu=x",
        "--timeout-start-sec=soon",
        "--timeout-start-sec=-1",
        "--environment=NO",
        "--environment=1A=x",
        "--working-directory=/a/../b",
        "--pid-file=/a/../b",
        "--runtime-directory=../x",
        "--runtime-directory=/x",
        "--capability-bounding-set=CAP_NOTHING",
        "--prevent-core=perhaps",
        "--type=maybe",
        "--files-preserve=2",
        "--files-preserve=x",
        "--standard-output=apend:x",
        "--no-such-option=1",
        "--mode=maybe",
    ] {
        let before = contents(dir.path()).len();
        // The program is copied first, so that the copy does not count as a change.
        let got = run(&dir, &[option, "--", "/bin/true"]).output();
        assert_eq!(got.exit, crate::harness::Exit::Status(2), "{option}: {}", got.stderr);
        assert!(!got.stderr.is_empty() && got.stdout.is_empty(), "{option}");
        assert!(!got.stderr.contains("panicked"), "{option}: {}", got.stderr);
        assert!(contents(dir.path()).len() - before <= 1, "{option} has made something");
    }
}

#[test]
fn ignored_environment_file_line_is_reported_by_number() {
    let dir = Dir::new();
    let file = dir.write("environment", "A=1\nexport B=2\n# fine\nC=3\nnonsense\n");
    let option = format!("--environment-file={}", file.display());
    let got = run(&dir, &[&option, "--type=oneshot", "--", "/bin/true"]).output();
    assert_eq!(got.exit, crate::harness::Exit::Status(0), "{}", got.stderr);
    let lines: Vec<&str> = got.stderr.lines().filter(|line| line.starts_with("svcadapt: ")).collect();
    assert_eq!(lines.len(), 2, "{}", got.stderr);
    for (line, number) in lines.iter().zip(["2", "5"]) {
        let place = format!("svcadapt: environment file '{}:{number}': ", file.display());
        assert!(line.starts_with(&place), "{line}");
    }
    // With a minus the file may be missing.
    run(
        &dir,
        &[&format!("--environment-file=-{}/no", dir.path().display()), "--type=oneshot", "--", "/bin/true"],
    )
    .run();
}

#[test]
fn all_mistakes_of_a_command_line_are_reported_at_once() {
    let dir = Dir::new();
    refused(
        &dir,
        &["--umask=0999", "--ready=maybe", "--nice=99", "--working-directory=/here/..", "--environment=X"],
        "svcadapt: --umask '0999': [ANY]\nsvcadapt: --working-directory '/here/..': [ANY]\nsvcadapt: --environment 'X': [ANY]\n  hint: [ANY]\nsvcadapt: --nice '99': [ANY]\nsvcadapt: --ready 'maybe': [ANY]\n  hint: [ANY]\n",
        2,
    );
    // Mistakes that depend on the machine are reported at once, too.
    refused(
        &dir,
        &[
            "--user=no-such",
            "--working-directory=/no/such",
            "--standard-output=/no/such/log",
            "--environment-file=/no/such",
        ],
        "svcadapt: user 'no-such': there is no such user\nsvcadapt: environment file '/no/such': no such file or directory\nsvcadapt: working directory '/no/such': no such file or directory\nsvcadapt: standard output 'append:/no/such/log': its directory: no such file or directory\n",
        217,
    );
}

#[test]
fn root_only_options_are_refused_to_others_before_any_change() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    let program = dir.program("inspect").display().to_string();
    dir.program("svcadapt");
    let before = contents(dir.path());
    for (option, stderr, status) in [
        (
            "--user=root",
            "user 'root': only root can become another user\nsvcadapt: group 'root': only root can change groups\n",
            217,
        ),
        ("--group=root", "group 'root': only root can change groups\n", 216),
        ("--supplementary-groups=adm", "group 'adm': only root can change groups\n", 216),
        (
            "--root-directory=/",
            "root directory '/': operation not permitted\n  hint: only root can change the root directory\n",
            210,
        ),
        ("--capability-bounding-set=", "bounding set 'none': operation not permitted\n", 218),
        (
            "--ambient-capabilities=CAP_NET_BIND_SERVICE",
            "ambient capabilities 'CAP_NET_BIND_SERVICE': operation not permitted\n",
            218,
        ),
    ] {
        run(&dir, &[option, "--", &program, "--stay"])
            .by("nobody")
            .stderr(&format!("svcadapt: {stderr}"))
            .status(status)
            .run();
    }
    assert_eq!(contents(dir.path()), before);
    dir.nothing_left();
}
