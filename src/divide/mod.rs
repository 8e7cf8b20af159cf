//! WHAT EACH HOST CAN DO: a table of capabilities a host, and the one function that divides the labour by it.
//!
//! The host does what it has a word for, the adapter (`svcadapt run`) does the rest, and what neither can do is a
//! [`Loss`] with its reason. Only what a spec says is divided: what it leaves open stays the host's own default.
//! Nothing here writes a file format, and nothing looks at the machine.

mod capability;
mod command;
mod directive;
mod division;
mod harden;
mod host;
mod keep_alive;
mod launchd;
mod loss;
mod native;
mod systemd;
mod values;

pub use capability::Capability;
pub use capability::Rights;
pub use command::Place;
pub use command::Word;
pub use command::command;
pub use directive::Choice;
pub use directive::DirectiveRow;
pub use directive::Section;
pub use directive::ValueKind;
pub use directive::directive;
pub use directive::directives;
pub use directive::nearest;
pub use directive::nearest_of;
pub use division::Division;
pub use division::divide;
pub use harden::Conflict;
pub use harden::Hardening;
pub use harden::Level;
pub use harden::Network;
pub use harden::Omission;
pub use harden::Setting;
pub use harden::harden;
pub use harden::jit;
pub use host::Scope;
pub use host::Systemd;
pub use host::Target;
pub use host::Version;
pub use keep_alive::as_launchd;
pub use keep_alive::is_on_demand;
pub use keep_alive::keep_alive;
pub use keep_alive::never_gives_up;
pub use keep_alive::starts_at_once;
pub use launchd::launchd_listens;
pub use launchd::resource_key;
pub use launchd::starts_at_load;
pub use loss::Loss;
pub use loss::LossKind;
pub use loss::Subject;
pub use native::Instead;
pub use native::in_launchd;
pub use native::in_systemd;
pub use native::in_words_of;
pub use native::is_idle;
pub use native::is_known;
pub use native::never_written;
pub use native::prefixes;
pub use native::unknown;
pub use native::wanted_by_all;
pub use systemd::NOTIFY_RELOAD;
pub use systemd::reload_signal;
pub use values::values;
