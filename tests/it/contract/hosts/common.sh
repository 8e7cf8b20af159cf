# What the hosts have in common. Each has a file with its own `boot`, `install`, `loaded`, `start`, `stop` and `restart`;
# what else it has of its own replaces what is here.
#
#   $dir        the directory of the test
#   $svcadapt   the program
#   $version    that of systemd
#   $patience   how long something is waited for, in seconds

# install NAME WORDS: where a service is found; the words follow `svcadapt run --name NAME`, and contain no quotes.
# loaded: after all were installed. start NAME: returns at once.

# The command with which most hosts start a service.
command_of() { echo "$svcadapt run --name $1 $2"; }

# install_once, start_once: where svcadapt starts the program again, the supervisor above it need not.
install_once() { install "$@"; }
start_once() { start "$@"; }

loaded() { :; }
stop_all() { for name; do stop "$name"; done; }
# A restart by that which holds the sockets. (A supervisor that ends svcadapt ends its sockets.)
restart_by_holder() { beside "$1" "$svcadapt" restart "$1"; }
reload() { beside "$1" "$svcadapt" reload "$1"; }
reopen() { beside "$1" "$svcadapt" reopen "$1"; }
# Where the host keeps the output.
logs() { cat "$dir/$1.start"; }

# beside NAME COMMAND...: where the pids are those that the service sees.
beside() {
    shift
    "$@"
}

status() { beside "$1" "$svcadapt" status --json "$1"; }
# Not every root has sed(1).
field() {
    while IFS= read -r line; do
        case $line in
            "  \"$1\": "*)
                line=${line#*: } line=${line%,} line=${line#\"}
                echo "${line%\"}"
                ;;
        esac
    done
}
main_pid() { status "$1" | field pid; }
status_text() { status "$1" | field status_text; }
ready() { [ "$(status "$1" | field ready)" = true ]; }
has_failed() { [ "$(status "$1" | field state)" != running ]; }

runs() {
    [ -n "$2" ] && beside "$1" kill -0 "$2" 2>/dev/null &&
        ! has "$(beside "$1" cat "/proc/$2/status" 2>/dev/null)" "(zombie)"
}
ended() { ! runs "$@"; }
signal() { beside "$1" kill "-$3" "$2"; }

# within SECONDS COMMAND...
within() {
    end=$(($(date +%s) + $1))
    shift
    until "$@"; do
        [ "$(date +%s)" -lt $end ] || return 1
        sleep 0.1
    done
}

# Whether it holds for this time.
holds_for() {
    end=$(($(date +%s) + $1))
    shift
    while "$@"; do
        [ "$(date +%s)" -lt $end ] || return 0
        sleep 0.1
    done
    return 1
}

# Process 1 of a machine on which something else is tested: the shell reaps orphans.
boot() {
    sleep infinity &
    wait
}

# The questions of the rows.
control_of() { beside "$1" "$svcadapt" "$2" "$1"; }
start_by_control() { control_of "$1" start; }
svcadapt_finds() { [ "$(status "$1" | field state) $(status "$1" | field pid)" = "running $2" ]; }
svcadapt_finds_no() {
    control_of "$1" status >/dev/null
    [ $? = 3 ]
}
shows() { [ "$(status_text "$1")" = "$2" ]; }
main_is() { [ "$(main_pid "$1")" = "$2" ]; }
which_are() {
    for name in $(shift; echo "$@"); do
        if "$1" "$name"; then echo "$name"; fi
    done
}
all_are() { [ "$(which_are "$@" | wc -l)" = $(($# - 1)) ]; }
all_ended() {
    for pid in $(shift; echo "$@"); do
        ended "$1" "$pid" || return 1
    done
}
logs_have() { has "$(logs "$1")" "$2"; }
has() {
    case $1 in
        *"$2"*) ;;
        *) return 1 ;;
    esac
}

# run_script NAME OPTIONS: for a supervisor that takes a directory for each service.
run_script() {
    mkdir -p "/srv/$1"
    printf '#!/bin/sh\nexec 2>&1\nexec %s\n' "$(command_of "$1" "$2")" >"/srv/$1/run"
    chmod 0755 "/srv/$1/run"
}
