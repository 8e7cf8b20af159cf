//! What the job and its file are called.

use super::View;
use crate::lint::Findings;
use crate::lint::rules::key::{FILE_NAME, LABEL, NO_LABEL};

pub(super) fn find(view: &View, findings: &mut Findings) {
    match view.node("Label") {
        None => findings.add(&NO_LABEL, view.document.whole(), "the job has no Label"),
        Some(node) => {
            let Some(label) = node.text() else { return };
            let file = view.path.file_name().unwrap_or_default().to_string_lossy();
            if label.is_empty() {
                findings.add(&NO_LABEL, view.origin(node), "the Label is empty");
            } else if label.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/') {
                let message = format!("'{}' cannot be said to launchctl", label.escape_debug());
                findings.add(&LABEL, view.origin(node), message);
            } else if file != format!("{label}.plist") {
                let message = format!("the job is '{}', and the file '{file}'", label.escape_debug());
                findings.add(&FILE_NAME, view.origin(node), message);
            }
        }
    }
}
