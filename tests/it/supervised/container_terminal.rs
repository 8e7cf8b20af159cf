//! The program of a container that was started on a terminal has the terminal, as below tini(1).

use crate::harness::{Capability, Dir, Svc, have, require};

/// A pseudoterminal, and a container in it. Once the program says `up`, these keys are typed.
const TERMINAL: &str = r#"
import os, pty, sys
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[2], sys.argv[2:])
said, typed = b"", False
while True:
    try:
        piece = os.read(terminal, 4096)
    except OSError:
        break
    if not piece:
        break
    said += piece
    if b"up" in said and not typed:
        typed = True
        os.write(terminal, sys.argv[1].encode())
print(said.decode().replace("\r", ""), end="")
sys.exit(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
"#;

/// svcadapt as process 1 on a terminal, with these words.
fn container<'a>(dir: &'a Dir, keys: &str, words: &[&str]) -> Svc<'a> {
    let svcadapt = dir.program("svcadapt");
    Svc::new(dir)
        .program("/usr/bin/python3")
        .args(["-c", TERMINAL, keys, "setsid", "-c", "-w", "unshare", "-pf", "--mount-proc", "--kill-child"])
        .args([svcadapt.as_os_str()])
        .args(["run"])
        .args(words)
}

#[test]
fn program_of_a_container_keeps_the_terminal() {
    if !require(Capability::Root) || !have("python3") {
        return;
    }
    let dir = Dir::new();
    // Ctrl-C reaches the program once, and nothing else.
    let trap = "trap 'echo interrupted; exit 5' INT; : </dev/tty && echo up; while :; do read x; done";
    for options in [&[][..], &["--ready", "exec:true"]] {
        let words = [options, &["--", "/bin/bash", "-c", trap]].concat();
        container(&dir, "\u{3}", &words).stdout("up\n^Cinterrupted\n").status(5).run();
    }
    // A shell has job control.
    let words = ["--", "/bin/bash", "--norc", "-ic", "set -o | grep monitor; echo up; read x; echo $x"];
    container(&dir, "typed\n", &words).stdout("monitor        \ton\nup\ntyped\ntyped\n").run();
    // A program with another standard input has no terminal.
    let words = ["--standard-input", "null", "--", "/bin/sh", "-c", "(: </dev/tty) 2>/dev/null || echo none"];
    container(&dir, "", &words).stdout("none\n").run();
    dir.nothing_left();
}
