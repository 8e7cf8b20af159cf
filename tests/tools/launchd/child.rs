//! From fork to exec: the steps of launchd in the new process, in the order of 842 (`job_start_child`,
//! `job_setup_attributes`); launchd.plist(5) describes them key by key.
//!
//! 1. priority and limits, as root; 2. the root directory; 3. group, groups, user; 4. the working directory, *as the
//!    user*; 5. the umask; 6. the streams, *as the user and under the umask*; 7. the environment; 8. a session;
//!    9. default signal dispositions, and `exec`.

#![allow(unsafe_code, reason = "neither std nor nix has a safe fork without exec, nor setpriority(2)")]

use std::convert::Infallible;
use std::ffi::CString;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::sys::resource::{getrlimit, setrlimit};
use nix::sys::signal::{SigHandler, SigSet, SigmaskHow, Signal, signal, sigprocmask};
use nix::sys::stat::{Mode, umask};
use nix::unistd::{
    ForkResult, Pid, chdir, chroot, dup2_stderr, dup2_stdin, dup2_stdout, execve, fork, setsid,
};
use serde_json::json;

use super::account::Account;
use super::job::{Bound, Job};
use super::log::Log;

/// `_PATH_STDPATH` of macOS's paths.h: the search path for a program without a directory, and the PATH of every job.
const PATH: &str = "/usr/bin:/bin:/usr/sbin:/sbin";

/// The exit status of a job with a configuration error (sysexits(3)).
pub(crate) const EX_CONFIG: i32 = 78;

/// The value of `RLIM_INFINITY` on macOS (getrlimit(2)).
const NO_LIMIT: u64 = i64::MAX.unsigned_abs();

/// A failed step, and the exit status of the job.
#[derive(Debug)]
pub(crate) struct Failure {
    step: &'static str,
    why: String,
    status: i32,
}

impl Failure {
    pub(crate) fn new(step: &'static str, why: String, status: i32) -> Self {
        Self { step, why, status }
    }

    /// A configuration error: launchd reports status 78, and does not run the program.
    fn config(step: &'static str) -> impl Fn(io::Error) -> Self {
        move |error| Self::new(step, error.to_string(), EX_CONFIG)
    }
}

/// Starts the process of a job.
pub(crate) fn spawn(job: &Job, log: &Log) -> nix::Result<Pid> {
    // SAFETY: this program has one thread, so the child may call any function.
    match unsafe { fork() }? {
        ForkResult::Parent { child } => Ok(child),
        ForkResult::Child => {
            let Err(failure) = set_up(job, log);
            let more = json!({ "step": failure.step, "why": failure.why, "status": failure.status });
            log.say("failed", &job.label, &more);
            // SAFETY: takes a number, and does not return.
            unsafe { libc::_exit(failure.status) }
        }
    }
}

fn set_up(job: &Job, log: &Log) -> Result<Infallible, Failure> {
    let account = Account::of(job)?;
    privileged(job, log);
    if let Some(root) = &job.root_directory {
        chroot(root.as_str()).map_err(io::Error::from).map_err(Failure::config("RootDirectory"))?;
        // 842 does not change the working directory: it stays outside of the new root.
        chdir(".").map_err(io::Error::from).map_err(Failure::config("RootDirectory"))?;
    }
    account.become_it(job.init_groups)?;
    if let Some(directory) = &job.working_directory {
        chdir(directory.as_str()).map_err(io::Error::from).map_err(Failure::config("WorkingDirectory"))?;
    }
    umask(Mode::from_bits_truncate(job.umask));
    streams(job)?;
    let environment = environment(job, &account);
    // A job of process 1 leads a session of its own (842). The process leads no group yet, so this cannot fail.
    let _ = setsid();
    signals_at_default();
    exec(job, &environment)
}

/// The steps that need root. 842 logs failures and continues.
fn privileged(job: &Job, log: &Log) {
    let trouble = |step, error: io::Error| {
        log.say("trouble", &job.label, &json!({ "step": step, "why": error.to_string() }));
    };
    if let Some(nice) = job.nice {
        // SAFETY: takes three numbers.
        if unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, nice) } == -1 {
            trouble("Nice", io::Error::last_os_error());
        }
    }
    for &(resource, bound, number) in &job.limits {
        let number = if number == NO_LIMIT { libc::RLIM_INFINITY } else { number };
        let set = getrlimit(resource).and_then(|(soft, hard)| match bound {
            // Unlike macOS, Linux rejects a soft limit above the hard one.
            Bound::Hard => setrlimit(resource, soft.min(number), number),
            Bound::Soft => setrlimit(resource, number, hard),
        });
        if let Err(error) = set {
            trouble("limits", error.into());
        }
    }
}

