//! User, groups, directories and privileges of the service.

use std::fs;
use std::os::unix::fs::MetadataExt;

use serde_json::json;

use super::{becomes, logged, seen};
use crate::harness::{Capability, Dir, Service, require};

fn ids(id: u32) -> serde_json::Value {
    json!({ "real": id, "effective": id, "saved": id })
}

#[test]
fn user_change_is_permanent_and_drops_the_starters_groups() {
    if !require(Capability::Root) {
        return;
    }
    let (dir, service) = (Dir::new().owned_by("nobody"), Service::new());
    let words = ["--set", "user=nobody", "--set", "supplementary-groups=12", "enter", "ready", "stay"];
    becomes(&dir, &service, &words).via_hostile(&["--only", "groups"]).run();
    let now = seen(&service);
    assert_eq!((&now["uid"], &now["gid"]), (&ids(65_534), &ids(65_534)));
    assert_eq!(now["groups"], json!([12, 65_534]));
    for set in ["inheritable", "permitted", "effective", "ambient"] {
        assert_eq!(now["capabilities"][set], "0000000000000000", "{set}");
    }
}

#[test]
fn daemon_of_root_drops_the_starters_groups() {
    if !require(Capability::Root) {
        return;
    }
    let (dir, service) = (Dir::new(), Service::new());
    becomes(&dir, &service, &["enter", "ready", "stay"]).via_hostile(&["--only", "groups"]).run();
    assert_eq!(seen(&service)["groups"], json!([]));
}

#[test]
fn uid_without_an_account_needs_a_group() {
    if !require(Capability::Root) {
        return;
    }
    let (dir, service) = (Dir::new(), Service::new());
    becomes(&dir, &service, &["--set", "user=54321", "enter"])
        .stderr("user '54321': no account has this uid, so its group is unknown\n  hint: add group\n")
        .status(216)
        .run();
    becomes(&dir, &service, &["--set", "user=54321", "--set", "group=54322", "enter", "ready", "stay"]).run();
    let now = seen(&service);
    assert_eq!((&now["uid"], &now["gid"], &now["groups"]), (&ids(54_321), &ids(54_322), &json!([54_322])));
}

