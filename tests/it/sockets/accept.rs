//! A process for each connection: `Accept=yes`, in the style of inetd and by descriptor 3.

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpStream};
use std::os::unix::net::UnixStream;

use nix::sys::signal::Signal;

use super::PATIENCE;
use crate::harness::{
    Capability, Dir, Exit, Process, Service, Svc, free_port, installed, require, wait_until,
};

/// A service whose process of each connection is this shell script, with the connection as its streams.
fn start(dir: &Dir, service: &Service, port: u16, options: &[&str], script: &str) {
    let listen = format!("--listen-stream=127.0.0.1:{port}");
    let words = ["run", "--mode", "classic", "--name", service.name(), &listen, "--accept"];
    let output = Svc::new(dir).args(words).args(options).args(["--", "/bin/sh", "-c", script]).output();
    assert_eq!(output.exit, Exit::Status(0), "{}", output.stderr);
}

fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

fn rest(mut stream: &TcpStream) -> String {
    let mut text = String::new();
    // A connection that is closed at once may be reset.
    let _ = stream.read_to_string(&mut text);
    text
}

fn stop(dir: &Dir, service: &Service) {
    assert_eq!(Svc::new(dir).args(["stop", service.name()]).output().exit, Exit::Status(0));
    dir.nothing_left();
}

#[test]
fn each_connection_has_a_process_with_the_connection_as_its_streams() {
    let dir = Dir::new();
    let (service, port) = (Service::new(), free_port());
    let script = "echo $REMOTE_ADDR $REMOTE_PORT ${LISTEN_FDS:-none}; read line; echo \"got $line\"; pwd >&2";
    start(&dir, &service, port, &["--standard-input=socket", "--working-directory=/usr"], script);
    let status = Svc::new(&dir).args(["status", service.name()]).output().stdout;
    assert!(status.starts_with(&format!("{}: listening, process ", service.name())), "{status}");
    let clients = [connect(port), connect(port), connect(port)];
    for (number, mut client) in clients.iter().enumerate().rev() {
        writeln!(client, "{number}").unwrap();
        let own = client.local_addr().unwrap().port();
        assert_eq!(rest(client), format!("127.0.0.1 {own} none\ngot {number}\n/usr\n"));
    }
    stop(&dir, &service);
}

#[test]
fn connection_is_descriptor_3_with_the_name_of_systemd() {
    let dir = Dir::new();
    let service = Service::new();
    let path = dir.join("s");
    let listen = format!("--listen-stream={}", path.display());
    let words = ["run", "--mode", "classic", "--name", service.name(), &listen, "--accept=yes"];
    let script = "test $LISTEN_PID = $$ && echo $LISTEN_FDS $LISTEN_FDNAMES $REMOTE_ADDR >&3";
    Svc::new(&dir).args(words).args(["--", "/bin/sh", "-c", script]).run();
    let mut text = String::new();
    UnixStream::connect(&path).unwrap().read_to_string(&mut text).unwrap();
    assert_eq!(text, "1 connection\n");
    stop(&dir, &service);
}

#[test]
fn connections_beyond_the_limit_are_closed_despite_silent_clients() {
    for limit in ["--max-connections=3", "--max-connections-per-source=3"] {
        let dir = Dir::new();
        let (service, port) = (Service::new(), free_port());
        start(&dir, &service, port, &["--standard-input=socket", limit], "echo up; exec cat");
        // They say nothing.
        let silent = [connect(port), connect(port), connect(port)];
        for mut client in &silent {
            let mut line = [0; 3];
            client.read_exact(&mut line).unwrap();
            assert_eq!(&line, b"up\n");
        }
        for _ in 0..20 {
            assert_eq!(rest(&connect(port)), "", "{limit}");
        }
        silent[0].shutdown(Shutdown::Both).unwrap();
        wait_until("there is room for another one", || {
            let mut line = [0; 3];
            connect(port).read_exact(&mut line).ok()
        });
        stop(&dir, &service);
        assert_eq!(rest(&silent[1]), "", "the stop has ended it");
    }
}

#[test]
fn restart_of_a_listening_service_refuses_no_connection() {
    let dir = Dir::new();
    let (service, port) = (Service::new(), free_port());
    start(&dir, &service, port, &["--standard-input=socket"], "echo up");
    let monitor = service.monitor().unwrap();
    std::thread::scope(|scope| {
        let client =
            scope.spawn(|| (0..300).map(|_| rest(&connect(port))).filter(|text| text != "up\n").count());
        for _ in 0..3 {
            let output = Svc::new(&dir).args(["restart", service.name()]).output();
            assert_eq!(output.exit, Exit::Status(0), "{}", output.stderr);
        }
        // Those that were served at that moment are ended.
        assert!(client.join().unwrap() <= 3);
    });
    assert_eq!(service.monitor().unwrap().pid(), monitor.pid());
    monitor.signal(Signal::SIGTERM);
    monitor.wait_gone();
    dir.nothing_left();
}

