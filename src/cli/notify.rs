//! `svcadapt notify`: sends notifications of sd_notify(3) for a shell script, as systemd-notify(1).

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::Stdio;

use clap::builder::ValueParser;
use clap::{Arg, ArgAction, ArgGroup, ArgMatches, Command};
use svcadapt::StepError;
use svcadapt::internal::{
    Address, Notifier, ReadySocket, RealUser, accounts, duplicate_raw, error_text, write_all,
};

use super::{Exit, report};

/// Exit status: not sent.
const NOT_SENT: u8 = 1;

/// Exit status of `--fork`: the command cannot be executed (systemd.exec(5), `EXIT_EXEC`).
const NOT_EXECUTED: u8 = 203;

/// The clap command.
pub(crate) fn command() -> Command {
    let flag = |name: &'static str, help| Arg::new(name).long(name).action(ArgAction::SetTrue).help(help);
    let value = |name: &'static str, value: &'static str, help| {
        Arg::new(name).long(name).value_name(value).value_parser(ValueParser::os_string()).help(help)
    };
    Command::new("notify")
        .about("Tells the manager that the calling script is ready, or how it is: systemd-notify(1) on every host")
        .long_about(
            "Sends notifications to the manager whose socket NOTIFY_SOCKET names (sd_notify(3)): systemd, OpenRC with \
             notify=socket:ready, or svcadapt with `--ready notify` or `--type notify`. It waits until the manager has \
             read them. s6, dinit and OpenRC with notify=fd:N wait for a newline instead: --notification-fd.\n\n\
             Exit status: 0 sent; 1 not sent, or with --booted: systemd is not process 1; with --exec that of the command. \
             With --fork: 0 the command is ready; 203 it cannot be executed; 1 a signal has ended it; else its own.",
        )
        .arg(flag("ready", "Send READY=1: the service is ready"))
        .arg(flag("reloading", "Send RELOADING=1: it reads its configuration again"))
        .arg(flag("stopping", "Send STOPPING=1: it ends"))
        .arg(value("status", "TEXT", "Send STATUS=TEXT, a line for people"))
        .arg(
            Arg::new("pid")
                .long("pid")
                .value_name("PID")
                .num_args(0..=1)
                .require_equals(true)
                .default_missing_value("auto")
                .help(
                    "Send MAINPID=: a number, parent (the calling script), self (with --exec: the command), or auto: \
                     parent, but self if the manager is the parent",
                ),
        )
        .arg(value("uid", "USER", "Send as this user; only root can"))
        .arg(
            value("fd", "N", "Store this open descriptor with the manager (FDSTORE=1); repeatable")
                .action(ArgAction::Append),
        )
        .arg(value("fdname", "NAME", "The name of the stored descriptors").requires("fd"))
        .arg(value(
            "notification-fd",
            "N",
            "Write a newline to this descriptor if --ready is given; the number, or the variable that has it",
        ))
        .arg(flag("no-block", "Do not wait until the manager has read it"))
        .arg(flag("booted", "Send nothing; exit with 0 if systemd is process 1"))
        .arg(flag("exec", "Execute a command afterwards: what follows the assignments, or ';' or --"))
        .arg(
            flag(
                "fork",
                "Send nothing: execute a command, print its pid, and exit when it is ready (READY=1), or with its status",
            )
            .conflicts_with_all([
                "ready", "reloading", "stopping", "status", "pid", "uid", "fd", "notification-fd", "booted", "exec",
            ]),
        )
        .arg(flag("quiet", "With --fork: do not print the pid").short('q'))
        .arg(
            Arg::new(WORDS)
                .value_name("VARIABLE=VALUE")
                .num_args(0..)
                .value_parser(ValueParser::os_string())
                .value_terminator(";")
                .help("Further assignments of sd_notify(3), such as WATCHDOG=1"),
        )
        .arg(
            Arg::new(COMMAND)
                .value_name("COMMAND")
                .num_args(0..)
                .trailing_var_arg(true)
                .allow_hyphen_values(true)
                .value_parser(ValueParser::os_string())
                .requires("executes")
                .help("The command of --exec and --fork"),
        )
        .group(ArgGroup::new("executes").args(["exec", "fork"]))
}

