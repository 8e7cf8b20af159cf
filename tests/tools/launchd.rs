//! A stand-in for launchd: loads property lists and really runs their jobs, on Linux, for the tests.
//!
//! ```text
//! launchd --log FILE [--control SOCKET] [--second MILLISECONDS]
//! ```
//!
//! It is written from documented behaviour: launchd.plist(5), launchctl(1) and launch(3), and where they are silent from
//! launchd-842, the last release with its source open ("842" below). Each rule says what it stands on. So what runs
//! here as it should agrees with the documentation, which is necessary on a Mac, and no proof.
//!
//! It reads property lists by itself (the `plist` crate and a strictness of its own) and uses nothing of svcadapt:
//! one cannot judge the other's writing with the other's reading.
//!
//! * It is to be process 1 of a pid namespace; it runs until its standard input ends, and everything ends with it.
//! * FILE gets one line of JSON for each event (`launchd/log.rs`).
//! * SOCKET (`/run/launchd.sock`) takes orders (`launchd/control.rs`), and is where the shim of `launch_activate_socket`
//!   (`launch_shim.rs`) asks.
//! * `--second` says how long a second of `ThrottleInterval` and `ExitTimeOut` takes here, so that no test waits long.
//!
//! Not here: agents and their domains, Mach services, timers, watched paths, transactions, Bonjour. Their keys are
//! logged as ignored.

#[cfg(target_os = "linux")]
#[path = "launchd/mod.rs"]
mod stand_in;

#[cfg(target_os = "linux")]
fn main() -> std::process::ExitCode {
    stand_in::main()
}

#[cfg(not(target_os = "linux"))]
fn main() {}
