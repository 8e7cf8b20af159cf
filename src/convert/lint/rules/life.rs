//! SVC6xx: how a unit starts, stops and is wanted.

use crate::lint::rule::rules;

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
    FOREGROUND "SVC612" Warning
        "Type=forking, and the program stays in the foreground"
        why "systemd waits until the first process ends: the start fails after its timeout, and the service is killed"
        cure "Type=exec; or notify, where the program tells that it is ready";
    BACKGROUND "SVC613" Warning
        "the program goes into the background, and Type= is not forking"
        why "its first process ends at once: systemd takes the service for finished, and ends what is left of it"
        cure "leave out what sends it into the background; or Type=forking with PIDFile=";
    NO_DEPENDENCY "SVC614" Warning
        "a dependency is not the name of a unit"
        why "systemd passes over it, and the order or the requirement does not exist"
        cure "a unit's name has a suffix, as network.target, and blanks stand between names";
    ONLINE "SVC615" Note
        "After=network-online.target without Wants="
        why "an order pulls nothing in: where no other unit wants the target, the service does not wait for the network"
        cure "add Wants=network-online.target";
    ORDER "SVC616" Note
        "a requirement without an order"
        why "Requires= and BindsTo= say nothing about order: systemd starts both at the same time (systemd.unit(5))"
        cure "add After= with the same name";
    NO_TARGET "SVC617" Warning
        "there is no such target"
        why "systemctl enable makes a link that nothing follows; a dependency is passed over, or fails"
        cure "systemd.special(7) has the targets";
    NOT_OF_USER "SVC618" Note
        "a user's manager does not know the system's units"
        why "a dependency on one is passed over, or keeps the service from its start"
        cure "take it out: when a user's manager runs, the system has started";
}
