//! What a program has when it begins, and what is left when it has ended.

use std::fs;
use std::os::unix::fs::MetadataExt;

use serde_json::{Value, json};

use super::host::{Host, Service};
use super::table::Cell;

/// Starts `inspect` with these options, and returns its report.
fn report(host: &Host, name: &str, options: &str) -> Value {
    let out = format!("open/{name}.report");
    let program = format!("{} --out {} --stay", host.at("inspect"), host.at(&out));
    host.start(&[Service::new(name, options, program)]);
    Host::wait(name, || serde_json::from_str(&host.read(&out)).ok()).unwrap_or(Value::Null)
}

/// The user, exactly the groups, and no more rights than specified.
pub(super) fn identity(host: &Host) -> Cell {
    let mut cell = Cell::default();
    let user = "--user nobody --group daemon --supplementary-groups adm";
    // macOS has neither.
    let rights = " --no-new-privileges --capability-bounding-set CAP_NET_BIND_SERVICE";
    let linux = !host.is("launchd");
    let seen = report(host, "identity", &format!("{user}{}", if linux { rights } else { "" }));
    let all = |id: u32| json!({ "real": id, "effective": id, "saved": id });
    cell.check("user and group", (&seen["uid"], &seen["gid"]) == (&all(65534), &all(1)));
    let mut groups: Vec<u64> =
        seen["groups"].as_array().into_iter().flatten().filter_map(Value::as_u64).collect();
    groups.retain(|group| *group != 1);
    // The account is in its own group.
    cell.check("groups", groups == [4] || groups == [4, 65534]);
    if linux {
        cell.check("no new privileges", seen["no_new_privs"] == 1);
        let bounding = seen["capabilities"]["bounding"]
            .as_str()
            .is_some_and(|set| u64::from_str_radix(set, 16) == Ok(1 << 10));
        cell.check("capabilities", bounding && seen["capabilities"]["effective"] == "0000000000000000");
    }
    host.shell("stop identity");
    cell
}

pub(super) fn umask_directory_root(host: &Host) -> Cell {
    let mut cell = Cell::default();
    let seen = report(host, "place", "--umask 027 --working-directory /usr/share");
    cell.check("umask", seen["umask"] == "0027");
    cell.check("directory", seen["cwd"] == "/usr/share");
    let root = host.at("root");
    let made = format!(
        "mkdir -p {root}/usr {root}/out && mount --bind /usr {root}/usr && ln -s usr/bin usr/lib usr/lib64 {root} && : >{root}/here"
    );
    assert!(host.holds(&made), "{}: there is no other root", host.name());
    host.program("root/within.sh", "[ -e /here ] && pwd >/out/seen; exec sleep 600");
    host.start(&[Service::new(
        "root",
        format!("--root-directory {root} --working-directory /usr"),
        "/bin/sh /within.sh",
    )]);
    let seen = Host::wait("root", || Some(host.read("root/out/seen")).filter(|text| text.ends_with('\n')));
    cell.check("root", seen.as_deref() == Some("/usr\n"));
    host.shell(&format!("stop place; stop root; umount {root}/usr"));
    cell
}

pub(super) fn limits(host: &Host) -> Cell {
    let mut cell = Cell::default();
    let linux = !host.is("launchd");
    let score = if linux { " --oom-score-adjust 321" } else { "" };
    let seen = report(host, "limits", &format!("--limit-nofile 300:600 --nice 5{score}"));
    let files = &seen["limits"]["Max open files"];
    cell.check("limits", *files == json!({ "soft": "300", "hard": "600" }));
    cell.check("nice level", seen["nice"] == 5);
    if linux {
        cell.check("OOM score", seen["oom_score_adj"] == 321);
    }
    host.shell("stop limits");
    cell
}

pub(super) fn environment_and_directories(host: &Host) -> Cell {
    let mut cell = Cell::default();
    fs::write(host.at("variables"), "FILE=from a file\nGONE=1\n").unwrap();
    let directories =
        ["runtime", "state", "cache", "logs"].map(|kind| format!("--{kind}-directory own-{kind}")).join(" ");
    let options = format!(
        "--user nobody --environment OWN=word --environment-file {} --unset-environment GONE --runtime-directory-mode 0750 {directories}",
        host.at("variables")
    );
    let seen = report(host, "places", &options);
    let environment = &seen["env"];
    cell.check("variables", environment["OWN"] == "word");
    cell.check("environment file", environment["FILE"] == "from a file");
    cell.check("removed variables", environment["GONE"] == Value::Null && environment["OWN"] != Value::Null);
    let above = [("runtime", "/run"), ("state", "/var/lib"), ("cache", "/var/cache"), ("logs", "/var/log")];
    let place = |kind: &str, above: &str| host.path(&format!("{above}/own-{kind}"));
    for (kind, above) in above {
        let found =
            fs::metadata(place(kind, above)).is_ok_and(|found| found.is_dir() && found.uid() == 65534);
        let variable = format!("{}_DIRECTORY", kind.to_uppercase());
        cell.check(
            &format!("{kind} directory"),
            found && environment[&variable] == format!("{above}/own-{kind}"),
        );
    }
    let mode = fs::metadata(place("runtime", "/run")).map(|found| found.mode() & 0o7777);
    cell.check("mode", mode.is_ok_and(|mode| mode == 0o750));
    host.shell("stop places");
    let removed =
        host.soon("the runtime directory goes", || (!place("runtime", "/run").exists()).then_some(()));
    cell.check("the end of the runtime directory", removed.is_some() && place("state", "/var/lib").exists());
    cell
}

/// A pid file names the program while it runs. An old one prevents no start.
pub(super) fn pid_file(host: &Host) -> Cell {
    let mut cell = Cell::default();
    fs::write(host.path("/run/stale.pid"), "1\n").unwrap();
    let program = host.program("pid.sh", "echo $$ >>[D]/$1.pids; exec sleep 600");
    host.start(
        &["fresh", "stale"].map(|name| {
            Service::new(name, format!("--pid-file /run/{name}.pid"), format!("{program} {name}"))
        }),
    );
    let names = |name: &str| {
        let pid = host.lines(&format!("{name}.pids"), 1).pop().unwrap_or_default();
        let file = || fs::read_to_string(host.path(&format!("/run/{name}.pid"))).ok();
        Host::wait("the pid file", || file().filter(|text| text.trim_end() == pid)).is_some()
    };
    cell.check("it names the program", names("fresh"));
    cell.check("an old one is replaced", names("stale"));
    host.shell("stop fresh; stop stale");
    let gone = |name: &str| !host.path(&format!("/run/{name}.pid")).exists();
    let removed = host.soon("they are removed", || (gone("fresh") && gone("stale")).then_some(()));
    cell.check("it goes at the end", removed.is_some());
    cell
}
