//! What the standard streams are connected to, besides the three streams themselves.

use crate::row::{many, one};
use crate::{Field as F, FieldRow};

pub(super) const ROWS: [FieldRow; 18] = [
    many(
        F::StandardInputText,
        "StandardInputText",
        "standard-input-text",
        "TEXT",
        "A line for standard input; sets it to data, unless --standard-input says otherwise",
    ),
    many(
        F::StandardInputData,
        "StandardInputData",
        "standard-input-data",
        "BASE64",
        "As --standard-input-text, for binary data; it follows the text",
    ),
    one(
        F::SyslogIdentifier,
        "SyslogIdentifier",
        "syslog-identifier",
        "NAME",
        "The name of the service in the journal [its name; with --standard-output journal, that of the program]",
    ),
    one(
        F::SyslogFacility,
        "SyslogFacility",
        "syslog-facility",
        "FACILITY",
        "The facility in the journal, as syslog(3) names it [daemon]",
    ),
    one(
        F::SyslogLevel,
        "SyslogLevel",
        "syslog-level",
        "LEVEL",
        "The level of a line without a prefix <N>, emerg to debug [info]",
    ),
    one(
        F::SyslogLevelPrefix,
        "SyslogLevelPrefix",
        "syslog-level-prefix",
        "BOOL",
        "Take a prefix <N> of a line as its level (sd-daemon(3)) [yes]",
    ),
    one(
        F::LogRotateSize,
        "LogRotateSize",
        "log-rotate-size",
        "SIZE",
        "Rotate the log file from this length on; a process of svcadapt stays and writes it",
    ),
    one(
        F::LogRotateAge,
        "LogRotateAge",
        "log-rotate-age",
        "TIME",
        "Rotate the log file when it is this old; a process of svcadapt stays and writes it",
    ),
    one(F::LogKeep, "LogKeep", "log-keep", "COUNT", "The number of old log files that are kept [5]"),
    one(
        F::LogCompress,
        "LogCompress",
        "log-compress",
        "HOW",
        "How old log files are compressed: gzip or none [none]",
    ),
    one(
        F::LogTimestamps,
        "LogTimestamps",
        "log-timestamps",
        "BOOL",
        "Begin each line of the log file with the time (RFC 3339); a process of svcadapt stays and writes it",
    ),
    one(
        F::ReopenSignal,
        "ReopenSignal",
        "reopen-signal",
        "SIGNAL",
        "The signal by which the program opens its log files again, for `svcadapt reopen`",
    ),
    one(F::TtyPath, "TTYPath", "tty-path", "PATH", "The terminal of tty streams [/dev/console]"),
    one(F::TtyReset, "TTYReset", "tty-reset", "BOOL", "Reset the modes of the terminal before the start"),
    one(
        F::TtyVHangup,
        "TTYVHangup",
        "tty-vhangup",
        "BOOL",
        "Take the terminal from all other processes before the start (vhangup(2))",
    ),
    one(
        F::TtyVtDisallocate,
        "TTYVTDisallocate",
        "tty-vt-disallocate",
        "BOOL",
        "Clear a virtual console, and the text that has scrolled off, before the start",
    ),
    one(F::TtyRows, "TTYRows", "tty-rows", "NUMBER", "The height of the terminal, in lines"),
    one(F::TtyColumns, "TTYColumns", "tty-columns", "NUMBER", "The width of the terminal, in characters"),
];
