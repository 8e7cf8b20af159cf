# A program of supervisord.
boot() {
    supervisord --nodaemon --configuration /etc/supervisor/supervisord.conf &
    wait
}
install() {
    printf '[program:%s]\ncommand=%s\nredirect_stderr=true\n' "$1" "$(command_of "$1" "$2")" |
        sed 's/%/%%/g' >"/etc/supervisor/conf.d/$1.conf"
}
install_once() {
    install "$@"
    printf 'autorestart=false\nstartsecs=0\n' >>"/etc/supervisor/conf.d/$1.conf"
}
loaded() { within 20 supervisorctl update >/dev/null; }
start() { :; }
stop() { supervisorctl stop "$1"; }
logs() { supervisorctl tail "$1"; }
stop_all() { supervisorctl stop "$@"; }
restart() { supervisorctl restart "$1"; }
