//! A machine that has nothing more to give while a service is started again: the service goes on.

use crate::harness::world_prints;

/// A directory of locks that gets full. `[OPTIONS]` are those of the service.
const FULL: &str = r#"
    mkdir -m 755 /run/svcadapt
    mount -t tmpfs -o mode=755,size=64k,nr_inodes=200 tmpfs /run/svcadapt
    main() { svcadapt status web --json | sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' | head -n 1; }
    program='[ -z "$NOTIFY_SOCKET" ] || '$(command -v svcadapt)' notify --ready; echo up >>/srv/log; exec sleep 1000'
    svcadapt run --name web --mode supervised --restart always --restart-sec 1ms --start-limit-burst 0 [OPTIONS] -- sh -c "$program" &
    run=$!
    started() { until [ "$(cat /srv/log 2>/dev/null | wc -l)" = $1 ] && svcadapt status web | grep -q running; do sleep 0.01; done; }
    started 1
    cat /dev/zero 2>/dev/null >/run/svcadapt/fill
    i=0; while true >/run/svcadapt/fill$i; do i=$((i + 1)); done 2>/dev/null
    for count in 2 3 4 5 6 7; do
        before=$(main)
        kill -KILL $before
        started $count
        [ "$(main)" != $before ] && kill -0 $(main) || echo "$(main) is not the program"
    done
    svcadapt status web | sed -n 's/.*\(the program was.*\)/\1/p'
    svcadapt stop web >stopped
    wait $run || [ $? = 143 ]
    "#;

#[test]
fn service_is_started_again_and_recorded_on_a_full_file_system() {
    for options in ["", "--ready notify", "--type notify --exec-start-pre true --runtime-directory web"] {
        world_prints(&FULL.replace("[OPTIONS]", options), "the program was started 7 times\n");
    }
}

/// A user with few processes, all of which are used when its program ends.
const NO_PROCESSES: &str = r#"
    echo "few:x:[UID]:[UID]::/srv/few:/bin/sh" >>/etc/passwd
    echo "few:x:[UID]:" >>/etc/group
    install -d -o few /srv/few
    as() { setpriv --reuid few --regid few --clear-groups env HOME=/srv/few "$@"; }
    cd /srv/few
    as prlimit --nproc=12: svcadapt run --name few --mode classic --restart always --restart-sec 20ms --start-limit-burst 0 \
        -- sh -c 'echo $$ >>/srv/few/log; exec sleep 1000'
    started() { until [ "$(cat log 2>/dev/null | wc -l)" = $1 ] && as svcadapt status few | grep -q running; do sleep 0.01; done; }
    started 1
    # More than the limit lets, so that the place of the program is taken, too.
    for i in 1 2 3 4 5 6 7 8 9 10 11 12 13; do
        (exec setpriv --reuid few --regid few --clear-groups sleep 1000) >/dev/null 2>&1 &
        echo $! >>pids
    done
    kill -KILL $(cat log)
    until as svcadapt status few | grep -Eq 'started ([3-9]|[0-9][0-9]+) times'; do sleep 0.01; done
    wc -l <log
    kill $(cat pids)
    started 2
    as svcadapt stop few | sed 's/, .*/, .../'
    "#;

#[test]
fn service_is_started_again_when_its_user_may_have_processes_again() {
    // The limit counts all processes of a user on the machine.
    let script = NO_PROCESSES.replace("[UID]", &(40_000 + std::process::id() % 20_000).to_string());
    world_prints(&script, "1\nfew: stopped (SIGTERM, ...\n");
}

#[test]
fn monitor_without_free_descriptors_starts_the_service_again_later() {
    world_prints(
        r#"svcadapt run --name few --mode classic --restart always --restart-sec 20ms --start-limit-burst 0 \
            -- sh -c 'echo $$ >>/srv/log; exec sleep 1000'
        started() { until [ "$(cat /srv/log 2>/dev/null | wc -l)" -ge $1 ] && svcadapt status few | grep -q running; do sleep 0.01; done; }
        started 1
        monitor=$(sed -n 's/^monitor=\([0-9]*\).*/\1/p' /run/svcadapt/few%record)
        # It watches, with the descriptors that it keeps.
        until tr '\0' ' ' </proc/$monitor/cmdline | grep -q '^svcadapt %monitor [^ ]*  few'; do sleep 0.01; done
        # One number is free, for the image that executes itself.
        free=3
        while [ -L /proc/$monitor/fd/$free ]; do free=$((free + 1)); done
        prlimit --pid $monitor --nofile=$((free + 1)):
        kill -KILL $(cat /srv/log)
        until svcadapt status few | grep -Eq 'started ([3-9]|[0-9][0-9]+) times'; do sleep 0.01; done
        # Some of these starts have got as far as the program.
        prlimit --pid $monitor --nofile=1024:
        started 2
        svcadapt stop few | sed 's/, .*/, .../'"#,
        "few: stopped (SIGTERM, ...\n",
    );
}
