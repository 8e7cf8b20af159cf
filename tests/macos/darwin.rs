//! What only macOS can be asked.

use std::os::fd::AsFd;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::event::{EvFlags, EventFilter, FilterFlag, KEvent, Kqueue};

use crate::{Answer, Probe};

pub(crate) fn probes() -> Vec<Probe> {
    let probe = |name, root, expected, ask| Probe { name, root, expected, ask };
    vec![
        probe("threads-at-the-start", false, "1", threads_now),
        probe("threads-after-getpwnam", false, "1 1 1 1", || threads_after(password)),
        probe("threads-after-getgrouplist-15", false, "1 1 1 1", || threads_after(|| grouplist(15))),
        probe("threads-after-getgrouplist-64", false, "(2 for seconds, from macOS 14)", || {
            threads_after(|| grouplist(64))
        }),
        probe("threads-after-launch-activate-socket", false, "(not known)", || {
            threads_after(|| {
                let _ = activate();
            })
        }),
        probe("launchd", false, "(the error, and XPC_SERVICE_NAME)", launchd),
        probe("own-child", false, "long ok, short ok, order ok, kern.proc state 2", || {
            let mut child = sleeper()?;
            let seen = seen(pid(&child));
            child.kill()?;
            child.wait()?;
            Ok(seen)
        }),
        probe("own-zombie", false, "long ESRCH, short ok, order ok, kern.proc state 5", || {
            let mut child = sleeper()?;
            child.kill()?;
            std::thread::sleep(Duration::from_millis(300));
            let seen = seen(pid(&child));
            child.wait()?;
            Ok(seen)
        }),
        probe("launchd-as-a-process", false, "(long EPERM for a user, the others ok)", || Ok(seen(1))),
        probe("no-process", false, "long ESRCH, short ESRCH, order ESRCH, kern.proc empty", || {
            Ok(seen(99_998))
        }),
        probe("order-of-forks", false, "counts up, kept by exec", order_of_forks),
        probe(
            "end-of-a-child-is-readable",
            false,
            "not before, after, after the reap; then ESRCH",
            end_of_a_child,
        ),
        probe("watching-launchd", false, "allowed", || {
            let queue = Kqueue::new()?;
            Ok(queue
                .kevent(&[exit_of(1)], &mut [], None)
                .map_or_else(|errno| format!("{errno:?}"), |_| "allowed".into()))
        }),
        probe("blocked-signal-in-a-queue", false, "SIGCHLD readable, SIGUSR1 readable", blocked_signals),
    ]
}

/// `pti_threadnum` of this process.
fn threads() -> Result<i32, Errno> {
    // SAFETY: proc_taskinfo is integers, for which all zeroes are valid.
    let mut info: libc::proc_taskinfo = unsafe { std::mem::zeroed() };
    let own = nix::unistd::getpid().as_raw();
    let size = size_of::<libc::proc_taskinfo>() as libc::c_int;
    // SAFETY: the buffer is as long as we say.
    let written = unsafe { libc::proc_pidinfo(own, libc::PROC_PIDTASKINFO, 0, (&raw mut info).cast(), size) };
    if written == size { Ok(info.pti_threadnum) } else { Err(Errno::last()) }
}

fn threads_now() -> Answer {
    Ok(threads()?.to_string())
}

/// At once, after 10 ms, 1 s and 6 s.
fn threads_after(act: impl FnOnce()) -> Answer {
    act();
    let mut counts = vec![threads()?.to_string()];
    for pause in [10, 990, 5000] {
        std::thread::sleep(Duration::from_millis(pause));
        counts.push(threads()?.to_string());
    }
    Ok(counts.join(" "))
}

fn password() {
    let _ = nix::unistd::User::from_name("_www");
}

fn grouplist(room: libc::c_int) {
    let mut list = [0; 64];
    let mut count = room;
    // SAFETY: the name ends in NUL, and the list has room for `count` groups.
    unsafe { libc::getgrouplist(c"_www".as_ptr(), 70, list.as_mut_ptr(), &raw mut count) };
}

unsafe extern "C" {
    fn launch_activate_socket(
        name: *const libc::c_char,
        fds: *mut *mut libc::c_int,
        count: *mut libc::size_t,
    ) -> libc::c_int;
}

fn activate() -> libc::c_int {
    let (mut fds, mut count) = (std::ptr::null_mut(), 0);
    // SAFETY: the name ends in NUL; what it may return is left to the end of this process.
    unsafe { launch_activate_socket(c"Listeners".as_ptr(), &raw mut fds, &raw mut count) }
}

#[allow(clippy::unnecessary_wraps, reason = "as all of them")]
fn launchd() -> Answer {
    let word = |code| if code == 0 { "activated".to_owned() } else { format!("{:?}", Errno::from_raw(code)) };
    let (first, second) = (word(activate()), word(activate()));
    let label = std::env::var("XPC_SERVICE_NAME").unwrap_or_else(|_| "not set".to_owned());
    let parent = nix::unistd::getppid();
    Ok(format!("first {first}, second {second}, XPC_SERVICE_NAME {label}, parent {parent}"))
}

fn sleeper() -> std::io::Result<Child> {
    Command::new("/bin/sleep").arg("60").stdin(Stdio::null()).spawn()
}

fn pid(child: &Child) -> i32 {
    i32::try_from(child.id()).unwrap_or(-1)
}

