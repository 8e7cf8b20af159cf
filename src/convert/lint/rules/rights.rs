//! SVC4xx: users, rights and sandboxes of a unit.

use crate::lint::rule::rules;

rules! { ALL;
    USER "SVC401" Warning
        "user does not exist on this machine"
        why "the service fails with 217/USER"
        hint "create the user, use DynamicUser=yes, or use --elsewhere if the file is for another machine";
    GROUP "SVC402" Warning
        "group does not exist on this machine"
        why "the service fails with 216/GROUP"
        hint "create the group, or use --elsewhere if the file is for another machine";
    NAME "SVC403" Error
        "not a valid name of a user or a group"
        why "systemd refuses it, or does not find it when the service starts"
        hint "a name has letters, digits, _ and -; it does not start with a digit or -";
    NEEDS_ROOT "SVC404" Warning
        "user manager cannot do this"
        why "it runs as the user and has no other rights: the service fails, or the directive has no effect"
        hint "remove it, or make the unit a system unit";
    AMBIENT "SVC405" Error
        "capability has no effect in a user namespace"
        why "PrivateUsers= limits the capability to the namespace, which does not own the host's network: bind(2) fails"
        hint "remove PrivateUsers=, or let a .socket unit open the port";
    JIT "SVC406" Warning
        "sandbox stops a JIT compiler"
        why "MemoryDenyWriteExecute= forbids memory that is written and then executed, which a JIT compiler needs"
        hint "remove MemoryDenyWriteExecute=, or switch the JIT compiler off";
    HOME "SVC407" Error
        "ProtectHome= hides a path that the service needs"
        why "the service sees /home, /root and /run/user empty: it fails with 200/CHDIR or 203/EXEC"
        hint "move the files out of the home, or use ProtectHome=read-only";
    PID_FILE "SVC408" Warning
        "users other than root can replace the PID file"
        why "systemd reads the main process from it, and sends signals to that process"
        hint "RuntimeDirectory=NAME and PIDFile=/run/NAME/pid; or no forking, and no PID file";
    PID_DIRECTORY "SVC409" Warning
        "service's user cannot write the PID file"
        why "/run belongs to root: the program cannot create the file, and the start fails after its timeout"
        hint "RuntimeDirectory=NAME and PIDFile=/run/NAME/pid";
    PRIVATE_TMP "SVC410" Error
        "PrivateTmp= hides a path that the service needs"
        why "the service has an empty /tmp of its own: it fails with 203/EXEC or 200/CHDIR"
        hint "move the files out of /tmp, or remove PrivateTmp=";
}
