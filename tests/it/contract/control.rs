//! Control by name: who has the service is asked, and does it.

use super::host::{Host, Service};
use super::table::Cell;

/// Every command acts on the service through its manager, and what was stopped stays so.
pub(super) fn control(host: &Host) -> Cell {
    let mut cell = Cell::default();
    let program = host.program("control.sh", "echo $$ >>[D]/control.pids; exec sleep 600");
    host.start(&[Service::new("control", "--restart always --restart-sec 10ms", program)]);
    let pid = |count: usize| host.lines("control.pids", count).pop().unwrap_or_default();
    let first = pid(1);
    cell.check("status finds it", host.becomes(&format!("svcadapt_finds control {first}")));
    cell.check("restart", host.holds("control_of control restart"));
    let second = pid(2);
    let restarted = first != second && host.becomes(&format!("svcadapt_finds control {second}"));
    cell.check("status after the restart", restarted && host.holds(&format!("ended control {first}")));
    cell.check("stop", host.holds("control_of control stop"));
    cell.check("status after the stop", host.becomes("svcadapt_finds_no control"));
    // The time in which each of these managers would have started it again.
    let stays = format!("holds_for 2 ended control {second} && svcadapt_finds_no control");
    cell.check("it stays stopped", host.holds(&stays) && host.read("control.pids").lines().count() == 2);
    cell.check("a second stop succeeds", host.holds("control_of control stop"));
    cell.check("start", host.holds("start_by_control control"));
    let third = pid(3);
    cell.check("status after the start", host.becomes(&format!("svcadapt_finds control {third}")));
    host.shell("stop control");
    cell
}
