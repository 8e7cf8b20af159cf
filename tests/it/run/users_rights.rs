//! A path that the service's user controls is opened with that user's rights, wherever links lead.

use crate::harness::{Capability, Dir, have, installed, require, world, world_prints};

/// A secret of root's, a directory of the service's user, and a function that runs a program as that user.
const SCENE: &str = "umask 022
    echo secret >/srv/secret; chmod 600 /srv/secret
    install -d -o www -g www /srv/www/log
    run() { svcadapt run --mode supervised --user www \"$@\" 2>&1; echo \"= $?\"; }
    ";

/// The output of a script after this scene; see [`world_prints`].
fn prints(script: &str, stdout: &str) {
    world_prints(&format!("{SCENE}{script}"), stdout);
}

/// The same with access control lists.
fn prints_with_access_lists(script: &str, expected: &str) {
    if require(Capability::AccessLists) {
        prints(script, expected);
    }
}

#[test]
fn log_behind_a_users_link_is_opened_with_the_users_rights() {
    prints(
        "ln -s /srv/www/log/app.log /var/log/app.log
        ln -s /srv/secret /srv/www/log/app.log
        for option in '-o append:' '-o truncate:' '-o file:' '-e append:' '--standard-input file:'; do
            run $option/var/log/app.log -- sh -c 'cat; echo mine; echo mine >&2' </dev/null
        done
        cat /srv/secret
        rm /srv/www/log/app.log; install -o www /dev/null /srv/www/log/app.log
        run -o append:/var/log/app.log -- echo mine
        cat /srv/www/log/app.log",
        "svcadapt: standard output 'append:/var/log/app.log': permission denied\n= 209\n\
         svcadapt: standard output 'truncate:/var/log/app.log': permission denied\n= 209\n\
         svcadapt: standard output 'file:/var/log/app.log': permission denied\n= 209\n\
         svcadapt: standard error 'append:/var/log/app.log': permission denied\n= 222\n\
         svcadapt: standard input 'file:/var/log/app.log': permission denied\n= 208\n\
         secret\n= 0\nmine\n",
    );
}

#[test]
fn log_below_a_users_link_in_a_sticky_directory_uses_the_users_rights() {
    prints(
        "install -d -m 1777 /var/shared
        install -d -m 700 /srv/private; cp /srv/secret /srv/private/app.log
        ln -s /srv/private /var/shared/link; chown -h www /var/shared/link
        run -o append:/var/shared/link/app.log -- echo mine
        cat /srv/private/app.log",
        "svcadapt: standard output 'append:/var/shared/link/app.log': permission denied\n= 209\nsecret\n",
    );
}

#[test]
fn directory_with_an_access_list_is_not_trusted() {
    prints_with_access_lists(
        "for place in /var/log/list /run/list; do mkdir $place; setfacl -m u:www:rwx $place; done
        ln -s /srv/secret /var/log/list/app.log
        run -o append:/var/log/list/app.log -- echo mine
        run --pid-file /run/list/x.pid -- echo mine
        run --listen-stream /run/list/x.sock -- echo mine
        run --environment-file /var/log/list/app.log -- echo mine
        cat /srv/secret; ls /run/list",
        "svcadapt: standard output 'append:/var/log/list/app.log': permission denied\n= 209\n\
         svcadapt: pid file '/run/list/x.pid': users other than root can write in /run/list\n  \
         hint: put it directly into /run\n= 251\n\
         svcadapt: listen '/run/list/x.sock': users other than root and the service's can write in /run/list\n  \
         hint: put it directly into /run\n= 202\n\
         svcadapt: environment file '/var/log/list/app.log': permission denied\n= 2\n\
         secret\n",
    );
}

#[test]
fn directory_writable_by_group_0_is_trusted_unless_the_service_is_in_it() {
    prints(
        "mkdir /run/image; chmod 775 /run/image; ln -s /srv/secret /run/image/app.log
        run --pid-file /run/image/x.pid -- sh -c 'test -s /run/image/x.pid && echo there'
        for groups in '--group 0' '--supplementary-groups root'; do
            run $groups --pid-file /run/image/x.pid -- echo mine
            run $groups -o append:/run/image/app.log -- echo mine
        done
        cat /srv/secret",
        "there\n= 0\n\
         svcadapt: pid file '/run/image/x.pid': users other than root can write in /run/image\n  \
         hint: put it directly into /run\n= 251\n\
         svcadapt: standard output 'append:/run/image/app.log': permission denied\n= 209\n\
         svcadapt: pid file '/run/image/x.pid': users other than root can write in /run/image\n  \
         hint: put it directly into /run\n= 251\n\
         svcadapt: standard output 'append:/run/image/app.log': permission denied\n= 209\n\
         secret\n",
    );
}

#[test]
fn log_at_a_users_dangling_link_is_created_as_the_user() {
    prints(
        "ln -s /srv/www/log/app.log /var/log/app.log
        run -o append:/var/log/app.log -- echo mine
        stat -c %U:%a /srv/www/log/app.log; cat /var/log/app.log",
        "= 0\nwww:640\nmine\n",
    );
}

#[test]
fn log_of_another_user_in_a_sticky_directory_is_refused() {
    let hint = "  hint: remove it, or log to a directory in which only root can make files\n= 209\n";
    let refused = |name: &str, cause: &str| {
        format!("svcadapt: standard output 'truncate:/var/shared/{name}': {cause}\n{hint}")
    };
    prints(
        "install -d -m 1777 /var/shared; cd /var/shared
        for user in other www root; do echo old >$user; chmod 666 $user; chown $user $user; done
        echo old >two; chmod 666 two; chown www two; ln two second
        ln -s /srv/www/log/app.log link
        for name in other two link www root new; do run -o truncate:/var/shared/$name -- echo mine; done
        for name in other two link root new; do
            svcadapt run --mode supervised -o truncate:/var/shared/$name -- echo roots 2>&1; echo \"= $?\"
        done
        cat other two www root; ls /srv/www/log",
        &[
            refused("other", "it belongs to another user"),
            refused("two", "it has several hard links"),
            refused("link", "link is a symbolic link that others could have made"),
            "= 0\n= 0\n= 0\n".to_owned(),
            refused("other", "it belongs to another user"),
            refused("two", "it belongs to another user"),
            refused("link", "link is a symbolic link that others could have made"),
            "= 0\n".to_owned(),
            refused("new", "it belongs to another user"),
            "old\nold\nmine\nroots\n".to_owned(),
        ]
        .concat(),
    );
}

#[test]
fn log_in_a_syslog_directory_is_created_by_root_without_links() {
    let refused = |path: &str, link: &str| {
        format!(
            "svcadapt: standard output 'append:/var/log/{path}': {link} is a symbolic link that others could have \
             made\n  hint: remove it, or log to a directory in which only root can make files\n= 209\n"
        )
    };
    prints(
        "chgrp other /var/log; chmod 775 /var/log; mkdir /var/log/app
        ln -s /srv/secret /var/log/link; ln -s / /var/log/way
        for path in new app/new link way/srv/secret; do run -o append:/var/log/$path -- echo mine; done
        stat -c %U:%a /var/log/new /var/log/app/new; cat /srv/secret",
        &[
            "= 0\n= 0\n",
            &refused("link", "link"),
            &refused("way/srv/secret", "way"),
            "www:640\nwww:640\nsecret\n",
        ]
        .concat(),
    );
}

#[test]
fn files_closed_to_root_are_read_with_the_users_rights() {
    prints(
        "install -d -m 700 -o www -g www /srv/www/own; cd /srv/www/own
        install -m 755 /bin/echo program; printf 'A=1\\n' >variables; chown www variables
        limited() {
            setpriv --bounding-set=-dac_override,-dac_read_search \
                --inh-caps=-dac_override,-dac_read_search svcadapt run --mode supervised --user www \"$@\" 2>&1
            echo \"= $?\"
        }
        cd /
        limited -o append:/srv/www/own/log -- echo mine
        limited --standard-input file:/srv/www/own/log -- cat
        limited --working-directory /srv/www/own -- pwd
        limited --environment-file /srv/www/own/variables -- sh -c 'echo $A'
        limited -- /srv/www/own/program started
        limited -o append:/srv/www/own/new -- /srv/nothing
        stat -c %U:%a /srv/www/own/log; ls /srv/www/own",
        "= 0\nmine\n= 0\n/srv/www/own\n= 0\n1\n= 0\nstarted\n= 0\n\
         svcadapt: exec '/srv/nothing': there is no such file\n= 203\n\
         www:640\nlog\nprogram\nvariables\n",
    );
}

#[test]
fn unreachable_program_is_reported_with_the_refusing_directory() {
    prints(
        "install -d -m 700 /srv/closed; mkdir /srv/closed/in; install /bin/true /srv/closed/in
        mkdir /srv/noexec; mount -t tmpfs -o noexec noexec /srv/noexec; install /bin/true /srv/noexec
        install -m 700 /bin/true /srv/mine; install -m 640 /bin/true /srv/plain
        for program in closed/in/true noexec/true mine plain; do run -- /srv/$program; done",
        "svcadapt: exec '/srv/closed/in/true': the service's user may not enter /srv/closed\n  \
         hint: let that user search the directory (chmod(1)), or put the program somewhere else\n= 203\n\
         svcadapt: exec '/srv/noexec/true': its file system is mounted noexec\n  \
         hint: put the program somewhere else, or mount it with exec (mount(8))\n= 203\n\
         svcadapt: exec '/srv/mine': the service's user may not execute it\n= 203\n\
         svcadapt: exec '/srv/plain': it is not executable\n  hint: chmod +x it\n= 203\n",
    );
}

#[test]
fn program_executable_by_an_access_list_is_started() {
    prints_with_access_lists(
        "install -m 700 /bin/true /srv/listed; setfacl -m u:www:--x /srv/listed
        install -d -m 700 /srv/closed; setfacl -m u:www:--x /srv/closed; install /bin/true /srv/closed
        run -- /srv/listed; run -- /srv/closed/true",
        "= 0\n= 0\n",
    );
}

/// The same with a start below strace(1), which injects faults.
fn prints_with_faults(script: &str, expected: &str) {
    if require(Capability::Strace) {
        prints(
            &format!("traced() {{ strace -f -qq -o /dev/null \"$@\"; echo \"= $?\"; }}\n{script}"),
            expected,
        );
    }
}

#[test]
fn directory_swapped_after_log_creation_does_not_delete_roots_files() {
    prints_with_faults(
        "mkdir /srv/precious; : >/srv/precious/app.log; echo broken >/srv/program; chmod 755 /srv/program
        traced -P /srv/www/log/app.log -e inject=openat:delay_exit=1000000 \
            svcadapt run --mode classic --user www -o append:/srv/www/log/app.log -- /srv/program 2>/dev/null &
        until [ -e /srv/www/log/app.log ]; do sleep 0.02; done
        mv /srv/www/log /srv/www/old; ln -s /srv/precious /srv/www/log
        wait; ls /srv/precious",
        "= 203\napp.log\n",
    );
}

#[test]
fn program_swapped_while_its_first_line_is_read_neither_hangs_nor_leaks() {
    prints_with_faults(
        "printf '#!/bin/sh\\necho mine\\n' >/srv/script
        echo '#!/no/such/secret' >/srv/secret-script; chmod 700 /srv/secret-script
        start() {
            mkdir /srv/www/$1; chown www /srv/www/$1; cd /srv/www/$1; install -o www -m 755 /srv/script app; eval \"$2\"
            shift 2
            strace -f -qq -o /srv/trace-${PWD##*/} -P $PWD/app -e inject=openat:delay_enter=3000000:when=1 \\
                timeout 20 svcadapt run --name ${PWD##*/} --user www \"$@\" -- $PWD/app 2>&1 &
            until grep -qs faccessat /srv/trace-${PWD##*/}; do sleep 0.02; done
            rm app; mv new app
            wait $! || echo \"= $?\"
        }
        fifo='mkfifo -m 777 new; chown www new'
        directory='mkdir new'
        link='ln -s /srv/secret-script new'
        for mode in supervised classic; do
            (start 1$mode \"$fifo\" --mode $mode) & (start 2$mode \"$directory\" --mode $mode) &
            (start 3$mode \"$link\" --mode $mode) &
        done >>/srv/all
        (start 4 \"$fifo\" --mode supervised --ambient-capabilities CAP_NET_BIND_SERVICE) >>/srv/all &
        wait; sed 's,/www/[^/]*/,/www/,' /srv/all | sort",
        &("= 203\n".repeat(7) + &"svcadapt: exec '/srv/www/app': permission denied\n".repeat(7)),
    );
}

#[test]
fn created_files_are_removed_if_the_next_call_fails_or_kills() {
    prints_with_faults(
        "for how in error=EDQUOT error=EPERM signal=KILL; do
            traced -P /var/lib/app -e inject=fchown:$how \
                svcadapt run --mode classic --user www --state-directory app -- sleep 60
            traced -P /var/log/app.log -e inject=fchmod:$how \
                svcadapt run --mode classic --user www -o append:/var/log/app.log -- sleep 60
            traced -P /srv/www/log/app.log -e inject=fchmod:$how \
                svcadapt run --mode classic --user www -o append:/srv/www/log/app.log -- sleep 60
            traced -e inject=listen:$how \
                svcadapt run --mode classic --user www --listen-stream /run/deep/app.sock -- sleep 60
        done 2>&1 | grep -c =
        ls -d /var/lib/app /var/log/app.log /srv/www/log/* /run/deep 2>/dev/null || echo nothing",
        "12\nnothing\n",
    );
}

#[test]
fn readiness_probe_uses_the_users_rights() {
    if installed("systemd-notify").is_none() {
        return;
    }
    prints(
        "install -d -m 700 -o www -g www /run/own
        limited() {
            setpriv --bounding-set=-dac_override,-dac_read_search \
                --inh-caps=-dac_override,-dac_read_search svcadapt \"$@\" 2>&1
        }
        start() { limited run --mode classic --standard-output null --name reach --user www --timeout-start-sec 20 \"$@\"; echo \"= $?\"; }
        start --ready file:/run/own/there -- sh -c 'touch /run/own/there; exec sleep 60'
        limited stop reach >/dev/null
        start --ready unix:/run/own/socket -- python3 -c 'import socket, time
a = socket.socket(socket.AF_UNIX); a.bind(\"/run/own/socket\"); a.listen(); time.sleep(60)'
        limited stop reach >/dev/null",
        "= 0\n= 0\n",
    );
}

#[test]
fn user_and_group_in_one_value_are_refused_with_a_hint() {
    prints(
        "svcadapt run --user www:other -- id -u 2>&1; echo \"= $?\"",
        "svcadapt: --user 'www:other': not a name or ID of a user or group\n  \
         hint: for both write --user www --group other\n= 2\n",
    );
}

#[test]
fn setuid_or_setgid_svcadapt_refuses_to_run() {
    prints(
        "as_www() { setpriv --reuid 2001 --regid 2001 --clear-groups \"$@\" 2>&1; echo \"= $?\"; }
        for mode in 4755 2755 755; do
            install -m $mode \"$(command -v svcadapt)\" /srv/lent
            as_www /srv/lent run --mode supervised -- id -u
            as_www /srv/lent --version | tail -n 1
        done
        chmod 4755 /srv/lent; /srv/lent run --mode supervised -- id -u",
        &[LENT, "= 2\n", "= 2\n", LENT, "= 2\n", "= 2\n", "2001\n= 0\n= 0\n0\n"].concat(),
    );
}

#[test]
fn svcadapt_with_file_capabilities_refuses_ordinary_users() {
    if !have("setcap") {
        return;
    }
    // What only the file gives counts: an inheritable set of the file gives nothing, and what the starter hands down is
    // the starter's own.
    prints(
        "as_www() { setpriv --reuid 2001 --regid 2001 --clear-groups \"$@\" 2>&1; echo \"= $?\"; }
        cp \"$(command -v svcadapt)\" /srv/lent; chmod 755 /srv/lent
        for set in cap_setuid+ep cap_net_raw+p cap_net_raw+i; do
            setcap $set /srv/lent
            as_www /srv/lent run --mode supervised -- id -u
            as_www /srv/lent --version | tail -n 1
        done
        setcap cap_setuid+ep /srv/lent; /srv/lent run --mode supervised -- id -u
        setcap -r /srv/lent
        as_www --inh-caps +net_raw --ambient-caps +net_raw /srv/lent run --mode supervised -- id -u",
        &[LENT, "= 2\n", "= 2\n", LENT, "= 2\n", "= 2\n", "2001\n= 0\n= 0\n0\n2001\n= 0\n"].concat(),
    );
}

#[test]
fn program_with_lent_rights_does_not_become_a_service() {
    if !require(Capability::Namespaces) {
        return;
    }
    let dir = Dir::new();
    dir.program("becomes");
    let script = "as_www() { setpriv --reuid 2001 --regid 2001 --clear-groups \"$@\" 2>&1; }
        for mode in 4755 2755 755; do
            install -m $mode \"$(command -v becomes)\" /srv/lent; as_www /srv/lent enter ready; echo \"= $?\"
        done";
    let refused = LENT.replace("svcadapt: ", "") + "= 2\n";
    world(&dir, script).stdout(&format!("{refused}{refused}= 0\n")).run();
    dir.wait_nothing_left();
}

const LENT: &str = "svcadapt: start 'svcadapt': it has more rights than the user who starts it (set-user-ID, set-group-ID \
                    or capabilities)\n  hint: remove them from the file (chmod ug-s, setcap -r); use sudo(8) to start services as root\n";

#[test]
fn start_under_a_file_size_limit_is_refused_and_leaves_nothing() {
    prints(
        "start() { (ulimit -f 0; svcadapt run \"$@\" --pid-file /run/x.pid -- sleep 60; echo \"= $?\") 2>&1 | cat; }
        start --mode supervised; start --mode classic --name sizes
        (ulimit -f 0; unshare --pid --fork --mount-proc svcadapt run --pid-file /run/x.pid -- sleep 60; echo \"= $?\") 2>&1 | cat
        find /run -type f ! -name '%turn'
        svcadapt run --mode supervised --limit-fsize 0 --pid-file /run/x.pid -- \
            sh -c 'ulimit -f; grep SigIgn /proc/self/status' | cat
        svcadapt gen-unit --limit-fsize 0 --pid-file /run/x.pid -- /bin/sleep 60 | grep -o -- '--limit-fsize 0'",
        SIZES,
    );
}

#[test]
fn pid_file_over_the_file_size_limit_is_refused_with_a_hint() {
    // The file of the lock comes first where there is one: it is longer.
    prints(
        "install -d -m 777 /run/svcadapt
        (ulimit -f 0; svcadapt run --mode supervised --pid-file /run/x.pid -- sleep 60; echo \"= $?\") 2>&1 | cat
        find /run -type f",
        UNLOCKED,
    );
}

const UNLOCKED: &str = "svcadapt: lock '/run/x.pid': started without a lock, so status and stop cannot find this service: \
    /run/svcadapt: other users can write in it\n  hint: chmod 755 /run/svcadapt\n\
    svcadapt: pid file '/run/x.pid': file too large\n  \
    hint: raise the file size limit of the start (ulimit -f, LimitFSIZE=); --limit-fsize only applies to the program\n= 251\n";

const SIZES: &str = "svcadapt: lock '/run/svcadapt/.run,x.pid': file too large\n  \
    hint: raise the file size limit of the start (ulimit -f, LimitFSIZE=); --limit-fsize only applies to the program\n= 251\n\
    svcadapt: lock '/run/svcadapt/sizes': file too large\n  \
    hint: raise the file size limit of the start (ulimit -f, LimitFSIZE=); --limit-fsize only applies to the program\n= 251\n\
    svcadapt: lock '/run/svcadapt/.run,x.pid': file too large\n  \
    hint: raise the file size limit of the start (ulimit -f, LimitFSIZE=); --limit-fsize only applies to the program\n= 251\n\
    0\nSigIgn:\t0000000000000000\n--limit-fsize 0\n";
