//! A pid file that svcadapt has not written: its process is looked at, and stopped only with a proof.

use crate::harness::world_prints;

/// A daemon with a pid file, and functions that print what a command says with its exit status.
const DAEMON: &str = r#"
f=/run/daemon.pid
d=/usr/local/bin/daemon
cp /bin/sleep $d
# The shell has executed it when its name is that of the program.
begin() { $d 1000 & echo $! >$f; until [ /proc/$!/exe -ef $d ]; do :; done; }
ask() { code=0; svcadapt "$@" >/tmp/answer 2>&1 || code=$?; echo "$code"; sed "s/ $!\b/ PID/; s/since [0-9]* s/since T/; s/, [0-9.]* s)/)/" /tmp/answer; }
begin
"#;

fn prints(script: &str, stdout: &str) {
    world_prints(&format!("{DAEMON}{script}"), stdout);
}

#[test]
fn process_of_a_foreign_pid_file_is_shown_and_proved_by_its_program() {
    prints(
        "ask status --pid-file $f; ask status --pid-file $f --exec $d
         svcadapt status --json --pid-file $f --exec $d | grep -E '\"(state|ready|program|foreign)\"'
         ask status --pid-file $f --exec /bin/true; ask stop --pid-file $f --exec $d; ask status --pid-file $f",
        "4\n/run/daemon.pid: unknown, nothing proves that process PID is the service\n  \
         hint: a service that svcadapt started has a record; `svcadapt audit PID` shows what this process is, and --exec \
         PROGRAM proves it\n  pid file: /run/daemon.pid\n  program: /usr/local/bin/daemon\n  \
         host: unknown; svcadapt has not started it\n\
         0\n/run/daemon.pid: running, process PID, since T\n  program: /usr/local/bin/daemon\n  \
         host: unknown; svcadapt has not started it\n  \
         \"state\": \"running\",\n  \"ready\": true,\n  \"program\": \"/usr/local/bin/daemon\",\n  \"foreign\": true\n\
         4\nsvcadapt: --exec '/bin/true': process PID of /run/daemon.pid runs /usr/local/bin/daemon\n  \
         hint: name /usr/local/bin/daemon if that is the daemon; a script runs as its interpreter\n\
         0\n/run/daemon.pid: stopped (SIGTERM)\n\
         1\n/run/daemon.pid: dead, process PID has ended\n  pid file: /run/daemon.pid\n",
    );
}

#[test]
fn process_of_a_foreign_pid_file_is_not_stopped_without_a_proof() {
    prints(
        "ask stop --pid-file $f; ask stop --pid-file $f --exec /bin/true; ask stop --pid-file $f --exec /nowhere
         chmod g+w $f; ask stop --pid-file $f --exec $d; chmod g-w $f
         mkdir -m 0777 /run/open; cp $f /run/open/pid; ask stop --pid-file /run/open/pid --exec $d
         chown www $f; ask stop --pid-file $f --exec $d; chown 0 $f
         touch -d '1 hour ago' $f; ask stop --pid-file $f --exec $d
         cp /bin/sleep $d.new; mv $d.new $d; touch $f; ask stop --pid-file $f --exec $d
         echo 1 >$f; ask stop --pid-file $f --exec $d; kill -0 $! && kill $!",
        "1\nsvcadapt: stop '/run/daemon.pid': nothing proves that process PID is the service\n  hint: [ANY]\n\
         1\nsvcadapt: --exec '/bin/true': process PID of /run/daemon.pid runs /usr/local/bin/daemon\n  hint: [ANY]\n\
         1\nsvcadapt: --exec '/nowhere': no such file or directory\n\
         1\nsvcadapt: pid file '/run/daemon.pid': other users than root can change it\n  hint: [ANY]\n\
         1\nsvcadapt: pid file '/run/open/pid': other users than root can change it\n  hint: [ANY]\n\
         1\nsvcadapt: pid file '/run/daemon.pid': other users than root can change it\n  hint: [ANY]\n\
         1\nsvcadapt: pid file '/run/daemon.pid': process PID is younger than the file, which was written for an earlier one\n\
         1\nsvcadapt: --exec '/usr/local/bin/daemon': process PID of /run/daemon.pid runs /usr/local/bin/daemon (deleted)\n  \
         hint: its program was replaced since it has started; end it by its own command\n\
         1\nsvcadapt: pid file '/run/daemon.pid': it names no process\n",
    );
}

#[test]
fn foreign_daemon_that_ignores_sigterm_is_killed_after_the_timeout() {
    prints(
        "kill $!; d=/usr/local/bin/deaf; cp /bin/sh $d; printf 'trap \"\" TERM; echo >/tmp/deaf; while :; do sleep 1; done' >/tmp/script
         $d /tmp/script & echo $! >$f; until [ -e /tmp/deaf ]; do :; done
         ask stop --pid-file $f --exec $d --timeout-stop-sec 200ms; ask stop --pid-file $f --exec $d",
        "0\n/run/daemon.pid: stopped (SIGKILL after 0 s)\n0\n/run/daemon.pid: not running\n",
    );
}

#[test]
fn user_stops_an_own_daemon_and_not_that_of_root() {
    prints(
        "chmod 755 /tmp
         as() { setpriv --reuid www --regid www --clear-groups sh -uc \"ask() { code=0; svcadapt \\\"\\$@\\\" 2>&1 || code=\\$?; echo \\$code; }
$1\"; }
         as \"ask stop --pid-file $f --exec $d\" | sed \"s/ $! / PID /\"
         as \"cd /srv/www; $d 1000 & echo \\$! >own.pid; until [ /proc/\\$!/exe -ef $d ]; do :; done
             ask stop --pid-file /srv/www/own.pid --exec $d\"
         kill $!",
        "svcadapt: pid file '/run/daemon.pid': the program of process PID cannot be seen\n  hint: run this as root\n4\n\
         /srv/www/own.pid: stopped (SIGTERM, 0.[PID] s)\n0\n",
    );
}
