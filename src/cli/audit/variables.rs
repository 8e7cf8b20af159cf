//! The environment variables that a service should not inherit.

/// The effect of an inherited variable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Harm {
    /// It changes which code runs, or how a shell reads it (ld.so(8), bash(1), the interpreters' manuals).
    Code,
    /// It gives access to an agent or a display of another user.
    Credentials,
    /// It describes a terminal, a login session or a `sudo`, and so makes the service depend on the user who started it.
    Session,
}

/// The name of a variable, or the beginning of its name.
enum NamePattern {
    Name(&'static str),
    Prefix(&'static str),
}

const TABLE: &[(Harm, &[NamePattern])] = {
    use NamePattern::{Name, Prefix};
    &[
        (
            Harm::Code,
            &[
                Prefix("LD_"),
                Prefix("DYLD_"),
                Name("GLIBC_TUNABLES"),
                Name("GCONV_PATH"),
                Name("LOCPATH"),
                Name("NLSPATH"),
                Name("HOSTALIASES"),
                Name("RES_OPTIONS"),
                Name("LOCALDOMAIN"),
                Name("MALLOC_TRACE"),
                Name("IFS"),
                Name("ENV"),
                Name("BASH_ENV"),
                Prefix("BASH_FUNC_"),
                Name("BASHOPTS"),
                Name("SHELLOPTS"),
                Name("PS4"),
                Name("PROMPT_COMMAND"),
                Name("CDPATH"),
                Name("GLOBIGNORE"),
                Name("ZDOTDIR"),
                Name("PYTHONPATH"),
                Name("PYTHONHOME"),
                Name("PYTHONSTARTUP"),
                Name("PYTHONINSPECT"),
                Name("PYTHONUSERBASE"),
                Name("PERLLIB"),
                Name("PERL5LIB"),
                Name("PERL5OPT"),
                Name("PERL5DB"),
                Name("RUBYLIB"),
                Name("RUBYOPT"),
                Name("NODE_OPTIONS"),
                Name("NODE_PATH"),
                Name("JAVA_TOOL_OPTIONS"),
                Name("_JAVA_OPTIONS"),
                Name("CLASSPATH"),
                Name("LUA_PATH"),
                Name("LUA_CPATH"),
                Name("LUA_INIT"),
            ],
        ),
        (
            Harm::Credentials,
            &[
                Name("SSH_AUTH_SOCK"),
                Name("SSH_ASKPASS"),
                Name("GPG_AGENT_INFO"),
                Name("XAUTHORITY"),
                Name("KRB5CCNAME"),
                Name("DBUS_SESSION_BUS_ADDRESS"),
            ],
        ),
        (
            Harm::Session,
            &[
                Name("TERM"),
                Name("TERMCAP"),
                Name("COLUMNS"),
                Name("LINES"),
                Name("SHLVL"),
                Name("OLDPWD"),
                Name("MAIL"),
                Name("DISPLAY"),
                Name("WAYLAND_DISPLAY"),
                Name("WINDOWID"),
                Name("STY"),
                Name("WINDOW"),
                Prefix("TMUX"),
                Prefix("SSH_"),
                Prefix("SUDO_"),
                Prefix("XDG_SESSION_"),
                Name("XDG_SEAT"),
                Name("XDG_VTNR"),
                Name("XDG_RUNTIME_DIR"),
            ],
        ),
    ]
};

/// The effect of the variable of this name on a service. `None` if it is not known to be harmful.
pub(crate) fn harm(name: &[u8]) -> Option<Harm> {
    TABLE
        .iter()
        .find(|(_, patterns)| {
            patterns.iter().any(|pattern| match pattern {
                NamePattern::Name(whole) => name == whole.as_bytes(),
                NamePattern::Prefix(start) => name.starts_with(start.as_bytes()),
            })
        })
        .map(|(harm, _)| *harm)
}

/// Whether the value is the variable's default: some launchers reset `IFS` to it.
pub(crate) fn is_default(name: &[u8], value: &[u8]) -> bool {
    name == b"IFS" && value == b" \t\n"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn default_ifs_is_harmless() {
        assert!(is_default(b"IFS", b" \t\n"));
        assert!(!is_default(b"IFS", b"/"));
        assert!(!is_default(b"ENV", b" \t\n"));
    }

    #[test]
    fn variables_are_classified_by_name_and_prefix() {
        for (name, harm) in [
            ("LD_BOGUS", Some(Harm::Code)),
            ("LD", None),
            ("IFS", Some(Harm::Code)),
            ("IFSX", None),
            ("BASH_FUNC_ls%%", Some(Harm::Code)),
            ("SSH_AUTH_SOCK", Some(Harm::Credentials)),
            ("SSH_CLIENT", Some(Harm::Session)),
            ("SUDO_USER", Some(Harm::Session)),
            ("XDG_SESSION_ID", Some(Harm::Session)),
            ("PATH", None),
            ("HOME", None),
            ("NOTIFY_SOCKET", None),
        ] {
            assert_eq!(super::harm(name.as_bytes()), harm, "{name}");
        }
    }
}
