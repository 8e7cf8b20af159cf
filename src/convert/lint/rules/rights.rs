//! SVC4xx: users, rights and sandboxes of a unit.

use crate::lint::rule::rules;

rules! { ALL;
    USER "SVC401" Warning
        "there is no such user on this machine"
        why "the service fails with 217/USER"
        cure "make the user, use DynamicUser=yes, or say --elsewhere if the file is for another machine";
    GROUP "SVC402" Warning
        "there is no such group on this machine"
        why "the service fails with 216/GROUP"
        cure "make the group, or say --elsewhere if the file is for another machine";
    NAME "SVC403" Error
        "no user or group is called like that"
        why "systemd refuses it, or finds nobody of that name when the service starts"
        cure "letters, digits, _ and - stand in a name; it does not begin with a digit or -";
    NEEDS_ROOT "SVC404" Warning
        "a user's manager cannot do this"
        why "it runs as the user and has no other rights: the service fails, or the directive does nothing"
        cure "take it out, or make it a unit of the system";
    AMBIENT "SVC405" Error
        "in a user namespace of its own the capability is worth nothing"
        why "PrivateUsers= gives the capability over the namespace, not over the host's network: bind(2) fails"
        cure "leave PrivateUsers= out, or let a .socket unit open the port";
    JIT "SVC406" Warning
        "a program that makes code as it runs may not"
        why "MemoryDenyWriteExecute= forbids memory that is written and then executed, which a JIT compiler lives on"
        cure "leave MemoryDenyWriteExecute= out, or switch the JIT off";
    HOME "SVC407" Error
        "ProtectHome= hides what the service needs"
        why "/home, /root and /run/user are empty for it: the service fails with 200/CHDIR or 203/EXEC"
        cure "move it out of the home, or use ProtectHome=read-only";
    PID_FILE "SVC408" Warning
        "others than root can put a file in the place of the PID file"
        why "systemd reads there which process is the service, and signals that"
        cure "RuntimeDirectory=NAME and PIDFile=/run/NAME/pid; or no forking, and no PID file";
    PID_DIRECTORY "SVC409" Warning
        "the service's user cannot write the PID file"
        why "/run is root's: the program cannot make the file, and systemd ends the start after its timeout"
        cure "RuntimeDirectory=NAME and PIDFile=/run/NAME/pid";
    PRIVATE_TMP "SVC410" Error
        "PrivateTmp= hides what the service needs"
        why "the service has a /tmp of its own, which is empty: it fails with 203/EXEC or 200/CHDIR"
        cure "move the files out of /tmp, or leave PrivateTmp= out";
}
