//! Whether a program goes into the background, as far as its command line shows.

/// Whether a program forks into the background. The text names the word of the command line that shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ForkBehavior {
    /// The program forks, and its first process ends.
    Background(String),
    /// The first process is the service.
    Foreground(String),
}

/// Options that keep a program in the foreground.
const FOREGROUND_OPTIONS: [&str; 11] = [
    "--foreground",
    "-foreground",
    "--nodaemon",
    "--no-daemon",
    "--no-daemonize",
    "--nodaemonize",
    "--no-detach",
    "--no-fork",
    "--nofork",
    "-DFOREGROUND",
    "--daemonize=no",
];

/// Options that send a program into the background.
const BACKGROUND_OPTIONS: [&str; 5] =
    ["--daemonize", "--daemonize=yes", "--background", "--detach", "-detached"];

/// Programs that always stay in the foreground.
const FOREGROUND_PROGRAMS: [&str; 12] =
    ["node", "nodejs", "java", "npm", "yarn", "pnpm", "dotnet", "deno", "bun", "uvicorn", "sleep", "tail"];

/// Options of single programs that send them into the background: program, subcommand (empty: any), option.
const PROGRAM_OPTIONS: [(&str, &str, &str); 19] = [
    ("gunicorn", "", "--daemon"),
    ("openvpn", "", "--daemon"),
    ("rsync", "", "--daemon"),
    ("docker", "run", "-d"),
    ("podman", "run", "-d"),
    ("docker", "up", "-d"),
    ("docker-compose", "up", "-d"),
    ("tmux", "new-session", "-d"),
    ("tmux", "new", "-d"),
    ("memcached", "", "-d"),
    ("haproxy", "", "-D"),
    ("gunicorn", "", "-D"),
    ("uwsgi", "", "-d"),
    ("mongod", "", "--fork"),
    ("start-stop-daemon", "", "-b"),
    ("setsid", "", "-f"),
    ("setsid", "", "--fork"),
    ("php-fpm", "", "-D"),
    ("lighttpd", "", "-d"),
];

/// Commands that start another process and end.
const STARTERS: [(&str, &str); 6] = [
    ("apachectl", "start"),
    ("apache2ctl", "start"),
    ("pm2", "start"),
    ("catalina.sh", "start"),
    ("service", "start"),
    ("systemctl", "start"),
];

/// The behaviour of a command, whose first word is the program. `None` if it is not known; always `None` for svcadapt,
/// which does what its host expects.
pub(super) fn fork_behavior(words: &[&str]) -> Option<ForkBehavior> {
    let (program, arguments) = words.split_first()?;
    let name = program.rsplit('/').next().unwrap_or_default();
    if name == "svcadapt" {
        return None;
    }
    if is_shell(name) {
        let script = script(arguments)?.trim_end();
        let forks = script.ends_with('&') && !script.ends_with("&&");
        return forks.then(|| ForkBehavior::Background("the & at the end of the script".to_owned()));
    }
    let foreground = arguments.iter().enumerate().find(|(at, word)| {
        FOREGROUND_OPTIONS.contains(word)
            || word.contains("daemon off")
            || **word == "--daemonize" && words.get(at + 2) == Some(&"no")
    });
    if let Some((_, word)) = foreground {
        return Some(ForkBehavior::Foreground(format!("'{}'", word.escape_debug())));
    }
    background_word(program, name, arguments).map(ForkBehavior::Background).or_else(|| {
        FOREGROUND_PROGRAMS
            .contains(&name)
            .then(|| ForkBehavior::Foreground(format!("'{}'", name.escape_debug())))
    })
}

/// The word that sends the program into the background.
fn background_word(program: &str, name: &str, arguments: &[&str]) -> Option<String> {
    let first = arguments.first().copied().unwrap_or_default();
    let last = arguments.last().copied().unwrap_or_default();
    let short = PROGRAM_OPTIONS.iter().find(|(known, command, option)| {
        *known == name && own_options(arguments, command).iter().any(|word| same_option(word, option))
    });
    let screen =
        || arguments.iter().find(|word| name == "screen" && word.starts_with("-d") && word.contains('m'));
    let known = STARTERS.iter().any(|(known, command)| *known == name && [first, last].contains(command));
    let script = program.starts_with("/etc/init.d/") && ["start", "restart"].contains(&first);
    if let Some((_, _, option)) = short {
        Some(format!("'{option}'"))
    } else if let Some(word) = arguments.iter().find(|word| BACKGROUND_OPTIONS.contains(word)).or_else(screen)
    {
        Some(format!("'{}'", word.escape_debug()))
    } else if known || script {
        Some(format!("'{}'", [name, "start"].join(" ").escape_debug()))
    } else {
        None
    }
}

