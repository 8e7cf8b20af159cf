//! The services of an ordinary user below a real `systemd --user`: with logins that begin and end, with lingering, and with
//! each systemd.

use std::path::Path;
use std::process::Command;

use crate::harness::{Capability, Dir, Exit, Output, Systemd, require, skip};

/// What the shell has for the user.
const WORDS: &str = r#"
user=it-user id=4711 home=/home/it-user
as_user() {
    # (Not every root has setpriv(1).)
    chroot --userspec=$id:$id --groups= / env -i HOME=$home PATH=/usr/bin:/bin XDG_RUNTIME_DIR=/run/user/$id "$@"
}
within() {
    end=$(($(date +%s) + $1))
    shift
    until "$@"; do
        [ "$(date +%s)" -lt $end ] || return 1
        sleep 0.05
    done
}
has() { case $1 in *"$2"*) ;; *) return 1 ;; esac; }
is_running() {
    state=$(as_user systemctl --user is-system-running 2>/dev/null)
    has "$state" running || has "$state" degraded
}
shows() { has "$(as_user $svcadapt logs web 2>/dev/null)" "$1"; }
account() {
    echo "$user:x:$id:$id::$home:/bin/sh" >>/etc/passwd
    echo "$user:x:$id:" >>/etc/group
    mkdir -p $home && chown $id:$id $home
}
"#;

/// A machine with an account, and a directory in which it may write.
struct Machine {
    systemd: Systemd,
    dir: Dir,
}

impl Machine {
    fn with_account(systemd: Systemd) -> Self {
        let machine = Self { systemd, dir: Dir::new() };
        machine.dir.write("words", WORDS);
        machine.dir.program("svcadapt");
        machine.must("account");
        machine
    }

    fn shell(&self, script: &str) -> Output {
        let dir = self.dir.path().display();
        self.systemd.run(["sh", "-c", &format!(". {dir}/words; svcadapt={dir}/svcadapt\n{script}")])
    }

    fn must(&self, script: &str) -> String {
        let output = self.shell(script);
        assert_eq!(output.exit, Exit::Status(0), "{script}: {}{}", output.stdout, output.stderr);
        output.stdout.trim_end().to_owned()
    }

    /// What `svcadapt` prints for the user on both streams, and how it ends.
    fn asks(&self, words: &str, status: i32) -> String {
        let Output { stdout, stderr, exit } = self.shell(&format!("as_user $svcadapt {words}"));
        assert_eq!(exit, Exit::Status(status), "{words}: {stdout}{stderr}");
        stdout + &stderr
    }

    fn expect(&self, words: &str, status: i32, text: &str) {
        let said = self.asks(words, status);
        assert!(said.contains(text), "{words}: {said}");
    }

    /// The files of the user, with modes and owners.
    fn files(&self) -> String {
        let home = self.systemd.path("/home/it-user");
        let listed = Command::new("find").arg(home).args(["-printf", "%P %m %U %l %y\n"]).output().unwrap();
        let text = String::from_utf8(listed.stdout).unwrap();
        let mut lines: Vec<&str> = text.lines().collect();
        lines.sort_unstable();
        lines.join("\n")
    }
}

