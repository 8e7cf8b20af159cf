//! Every field of a spec has its effect on the daemon, and no other one.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::{inspect, run, stop};
use crate::harness::{Capability, Dir, Service, Svc, facts, require};

/// The report of the program with these options.
fn seen(dir: &Dir, options: &[&str]) -> Value {
    let ready = format!("--ready=file:{}", dir.join("report").display());
    run(dir, &[&ready]).args(options).args(inspect(dir)).run();
    let (process, report) = dir.reported();
    stop(&process);
    fs::remove_file(dir.join("report")).unwrap();
    dir.nothing_left();
    report
}

#[test]
fn user_group_and_groups_are_those_set() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new().owned_by("nobody");
    for (options, uid, gid, groups) in [
        (&["--user=nobody"][..], 65534, 65534, json!([65534])),
        (&["-u", "65534"], 65534, 65534, json!([65534])),
        (&["--user=nobody", "--group=daemon"], 65534, 1, json!([1])),
        (&["--user=nobody", "--supplementary-groups=adm,daemon"], 65534, 65534, json!([1, 4, 65534])),
        (
            &["--user=nobody", "--supplementary-groups=4", "--supplementary-groups=1"],
            65534,
            65534,
            json!([1, 4, 65534]),
        ),
        (&["--group=daemon"], 0, 1, json!([])),
    ] {
        let report = seen(&dir, options);
        let ids = |id: u32| json!({ "real": id, "effective": id, "saved": id });
        assert_eq!((&report["uid"], &report["gid"]), (&ids(uid), &ids(gid)), "{options:?}");
        assert_eq!(report["groups"], groups, "{options:?}");
        let none = json!("0000000000000000");
        if uid != 0 {
            for set in ["permitted", "effective", "inheritable", "ambient"] {
                assert_eq!(report["capabilities"][set], none, "{options:?}: {set}");
            }
            assert_eq!(report["env"]["USER"], json!("nobody"));
            assert_eq!(report["env"]["HOME"], json!("/nonexistent"));
        }
    }
}

/// On macOS, setting the group after the supplementary groups leaves root's own among them.
#[test]
fn group_is_set_before_the_supplementary_groups() {
    if !require(Capability::Root) || !require(Capability::Strace) {
        return;
    }
    let dir = Dir::new().owned_by("nobody");
    let svcadapt = env!("CARGO_BIN_EXE_svcadapt");
    // The program is checked and the log opened with the rights of the user `nobody`, which are then restored.
    let line = format!(
        "exec strace -qq -o trace -e trace=setresgid,setgroups,setresuid,getgroups {svcadapt} run --mode supervised \
         --user nobody --standard-error append:{}/log -- /bin/true",
        dir.path().display()
    );
    Svc::new(&dir).program("/bin/sh").args(["-c", &line]).run();
    let trace = dir.read("trace");
    let calls: Vec<&str> =
        trace.lines().filter_map(|line| line.split_once('(').map(|(name, _)| name)).collect();
    let set: Vec<&str> = calls.iter().copied().filter(|name| *name != "getgroups").collect();
    let (there, back) = (["setresgid", "setgroups", "setresuid"], ["setresuid", "setresgid", "setgroups"]);
    let (steps, rest) = set.as_chunks::<3>();
    assert!(rest.is_empty() && steps.len() >= 3 && steps.len() % 2 == 1, "{trace}");
    for (number, step) in steps.iter().enumerate() {
        assert_eq!(*step, if number % 2 == 0 { there } else { back }, "{trace}");
    }
    assert_eq!(calls.last(), Some(&"getgroups"), "{trace}");
}

