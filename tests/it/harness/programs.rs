//! The programs that the tests run: one copy of each for a run, with a link to it in each directory of a test. Copies
//! would cost more than the tests, as a svcadapt with its lines for backtraces has tens of megabytes.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex, PoisonError};

use super::dir::run;

/// A copy, and what it was like when it was made.
struct Kept {
    path: PathBuf,
    was: State,
}

/// What a change of a file changes: mode, owner, group, size and the time of the last write.
type State = (u32, u32, u32, u64, i64, i64);

/// Makes `link` the copy of a program that all tests of this run share, with mode 0755.
pub(super) fn link(source: &Path, link: &Path) {
    static KEPT: LazyLock<Mutex<HashMap<PathBuf, Kept>>> = LazyLock::new(Mutex::default);
    let mut all = KEPT.lock().unwrap_or_else(PoisonError::into_inner);
    let count = all.len();
    let kept = all.entry(source.to_owned()).or_insert_with(|| {
        let path = run().join(format!("program-{count}"));
        copy(source, &path);
        Kept { was: state(&path), path }
    });
    assert_eq!(
        state(&kept.path),
        kept.was,
        "a test has changed the {} of all tests: it has to take `Dir::own_copy`",
        source.display()
    );
    fs::hard_link(&kept.path, link).unwrap_or_else(|error| panic!("{}: {error}", link.display()));
}

/// Another process copies: a child of another thread could inherit the descriptor open for writing, and then the
/// program cannot be executed (ETXTBSY, execve(2)).
pub(crate) fn copy(source: &Path, copy: &Path) {
    let copied = Command::new("install").args(["-m", "0755"]).arg(source).arg(copy).status().unwrap();
    assert!(copied.success(), "{} cannot be copied", source.display());
}

fn state(path: &Path) -> State {
    let is = fs::metadata(path).unwrap();
    (is.mode(), is.uid(), is.gid(), is.size(), is.mtime(), is.mtime_nsec())
}
