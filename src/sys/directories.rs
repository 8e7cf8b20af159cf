//! Where the systems keep the files of services.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use super::{accounts, platform};

/// The systems whose directories differ.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// Linux, with systemd's directories (file-hierarchy(7)).
    Linux,
    /// macOS: the root file system is sealed, so there is no `/run` (hier(7)).
    MacOs,
}

/// This system.
pub const THIS_SYSTEM: System = if cfg!(target_os = "macos") { System::MacOs } else { System::Linux };

/// What determines the directories of an ordinary user. `XDG_STATE_HOME` and `XDG_RUNTIME_DIR` are not used: cron(8), a
/// login and sudo(8) set them differently, and a service must be found from each.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct UserDirs {
    /// The user id.
    pub uid: u32,
    /// The home directory of the account (passwd(5)).
    pub home: Option<PathBuf>,
    /// `$HOME`. It is only read: a service may have been started when the account could not be looked up.
    pub env_home: Option<PathBuf>,
    /// The system's directory for this user (`_CS_DARWIN_USER_DIR`, confstr(3)).
    pub darwin: Option<PathBuf>,
}

impl UserDirs {
    /// Looks up a user. An error means that the account could not be read, so not every directory is known.
    pub fn find(uid: u32) -> io::Result<Self> {
        let absolute = |path: PathBuf| path.is_absolute().then_some(path);
        let home = accounts::user(&uid.to_string())?.and_then(|user| absolute(user.home.into()));
        let env_home = std::env::var_os("HOME").map(PathBuf::from).and_then(absolute);
        Ok(Self { uid, home, env_home, darwin: platform::user_directory() })
    }
}

impl System {
    /// Root's runtime directory: `/run`, or `/var/run` on systems without it.
    pub fn runtime(self, is_directory: impl Fn(&Path) -> bool) -> &'static Path {
        let run = Path::new("/run");
        if self == Self::Linux && is_directory(run) { run } else { Path::new("/var/run") }
    }

    /// The runtime directory of an ordinary user.
    pub fn runtime_of(self, person: &UserDirs) -> PathBuf {
        match (self, &person.darwin) {
            (Self::MacOs, Some(own)) => own.clone(),
            _ => format!("/run/user/{}", person.uid).into(),
        }
    }

    /// Directories for an ordinary user's state that survive logout and cleaners, best first.
    pub fn persistent(self, person: &UserDirs) -> Vec<PathBuf> {
        let below = match self {
            Self::MacOs => "Library/Application Support/svcadapt",
            Self::Linux => ".local/state/svcadapt",
        };
        let own = person.darwin.as_ref().filter(|_| self == Self::MacOs).map(|own| own.join("svcadapt"));
        own.into_iter().chain(person.home.as_ref().map(|home| home.join(below))).collect()
    }

    /// The same below `$HOME`.
    pub fn persistent_in_env_home(self, person: &UserDirs) -> Vec<PathBuf> {
        let persistent_in_env_home =
            UserDirs { home: person.env_home.clone(), darwin: None, ..UserDirs::default() };
        self.persistent(&persistent_in_env_home)
    }

    /// The directory of the log files of root (uid 0), or of a user with this state: `$XDG_STATE_HOME` and the home.
    pub fn logs(
        self,
        uid: u32,
        user: impl FnOnce() -> (Option<PathBuf>, Option<PathBuf>),
    ) -> Option<PathBuf> {
        if uid == 0 {
            return Some(match self {
                Self::MacOs => "/Library/Logs/svcadapt".into(),
                Self::Linux => "/var/log/svcadapt".into(),
            });
        }
        let (state, home) = user();
        match self {
            Self::MacOs => home.map(|home| home.join("Library/Logs/svcadapt")),
            Self::Linux => {
                state.or_else(|| Some(home?.join(".local/state"))).map(|state| state.join("svcadapt"))
            }
        }
    }

    /// The directory of a user without a writable home. Cleaners sweep `/tmp`; systemd-tmpfiles(8) skips files with the
    /// sticky bit.
    pub fn fallback(uid: u32) -> PathBuf {
        format!("/tmp/svcadapt-{uid}").into()
    }

    /// Whether a group-writable directory is still writable to root only. `/var/run` of macOS belongs to the group
    /// `daemon`, whose only member is root.
    pub fn is_roots_group(self, directory: &Path, gid: u32) -> bool {
        self == Self::MacOs && gid == 1 && directory == Path::new("/private/var/run")
    }
}

impl System {
    /// The file name for a service name. On a case-insensitive file system (APFS) names that differ only in case would
    /// share one lock; there an upper-case letter becomes `^` and the lower-case letter. No service name contains `^`.
    pub fn file_name(self, service: &str) -> String {
        if self != Self::MacOs {
            return service.to_owned();
        }
        let mut file = String::with_capacity(service.len());
        for letter in service.chars() {
            if letter.is_ascii_uppercase() {
                file.push('^');
            }
            file.push(letter.to_ascii_lowercase());
        }
        file
    }

    /// The service name of a file name.
    pub fn service_name(self, file: &str) -> String {
        if self != Self::MacOs {
            return file.to_owned();
        }
        let mut parts = file.split('^');
        let mut name = parts.next().unwrap_or_default().to_owned();
        for part in parts {
            let mut letters = part.chars();
            name.extend(letters.next().map(|letter| letter.to_ascii_uppercase()));
            name.push_str(letters.as_str());
        }
        name
    }
}

