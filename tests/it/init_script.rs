//! Init scripts of System V: those that are svcadapt, and those of others, by LSB 5.0, "Init Script Actions".

use crate::harness::{have, world_prints};

/// What each script begins with: svcadapt where links and `#!` lines expect it, a unit, and a function that prints the exit
/// status of an action.
const HEAD: &str = r#"
cp "$(command -v svcadapt)" /usr/local/bin/svcadapt
mkdir -p /etc/systemd/system /etc/init.d
ln -s /usr/local/bin/svcadapt /etc/init.d/web
unit() { printf '%s\n' '[Service]' 'ExecStart=/bin/sleep 1000' "$@" >/etc/systemd/system/web.service; }
unit
act() { script=$1; shift; code=0; "/etc/init.d/$script" "$@" >/dev/null 2>&1 || code=$?; echo "$script $*: $code"; }
ask() { code=0; svcadapt "$@" >/tmp/answer 2>&1 || code=$?; echo "$*: $code"; sed 's/process [0-9]*, since.*/process/; s/, [0-9.]* s)/)/' /tmp/answer; }
"#;

fn prints(script: &str, stdout: &str) {
    world_prints(&format!("{HEAD}{script}"), stdout);
}

#[test]
fn link_to_svcadapt_has_the_exit_statuses_of_the_lsb() {
    prints(
        "for action in status stop reload try-restart force-reload start start status reload force-reload restart \
             try-restart status stop status dance ''; do
             act web $action
         done
         act web start now
         unit ExecReload=/bin/true; act web start; act web reload; act web force-reload
         unit ExecStart=; act web restart; act web status; act web stop; act web start
         unit; echo ExecStartPre=/bin/false >>/etc/systemd/system/web.service; act web start; act web status
         unit; sed -i s:/bin/sleep:/nowhere/program: /etc/systemd/system/web.service; act web start
         rm /etc/systemd/system/web.service; act web start; act web status; act web stop",
        "web status: 3\nweb stop: 0\nweb reload: 7\nweb try-restart: 0\nweb force-reload: 0\nweb start: 0\nweb start: 0\n\
         web status: 0\nweb reload: 3\nweb force-reload: 0\nweb restart: 0\nweb try-restart: 0\nweb status: 0\n\
         web stop: 0\nweb status: 3\nweb dance: 2\nweb : 2\nweb start now: 2\n\
         web start: 0\nweb reload: 0\nweb force-reload: 0\n\
         web restart: 6\nweb status: 0\nweb stop: 0\nweb start: 6\nweb start: 1\nweb status: 3\nweb start: 5\n\
         web start: 6\nweb status: 3\nweb stop: 0\n",
    );
}

#[test]
fn link_to_svcadapt_does_not_read_a_unit_of_the_current_directory() {
    prints(
        "rm /etc/systemd/system/web.service
         printf '[Service]\\nExecStart=/bin/sleep 1000\\n' >web.service
         /etc/init.d/web start 2>&1 || echo $?",
        "svcadapt: spec 'web.service': there is no such unit in systemd's search path\n  \
         hint: systemd.unit(5) lists the directories\n6\n",
    );
}

#[test]
fn root_s_script_is_refused_to_another_user_with_4() {
    prints(
        "act web start
         setpriv --reuid 2002 --regid 2002 --clear-groups sh -c '
             /etc/init.d/web stop 2>&1 || echo $?
             /etc/init.d/web status >/dev/null; echo $?'
         act web status; act web stop",
        "web start: 0\nsvcadapt: init 'web': only root may do this\n  hint: run it as root\n4\n0\nweb status: 0\nweb stop: 0\n",
    );
}

#[test]
fn service_of_a_script_is_controlled_by_its_name() {
    prints(
        "ask start web; ask status web; ask restart web; ask stop web; ask status web",
        "start web: 0\nweb: started (sysv, /etc/init.d/web)\nstatus web: 0\nweb: running, process\n  program: /bin/sleep\n\
         restart web: 0\nweb: restarted\nstop web: 0\nweb: stopped (SIGTERM)\n\
         status web: 3\nweb: not running\n  host: sysv, /etc/init.d/web\n",
    );
}

