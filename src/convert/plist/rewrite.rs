//! A property list that was changed, in the words in which it was written.
//!
//! As with a unit, the writer is asked twice: for the job as it was read, and for the job as it has to be. What is
//! different between the two, key by key, is done to the user's own XML.

mod edit;

use std::io::Cursor;
use std::path::{Path, PathBuf};

use plist::Dictionary;
use svcadapt_spec::{Scope, ServiceSpec, values};

use super::binary::MAGIC;
use super::write::job;
use super::{Label, keys, read};
use crate::divide::{Division, Loss, Subject, Target, divide};
use crate::{Rendered, Rewritten};

/// A property list as it lies there.
#[derive(Debug, Clone)]
pub struct Original {
    path: PathBuf,
    xml: Vec<u8>,
    /// Whether it was a binary one: of that the values stay, as XML.
    pub binary: bool,
}

impl Original {
    /// Takes what was read from a file; none where a binary one has a value that XML has not.
    pub fn new(path: &Path, bytes: Vec<u8>) -> Option<Self> {
        let path = path.to_owned();
        if !bytes.starts_with(MAGIC) {
            return Some(Self { path, xml: bytes, binary: false });
        }
        // Our own reader has taken it before, and so it is no larger than it looks.
        let value = plist::Value::from_reader(Cursor::new(bytes)).ok()?;
        let mut xml = Vec::new();
        value.to_writer_xml(&mut xml).ok()?;
        xml.push(b'\n');
        Some(Self { path, xml, binary: true })
    }

    /// Does to this file what makes it say what `spec` says: `anew` is what the writer makes of it.
    ///
    /// None where that cannot be done key by key: the text of the writer is all there is then.
    pub fn rewrite(
        &self,
        spec: &ServiceSpec,
        division: &Division,
        label: &Label,
        adapter: &Path,
        anew: &Rendered,
    ) -> Option<Rewritten> {
        let mut before = self.spec_of(&self.xml)?;
        let own = before.name.as_ref().and_then(|name| Label::parse(name.as_str().as_ref()).ok());
        let own = own.unwrap_or_else(|| label.clone());
        if !before.sockets.launchd_activation {
            before.name_sockets(own.as_str());
        }
        let divided = divide(&before, Target::Launchd(Scope::System));
        let mut old = job(&before, &divided, &own, adapter).ok()?;
        let mut new = job(spec, division, label, adapter).ok()?;
        as_asked(spec, &mut old, &mut new);
        let text = edit::edit(&self.xml, &old, &new)?;
        let is_so = |loss: &Loss| match loss.subject {
            Subject::Field(field) => {
                values(&before, field) == values(spec, field) && divided.losses.contains(loss)
            }
            Subject::Directive(_) => false,
            // It stands there, and stays.
            Subject::Key(_) => true,
        };
        let losses = division.losses.iter().filter(|loss| !is_so(loss)).cloned().collect();
        let meaning = |text: &[u8]| {
            let spec = self.spec_of(text)?;
            job(&spec, &divide(&spec, division.target), label, adapter).ok()
        };
        let meant = meaning(anew.text.as_bytes());
        let same = meant.is_some() && meant == meaning(&text);
        same.then_some(Rewritten { text, beside: None, losses, strange: Vec::new() })
    }

    fn spec_of(&self, text: &[u8]) -> Option<ServiceSpec> {
        read(text, &self.path).ok()?.draft.finish().ok()
    }
}

/// Leaves away what the writer says of its own accord, and takes away what would win over what is new.
fn as_asked(spec: &ServiceSpec, old: &mut Dictionary, new: &mut Dictionary) {
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
