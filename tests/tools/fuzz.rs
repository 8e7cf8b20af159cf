//! Drives a fuzz target (`tests/fuzz/`) with chance that can be repeated, on any toolchain.
//!
//! ```text
//! fuzz TARGET SEED RUNS CURRENT     RUNS inputs, made from the target's seeds
//! fuzz TARGET --input FILE          one input, once
//! ```
//!
//! CURRENT is a file that holds the input under way, so that whoever started us has it, however we end: a broken
//! promise is a panic (101), an endless loop SIGALRM, too much memory or a stack without end SIGABRT or SIGSEGV.
//! An input may use one second of processor time (in a debug build four) and the process 1 GiB of address space.
//!
//! There is no coverage to be guided by. In its place stands what a target says of an input: one of which something
//! new is said is kept, and built upon.

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

/// The processor time that one input may use: a second, and a few where nothing is optimised.
const TIME: Duration = Duration::from_secs(if cfg!(debug_assertions) { 4 } else { 1 });

/// How many seconds of real time; the machine may be busy.
const PATIENCE: u32 = 30;

/// The address space that all may use together, in bytes; nix has this limit for these two.
const SPACE: u64 = 1 << 30;

/// The longest input: one byte more than the readers take.
const LONGEST: usize = (1 << 20) + 1;

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

/// Runs one input within its bounds.
fn timed(target: &str, input: &[u8]) -> Result<String, Box<dyn Error>> {
    let before = spent()?;
    alarm::set(PATIENCE);
    let word = match target {
        // For the test of these very bounds.
        "panics" => panic!("as it was asked to"),
        "fills" => vec![1; usize::try_from(SPACE)?].len().to_string(),
        _ => fuzz::run(target, input),
    };
    alarm::cancel();
    let took = spent()?.saturating_sub(before);
    if took > TIME { Err(format!("{took:?} for one input").into()) } else { Ok(word) }
}

/// The processor time that this process has used.
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
            input.truncate(LONGEST);
        }
        file.set_len(input.len() as u64)?;
        file.write_all_at(&input, 0)?;
        let word = timed(target, &input)?;
        // Small ones, so that what is built upon them stays small, too.
        if seen.insert(word) && input.len() < 4096 {
            corpus.push(input);
        }
    }
    Ok((corpus.len(), seen.len()))
}

/// Changes an input in one way.
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
            // A few times; seldom as often as fits.
            let times = if chance.below(300) == 0 { LONGEST / (end - at + 1) } else { chance.below(6) };
            let part = input[at..end].repeat(times);
            input.splice(at..at, part);
        }
    }
}

/// Chance with a seed (SplitMix64).
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

/// The words of a dictionary, as libFuzzer has them: one a line, in double quotes, with `\\`, `\"` and `\xHH`.
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
