# A property list that gen-plist has written.
boot() {
    mkfifo /run/open
    mkdir -p /Library/LaunchDaemons /Library/Logs /usr/local/bin
    printf '#!/bin/sh\nexec "%s" --launchctl "$@"\n' "$dir/launchd" >/usr/local/bin/launchctl
    chmod 0755 /usr/local/bin/launchctl
    # It ends with its standard input.
    exec "$dir/launchd" --log "$dir/events" --second 100 <>/run/open
}
launchctl() { "$dir/launchd" --ask "$*"; }
install() {
    "$svcadapt" gen-plist --svcadapt "$svcadapt" --label "$1" --output "$dir" --allow-loss --name "$1" $2 \
        2>"$dir/$1.said" || cat "$dir/$1.said" >&2
    cp "$dir/$1.plist" /Library/LaunchDaemons
}
start() { launchctl bootstrap "$dir/$1.plist"; }
stop() {
    launchctl bootout "$1"
    within 20 gone "$1"
}
logs_show() { has "$("$svcadapt" logs web)" "$1"; }
gone() { ! launchctl print "$1" >/dev/null 2>&1; }
# A job that launchd runs without svcadapt has no record.
main_pid() {
    case $(status "$1" | field pid) in
        '' | null) launchctl print "$1" | sed -n 's/^pid = //p' ;;
        *) status "$1" | field pid ;;
    esac
}
restart_by_holder() { restart "$1"; }
reopen() { launchctl kill USR1 "$1"; }
restart() { launchctl kickstart -k "$1"; }
