//! What every Unix answers, if not alike.

use std::ffi::CString;
use std::fs::File;
use std::io;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use nix::errno::Errno;
use nix::sys::socket::{
    AddressFamily, SockFlag, SockType, SockaddrStorage, UnixAddr, bind, connect, setsockopt, socket, sockopt,
};

use crate::{Answer, Probe};

const MACOS: bool = cfg!(target_os = "macos");

/// What macOS is expected to say, and what Linux says.
const fn either(macos: &'static str, linux: &'static str) -> &'static str {
    if MACOS { macos } else { linux }
}

pub(crate) fn probes() -> Vec<Probe> {
    let probe = |name, root, expected, ask| Probe { name, root, expected, ask };
    vec![
        probe(
            "full-queue-refuses",
            false,
            either("stream ECONNREFUSED, datagram EPROTOTYPE", "stream EAGAIN, datagram EPROTOTYPE"),
            full_queue,
        ),
        probe(
            "left-behind-socket-refuses-both",
            false,
            "stream ECONNREFUSED, datagram ECONNREFUSED",
            left_behind,
        ),
        probe(
            "file-is-no-socket",
            false,
            either("stream ENOTSOCK, datagram ENOTSOCK", "stream ECONNREFUSED, datagram ECONNREFUSED"),
            no_socket,
        ),
        probe(
            "loopback-beside-wildcard",
            false,
            either("plain EADDRINUSE, SO_REUSEADDR bound", "plain EADDRINUSE, SO_REUSEADDR EADDRINUSE"),
            loopback_beside_wildcard,
        ),
        probe("lock-is-seen-and-kept-by-exec", false, "held by us, after the exec held by us", lock),
        probe("nofile-infinity", false, "(EINVAL before macOS 13, then set)", nofile_infinity),
        probe("stack-8-MiB", false, "set", stack),
        probe("nonblocking-of-null-fifo-terminal", false, "(null set, fifo set, terminal set)", nonblocking),
        probe("create-read-only", false, "created", create_read_only),
        probe("sync-of-file-and-directory", false, "file ok, directory ok", sync),
        probe("groups-before-group", true, either("[70, 12, 0, 701]", "[12, 70, 701]"), groups_before_group),
        probe("group-before-groups", true, either("[70, 12, 701]", "[12, 70, 701]"), group_before_groups),
        probe("login-name-after-setsid", true, "(the starter, then daemon)", login),
        probe("socketpair-keeps-its-maker", true, "root, root", socketpair),
    ]
}

fn said(result: Result<(), Errno>) -> String {
    result.map_or_else(|errno| format!("{errno:?}"), |()| "connected".to_owned())
}

fn place(name: &str) -> PathBuf {
    std::env::temp_dir().join(format!("svcadapt-mac.probe.{}.{name}", std::process::id()))
}

/// A stream socket's and a datagram socket's connect to a name, without waiting.
fn both(path: &std::path::Path) -> Answer {
    let ask = |kind| -> Result<Result<(), Errno>, Errno> {
        let asking = socket(AddressFamily::Unix, kind, SockFlag::empty(), None)?;
        nix::fcntl::fcntl(&asking, nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK))?;
        Ok(connect(asking.as_raw_fd(), &UnixAddr::new(path)?))
    };
    Ok(format!("stream {}, datagram {}", said(ask(SockType::Stream)?), said(ask(SockType::Datagram)?)))
}

fn full_queue() -> Answer {
    let path = place("queue");
    let server = UnixListener::bind(&path)?;
    // SAFETY: listen(2) takes two numbers. A second call changes the length of the queue.
    Errno::result(unsafe { libc::listen(server.as_raw_fd(), 1) })?;
    let mut clients = Vec::new();
    for _ in 0..64 {
        let client = socket(AddressFamily::Unix, SockType::Stream, SockFlag::empty(), None)?;
        nix::fcntl::fcntl(&client, nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK))?;
        if connect(client.as_raw_fd(), &UnixAddr::new(&path)?).is_err() {
            break;
        }
        clients.push(client);
    }
    let answer = both(&path);
    std::fs::remove_file(&path)?;
    answer
}

fn left_behind() -> Answer {
    let path = place("left");
    drop(UnixListener::bind(&path)?);
    let answer = both(&path);
    std::fs::remove_file(&path)?;
    answer
}

fn no_socket() -> Answer {
    let path = place("file");
    File::create(&path)?;
    let answer = both(&path);
    std::fs::remove_file(&path)?;
    answer
}