#[test]
fn spec_with_an_interpreter_line_is_an_init_script() {
    if !have("service") {
        return;
    }
    prints(
        r#"head='#!/usr/local/bin/svcadapt init'
         lsb='### BEGIN INIT INFO
# Provides: json
# Required-Start: $local_fs
# Required-Stop:
# Default-Start: 2 3 4 5
# Default-Stop: 0 1 6
### END INIT INFO'
         printf '%s\n' "$head" "$lsb" '{"command": ["/bin/sleep", "1000"]}' >/etc/init.d/json
         printf '%s\n' "$head" "$lsb" '[Service]' 'ExecStart=/bin/sleep 1000' 'Restart=always' 'ExecReload=/bin/true' >/etc/init.d/unit
         printf '%s\n' "$head" '<?xml version="1.0"?>' '<plist version="1.0"><dict><key>Label</key><string>x</string>' \
             '<key>RunAtLoad</key><true/><key>ProgramArguments</key><array><string>/bin/sleep</string>' \
             '<string>1000</string></array></dict></plist>' >/etc/init.d/list
         for name in json unit list; do
             chmod 755 /etc/init.d/$name
             for action in start status reload restart stop status; do
                 code=0; service $name $action >/dev/null 2>&1 || code=$?; echo "$name $action: $code"
             done
         done
         ln -s ../init.d/json /etc/rc2.d/S20json
         /etc/rc2.d/S20json start; svcadapt stop json >/dev/null; echo $?
         printf '%s\n' "$head" '{"command": [1]}' >/etc/init.d/json; /etc/init.d/json start 2>&1 || echo $?"#,
        "json start: 0\njson status: 0\njson reload: 3\njson restart: 0\njson stop: 0\njson status: 3\n\
         unit start: 0\nunit status: 0\nunit reload: 0\nunit restart: 0\nunit stop: 0\nunit status: 3\n\
         list start: 0\nlist status: 0\nlist reload: 3\nlist restart: 0\nlist stop: 0\nlist status: 3\n0\n\
         svcadapt: /etc/init.d/json:2:13: command: expected a string\n  | {\"command\": [1]}\n  |             ^\n  \
         hint: write a value that is not UTF-8 in hexadecimal: {\"bytes\": \"2fff\"}\n6\n",
    );
}

#[test]
fn spec_with_an_interpreter_line_is_registered_by_update_rc() {
    if !have("update-rc.d") {
        return;
    }
    prints(
        "printf '%s\\n' '#!/usr/local/bin/svcadapt init' '### BEGIN INIT INFO' '# Provides: spec' '# Required-Start:' \
             '# Required-Stop:' '# Default-Start: 2 3 4 5' '# Default-Stop: 0 1 6' '### END INIT INFO' '[Service]' \
             'ExecStart=/bin/sleep 1000' >/etc/init.d/spec
         chmod 755 /etc/init.d/spec
         update-rc.d spec defaults >&2
         set -- /etc/rc2.d/S??spec; $1 start; ask status spec; set -- /etc/rc6.d/K??spec; $1 stop",
        "status spec: 0\nspec: running, process\n  program: /bin/sleep\nspec: stopped (SIGTERM, 0.[PID] s)\n",
    );
}

/// An init script that svcadapt did not write, which calls its service running whatever happens.
const OTHER: &str = r"
cp /bin/sleep /usr/local/bin/other
cat >/etc/init.d/other <<'SCRIPT'
#!/bin/sh
### BEGIN INIT INFO
# Provides: other
### END INIT INFO
NAME=other
DAEMON=/usr/local/bin/$NAME
PIDFILE=/run/$NAME.pid
case $1 in
start) $DAEMON 1000 >/dev/null 2>&1 & echo $! >$PIDFILE ;;
stop) kill $(cat $PIDFILE); rm $PIDFILE ;;
status) exit 0 ;;
esac
SCRIPT
chmod 755 /etc/init.d/other
";

