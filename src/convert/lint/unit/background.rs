//! Whether the program goes into the background or stays, as `Type=` expects.

use super::UnitView;
use crate::lint::Findings;
use crate::lint::fork_behavior::{ForkBehavior, fork_behavior};
use crate::lint::rules::lifecycle::{BACKGROUND, FOREGROUND};
use crate::unit::commands;

pub(super) fn check(unit: &UnitView, findings: &mut Findings) {
    let type_line = unit.last("Type");
    let kind = type_line.map_or("simple", |at| at.value());
    // A bus name makes it dbus; processes that a oneshot service leaves behind may be intended.
    let simple = ["simple", "exec", "idle"].contains(&kind) && unit.last("BusName").is_none();
    for at in unit.all("Service", "ExecStart") {
        let Ok(read) = commands(at.value(), &unit.service.name, &at.file.path) else { continue };
        for command in &read.commands {
            let program = command.program.to_string_lossy();
            let arguments: Vec<_> = command.argv.iter().skip(1).map(|word| word.to_string_lossy()).collect();
            let words: Vec<&str> =
                std::iter::once(&*program).chain(arguments.iter().map(|word| &**word)).collect();
            match (fork_behavior(&words), type_line) {
                (Some(ForkBehavior::Background(sign)), _) if simple => {
                    let message = format!(
                        "{sign} sends the program into the background, but Type={kind} expects it in the foreground"
                    );
                    findings.add(&BACKGROUND, at.origin(), message);
                }
                (Some(ForkBehavior::Foreground(sign)), Some(at)) if kind == "forking" => {
                    findings.add(
                        &FOREGROUND,
                        at.origin(),
                        format!("{sign} keeps the program in the foreground"),
                    );
                }
                _ => {}
            }
        }
    }
}
