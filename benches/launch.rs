//! How long a launch takes, beside its peers. See `launch/measure.rs`.

#[cfg(target_os = "linux")]
#[path = "launch/measure.rs"]
mod measure;

fn main() {
    #[cfg(target_os = "linux")]
    measure::main();
}
