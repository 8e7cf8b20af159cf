//! Credentials: what the program finds in `$CREDENTIALS_DIRECTORY`, and what is left of it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;
use std::thread;

use nix::sys::stat::Mode;
use nix::unistd::{User, geteuid, mkfifo};

use crate::harness::{Capability, Dir, Exit, Service, Svc, require, wait_until};

/// Prints each credential with its content, and the modes and owners of the files and of their directory.
const SHOW: &str = "cd \"$CREDENTIALS_DIRECTORY\" && for file in *; do echo \"$file=$(cat \"$file\")\"; done; \
                    stat -c '%a %u %n' . *";

/// The user as which services run: another one, if that is possible.
fn user() -> (Vec<&'static str>, u32) {
    if geteuid().is_root() {
        (vec!["--user=nobody"], User::from_name("nobody").unwrap().unwrap().uid.as_raw())
    } else {
        (Vec::new(), geteuid().as_raw())
    }
}

/// The place of a service's credentials, where this is known beforehand.
fn place(service: &Service) -> Option<PathBuf> {
    let base =
        if geteuid().is_root() { PathBuf::from("/run") } else { std::env::var_os("XDG_RUNTIME_DIR")?.into() };
    Some(base.join("credentials").join(format!("{}.service", service.name())))
}

fn is_gone(service: &Service) -> bool {
    place(service).is_none_or(|place| !place.exists())
}

#[test]
fn credentials_are_files_of_the_user_alone_and_go_with_the_service() {
    let dir = Dir::new().owned_by("nobody");
    let (user, uid) = user();
    for mode in ["classic", "supervised"] {
        let service = Service::new();
        let secret = dir.write("secret", "file\n");
        fs::set_permissions(&secret, fs::Permissions::from_mode(0o644)).unwrap();
        fs::create_dir_all(dir.join("many/sub")).unwrap();
        dir.write("many/a", "1");
        dir.write("many/sub/b", "2");
        let _ = symlink("/etc/shadow", dir.join("many/link"));
        let _ = mkfifo(&dir.join("many/fifo"), Mode::from_bits_truncate(0o600));
        let load = |id: &str, path: &str| format!("--load-credential={id}:{}", dir.join(path).display());
        Svc::new(&dir)
            .args(["run", "--mode", mode, "--type", "oneshot", "--name", service.name()])
            .args([format!("--standard-output=truncate:{}", dir.join("seen").display())])
            .args(&user)
            .args([load("file", "secret"), load("all", "many"), load("default", "missing")])
            .args([
                "--load-credential=nowhere",
                "--set-credential=default:a b",
                "--set-credential=file:unused",
            ])
            .args(["--set-credential=bytes:\\x41\\n%d$x"])
            .args(["--", "/bin/sh", "-c", SHOW])
            .run();
        let names = ["all_a", "all_sub_b", "bytes", "default", "file"];
        let contents = "all_a=1\nall_sub_b=2\nbytes=A\n%d$x\ndefault=a b\nfile=file\n";
        let modes: String = names.map(|name| format!("400 {uid} {name}\n")).concat();
        assert_eq!(dir.read("seen"), format!("{contents}500 {uid} .\n{modes}"), "{mode}");
        wait_until("the credentials are removed", || is_gone(&service).then_some(()));
    }
}

#[test]
fn credentials_of_a_pattern_are_imported_under_their_new_names() {
    let dir = Dir::new();
    let service = Service::new();
    let store = dir.join("store");
    fs::create_dir_all(store.join("app.directory")).unwrap();
    for (name, text) in [("app.a", "1"), ("app.b", "2"), ("one", "3"), ("more", "4"), ("fifth", "5")] {
        dir.write(&format!("store/{name}"), text);
    }
    let fifth = dir.join("store/fifth");
    let run = |import: &[&str]| {
        Svc::new(&dir)
            .args(["run", "--mode", "supervised", "--name", service.name()])
            .args(import)
            .args([format!("--load-credential=loaded:{}", fifth.display())])
            .args(["--set-credential=one:lost", "--set-credential=set:6"])
            .args([
                "--",
                "/bin/sh",
                "-c",
                "cd $CREDENTIALS_DIRECTORY; for f in *; do echo $f=$(cat $f); done",
            ])
            .env("CREDENTIALS_DIRECTORY", &store)
            .output()
            .stdout
    };
    let rest = "loaded=5\n";
    assert_eq!(
        run(&["--import-credential=app.*:new.", "--import-credential=one", "--import-credential=nowhere"]),
        format!("{rest}new.a=1\nnew.b=2\none=3\nset=6\n")
    );
    // What is loaded counts before what is found.
    assert_eq!(
        run(&["--import-credential=more:loaded", "--import-credential=one:other"]),
        format!("{rest}one=lost\nother=3\nset=6\n")
    );
    let all = run(&["--import-credential=*"]);
    assert!(all.starts_with("app.a=1\napp.b=2\nfifth=5\nloaded=5\nmore=4\none=3\n"), "{all}");
    for (word, why) in [("a?", "not a name of credentials"), ("*a*", "not a name of credentials")] {
        let refused = Svc::new(&dir).args(["run", "--import-credential", word, "--", "true"]).output();
        let expected = format!(
            "svcadapt: --import-credential '{word}': {why}\n  hint: a * is allowed at the end, and neither ? nor [\n"
        );
        assert_eq!((refused.stderr, refused.exit), (expected, Exit::Status(2)));
    }
    assert!(is_gone(&service));
}

