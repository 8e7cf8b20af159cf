//! The options of listening sockets and of the files beside them (systemd.socket(5)); most are for setsockopt(2).

use std::ffi::OsStr;
use std::fmt;

use super::value_error::text;
use super::{Field, FieldKind, FieldRow, Timespan, ValueError, boolean};
use crate::row::one;

/// An option.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[allow(missing_docs, reason = "each has its help text in the table below")]
pub enum SocketOption {
    ReusePort,
    KeepAlive,
    KeepAliveTimeSec,
    KeepAliveIntervalSec,
    KeepAliveProbes,
    NoDelay,
    DeferAcceptSec,
    TcpCongestion,
    Priority,
    ReceiveBuffer,
    SendBuffer,
    IpTos,
    IpTtl,
    Mark,
    FreeBind,
    Transparent,
    Broadcast,
    BindToDevice,
    PassCredentials,
    PassSecurity,
    RemoveOnStop,
    Accept,
    MaxConnections,
    MaxConnectionsPerSource,
    PipeSize,
    Writable,
    MessageQueueMaxMessages,
    MessageQueueMessageSize,
    SocketTimeoutSec,
}

/// Its value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SocketOptionValue {
    /// On or off.
    Flag(bool),
    /// A number.
    Number(u32),
    /// A time.
    Time(Timespan),
    /// A name.
    Name(String),
}

/// How it is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Flag,
    /// A number from the first to the second.
    Number(u32, u32),
    /// A number of bytes, with K, M or G.
    Size,
    Time,
    /// A name of at most so many bytes.
    Name(usize),
    /// A number, or one of the names of ip(7).
    Tos,
}

/// The greatest number of the kernel's options.
const MAX: u32 = 0x7fff_ffff;

/// The names of `IPTOS=` (ip(7)).
const TOS: [(&str, u32); 4] = [("low-delay", 16), ("throughput", 8), ("reliability", 4), ("low-cost", 2)];

use SocketOption as O;

type OptionRow = (SocketOption, Form, &'static str, &'static str, &'static str, &'static str);

