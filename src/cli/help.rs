//! The help: examples first, then commands and options in groups by what a person wants.

use std::fmt::Write;

use clap::{Arg, Command};
use svcadapt_spec::{Field, FieldRow};

const EXAMPLES: &str = "\
Examples:
  svcadapt run --ready tcp:8080 -- ./server --port 8080    start it, and return when the port is open
  svcadapt status server                                   and `logs server`, `restart server`, `stop server`
  svcadapt run nginx.service                               do what a unit says, also without systemd
  svcadapt install --name web --now -- /opt/web            start it now and at each boot, with this machine's manager
  svcadapt gen-plist web.service                           the same service for launchd; also gen-unit, gen-openrc ...";

/// The commands in the order of the help.
const GROUPS: [(&str, &[&str]); 5] = [
    (
        "Run and control a service",
        &["run", "status", "start", "stop", "restart", "reload", "reopen", "signal", "list", "logs", "wait"],
    ),
    ("Install a service", &["install", "uninstall", "enable", "disable"]),
    (
        "Write it for a service manager",
        &["gen-unit", "gen-plist", "gen-openrc", "gen-runit", "gen-s6", "gen-sysv"],
    ),
    ("Examine", &["explain", "check", "show", "detect", "audit"]),
    ("In scripts", &["probe", "notify", "init", "completions", "man"]),
];

/// The command with the help that people see.
pub(crate) fn with_groups(command: Command) -> Command {
    // Writing to a string cannot fail.
    let mut text = String::new();
    for (heading, names) in GROUPS {
        let _ = writeln!(text, "{heading}:");
        for name in names {
            let about = command.find_subcommand(name).and_then(Command::get_about);
            let _ = writeln!(text, "  {name:<12} {}", about.map(ToString::to_string).unwrap_or_default());
        }
        text += "\n";
    }
    text +=
        "`svcadapt COMMAND --help` explains a command; `svcadapt man COMMAND | man -l -` is its manual page.";
    command
        .after_help(format!("{EXAMPLES}\n\n{text}"))
        .help_template("{about}{after-help}\n\nOptions:\n{options}")
        .mut_subcommand("run", |run| {
            run.before_help(RUN_EXAMPLES)
                .after_help("The short help (-h) has the most common options, --help has all.")
                .help_template("{about}\n\n{before-help}{usage-heading} {usage}\n\n{all-args}{after-help}")
        })
}

const RUN_EXAMPLES: &str = "\
Examples:
  svcadapt run -- ./server                               the program and its arguments follow the '--'
  svcadapt run --name web -u www-data -c /srv/web --ready http://localhost:8080/health -- ./server
  svcadapt run --restart on-failure --log-rotate-size 10M -- ./worker
  svcadapt run nginx.service --limit-nofile 65536        options override what a file says
  svcadapt run --dry-run nginx.service                   print each step and who performs it";

/// The options of the short help.
const COMMON: [&str; 26] = [
    "name",
    "type",
    "user",
    "group",
    "umask",
    "working-directory",
    "environment",
    "environment-file",
    "standard-output",
    "standard-error",
    "log-rotate-size",
    "pid-file",
    "limit-nofile",
    "memory-max",
    "runtime-directory",
    "state-directory",
    "listen-stream",
    "ready",
    "timeout-start-sec",
    "restart",
    "restart-sec",
    "watchdog-sec",
    "reload-signal",
    "kill-signal",
    "timeout-stop-sec",
    "exec-start-pre",
];

/// The option of a field with its place in the help.
pub(crate) fn placed(row: &FieldRow, option: Arg) -> Arg {
    let option = option.help_heading(heading(row)).hide_short_help(!COMMON.contains(&row.option));
    match row.field {
        // One line for all limits.
        Field::Limit(_) if row.option == "limit-nofile" => option.help(
            "Number of open descriptors. The others, with the units of setrlimit(2): --limit-as, --limit-core, --limit-cpu, \
             --limit-data, --limit-fsize, --limit-locks, --limit-memlock, --limit-msgqueue, --limit-nice, --limit-nproc, \
             --limit-rss, --limit-rtprio, --limit-rttime, --limit-sigpending, --limit-stack",
        ),
        Field::Limit(_) => option.hide_long_help(true),
        _ => option,
    }
}