#[test]
fn answer_of_another_init_script_is_judged_by_its_processes() {
    prints(
        &format!(
            "{OTHER}
             for action in status stop start status start restart status; do ask $action other; done; ask signal other
             rm /run/other.pid; ask status other; pgrep -x other >/run/other.pid; ask stop other; ask status other"
        ),
        "status other: 3\nother: not running\n  host: sysv, /etc/init.d/other\nstop other: 0\nother: not running\n\
         start other: 0\nother: started (sysv, /etc/init.d/other)\n\
         status other: 0\nother: running, process\n  host: sysv, /etc/init.d/other\n\
         start other: 0\nother: already running, process [PID]\nrestart other: 0\nother: restarted (sysv, /etc/init.d/other)\n\
         status other: 0\nother: running, process\n  host: sysv, /etc/init.d/other\n\
         signal other: 1\nsvcadapt: signal '/etc/init.d/other': an init script proves no process that could be signalled\n  \
         hint: `svcadapt stop --pid-file FILE --exec PROGRAM` proves the process that it stops\n\
         status other: 0\nother: running, process\n  host: sysv, /etc/init.d/other\n\
         stop other: 0\nother: stopped (sysv, /etc/init.d/other)\n\
         status other: 3\nother: not running\n  host: sysv, /etc/init.d/other\n",
    );
}

#[test]
fn init_script_without_a_proof_is_unknown() {
    prints(
        &format!(
            "{OTHER}
             sed -i 's/^DAEMON=.*/START=$(command -v other)/' /etc/init.d/other
             ask status other; ask stop other
             sed -i 's/^status.*/ /' /etc/init.d/other; ask status other"
        ),
        "status other: 4\n\
         svcadapt: status '/etc/init.d/other': its init script says that it runs, and no process proves it\n  \
         hint: `ps` shows whether it runs; `/etc/init.d/other stop` stops it\n\
         stop other: 1\n\
         svcadapt: status '/etc/init.d/other': its init script says that it runs, and no process proves it\n  \
         hint: `ps` shows whether it runs; `/etc/init.d/other stop` stops it\n\
         status other: 4\n\
         svcadapt: status '/etc/init.d/other': its init script has no action 'status', and no process proves that it runs\n  \
         hint: `ps` shows whether it runs; `/etc/init.d/other stop` stops it\n",
    );
}

#[test]
fn init_script_that_others_can_write_is_not_executed() {
    prints(
        &format!(
            "{OTHER}
             sed -i '2i touch /tmp/executed' /etc/init.d/other
             chmod o+w /etc/init.d/other; ask status other; ask start other
             chmod o-w /etc/init.d/other; chown www /etc/init.d/other; ask stop other
             ls /tmp/executed 2>/dev/null || echo not executed"
        ),
        "status other: 4\n\
         svcadapt: status '/etc/init.d/other': its init script is not asked, because other users than root can change it\n  \
         hint: `chown root /etc/init.d/other; chmod go-w /etc/init.d/other`, after you have read it\n\
         start other: 1\n\
         svcadapt: status '/etc/init.d/other': its init script is not asked, because other users than root can change it\n  \
         hint: `chown root /etc/init.d/other; chmod go-w /etc/init.d/other`, after you have read it\n\
         stop other: 1\n\
         svcadapt: status '/etc/init.d/other': its init script is not asked, because other users than root can change it\n  \
         hint: `chown root /etc/init.d/other; chmod go-w /etc/init.d/other`, after you have read it\n\
         not executed\n",
    );
}

#[test]
fn record_of_svcadapt_counts_before_another_init_script() {
    prints(
        &format!(
            "{OTHER}
             svcadapt run --name other -- /bin/sleep 1000; kill -KILL $(svcadapt status --json other | sed -n 's/.*\"pid\": \\([0-9]*\\),.*/\\1/p')
             until ! svcadapt status other >/dev/null; do :; done
             svcadapt status other >/dev/null || echo $?; svcadapt stop other; ask status other"
        ),
        "1\nother: not running\nstatus other: 3\nother: not running\n  host: sysv, /etc/init.d/other\n",
    );
}
