//! The neutral model.

use std::path::Path;

use svcadapt_convert::json::read;

use super::{gists, round_trip};

pub(super) fn any(bytes: &[u8]) -> String {
    match read(bytes, Path::new("/x.json")).and_then(svcadapt_spec::SpecDraft::finish) {
        Ok(spec) => round_trip::everywhere(&spec),
        Err(problems) => {
            assert!(!problems.is_empty());
            gists(problems)
        }
    }
}
