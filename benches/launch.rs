//! Measures how long a launch takes, in comparison with other tools. See `launch/measure.rs`.

#[cfg(target_os = "linux")]
#[path = "launch/measure.rs"]
mod measure;

fn main() {
    #[cfg(target_os = "linux")]
    measure::main();
}