/// clap's ids of the assignments, and of the words after `;`.
const WORDS: &str = "assignment";
const COMMAND: &str = "command";

/// Sends the notifications.
pub(crate) fn run(matches: &ArgMatches) -> Exit {
    if matches.get_flag("booted") {
        // sd_booted(3).
        return Exit::Status(u8::from(!Path::new("/run/systemd/system").is_dir()));
    }
    let (assignments, command) = words(matches);
    if matches.get_flag("fork") {
        return fork(&[assignments, command].concat(), matches.get_flag("quiet"))
            .unwrap_or_else(|error| report::failed(&error));
    }
    let sent = messages(matches, &assignments).and_then(|messages| {
        if matches.get_flag("exec") && command.is_empty() {
            let error = StepError::new("notify", "--exec has no command");
            return Err(error.hint("write svcadapt notify --exec --ready -- COMMAND"));
        }
        if let Some(word) = matches.get_one::<OsString>("notification-fd") {
            return write_newline(word, &messages);
        }
        let _sender = sender(matches)?;
        send(&manager()?, &messages, matches.get_flag("no-block"))
    });
    match (sent, command.as_slice()) {
        (Err(error), _) => report::failed(&error),
        (Ok(()), [program, arguments @ ..]) => {
            let error = std::process::Command::new(program).args(arguments).exec();
            report::failed(
                &StepError::new("exec", error_text(&error)).of(program.to_string_lossy()).status(NOT_SENT),
            )
        }
        (Ok(()), []) => Exit::Status(0),
    }
}

/// The assignments and the command: with `--exec` the words from the first one that is no assignment.
fn words(matches: &ArgMatches) -> (Vec<OsString>, Vec<OsString>) {
    let all = |name: &str| matches.get_many::<OsString>(name).into_iter().flatten().cloned().collect();
    let (mut assignments, command): (Vec<OsString>, Vec<OsString>) = (all(WORDS), all(COMMAND));
    if !matches.get_flag("exec") || !command.is_empty() {
        return (assignments, command);
    }
    let end = assignments.iter().position(|word| assignment(word).is_err()).unwrap_or(assignments.len());
    let command = assignments.split_off(end);
    (assignments, command)
}

/// Starts a command, and leaves it running when it is ready. Its input and output are `/dev/null`, as with systemd-notify.
fn fork(command: &[OsString], is_quiet: bool) -> Result<Exit, StepError> {
    let [program, arguments @ ..] = command else {
        let error = StepError::new("notify", "--fork has no command");
        return Err(error.hint("write svcadapt notify --fork -- COMMAND"));
    };
    let of = |stage: &str, error: &io::Error, status: u8| {
        StepError::new(stage, error_text(error)).of(program.to_string_lossy()).status(status)
    };
    let (socket, name) = ReadySocket::new().map_err(|error| of("notify socket", &error, NOT_SENT))?;
    let null = Stdio::null;
    let mut command = std::process::Command::new(program);
    command.args(arguments).env("NOTIFY_SOCKET", name).stdin(null()).stdout(null());
    let mut child = command.spawn().map_err(|error| of("exec", &error, NOT_EXECUTED))?;
    if !is_quiet {
        report::print(&format!("{}\n", child.id()))
            .map_err(|_| failed("its pid cannot be printed").of(program.to_string_lossy()))?;
    }
    let ended = socket.wait(&mut child).map_err(|error| of("notify", &error, NOT_SENT))?;
    match ended.map(|ended| (ended.code(), ended.signal())) {
        None => Ok(Exit::Status(0)),
        Some((Some(status), _)) => Ok(Exit::Status(u8::try_from(status).unwrap_or(NOT_SENT))),
        Some((None, number)) => {
            let cause = format!("signal {} has ended it before it was ready", number.unwrap_or_default());
            Err(failed(&cause).of(program.to_string_lossy()))
        }
    }
}

