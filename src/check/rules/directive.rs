//! SVC2xx: directives of a unit and their values.

use crate::check::rule::rules;

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
        "a word is no assignment"
        why "systemd passes over it; a value with blanks that is not in quotes ends at the first one"
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
}
