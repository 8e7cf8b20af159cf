//! The processes of a service: which one it is, when it is started again, and what is left of it.

use super::host::{Host, Service};
use super::table::Cell;

/// Host and service agree on the process.
pub(super) fn main_pid(host: &Host) -> Cell {
    let mut cell = Cell::default();
    let program = host.program("main.sh", "echo $$ >>[D]/main.pids; exec sleep 600");
    let real = host.program("forks.sh", "echo $$ >>[D]/forks.pids; exec sleep 600");
    let forks = format!("{} {real}", host.at("daemonic"));
    host.start(&[
        Service::new("main", "--restart always --restart-sec 10ms", program),
        Service::new("forks", "--type forking", forks),
    ]);
    let first = host.first("main.pids");
    cell.check("that of a program", host.becomes(&format!("main_is main {first}")));
    host.shell(&format!("signal main {first} KILL"));
    let second = host.lines("main.pids", 2).pop().unwrap_or_default();
    cell.check("that of the next start", first != second && host.becomes(&format!("main_is main {second}")));
    let daemon = host.first("forks.pids");
    cell.check("that of a self-forking program", host.becomes(&format!("main_is forks {daemon}")));
    let stopped = host.holds("stop forks") && host.becomes(&format!("ended forks {daemon}"));
    cell.check("a self-forking program is stopped", stopped);
    host.shell("stop main");
    cell
}

/// Nothing that a service has started outlives its stop or its crash.
pub(super) fn whole_tree(host: &Host) -> Cell {
    let mut cell = Cell::default();
    // In sessions of their own, the second one without the environment of the service.
    for (name, clear) in [("leaf", ""), ("clean", "env -i ")] {
        host.program(&format!("{name}.sh"), &format!("echo $$ >>[D]/$1.tree; exec {clear}sleep 600"));
    }
    let program = host.program(
        "tree.sh",
        "for leaf in leaf clean; do [D]/daemonic --forks 2 [D]/$leaf.sh $1; done\n\
         echo $$ >>[D]/$1.pids; exec sleep 600",
    );
    let options = "--kill-mode control-group";
    host.start(
        &["tree-stop", "tree-crash"].map(|name| Service::new(name, options, format!("{program} {name}"))),
    );
    for name in ["tree-stop", "tree-crash"] {
        host.lines(&format!("{name}.pids"), 1);
        host.lines(&format!("{name}.tree"), 2);
    }
    let tree = |name: &str| host.read(&format!("{name}.tree")).replace('\n', " ");
    let (stopped, crashed) = (tree("tree-stop"), tree("tree-crash"));
    cell.check("the tree is there", [&stopped, &crashed].iter().all(|pids| pids.split(' ').count() == 3));
    host.shell("stop tree-stop");
    cell.check("at a stop", host.becomes(&format!("all_ended tree-stop {stopped}")));
    // A supervisor starts it again, with another tree.
    let main = host.first("tree-crash.pids");
    host.shell(&format!("signal tree-crash {main} KILL"));
    cell.check("after a crash", host.becomes(&format!("all_ended tree-crash {crashed}")));
    host.shell("stop tree-crash");
    cell
}

/// A failure leads to another start, after a pause and not for ever; success does not.
pub(super) fn restart(host: &Host) -> Cell {
    let mut cell = Cell::default();
    let twice = host.program(
        "twice.sh",
        "date +%s%N >>[D]/twice.log; [ $(wc -l <[D]/twice.log) -ge 3 ] || exit 1; exec sleep 600",
    );
    let once = host.program("once.sh", "echo start >>[D]/once.log; exit 0");
    let fails = host.program("fails.sh", "echo start >>[D]/fails.log; exit 1");
    host.start_once(&[
        Service::new("twice", "--restart on-failure --restart-sec 500ms", twice),
        Service::new("once", "--restart on-failure --restart-sec 10ms", once),
        Service::new(
            "fails",
            "--restart on-failure --restart-sec 10ms --start-limit-burst 3 --start-limit-interval-sec 1h",
            fails,
        ),
    ]);
    let times: Vec<u64> = host.lines("twice.log", 3).iter().filter_map(|line| line.parse().ok()).collect();
    cell.check("after a failure", times.len() == 3);
    let pauses = times.windows(2).all(|pair| pair[1] - pair[0] >= 500_000_000);
    cell.check("after the pause", times.len() > 1 && pauses);
    host.lines("fails.log", 3);
    // What would start them again does so within two seconds.
    host.shell("holds_for 2 true");
    cell.check("not more often than the limit", host.read("fails.log").lines().count() == 3);
    cell.check("not after success", host.read("once.log").lines().count() == 1);
    host.shell("stop twice; stop once; stop fails");
    cell
}