/// launchd.plist(5): the default is /dev/null; output is appended to the file, which is created with the ownership of the
/// job's user if it does not exist. A missing input file delivers no data.
fn streams(job: &Job) -> Result<(), Failure> {
    // 842 opens /dev/null for reading and writing.
    let null = || OpenOptions::new().read(true).write(true).open("/dev/null");
    let input = match &job.stdin {
        Some(path) => match OpenOptions::new().read(true).custom_flags(libc::O_NOCTTY).open(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => null(),
            opened => opened,
        },
        None => null(),
    };
    let output = |path: &Option<String>| match path {
        Some(path) => append(path),
        None => null(),
    };
    let (input, output, error) = (
        input.map_err(Failure::config("StandardInPath"))?,
        output(&job.stdout).map_err(Failure::config("StandardOutPath"))?,
        output(&job.stderr).map_err(Failure::config("StandardErrorPath"))?,
    );
    let failed = Failure::config("streams");
    dup2_stdin(&input).map_err(|error| failed(error.into()))?;
    dup2_stdout(&output).map_err(|error| failed(error.into()))?;
    dup2_stderr(&error).map_err(|error| failed(error.into()))
}

fn append(path: &str) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o666).custom_flags(libc::O_NOCTTY);
    options.open(path)
}

/// The variables of every job, then those of its user, then those of the property list.
fn environment(job: &Job, account: &Account) -> Vec<CString> {
    let mut variables = vec![
        ("OSLogRateLimit".to_owned(), "64".to_owned()),
        ("PATH".to_owned(), PATH.to_owned()),
        ("XPC_FLAGS".to_owned(), "0x0".to_owned()),
        ("XPC_SERVICE_NAME".to_owned(), job.label.clone()),
    ];
    variables.extend(account.variables());
    variables.retain(|(name, _)| !job.environment.contains_key(name));
    variables.extend(job.environment.clone());
    variables.iter().filter_map(|(name, value)| CString::new(format!("{name}={value}")).ok()).collect()
}

fn signals_at_default() {
    for number in Signal::iterator() {
        // SAFETY: the default action involves no handler. For SIGKILL and SIGSTOP the call fails, which is harmless.
        let _ = unsafe { signal(number, SigHandler::SigDfl) };
    }
    let _ = sigprocmask(SigmaskHow::SIG_SETMASK, Some(&SigSet::empty()), None);
}

/// launchd.plist(5): `Program` is executed with `ProgramArguments` as its argv; without `Program` the first argument is
/// executed: an absolute path, or a name that is looked up in the standard path.
fn exec(job: &Job, environment: &[CString]) -> Result<Infallible, Failure> {
    let (Some(program), Some(name)) =
        (job.program.as_ref().or(job.arguments.first()), job.arguments.first().or(job.program.as_ref()))
    else {
        return Err(Failure::new("Program", "there is none".to_owned(), EX_CONFIG));
    };
    let failed = Failure::config("Program");
    let candidates: Vec<String> = match program.as_bytes() {
        [b'/', ..] => vec![program.clone()],
        bytes if bytes.contains(&b'/') => return Err(failed(io::Error::other("it is not absolute"))),
        _ => PATH.split(':').map(|directory| format!("{directory}/{program}")).collect(),
    };
    let Some(path) = candidates.iter().find(|path| Path::new(path).is_file()).or(candidates.first()) else {
        return Err(failed(io::ErrorKind::NotFound.into()));
    };
    let rest = job.arguments.iter().skip(1);
    let words: Result<Vec<CString>, _> =
        std::iter::once(name).chain(rest).map(|word| CString::new(word.as_str())).collect();
    let words = words.map_err(|error| failed(error.into()))?;
    let path = CString::new(path.as_str()).map_err(|error| failed(error.into()))?;
    execve(&path, &words, environment).map_err(|error| failed(error.into()))
}