#[test]
fn program_that_cannot_be_executed_ends_only_its_connection() {
    let dir = Dir::new();
    let (service, port) = (Service::new(), free_port());
    let program = dir.executable("program", "#!/bin/sh\necho up\n");
    let listen = format!("--listen-stream=127.0.0.1:{port}");
    let words = ["run", "--mode", "supervised", "--name", service.name(), &listen, "--accept"];
    let words = words.into_iter().chain(["--standard-input=socket", "--"]);
    let running = Svc::new(&dir).args(words).args([program.display().to_string()]).spawn();
    wait_until("it listens", || TcpStream::connect((Ipv4Addr::LOCALHOST, port)).ok());
    assert_eq!(rest(&connect(port)), "up\n");
    fs::remove_file(&program).unwrap();
    assert_eq!(rest(&connect(port)), "");
    dir.executable("program", "#!/bin/sh\necho again\n");
    assert_eq!(rest(&connect(port)), "again\n");
    running.signal(Signal::SIGTERM);
    let output = running.finish();
    assert!(output.stderr.contains("there is no such file"), "{}", output.stderr);
    dir.nothing_left();
}

#[test]
fn socket_unit_of_a_template_serves_real_clients() {
    let dir = Dir::new();
    let (service, port) = (Service::new(), free_port());
    let name = service.name();
    let Some(rsync) = installed("rsync") else { return };
    let config = format!("use chroot = no\n[data]\npath = {}\n", dir.join("data").display());
    fs::create_dir(dir.join("data")).unwrap();
    dir.write("data/file", "content\n");
    let config = dir.write("rsyncd.conf", &config);
    let unit = format!(
        "[Service]\nExecStart=-{} --daemon --config={}\nStandardInput=socket\nStandardError=null\n",
        rsync.display(),
        config.display()
    );
    dir.write(&format!("{name}@.service"), &unit);
    let socket = format!("[Socket]\nListenStream=127.0.0.1:{port}\nAccept=yes\n");
    let socket = dir.write(&format!("{name}.socket"), &socket).display().to_string();
    Svc::new(&dir).args(["run", "--mode", "classic", &socket]).run();
    let from = format!("rsync://127.0.0.1:{port}/data/");
    let copied = Svc::new(&dir)
        .program(&rsync.display().to_string())
        .args(["-r", &from, &dir.join("copy").display().to_string()])
        .output();
    assert_eq!(copied.exit, Exit::Status(0), "{}", copied.stderr);
    assert_eq!(dir.read("copy/file"), "content\n");
    assert_eq!(Svc::new(&dir).args(["stop", &format!("{name}@")]).output().exit, Exit::Status(0));
    wait_until("no process is left", || Process::of_program(&rsync).is_empty().then_some(()));
    dir.nothing_left();
}

#[test]
fn sshd_serves_each_client_in_inetd_mode() {
    let (Some(sshd), Some(ssh)) = (installed("sshd"), installed("ssh")) else { return };
    if !require(Capability::Root) {
        return;
    }
    let dir = Dir::new();
    let (service, port) = (Service::new(), free_port());
    for key in ["host", "client"] {
        let file = dir.join(key).display().to_string();
        let words = ["-q", "-t", "ed25519", "-N", "", "-f", &file];
        Svc::new(&dir).program("/usr/bin/ssh-keygen").args(words).run();
    }
    let config = format!(
        "HostKey {}\nAuthorizedKeysFile {}\nStrictModes no\nUsePAM no\nPermitRootLogin yes\n",
        dir.join("host").display(),
        dir.join("client.pub").display()
    );
    let config = dir.write("config", &config).display().to_string();
    let options = ["--standard-input=socket", "--standard-error=null", "--runtime-directory=sshd"];
    let listen = format!("--listen-stream=127.0.0.1:{port}");
    Svc::new(&dir)
        .args(["run", "--mode", "classic", "--name", service.name(), &listen, "--accept"])
        .args(options)
        .args(["--", &sshd.display().to_string(), "-i", "-f", &config])
        .run();
    for word in ["one", "two"] {
        let key = dir.join("client").display().to_string();
        let known = format!("UserKnownHostsFile={}", dir.join("known").display());
        let asked = ["StrictHostKeyChecking=no", "BatchMode=yes", "LogLevel=ERROR", &known];
        let output = Svc::new(&dir)
            .program(&ssh.display().to_string())
            .args(["-F", "none", "-p", &port.to_string(), "-i", &key])
            .args(asked.into_iter().flat_map(|option| ["-o", option]))
            .args(["root@127.0.0.1", "echo", word])
            .deadline(PATIENCE * 3)
            .output();
        assert_eq!((output.exit, output.stdout), (Exit::Status(0), format!("{word}\n")), "{}", output.stderr);
    }
    stop(&dir, &service);
}

#[test]
fn accept_without_connections_is_refused_and_what_it_lacks_is_named() {
    let dir = Dir::new();
    let run = |options: &[&str]| {
        let words = ["run", "--mode", "classic", "--accept"];
        Svc::new(&dir).args(words).args(options).args(["--", "/bin/true"]).output()
    };
    let output = run(&["--listen-datagram=127.0.0.1:9"]);
    assert_eq!(output.exit, Exit::Status(202));
    assert!(
        output.stderr.starts_with("svcadapt: listen '127.0.0.1:9': a socket for datagrams"),
        "{}",
        output.stderr
    );
    let output = run(&["--dry-run", "--listen-stream=127.0.0.1:9", "--exec-start-pre=/bin/true"]);
    assert!(
        output.stderr.contains("svcadapt: accept 'ExecStartPre=': not executed for each connection"),
        "{}",
        output.stderr
    );
    assert_eq!(run(&[]).exit, Exit::Status(2));
}
