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
