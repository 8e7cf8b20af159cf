//! Changes an existing property list key by key.
//!
//! As with a unit, the writer is called twice: for the job as it was read, and for the job as it has to become. The
//! difference between the two, key by key, is applied to the user's XML.

mod edit;

use std::io::Cursor;
use std::path::{Path, PathBuf};

use plist::Dictionary;
use svcadapt_spec::{Scope, ServiceName, ServiceSpec, values};

use super::binary::MAGIC;
use super::write::job;
use super::{Label, keys, read};
use crate::divide::{Division, Loss, Subject, Target, divide};
use crate::{Rendered, Rewritten};

/// A property list as it is on disk.
#[derive(Debug, Clone)]
pub struct OriginalJob {
    path: PathBuf,
    xml: Vec<u8>,
    /// Whether the file is binary. Then its values are kept, but the file becomes XML.
    pub binary: bool,
}

impl OriginalJob {
    /// Takes the content of a file. `None` if a binary one has a value that XML cannot represent.
    pub fn new(path: &Path, bytes: Vec<u8>) -> Option<Self> {
        let path = path.to_owned();
        if !bytes.starts_with(MAGIC) {
            return Some(Self { path, xml: bytes, binary: false });
        }
        // Our own reader has accepted it before, so its unfolded size is limited.
        let value = plist::Value::from_reader(Cursor::new(bytes)).ok()?;
        let mut xml = Vec::new();
        value.to_writer_xml(&mut xml).ok()?;
        xml.push(b'\n');
        Some(Self { path, xml, binary: true })
    }

    /// The label, if this is still the name of the service: an adapter may know the service by another name than launchd.
    #[doc(hidden)]
    pub fn label(&self, name: Option<&ServiceName>) -> Option<Label> {
        let job = read(&self.xml, &self.path).ok()?;
        let same = job.draft.finish().ok()?.name.as_ref() == name;
        job.label.filter(|_| same).and_then(|label| Label::parse(label.as_ref()).ok())
    }

    /// Changes this file so that it means `spec`; `anew` is the writer's text for `spec`.
    ///
    /// `None` if that is not possible key by key; then use the writer's text.
    pub fn rewrite(
        &self,
        spec: &ServiceSpec,
        division: &Division,
        label: &Label,
        adapter: &Path,
        anew: &Rendered,
    ) -> Option<Rewritten> {
        let mut before = self.spec_of(&self.xml)?;
        let own = self.label(before.name.as_ref()).unwrap_or_else(|| label.clone());
        if !before.sockets.launchd_activation {
            let service = before.name.as_ref().map_or(own.as_str(), ServiceName::as_str).to_owned();
            before.name_sockets(&service);
        }
        let divided = divide(&before, Target::Launchd(Scope::System));
        let mut old = job(&before, &divided, &own, adapter).ok()?;
        let mut new = job(spec, division, label, adapter).ok()?;
        drop_defaults(spec, &mut old, &mut new);
        let text = edit::edit(&self.xml, &old, &new)?;
        let is_so = |loss: &Loss| match loss.subject {
            Subject::Field(field) => {
                values(&before, field) == values(spec, field) && divided.losses.contains(loss)
            }
            Subject::Directive(_) => false,
            // The key is in the file already.
            Subject::Key(_) => true,
        };
        let losses = division.losses.iter().filter(|loss| !is_so(loss)).cloned().collect();
        let meaning = |text: &[u8]| {
            let spec = self.spec_of(text)?;
            job(&spec, &divide(&spec, division.target), label, adapter).ok()
        };
        let meant = meaning(anew.text.as_bytes());
        let same = meant.is_some() && meant == meaning(&text);
        same.then_some(Rewritten { text, sibling: None, losses, unknown_lines: Vec::new() })
    }

    fn spec_of(&self, text: &[u8]) -> Option<ServiceSpec> {
        read(text, &self.path).ok()?.draft.finish().ok()
    }
}

/// Removes the writer's defaults, and an old `Program` that would override new arguments.
fn drop_defaults(spec: &ServiceSpec, old: &mut Dictionary, new: &mut Dictionary) {
    if spec.restart_delay.is_none() || !new.contains_key(keys::THROTTLE_INTERVAL) {
        old.remove(keys::THROTTLE_INTERVAL);
        new.remove(keys::THROTTLE_INTERVAL);
    }
    if old.get(keys::PROGRAM_ARGUMENTS) != new.get(keys::PROGRAM_ARGUMENTS)
        && !new.contains_key(keys::PROGRAM)
    {
        old.insert(keys::PROGRAM.into(), false.into());
    }
}
