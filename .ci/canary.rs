//! A daemon with an error that only a sanitizer detects, after it is ready and detached: `canary read` reads freed memory,
//! `canary leak` leaks memory. `.ci/sanitize` checks with it that such errors are reported for the daemons of the tests.

use std::hint::black_box;
use std::process::ExitCode;

use svcadapt::Daemon;
use svcadapt::daemon::DetachProcess;

fn main() -> ExitCode {
    let what = std::env::args().nth(1).unwrap_or_default();
    Daemon::new().detach_process(DetachProcess::Yes).run(|service| {
        service.ready()?;
        match what.as_str() {
            "read" => {
                let block = Box::into_raw(Box::new([7_u8; 64]));
                // SAFETY: the block comes from a Box and is freed once. The read after that is a deliberate use after free.
                drop(unsafe { Box::from_raw(block) });
                black_box(unsafe { block.read_volatile() });
            }
            "leak" => {
                for number in 0..100_u64 {
                    std::mem::forget(black_box(Box::new([number; 512])));
                }
            }
            _ => {}
        }
        Ok::<(), svcadapt::daemon::Error>(())
    })
}