/// The group of an option. What fits nowhere else belongs to the program.
fn heading(row: &FieldRow) -> &'static str {
    const PREFIXES: [(&str, &[&str]); 9] = [
        ("Readiness", &["ready", "notification-fd", "type", "timeout-start", "guess-main-pid"]),
        ("Output and input", &["standard-", "log-", "syslog-", "tty-", "reopen-signal"]),
        (
            "Restart and watchdog",
            &["restart", "start-limit", "runtime-max", "runtime-random", "watchdog", "success-", "on-"],
        ),
        ("Commands and conditions", &["exec-", "condition", "assert", "remain-after-exit"]),
        ("Stop and reload", &["kill-", "timeout-", "final-", "send-sig", "reload-signal"]),
        (
            "Sockets",
            &[
                "listen-",
                "socket-",
                "file-descriptor-",
                "bind-",
                "backlog",
                "launchd-",
                "start-on",
                "idle-exit",
                "reuse-",
                "keep-alive",
                "no-delay",
                "defer-",
                "tcp-",
                "priority",
                "receive-",
                "send-buffer",
                "ip-",
                "mark",
                "free-bind",
                "transparent",
                "broadcast",
                "pass-credentials",
                "pass-security",
                "remove-on-stop",
                "accept",
                "max-connections",
                "pipe-size",
                "writable",
                "message-queue",
            ],
        ),
        (
            "Limits",
            &[
                "limit-",
                "tasks-",
                "memory-",
                "cpu-quota",
                "cpu-weight",
                "allowed-",
                "io-weight",
                "oom-policy",
            ],
        ),
        (
            "Directories and files",
            &[
                "runtime-directory",
                "state-",
                "cache-",
                "logs-",
                "configuration-",
                "pid-file",
                "remove-pid-file",
                "working-",
                "root-",
                "files-preserve",
                "load-credential",
                "import-credential",
                "set-credential",
            ],
        ),
        (
            "User and rights",
            &[
                "user",
                "group",
                "supplementary",
                "dynamic-",
                "umask",
                "no-new",
                "capability-",
                "ambient-",
                "secure-",
            ],
        ),
    ];
    let of = |(_, prefixes): &&(&str, &[&str])| prefixes.iter().any(|prefix| row.option.starts_with(prefix));
    PREFIXES.iter().find(of).map_or("The program", |(heading, _)| heading)
}

#[cfg(test)]
mod tests {
    use svcadapt_spec::FIELDS;

    use super::*;

    #[test]
    fn each_command_is_in_one_group() {
        let command = super::super::command();
        let mut listed: Vec<&str> = GROUPS.iter().flat_map(|(_, names)| *names).copied().collect();
        listed.sort_unstable();
        let mut all: Vec<&str> = command
            .get_subcommands()
            .filter(|command| !command.is_hide_set())
            .map(Command::get_name)
            .collect();
        all.sort_unstable();
        assert_eq!(listed, all);
    }

    #[test]
    fn common_options_exist() {
        for option in COMMON {
            assert!(FIELDS.iter().any(|row| row.option == option), "{option}");
        }
    }

    #[test]
    fn group_of_an_option_says_what_it_is_for() {
        let of = |option: &str| heading(FIELDS.iter().find(|row| row.option == option).unwrap());
        for (option, wanted) in [
            ("runtime-directory-mode", "Directories and files"),
            ("runtime-max-sec", "Restart and watchdog"),
            ("timeout-start-sec", "Readiness"),
            ("timeout-start-failure-mode", "Readiness"),
            ("send-sighup", "Stop and reload"),
            ("send-buffer", "Sockets"),
            ("log-keep", "Output and input"),
            ("limit-core", "Limits"),
            ("environment", "The program"),
        ] {
            assert_eq!(of(option), wanted, "{option}");
        }
    }
}
