//! The words of other tools, each with its counterpart here: what people type who know daemonize, daemon(1),
//! start-stop-daemon, supervisord, pm2, systemd-run, tini, brew services, and the command lines of daemons.

use std::ffi::OsString;

/// What to do instead of an option that only another tool has.
pub(crate) fn option(word: &str) -> Option<String> {
    let name = word.split_once('=').map_or(word, |(name, _)| name);
    lookup(&OPTIONS, name)
}

/// What to do instead of a command that only another tool has. A program is recognised as one.
pub(crate) fn command(word: &str) -> Option<String> {
    lookup(&COMMANDS, word).or_else(|| {
        let searched = || std::env::var_os("PATH").unwrap_or_default();
        let folders = if word.contains('/') { OsString::new() } else { searched() };
        // Splitting an empty list gives the current directory.
        let is_program = std::env::split_paths(&folders).any(|folder| folder.join(word).is_file());
        is_program.then(|| format!("to start this program, use 'svcadapt run {word}'"))
    })
}

fn lookup(table: &[(&[&str], &str)], word: &str) -> Option<String> {
    table.iter().find(|(words, _)| words.contains(&word)).map(|(_, instead)| (*instead).to_owned())
}

const OPTIONS: [(&[&str], &str); 44] = [
    (
        &[
            "--daemon",
            "--daemonize",
            "-d",
            "-D",
            "--background",
            "-b",
            "-B",
            "--detach",
            "--fork",
            "--detach-process",
        ],
        "not needed: from a shell the service goes into the background by itself ('--mode classic' does so anywhere)",
    ),
    (
        &[
            "--foreground",
            "-F",
            "--fg",
            "--no-daemon",
            "--nodaemon",
            "--no-daemonize",
            "-N",
            "--no-detach",
            "--no-fork",
        ],
        "use '--mode supervised': it stays in the foreground",
    ),
    (&["-n", "--service-name", "--unit", "--id", "--label-name"], "use '--name NAME'"),
    (
        &["--chdir", "--cwd", "--directory", "--workdir", "--dir", "--same-dir"],
        "use '--working-directory DIR' (-c DIR)",
    ),
    (&["--pidfile", "--pid", "-P", "--pidfiles", "--make-pidfile", "-m"], "use '--pid-file FILE'"),
    (
        &["--respawn", "--respawn-max", "--autorestart", "--keepalive", "-r", "--auto-restart"],
        "use '--restart on-failure', or '--restart always'",
    ),
    (&["--respawn-delay", "--restart-delay", "--delay"], "use '--restart-sec TIME'"),
    (&["--chuid", "--setuid", "--uid", "--runas", "--run-as"], "use '--user USER' (-u USER)"),
    (&["--chgroup", "--setgid", "--gid"], "use '--group GROUP' (-g GROUP)"),
    (
        &["--exec", "-x", "--startas", "-a", "--program", "--command", "--cmd", "--script", "--interpreter"],
        "write the program and its arguments last: 'svcadapt run -- PROGRAM ARGUMENT...'",
    ),
    (&["--start", "-S", "--run"], "use 'svcadapt run -- PROGRAM', or 'svcadapt start NAME'"),
    (&["--stop", "-K", "--kill"], "use 'svcadapt stop NAME'"),
    (&["--status", "-T", "--running"], "use 'svcadapt status NAME'"),
    (&["--list"], "use 'svcadapt list'"),
    (&["--test", "-t"], "use '--dry-run'"),
    (&["--chroot", "--chroot-dir"], "use '--root-directory DIR'"),
    (&["--nicelevel"], "use '--nice NUMBER'"),
    (&["--iosched", "--ionice"], "use '--io-scheduling-class CLASS' and '--io-scheduling-priority NUMBER'"),
    (&["--procsched"], "use '--cpu-scheduling-policy POLICY'"),
    (
        &["--retry", "-R", "--stop-timeout", "--kill-timeout", "--stopwaitsecs"],
        "use '--timeout-stop-sec TIME'",
    ),
    (&["--signal", "-s", "--stopsignal", "--stop-signal"], "use '--kill-signal SIGNAL'"),
    (
        &["--oknodo", "--quiet", "-q", "--silent"],
        "not needed: without a terminal svcadapt prints only errors",
    ),
    (&["--no-close", "-C"], "use '--standard-output inherit --standard-error inherit'"),
    (
        &["--stdout", "--output", "-O", "--out", "--log", "--logfile", "--log-file", "--stdout_logfile"],
        "use '--standard-output FILE' (-o FILE)",
    ),
    (
        &["--stderr", "--error", "--err", "--errlog", "--error-log", "--stderr_logfile"],
        "use '--standard-error FILE' (-e FILE)",
    ),
    (&["--dbglog", "--debug-log"], "use '--standard-output FILE' (-o FILE) for what the program prints"),
    (&["--stdin", "--input"], "use '--standard-input file:FILE'"),
    (&["--env", "--setenv", "--environ"], "use '--environment NAME=VALUE' (-E NAME=VALUE)"),
    (&["--env-file", "--envfile"], "use '--environment-file FILE'"),
    (&["--env-keep", "--inherit-env", "--preserve-env"], "use '--pass-environment NAME'"),
    (&["--property"], "use the option of this name: 'MemoryMax=1G' is '--memory-max 1G'"),
    (&["--max-memory-restart"], "use '--memory-max SIZE' and '--restart on-failure'"),
    (&["--instances", "-i", "--numprocs"], "start it once for each instance, each with its '--name'"),
    (&["--watch"], "not here: svcadapt does not restart a program whose files change"),
    (
        &["--lock", "--lockfile", "--lock-file", "-l"],
        "not needed: a second service of the same '--name' is refused",
    ),
    (
        &["--on-calendar", "--on-boot", "--on-active", "--cron", "--schedule"],
        "not here: use a timer of systemd or cron for 'svcadapt start NAME'",
    ),
    (
        &["--pty", "--wait", "--pipe"],
        "use '--mode supervised': it stays in the foreground, with the terminal",
    ),
    (
        &["--collect", "--remain-after-exit=no", "--no-block", "--slice"],
        "not here: that is an option for a service of systemd",
    ),
    (&["--core", "--coredump"], "use '--limit-core infinity'"),
    (&["--caps", "--capabilities"], "use '--ambient-capabilities LIST' and '--capability-bounding-set LIST'"),
    (&["--notify", "--ready-fd", "--notify-fd"], "use '--ready notify', or '--ready fd:NUMBER'"),
    (&["--waitfor", "--wait-port"], "use '--ready tcp:PORT', or '--wait-for PROBE' for another service"),
    (
        &["--boot", "--startup", "--enable", "--at-boot"],
        "use 'svcadapt install': it has the service started at boot",
    ),
    (&["--config", "--conf"], "name the file first: 'svcadapt run FILE' (.service, .plist or .json)"),
];

