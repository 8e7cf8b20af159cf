//! A daemon with a mistake that only a sanitizer sees, made after it was ready, when nobody reads its standard error any
//! more: `canary read` reads memory that it has given back, `canary leak` forgets some at its end. `.ci/sanitize` proves
//! with it that such a mistake would be seen in the daemons of the tests.

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
                // SAFETY: the block is a Box's, and freed once. What is read then is not there, which is the point.
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
