//! SVC1xx: the file itself, any format.

use crate::lint::rule::rules;

rules! { ALL;
    REFUSED "SVC101" Error
        "the host refuses the whole file for this"
        why "nothing of it is loaded, and the service does not exist"
        cure "the message says what the reader wants; systemd.service(5), systemd.syntax(7) and launchd.plist(5) have the rules";
    IGNORED "SVC102" Warning
        "the host passes over this"
        why "the service runs as if the line were not there, and at most the journal says so"
        cure "correct it, or take it out";
    SPEC "SVC103" Error
        "this is no spec of a service"
        why "svcadapt can neither run it nor write it for a host"
        cure "`svcadapt show --schema` prints what a spec may hold";
    WRITABLE "SVC104" Warning
        "others than its owner can write the file"
        why "whoever can write it decides what runs, as any user; launchd refuses it for that"
        cure "chmod 644";
    EXECUTABLE "SVC105" Warning
        "a unit file is marked as executable"
        why "it is no program; systemd logs a warning at every load"
        cure "chmod 644";
    SECRET "SVC106" Warning
        "a secret stands in the environment of a file that everybody can read"
        why "every local user can read it there, and systemctl show prints it"
        cure "keep it in a file of mode 0600: LoadCredential= in a unit; for launchd a file that the program reads";
    MASKED "SVC107" Note
        "the file is empty, and so the unit is masked"
        why "systemd refuses to start a masked unit"
        cure "remove the file, or link it to /dev/null, so that everybody sees that it is meant";
    OWNER "SVC108" Error
        "the property list of a daemon does not belong to root"
        why "launchd loads no daemon from a file of another user, and says no more than an input/output error"
        cure "chown root:wheel";
    QUARANTINE "SVC109" Error
        "the property list is quarantined"
        why "it was downloaded or unpacked by a program that marks files, and launchd of macOS 27 refuses it"
        cure "xattr -d com.apple.quarantine FILE, or write it anew: a new file has no mark";
}
