//! Writes the pid file that a program writes itself.

use svcadapt_spec::Field;

use super::UnitWriter;
use crate::divide::Place;
use crate::unit::quote;

impl UnitWriter<'_> {
    /// systemd removes the file of `PIDFile=` at the end of a service of any type (systemd.service(5)).
    pub(super) fn removed_pid_file(&mut self) {
        let Some(path) = self.spec.removed_pid_file.as_ref().map(|path| path.as_path().as_os_str()) else {
            return;
        };
        match quote::raw_path(path) {
            Ok(text) => self.put(Field::PidFile.directive(), &text),
            Err(error) => {
                self.errors.push(error.in_value(Place::Field(Field::RemovePidFile), path));
            }
        }
    }
}
