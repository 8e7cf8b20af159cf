//! The `svcadapt` command: parse, call, return.
//!
//! The only package that prints, and the only one that uses clap. One file per subcommand, each with `command()`, its
//! clap command, and `run()`. Long lists of options are deferred: clap builds them only for the subcommand that is
//! called.

#![forbid(unsafe_code)]

mod advice;
mod args;
mod audit;
mod check;
mod completions;
mod detect;
mod exit;
mod explain;
mod foreign;
mod foreign_daemon;
mod gen_openrc;
mod gen_plist;
mod gen_runit;
mod gen_s6;
mod gen_sysv;
mod gen_unit;
mod generate;
mod help;
mod implied_name;
mod init_script;
mod install;
mod install_plist;
mod last_lines;
mod list;
mod local_machine;
mod logs;
mod losses;
mod manual;
mod message;
mod not_honoured;
mod notify;
mod onlooker;
mod owner;
mod probe;
mod quick;
mod relative_words;
mod reopen;
mod report;
mod requests;
mod run;
mod screen;
mod show;
mod spec_file;
mod start;
mod state_word;
mod status;
mod stop;
mod text;
mod trace;
mod usage;
mod wait;
mod wait_for;
mod which;
mod words;

use std::ffi::OsString;

use clap::Command;
use exit::Exit;
use svcadapt::internal::{refuse_lent_rights, signal};

fn main() -> std::process::ExitCode {
    if let Some(error) = refuse_lent_rights() {
        report::report(&error);
        return Exit::Status(error.status).leave();
    }
    // A write beyond RLIMIT_FSIZE shall be an error that is reported, not a silent death by SIGXFSZ.
    let _ = signal::ignore(signal::SIGXFSZ);
    run(std::env::args_os().collect()).leave()
}

/// Runs the command line. Returns how the process shall end.
fn run(arguments: Vec<OsString>) -> Exit {
    run::resume_monitor(&arguments).unwrap_or_else(|| run_command(arguments))
}

/// Not inlined: the frame of a resident monitor stays small.
#[inline(never)]
fn run_command(arguments: Vec<OsString>) -> Exit {
    if let Some((draft, mode)) = quick::read(&arguments) {
        return run::run_quick(draft, mode);
    }
    if let Some(exit) = init_script::run_link(&arguments).or_else(|| completions::run_names(&arguments)) {
        return exit;
    }
    let arguments = words::as_for_clap(arguments, command);
    match help::with_groups(command()).try_get_matches_from(arguments) {
        Ok(matches) => match matches.subcommand() {
            Some(("run", matches)) => run::run(matches),
            Some(("detect", matches)) => detect::run(matches),
            Some(("audit", matches)) => audit::run(matches),
            Some(("gen-unit", matches)) => gen_unit::run(matches),
            Some(("gen-plist", matches)) => gen_plist::run(matches),
            Some(("gen-openrc", matches)) => gen_openrc::run(matches),
            Some(("gen-runit", matches)) => gen_runit::run(matches),
            Some(("gen-s6", matches)) => gen_s6::run(matches),
            Some(("gen-sysv", matches)) => gen_sysv::run(matches),
            Some(("show", matches)) => show::run(matches),
            Some(("explain", matches)) => explain::run(matches),
            Some(("check", matches)) => check::run(matches),
            Some(("status", matches)) => status::run(matches),
            Some(("install", matches)) => install::run(matches),
            Some(("uninstall", matches)) => install::run_uninstall(matches),
            Some(("enable", matches)) => install::run_enable(matches),
            Some(("disable", matches)) => install::run_disable(matches),
            Some(("start", matches)) => start::run(matches),
            Some(("stop", matches)) => stop::run(matches),
            Some(("restart", matches)) => requests::restart(matches),
            Some(("reload", matches)) => requests::reload(matches),
            Some(("reopen", matches)) => reopen::run(matches),
            Some(("signal", matches)) => requests::signal(matches),
            Some(("list", matches)) => list::run(matches),
            Some(("logs", matches)) => logs::run(matches),
            Some(("wait", matches)) => wait::run(matches),
            Some(("probe", matches)) => probe::run(matches),
            Some(("notify", matches)) => notify::run(matches),
            Some(("init", matches)) => init_script::run_script(matches),
            Some(("completions", matches)) => completions::run(matches, command()),
            Some(("man", matches)) => manual::man(matches, command()),
            Some((name, _)) => unreachable!("clap let the unknown subcommand {name} through"),
            None => Exit::Status(svcadapt::USAGE),
        },
        Err(error) => usage::explain(&error),
    }
}

fn command() -> Command {
    Command::new("svcadapt")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Starts any program as a well-behaved service, the way its host wants it")
        .subcommand_required(true)
        .arg_required_else_help(true)
        .subcommand(run::command())
        .subcommand(detect::command())
        .subcommand(audit::command())
        .subcommand(gen_unit::command())
        .subcommand(gen_plist::command())
        .subcommand(gen_openrc::command())
        .subcommand(gen_runit::command())
        .subcommand(gen_s6::command())
        .subcommand(gen_sysv::command())
        .subcommand(show::command())
        .subcommand(explain::command())
        .subcommand(check::command())
        .subcommand(status::command())
        .subcommand(install::command())
        .subcommand(install::uninstall_command())
        .subcommand(install::enable_command())
        .subcommand(install::disable_command())
        .subcommand(start::command())
        .subcommand(stop::command())
        .subcommand(requests::restart_command())
        .subcommand(requests::reload_command())
        .subcommand(reopen::command())
        .subcommand(requests::signal_command())
        .subcommand(list::command())
        .subcommand(logs::command())
        .subcommand(wait::command())
        .subcommand(probe::command())
        .subcommand(notify::command())
        .subcommand(init_script::command())
        .subcommand(completions::command())
        .subcommand(manual::man_command())
}
