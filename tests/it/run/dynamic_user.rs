//! `DynamicUser=`: a user that exists only for its service, without nss-systemd.

use crate::harness::world_prints;

/// Functions of the scripts: `run` drops the note about the sandbox, which one test reads.
const SCENE: &str = r#"umask 022
    note="has no sandbox here"
    run() { svcadapt run --dynamic-user "$@" 2>err; status=$?; grep -v "$note" err; [ $status = 0 ] || echo "= $status"; }
    main() { svcadapt status "$1" --json | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' | head -n 1; }
    lines() { until [ "$(cat "$1" 2>/dev/null | wc -l)" = "$2" ]; do sleep 0.01; done; }
    in_range() { [ "$1" -ge 61184 ] && [ "$1" -le 65519 ] && echo in range; }
    "#;

fn prints(script: &str, stdout: &str) {
    world_prints(&format!("{SCENE}{script}"), stdout);
}

#[test]
fn dynamic_user_keeps_its_id_over_restarts_and_stops() {
    prints(
        r#"ids=/var/lib/web/ids
        run --name web --state-directory web -- sh -c 'id -u >>$STATE_DIRECTORY/ids; exec sleep 1000'
        lines $ids 1
        svcadapt restart web >restarted 2>err
        grep -c "$note" err
        lines $ids 2
        svcadapt stop web >stopped
        run --name web --state-directory web --restart always --restart-sec 0 -- \
            sh -c 'id -u >>$STATE_DIRECTORY/ids; exec sleep 1000'
        lines $ids 3
        kill -KILL $(main web)
        lines $ids 4
        svcadapt restart web >restarted
        lines $ids 5
        svcadapt stop web >stopped
        sort -u $ids | wc -l
        in_range $(head -n 1 $ids)"#,
        "1\n1\nin range\n",
    );
}

#[test]
fn dynamic_user_is_the_same_on_every_host() {
    prints(
        r"run --name web -- sleep 1000
        awk '/^Uid/ { print $2 }' /proc/$(main web)/status >ids
        svcadapt stop web >stopped
        run --name web --mode supervised -- id -u >>ids
        run --name web --mode supervised --restart on-failure -- id -u >>ids
        unshare -pf --mount-proc --kill-child svcadapt run --name web --dynamic-user -- id -u >>ids 2>err
        wc -l <ids
        sort -u ids | wc -l",
        "4\n1\n",
    );
}

#[test]
fn id_of_an_account_or_of_another_service_is_not_used() {
    prints(
        r#"id_of() { run --name "$1" --mode supervised -- id -u; }
        id=$(id_of web)
        rm -f /run/svcadapt/web*
        differs() { [ $(id_of web) != $id ] && echo "$1"; rm -f /run/svcadapt/web*; }
        echo "taken:x:$id:5::/:/bin/sh" >>/etc/passwd; differs account; sed -i '$d' /etc/passwd
        echo "taken:x:$id:" >>/etc/group; differs group; sed -i '$d' /etc/group
        install -d -o $id /var/cache/other; differs directory; rmdir /var/cache/other
        install -d -m 700 /var/lib/private; install -d -o $id /var/lib/private/other
        differs private; rm -r /var/lib/private
        svcadapt run --name other --user $id --group $id -- sleep 1000; differs service; svcadapt stop other >stopped
        svcadapt run --name other --user $id --group $id -- sleep 1000
        run --name web --restart always --restart-sec 0 -- sleep 1000
        svcadapt stop other >stopped
        # It keeps the one that it has.
        before=$(main web)
        kill -KILL $before
        until [ "$(main web)" != $before ] && [ "$(main web)" ]; do sleep 0.01; done
        [ $(awk '/^Uid/ { print $2 }' /proc/$(main web)/status) != $id ] && echo kept
        svcadapt stop web >stopped
        [ $(id_of web) = $id ] && echo free again"#,
        "account\ngroup\ndirectory\nprivate\nservice\nkept\nfree again\n",
    );
}

#[test]
fn directories_belong_to_the_dynamic_user() {
    prints(
        r#"run --name web --mode supervised --state-directory web/data --cache-directory web --logs-directory web \
            --logs-directory-mode 750 --runtime-directory web --configuration-directory web -- sh -c '
            owner() { [ $(stat -c %u "$1") = $(id -u) ] && echo "mine $(stat -c %a "$1")" || stat -c "%u %a" "$1"; }
            for place in $STATE_DIRECTORY $CACHE_DIRECTORY $LOGS_DIRECTORY $RUNTIME_DIRECTORY $CONFIGURATION_DIRECTORY; do
                owner $place
            done
            owner /var/lib/web'
        ln -s private/other /var/lib/other
        run --name other --mode supervised --state-directory other -- true"#,
        "mine 755\nmine 755\nmine 750\nmine 755\n0 755\n0 755\n\
         svcadapt: directory '/var/lib/other': a symbolic link is in its place\n  \
         hint: systemd keeps it in private/ for its dynamic users; move it back to use it here\n= 238\n",
    );
}

#[test]
fn directory_of_an_earlier_start_sets_the_id() {
    prints(
        r"install -d -o 61999 /var/lib/web
        run --name web --mode supervised --state-directory web -- id -u
        install -d -o 2001 /var/lib/fresh
        run --name fresh --mode supervised --state-directory fresh -- sh -c 'stat -c %u /var/lib/fresh' >seen
        in_range $(cat seen)",
        "61999\nin range\n",
    );
}

#[test]
fn account_of_the_name_is_used_with_its_groups() {
    prints(
        r#"see='id -u; id -G; echo "$USER ${HOME-none} ${SHELL-none}"; grep NoNewPrivs /proc/self/status'
        echo "more:x:2100:www" >>/etc/group
        run --name www --mode supervised -- sh -c "$see"
        run --name web --user www --group www --mode supervised -- id -g
        run --name web --user 2001 --group 2001 --mode supervised -- id -u
        echo "web:x:2101:" >>/etc/group
        run --name web --mode supervised -- id -u"#,
        "2001\n2001 2100\nwww none none\nNoNewPrivs:\t1\n2001\n2001\n\
         svcadapt: dynamic user 'web': there is a group of this name, but no user\n  \
         hint: create the user, or set --user\n= 217\n",
    );
}

#[test]
fn services_with_one_dynamic_user_share_its_id() {
    prints(
        r#"for name in web@1 web@2 other; do
            user=; [ $name != other ] || user="--user web"
            run --name $name $user -- sleep 1000
            awk '/^Uid/ { print $2 }' /proc/$(main $name)/status >>ids
        done
        sort -u ids | wc -l
        run --name third --mode supervised -- id -u >>ids
        sort -u ids | wc -l
        for name in web@1 web@2 other; do svcadapt stop $name >stopped; done"#,
        "1\n2\n",
    );
}

#[test]
fn command_with_full_rights_is_not_the_dynamic_user() {
    prints(
        r#"run --name web --mode supervised --exec-start-pre '+/bin/sh -c "id -u"' --exec-start-pre '/bin/sh -c "id -u"' -- \
            sh -c 'echo; id -u' >ids
        head -n 1 ids
        [ "$(sed -n 2p ids)" = "$(sed -n 4p ids)" ] && in_range $(sed -n 2p ids)"#,
        "0\nin range\n",
    );
}

#[test]
fn dynamic_user_has_no_sandbox_and_an_ordinary_user_stays_itself() {
    prints(
        r"cd /
        setpriv --reuid 2001 --regid 2001 --clear-groups svcadapt run --dynamic-user --mode supervised -- id -u 2>&1
        svcadapt run --dynamic-user --name web --mode supervised -- true 2>&1
        svcadapt run --dynamic-user --strict --name web --mode supervised -- true 2>&1 | tail -n 1",
        "2001\n\
         svcadapt: dynamic user 'web': it has no sandbox here; systemd adds ProtectSystem=strict, \
         ProtectHome=read-only, PrivateTmp=, RemoveIPC= and RestrictSUIDSGID=\n\
         svcadapt: strict: not everything in the file is supported here; nothing was started\n",
    );
}
