# A run script below supervise.
install() { run_script "$1" "$2"; }
start() { setsid supervise "/srv/$1" </dev/null >"$dir/$1.start" 2>&1 & }
install_once() {
    install "$@"
    : >"/srv/$1/down"
}
start_once() {
    start "$1"
    within 20 svok "/srv/$1"
    svc -o "/srv/$1"
}
stop() {
    svc -d "/srv/$1"
    within 20 is_down "$1"
}
is_down() { svstat "/srv/$1" | grep -q ': down'; }
restart() { svc -t "/srv/$1"; }
