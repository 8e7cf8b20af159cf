//! SVC2xx: directives of a unit and their values.

use crate::lint::rule::rules;

rules! { ALL;
    UNKNOWN "SVC201" Warning
        "unknown directive"
        why "systemd ignores the line, so it has no effect"
        hint "correct the name; directives for other programs start with X-";
    SECTION "SVC202" Warning
        "directive in the wrong section"
        why "systemd ignores it there"
        hint "move it to its section";
    VALUE "SVC203" Warning
        "value is not valid for this directive"
        why "systemd ignores the line and uses the default"
        hint "systemd.directives(7) lists the manual page of each directive";
    TOO_NEW "SVC204" Warning
        "this version of systemd does not know it yet"
        why "systemd ignores the line"
        hint "remove it, or name the version that will read the unit with --systemd-version";
    GONE "SVC205" Warning
        "directive or value is obsolete"
        why "it is from an older systemd; newer versions ignore it, or give it another meaning"
        hint "remove it";
    NO_SECTION "SVC206" Warning
        "unknown section"
        why "systemd ignores everything in it"
        hint "correct the name; sections for other programs start with X-";
    RAW "SVC207" Error
        "directive does not support quotes and backslashes"
        why "its value is the rest of the line, unchanged: the quotes become part of the path"
        hint "write the path without quotes and escapes; it may contain blanks";
    ASSIGNMENT "SVC208" Warning
        "word is not the assignment that it was meant to be"
        why "only blanks separate assignments: an unquoted value ends at the first blank, and systemd ignores a word without ="
        hint "quote the whole assignment: Environment=\"NAME=some words\"";
    ZERO "SVC209" Warning
        "timeout of 0 means no timeout"
        why "a service that does not end by itself blocks the shutdown of the machine"
        hint "write infinity if that is intended; the shortest timeout is 1s";
    VAR_RUN "SVC210" Warning
        "/var/run is an old name of /run"
        why "systemd rewrites some such paths and logs a message; in other paths it is a link that may be missing in a sandbox"
        hint "write /run";
    LIMIT "SVC211" Warning
        "invalid resource limit"
        why "systemd ignores the line: a number of files takes no unit, and the word for unlimited is infinity"
        hint "write a plain number, or infinity";
    COMMENT "SVC212" Warning
        "comment after a value"
        why "a comment needs a line of its own (systemd.syntax(7)); here it is part of the value or of the arguments"
        hint "move the comment to the line before";
    TYPOGRAPHY "SVC213" Warning
        "typographic character in a value"
        why "systemd takes typographic quotes, dashes and blanks as letters; they often come from a web page or a chat"
        hint "type the plain character again";
    ABSOLUTE "SVC214" Warning
        "path is not absolute"
        why "systemd ignores the line, or refuses the unit if it is the working directory; it expands neither ~ nor variables"
        hint "write the absolute path; %h is the home of the manager's user";
    EXPANDED "SVC215" Warning
        "variable in Environment= is not expanded"
        why "systemd expands variables only in commands (systemd.exec(5)): the value contains the $ and the name"
        hint "write the value, or set it in the command: /usr/bin/env, or /bin/sh -c";
    PID_RELATIVE "SVC216" Note
        "path in PIDFile= is relative"
        why "it is relative to /run, whatever the working directory is"
        hint "write the absolute path";
    DIRECTORY_NAME "SVC217" Warning
        "directive takes the name of a directory, not a path"
        why "systemd creates the directory below /run, /var/lib, /var/cache, /var/log or /etc, and ignores an absolute path"
        hint "write only the name: RuntimeDirectory=web creates /run/web";
}