fn loopback_beside_wildcard() -> Answer {
    let server = TcpListener::bind("[::]:0").or_else(|_| TcpListener::bind("0.0.0.0:0"))?;
    let port = server.local_addr()?.port();
    let second = |reuse: bool| -> Result<String, Errno> {
        let second = socket(AddressFamily::Inet, SockType::Stream, SockFlag::empty(), None)?;
        setsockopt(&second, sockopt::ReuseAddr, &reuse)?;
        let address = SockaddrStorage::from(std::net::SocketAddr::from(([127, 0, 0, 1], port)));
        Ok(bind(second.as_raw_fd(), &address)
            .map_or_else(|errno| format!("{errno:?}"), |()| "bound".to_owned()))
    };
    Ok(format!("plain {}, SO_REUSEADDR {}", second(false)?, second(true)?))
}

/// The holder of a lock that would stand in the way of one for writing.
fn holder(file: &File) -> Result<i32, Errno> {
    // SAFETY: flock is plain numbers, for which all zeroes are valid.
    let mut asked: libc::flock = unsafe { std::mem::zeroed() };
    asked.l_type = libc::F_WRLCK as libc::c_short;
    // SAFETY: the structure is a valid one, and the kernel keeps no pointer to it.
    Errno::result(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_GETLK, &raw mut asked) })?;
    Ok(if asked.l_type == libc::F_UNLCK as libc::c_short { 0 } else { asked.l_pid })
}

/// A read lock through a descriptor that is open for reading, seen by a child, before and after an exec.
fn lock() -> Answer {
    let path = place("lock");
    File::create(&path)?;
    let file = File::open(&path)?;
    // SAFETY: flock is plain numbers, for which all zeroes are valid.
    let mut wanted: libc::flock = unsafe { std::mem::zeroed() };
    wanted.l_type = libc::F_RDLCK as libc::c_short;
    // SAFETY: the structure is a valid one that is only read.
    Errno::result(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETLK, &raw const wanted) })?;
    let before = in_child(|| Ok(holder(&File::open(&path)?)?.to_string()))?;
    if before != std::process::id().to_string() {
        println!("DIFFERS: before the exec the lock is held by {before}");
    }
    // SAFETY: F_SETFD takes no pointer.
    Errno::result(unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFD, 0) })?;
    // The exec is of this process, so that it comes back in `held_lock`.
    Err(Command::new(std::env::current_exe()?).arg("held-lock").arg(&path).exec().into())
}

/// The other side of the exec.
pub(crate) fn held_lock(path: &str) -> ExitCode {
    let own = std::process::id().to_string();
    let after = in_child(|| Ok(holder(&File::open(path)?)?.to_string()));
    let _ = std::fs::remove_file(path);
    let same = after.as_ref().is_ok_and(|after| *after == own);
    let got = if same {
        "held by us, after the exec held by us".to_owned()
    } else {
        format!("{after:?}, we are {own}")
    };
    crate::tell("lock-is-seen-and-kept-by-exec", "held by us, after the exec held by us", Ok(got))
}

/// Does something in a forked child, and brings its answer.
pub(crate) fn in_child(ask: impl FnOnce() -> Answer) -> Answer {
    let (mut out, mut input) = UnixStream::pair()?;
    // SAFETY: this process has one thread.
    match unsafe { nix::unistd::fork() }? {
        nix::unistd::ForkResult::Child => {
            let answer = ask().unwrap_or_else(|error| format!("error: {error}"));
            let _ = input.write_all(answer.as_bytes());
            // SAFETY: _exit(2) takes a number.
            unsafe { libc::_exit(0) }
        }
        nix::unistd::ForkResult::Parent { child } => {
            drop(input);
            let mut answer = String::new();
            out.read_to_string(&mut answer)?;
            nix::sys::wait::waitpid(child, None)?;
            Ok(answer)
        }
    }
}

fn limit(resource: libc::c_int, soft: libc::rlim_t) -> Answer {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure is a valid one, and the kernel keeps no pointer to it.
    Errno::result(unsafe { libc::getrlimit(resource as _, &raw mut limit) })?;
    limit.rlim_cur = soft.min(limit.rlim_max);
    // SAFETY: the structure is a valid one that is only read.
    let done = Errno::result(unsafe { libc::setrlimit(resource as _, &raw const limit) });
    Ok(done.map_or_else(|errno| format!("{errno:?}"), |_| "set".to_owned()))
}

fn nofile_infinity() -> Answer {
    limit(libc::RLIMIT_NOFILE as libc::c_int, libc::RLIM_INFINITY)
}

fn stack() -> Answer {
    limit(libc::RLIMIT_STACK as libc::c_int, 8 << 20)
}

