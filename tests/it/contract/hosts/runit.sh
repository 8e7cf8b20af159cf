# A run script below runsv.
install() { run_script "$1" "$2"; }
start() { setsid runsv "/srv/$1" </dev/null >"$dir/$1.start" 2>&1 & }
install_once() {
    install "$@"
    : >"/srv/$1/down"
}
start_once() {
    start "$1"
    within 20 test -p "/srv/$1/supervise/control"
    sv once "/srv/$1"
}
stop() { sv -w 20 stop "/srv/$1"; }
restart() { sv -w 20 restart "/srv/$1"; }
