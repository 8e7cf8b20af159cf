# An init script of System V.
install() {
    cat >"/etc/init.d/$1" <<END
#!/bin/sh
case \$1 in
    start) $(command_of "$1" "$2") ;;
    stop | restart | status) $svcadapt \$1 $1 ;;
    *) exit 2 ;;
esac
END
    chmod 0755 "/etc/init.d/$1"
}
start() {
    # It returns when the service is ready.
    { setsid sh "/etc/init.d/$1" start >"$dir/$1.start" 2>&1 && : >"$dir/$1.is-ready"; } </dev/null >/dev/null 2>&1 &
}
logs() { "$svcadapt" logs "$1"; }
stop() { sh "/etc/init.d/$1" stop; }
restart() { sh "/etc/init.d/$1" restart; }
ready() { [ -e "$dir/$1.is-ready" ] && [ "$(status "$1" | field ready)" = true ]; }