#[test]
fn ambient_capabilities_of_a_user_are_kept() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new().owned_by("nobody");
    // CAP_KILL is 5, CAP_NET_BIND_SERVICE is 10 (linux/capability.h).
    let report = seen(
        &dir,
        &[
            "--user=nobody",
            "--ambient-capabilities=CAP_NET_BIND_SERVICE",
            "--capability-bounding-set=CAP_NET_BIND_SERVICE CAP_KILL",
            "--no-new-privileges",
        ],
    );
    let bind = json!("0000000000000400");
    let bounding = json!("0000000000000420");
    assert_eq!(
        report["capabilities"],
        json!({ "inheritable": bind, "permitted": bind, "effective": bind, "bounding": bounding, "ambient": bind })
    );
    assert_eq!(report["no_new_privs"], json!(1));
}

#[test]
fn umask_working_directory_and_priorities_are_those_set() {
    let dir = Dir::new();
    for umask in ["0", "022", "0027", "077", "0777"] {
        let report = seen(&dir, &[&format!("--umask={umask}"), "--working-directory=/usr", "--nice=7"]);
        assert_eq!(report["umask"], json!(format!("{:0>4}", umask.trim_start_matches('0'))), "{umask}");
        assert_eq!((&report["cwd"], &report["nice"]), (&json!("/usr"), &json!(7)));
    }
    assert_eq!(seen(&dir, &["--oom-score-adjust=321"])["oom_score_adj"], json!(321));
    let core = json!({ "soft": "1", "hard": "1" });
    assert_eq!(seen(&dir, &["--prevent-core"])["limits"]["Max core file size"], core);
}

#[test]
fn resource_limits_are_all_set() {
    let dir = Dir::new();
    // Below our own limits: only root with CAP_SYS_RESOURCE could raise them.
    let limits = [
        ("cpu", "1h:2h", "Max cpu time", "3600", "7200"),
        ("fsize", "1G:2G", "Max file size", "1073741824", "2147483648"),
        ("data", "2G", "Max data size", "2147483648", "2147483648"),
        ("stack", "4M:16M", "Max stack size", "4194304", "16777216"),
        ("core", "0:4096", "Max core file size", "0", "4096"),
        ("rss", "1G", "Max resident set", "1073741824", "1073741824"),
        ("nofile", "100:200", "Max open files", "100", "200"),
        ("as", "3G:4G", "Max address space", "3221225472", "4294967296"),
        ("nproc", "1000:2000", "Max processes", "1000", "2000"),
        ("memlock", "64K", "Max locked memory", "65536", "65536"),
        ("locks", "10:20", "Max file locks", "10", "20"),
        ("sigpending", "100:200", "Max pending signals", "100", "200"),
        ("msgqueue", "4096:8192", "Max msgqueue size", "4096", "8192"),
        ("nice", "0", "Max nice priority", "0", "0"),
        ("rtprio", "0", "Max realtime priority", "0", "0"),
        ("rttime", "1s:2s", "Max realtime timeout", "1000000", "2000000"),
    ];
    let options: Vec<String> =
        limits.iter().map(|(name, value, ..)| format!("--limit-{name}={value}")).collect();
    let report = seen(&dir, &options.iter().map(String::as_str).collect::<Vec<_>>());
    for (name, _, known, soft, hard) in limits {
        assert_eq!(report["limits"][known], json!({ "soft": soft, "hard": hard }), "{name}");
    }
}

