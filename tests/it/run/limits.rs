//! Names and limits at the edge of what the system allows.

use crate::harness::{Capability, Dir, Service, Svc, require, world};

#[test]
fn named_service_starts_under_a_low_limit_of_open_files() {
    let (dir, service) = (Dir::new(), Service::new());
    let svcadapt = dir.program("svcadapt");
    let line = format!(
        "ulimit -n 20; exec {} run --mode classic --name {} -- /bin/sleep 100",
        svcadapt.display(),
        service.name()
    );
    Svc::new(&dir).program("/bin/sh").args(["-c", &line]).run();
    let main = service.main();
    let text = std::fs::read_dir(format!("/proc/{}/fd", main.pid())).unwrap();
    let numbers: Vec<i32> =
        text.map(|entry| entry.unwrap().file_name().to_str().unwrap().parse().unwrap()).collect();
    assert!(numbers.contains(&19) && numbers.iter().all(|number| *number < 20), "{numbers:?}");
}

#[test]
fn longest_name_and_longest_pid_file_path_are_accepted() {
    if !require(Capability::Namespaces) {
        return;
    }
    let dir = Dir::new();
    let script = "name=$(printf 'n%.0s' $(seq 247))
        svcadapt run --mode classic --name $name -- /bin/sleep 100; svcadapt status $name | head -1 | cut -c 240-258
        svcadapt stop $name | cut -c 240-256; ls -A /run/svcadapt
        long=/run/$(printf 'd%.0s' $(seq 200))/$(printf 'e%.0s' $(seq 200)); mkdir -p $long; file=$long/$(printf 'f%.0s' $(seq 255))
        svcadapt run --mode classic --pid-file $file -- /bin/sleep 100; svcadapt run --mode classic --pid-file $file -- true 2>/dev/null
        echo $?; svcadapt status -p $file >/dev/null; echo $?; svcadapt stop -p $file >/dev/null; ls $long; ls -A /run/svcadapt";
    world(&dir, script).stdout("nnnnnnnn: running, \nnnnnnnnn: stopped\n%turn\n250\n0\n%turn\n").run();
    dir.nothing_left();
}

#[test]
fn overlong_name_is_refused_with_the_limit() {
    let dir = Dir::new();
    Svc::new(&dir)
        .args(["run", "--name", &"n".repeat(248), "--", "/bin/true"])
        .stderr("svcadapt: --name '[ANY]': longer than 247 bytes\n")
        .status(2)
        .run();
}
