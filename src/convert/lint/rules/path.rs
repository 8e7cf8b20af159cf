//! SVC5xx: files that a unit names.

use crate::lint::rule::rules;

rules! { ALL;
    ENVIRONMENT_FILE "SVC501" Warning
        "environment file does not exist"
        why "the service fails before its program starts: \"Failed to load environment files\""
        hint "write EnvironmentFile=-PATH if it may be missing";
    WORKING_DIRECTORY "SVC502" Warning
        "working directory does not exist"
        why "the service fails with 200/CHDIR"
        hint "create it, let StateDirectory= create it, or write WorkingDirectory=-PATH if it may be missing";
    CONDITION "SVC503" Error
        "quotes or escapes in the path of a condition"
        why "they become part of the path, which then does not exist: systemctl start returns 0 and the service never runs"
        hint "write the path without quotes and escapes; it may contain blanks";
    SANDBOX "SVC504" Warning
        "path of the sandbox does not exist"
        why "the service fails with 226/NAMESPACE"
        hint "write a - before the path if it may be missing";
    SWALLOWED "SVC505" Warning
        "comment in the environment file ends in a backslash"
        why "the next line becomes part of the comment, and its variable is not set"
        hint "remove the backslash";
    EXPORT "SVC506" Warning
        "line of the environment file is not an assignment"
        why "systemd reads the file, not a shell: it ignores a line that starts with export"
        hint "write NAME=VALUE";
    TRAILING "SVC507" Warning
        "comment after a value in the environment file"
        why "it becomes part of the value"
        hint "move the comment to a line of its own";
}