#[test]
fn service_of_a_user_lives_with_its_logins_or_lingers() {
    // The login manager and what it needs, from packages that most machines have.
    let needed = ["/usr/bin/dbus-daemon", "/usr/lib/polkit-1/polkitd", "/lib/systemd/systemd-logind"];
    if !require(Capability::Systemd) {
        return;
    }
    if let Some(gone) = needed.iter().find(|path| !Path::new(path).exists()) {
        return skip(gone, "it is not installed");
    }
    let machine = Machine::with_account(Systemd::boot().unwrap());
    // A login is a unit with a PAM session: as sshd and login(1) have one.
    machine.must(
        r"
        cd /run/systemd/system
        for unit in dbus.service dbus.socket systemd-logind.service user@.service user-runtime-dir@.service user.slice; do
            cp /lib/systemd/system/$unit .
        done
        for name in systemd-user it-login; do
            printf 'account required pam_permit.so\nsession required pam_systemd.so\n' >/etc/pam.d/$name
        done
        mkdir -p /run/systemd/logind.conf.d
        printf '[Login]\nUserStopDelaySec=0\n' >/run/systemd/logind.conf.d/it.conf
        printf '[Service]\nUser=%s\nPAMName=it-login\nExecStart=/bin/sleep infinity\n' $user >login.service
        systemctl daemon-reload
        systemctl start dbus.socket && systemctl start systemd-logind && systemctl start login
        within 20 is_running",
    );
    let before = machine.files();
    let install = "install --scope user --svcadapt $svcadapt --name web --now -- /bin/sleep 600";
    let said = machine.asks(install, 0);
    assert!(said.contains("the service ends when this user has logged out everywhere"), "{said}");
    assert!(said.contains("`loginctl enable-linger it-user`, as root, keeps it"), "{said}");
    assert!(said.contains("starts at login, running"), "{said}");
    let pid = || machine.must("as_user systemctl --user show --value --property MainPID web");
    let first = pid();

    // It ends with the login, and is back with the next one.
    machine.must("systemctl stop login; within 20 test ! -e /run/user/$id/systemd/private");
    machine.must(&format!("test ! -e /proc/{first}"));
    machine.expect("status web", 3, "web: not running");
    machine.expect(install, 1, "no systemd of this user runs");
    machine.must("systemctl start login; within 20 is_running");
    machine.expect("status web", 0, "web: running");

    // With the rules of the distribution a user may linger.
    machine.must("cp /lib/systemd/system/polkit.service /run/systemd/system; systemctl daemon-reload");
    let said = machine.asks(install, 0);
    assert!(said.contains("lingering is switched on for this user"), "{said}");
    assert!(said.contains("starts at boot, running"), "{said}");
    let second = pid();
    machine.must("systemctl stop login; within 20 test ! -e /run/systemd/sessions/c2");
    machine.must(&format!("test -e /proc/{second}"));
    machine.expect("status web", 0, "web: running");
    let said = machine.asks(install, 0);
    assert!(said.contains("already installed") && !said.contains("linger"), "{said}");
    machine.expect("uninstall web", 0, "web: uninstalled");
    assert_eq!(machine.files(), before);
    machine.must("loginctl disable-linger $user");
}

#[test]
fn service_of_a_user_leaves_nothing_with_each_systemd() {
    for systemd in Systemd::own_of_versions(252..) {
        let machine = Machine::with_account(systemd);
        let version = machine.systemd.version();
        // Lingering is this: a service that starts the user's manager (user@.service(5)).
        machine.must(
            r"
            mkdir -p /run/user/$id /var/log/journal && chown $id:$id /run/user/$id
            systemctl restart systemd-journald && journalctl --flush
            printf '%s\n' '[Service]' User=$user Type=notify Delegate=yes Environment=XDG_RUNTIME_DIR=/run/user/$id \
                'ExecStart=/lib/systemd/systemd --user' >/run/systemd/system/user@$id.service
            systemctl daemon-reload && systemctl start user@$id && within 20 is_running",
        );
        let before = machine.files();
        let install = |options: &str, command: &str| {
            format!("install --scope user --svcadapt $svcadapt --name web {options} -- {command}")
        };
        let program = "/bin/sh -c 'echo from web; exec sleep 600'";
        machine.expect(&install("--dry-run", program), 0, "+++ ");
        machine.expect(&install("--now", program), 0, "web: installed (systemd, /home/it-user/.config/");
        machine.expect(&install("--now", program), 0, "web: already installed");
        machine.expect(&install("--nice 3", program), 0, "--now restarts it");
        machine.expect(&install("--nice 4 --now", program), 0, "web: changed");
        machine.expect("status web", 0, "host: systemd, web.service (user), enabled");
        machine.expect("list", 0, "web ");
        machine.must("within 20 shows 'from web'");
        machine.expect("restart web", 0, "web: restarted");
        machine.expect("stop web", 0, "web: stopped");
        machine.expect("status web", 3, "not running");
        machine.expect("start web", 0, "web: started");
        // A command for the user's service needs no --scope, and not the variable of a login.
        machine.expect("disable web", 0, "web: disabled");
        machine.expect(&install("--nice 5", program), 0, "is disabled");
        let without = machine.shell("as_user env -u XDG_RUNTIME_DIR $svcadapt enable web");
        assert_eq!(without.exit, Exit::Status(0), "{version}: {without:?}");
        // A start that fails is put back.
        let was = machine.files();
        let failed = machine.asks(&install("--now --type oneshot --force", "/bin/sh -c 'exit 3'"), 1);
        assert!(failed.contains("it has ended: exit status 3"), "{version}: {failed}");
        assert!(failed.contains("what was there before was put back"), "{version}: {failed}");
        assert_eq!(machine.files(), was, "{version}");
        machine.expect("status web", 0, "running");

        // Root has none, and is not asked for one of the user.
        let of_root = machine.shell(&format!("$svcadapt {}", install("", program)));
        assert!(of_root.stderr.contains("root has no services of a user"), "{version}: {of_root:?}");
        machine.expect("uninstall other", 5, "it was not installed by svcadapt");
        machine.must("systemctl stop user@$id");
        // Without its manager, too, it is removed.
        machine.expect("uninstall web", 0, "web: uninstalled");
        assert_eq!(machine.files(), before, "{version}");
    }
}
