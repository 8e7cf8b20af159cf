//! Programs with a JIT compiler.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use svcadapt_spec::Command;

/// Programs that always have one, without the version that a distribution appends to the name.
const ALWAYS: [&str; 25] = [
    "beam.smp",
    "bun",
    "deno",
    "dotnet",
    "electron",
    "elixir",
    "erl",
    "gjs",
    "guile",
    "iex",
    "java",
    "julia",
    "luajit",
    "mono",
    "node",
    "nodejs",
    "php",
    "php-cgi",
    "php-fpm",
    "postgres",
    "pwsh",
    "pypy",
    "qemu-system",
    "sbcl",
    "wine",
];

/// Programs that have one with an option.
const WITH_OPTION: [(&str, &[&str]); 2] = [("ruby", &["--jit", "--yjit", "--rjit"]), ("python", &["-Xjit"])];

/// Suffixes of files that such a program runs.
const SCRIPTS: [&str; 6] = [".cjs", ".jar", ".js", ".mjs", ".php", ".ts"];

/// The name of the program with a JIT compiler in a command. `None` if there is no such program.
///
/// The decision uses only the name, not the file on the machine. The text of a shell and the words after `env` are
/// searched for the program, too.
pub fn jit(command: &Command) -> Option<String> {
    let mut words = command.argv();
    let program = words.next()?;
    let rest: Vec<&OsStr> = words.collect();
    match name(program)?.as_str() {
        "env" => rest.iter().copied().find(|word| !is_before_program(word)).and_then(|word| {
            let has_option = |flag: &&str| rest.iter().any(|word| word == flag);
            by_name(word, has_option)
        }),
        "sh" | "bash" | "dash" | "zsh" | "ksh" => {
            let text = rest.iter().filter_map(|word| word.to_str());
            text.flat_map(str::split_ascii_whitespace).find_map(|word| by_name(OsStr::new(word), |_| false))
        }
        _ => by_name(program, |flag| rest.iter().any(|word| word == flag)),
    }
}

/// Whether a word is an option or an assignment between `env` and its program.
fn is_before_program(word: &OsStr) -> bool {
    word.as_bytes().starts_with(b"-") || word.as_bytes().contains(&b'=')
}

fn by_name(word: &OsStr, has_option: impl Fn(&&str) -> bool) -> Option<String> {
    let name = name(word)?;
    let plain =
        name.trim_end_matches(|letter: char| letter.is_ascii_digit() || letter == '.' || letter == '-');
    // luajit-2.1.0-beta3, qemu-system-x86_64
    let begins =
        ALWAYS.iter().any(|known| name.strip_prefix(known).is_some_and(|rest| rest.starts_with('-')));
    let always = begins || ALWAYS.contains(&plain) || ALWAYS.contains(&name.as_str());
    let script = SCRIPTS.iter().any(|end| name.ends_with(end));
    let switched_on =
        WITH_OPTION.iter().any(|(program, flags)| *program == plain && flags.iter().any(&has_option));
    (always || script || switched_on).then_some(name)
}

fn name(word: &OsStr) -> Option<String> {
    Path::new(word).file_name()?.to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use svcadapt_spec::SpecDraft;

    use super::*;

    fn found(words: &str) -> Option<String> {
        let mut draft = SpecDraft::new();
        draft.command(words.split(' ').map(Into::into).collect());
        jit(&draft.finish().unwrap().command)
    }

    #[test]
    fn program_with_jit_is_recognised_by_its_name() {
        for words in [
            "/usr/bin/node app.js",
            "/usr/bin/node18 app",
            "/usr/sbin/php-fpm8.2 -F",
            "/opt/jdk/bin/java -jar x",
            "/usr/bin/luajit-2.1.0-beta3 x",
            "/usr/bin/env -S A=b node x",
            "/bin/sh -c exec /usr/bin/node x",
            "/usr/bin/ruby3.2 --yjit x",
            "/usr/bin/qemu-system-x86_64 -nographic",
            "/srv/app/server.mjs",
            "/usr/lib/postgresql/15/bin/postgres -D x",
            "/usr/bin/pypy3 x",
        ] {
            assert!(found(words).is_some(), "{words}");
        }
        assert_eq!(found("/usr/bin/node app.js").unwrap(), "node");
    }

    #[test]
    fn program_without_jit_keeps_memory_deny_write_execute() {
        for words in [
            "/usr/sbin/nginx",
            "/usr/bin/python3 node.py",
            "/usr/bin/ruby x",
            "/usr/bin/nodes",
            "/bin/sh -c exec/nothing",
            "/usr/bin/javac2go",
            "/usr/bin/env",
            "/usr/bin/lua5.4 x",
        ] {
            assert_eq!(found(words), None, "{words}");
        }
    }
}
