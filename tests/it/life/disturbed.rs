//! What happens around a service that is watched: a hidden /proc, the clock, and who else asks its monitor.

use std::fs;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use super::support::{Traced, control_socket};
use crate::harness::{Capability, Svc, require, wait_until, world_prints};

#[test]
fn service_of_a_user_lives_with_a_proc_that_hides_others() {
    world_prints(
        r#"mount -t proc -o hidepid=2 proc /proc
        as() { setpriv --reuid www --regid www --clear-groups env HOME=/srv/www "$@"; }
        cd /srv/www
        as ls /proc/1 2>/dev/null && echo "nothing is hidden"
        as svcadapt run --name web --mode classic --restart always --restart-sec 1ms --start-limit-burst 0 -- \
            sh -c 'echo $$ >>/srv/www/log; setsid sleep 1000 & exec sleep 1000'
        started() { until [ "$(cat log 2>/dev/null | wc -l)" = $1 ] && as svcadapt status web | grep -q running; do sleep 0.01; done; }
        started 1
        kill -KILL $(cat log)
        started 2
        as svcadapt restart web
        started 3
        as svcadapt stop web | sed 's/, .*/, .../'
        as svcadapt status web || [ $? = 3 ]"#,
        "web: restarted\nweb: stopped (SIGTERM, ...\nweb: not running\n",
    );
}

#[test]
fn restart_delay_grows_in_its_steps() {
    let traced = Traced::new();
    let options = [
        "--restart=always",
        "--restart-sec=50ms",
        "--restart-steps=3",
        "--restart-max-delay-sec=400ms",
        "--start-limit-interval-sec=600",
        "--start-limit-burst=6",
    ];
    let times = traced.dir.join("times");
    let program = format!("date +%s%N >>{}", times.display());
    traced.run("supervised", &options, &program).output();
    let times: Vec<u64> =
        fs::read_to_string(times).unwrap().lines().map(|nanos| nanos.parse().unwrap()).collect();
    let waited: Vec<Duration> = times.windows(2).map(|two| Duration::from_nanos(two[1] - two[0])).collect();
    let delays = [50, 100, 200, 400, 400].map(Duration::from_millis);
    assert_eq!(waited.len(), delays.len());
    for (waited, delay) in waited.iter().zip(delays) {
        // A busy machine prolongs each.
        assert!(*waited >= delay && *waited < delay + Duration::from_secs(10), "{waited:?}, not {delay:?}");
    }
    traced.dir.nothing_left();
}

/// The clock of the machine cannot be set here. Only poll(2) waits, for a time and not until one.
#[test]
fn monitor_waits_for_spans_and_never_until_a_time_of_day() {
    if !require(Capability::Strace) {
        return;
    }
    let traced = Traced::new();
    let (svcadapt, trace) = (traced.dir.program("svcadapt"), traced.dir.join("trace.txt"));
    let waits = "trace=poll,ppoll,select,pselect6,epoll_wait,epoll_pwait,timerfd_create,timerfd_settime,timer_create,\
                 timer_settime,setitimer,alarm,nanosleep,clock_nanosleep,clock_gettime,gettimeofday,time";
    let text = format!(
        "exec strace -qq -o {} -e {waits} {} run --name {} --mode supervised --restart always --restart-sec 20ms \
         --timeout-stop-sec 5s --exec-stop-post 'sleep 0.01' --start-limit-burst 4 -- true 2>/dev/null",
        trace.display(),
        svcadapt.display(),
        traced.service.name()
    );
    Svc::new(&traced.dir).program("/bin/sh").args(["-c", &text]).run();
    let text = fs::read_to_string(trace).unwrap();
    let calls: Vec<&str> = text.lines().filter_map(|line| Some(line.split_once('(')?.0)).collect();
    assert!(calls.len() > 8 && calls.iter().all(|name| ["poll", "ppoll"].contains(name)), "{text}");
}

#[test]
fn service_is_stopped_with_a_control_socket_full_of_clients() {
    let traced = Traced::new();
    traced.run("classic", &["--restart=always", "--restart-sec=1ms"], "exec sleep 1000").run();
    let monitor = traced.service.monitor().unwrap();
    let socket = control_socket(&monitor).unwrap();
    let clients: Vec<UnixStream> = (0..300).map_while(|_| UnixStream::connect(&socket).ok()).collect();
    assert!(clients.len() > 100, "{}", clients.len());
    assert!(traced.ask("status").output().stdout.contains("running"));
    traced.ask("restart").stdout("[NAME]: restarted\n").run();
    traced.ask("stop").stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
    traced.dir.nothing_left();
}

#[test]
fn program_that_forks_for_ever_is_ended_with_all_its_processes() {
    let traced = Traced::new();
    // Each process makes its successor in a session of its own and ends; ten of them at a time.
    let chain = traced.dir.executable(
        "chain",
        "#!/bin/sh\ntrap '' TERM HUP\ni=0\nwhile [ $i -lt 20 ]; do sleep 0.01; i=$((i + 1)); done\nsetsid \"$0\" &\n",
    );
    let program = format!(
        "trap '' TERM; for i in 1 2 3 4 5 6 7 8 9 10; do {} & done; while :; do sleep 0.1; done",
        chain.display()
    );
    let options = ["--restart=always", "--restart-sec=1ms", "--timeout-stop-sec=300ms"];
    traced.run("classic", &options, &program).run();
    wait_until("a chain has gone on", || {
        let own = traced.service.main();
        let all = fs::read_dir("/proc").unwrap().filter_map(|entry| {
            let words = fs::read_to_string(entry.ok()?.path().join("cmdline")).ok()?;
            words.contains(&*chain.to_string_lossy()).then_some(())
        });
        (all.count() >= 10 && own.is_alive()).then_some(())
    });
    traced.ask("stop").stdout("[NAME]: stopped (SIGKILL after [ANY] s)\n").run();
    traced.dir.nothing_left();
}

#[test]
fn start_limit_of_zero_is_no_limit() {
    let traced = Traced::new();
    for option in ["--start-limit-burst=0", "--start-limit-interval-sec=0"] {
        let before = traced.log().len();
        let program = format!("test $(wc -l <\"$(dirname \"$0\")/log\") = {}", before + 8);
        traced.run("supervised", &["--restart=on-failure", "--restart-sec=0", option], &program).run();
        assert_eq!(traced.log().len(), before + 8);
    }
    traced.dir.nothing_left();
}
