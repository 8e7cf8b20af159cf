//! The names of the job and of its file.

use super::view::JobView;
use crate::lint::Findings;
use crate::lint::rules::key::{FILE_NAME, LABEL, NO_LABEL};

pub(super) fn check(view: &JobView, findings: &mut Findings) {
    match view.node("Label") {
        None => findings.add(&NO_LABEL, view.document.whole(), "job has no Label"),
        Some(node) => {
            let Some(label) = node.text() else { return };
            let file = view.path.file_name().unwrap_or_default().to_string_lossy();
            if label.is_empty() {
                findings.add(&NO_LABEL, view.origin(node), "Label is empty");
            } else if label.contains(|c: char| c.is_whitespace() || c.is_control() || c == '/') {
                let message = format!("launchctl cannot address '{}'", label.escape_debug());
                findings.add(&LABEL, view.origin(node), message);
            } else if file != format!("{label}.plist") {
                let message = format!("Label is '{}', but the file is '{file}'", label.escape_debug());
                findings.add(&FILE_NAME, view.origin(node), message);
            }
        }
    }
}