/// The user that `--uid` names, for as long as the messages are sent.
fn sender(matches: &ArgMatches) -> Result<Option<RealUser>, StepError> {
    let Some(word) = matches.get_one::<OsString>("uid") else { return Ok(None) };
    let refuse = |cause: &str| failed(cause).of(word.to_string_lossy());
    let key = word.to_str().ok_or_else(|| refuse("not a user"))?;
    let user = accounts::user(key).map_err(|error| refuse(&error_text(&error)))?;
    let (uid, gid) = match (user, key.parse()) {
        (Some(user), _) => (user.uid, Some(user.gid)),
        (None, Ok(uid)) => (uid, None),
        (None, Err(_)) => return Err(refuse("no such user")),
    };
    RealUser::new(uid, gid).map(Some).map_err(|error| refuse(&error_text(&error)))
}

/// Readiness for those that wait for a newline.
fn write_newline(word: &OsString, messages: &[Notification]) -> Result<(), StepError> {
    let refuse = |cause: &str| Err(failed(cause).of(word.to_string_lossy()));
    if !messages.iter().all(|message| matches!(message, Notification::Ready)) {
        return refuse("a descriptor takes readiness alone: --ready");
    }
    let number = word.to_str().and_then(|word| word.parse().ok());
    let named = || std::env::var_os(word)?.to_str()?.parse::<i32>().ok();
    match number.or_else(named) {
        Some(number) if number >= 0 => duplicate_raw(number, 3)
            .and_then(|pipe| write_all(pipe, b"\n"))
            .or_else(|error| refuse(&error_text(&error))),
        _ => refuse("neither a number nor a variable that has one"),
    }
}

fn failed(cause: &str) -> StepError {
    StepError::new("notify", cause).status(NOT_SENT)
}

fn manager() -> Result<Notifier, StepError> {
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET").filter(|socket| !socket.is_empty()) else {
        return Err(failed("no manager waits for notifications here: NOTIFY_SOCKET is not set")
            .hint("start the service with Type=notify, or with `svcadapt run --ready notify`"));
    };
    let address = Address::parse(&socket);
    address.map(Notifier::new).map_err(|why| failed(&why).of(socket.to_string_lossy()))
}

/// The notifications, each in a message of its own or with those that it needs.
fn messages(matches: &ArgMatches, assignments: &[OsString]) -> Result<Vec<Notification>, StepError> {
    let mut messages = Vec::new();
    let pid = matches.get_one::<String>("pid").map(|word| main_pid(word)).transpose()?;
    match (pid, matches.get_flag("ready")) {
        (Some(pid), ready) => messages.push(Notification::MainPid(pid, ready)),
        (None, true) => messages.push(Notification::Ready),
        (None, false) => {}
    }
    if matches.get_flag("reloading") {
        messages.push(Notification::Reloading);
    }
    if matches.get_flag("stopping") {
        messages.push(Notification::Stopping);
    }
    if let Some(text) = matches.get_one::<OsString>("status") {
        messages.push(Notification::Status(text.to_string_lossy().into_owned()));
    }
    let numbers: Vec<&OsString> = matches.get_many("fd").into_iter().flatten().collect();
    if numbers.len() > MAX_DESCRIPTORS {
        let cause = format!("{} descriptors, and a message has at most {MAX_DESCRIPTORS}", numbers.len());
        return Err(StepError::new("fd", cause).hint("send the others with another `svcadapt notify --fd`"));
    }
    if !numbers.is_empty() {
        let files = numbers.into_iter().map(descriptor).collect::<Result<_, _>>()?;
        messages
            .push(Notification::Store(files, matches.get_one("fdname").map(descriptor_name).transpose()?));
    }
    for word in assignments {
        messages.push(Notification::Assignment(assignment(word)?));
    }
    if messages.is_empty() {
        let error = StepError::new("notify", "nothing to send");
        return Err(error.hint("give --ready, --status TEXT or VARIABLE=VALUE"));
    }
    Ok(messages)
}