/// Form, directive, option, placeholder and help of each.
const TABLE: [OptionRow; 29] = [
    (
        O::ReusePort,
        Form::Flag,
        "ReusePort",
        "reuse-port",
        "BOOL",
        "Let others bind the same address (SO_REUSEPORT)",
    ),
    (
        O::KeepAlive,
        Form::Flag,
        "KeepAlive",
        "keep-alive",
        "BOOL",
        "Probe the other end of idle connections (tcp(7))",
    ),
    (
        O::KeepAliveTimeSec,
        Form::Time,
        "KeepAliveTimeSec",
        "keep-alive-time-sec",
        "TIME",
        "Idle time before the first probe of a connection",
    ),
    (
        O::KeepAliveIntervalSec,
        Form::Time,
        "KeepAliveIntervalSec",
        "keep-alive-interval-sec",
        "TIME",
        "Time between two probes of a connection",
    ),
    (
        O::KeepAliveProbes,
        Form::Number(0, MAX),
        "KeepAliveProbes",
        "keep-alive-probes",
        "NUMBER",
        "Unanswered probes that end a connection",
    ),
    (O::NoDelay, Form::Flag, "NoDelay", "no-delay", "BOOL", "Send small pieces at once (TCP_NODELAY)"),
    (
        O::DeferAcceptSec,
        Form::Time,
        "DeferAcceptSec",
        "defer-accept-sec",
        "TIME",
        "Accept a connection when it has sent something, or after this time",
    ),
    (
        O::TcpCongestion,
        Form::Name(15),
        "TCPCongestion",
        "tcp-congestion",
        "NAME",
        "The congestion control of connections: cubic, bbr",
    ),
    (
        O::Priority,
        Form::Number(0, MAX),
        "Priority",
        "priority",
        "NUMBER",
        "Priority of the packets (SO_PRIORITY, socket(7))",
    ),
    (
        O::ReceiveBuffer,
        Form::Size,
        "ReceiveBuffer",
        "receive-buffer",
        "SIZE",
        "Size of the receive buffer, with K, M or G",
    ),
    (
        O::SendBuffer,
        Form::Size,
        "SendBuffer",
        "send-buffer",
        "SIZE",
        "Size of the send buffer, with K, M or G",
    ),
    (
        O::IpTos,
        Form::Tos,
        "IPTOS",
        "ip-tos",
        "TOS",
        "Type of service: a number, low-delay, throughput, reliability or low-cost",
    ),
    (O::IpTtl, Form::Number(1, 255), "IPTTL", "ip-ttl", "NUMBER", "Time to live of the packets, 1 to 255"),
    (O::Mark, Form::Number(0, MAX), "Mark", "mark", "NUMBER", "Firewall mark of the packets (SO_MARK)"),
    (
        O::FreeBind,
        Form::Flag,
        "FreeBind",
        "free-bind",
        "BOOL",
        "Bind addresses that the machine does not have yet",
    ),
    (
        O::Transparent,
        Form::Flag,
        "Transparent",
        "transparent",
        "BOOL",
        "Bind addresses of others (IP_TRANSPARENT)",
    ),
    (O::Broadcast, Form::Flag, "Broadcast", "broadcast", "BOOL", "Allow broadcasts (SO_BROADCAST)"),
    (
        O::BindToDevice,
        Form::Name(15),
        "BindToDevice",
        "bind-to-device",
        "NAME",
        "Take packets of this network interface only",
    ),
    (
        O::PassCredentials,
        Form::Flag,
        "PassCredentials",
        "pass-credentials",
        "BOOL",
        "Receive the pid and the user of each sender (SO_PASSCRED)",
    ),
    (
        O::PassSecurity,
        Form::Flag,
        "PassSecurity",
        "pass-security",
        "BOOL",
        "Receive the security label of each sender (SO_PASSSEC)",
    ),
    (
        O::RemoveOnStop,
        Form::Flag,
        "RemoveOnStop",
        "remove-on-stop",
        "BOOL",
        "Remove the files of the sockets at a stop",
    ),
    (
        O::Accept,
        Form::Flag,
        "Accept",
        "accept",
        "BOOL",
        "Start a process for each connection, which gets that one socket",
    ),
    (
        O::MaxConnections,
        Form::Number(0, MAX),
        "MaxConnections",
        "max-connections",
        "NUMBER",
        "With --accept: so many processes at a time [64]",
    ),
    (
        O::MaxConnectionsPerSource,
        Form::Number(0, MAX),
        "MaxConnectionsPerSource",
        "max-connections-per-source",
        "NUMBER",
        "With --accept: so many for one address or user; 0 is no limit",
    ),
    (
        O::PipeSize,
        Form::Size,
        "PipeSize",
        "pipe-size",
        "SIZE",
        "Size of the buffer of a FIFO, with K, M or G",
    ),
    (O::Writable, Form::Flag, "Writable", "writable", "BOOL", "Open special files for writing too"),
    (
        O::MessageQueueMaxMessages,
        Form::Number(1, MAX),
        "MessageQueueMaxMessages",
        "message-queue-max-messages",
        "NUMBER",
        "The most messages in a new message queue; needs the size of a message too",
    ),
    (
        O::MessageQueueMessageSize,
        Form::Number(1, MAX),
        "MessageQueueMessageSize",
        "message-queue-message-size",
        "BYTES",
        "The size of a message in a new message queue; needs the number of messages too",
    ),
    (
        O::SocketTimeoutSec,
        Form::Time,
        "SocketTimeoutSec",
        "socket-timeout-sec",
        "TIME",
        "Timeout of a command of the sockets: TimeoutSec= of a socket unit; 0 is no limit [90s]",
    ),
];

/// The rows of the field table.
pub(super) const ROWS: [FieldRow; TABLE.len()] = {
    let mut rows = [one(Field::SocketOption(O::ReusePort), "", "", "", ""); TABLE.len()];
    let mut at = 0;
    while at < rows.len() {
        let (option, _, directive, word, value, help) = TABLE[at];
        rows[at] = one(Field::SocketOption(option), directive, word, value, help);
        at += 1;
    }
    rows
};

