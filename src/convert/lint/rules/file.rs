//! SVC1xx: the file itself, any format.

use crate::lint::rule::rules;

rules! { ALL;
    REFUSED "SVC101" Error
        "host refuses the whole file"
        why "nothing in it is loaded, and the service does not exist"
        hint "see systemd.service(5), systemd.syntax(7) or launchd.plist(5) for the rule";
    IGNORED "SVC102" Warning
        "host ignores this"
        why "the service runs as if the line were missing, with at most a message in the journal"
        hint "correct it, or remove it";
    SPEC "SVC103" Error
        "not a valid service spec"
        why "svcadapt can neither run it nor write it for a host"
        hint "`svcadapt show --schema` prints the schema of a spec";
    WRITABLE "SVC104" Warning
        "file is writable by other users"
        why "a user who can write it decides what runs, and as which user; launchd refuses such a file"
        hint "chmod 644";
    EXECUTABLE "SVC105" Warning
        "unit file is executable"
        why "it is not a program; systemd logs a warning each time that it loads the unit"
        hint "chmod 644";
    SECRET "SVC106" Warning
        "secret in the environment of a world-readable file"
        why "every local user can read it there, and systemctl show prints it"
        hint "keep it in a file of mode 0600: LoadCredential= in a unit; for launchd a file that the program reads";
    MASKED "SVC107" Note
        "empty file masks the unit"
        why "systemd refuses to start a masked unit"
        hint "remove the file, or link it to /dev/null to show that the mask is intended";
    OWNER "SVC108" Error
        "property list of a daemon is not owned by root"
        why "launchd loads no daemon from another user's file, and reports only an input/output error"
        hint "chown root:wheel";
    QUARANTINE "SVC109" Error
        "property list is quarantined"
        why "a program that marks files downloaded or unpacked it, and launchd of macOS 27 refuses it"
        hint "xattr -d com.apple.quarantine FILE, or write the file anew: a new file has no mark";
}