/// `$XDG_STATE_HOME` and the home directory of this user.
pub fn user_state() -> (Option<PathBuf>, Option<PathBuf>) {
    let absolute = |path: PathBuf| path.is_absolute().then_some(path);
    let state = std::env::var_os("XDG_STATE_HOME").map(PathBuf::from).and_then(absolute);
    // Looked up only if it is needed: a directory service may be slow.
    let home = || {
        let uid = super::identity::effective_user();
        UserDirs::find(uid).ok().and_then(|person| person.home.or(person.env_home))
    };
    let home = if state.is_some() && THIS_SYSTEM != System::MacOs { None } else { home() };
    (state, home)
}

/// Root's runtime directory on this machine.
pub fn runtime() -> &'static Path {
    // Used several times in a start; the answer does not change.
    static RUNTIME: OnceLock<&Path> = OnceLock::new();
    RUNTIME.get_or_init(|| THIS_SYSTEM.runtime(Path::is_dir))
}

/// The hint for a directory that others can write and that should hold root's files.
pub fn shared_dir_hint(directory: &Path) -> String {
    let runtime = runtime();
    let real = std::fs::canonicalize(runtime);
    if directory == runtime || real.is_ok_and(|real| real == directory) {
        format!("run 'chmod 755 {}': only root may write there", runtime.display())
    } else {
        format!("put it directly into {}", runtime.display())
    }
}

/// The part of a boot id that is used as a directory name.
pub fn boot_dir_name(boot: &str) -> PathBuf {
    const MAX_LETTERS: usize = 16;
    let letters: String = boot.chars().filter(char::is_ascii_alphanumeric).take(MAX_LETTERS).collect();
    PathBuf::from(OsStr::new(&letters))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person() -> UserDirs {
        UserDirs {
            uid: 501,
            home: Some("/home/u".into()),
            env_home: Some("/tmp/h".into()),
            darwin: Some("/var/folders/a/b/0".into()),
        }
    }

    #[test]
    fn every_system_has_its_own_directories() {
        for (system, runtime, users, persistent) in [
            (System::Linux, "/run", "/run/user/501", &["/home/u/.local/state/svcadapt"][..]),
            (
                System::MacOs,
                "/var/run",
                "/var/folders/a/b/0",
                &["/var/folders/a/b/0/svcadapt", "/home/u/Library/Application Support/svcadapt"],
            ),
        ] {
            assert_eq!(system.runtime(|_| true), Path::new(runtime));
            assert_eq!(system.runtime(|_| false), Path::new("/var/run"));
            assert_eq!(system.runtime_of(&person()), Path::new(users));
            let persistent: Vec<PathBuf> = persistent.iter().map(PathBuf::from).collect();
            assert_eq!(system.persistent(&person()), persistent);
            assert_eq!(System::fallback(501), Path::new("/tmp/svcadapt-501"));
        }
    }

    #[test]
    fn log_files_are_in_a_directory_of_root_or_of_the_user() {
        let state = |state: Option<&'static str>| move || (state.map(PathBuf::from), Some("/home/u".into()));
        let logs = |system: System, uid, given: Option<&'static str>| system.logs(uid, state(given)).unwrap();
        assert_eq!(logs(System::Linux, 0, Some("/x")), Path::new("/var/log/svcadapt"));
        assert_eq!(logs(System::Linux, 7, Some("/x")), Path::new("/x/svcadapt"));
        assert_eq!(logs(System::Linux, 7, None), Path::new("/home/u/.local/state/svcadapt"));
        assert_eq!(logs(System::MacOs, 7, Some("/x")), Path::new("/home/u/Library/Logs/svcadapt"));
        assert_eq!(logs(System::MacOs, 0, None), Path::new("/Library/Logs/svcadapt"));
        assert_eq!(System::Linux.logs(7, || (None, None)), None);
    }

    #[test]
    fn environment_home_is_a_separate_directory() {
        assert_eq!(
            System::Linux.persistent_in_env_home(&person()),
            [PathBuf::from("/tmp/h/.local/state/svcadapt")]
        );
        let nobody = UserDirs { home: None, env_home: None, darwin: None, uid: 7 };
        assert!(System::Linux.persistent(&nobody).is_empty());
    }

    #[test]
    fn group_daemon_of_var_run_is_roots_on_macos_alone() {
        let place = Path::new("/private/var/run");
        assert!(System::MacOs.is_roots_group(place, 1));
        assert!(!System::MacOs.is_roots_group(place, 20));
        assert!(!System::MacOs.is_roots_group(Path::new("/private/var/log"), 1));
        assert!(!System::Linux.is_roots_group(place, 1));
    }

    #[test]
    fn names_that_differ_only_in_case_have_distinct_files_on_macos() {
        for (name, file) in [("web", "web"), ("Web", "^web"), ("WEB@a.B", "^w^e^b@a.^b"), ("x-1", "x-1")] {
            assert_eq!(System::MacOs.file_name(name), file);
            assert_eq!(System::MacOs.service_name(file), name);
            assert_eq!(System::Linux.file_name(name), name);
            assert_eq!(System::Linux.service_name(name), name);
        }
    }

    #[test]
    fn boot_has_a_short_name_of_its_own() {
        assert_eq!(boot_dir_name("0f3c9a54-1111-2222-3333-444444444444\n"), Path::new("0f3c9a5411112222"));
    }
}
