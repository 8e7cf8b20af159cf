# A unit that gen-unit has written.
install() {
    "$svcadapt" gen-unit --svcadapt "$svcadapt" --systemd-version "$version" --output /run/systemd/system --name "$1" $2 \
        2>"$dir/$1.said" || cat "$dir/$1.said" >&2
}
loaded() { systemctl daemon-reload; }
start() { systemctl start --no-block "$1"; }
stop() { systemctl stop "$1"; }
restart() { systemctl restart "$1"; }
reload() { systemctl reload "$1"; }
restart_by_holder() { restart "$1"; }
reopen() { systemctl kill --signal USR1 "$1"; }
logs() { journalctl --unit "$1"; }
property() { systemctl show --value --property "$2" "$1"; }
main_pid() { property "$1" MainPID; }
status_text() { property "$1" StatusText; }
ready() { [ "$(property "$1" ActiveState)" = active ]; }
has_failed() { [ "$(property "$1" ActiveState)" = failed ]; }
