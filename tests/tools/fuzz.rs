//! Runs a fuzz target (`tests/fuzz/`) with reproducible pseudo-random inputs, on any toolchain.
//!
//! ```text
//! fuzz TARGET SEED RUNS CURRENT     RUNS inputs, made from the target's seeds
//! fuzz TARGET --input FILE          one input, once
//! ```
//!
//! CURRENT is a file with the current input, so that it is available after any kind of failure: a violated property is a
//! panic (101), an endless loop SIGALRM, too much memory or infinite recursion SIGABRT or SIGSEGV. An input may use one
//! second of CPU time (four in a debug build), and the process 1 GiB of address space.
//!
//! Inputs are not guided by coverage, but by the description that the target returns for each: an input with a new
//! description is kept as the base of later ones.

#[path = "../fuzz/mod.rs"]
mod fuzz;

use std::collections::BTreeSet;
use std::error::Error;
use std::io::Write;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;
use std::{env, fs, io};

#[cfg(any(target_os = "linux", target_os = "macos"))]
use nix::sys::resource::Resource;
#[cfg(any(target_os = "linux", target_os = "macos"))]
use nix::sys::resource::setrlimit;
use nix::sys::resource::{UsageWho, getrusage};
use nix::sys::time::TimeValLike;
use nix::unistd::alarm;

/// The maximal CPU time of an input: one second, more in a debug build.
const TIME: Duration = Duration::from_secs(if cfg!(debug_assertions) { 4 } else { 1 });

/// The maximal real time of an input in seconds; the machine may be busy.
const REAL_TIMEOUT: u32 = 30;

/// The maximal address space of the process, in bytes; nix has this limit only on these two systems.
const SPACE: u64 = 1 << 30;

/// The maximal size of an input: one byte more than the readers accept.
const MAX_INPUT_BYTES: usize = (1 << 20) + 1;

fn main() -> Result<(), Box<dyn Error>> {
    #[cfg(any(target_os = "linux", target_os = "macos"))]
    setrlimit(Resource::RLIMIT_AS, SPACE, SPACE)?;
    let words: Vec<String> = env::args().skip(1).collect();
    match &words.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [target, "--input", file] => {
            let word = timed(target, &fs::read(file)?)?;
            writeln!(io::stdout(), "{word}")?;
        }
        [target, seed, runs, current] => {
            let (taken, words) = campaign(target, seed.parse()?, runs.parse()?, Path::new(current))?;
            writeln!(io::stdout(), "{target}: {runs} inputs, {taken} kept, {words} different things said")?;
        }
        _ => return Err("usage: fuzz TARGET SEED RUNS CURRENT | fuzz TARGET --input FILE".into()),
    }
    Ok(())
}

/// Runs one input within the limits.
fn timed(target: &str, input: &[u8]) -> Result<String, Box<dyn Error>> {
    let before = spent()?;
    alarm::set(REAL_TIMEOUT);
    let word = match target {
        // For the test of these limits.
        "panics" => panic!("as it was asked to"),
        "fills" => vec![1; usize::try_from(SPACE)?].len().to_string(),
        _ => fuzz::run(target, input),
    };
    alarm::cancel();
    let took = spent()?.saturating_sub(before);
    if took > TIME { Err(format!("{took:?} for one input").into()) } else { Ok(word) }
}

/// The CPU time that this process has used.
fn spent() -> nix::Result<Duration> {
    let usage = getrusage(UsageWho::RUSAGE_SELF)?;
    let micros = usage.user_time().num_microseconds() + usage.system_time().num_microseconds();
    Ok(Duration::from_micros(micros.unsigned_abs()))
}

fn campaign(target: &str, seed: u64, runs: u64, current: &Path) -> Result<(usize, usize), Box<dyn Error>> {
    let mut corpus = seeds(target)?;
    let dictionary = dictionary(target)?;
    let file = fs::File::create(current)?;
    let mut seen = BTreeSet::new();
    let mut chance = Chance(seed);
    for number in 0..runs {
        let mut input = match usize::try_from(number) {
            Ok(at) if at < corpus.len() && seen.len() <= at => corpus[at].clone(),
            _ => corpus[chance.below(corpus.len())].clone(),
        };
        if number >= corpus.len() as u64 {
            for _ in 0..=chance.below(4) {
                mutate(&mut input, &corpus, &dictionary, &mut chance);
            }
            input.truncate(MAX_INPUT_BYTES);
        }
        file.set_len(input.len() as u64)?;
        file.write_all_at(&input, 0)?;
        let word = timed(target, &input)?;
        // Keep small inputs only, so that later ones stay small too.
        if seen.insert(word) && input.len() < 4096 {
            corpus.push(input);
        }
    }
    Ok((corpus.len(), seen.len()))
}

/// Applies one random change to an input.
fn mutate(input: &mut Vec<u8>, corpus: &[Vec<u8>], dictionary: &[Vec<u8>], chance: &mut Chance) {
    let at = chance.below(input.len() + 1);
    let end = (at + chance.below(24)).min(input.len());
    match chance.below(10) {
        0 => drop(input.drain(at..end)),
        1 if at < input.len() => input[at] ^= 1 << chance.below(8),
        2 if at < input.len() => input[at] = chance.byte(),
        1..=3 => input.insert(at, chance.byte()),
        4..=6 => drop(input.splice(at..at, dictionary[chance.below(dictionary.len())].iter().copied())),
        7 => {
            let other = &corpus[chance.below(corpus.len())];
            let from = chance.below(other.len() + 1);
            let to = (from + chance.below(64)).min(other.len());
            input.splice(at..end, other[from..to].iter().copied());
        }
        8 => input.truncate(at),
        _ => {
            // A few times; rarely up to the maximal size.
            let times =
                if chance.below(300) == 0 { MAX_INPUT_BYTES / (end - at + 1) } else { chance.below(6) };
            let part = input[at..end].repeat(times);
            input.splice(at..at, part);
        }
    }
}

/// A pseudo-random number generator (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit.max(1) as u64).unwrap_or_default()
    }

    fn byte(&mut self) -> u8 {
        self.next().to_le_bytes()[0]
    }
}

fn home() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../fuzz"))
}

/// The seeds in the order of their names.
fn seeds(target: &str) -> io::Result<Vec<Vec<u8>>> {
    let entries = fs::read_dir(home().join("seeds").join(target))?;
    let mut paths: Vec<_> = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    paths.sort();
    paths.iter().map(fs::read).collect()
}

/// The words of a libFuzzer dictionary: one per line, in double quotes, with `\\`, `\"` and `\xHH`.
fn dictionary(target: &str) -> Result<Vec<Vec<u8>>, Box<dyn Error>> {
    let text = fs::read_to_string(home().join("dictionaries").join(target))?;
    let quoted = text.lines().filter_map(|line| line.strip_prefix('"')?.strip_suffix('"'));
    quoted
        .map(|word| {
            let (mut bytes, mut rest) = (Vec::new(), word.as_bytes());
            while let Some((&byte, tail)) = rest.split_first() {
                rest = match (byte, tail) {
                    (b'\\', [b'x', high, low, tail @ ..]) => {
                        bytes.push(u8::from_str_radix(str::from_utf8(&[*high, *low])?, 16)?);
                        tail
                    }
                    (b'\\', [other, tail @ ..]) => {
                        bytes.push(*other);
                        tail
                    }
                    _ => {
                        bytes.push(byte);
                        tail
                    }
                };
            }
            Ok(bytes)
        })
        .collect()
}
