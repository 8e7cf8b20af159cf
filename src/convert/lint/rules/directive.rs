//! SVC2xx: directives of a unit and their values.

use crate::lint::rule::rules;

rules! { ALL;
    UNKNOWN "SVC201" Warning
        "systemd knows no such directive"
        why "it passes over the line; what the line should do is not done"
        cure "correct the name; a directive of somebody else's begins with X-";
    SECTION "SVC202" Warning
        "the directive stands in the wrong section"
        why "systemd passes over it there"
        cure "move it to its section";
    VALUE "SVC203" Warning
        "the directive does not take this value"
        why "systemd passes over the line, and the default holds"
        cure "systemd.directives(7) says where each directive is explained";
    TOO_NEW "SVC204" Warning
        "this systemd does not know it yet"
        why "it passes over the line"
        cure "leave it out, or say with --systemd-version which systemd will read it";
    GONE "SVC205" Warning
        "systemd does nothing with it any more"
        why "it is from an older systemd; newer ones pass over it, or take it for something else"
        cure "take it out";
    NO_SECTION "SVC206" Warning
        "systemd knows no such section"
        why "it passes over all that stands in it"
        cure "correct the name; a section of somebody else's begins with X-";
    RAW "SVC207" Error
        "quotes and backslashes mean nothing to this directive"
        why "its value is the rest of the line as it stands: the quotes become a part of the path"
        cure "write the path without quotes and escapes; blanks may stand in it";
    ASSIGNMENT "SVC208" Warning
        "a word is not the assignment that it was meant to be"
        why "blanks part assignments, and nothing else: a value that is not in quotes ends at the first one, and systemd passes over what has no ="
        cure "put the whole assignment in quotes: Environment=\"NAME=some words\"";
    ZERO "SVC209" Warning
        "a timeout of 0 means for ever, not at once"
        why "a service that does not end by itself blocks the shutdown of the machine"
        cure "write infinity if that is meant; 1s is the shortest";
    VAR_RUN "SVC210" Warning
        "/var/run is an old name of /run"
        why "systemd rewrites some such paths and logs it; in others it is a link that a sandbox may not have"
        cure "write /run";
    LIMIT "SVC211" Warning
        "a limit that no size or number is"
        why "systemd passes over the line: the number of files has no unit, and no limit is called infinity"
        cure "write a plain number, or infinity";
    COMMENT "SVC212" Warning
        "a comment stands behind a value"
        why "a comment is a line of its own (systemd.syntax(7)); here it is a part of the value, or arguments of the program"
        cure "put the comment on the line before";
    TYPOGRAPHY "SVC213" Warning
        "a sign of a word processor"
        why "typographic quotes, dashes and blanks are letters to systemd; a page or a chat put them in the place of plain ones"
        cure "type it again on the keyboard";
    ABSOLUTE "SVC214" Warning
        "a path is not absolute"
        why "systemd passes over the line, or refuses the unit for its working directory; it expands neither ~ nor variables"
        cure "write the whole path; %h is the home of the manager's user";
    EXPANDED "SVC215" Warning
        "a variable in Environment="
        why "systemd puts variables into commands only (systemd.exec(5)): the value holds the $ and the name"
        cure "write the value; or set it in the command: /usr/bin/env, or /bin/sh -c";
    PID_RELATIVE "SVC216" Note
        "PIDFile= is a relative path"
        why "systemd takes it below /run, whatever the working directory is"
        cure "write the absolute path";
    DIRECTORY_NAME "SVC217" Warning
        "a directory that systemd makes is named by a path"
        why "the name is taken below /run, /var/lib, /var/cache, /var/log or /etc; systemd passes over an absolute one"
        cure "write the name alone: RuntimeDirectory=web makes /run/web";
}
