//! What the measurements share.

#![allow(clippy::unwrap_used, reason = "a measurement that cannot continue ends")]

use std::fs;
use std::path::{Path, PathBuf};

/// The path of the static build below the target directory.
const STATIC: &str = "x86_64-unknown-linux-musl/release/svcadapt";

/// The number behind an option on the command line.
pub(crate) fn number(option: &str, default: usize) -> usize {
    let words: Vec<String> = std::env::args().collect();
    let at = words.iter().position(|word| word == option);
    at.map_or(default, |at| words.get(at + 1).and_then(|word| word.parse().ok()).expect("a number follows"))
}

/// The svcadapt that is measured.
pub(crate) fn binary() -> PathBuf {
    let target = Path::new(env!("CARGO_BIN_EXE_svcadapt")).ancestors().nth(2).unwrap();
    let built = [target.join(STATIC), PathBuf::from(env!("CARGO_BIN_EXE_svcadapt"))];
    let given = std::env::var_os("SVCADAPT_BENCH_BINARY").map(PathBuf::from);
    given.into_iter().chain(built).find(|path| path.exists()).unwrap()
}

/// A directory that is removed at the end.
pub(crate) struct Room(pub(crate) PathBuf);

impl Room {
    pub(crate) fn new() -> Self {
        let path = std::env::temp_dir().join(format!("svcadapt-bench-{}", std::process::id()));
        fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}