/// How many bytes a flavor of proc_pidinfo(3) writes for a process.
fn pidinfo(pid: i32, flavor: libc::c_int, argument: u64, room: &mut [u8]) -> String {
    Errno::clear();
    let size = libc::c_int::try_from(room.len()).unwrap_or(0);
    // SAFETY: the buffer is as long as we say.
    let written = unsafe { libc::proc_pidinfo(pid, flavor, argument, room.as_mut_ptr().cast(), size) };
    match written {
        0 | -1 => format!("{:?}", Errno::last()),
        written if written == size => "ok".to_owned(),
        other => format!("{other} bytes"),
    }
}

fn order(pid: i32) -> (String, u64) {
    let mut unique = [0; 56];
    let said = pidinfo(pid, 17, 1, &mut unique);
    let number = unique[16..].first_chunk().map_or(0, |bytes| u64::from_ne_bytes(*bytes));
    (said, number)
}

/// What is seen of a process: by PROC_PIDTBSDINFO, by the short flavor, by the unique identifier, by `kern.proc.pid`.
fn seen(pid: i32) -> String {
    let long = pidinfo(pid, libc::PROC_PIDTBSDINFO, 0, &mut [0; 136]);
    let short = pidinfo(pid, libc::PROC_PIDT_SHORTBSDINFO, 1, &mut [0; 64]);
    let mut answer = [0_u8; 648];
    let mut length = answer.len();
    let mut name = [libc::CTL_KERN, libc::KERN_PROC, libc::KERN_PROC_PID, pid];
    // SAFETY: the name has four parts, the buffer is `length` bytes long, and nothing is set.
    let asked = unsafe {
        libc::sysctl(
            name.as_mut_ptr(),
            4,
            answer.as_mut_ptr().cast(),
            &raw mut length,
            std::ptr::null_mut(),
            0,
        )
    };
    let known = match (asked, length) {
        (0, 648) => format!("state {}", answer[36]),
        (0, 0) => "empty".to_owned(),
        (0, other) => format!("{other} bytes"),
        _ => format!("{:?}", Errno::last()),
    };
    format!("long {long}, short {short}, order {}, kern.proc {known}", order(pid).0)
}

fn order_of_forks() -> Answer {
    // The shell executes sleep(1) in its place.
    let mut child =
        Command::new("/bin/sh").args(["-c", "read x; exec sleep 60"]).stdin(Stdio::piped()).spawn()?;
    let (own, before) = (order(nix::unistd::getpid().as_raw()).1, order(pid(&child)).1);
    drop(child.stdin.take());
    std::thread::sleep(Duration::from_millis(300));
    let after = order(pid(&child)).1;
    child.kill()?;
    child.wait()?;
    let (up, kept) = (before > own && own > 0, before == after);
    Ok(if up && kept { "counts up, kept by exec".to_owned() } else { format!("{own} {before} {after}") })
}

fn exit_of(pid: i32) -> KEvent {
    let ident = usize::try_from(pid).unwrap_or(0);
    KEvent::new(ident, EventFilter::EVFILT_PROC, EvFlags::EV_ADD, FilterFlag::NOTE_EXIT, 0, 0)
}

fn readable(queue: &Kqueue, wait: u16) -> Result<bool, Errno> {
    poll(&mut [PollFd::new(queue.as_fd(), PollFlags::POLLIN)], PollTimeout::from(wait))
        .map(|count| count == 1)
}

/// P6: poll(2) on a queue whose event nobody fetches.
fn end_of_a_child() -> Answer {
    let mut child = sleeper()?;
    let queue = Kqueue::new()?;
    queue.kevent(&[exit_of(pid(&child))], &mut [], None)?;
    let before = readable(&queue, 100)?;
    child.kill()?;
    let after = readable(&queue, 5000)?;
    child.wait()?;
    let reaped = readable(&queue, 100)?;
    let again = Kqueue::new()?.kevent(&[exit_of(pid(&child))], &mut [], None);
    Ok(match (before, after, reaped, again) {
        (false, true, true, Err(Errno::ESRCH)) => "not before, after, after the reap; then ESRCH".to_owned(),
        other => format!("{other:?}"),
    })
}

fn blocked_signals() -> Answer {
    let signals = [libc::SIGCHLD, libc::SIGUSR1];
    let mut words = Vec::new();
    let mut set: libc::sigset_t = 0;
    for signal in signals {
        // SAFETY: `set` is a set of signals, and the number is one of a signal.
        unsafe { libc::sigaddset(&raw mut set, signal) };
    }
    // SAFETY: `set` is a valid set of signals, and the old one is not asked for.
    unsafe { libc::sigprocmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
    for (signal, name) in signals.into_iter().zip(["SIGCHLD", "SIGUSR1"]) {
        let queue = Kqueue::new()?;
        let ident = usize::try_from(signal)?;
        let add = KEvent::new(ident, EventFilter::EVFILT_SIGNAL, EvFlags::EV_ADD, FilterFlag::empty(), 0, 0);
        queue.kevent(&[add], &mut [], None)?;
        // SAFETY: kill(2) takes two numbers; this one is to ourselves, and is blocked.
        unsafe { libc::kill(nix::unistd::getpid().as_raw(), signal) };
        words.push(format!("{name} {}", if readable(&queue, 1000)? { "readable" } else { "silent" }));
    }
    Ok(words.join(", "))
}
