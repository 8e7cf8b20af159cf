//! `--dry-run` prints the steps of a start, and performs no step.

use serde_json::{Value, json};

use super::{contents, run};
use crate::harness::{Capability, Dir, Service, require};

const PLAN: &str = "\
a classic daemon; manager: none
  1  adapter  launcher  adopt orphans
  2  adapter  launcher  fork
  3  adapter  launcher  new session
  4  adapter  launcher  fork again
  5  adapter  service   reset signals
  6  adapter  service   lock                  /run/svcadapt/[NAME]
  7  adapter  service   directory             /run/[NAME]
  8  adapter  service   standard input        null
  9  adapter  service   standard output       append:[DIR]/log
 10  adapter  service   standard error        append:[DIR]/log
 11  adapter  service   pid file              /run/[NAME].pid
 12  host               oom score             0
 13  adapter  service   nice                  3
 14  adapter  service   group                 65534
 15  adapter  service   groups                65534
 16  adapter  service   soft limit            CPU infinity
 17  adapter  service   soft limit            FSIZE infinity
 18  adapter  service   soft limit            DATA infinity
 19  adapter  service   soft limit            STACK 8388608
 20  adapter  service   soft limit            CORE 0
 21  adapter  service   soft limit            RSS infinity
 22  adapter  service   soft limit            AS infinity
 23  adapter  service   soft limit            LOCKS infinity
 24  adapter  service   limit                 NOFILE 512
 25  adapter  service   user                  65534
 26  adapter  service   ambient capabilities  none
 27  adapter  service   umask                 0027
 28  adapter  service   working directory     /
 29  adapter  service   descriptors           0 1 2 7 32
 30  adapter  service   exec                  /bin/true
";

#[test]
fn dry_run_prints_every_step_and_performs_no_step() {
    if !require(Capability::Root) {
        return;
    }
    let (dir, service) = (Dir::new(), Service::new());
    dir.program("svcadapt");
    let name = service.name();
    let log = format!("--standard-output=append:{}", dir.join("log").display());
    let (runtime, pid_file) = (format!("--runtime-directory={name}"), format!("--pid-file=/run/{name}.pid"));
    let options = [
        "--dry-run",
        "--name",
        name,
        "--user=nobody",
        "--umask=027",
        "--nice=3",
        "--limit-nofile=512",
        "--ready=fd:7",
        &log,
        &runtime,
        &pid_file,
    ];
    let before = contents(dir.path());
    run(&dir, &options).args(["--", "/bin/true"]).name("[NAME]", name).stdout(PLAN).run();
    let got = run(&dir, &options).args(["--json", "--", "/bin/true"]).output();
    let plan: Value = serde_json::from_str(&got.stdout).unwrap();
    let steps = plan["steps"].as_array().unwrap();
    assert_eq!(plan["mode"], json!("classic"));
    assert_eq!(steps.len(), PLAN.lines().count() - 1);
    assert_eq!(
        steps.last().unwrap(),
        &json!({ "step": "exec", "object": "/bin/true", "by": "adapter", "process": "service", "exit_status": 203 })
    );
    for (line, step) in PLAN.lines().skip(1).zip(steps) {
        assert!(
            line.contains(step["step"].as_str().unwrap()) && line.contains(step["by"].as_str().unwrap()),
            "{line}"
        );
    }
    assert_eq!(contents(dir.path()), before);
    assert!(!service.lock().exists());
    for made in [format!("/run/{name}"), format!("/run/{name}.pid")] {
        assert!(!std::path::Path::new(&made).exists(), "{made} was made");
    }
    dir.nothing_left();
}