fn nonblocking() -> Answer {
    let set = |file: io::Result<File>| -> String {
        let done = file.and_then(|file| {
            Ok(nix::fcntl::fcntl(&file, nix::fcntl::FcntlArg::F_SETFL(nix::fcntl::OFlag::O_NONBLOCK))?)
        });
        done.map_or_else(|error| error.to_string(), |_| "set".to_owned())
    };
    let fifo = place("fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU)?;
    let open = std::fs::OpenOptions::new().read(true).write(true).open(&fifo);
    let answer = format!(
        "null {}, fifo {}, terminal {}",
        set(File::open("/dev/null")),
        set(open),
        set(File::open("/dev/tty"))
    );
    std::fs::remove_file(&fifo)?;
    Ok(answer)
}

fn create_read_only() -> Answer {
    let path = place("created");
    let flags = nix::fcntl::OFlag::O_RDONLY | nix::fcntl::OFlag::O_CREAT;
    let opened = nix::fcntl::open(&path, flags, nix::sys::stat::Mode::S_IRUSR);
    let answer = opened.map_or_else(|errno| format!("{errno:?}"), |_| "created".to_owned());
    std::fs::remove_file(&path)?;
    Ok(answer)
}

/// As std does it: F_FULLFSYNC on macOS.
fn sync() -> Answer {
    let path = place("synced");
    let word = |done: io::Result<()>| done.map_or_else(|error| error.to_string(), |()| "ok".to_owned());
    let file = File::create(&path)?;
    let answer = format!(
        "file {}, directory {}",
        word(file.sync_all()),
        word(File::open(std::env::temp_dir())?.sync_all())
    );
    std::fs::remove_file(&path)?;
    Ok(answer)
}

/// As it was: `_www`'s groups with our own group before them, then `_www`'s group.
fn groups_before_group() -> Answer {
    in_child(|| {
        set_groups(if MACOS { &[0, 12, 70, 701] } else { &[12, 70, 701] })?;
        set_group(70)?;
        groups()
    })
}

fn group_before_groups() -> Answer {
    in_child(|| {
        set_group(70)?;
        set_groups(if MACOS { &[70, 12, 701] } else { &[12, 70, 701] })?;
        groups()
    })
}

pub(crate) fn groups_of(user: &str, gid: u32) -> Answer {
    let name = CString::new(user)?;
    in_child(|| {
        in_child(|| {
            set_group(gid)?;
            // SAFETY: the name ends in NUL.
            Errno::result(unsafe { libc::initgroups(name.as_ptr(), gid as _) })?;
            groups()
        })
    })
}

fn set_group(gid: u32) -> Result<(), Errno> {
    nix::unistd::setgid(nix::unistd::Gid::from_raw(gid))
}

fn set_groups(list: &[u32]) -> Result<(), Errno> {
    // SAFETY: the list is as long as we say, and is only read.
    Errno::result(unsafe { libc::setgroups(list.len() as _, list.as_ptr()) }).map(drop)
}

fn groups() -> Answer {
    let mut list = [0; 64];
    // SAFETY: there is room for 64 groups.
    let count = Errno::result(unsafe { libc::getgroups(64, list.as_mut_ptr()) })?;
    Ok(format!("{:?}", &list[..usize::try_from(count)?]))
}

fn login_name() -> String {
    // SAFETY: the call returns NULL, or text of its own that ends in NUL; this process has one thread.
    let name = unsafe { libc::getlogin() };
    if name.is_null() {
        return "nobody".to_owned();
    }
    // SAFETY: it is not NULL, and ends in NUL.
    unsafe { std::ffi::CStr::from_ptr(name) }.to_string_lossy().into_owned()
}

fn login() -> Answer {
    in_child(|| {
        nix::unistd::setsid()?;
        let before = login_name();
        #[cfg(target_os = "macos")]
        {
            // SAFETY: the name ends in NUL.
            Errno::result(unsafe { libc::setlogin(c"daemon".as_ptr()) })?;
        }
        Ok(format!("{before}, then {}", login_name()))
    })
}

/// Of a pair it is who made it, on both sides, also for one who has given up the rights.
fn socketpair() -> Answer {
    let (one, other) = UnixStream::pair()?;
    let (one, other) = (OwnedFd::from(one), OwnedFd::from(other));
    in_child(move || {
        nix::unistd::setuid(nix::unistd::Uid::from_raw(1))?;
        let maker =
            |fd: &OwnedFd| -> Result<&str, Errno> { Ok(if peer(fd)? == 0 { "root" } else { "another" }) };
        Ok(format!("{}, {}", maker(&one)?, maker(&other)?))
    })
}

#[cfg(target_os = "macos")]
fn peer(socket: &OwnedFd) -> Result<u32, Errno> {
    let (mut user, mut group) = (u32::MAX, u32::MAX);
    // SAFETY: both are valid places of their types.
    Errno::result(unsafe { libc::getpeereid(socket.as_raw_fd(), &raw mut user, &raw mut group) })?;
    Ok(user)
}

#[cfg(not(target_os = "macos"))]
fn peer(socket: &OwnedFd) -> Result<u32, Errno> {
    #[cfg(target_os = "linux")]
    return nix::sys::socket::getsockopt(socket, sockopt::PeerCredentials).map(|found| found.uid());
    #[cfg(not(target_os = "linux"))]
    return Err(if socket.as_raw_fd() < 0 { Errno::EBADF } else { Errno::ENOSYS });
}