impl SocketOption {
    /// All options.
    pub fn all() -> impl Iterator<Item = Self> {
        TABLE.iter().map(|row| row.0)
    }

    fn form(self) -> Form {
        // Every option has a row; a test checks it.
        TABLE.iter().find(|row| row.0 == self).unwrap_or(&TABLE[0]).1
    }

    /// The kind of its values.
    pub(super) fn kind(self) -> FieldKind {
        match self.form() {
            Form::Flag => FieldKind::Boolean,
            Form::Number(from, to) => FieldKind::Integer(from.into(), to.into()),
            Form::Time => FieldKind::Time,
            Form::Size | Form::Name(_) | Form::Tos => FieldKind::String,
        }
    }

    /// Reads a value.
    pub(super) fn parse(self, value: &OsStr) -> Result<SocketOptionValue, ValueError> {
        let word = text(value)?;
        Ok(match self.form() {
            Form::Flag => {
                SocketOptionValue::Flag(boolean(word).ok_or_else(|| ValueError::from("neither yes nor no"))?)
            }
            Form::Number(from, to) => SocketOptionValue::Number(number(word, from, to)?),
            Form::Size => SocketOptionValue::Number(size(word)?),
            Form::Time => SocketOptionValue::Time(Timespan::parse(value)?),
            Form::Name(longest) => {
                let plain = word.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'/');
                if word.is_empty() || word.len() > longest || !plain {
                    return Err(format!("not a name of 1 to {longest} characters").into());
                }
                SocketOptionValue::Name(word.to_owned())
            }
            Form::Tos => {
                let named = TOS.iter().find(|(name, _)| *name == word).map(|(_, number)| *number);
                SocketOptionValue::Number(named.map_or_else(|| number(word, 0, 255), Ok)?)
            }
        })
    }
}

fn number(word: &str, from: u32, to: u32) -> Result<u32, ValueError> {
    let plain = !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit());
    let number = word.parse().ok().filter(|number| plain && (from..=to).contains(number));
    number.ok_or_else(|| format!("not a whole number from {from} to {to}").into())
}

/// Reads a size: units are powers of 1024 (systemd.socket(5)).
fn size(word: &str) -> Result<u32, ValueError> {
    let (digits, factor) = match word.strip_suffix(['K', 'M', 'G']) {
        Some(digits) if word.ends_with('K') => (digits, 1 << 10),
        Some(digits) if word.ends_with('M') => (digits, 1 << 20),
        Some(digits) => (digits, 1 << 30),
        None => (word, 1),
    };
    let bytes = number(digits, 0, MAX)?.checked_mul(factor).filter(|bytes| *bytes <= MAX);
    bytes.ok_or_else(|| format!("more than {MAX} bytes").into())
}

impl fmt::Display for SocketOptionValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag(yes) => f.write_str(if *yes { "yes" } else { "no" }),
            Self::Number(number) => number.fmt(f),
            Self::Time(span) => span.fmt(f),
            Self::Name(name) => f.write_str(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn value_of_a_socket_option_is_read_and_printed() {
        for (option, given, read) in [
            (O::KeepAlive, "on", Some("yes")),
            (O::KeepAlive, "maybe", None),
            (O::SendBuffer, "8K", Some("8192")),
            (O::SendBuffer, "2G", None),
            (O::SendBuffer, "-1", None),
            (O::SendBuffer, "K", None),
            (O::IpTos, "low-delay", Some("16")),
            (O::IpTos, "256", None),
            (O::IpTtl, "0", None),
            (O::DeferAcceptSec, "1min", Some("60s")),
            (O::BindToDevice, "eth0", Some("eth0")),
            (O::BindToDevice, "a/b", None),
            (O::TcpCongestion, "", None),
        ] {
            let value = option.parse(OsStr::new(given)).ok().map(|value| value.to_string());
            assert_eq!(value.as_deref(), read, "{given}");
        }
        let all: std::collections::BTreeSet<_> = O::all().collect();
        assert_eq!(all.len(), TABLE.len());
    }
}
