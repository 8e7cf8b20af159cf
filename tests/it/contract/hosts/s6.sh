# s6-svscan is process 1, and svcadapt reports readiness to it.
boot() {
    mkdir /srv/s6
    exec s6-svscan /srv/s6 >/srv/log 2>&1
}
install() {
    case $2 in
        *--ready* | *notify*)
            run_script "$1" "--notification-fd 3 $2"
            echo 3 >"/srv/$1/notification-fd"
            ;;
        *) run_script "$1" "$2" ;;
    esac
}
loaded() {
    for service in /srv/*/run; do
        service=${service%/run}
        ln -s "../${service##*/}" /srv/s6/ 2>/dev/null || true
    done
    s6-svscanctl -a /srv/s6
}
start() { :; }
install_once() {
    install "$@"
    : >"/srv/$1/down"
}
start_once() {
    within 20 s6-svok "/srv/$1"
    s6-svc -o "/srv/$1"
}
stop() { s6-svc -wD -T 20000 -d "/srv/$1"; }
restart() { s6-svc -wR -T 20000 -r "/srv/$1"; }
logs() { cat /srv/log; }
ready() { [ "$(s6-svstat -o ready "/srv/$1")" = true ]; }