#[test]
fn environment_is_the_one_set() {
    let dir = Dir::new();
    let file = dir.write("environment", "# a comment\nB=from a file\nQ=\"x \\\"y\\\"\"\nA=later\n");
    let options = [
        "run",
        "--mode=classic",
        "--environment=A=1",
        "-E",
        "C=a b=c",
        &format!("--environment-file={}", file.display()),
        "--environment-file=-/no/such/file",
        "--pass-environment=GIVEN NOT_SET",
        "--unset-environment=SHELL",
        &format!("--ready=file:{}", dir.join("report").display()),
    ];
    let svc = Svc::new(&dir).args(options).args(inspect(&dir));
    svc.env("GIVEN", "yes").env("SECRET", "no").env("LD_PRELOAD", "").run();
    let (process, report) = dir.reported();
    let mut env = report["env"].as_object().unwrap().clone();
    // Variables that are addressed to this process.
    assert!(env.remove("SVCADAPT_PROCESS").is_some());
    for known in ["USER", "LOGNAME", "HOME"] {
        // Root's account is not exported unless a user was set.
        assert_eq!(env.remove(known).is_some(), !nix::unistd::geteuid().is_root(), "{known}");
    }
    assert_eq!(
        Value::Object(env),
        json!({
            "A": "later", "B": "from a file", "C": "a b=c", "GIVEN": "yes", "Q": "x \"y\"",
            "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        })
    );
    stop(&process);
    let dirty = Svc::new(&dir).args(options).args(["--clean-environment=no"]).args(inspect(&dir));
    fs::remove_file(dir.join("report")).unwrap();
    dirty.env("SECRET", "shared").run();
    let (process, report) = dir.reported();
    assert_eq!(report["env"]["SECRET"], json!("shared"));
    stop(&process);
    // Nothing else is exported.
    fs::remove_file(dir.join("report")).unwrap();
    let unset = ["--unset-environment=SVCADAPT_PROCESS"];
    Svc::new(&dir).args(options).args(unset).args(inspect(&dir)).env("GIVEN", "yes").run();
    let (process, report) = dir.reported();
    assert!(report["env"].get("SVCADAPT_PROCESS").is_none());
    stop(&process);
}

#[test]
fn standard_streams_are_those_set() {
    let dir = Dir::new();
    let d = dir.path().display();
    dir.write("in", "from a file\n");
    let stream = |which: &str, how: &str, name: &str| format!("--standard-{which}={how}:{d}/{name}");
    let once = |options: &[&str], script: &str| {
        run(&dir, &["--type=oneshot"]).args(options).args(["--", "/bin/sh", "-c", script]).run();
    };
    for (how, expected) in
        [("append", "old old old\nfrom a file\n"), ("file", "from a file\n"), ("truncate", "from a file\n")]
    {
        // A file that is overwritten in place keeps its tail.
        dir.write("out", if how == "file" { "" } else { "old old old\n" });
        once(&[&stream("input", "file", "in"), &stream("output", how, "out")], "cat");
        assert_eq!(dir.read("out"), expected, "{how}");
    }
    dir.write("out", "old old old old old\n");
    once(&[&stream("input", "file", "in"), &stream("output", "file", "out")], "cat");
    assert_eq!(dir.read("out"), "from a file\nold old\n");
    // Both streams in one file: nothing is lost, in any mode.
    for how in ["append", "file", "truncate"] {
        let _ = fs::remove_file(dir.join("both"));
        let script = "for i in 1 2 3; do echo out $i; echo err $i >&2; done";
        once(&[&stream("output", how, "both"), &stream("error", how, "both")], script);
        assert_eq!(dir.read("both"), "out 1\nerr 1\nout 2\nerr 2\nout 3\nerr 3\n", "{how}");
        assert_eq!(fs::metadata(dir.join("both")).unwrap().permissions().mode() & 0o7777, 0o640);
    }
    // Inherited streams are the starter's.
    run(&dir, &["--type=oneshot", "--standard-output=inherit", "--standard-input=inherit", "--", "/bin/cat"])
        .stdin("hello\n")
        .stdout("hello\n")
        .run();
}

#[test]
fn five_service_directories_are_created_and_exported() {
    if !require(Capability::Root) {
        return;
    }
    let (dir, service) = (Dir::new().owned_by("nobody"), Service::new());
    let name = service.name();
    let mut options = vec!["--user=nobody".to_owned()];
    let kinds = [
        ("runtime", "/run", "RUNTIME_DIRECTORY", 0o700, 65534),
        ("state", "/var/lib", "STATE_DIRECTORY", 0o750, 65534),
        ("cache", "/var/cache", "CACHE_DIRECTORY", 0o2775, 65534),
        ("logs", "/var/log", "LOGS_DIRECTORY", 0o755, 65534),
        ("configuration", "/etc", "CONFIGURATION_DIRECTORY", 0o711, 0),
    ];
    for (kind, _, _, mode, _) in kinds {
        options.push(format!("--{kind}-directory={name} {name}/in"));
        options.push(format!("--{kind}-directory-mode={mode:o}"));
    }
    let report = seen(&dir, &options.iter().map(String::as_str).collect::<Vec<_>>());
    for (kind, base, variable, mode, owner) in kinds {
        assert_eq!(report["env"][variable], json!(format!("{base}/{name}:{base}/{name}/in")));
        for path in [Path::new(base).join(name), Path::new(base).join(name).join("in")] {
            let found = fs::metadata(&path).unwrap();
            assert_eq!((found.mode() & 0o7777, found.uid(), found.gid()), (mode, owner, owner), "{kind}");
        }
        fs::remove_dir_all(Path::new(base).join(name)).unwrap();
    }
}

#[test]
fn pid_file_is_complete_when_the_launcher_returns() {
    if !require(Capability::Root) {
        return;
    }
    let (dir, service) = (Dir::new(), Service::new());
    let pid_file = format!("/run/{}.pid", service.name());
    let sleep = dir.program("/bin/sleep").display().to_string();
    for mask in ["000", "077", "777"] {
        let umask = format!("--umask={mask}");
        let options =
            ["--user=nobody", "--name", service.name(), "-p", &pid_file, &umask, "--", &sleep, "60"];
        run(&dir, &options).run();
        let process = service.main();
        assert_eq!(fs::read_to_string(&pid_file).unwrap(), format!("{}\n", process.pid()));
        let found = fs::metadata(&pid_file).unwrap();
        assert_eq!((found.mode() & 0o7777, found.uid(), found.gid()), (0o644, 0, 0));
        // The lock is the one extra descriptor.
        let open = facts(&process.pid().to_string()).unwrap()["fds"].clone();
        assert_eq!(open["32"]["target"], json!(service.lock()));
        stop(&process);
    }
    fs::remove_file(pid_file).unwrap();
}

#[test]
fn preserved_descriptors_reach_the_program() {
    let dir = Dir::new();
    // The hostile starter leaves 7, 50 and 500 open, and a soft limit of 256.
    let service = Service::new();
    let options = ["--files-preserve=7,500", "--name", service.name()];
    let ready = format!("--ready=file:{}", dir.join("report").display());
    run(&dir, &options).args([&ready]).args(inspect(&dir)).via_hostile(&["--only", "fds,nofile"]).run();
    let (process, report) = dir.reported();
    let numbers: Vec<&String> = report["fds"].as_object().unwrap().keys().collect();
    assert_eq!(numbers, ["0", "1", "2", "7", "32", "500"]);
    stop(&process);
}

#[test]
fn root_directory_is_entered() {
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    let root = dir.join("root");
    let linked = Command::new("ldd").arg("/bin/sh").output().unwrap();
    let libraries = String::from_utf8(linked.stdout).unwrap();
    let files = libraries.split_ascii_whitespace().filter(|word| word.starts_with('/'));
    for file in files.chain(["/bin/sh"]) {
        let copy = root.join(&file[1..]);
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(file, copy).unwrap();
    }
    fs::create_dir(root.join("inside")).unwrap();
    let out = format!("--standard-output=append:{}", dir.join("out").display());
    let jail = format!("--root-directory={}", root.display());
    let script = "pwd; echo /*; cd ..; cd ../../..; pwd; [ -e /etc/passwd ] || echo no passwd";
    let options =
        [&jail, &out, "--type=oneshot", "--working-directory=/inside", "--", "/bin/sh", "-c", script];
    run(&dir, &options).run();
    let printed = dir.read("out");
    assert!(printed.starts_with("/inside\n/bin /inside /lib"), "{printed}");
    assert!(printed.ends_with("\n/\nno passwd\n"), "{printed}");
    dir.nothing_left();
}