#[test]
fn work_before_the_privilege_drop_runs_as_root() {
    if !require(Capability::Root) {
        return;
    }
    let (dir, service) = (Dir::new(), Service::new());
    let secret = dir.write("secret", "x");
    fs::set_permissions(&secret, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let open = format!("sh=id -u; cat {}", secret.display());
    let words = ["--keep-privileges", "--set", "user=nobody", "--set", "working-directory=/tmp", "enter"];
    let deeds = ["ready", &open, "thread", "drop-privileges", "exit=9"];
    // Not ready while it is root, nor with capabilities that only one thread would drop.
    becomes(&dir, &service, &[&words[..], &deeds].concat())
        .stderr("becomes: start '[NAME]': the program ended with status 9 before it was ready\n")
        .status(9)
        .run();
    logged(&dir, "ready: Err(PrivilegesKept)");
    logged(&dir, "sh: \"0\\nx\"");
    logged(&dir, "drop-privileges: Err(Threads { count: 2 })");
    let deeds = ["drop-privileges", "drop-privileges", "sh=id -u; pwd", "ready", "stay"];
    becomes(&dir, &service, &[&words[..], &deeds].concat()).run();
    logged(&dir, "drop-privileges: Ok(())");
    logged(&dir, "drop-privileges: Err(PrivilegesDropped)");
    logged(&dir, "sh: \"65534\\n/tmp\\n\"");
    let now = seen(&service);
    assert_eq!((&now["uid"], &now["gid"], &now["groups"]), (&ids(65_534), &ids(65_534), &json!([65_534])));
    assert_eq!(now["cwd"], "/tmp");
}

/// The account files are the test's own and visible only to its processes.
#[test]
fn user_removed_before_the_privilege_drop_is_an_error() {
    if !require(Capability::Root) {
        return;
    }
    let (dir, service) = (Dir::new(), Service::new());
    let program = dir.program("becomes").display().to_string();
    let path = dir.path().display();
    for (change, stderr) in [
        (
            "sed -i /^itvanish:/d /etc/passwd",
            "user 'itvanish': there is no such user\n  hint: it existed when the start began",
        ),
        (
            "sed -i s/^itvanish:x:4711:/itvanish:x:4712:/ /etc/passwd",
            "user 'itvanish': its uid changed after the start began: it is 4712 and was 4711",
        ),
    ] {
        fs::write(
            dir.join("passwd"),
            fs::read_to_string("/etc/passwd").unwrap() + "itvanish:x:4711:65534::/:/bin/false\n",
        )
        .unwrap();
        let text = format!(
            "mount --bind '{path}' /mnt && cp '{path}/passwd' /mnt/passwd.own && mount --bind /mnt/passwd.own /etc/passwd && \
             exec '{program}' --log '{path}/log' --detach yes --set name={} --set user=itvanish --keep-privileges \
             enter 'sh={}' drop-privileges exit=7",
            service.name(),
            // A file that is a mount cannot be renamed over.
            change
                .replace("sed -i ", "sed ")
                .replace(" /etc/passwd", &format!(" '{path}/passwd' > /etc/passwd")),
        );
        let output = crate::harness::Svc::new(&dir)
            .program("/usr/bin/unshare")
            .args(["--mount", "/bin/sh", "-c", &text])
            .output();
        assert_eq!(output.exit, crate::harness::Exit::Status(7), "{}", output.stderr);
        let log = dir.read("log");
        assert!(log.contains("drop-privileges: Err(Step(StepError { stage: \"user\""), "{log}");
        let cause = stderr.lines().next().unwrap().split_once(": ").unwrap().1;
        assert!(log.contains(cause), "{log}");
        fs::remove_file(dir.join("log")).unwrap();
    }
}

#[test]
fn root_directory_working_directory_and_umask_are_set() {
    if !require(Capability::Root) {
        return;
    }
    let (dir, service) = (Dir::new(), Service::new());
    fs::create_dir_all(dir.join("jail/inside")).unwrap();
    let jail = format!("root-directory={}", dir.join("jail").display());
    let words = ["--set", &jail, "--set", "working-directory=/inside", "--set", "umask=077"];
    becomes(&dir, &service, &[&words[..], &["enter", "report=/here", "ready", "stay"]].concat())
        .stderr("Error: Os { code: 2, kind: NotFound, message: \"No such file or directory\" }\nbecomes: start '[NAME]': the program ended with status 1 before it was ready\n")
        .status(1)
        .run();
    becomes(&dir, &service, &[&words[..], &["enter", "ready", "stay"]].concat()).run();
    let now = seen(&service);
    let jail = dir.join("jail").display().to_string();
    assert_eq!((&now["root"], &now["cwd"]), (&json!(jail), &json!(format!("{jail}/inside"))));
    assert_eq!(now["umask"], "0077");
    for (option, stderr, status) in [
        ("working-directory=/nowhere", "working directory '/nowhere': no such file or directory\n", 200),
        ("root-directory=/nowhere", "root directory '/nowhere': no such file or directory\n", 210),
        ("umask=1000", "umask '1000': not an octal number between 0 and 777\n", 2),
    ] {
        let other = Service::new();
        becomes(&dir, &other, &["--set", option, "enter"]).stderr(stderr).status(status).run();
    }
}

#[test]
fn working_directory_closed_to_the_user_is_refused_by_the_launcher() {
    if !require(Capability::Root) {
        return;
    }
    let (dir, service) = (Dir::new(), Service::new());
    let pid_file = format!("/run/{}.pid", service.name());
    let option = format!("pid-file={pid_file}");
    becomes(&dir, &service, &["--set", "user=nobody", "--set", "working-directory=/root", "--set", &option, "enter"])
        .stderr("becomes: working directory '/root': permission denied\n  hint: the service's user may not enter it\n")
        .status(200)
        .run();
    assert!(fs::metadata(&pid_file).is_err() && !service.lock().exists());
    dir.nothing_left();
}

#[test]
fn prevent_core_disables_core_dumps() {
    let (dir, service) = (Dir::new(), Service::new());
    becomes(&dir, &service, &["--set", "prevent-core=yes", "enter", "ready", "stay"])
        .via_hostile(&["--only", "core"])
        .run();
    let limit = &seen(&service)["limits"]["Max core file size"];
    assert_eq!((&limit["soft"], &limit["hard"]), (&json!("1"), &json!("1")));
    // Other processes of the user cannot read its memory: its files in /proc belong to root.
    let pid = service.main().pid();
    assert_eq!(fs::metadata(format!("/proc/{pid}/environ")).unwrap().uid(), 0);
}

#[test]
fn ambient_capability_is_kept_and_the_others_dropped() {
    if !require(Capability::Root) {
        return;
    }
    let (dir, service) = (Dir::new().owned_by("nobody"), Service::new());
    let words = [
        "--set",
        "user=nobody",
        "--set",
        "ambient-capabilities=CAP_NET_BIND_SERVICE",
        "--set",
        "no-new-privileges=yes",
    ];
    becomes(&dir, &service, &[&words[..], &["enter", "bind=127.0.0.1:17", "ready", "stay"]].concat()).run();
    logged(&dir, "bind: Ok(())");
    let now = seen(&service);
    for set in ["permitted", "effective", "inheritable", "ambient"] {
        assert_eq!(now["capabilities"][set], "0000000000000400", "{set}");
    }
    assert_eq!(now["no_new_privs"], 1);
}