/// The greatest number of descriptors in a message (unix(7), `SCM_RIGHTS`).
const MAX_DESCRIPTORS: usize = 253;

#[derive(Debug)]
enum Notification {
    Ready,
    /// Whether the service is ready, too.
    MainPid(i32, bool),
    Reloading,
    Stopping,
    Status(String),
    /// Descriptors, and their name.
    Store(Vec<OwnedFd>, Option<String>),
    Assignment(String),
}

/// A descriptor that this process was started with.
fn descriptor(word: &OsString) -> Result<OwnedFd, StepError> {
    let refuse = |cause: String| StepError::new("fd", cause).of(word.to_string_lossy());
    let number = word.to_str().and_then(|word| word.parse().ok()).filter(|number| *number >= 0);
    let number = number.ok_or_else(|| refuse("not the number of a descriptor".to_owned()))?;
    duplicate_raw(number, 3).map_err(|error| refuse(error_text(&error)))
}

/// What systemd takes as `FDNAME=` (sd_notify(3)).
fn descriptor_name(word: &OsString) -> Result<String, StepError> {
    let good = |text: &&str| {
        text.len() <= 255 && text.bytes().all(|byte| matches!(byte, b' '..=b'~') && byte != b':')
    };
    let name = word.to_str().filter(good).map(str::to_owned);
    name.ok_or_else(|| {
        StepError::new("fdname", "not at most 255 printable ASCII characters without ':'")
            .of(word.to_string_lossy())
    })
}

fn main_pid(word: &str) -> Result<i32, StepError> {
    match word {
        "self" => Ok(i32::try_from(std::process::id()).unwrap_or_default()),
        "auto" if is_manager(std::os::unix::process::parent_id()) => main_pid("self"),
        "parent" | "auto" => Ok(i32::try_from(std::os::unix::process::parent_id()).unwrap_or_default()),
        _ => match word.parse::<i32>() {
            Ok(pid) if pid > 0 => Ok(pid),
            _ => Err(StepError::new("pid", "not a number, auto, parent or self").of(word)),
        },
    }
}

/// Whether a process is a service manager: process 1, or a user's (systemd.exec(5), `$MANAGERPID`).
fn is_manager(pid: u32) -> bool {
    let manager = std::env::var_os("MANAGERPID").and_then(|word| word.to_str()?.parse().ok());
    pid == 1 || Some(pid) == manager
}

/// One assignment; a newline would add another one.
fn assignment(word: &OsString) -> Result<String, StepError> {
    let refuse = |cause: &str| Err(StepError::new("notify", cause).of(word.to_string_lossy()));
    let Some(text) = word.to_str() else { return refuse("not UTF-8") };
    match text.split_once('=') {
        Some((name, _)) if name.is_empty() || !name.bytes().all(is_of_name) => {
            refuse("not the name of a variable")
        }
        Some((_, value)) if value.contains(['\n', '\0']) => refuse("one assignment has one line"),
        Some(_) => Ok(text.to_owned()),
        None => refuse("not VARIABLE=VALUE"),
    }
}

fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

fn send(notifier: &Notifier, messages: &[Notification], no_block: bool) -> Result<(), StepError> {
    let one = |message: &Notification| match message {
        Notification::Ready => notifier.ready(),
        Notification::MainPid(pid, ready) => notifier.main_process(*pid, *ready),
        Notification::Reloading => notifier.reloading(),
        Notification::Stopping => notifier.stopping(),
        Notification::Status(text) => notifier.status(text),
        Notification::Store(files, name) => {
            let files: Vec<BorrowedFd<'_>> = files.iter().map(AsFd::as_fd).collect();
            notifier.store(&files, name.as_deref())
        }
        Notification::Assignment(text) => notifier.assignment(text),
    };
    let sent = messages.iter().try_for_each(one);
    let read = sent.and_then(|()| if no_block { Ok(()) } else { notifier.barrier() });
    read.map_err(|error| failed(&error_text(&error)).of(notifier.address().to_string()))
}