const COMMANDS: [(&[&str], &str); 17] = [
    (
        &["up", "daemon", "daemonize", "exec", "launch", "spawn", "fork", "background"],
        "use 'svcadapt run -- PROGRAM'",
    ),
    (
        &["down", "kill", "terminate", "halt", "shutdown", "pause"],
        "use 'svcadapt stop NAME', or 'svcadapt signal NAME SIGNAL'",
    ),
    (&["ps", "ls", "list-units", "services", "all", "top", "monit", "dashboard"], "use 'svcadapt list'"),
    (&["log", "tail", "journal", "maintail"], "use 'svcadapt logs NAME'"),
    (
        &["create", "add", "register", "bootstrap", "load", "startup", "save", "deploy"],
        "use 'svcadapt install'",
    ),
    (
        &["delete", "del", "remove", "rm", "unregister", "bootout", "unload", "unstartup"],
        "use 'svcadapt uninstall NAME'",
    ),
    (
        &["info", "show-unit", "is-active", "is-running", "state", "describe", "inspect", "check-status"],
        "use 'svcadapt status NAME'",
    ),
    (&["cat", "dump", "print"], "use 'svcadapt show FILE'"),
    (&["verify", "lint", "validate"], "use 'svcadapt check FILE'"),
    (&["try-restart", "condrestart", "kickstart", "respawn", "reboot"], "use 'svcadapt restart NAME'"),
    (&["force-reload", "reread", "update", "refresh", "hup"], "use 'svcadapt reload NAME'"),
    (
        &["convert", "generate", "gen", "gen-systemd"],
        "use 'svcadapt gen-unit', gen-plist, gen-openrc, gen-runit, gen-s6 or gen-sysv",
    ),
    (&["gen-launchd"], "use 'svcadapt gen-plist'"),
    (
        &["healthcheck", "health", "wait-for", "wait-for-it", "ping"],
        "use 'svcadapt probe PROBE', or 'svcadapt wait NAME --ready'",
    ),
    (&["mode", "which", "where", "whoami", "doctor"], "use 'svcadapt detect'"),
    (
        &["pm2", "systemctl", "service", "launchctl", "brew", "supervisorctl", "sv", "rc-service", "initctl"],
        "leave this word out: 'svcadapt start NAME', 'svcadapt status NAME' ...",
    ),
    (&["version"], "use 'svcadapt --version'"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_in_one_row_and_unknown_here() {
        let command = super::super::command();
        let mut run = command.find_subcommand("run").unwrap().clone();
        run.build();
        let mut known: Vec<&str> = Vec::new();
        for (words, _) in &OPTIONS {
            for word in *words {
                assert!(!known.contains(word), "{word} twice");
                known.push(word);
                let is_ours = run.get_arguments().any(|argument| {
                    argument.get_long().is_some_and(|long| format!("--{long}") == **word)
                        || argument.get_short().is_some_and(|short| format!("-{short}") == **word)
                });
                assert!(!is_ours, "{word} is an option of run");
            }
        }
        for (words, _) in &COMMANDS {
            for word in *words {
                assert!(!known.contains(word), "{word} twice");
                known.push(word);
                assert!(command.find_subcommand(word).is_none(), "{word} is a command");
            }
        }
    }

    #[test]
    fn answers_name_options_and_commands_that_exist() {
        let command = super::super::command();
        let mut run = command.find_subcommand("run").unwrap().clone();
        run.build();
        for (_, instead) in OPTIONS.iter().chain(&COMMANDS) {
            for word in instead.split(|c: char| !(c.is_ascii_alphanumeric() || c == '-')) {
                if let Some(long) =
                    word.strip_prefix("--").filter(|long| !long.is_empty() && *long != "version")
                {
                    let is_there = run.get_arguments().any(|argument| argument.get_long() == Some(long));
                    assert!(is_there || long == "ready", "{instead}: no option {word}");
                }
            }
            if let Some((_, rest)) = instead.split_once("'svcadapt ") {
                let word = rest.split([' ', '\'', ',']).next().unwrap();
                assert!(word.starts_with('-') || command.find_subcommand(word).is_some(), "{instead}");
            }
        }
    }
}
