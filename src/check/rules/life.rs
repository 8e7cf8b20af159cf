//! SVC6xx: how a unit starts, stops and is wanted.

use crate::check::rule::rules;

rules! { ALL;
    SEVERAL "SVC601" Error
        "several commands, and it is no oneshot service"
        why "systemd refuses the unit: only Type=oneshot has more than one ExecStart="
        cure "an empty ExecStart= first, in a drop-in; ExecStartPre= for what comes before; or Type=oneshot";
    ONESHOT "SVC602" Error
        "a oneshot service that is started again after success"
        why "systemd refuses the unit: the end of a oneshot service is its success"
        cure "Restart=on-failure, a timer, or Type=simple";
    FORKING "SVC603" Note
        "Type=forking without PIDFile="
        why "systemd guesses which process is the main one, and is wrong where several stay"
        cure "name the file with PIDFile=; better, keep the program in the foreground with Type=exec or notify";
    RELOAD_OLD "SVC604" Error
        "this systemd does not know Type=notify-reload"
        why "before 253 the line is passed over: the type becomes simple, nobody waits for readiness, and reload fails"
        cure "Type=notify, and ExecReload= with a command that returns when the reload is done";
    RELOAD "SVC605" Note
        "Type=notify-reload wants a program that handles SIGHUP"
        why "one that does not is killed by the first reload, or refused at its start by systemd 262"
        cure "Type=notify, unless the program sends RELOADING=1 with MONOTONIC_USEC= and then READY=1";
    KILL_NONE "SVC606" Warning
        "KillMode=none leaves processes behind"
        why "systemd ends nothing and forgets them; it is deprecated since systemd 246"
        cure "KillMode=mixed, or process";
    NO_UNIT "SVC607" Error
        "this is not the name of a unit"
        why "systemctl enable fails, or makes a link that pulls in nothing"
        cure "a unit's name has a suffix: multi-user.target";
    USER_TARGET "SVC608" Error
        "a user's manager has no such target"
        why "systemctl --user enable succeeds, and the service is never started"
        cure "WantedBy=default.target";
    NO_SOCKET "SVC609" Warning
        "the socket unit that it needs is not there"
        why "the service is given no socket, and fails or does not listen"
        cure "write the .socket beside it, with the same name";
    NO_SERVICE "SVC610" Warning
        "the socket unit has no service"
        why "systemd refuses to start a socket without the service that it is for"
        cure "write the .service beside it, with the same name, or name it with Service=";
    NO_LISTEN "SVC611" Error
        "the socket unit listens on nothing"
        why "systemd refuses it"
        cure "add ListenStream= or another one of its kind";
}
