//! SVC5xx: files that a unit names.

use crate::lint::rule::rules;

rules! { ALL;
    ENVIRONMENT_FILE "SVC501" Warning
        "the environment file is not there"
        why "the service fails before its program starts: \"Failed to load environment files\""
        cure "write EnvironmentFile=-PATH if it may be missing";
    WORKING_DIRECTORY "SVC502" Warning
        "the working directory is not there"
        why "the service fails with 200/CHDIR"
        cure "make it, let StateDirectory= make it, or write WorkingDirectory=-PATH if it may be missing";
    CONDITION "SVC503" Error
        "quotes or escapes stand in the path of a condition"
        why "they belong to the path, which then does not exist: systemctl start returns 0 and the service never runs"
        cure "write the path without quotes and escapes; blanks may stand in it";
    SANDBOX "SVC504" Warning
        "a path of the sandbox is not there"
        why "the service fails with 226/NAMESPACE"
        cure "write a - before the path if it may be missing";
    SWALLOWED "SVC505" Warning
        "a comment in the environment file ends in a backslash"
        why "the next line becomes a part of the comment, and its variable is not set"
        cure "take the backslash away";
    EXPORT "SVC506" Warning
        "a line of the environment file is no assignment for systemd"
        why "no shell reads the file: what begins with export is passed over"
        cure "write NAME=VALUE";
    TRAILING "SVC507" Warning
        "a comment stands behind a value in the environment file"
        why "it becomes a part of the value"
        cure "put the comment on a line of its own";
}
