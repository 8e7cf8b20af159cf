# svcadapt is process 1 of a container.
install() { command_of "$1" "$2" >"/srv/$1"; }
start() {
    setsid sh -c 'echo $$ >"/run/$1.engine"; exec unshare --pid --fork --kill-child --mount --mount-proc $(cat "/srv/$1")' \
        sh "$1" </dev/null >"$dir/$1.start" 2>&1 &
}
init() { cat "/proc/$(cat "/run/$1.engine")/task/$(cat "/run/$1.engine")/children"; }
beside() {
    init=$(init "$1" 2>/dev/null) && [ -n "$init" ] || return 1
    shift
    nsenter --target ${init} --pid --mount "$@"
}
stop() {
    kill -TERM $(init "$1")
    within 20 gone "$1"
}
gone() { [ ! -e "/proc/$(cat "/run/$1.engine")" ]; }
# The engine makes a new one.
restart() { beside "$1" "$svcadapt" restart "$1"; }
has_failed() { gone "$1"; }
# A container that was stopped is started by its engine.
start_by_control() { start "$1"; }
control_of() { [ "$2" = restart ] && beside "$1" "$svcadapt" restart "$1" || control_of_container "$@"; }
control_of_container() {
    case $2 in
        stop) gone "$1" || { beside "$1" "$svcadapt" stop "$1"; within 20 gone "$1"; } ;;
        status) if gone "$1"; then return 3; else beside "$1" "$svcadapt" status "$1"; fi ;;
    esac
}
ended() { gone "$1" || ! runs "$@"; }
