//! Measures how long after a service is ready its starter knows it, beside other tools. See `readiness/measure.rs`.

#[cfg(target_os = "linux")]
mod common;
#[cfg(target_os = "linux")]
#[path = "readiness/measure.rs"]
mod measure;

fn main() {
    #[cfg(target_os = "linux")]
    measure::main();
}
