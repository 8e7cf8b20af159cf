# Ends and removes what a test binary left behind, when stdin ends: that is, however the test binary ended.
#
#   stdin   one line: the directory that all of it happened in; then nothing for as long as the tests run
set -u

# Not an argument, or we would find ourselves.
read -r dir
# The log files of root's services are in the machine's directory: those that are new are ours.
logs=/var/log/svcadapt
before=" $(ls "$logs" 2>/dev/null | tr '\n' ' ') "
# So are root's records of services that have ended.
records=/run/svcadapt
known=" $(ls "$records" 2>/dev/null | tr '\n' ' ') "
cat >/dev/null
# Twice, for a process may have been starting another one.
for _ in 1 2; do
    for process in /proc/[0-9]*; do
        if readlink "$process/exe" "$process/cwd" "$process/root" 2>/dev/null | grep -qF "$dir/" ||
            grep -qsF "$dir/" "$process/cmdline" "$process/environ"; then
            kill -KILL "${process#/proc/}" 2>/dev/null
        fi
    done
done
# The process of a record may be of another pid namespace, where its number says nothing; the program says whose it is.
for record in "$records"/*%record; do
    lock=${record%\%record}
    case $known in
    *" ${record##*/} "*) ;;
    *)
        pid=$(sed -n 's/^pid=//p' "$record" 2>/dev/null)
        if grep -qsF "program=$dir/" "$record" || { [ -n "$pid" ] && [ ! -d "/proc/$pid" ]; }; then
            rm -f "$record" "$lock%spec" "$lock%starting" "$lock"
        fi
        ;;
    esac
done
# A link from a pid file to a lock that is gone (src/registry/pid_file_owner.rs).
for link in "$records"/.*%of; do
    [ -e "$link" ] || [ ! -L "$link" ] || rm -f "$link"
done
for log in "$logs"/*; do
    case $before in
    *" ${log##*/} "*) ;;
    *)
        name=${log##*/}
        # Not that of another service, which was started meanwhile.
        [ -e "/run/svcadapt/${name%.log*}%record" ] || { [ -w "$log" ] && rm -f "$log"; }
        ;;
    esac
done
rmdir "$logs" 2>/dev/null
# A test that fails does not come to its umount.
while read -r _ place _; do
    case $place in "$dir"/*) umount -l "$place" 2>/dev/null ;; esac
done </proc/mounts
rm -rf "$dir"
