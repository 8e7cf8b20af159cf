//! `--ready log:REGEX`: readiness by a line of the output.

use std::fs;

use crate::harness::{Dir, Service, Svc, wait_until};

fn run<'a>(dir: &'a Dir, service: &Service, options: &[&str], script: &str) -> Svc<'a> {
    let name = service.name().to_owned();
    Svc::new(dir)
        .args(["run", "--mode", "classic", "--name", &name])
        .args(options)
        .args(["--", "/bin/sh", "-c", script])
        .name("[NAME]", name)
}

fn stop(dir: &Dir, service: &Service) {
    Svc::new(dir).args(["stop", service.name()]).stdout("[ANY]\n").run();
}

const GATED: &str = "echo starting; printf 'server u'; while [ ! -e go ]; do sleep 0.01; done; \
                     echo 'p on port 80'; echo more; exec sleep 600";

#[test]
fn line_makes_a_service_ready_in_each_kind_of_log() {
    for options in [
        &["-o", "out.log"][..],
        &["--standard-output", "truncate:out.log"],
        &["-o", "out.log", "-O"],
        &["-o", "out.log", "--log-rotate-size", "4K"],
        &["-o", "out.log", "--log-timestamps"],
        &["-o", "out.log", "--restart", "always"],
    ] {
        let options = options.iter().copied().filter(|word| *word != "-O").collect::<Vec<_>>();
        let (dir, service) = (Dir::new(), Service::new());
        // What an earlier start has said does not count.
        dir.write("out.log", "server up on port 70\n");
        let here = dir.path().display().to_string();
        let words = [&options[..], &["-c", &here, "--ready", "log:^server up on port [0-9]+$"]].concat();
        let running = run(&dir, &service, &words, GATED).spawn();
        wait_until("the program has begun", || {
            fs::read_to_string(dir.join("out.log")).ok()?.ends_with("server u").then_some(())
        });
        let state = Svc::new(&dir).args(["status", service.name()]).output().stdout;
        assert!(state.contains("starting"), "{options:?}: {state}");
        dir.write("go", "");
        let output = running.finish();
        assert_eq!((output.stderr.as_str(), output.stdout.as_str()), ("", ""), "{options:?}");
        stop(&dir, &service);
    }
}

#[test]
fn line_in_a_file_that_is_rotated_meanwhile_is_found() {
    let (dir, service) = (Dir::new(), Service::new());
    let script = "i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i + 1)); done; exec sleep 600";
    let words =
        ["-o", "out.log", "--log-rotate-size", "4K", "--log-keep", "99", "--ready", "log:^line 1999$"];
    run(&dir, &service, &words, script).run();
    stop(&dir, &service);
}

#[test]
fn line_that_does_not_come_in_time_fails_the_start() {
    let (dir, service) = (Dir::new(), Service::new());
    let words = ["-o", "out.log", "--ready", "log:^up$", "--timeout-start-sec", "300ms"];
    run(&dir, &service, &words, "echo almost up; exec sleep 600")
        .stderr(
            "svcadapt: start '[NAME]': not ready after 300ms, still missing: log:^up$\n  | almost up\n  \
             hint: raise --timeout-start-sec\n",
        )
        .status(249)
        .run();
    dir.nothing_left();
}

#[test]
fn invalid_expression_and_output_without_a_file_are_refused() {
    let (dir, service) = (Dir::new(), Service::new());
    run(&dir, &service, &["-o", "out.log", "--ready", "log:ab(up"], "exec sleep 600")
        .stderr("svcadapt: --ready 'log:ab(up': not a regular expression: found open group without closing ')' (from character \
             3 on)\n  hint: [ANY]\n")
        .status(2)
        .run();
    run(&dir, &service, &["--standard-output", "null", "--ready", "log:up"], "exec sleep 600")
        .stderr(
            "svcadapt: ready 'log:up': the output goes to no file that could be read: --standard-output is null\n  \
             hint: use --standard-output append:PATH, or give the service a --name\n",
        )
        .status(2)
        .run();
}

#[test]
fn expression_that_backtracks_elsewhere_takes_no_longer_than_its_lines() {
    let (dir, service) = (Dir::new(), Service::new());
    let script = "head -c 60000 /dev/zero | tr '\\0' a; echo !; echo up; exec sleep 600";
    let begun = std::time::Instant::now();
    run(&dir, &service, &["-o", "out.log", "--ready", "log:^(a+)+$|^up$"], script).run();
    assert!(begun.elapsed().as_secs() < 20);
    stop(&dir, &service);
}
