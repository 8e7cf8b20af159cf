//! systemd units (systemd.unit(5), systemd.service(5), systemd.exec(5), systemd.syntax(7)).

mod quote;
mod write;

pub use write::write;
