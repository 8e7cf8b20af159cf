# A machine of the test's own: /etc, /home, /opt, /srv, /usr/local and /var are those of the real one until they are
# changed, and no change leaves here; /run and /tmp are empty. The user `www` (2001, home /srv/www) and the user `other` (2002) exist.
#
# usage: unshare --mount --propagation private sh -euc "$(cat world.sh)" DIR SCRIPT
world=$0/.world
mkdir -p "$world"
mount -t tmpfs -o mode=0755 world "$world"
for place in etc home opt srv usr/local var; do
    [ -d "/$place" ] || continue
    mkdir -p "$world/upper/$place" "$world/work/$place"
    # An upper directory shows its own mode and owner, not those of what lies below.
    chmod --reference="/$place" "$world/upper/$place"
    mount -t overlay -o "lowerdir=/$place,upperdir=$world/upper/$place,workdir=$world/work/$place" overlay "/$place"
done
mount -t tmpfs -o mode=0755 run /run
# The directory of the test may lie in /tmp: it is held while the empty one is mounted, and put back.
mkdir /run/.test
mount --rbind "$0" /run/.test
mount -t tmpfs -o mode=1777 tmp /tmp
mkdir -p "$0"
mount --rbind /run/.test "$0"
umount --lazy /run/.test
rm -r /run/.test /run/mount 2>/dev/null || true
cat >>/etc/passwd <<'USERS'
www:x:2001:2001::/srv/www:/bin/sh
other:x:2002:2002::/srv/other:/bin/sh
USERS
cat >>/etc/group <<'GROUPS'
www:x:2001:
other:x:2002:
GROUPS
mkdir -p /srv/www /srv/other
chown 2001:2001 /srv/www
chown 2002:2002 /srv/other
cd "$0"
exec sh -uc "$1" world
