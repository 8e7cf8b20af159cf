//! A property list, in XML or binary.

use std::path::Path;

use svcadapt_convert::divide::{Target, divide};
use svcadapt_convert::plist::{Label, OriginalJob, read, write};
use svcadapt_spec::{Scope, ServiceName, ServiceSpec};

use super::{gists, round_trip};

pub(super) fn any(bytes: &[u8]) -> String {
    let reading = match read(bytes, Path::new("/x.plist")) {
        Ok(reading) => reading,
        Err(problems) => {
            assert!(!problems.is_empty());
            return gists(problems);
        }
    };
    let mut all: Vec<String> = reading.warnings.iter().map(ToString::to_string).collect();
    all.extend(reading.unmapped.iter().map(|unmapped| unmapped.key.clone()));
    match reading.draft.finish() {
        Ok(spec) => {
            keeps(bytes, &spec);
            all.push(round_trip::everywhere(&spec));
            gists(all)
        }
        Err(problems) => gists(problems),
    }
}

/// What is written again keeps every byte of its XML, and with a value more it can at least be written.
fn keeps(bytes: &[u8], spec: &ServiceSpec) {
    let Some(original) = OriginalJob::new(Path::new("/x.plist"), bytes.to_vec()) else { return };
    let name = spec.name.as_ref().map_or("web", ServiceName::as_str);
    let label = original.label(spec.name.as_ref()).map_or_else(|| Label::parse(name.as_ref()), Ok);
    let Ok(label) = label else { return };
    let rewritten = |mut spec: ServiceSpec| {
        spec.name_sockets(name);
        let division = divide(&spec, Target::Launchd(Scope::System));
        let anew = write(&spec, &division, &label, Path::new("/bin/svcadapt")).ok()?;
        original.rewrite(&spec, &division, &label, Path::new("/bin/svcadapt"), &anew)
    };
    if let Some(rewritten) = rewritten(spec.clone()).filter(|_| !original.binary) {
        assert_eq!(String::from_utf8_lossy(&rewritten.text), String::from_utf8_lossy(bytes));
        assert_eq!(rewritten.losses, []);
    }
    let nice = spec.nice.map_or(7, |nice| -nice);
    let _ = rewritten(ServiceSpec { nice: Some(nice), ..spec.clone() });
}
