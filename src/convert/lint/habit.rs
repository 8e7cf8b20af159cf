//! What a command line is known to do by its own words: to go into the background, or to stay.

/// Where a program goes once it is started, by its own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Habit {
    /// It forks, and the process that was started ends.
    Background(String),
    /// The process that was started is the service.
    Foreground(String),
}

/// Words that keep a program where it is.
const STAY: [&str; 11] = [
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

/// Words that send it away.
const LEAVE: [&str; 5] = ["--daemonize", "--daemonize=yes", "--background", "--detach", "-detached"];

/// Programs that never leave.
const STAYING: [&str; 12] =
    ["node", "nodejs", "java", "npm", "yarn", "pnpm", "dotnet", "deno", "bun", "uvicorn", "sleep", "tail"];

/// A program's short option that sends it away, and where there is one, the command for which it does.
const SHORT: [(&str, &str, &str); 19] = [
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

/// Commands that start something and end.
const STARTERS: [(&str, &str); 6] = [
    ("apachectl", "start"),
    ("apache2ctl", "start"),
    ("pm2", "start"),
    ("catalina.sh", "start"),
    ("service", "start"),
    ("systemctl", "start"),
];

/// What is known of the words of a command, the program first. Of svcadapt nothing is: it does what its host wants.
pub(super) fn habit(words: &[&str]) -> Option<Habit> {
    let (program, arguments) = words.split_first()?;
    let name = program.rsplit('/').next().unwrap_or_default();
    if name == "svcadapt" {
        return None;
    }
    if is_shell(name) {
        let script = script(arguments)?.trim_end();
        let leaves = script.ends_with('&') && !script.ends_with("&&");
        return leaves.then(|| Habit::Background("the & at the end of the script".to_owned()));
    }
    let stays = arguments.iter().enumerate().find(|(at, word)| {
        STAY.contains(word)
            || word.contains("daemon off")
            || **word == "--daemonize" && words.get(at + 2) == Some(&"no")
    });
    if let Some((_, word)) = stays {
        return Some(Habit::Foreground(format!("'{}'", word.escape_debug())));
    }
    leaves(program, name, arguments)
        .map(Habit::Background)
        .or_else(|| STAYING.contains(&name).then(|| Habit::Foreground(format!("'{}'", name.escape_debug()))))
}

fn leaves(program: &str, name: &str, arguments: &[&str]) -> Option<String> {
    let first = arguments.first().copied().unwrap_or_default();
    let last = arguments.last().copied().unwrap_or_default();
    let short = SHORT.iter().find(|(known, command, option)| {
        *known == name && own(arguments, command).iter().any(|word| same_option(word, option))
    });
    let screen =
        || arguments.iter().find(|word| name == "screen" && word.starts_with("-d") && word.contains('m'));
    let known = STARTERS.iter().any(|(known, command)| *known == name && [first, last].contains(command));
    let script = program.starts_with("/etc/init.d/") && ["start", "restart"].contains(&first);
    if let Some((_, _, option)) = short {
        Some(format!("'{option}'"))
    } else if let Some(word) = arguments.iter().find(|word| LEAVE.contains(word)).or_else(screen) {
        Some(format!("'{}'", word.escape_debug()))
    } else if known || script {
        Some(format!("'{}'", [name, "start"].join(" ").escape_debug()))
    } else {
        None
    }
}

/// The options that are the program's own: behind its command, up to the first word that is no option's.
fn own<'a>(arguments: &'a [&'a str], command: &str) -> &'a [&'a str] {
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

/// `-d`, and `-itd` where several letters stand together.
fn same_option(word: &str, option: &str) -> bool {
    let letter = option.strip_prefix('-').filter(|letter| letter.len() == 1);
    let letters = word.strip_prefix('-').filter(|letters| letters.len() < 4 && !letters.starts_with('-'));
    word == option
        || letter.zip(letters).is_some_and(|(letter, letters)| {
            letters.contains(letter) && letters.bytes().all(|byte| b"dit".contains(&byte))
        })
}

/// Whether a program is a shell, or speaks a language of its own in its arguments.
pub(super) fn is_shell(program: &str) -> bool {
    matches!(
        program.rsplit('/').next(),
        Some("sh" | "bash" | "zsh" | "dash" | "ksh" | "fish" | "csh" | "tcsh")
    )
}

/// The script of a shell that is given one.
fn script<'a>(arguments: &[&'a str]) -> Option<&'a str> {
    arguments.get(option_c(arguments)? + 1).copied()
}

fn option_c(arguments: &[&str]) -> Option<usize> {
    let options = arguments.iter().take_while(|word| word.starts_with('-'));
    let letters = |word: &&str| !word.starts_with("--") && word.contains('c');
    options.clone().position(letters)
}

/// The first word behind a shell's script that the script takes no notice of: it was meant as a part of it. Of a shell
/// that is given no script at all, the option.
pub(super) fn behind_script(words: &[&str]) -> Option<usize> {
    let (program, arguments) = words.split_first().filter(|(program, _)| is_shell(program))?;
    let option = option_c(arguments)?;
    let Some(script) = arguments.get(option + 1) else { return Some(option + 1) };
    let takes = script.match_indices('$').any(|(at, _)| {
        let next = script[at + 1..].trim_start_matches('{');
        next.starts_with(|c: char| c.is_ascii_digit() || "@*#".contains(c))
    });
    let takes = takes || script.contains("shift") || script.contains("getopts") || program.ends_with("fish");
    (!takes && arguments.len() > option + 2).then_some(option + 3)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(line: &str) -> Option<bool> {
        let words: Vec<&str> = line.split(' ').collect();
        habit(&words).map(|habit| matches!(habit, Habit::Background(_)))
    }

    #[test]
    fn a_program_that_leaves_or_stays_is_known_by_its_words() {
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
            assert_eq!(of(line), Some(true), "{line}");
        }
        for line in ["redis --daemonize no", "rsync --daemon --no-detach", "node -d x", "sleep 5"] {
            assert_eq!(of(line), Some(false), "{line}");
        }
        for line in
            ["docker run image web -d", "screen -DmS web", "svcadapt run -- redis --daemonize", "web -d"]
        {
            assert_eq!(of(line), None, "{line}");
        }
        assert_eq!(
            habit(&["sh", "-c", "web & "]),
            Some(Habit::Background("the & at the end of the script".into()))
        );
        assert_eq!(habit(&["sh", "-c", "web && x"]), None);
    }

    #[test]
    fn a_shells_words_are_its_scripts_only_where_the_script_takes_them() {
        assert_eq!(behind_script(&["/bin/sh", "-c", "web", "--port"]), Some(3));
        assert_eq!(behind_script(&["bash", "-e", "-c"]), Some(2));
        for words in [&["sh", "-c", "exec \"$@\"", "web", "a"][..], &["sh", "-c", "web ${1}", "sh", "a"]] {
            assert_eq!(behind_script(words), None, "{words:?}");
        }
        for words in [&["sh", "-c", "web --port 80"][..], &["sh", "start.sh", "a"], &["web", "-c", "a", "b"]]
        {
            assert_eq!(behind_script(words), None, "{words:?}");
        }
    }
}
