//! launchd's `inetdCompatibility`, where no launchd is: a connection, or the listening socket, is the streams.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};

use super::PATIENCE;
use crate::harness::{Dir, Exit, Service, Svc, free_port, have, wait_until};

/// A property list of a job with one socket and these words.
fn job(dir: &Dir, service: &Service, port: u16, wait: bool, words: &[&str]) -> String {
    let words: Vec<_> = words.iter().map(|word| format!("<string>{word}</string>")).collect();
    let words = words.concat();
    let text = format!(
        "<?xml version=\"1.0\"?><plist version=\"1.0\"><dict><key>Label</key><string>{}</string>\
         <key>ProgramArguments</key><array>{words}</array>\
         <key>inetdCompatibility</key><dict><key>Wait</key><{wait}/></dict>\
         <key>Sockets</key><dict><key>Listeners</key><dict><key>SockNodeName</key><string>127.0.0.1</string>\
         <key>SockServiceName</key><string>{port}</string></dict></dict></dict></plist>",
        service.name()
    );
    dir.write("job.plist", &text).display().to_string()
}

/// What the service answers to this.
fn ask(port: u16, question: &str) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(question.as_bytes()).unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn stop(dir: &Dir, service: &Service) {
    let output = Svc::new(dir).args(["stop", service.name()]).output();
    assert_eq!(output.exit, Exit::Status(0), "{}", output.stderr);
    dir.nothing_left();
}

#[test]
fn job_in_the_style_of_inetd_has_a_process_for_each_connection() {
    let dir = Dir::new();
    let (service, port) = (Service::new(), free_port());
    let script = "echo $$ ${LISTEN_FDS:-none} &gt;&amp;2; exec cat";
    let job = job(&dir, &service, port, false, &["/bin/sh", "-c", script]);
    let output = Svc::new(&dir).args(["run", "--mode", "classic", &job]).output();
    assert_eq!(output.exit, Exit::Status(0), "{}", output.stderr);
    let answers = ["one", "two"].map(|word| ask(port, word));
    let pids = answers.clone().map(|answer| answer.split_once(' ').unwrap().0.to_owned());
    assert_ne!(pids[0], pids[1]);
    assert_eq!(answers, [format!("{} none\none", pids[0]), format!("{} none\ntwo", pids[1])]);
    stop(&dir, &service);
}

#[test]
fn job_that_waits_like_inetd_has_the_socket_as_its_streams() {
    if !have("python3") {
        return;
    }
    let dir = Dir::new();
    let (service, port) = (Service::new(), free_port());
    // It ends with success after one client, and the next one starts it again.
    let script = "import socket,os;c,_=socket.socket(fileno=0).accept();c.sendall(str(os.getpid()).encode()+c.recv(9))";
    let job = job(&dir, &service, port, true, &["/usr/bin/python3", "-c", script]);
    let output = Svc::new(&dir).args(["run", "--mode", "classic", &job]).output();
    assert_eq!(output.exit, Exit::Status(0), "{}", output.stderr);
    let [first, second] = ["a", "b"].map(|word| {
        wait_until("it listens", || {
            let status = Svc::new(&dir).args(["status", service.name()]).output().stdout;
            status.contains(": listening, process ").then_some(())
        });
        ask(port, word)
    });
    assert!(
        first.ends_with('a')
            && second.ends_with('b')
            && first[..first.len() - 1] != second[..second.len() - 1]
    );
    wait_until("it listens", || {
        let status = Svc::new(&dir).args(["status", service.name()]).output().stdout;
        status.contains(": listening, process ").then_some(())
    });
    stop(&dir, &service);
}

#[test]
fn service_in_the_style_of_inetd_is_written_to_property_lists_and_units() {
    let dir = Dir::new();
    let (service, port) = (Service::new(), 4711);
    let flat = |text: &str| text.split_whitespace().collect::<String>();
    let base = ["--name=web", "--listen-stream=127.0.0.1:4711", "--standard-input=socket"];
    for (more, inetd) in [
        (
            &["--accept", "--max-connections=5"][..],
            "<dict><key>Instances</key><integer>5</integer><key>Wait</key><false/></dict>",
        ),
        (&["--accept"], "<dict><key>Wait</key><false/></dict>"),
        (&["--start-on-connect"], "<dict><key>Wait</key><true/></dict>"),
    ] {
        let output =
            Svc::new(&dir).args(["gen-plist"]).args(base).args(more).args(["--", "/bin/cat"]).output();
        assert_eq!((output.exit, output.stderr.as_str()), (Exit::Status(0), ""));
        let text = flat(&output.stdout);
        assert!(text.contains(&format!("<key>inetdCompatibility</key>{inetd}")), "{}", output.stdout);
        assert!(
            text.contains("<key>RunAtLoad</key><false/>")
                && text.contains("<array><string>/bin/cat</string></array>"),
            "{text}"
        );
        // It comes back as it was.
        let again = dir.write("again.plist", &output.stdout).display().to_string();
        let again = Svc::new(&dir).args(["gen-plist", &again]).output();
        assert_eq!(again.stdout, output.stdout, "{}", again.stderr);
    }
    // Errors elsewhere are nothing that launchd does.
    let words = ["gen-plist", "--accept", "--standard-error=null"];
    let output = Svc::new(&dir).args(words).args(base).args(["--", "/bin/cat"]).output();
    assert!(!output.stdout.contains("inetdCompatibility"), "{}", output.stdout);
    assert!(output.stderr.contains("launchd does not connect the streams"), "{}", output.stderr);
    let unit = Svc::new(&dir)
        .args(["gen-unit", &job(&dir, &service, port, false, &["/bin/cat"]), "--name", "web@"])
        .output();
    for line in ["StandardInput=socket\n", "ListenStream=127.0.0.1:4711\n", "Accept=yes\n", "# web.socket\n"]
    {
        assert!(unit.stdout.contains(line), "{}{}", unit.stdout, unit.stderr);
    }
}
