//! Measures what a service costs while it runs, in comparison with other supervisors. See `life/measure.rs`.

#[cfg(target_os = "linux")]
mod common;
#[cfg(target_os = "linux")]
#[path = "life/measure.rs"]
mod measure;

fn main() {
    #[cfg(target_os = "linux")]
    measure::main();
}
