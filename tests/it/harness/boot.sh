# Boots a machine: process 1 in private namespaces. Ends it when stdin ends.
#
# usage: unshare --mount --propagation private bash -c "$(cat boot.sh)" boot.sh outer
#   stdin   one line: a directory that is to be seen inside at the same path; one line: the root of which it gets a copy; one
#           line: a directory whose files lie over those, or nothing; one line: process 1, which is `systemd`, that of
#           the root, or a command of a shell; then nothing, for as long as it shall live
#   stdout  one line: the number that process 1 has outside
# Every mount belongs to the namespaces and goes with them.
set -eu

outer() {
    # As a machine boots, also where the tests run under nice(1).
    renice -n 0 -p $$ >/dev/null 2>&1 || true
    # The directory comes through stdin and not as an argument: whoever looks for what a test left behind by its
    # directory must not take the one that cleans up for it.
    read -r visible
    read -r base
    read -r layer
    read -r init
    dir=$(mktemp -d -t svcadapt-boot.XXXXXXXX)
    mount -t tmpfs -o mode=0755 tmpfs "$dir"
    mkdir "$dir"/{root,upper,work,cgroup,layer,empty}
    # A cgroup of our own becomes the root that systemd sees, whatever hierarchy the machine itself uses.
    mount -t cgroup2 cgroup2 "$dir/cgroup"
    group=$dir/cgroup/${dir##*/}
    mkdir "$group"
    # The child dies with this shell, and this shell ends with its stdin: nothing outlives the test, however it ended.
    # (PR_SET_PDEATHSIG straight to the test would follow the one thread that happened to boot.)
    setpriv --pdeathsig KILL bash -euc 'echo $$ >"$1"; shift; exec "$@"' join "$group/cgroup.procs" \
        unshare --mount --pid --fork --kill-child --uts --ipc --cgroup --propagation private \
        bash -c "$BASH_EXECUTION_STRING" boot.sh inner "$dir" "$visible" "$base" "$layer" "$init" </dev/null &
    child=$!
    exec >/dev/null
    cat || true
    # Process 1 takes every process of its namespace along, and unshare ends after it.
    kill -KILL "$(cat "$dir/pid" || echo $child)" 2>/dev/null || true
    wait "$child" 2>/dev/null || true
    find "$group" -depth -type d -exec rmdir {} \;
    umount "$dir/cgroup"
    umount "$dir"
    rmdir "$dir"
}

inner() {
    dir=$1 visible=$2 base=$3 layer=$4 init=$5 root=$1/root
    # /proc is still the outer one: here we are called what we are called outside.
    read -r pid _ </proc/self/stat
    echo "$pid" >"$dir/pid"
    [ -n "$layer" ] && laid "$base" "$layer" || {
        [ -z "$layer" ] || cp -a "$layer/." "$dir/upper"
        mount -t overlay -o "lowerdir=$base,upperdir=$dir/upper,workdir=$dir/work" overlay "$root"
    }
    mount -t proc proc "$root/proc"
    mount -t sysfs sysfs "$root/sys"
    mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
    mount -t tmpfs -o mode=0755 tmpfs "$root/run"
    mount -t tmpfs -o mode=1777 tmpfs "$root/tmp"
    devices "$root/dev"
    mkdir -p "$root$visible"
    mount --bind "$visible" "$root$visible"
    : >"$root/etc/machine-id"
    [ "$init" != systemd ] || units "$root/run/systemd/system" "$base/lib/systemd/system"
    cd "$root"
    # In a chroot the kernel would refuse user namespaces to the services.
    pivot_root . mnt
    umount -l /mnt
    # systemd's own mounts for a service (credentials) rely on propagation.
    mount --make-rshared /
    echo "$pid"
    [ "$init" = systemd ] || exec env -i PATH="$PATH" sh -c "$init" >/dev/null 2>&1
    exec env -i PATH="$PATH" container=other SYSTEMD_UNIT_PATH=/run/systemd/system:/etc/systemd/system \
        /lib/systemd/systemd --system --unit=it.target --show-status=no >/dev/null 2>&1
}

# The layer over the root, without a copy of it. The kernel refuses a layer that lies below the root, but not an overlay of
# it; where the root is itself an overlay, that is one too many.
laid() {
    mount -t overlay -o "lowerdir=$2:$dir/empty" overlay "$dir/layer" 2>/dev/null || return
    mount -t overlay -o "lowerdir=$dir/layer:$1,upperdir=$dir/upper,workdir=$dir/work" overlay "$root" 2>/dev/null ||
        { umount "$dir/layer"; return 1; }
}

# A /dev of its own: systemd makes links and terminals in it, which must not appear outside.
devices() {
    mount -t tmpfs -o mode=0755 tmpfs "$1"
    mkdir "$1"/{pts,shm}
    mount -t devpts -o newinstance,ptmxmode=0666,mode=0620 devpts "$1/pts"
    mount -t tmpfs -o mode=1777 tmpfs "$1/shm"
    ln -s pts/ptmx "$1/ptmx"
    ln -s /proc/self/fd "$1/fd"
    for name in null zero full random urandom tty; do
        : >"$1/$name"
        mount --bind "/dev/$name" "$1/$name"
    done
}

# As few units as services need: the targets that every unit is ordered after, and the journal.
units() {
    mkdir -p "$1"
    target "$1/shutdown.target"
    target "$1/umount.target"
    target "$1/sockets.target"
    target "$1/timers.target"
    target "$1/sysinit.target" Wants=systemd-journald.socket Wants=systemd-journald-dev-log.socket
    target "$1/basic.target" Requires=sysinit.target After=sysinit.target
    target "$1/it.target" Requires=basic.target After=basic.target
    cp "$2"/systemd-journald{.service,.socket,-dev-log.socket} "$1"
}

target() {
    file=$1
    shift
    printf '%s\n' '[Unit]' DefaultDependencies=no "$@" >"$file"
}

"$@"
