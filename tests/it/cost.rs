//! The number of system calls of a start. It must not grow, and must not depend on the limit of open files.
//!
//! Times are for `cargo bench --bench launch`; the number of calls is the same on every machine.

use std::collections::{BTreeMap, BTreeSet};

use super::harness::{Capability, Dir, Service, Svc, require, world_prints};

/// Calls by their names.
type Counts = BTreeMap<String, usize>;

/// Calls of the C library before `main` and for memory, and those that restore the limit of files.
const NOT_OURS: [&str; 9] =
    ["brk", "mmap", "munmap", "mremap", "mprotect", "madvise", "prlimit64", "pread64", "getrandom"];

#[test]
fn classic_start_makes_few_system_calls() {
    if !require(Capability::Strace) {
        return;
    }
    let few = start("classic", "1024");
    let many = start("classic", "$(ulimit -H -n)");
    assert_eq!(few, many);
    // It was 235 when this was written; 100 find a free name, keep the record and open the log.
    bounded(&few, 258);
}

#[test]
fn supervised_start_makes_few_system_calls() {
    if !require(Capability::Strace) {
        return;
    }
    let few = start("supervised", "1024");
    let many = start("supervised", "$(ulimit -H -n)");
    assert_eq!(few, many);
    // It was 119 when this was written.
    bounded(&few, 131);
}

#[test]
fn start_beside_hundreds_of_services_makes_as_many_calls_as_beside_one() {
    if !require(Capability::Strace) {
        return;
    }
    // 300 records would be 1,500 calls; what is asked while a process waits differs by some.
    world_prints(
        "calls() { strace -f -qq -o /srv/trace \"$@\" && wc -l </srv/trace; }
         start() { svcadapt run --mode classic --name $1 --pid-file /run/$1.pid -- sleep 100; }
         steady() { [ $(($2 - $1)) -lt 200 ] && echo steady || echo \"$1 $2\"; }
         start one
         few=$(calls svcadapt status one >/dev/null; wc -l </srv/trace)
         start_calls() { calls svcadapt run --mode classic --name $1 --pid-file /run/$1.pid -- true; }
         few_start=$(start_calls two)
         for i in $(seq 300); do cp /run/svcadapt/one%record /run/svcadapt/x$i%record; done
         many=$(calls svcadapt status one >/dev/null; wc -l </srv/trace)
         many_start=$(start_calls three)
         steady $few $many; steady $few_start $many_start; svcadapt stop one | cut -d' ' -f1-2",
        "steady\nsteady\none: stopped\n",
    );
}

fn bounded(counts: &Counts, most: usize) {
    let all: usize = counts.values().sum();
    assert!(all <= most, "{all} system calls, and {most} are enough: {counts:#?}");
    let closes = counts.get("close").copied().unwrap_or_default();
    assert!(closes <= 25, "{closes} times close");
}

/// The calls up to the exec of the program. After its fork a process only waits or exits, before or after that exec, so
/// its calls are not counted.
fn start(mode: &str, files: &str) -> Counts {
    let (dir, service) = (Dir::new(), Service::new());
    let svcadapt = env!("CARGO_BIN_EXE_svcadapt");
    // A daemon looks for a free name, and there are others of /bin/true.
    let name = if mode == "classic" { format!("--name {}", service.name()) } else { String::new() };
    let line = format!(
        "ulimit -S -n {files} && exec strace -f -qq -o trace {svcadapt} run --mode {mode} {name} -- /bin/true"
    );
    Svc::new(&dir).program("/bin/sh").args(["-c", &line]).run();
    count(&dir.read("trace"))
}

fn count(trace: &str) -> Counts {
    let mut counts = Counts::new();
    let mut forked = BTreeSet::new();
    for line in trace.lines() {
        let (pid, rest) = line.split_once(' ').unwrap();
        // The second half of a call, or the end of a process.
        let Some((name, words)) =
            rest.trim_start().split_once('(').filter(|(name, _)| !name.contains([' ', '<', '+']))
        else {
            continue;
        };
        if name == "execve" && words.starts_with("\"/bin/true\"") {
            return counts;
        }
        if forked.contains(pid) {
            continue;
        }
        if ["fork", "vfork", "clone", "clone3"].contains(&name) {
            forked.insert(pid);
        }
        if !NOT_OURS.contains(&name) {
            *counts.entry(name.to_owned()).or_default() += 1;
        }
    }
    panic!("the program was never executed:\n{trace}");
}

#[test]
fn system_calls_are_counted_up_to_the_exec() {
    let trace = "1 execve(\"a\") = 0\n1 clone(x <unfinished ...>\n2 setsid() = 2\n2 fork() = 3\n2 exit_group(0)\n1 <... clone resumed>) = 2\n1 poll() = 1\n\
                 2 +++ exited with 0 +++\n1 --- SIGCHLD {si_signo=SIGCHLD} ---\n3 brk(0) = 0\n3 close(3) = 0\n\
                 3 execve(\"/bin/true\", x) = 0\n3 read(0) = 0\n";
    let counts = count(trace);
    assert_eq!(counts.values().sum::<usize>(), 5, "{counts:?}");
}
