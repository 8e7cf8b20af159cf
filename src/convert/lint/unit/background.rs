//! Whether the program stays where `Type=` says that it does.

use super::Unit;
use crate::lint::Findings;
use crate::lint::habit::{Habit, habit};
use crate::lint::rules::life::{BACKGROUND, FOREGROUND};
use crate::unit::commands;

pub(super) fn find(unit: &Unit, findings: &mut Findings) {
    let said = unit.last("Type");
    let kind = said.map_or("simple", |at| at.value());
    // A bus name makes it dbus; what a oneshot service leaves behind may be meant.
    let simple = ["simple", "exec", "idle"].contains(&kind) && unit.last("BusName").is_none();
    for at in unit.all("Service", "ExecStart") {
        let Ok(read) = commands(at.value(), &unit.service.name, &at.file.path) else { continue };
        for command in &read.commands {
            let program = command.program.to_string_lossy();
            let arguments: Vec<_> = command.argv.iter().skip(1).map(|word| word.to_string_lossy()).collect();
            let words: Vec<&str> =
                std::iter::once(&*program).chain(arguments.iter().map(|word| &**word)).collect();
            match (habit(&words), said) {
                (Some(Habit::Background(sign)), _) if simple => {
                    let message = format!(
                        "{sign} sends the program into the background, and Type={kind} waits for none"
                    );
                    findings.add(&BACKGROUND, at.origin(), message);
                }
                (Some(Habit::Foreground(sign)), Some(at)) if kind == "forking" => {
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
