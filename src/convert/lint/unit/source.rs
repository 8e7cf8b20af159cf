//! The files to check. A unit file comes with its bytes: some checks need text that the reader drops, such as comments.

use std::path::Path;

use svcadapt_spec::{Origin, SpecError};

use crate::divide::Systemd;
use crate::lint::{Finding, Findings, rules};
use crate::unit::{UnitFile, UnitName};

/// A service unit to check, with its drop-ins and its socket.
#[derive(Debug, Clone)]
pub struct ServiceFiles {
    /// The unit's name; for a template, that of the instance, if there is one.
    pub name: UnitName,
    /// The unit file.
    pub unit: UnitSource,
    /// Its drop-ins, in reading order.
    pub drop_ins: Vec<UnitSource>,
    /// The socket unit of the same name in the same directory.
    pub socket: Option<UnitSource>,
    /// The version and scope of the systemd that will read it.
    pub host: Systemd,
}

/// A unit file or a drop-in, as text and as assignments.
#[derive(Debug, Clone)]
pub struct UnitSource {
    /// Its assignments.
    pub file: UnitFile,
    /// Its bytes.
    pub text: Vec<u8>,
}

impl UnitSource {
    /// Parses a unit file. Errors for which systemd would refuse the whole file are returned as findings.
    pub fn parse(path: &Path, text: Vec<u8>) -> Result<Self, Vec<Finding>> {
        match UnitFile::parse(path, &text) {
            Ok(file) => Ok(Self { file, text }),
            Err(errors) => {
                let mut findings = Findings::default();
                for SpecError { origin, error, .. } in errors {
                    let origin = origin.unwrap_or(Origin::Option);
                    findings.add(&rules::file::REFUSED, origin, error.cause);
                }
                Err(findings.sorted())
            }
        }
    }
}
