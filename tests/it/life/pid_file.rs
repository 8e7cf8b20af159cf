//! A pid file that the program writes (`PIDFile=` without `Type=forking`): it goes with the service.

use std::fs;
use std::os::unix::fs::symlink;

use super::support::Traced;
use crate::harness::{Svc, wait_until};

/// Writes its pid into the file of `$PIDFILE`.
const WRITES: &str = "echo $$ >$PIDFILE.new; mv $PIDFILE.new $PIDFILE";

/// A service with such a file, and the option that names it.
fn traced() -> (Traced, String) {
    let traced = Traced::new();
    let option = format!("--remove-pid-file={}", traced.dir.join("pid").display());
    (traced, option)
}

fn wait_written(traced: &Traced) {
    wait_until("the pid file is written", || traced.dir.join("pid").exists().then_some(()));
}

#[test]
fn pid_file_of_a_daemon_goes_at_its_stop_without_a_monitor() {
    let (traced, option) = traced();
    traced.run("classic", &[&option], &format!("{WRITES}; exec sleep 1000")).run();
    wait_written(&traced);
    assert!(traced.service.monitor().is_none());
    traced.ask("stop").stdout("[NAME]: stopped (SIGTERM, [ANY] s)\n").run();
    assert!(!traced.dir.join("pid").exists());
    traced.dir.nothing_left();
}

#[test]
fn pid_file_goes_with_each_end_of_a_watched_service() {
    let (traced, option) = traced();
    // The file is there while the program runs, and not any more when it is started again.
    let program = format!("ls $PIDFILE 2>/dev/null >>\"$(dirname \"$0\")/log\"; {WRITES}; test -s $PIDFILE");
    let options = [&option, "--restart=always", "--restart-sec=1ms", "--start-limit-burst=3"];
    let over = "svcadapt: [NAME]: restart '[NAME]': not started again after 3 starts in 10s\n  \
                hint: StartLimitBurst= and StartLimitIntervalSec= set the limit\n";
    traced.run("supervised", &options, &program).stderr(over).run();
    assert_eq!(traced.log(), ["program", "program", "program"]);
    assert!(!traced.dir.join("pid").exists());
    traced.run("supervised", &[&option], &program).run();
    assert_eq!(traced.log().len(), 4);
    assert!(!traced.dir.join("pid").exists());
    traced.dir.nothing_left();
}

#[test]
fn pid_file_that_is_not_the_services_stays() {
    let (traced, option) = traced();
    let run = |program: &str| traced.run("supervised", &[&option], program).run();
    run("echo 1 >$PIDFILE");
    assert_eq!(traced.dir.read("pid"), "1\n");
    run("echo $$ >$PIDFILE.other; rm $PIDFILE; ln -s $PIDFILE.other $PIDFILE");
    assert!(fs::symlink_metadata(traced.dir.join("pid")).unwrap().is_symlink());
    run("rm $PIDFILE; mkdir $PIDFILE");
    assert!(traced.dir.join("pid").is_dir());
    fs::remove_dir(traced.dir.join("pid")).unwrap();
    // A directory that the program has replaced by a link leads to a file of another.
    fs::write(traced.dir.join("foreign"), "7\n").unwrap();
    symlink("foreign", traced.dir.join("pid")).unwrap();
    run("true");
    assert_eq!(traced.dir.read("foreign"), "7\n");
    traced.dir.nothing_left();
}

#[test]
fn pid_file_of_a_simple_unit_is_no_difference() {
    let traced = Traced::new();
    let (name, pid) = (format!("{}.service", traced.service.name()), traced.dir.join("pid"));
    let text = format!(
        "[Service]\nPIDFile={}\nExecStart=/bin/sh -c 'echo $$$$ >$$PIDFILE; test -s $$PIDFILE'\n",
        pid.display()
    );
    let unit = traced.dir.write(&name, &text).display().to_string();
    let run = || Svc::new(&traced.dir).args(["run", "--mode", "supervised", "--strict", &unit]);
    run().run();
    assert!(!pid.exists());
    let show = Svc::new(&traced.dir).args(["gen-unit", &unit]).output();
    assert!(show.stdout.contains(&format!("\nPIDFile={}\n", pid.display())), "{}", show.stdout);
    traced.dir.nothing_left();
}