#[test]
fn credential_from_a_socket_names_the_unit_and_is_bounded() {
    let dir = Dir::new();
    let service = Service::new();
    let listener = UnixListener::bind(dir.join("socket")).unwrap();
    let asked = thread::spawn(move || {
        let (mut stream, peer) = listener.accept().unwrap();
        stream.write_all(b"from a socket").unwrap();
        format!("{peer:?}")
    });
    Svc::new(&dir)
        .args(["run", "--mode", "supervised", "--name", service.name()])
        .args([format!("--load-credential=key:{}", dir.join("socket").display())])
        .args(["--", "/bin/sh", "-c", "cat $CREDENTIALS_DIRECTORY/key"])
        .stdout("from a socket")
        .run();
    let wanted = format!("/unit/{}.service/key", service.name());
    let peer = asked.join().unwrap();
    assert!(!cfg!(target_os = "linux") || peer.contains(&wanted), "{peer}");
    assert!(is_gone(&service));
}

#[test]
fn credential_that_cannot_be_read_fails_the_start_and_leaves_nothing() {
    let dir = Dir::new();
    mkfifo(&dir.join("fifo"), Mode::from_bits_truncate(0o600)).unwrap();
    fs::File::create(dir.join("huge")).unwrap().set_len(1 << 40).unwrap();
    for (path, cause) in [
        ("missing", "no such file or directory"),
        ("fifo", "not a regular file"),
        ("huge", "all credentials together are larger than 1048576 bytes"),
    ] {
        for mode in ["classic", "supervised"] {
            let service = Service::new();
            Svc::new(&dir)
                .args(["run", "--mode", mode, "--name", service.name(), "--set-credential=good:x"])
                .args([format!("--load-credential=key:{}", dir.join(path).display())])
                .args(["--", "/bin/true"])
                .stderr(&format!("svcadapt: credentials '[ANY].service': key from [DIR]/{path}: {cause}\n"))
                .status(243)
                .run();
            assert!(is_gone(&service), "{mode} {path}");
        }
    }
}

#[test]
fn credentials_are_removed_after_a_crash_and_read_again_at_a_restart() {
    let dir = Dir::new();
    let service = Service::new();
    let secret = dir.write("secret", "old");
    let script = format!(
        "cat $CREDENTIALS_DIRECTORY/key >>{seen}; echo >>{seen}; printf new >{secret}; kill -KILL $$",
        seen = dir.join("seen").display(),
        secret = secret.display(),
    );
    let _ = Svc::new(&dir)
        .args(["run", "--mode", "supervised", "--name", service.name(), "--restart=on-failure"])
        .args(["--restart-sec=1ms", "--start-limit-burst=2", "--start-limit-interval-sec=1h"])
        .args([format!("--load-credential=key:{}", secret.display())])
        .args(["--", "/bin/sh", "-c", &script])
        .output();
    assert_eq!(dir.read("seen"), "old\nnew\n");
    assert!(is_gone(&service));
}

#[test]
fn credentials_of_a_unit_are_found_at_its_specifier_and_by_its_commands() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    let seen = dir.join("seen").display().to_string();
    let service = Service::new();
    let unit = format!(
        "[Service]\nType=oneshot\nSetCredential=key:%%d \\x41\\n\nEnvironment=KEY=%d/key\n\
         ExecStartPre=/bin/sh -c \"cat $$KEY >>{seen}\"\nExecStart=/bin/cat ${{CREDENTIALS_DIRECTORY}}/key\n\
         StandardOutput=append:{seen}\n"
    );
    let file = dir.write(&format!("{}.service", service.name()), &unit).display().to_string();
    for mode in ["classic", "supervised"] {
        Svc::new(&dir).args(["run", "--mode", mode, &file]).run();
        assert_eq!(dir.read("seen"), "%%d A\n%%d A\n", "{mode}");
        wait_until("the credentials are removed", || {
            (is_gone(&service) && !service.record().exists()).then_some(())
        });
        fs::remove_file(dir.join("seen")).unwrap();
    }
}

#[test]
fn credential_without_a_name_of_the_service_is_refused() {
    Svc::new(&Dir::new())
        .args(["run", "--set-credential=a:b", "--load-credential=a/b:/c", "--", "/bin/true"])
        .stderr(
            "svcadapt: --load-credential 'a/b:/c': not a name of a credential\n  \
             hint: write ID:VALUE; an ID has printable ASCII characters without : and /\n",
        )
        .status(2)
        .run();
}

#[test]
fn credentials_of_an_ordinary_user_are_private_to_it() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new().owned_by("nobody");
    let uid = User::from_name("nobody").unwrap().unwrap().uid.as_raw();
    let service = Service::of(uid);
    for mode in ["classic", "supervised"] {
        let script = "echo $CREDENTIALS_DIRECTORY; cat $CREDENTIALS_DIRECTORY/key; stat -c '%a %u' $CREDENTIALS_DIRECTORY";
        Svc::new(&dir)
            .by("nobody")
            .args(["run", "--mode", mode, "--type", "oneshot", "--name", service.name()])
            .args([format!("--standard-output=truncate:{}", dir.join("seen").display())])
            .args(["--set-credential=key:value\\n", "--", "/bin/sh", "-c", script])
            .run();
        let seen = dir.read("seen");
        let (place, rest) = seen.split_once('\n').unwrap();
        assert_eq!(rest, format!("value\n500 {uid}\n"), "{mode}");
        wait_until("the credentials are removed", || (!PathBuf::from(place).exists()).then_some(()));
    }
}
