//! Root's rights are lent to no user: what lies in the reach of the service's user is opened with that user's rights,
//! however the path leads there.

use crate::harness::Capability;
use crate::harness::Dir;
use crate::harness::require;
use crate::harness::world;

/// A secret of root's, a directory of the service's user, and a start as that user that ends with the program.
const SCENE: &str = "umask 022
    echo secret >/srv/secret; chmod 600 /srv/secret
    install -d -o www -g www /srv/www/log
    run() { svcadapt run --mode supervised --user www \"$@\" 2>&1; echo \"= $?\"; }
    ";

/// What a script says on a machine of its own, after the scene was set.
fn check(script: &str, expected: &str) {
    if !require(Capability::Namespaces) {
        return;
    }
    let dir = Dir::new();
    world(&dir, &format!("{SCENE}{script}")).stdout(expected).run();
    dir.nothing_left();
}

/// The same where access control lists are needed.
fn check_with_access_lists(script: &str, expected: &str) {
    if require(Capability::AccessLists) {
        check(script, expected);
    }
}

#[test]
fn log_behind_a_users_link_is_opened_with_the_users_rights() {
    check(
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
fn log_below_a_users_link_in_a_sticky_directory_is_opened_with_the_users_rights() {
    check(
        "install -d -m 1777 /var/shared
        install -d -m 700 /srv/private; cp /srv/secret /srv/private/app.log
        ln -s /srv/private /var/shared/link; chown -h www /var/shared/link
        run -o append:/var/shared/link/app.log -- echo mine
        cat /srv/private/app.log",
        "svcadapt: standard output 'append:/var/shared/link/app.log': permission denied\n= 209\nsecret\n",
    );
}

#[test]
fn directory_with_an_access_list_is_not_roots_alone() {
    check_with_access_lists(
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
         hint: put it into /run\n= 202\n\
         svcadapt: environment file '/var/log/list/app.log': permission denied\n= 2\n\
         secret\n",
    );
}

#[test]
fn directory_of_group_0_is_roots_alone_unless_the_service_is_in_that_group() {
    check(
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
