//! A stand-in for launchd: loads property lists and runs their jobs, on Linux, for the tests.
//!
//! ```text
//! launchd --log FILE [--control SOCKET] [--second MILLISECONDS]
//! launchd --ask ORDER          gives an order, in place of launchctl(1)
//! launchd --launchctl WORD...  the same with the exit status and the streams of launchctl(1)
//! ```
//!
//! It implements the documented behaviour: launchd.plist(5), launchctl(1) and launch(3); for points that are not documented
//! launchd-842, the last open source release ("842" below). Each rule cites its source. So a job that works here agrees
//! with the documentation; that is necessary for a Mac, but not a proof.
//!
//! It reads property lists with its own code (the `plist` crate with additional checks), independent of svcadapt, so that
//! svcadapt's writer is not tested with svcadapt's reader.
//!
//! * It must be process 1 of a pid namespace; it runs until end of file on standard input, and all its processes end with it.
//! * FILE gets one line of JSON for each event (`launchd/log.rs`).
//! * SOCKET (default `/run/launchd.sock`) accepts orders (`launchd/control.rs`), also those of the library for
//!   `launch_activate_socket` (`launch_shim.rs`).
//! * `--second` is the length of a second of `ThrottleInterval` and `ExitTimeOut`, so that tests are quick.
//!
//! Not implemented: login windows, Mach services, timers, watched paths, transactions, Bonjour. Their keys are
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