/// The options of the program itself: after its subcommand, up to the first word that belongs to no option.
fn own_options<'a>(arguments: &'a [&'a str], command: &str) -> &'a [&'a str] {
    let begin = if command.is_empty() {
        0
    } else {
        match arguments.iter().position(|word| *word == command) {
            Some(at) => at + 1,
            None => return &[],
        }
    };
    let rest = &arguments[begin..];
    let mut end = 0;
    while let Some(word) = rest.get(end).filter(|word| word.starts_with('-')) {
        let value = !word.contains('=') && rest.get(end + 1).is_some_and(|next| !next.starts_with('-'));
        end += if value { 2 } else { 1 };
    }
    &rest[..end.min(rest.len())]
}

/// Whether a word is the option: `-d`, or combined short options such as `-itd`.
fn same_option(word: &str, option: &str) -> bool {
    let letter = option.strip_prefix('-').filter(|letter| letter.len() == 1);
    let letters = word.strip_prefix('-').filter(|letters| letters.len() < 4 && !letters.starts_with('-'));
    word == option
        || letter.zip(letters).is_some_and(|(letter, letters)| {
            letters.contains(letter) && letters.bytes().all(|byte| b"dit".contains(&byte))
        })
}

/// Whether a program is a shell.
pub(super) fn is_shell(program: &str) -> bool {
    matches!(
        program.rsplit('/').next(),
        Some("sh" | "bash" | "zsh" | "dash" | "ksh" | "fish" | "csh" | "tcsh")
    )
}

/// The argument of `-c`.
fn script<'a>(arguments: &[&'a str]) -> Option<&'a str> {
    arguments.get(option_c(arguments)? + 1).copied()
}

fn option_c(arguments: &[&str]) -> Option<usize> {
    let options = arguments.iter().take_while(|word| word.starts_with('-'));
    let letters = |word: &&str| !word.starts_with("--") && word.contains('c');
    options.clone().position(letters)
}

/// The index of the first word after the script of `sh -c` that the script does not use: it was probably meant as a part
/// of the script. For a `-c` without a script, the index of the option.
pub(super) fn unused_script_word(words: &[&str]) -> Option<usize> {
    let (program, arguments) = words.split_first().filter(|(program, _)| is_shell(program))?;
    let option = option_c(arguments)?;
    let Some(script) = arguments.get(option + 1) else { return Some(option + 1) };
    let uses_arguments = script.match_indices('$').any(|(at, _)| {
        let next = script[at + 1..].trim_start_matches('{');
        next.starts_with(|c: char| c.is_ascii_digit() || "@*#".contains(c))
    });
    let uses_arguments =
        uses_arguments || script.contains("shift") || script.contains("getopts") || program.ends_with("fish");
    (!uses_arguments && arguments.len() > option + 2).then_some(option + 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_background(line: &str) -> Option<bool> {
        let words: Vec<&str> = line.split(' ').collect();
        fork_behavior(&words).map(|fork_behavior| matches!(fork_behavior, ForkBehavior::Background(_)))
    }

    #[test]
    fn command_line_shows_background_and_foreground() {
        for line in [
            "/usr/bin/redis-server --daemonize yes",
            "docker run --name web -d image",
            "docker run -itd image",
            "docker compose up -d",
            "screen -dmS web /bin/web",
            "/etc/init.d/web start",
            "tmux new-session -d web",
            "gunicorn --daemon app",
            "pm2 start app.js",
        ] {
            assert_eq!(is_background(line), Some(true), "{line}");
        }
        for line in ["redis --daemonize no", "rsync --daemon --no-detach", "node -d x", "sleep 5"] {
            assert_eq!(is_background(line), Some(false), "{line}");
        }
        for line in
            ["docker run image web -d", "screen -DmS web", "svcadapt run -- redis --daemonize", "web -d"]
        {
            assert_eq!(is_background(line), None, "{line}");
        }
        assert_eq!(
            fork_behavior(&["sh", "-c", "web & "]),
            Some(ForkBehavior::Background("the & at the end of the script".into()))
        );
        assert_eq!(fork_behavior(&["sh", "-c", "web && x"]), None);
    }

    #[test]
    fn word_after_script_is_reported_unless_script_uses_arguments() {
        assert_eq!(unused_script_word(&["/bin/sh", "-c", "web", "--port"]), Some(3));
        assert_eq!(unused_script_word(&["bash", "-e", "-c"]), Some(2));
        for words in [&["sh", "-c", "exec \"$@\"", "web", "a"][..], &["sh", "-c", "web ${1}", "sh", "a"]] {
            assert_eq!(unused_script_word(words), None, "{words:?}");
        }
        for words in [&["sh", "-c", "web --port 80"][..], &["sh", "start.sh", "a"], &["web", "-c", "a", "b"]]
        {
            assert_eq!(unused_script_word(words), None, "{words:?}");
        }
    }
}
