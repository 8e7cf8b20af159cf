//! A property list, in XML or binary.

use std::path::Path;

use svcadapt::format::plist::read;

use super::gists;
use super::round_trip;

pub(super) fn any(bytes: &[u8]) -> String {
    let reading = match read(bytes, Path::new("/x.plist")) {
        Ok(reading) => reading,
        Err(problems) => {
            assert!(!problems.is_empty());
            return gists(problems);
        }
    };
    let mut all: Vec<String> = reading.warnings.iter().map(ToString::to_string).collect();
    all.extend(reading.kept.iter().map(|kept| kept.key.clone()));
    match reading.draft.finish() {
        Ok(spec) => {
            all.push(round_trip::everywhere(&spec));
            gists(all)
        }
        Err(problems) => gists(problems),
    }
}
