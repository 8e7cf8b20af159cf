//! `svcadapt completions`: scripts for shells, which also complete the names of services.
//!
//! clap writes the scripts. For names they call `svcadapt %names`, which is quick, and silent whatever happens.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fmt::Write;

use clap::{Arg, ArgMatches, Command, value_parser};
use clap_complete::{Shell, generate};
use svcadapt::internal;
use svcadapt_hosts::all_installed;
use svcadapt_spec::Scope;

use super::Exit;
use super::report::print;

/// The clap command.
pub(crate) fn command() -> Command {
    Command::new("completions")
        .about("Prints a completion script for a shell; in bash, zsh and fish it also completes names of services")
        .arg(Arg::new("shell").value_name("SHELL").required(true).value_parser(value_parser!(Shell)))
}

/// The word by which the scripts ask for names. No subcommand has such a name.
const NAMES: &str = "%names";

/// Prints the names of the services with a record, and of those that are installed. `None`: the command line is another one.
pub(crate) fn run_names(arguments: &[OsString]) -> Option<Exit> {
    let [_, word] = arguments else { return None };
    (word == NAMES).then_some(())?;
    let installed = [Scope::System, Scope::User].into_iter().flat_map(all_installed);
    let mut all: BTreeSet<String> = installed.map(|(name, _)| name.to_string()).collect();
    all.extend(internal::recorded_names().into_iter().map(|name| name.to_string()));
    let text: String = all.into_iter().map(|name| name + "\n").collect();
    let _ = print(&text);
    Some(Exit::Status(0))
}

/// Prints the script.
pub(crate) fn run(matches: &ArgMatches, mut svcadapt: Command) -> Exit {
    let Some(&shell) = matches.get_one::<Shell>("shell") else { return Exit::Status(svcadapt::USAGE) };
    let mut script = Vec::new();
    svcadapt.build();
    generate(shell, &mut svcadapt, "svcadapt", &mut script);
    let commands = NameCommands::of(&svcadapt);
    let script = String::from_utf8_lossy(&script);
    let script = match shell {
        Shell::Bash => commands.bash(&script),
        Shell::Zsh => zsh(&script),
        Shell::Fish => commands.fish(&script),
        _ => script.into_owned(),
    };
    print(&script).err().unwrap_or(Exit::Status(0))
}

/// The ids of arguments that take the name of a service.
const NAME_ARGUMENTS: [&str; 3] = ["name", "service", "process"];

/// The subcommands that take names of services.
struct NameCommands {
    commands: Vec<String>,
    /// Their options with a value, which is no name.
    options: BTreeSet<String>,
}

impl NameCommands {
    fn of(svcadapt: &Command) -> Self {
        let takes_name = |command: &&Command| {
            command.get_positionals().any(|argument| NAME_ARGUMENTS.contains(&argument.get_id().as_str()))
        };
        let all: Vec<&Command> = svcadapt.get_subcommands().filter(takes_name).collect();
        let arguments = all.iter().flat_map(|command| command.get_opts());
        let words = arguments.flat_map(|argument| {
            let long = argument.get_long().map(|name| format!("--{name}"));
            long.into_iter().chain(argument.get_short().map(|letter| format!("-{letter}")))
        });
        Self {
            options: words.collect(),
            commands: all.iter().map(|command| command.get_name().to_owned()).collect(),
        }
    }

    /// Names with `@` or `:` are several words for readline (COMP_WORDBREAKS, bash(1)), of which only the last is replaced.
    fn bash(&self, script: &str) -> String {
        let commands = self.commands.join("|");
        let options: Vec<String> = self.options.iter().map(|option| format!("*:{option}")).collect();
        let options = options.join("|");
        let names = format!(
            r#"
_svcadapt_names() {{
    local line="${{COMP_LINE:0:COMP_POINT}}" word start name
    word="${{line##*[[:space:]]}}"
    case "${{COMP_WORDS[1]}}" in
        {commands})
            case "$word:${{COMP_WORDS[COMP_CWORD-1]}}" in
                -*) ;;
                {options}) ;;
                *)
                    if [ "$COMP_CWORD" -gt 1 ]; then
                        start="${{word%"${{word##*[:@]}}"}}"
                        COMPREPLY=()
                        while IFS= read -r name; do
                            [[ "$name" != "$word"* ]] || COMPREPLY+=("$(printf %q "${{name#"$start"}}")")
                        done < <("$1" {NAMES} 2>/dev/null)
                        return 0
                    fi
                    ;;
            esac
            ;;
    esac
    _svcadapt "$@"
}}
"#
        );
        let script = script.replace("complete -F _svcadapt ", "complete -F _svcadapt_names ");
        format!("{script}{names}")
    }

    fn fish(&self, script: &str) -> String {
        let mut script = script.to_owned();
        for command in &self.commands {
            // Writing to a String cannot fail.
            let _ = writeln!(
                script,
                "complete -c svcadapt -n \"__fish_svcadapt_using_subcommand {command}\" -f -a \"(svcadapt {NAMES} 2>/dev/null)\""
            );
        }
        script
    }
}

fn zsh(script: &str) -> String {
    let names = format!(
        "\n_svcadapt_names() {{\n    local -a names\n    names=(${{(f)\"$(_call_program names svcadapt {NAMES} 2>/dev/null)\"}})\n    \
         compadd -a names\n}}\n"
    );
    let names_of = |line: &str| {
        let is_name =
            line.contains(":name -- ") || line.contains(":service -- ") || line.contains(":process -- ");
        if is_name { line.replace(":_default'", ":_svcadapt_names'") } else { line.to_owned() }
    };
    let lines: Vec<String> = script.lines().map(names_of).collect();
    let script = lines.join("\n") + "\n";
    match script.split_once('\n') {
        // The first line is `#compdef svcadapt`.
        Some((first, rest)) => format!("{first}\n{names}{rest}"),
        None => script,
    }
}
