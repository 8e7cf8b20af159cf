//! What a service says of itself: ready, its status, reloaded, alive.

use std::thread;

use super::host::{Host, Service};
use super::table::Cell;
use crate::harness::{Exit, free_port};

/// Every probe holds when its program has done its part, and not before.
pub(super) fn readiness(host: &Host) -> Cell {
    let mut cell = Cell::default();
    // What is lost is not waited for.
    host.expect(true);
    let (tcp, http) = (free_port(), free_port());
    host.program("ready-exec.test", "exec test -e [D]/ready-exec.done");
    let probes = [
        ("notify", "notify".to_owned(), "exec [D]/announce [D]/ready-notify.log say=READY=1 stay".to_owned()),
        ("fd", "fd:7".to_owned(), "echo >&7; exec 7>&- sleep 600".to_owned()),
        ("tcp", format!("tcp:{tcp}"), format!("exec [D]/inspect --listen tcp:{tcp} --stay")),
        (
            "unix",
            format!("unix:{}", host.at("ready-unix.socket")),
            "exec [D]/inspect --listen unix:[D]/ready-unix.socket --stay".to_owned(),
        ),
        ("http", format!("http://127.0.0.1:{http}/"), format!("exec [D]/http {http}")),
        (
            "file",
            format!("file:{}", host.at("ready-file.done")),
            ": >[D]/ready-file.done; exec sleep 600".to_owned(),
        ),
        (
            "exec",
            format!("exec:{}", host.at("ready-exec.test")),
            ": >[D]/ready-exec.done; exec sleep 600".to_owned(),
        ),
        ("log", "log:up.now".to_owned(), "echo up now; exec sleep 600".to_owned()),
    ];
    let mut services = Vec::new();
    for (name, probe, deed) in &probes {
        let name = format!("ready-{name}");
        host.gate(&format!("{name}.gate"));
        let program = host.program(
            &format!("{name}.sh"),
            &format!("echo $$ >>[D]/{name}.started\nread _ <[D]/{name}.gate\n{deed}"),
        );
        services.push(Service::new(name, format!("--ready {probe}"), program));
    }
    let stays = host.program("stays.sh", "echo $$ >>[D]/$1.started; exec sleep 600");
    services.push(Service::new("ready-late", "--ready alive:1h", format!("{stays} ready-late")));
    services.push(Service::new("ready-soon", "--ready alive:100ms", format!("{stays} ready-soon")));
    let never = "--ready file:/nowhere/x --timeout-start-sec 1";
    services.push(Service::new("ready-never", never, format!("{stays} ready-never")));
    host.start(&services);
    for name in probes.iter().map(|(name, ..)| *name).chain(["late", "soon", "never"]) {
        host.lines(&format!("ready-{name}.started"), 1);
    }
    // gen-unit and gen-plist say which probes are lost there.
    let is_lost = |name: &str| host.read(&format!("ready-{name}.said")).contains("--ready: lost");
    let watched = |last: &'static str| {
        let names = probes.iter().map(|(name, ..)| *name).chain([last]).filter(|name| !is_lost(name));
        names.fold(String::new(), |all, name| all + " ready-" + name)
    };
    let early = host.shell(&format!("which_are ready {}", watched("late"))).stdout;
    for (name, ..) in &probes {
        host.open(&format!("ready-{name}.gate"));
    }
    let all = watched("soon");
    let late = host.shell(&format!("within $patience all_are ready {all}; which_are ready {all}")).stdout;
    let has = |text: &str, name: &str| text.lines().any(|line| line == format!("ready-{name}"));
    for (name, ..) in &probes {
        cell.check(name, !has(&early, name) && has(&late, name));
    }
    cell.check("alive", !has(&early, "late") && has(&late, "soon"));
    let pid = host.first("ready-never.started");
    let ended = !is_lost("never") && host.becomes(&format!("ended ready-never {pid}"));
    cell.check("not ready in time: it ends", ended);
    let names = ["late", "soon", "never"].into_iter().chain(probes.iter().map(|(name, ..)| *name));
    host.shell(&names.fold("stop_all".to_owned(), |all, name| all + " ready-" + name));
    cell
}

/// What the program says of its state is shown, before it is ready and afterwards.
pub(super) fn status_text(host: &Host) -> Cell {
    let mut cell = Cell::default();
    let gate = host.gate("text.gate");
    let log = host.at("text.log");
    let program =
        format!("{} {log} say=STATUS=loading wait={gate} say=READY=1,STATUS=open stay", host.at("announce"));
    host.start(&[Service::new("text", "--ready notify", program)]);
    cell.check("while it starts", host.becomes("shows text loading"));
    host.open("text.gate");
    cell.check("while it runs", host.becomes("shows text open"));
    host.shell("stop text");
    cell
}

/// A reload returns when it is done, and with a failure if it fails.
pub(super) fn reload(host: &Host) -> Cell {
    let mut cell = Cell::default();
    let gate = host.gate("reload.gate");
    let (announce, log) = (host.at("announce"), host.at("reload.log"));
    let reloads = format!(
        "{announce} {log} say=READY=1 signal say=RELOADING=1,MONOTONIC_USEC=@NOW wait={gate} say=READY=1 stay"
    );
    let fails = format!("{announce} {} say=READY=1 stay", host.at("reload-fails.log"));
    host.start(&[
        Service::new("reload", "--type notify-reload", reloads),
        Service::new("reload-fails", "--ready notify --exec-reload /bin/false", fails),
    ]);
    cell.check("the services are ready", host.becomes("ready reload") && host.becomes("ready reload-fails"));
    let done = thread::scope(|scope| {
        let command = scope.spawn(|| host.shell("reload reload"));
        cell.check("the program gets it", host.lines("reload.log", 2).contains(&"signal 1".to_owned()));
        let early = command.is_finished();
        host.open("reload.gate");
        !early && command.join().unwrap().exit == Exit::Status(0)
    });
    cell.check("it returns when the reload is done", done);
    cell.check("a failure is a failure", !host.holds("reload reload-fails"));
    host.shell("stop reload; stop reload-fails");
    cell
}

/// A program that hangs is ended and started again; one that lives is left alone.
pub(super) fn watchdog(host: &Host) -> Cell {
    let mut cell = Cell::default();
    let program = format!(
        "{} {} log=WATCHDOG_USEC say=READY=1 first:signal first:exit=1 later:beat=3000 stay",
        host.at("announce"),
        host.at("watchdog.log")
    );
    let options = "--ready notify --watchdog-sec 2 --restart on-failure --restart-sec 10ms";
    host.start(&[Service::new("watchdog", options, program)]);
    let lines = host.lines("watchdog.log", 6);
    let has = |line: &str| lines.iter().any(|known| known == line);
    cell.check("WATCHDOG_USEC", has("WATCHDOG_USEC=2000000"));
    cell.check("SIGABRT", has("signal 6"));
    cell.check("it is started again", lines.iter().filter(|line| line.starts_with("start ")).count() > 1);
    cell.check("one that reports stays", has("alive"));
    host.shell("stop watchdog");
    cell
}
