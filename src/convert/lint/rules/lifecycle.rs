//! SVC6xx: start, stop and dependencies of a unit.

use crate::lint::rule::rules;

rules! { ALL;
    SEVERAL "SVC601" Error
        "several commands in a service that is not oneshot"
        why "systemd refuses the unit: only Type=oneshot can have more than one ExecStart="
        hint "an empty ExecStart= first, in a drop-in; ExecStartPre= for commands that run before; or Type=oneshot";
    ONESHOT "SVC602" Error
        "oneshot service restarts after success"
        why "systemd refuses the unit: a oneshot service succeeds by ending"
        hint "Restart=on-failure, a timer, or Type=simple";
    FORKING "SVC603" Note
        "Type=forking without PIDFile="
        why "systemd guesses the main process, and guesses wrong if several processes remain"
        hint "name the file with PIDFile=; better, keep the program in the foreground with Type=exec or notify";
    RELOAD_OLD "SVC604" Error
        "Type=notify-reload is too new for this systemd"
        why "before 253 systemd ignores the line: the type becomes simple, systemd does not wait for readiness, and reload fails"
        hint "Type=notify, and ExecReload= with a command that returns when the reload is done";
    RELOAD "SVC605" Note
        "Type=notify-reload needs a program that handles SIGHUP"
        why "without a handler the first reload kills the program, or systemd 262 refuses its start"
        hint "Type=notify, unless the program sends RELOADING=1 with MONOTONIC_USEC= and then READY=1";
    KILL_NONE "SVC606" Warning
        "KillMode=none leaves processes behind"
        why "systemd does not end them and forgets them; the mode is deprecated since systemd 246"
        hint "KillMode=mixed, or process";
    NO_UNIT "SVC607" Error
        "not the name of a unit"
        why "systemctl enable fails, or creates a link that starts nothing"
        hint "add the suffix, as in multi-user.target";
    USER_TARGET "SVC608" Error
        "user manager has no such target"
        why "systemctl --user enable succeeds, and the service is never started"
        hint "WantedBy=default.target";
    NO_SOCKET "SVC609" Warning
        "socket unit does not exist"
        why "the service gets no socket, and fails or does not listen"
        hint "write a .socket with the same name in the same directory";
    NO_SERVICE "SVC610" Warning
        "socket unit has no service"
        why "systemd refuses to start a socket whose service does not exist"
        hint "write a .service with the same name in the same directory, or name it with Service=";
    NO_LISTEN "SVC611" Error
        "socket unit has no address"
        why "systemd refuses it"
        hint "add ListenStream= or another Listen directive";
    FOREGROUND "SVC612" Warning
        "Type=forking, but the program stays in the foreground"
        why "systemd waits until the first process ends: the start fails after its timeout, and the service is killed"
        hint "Type=exec; or notify, if the program reports that it is ready";
    BACKGROUND "SVC613" Warning
        "program goes into the background without Type=forking"
        why "its first process ends at once: systemd takes the service as ended, and kills the remaining processes"
        hint "remove the option that sends it into the background; or Type=forking with PIDFile=";
    NO_DEPENDENCY "SVC614" Warning
        "dependency is not the name of a unit"
        why "systemd ignores it, so there is no order and no requirement"
        hint "add the suffix, as in network.target, and separate names with blanks";
    ONLINE "SVC615" Note
        "After=network-online.target without Wants="
        why "After= does not start the target: if no other unit wants it, the service does not wait for the network"
        hint "add Wants=network-online.target";
    ORDER "SVC616" Note
        "requirement without an order"
        why "Requires= and BindsTo= set no order: systemd starts both units at the same time (systemd.unit(5))"
        hint "add After= with the same name";
    NO_TARGET "SVC617" Warning
        "target does not exist"
        why "systemctl enable creates a link that has no effect; a dependency is ignored, or fails"
        hint "systemd.special(7) lists the targets";
    NOT_OF_USER "SVC618" Note
        "user manager does not know system units"
        why "a dependency on one is ignored, or prevents the start of the service"
        hint "remove it: when a user manager runs, the system has already started";
}
