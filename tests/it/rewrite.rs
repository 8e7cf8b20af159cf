//! A file rewritten for its own host keeps every byte that no option, version or loss changes.

mod plist;
mod unit;

use crate::support::{Folder, stderr_of, svcadapt};

/// The output of this command for a file of this name and text, and what it reports on standard error. It must succeed.
fn rewritten_with_reports(command: &str, name: &str, text: &str, options: &[&str]) -> (String, String) {
    let folder = Folder::new();
    folder.write(name, text);
    let file = folder.path().join(name).display().to_string();
    let output = svcadapt([&[command, &file], options].concat());
    assert!(output.status.success(), "{}", stderr_of(&output));
    (String::from_utf8(output.stdout.clone()).unwrap(), stderr_of(&output).replace(&file, name))
}
