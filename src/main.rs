//! The `svcadapt` command: parse, call, return.

#![forbid(unsafe_code)]

mod cli;

fn main() -> std::process::ExitCode {
    cli::run(std::env::args_os().collect()).leave()
}
