# A script of OpenRC with supervise-daemon.
boot() {
    # What its boot makes.
    for state in daemons exclusive failed hotplugged inactive init.d options scheduled started starting stopping tmp \
        wasinactive; do
        mkdir -p "/run/openrc/$state"
    done
    : >/run/openrc/softlevel
    : >/etc/insserv.conf
    sleep infinity &
    wait
}
install() {
    cat >"/etc/init.d/$1" <<END
#!/sbin/openrc-run
supervisor=supervise-daemon
command=$svcadapt
command_args="run --name $1 $2"
output_log=$dir/$1.start
error_log=$dir/$1.start
END
    chmod 0755 "/etc/init.d/$1"
}
start() { setsid rc-service "$1" start </dev/null >"$dir/$1.rc-service" 2>&1 & }
stop() { rc-service "$1" stop; }
restart() { rc-service "$1" restart; }
