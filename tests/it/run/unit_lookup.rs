//! A unit is found where systemd finds it, with the sockets that systemd would start.

use crate::harness::{Capability, Dir, Svc, require, world};

#[test]
fn unit_name_is_searched_in_the_systemd_directories() {
    if !require(Capability::Namespaces) {
        return;
    }
    let dir = Dir::new();
    let script = r"
        run='svcadapt run --mode supervised'
        mkdir -p /run/systemd/system /etc/systemd/system/web.service.d /usr/local/lib/systemd/system here
        printf '[Service]\nExecStart=/bin/echo %%n ${A}\n' >/run/systemd/system/web.service
        printf '[Service]\nEnvironment=A=dropped\n' >/etc/systemd/system/web.service.d/a.conf
        $run web.service
        # The administrator's wins, and so does an instance over its template.
        printf '[Service]\nExecStart=/bin/echo template %%i\n' >/usr/local/lib/systemd/system/foo@.service
        $run foo@bar.service
        printf '[Service]\nExecStart=/bin/echo own\n' >/usr/local/lib/systemd/system/foo@bar.service
        $run foo@bar.service
        ln -s /run/systemd/system/web.service /etc/systemd/system/alias.service
        $run alias.service
        printf '[Service]\nExecStart=/bin/echo vendor\n' >/usr/local/lib/systemd/system/web.service
        ln -s /usr/local/lib/systemd/system/web.service /etc/systemd/system/other.service
        $run other.service
        svcadapt gen-unit web.service 2>/dev/null | grep Environment
        svcadapt check web.service
        svcadapt show web.service | grep name
        # A file here comes first, and a path is a path.
        cd here
        printf '[Service]\nExecStart=/bin/echo here\n' >web.service
        $run web.service
        $run ./foo@bar.service || :
        $run none.service || :
    ";
    world(&dir, script)
        .stdout(
            "web.service dropped\ntemplate bar\nown\nweb.service dropped\nweb.service dropped\nEnvironment=A=dropped\n  \"name\": \"web\",\nhere\n",
        )
        .stderr(&format!(
            "svcadapt: spec '{}': no such file or directory\n\
             svcadapt: spec 'none.service': neither a file here nor a unit in systemd's search path\n  \
             hint: systemd.unit(5) lists the directories; give a file elsewhere as a path with a '/'\n",
            dir.join("here/foo@.service").display()
        ))
        .run();
}

#[test]
fn unit_named_through_a_link_keeps_that_name_and_has_its_drop_ins() {
    if !require(Capability::Namespaces) {
        return;
    }
    let dir = Dir::new();
    let script = r"
        mkdir -p /etc/systemd/system/web.service.d /usr/local/lib/systemd/system/web.service.d
        ln -s /usr/local/lib/systemd /srv/systemd
        cd /srv/systemd/system
        printf '[Service]\nExecStart=/bin/echo %%n ${A} ${B}\nOwn=x\n' >web.service
        printf '[Service]\nEnvironment=A=far\nFar=x\n' >/etc/systemd/system/web.service.d/a.conf
        printf '[Service]\nEnvironment=B=near\nNear=x\n' >web.service.d/b.conf
        svcadapt run --mode supervised /srv/systemd/system/web.service 2>all
        cut -d: -f 2-3 <all | sort";
    world(&dir, script)
        .stdout(
            "web.service far near\n /etc/systemd/system/web.service.d/a.conf:3\n \
             /srv/systemd/system/web.service.d/b.conf:3\n /srv/systemd/system/web.service:3\n",
        )
        .run();
}

#[test]
fn unit_of_a_user_is_found_by_that_user_and_by_scope() {
    if !require(Capability::Namespaces) {
        return;
    }
    let dir = Dir::new();
    let script = r"
        mkdir -p /srv/www/.config/systemd/user /etc/systemd/user /etc/systemd/system
        printf '[Service]\nExecStart=/bin/echo own\n' >/srv/www/.config/systemd/user/web.service
        printf '[Service]\nExecStart=/bin/echo users\n' >/etc/systemd/user/web.service
        printf '[Service]\nExecStart=/bin/echo system\n' >/etc/systemd/system/web.service
        export HOME=/srv/www
        setpriv --reuid www --regid www --clear-groups svcadapt run --mode supervised web.service
        unset HOME
        svcadapt run --mode supervised web.service
        svcadapt gen-unit --scope user web.service | grep Exec
        svcadapt gen-unit --scope system web.service | grep Exec
    ";
    world(&dir, script).stdout("own\nsystem\nExecStart=/bin/echo users\nExecStart=/bin/echo system\n").run();
}

#[test]
fn socket_unit_counts_only_if_something_starts_it() {
    let dir = Dir::new();
    let shown = |name: &str| Svc::new(&dir).args(["show", name]).output();
    dir.write("web.socket", "[Socket]\nListenStream=127.0.0.1:80\n");
    let reported = format!(
        "svcadapt: sockets '{}': not read: web.service does not refer to it and no target starts it\n  \
         hint: use web.socket instead of web.service to load both\n",
        dir.join("web.socket").display()
    );
    for (unit, service, counts) in [
        ("", "", false),
        ("Requires=other.socket web.socket\n", "", true),
        ("Wants=%N.socket\n", "", true),
        ("BindsTo=%p.socket\n", "", true),
        ("", "Sockets=web.socket\n", true),
    ] {
        dir.write("web.service", &format!("[Unit]\n{unit}[Service]\nExecStart=/bin/true\n{service}"));
        let output = shown("web.service");
        assert_eq!(output.stdout.contains("listen_stream"), counts, "{unit}{service}: {}", output.stdout);
        assert_eq!(output.stderr.contains(&reported), !counts, "{unit}{service}: {}", output.stderr);
        // This is no loss.
        let strict = Svc::new(&dir).args(["run", "--strict", "--dry-run", "web.service"]).output();
        assert!(counts || strict.stderr == reported, "{}", strict.stderr);
    }
    dir.write("web.service", "[Service]\nExecStart=/bin/true\n");
    // Named on the command line.
    assert!(shown("web.socket").stdout.contains("listen_stream"));
    // Enabled.
    for folder in ["sockets.target.wants", "web.target.requires"] {
        std::fs::create_dir(dir.join(folder)).unwrap();
        std::os::unix::fs::symlink("../web.socket", dir.join(folder).join("web.socket")).unwrap();
        let output = shown("web.service");
        assert!(output.stdout.contains("listen_stream") && output.stderr.is_empty(), "{}", output.stderr);
        std::fs::remove_dir_all(dir.join(folder)).unwrap();
    }
}

#[test]
fn sockets_named_by_a_service_are_not_lost_in_a_property_list() {
    let dir = Dir::new();
    dir.write("web.socket", "[Socket]\nListenStream=127.0.0.1:80\n");
    let generate = |lines: &str| {
        dir.write(
            "web.service",
            &format!("[Unit]\n{lines}\n[Service]\nExecStart=/bin/true\nSockets=web.socket\n"),
        );
        Svc::new(&dir).args(["gen-plist", "--label", "org.example.web", "web.service"]).output()
    };
    for own in ["Requires=web.socket", "Wants=%N.socket", "BindsTo=%p.socket", "After=web.socket"] {
        let output = generate(own);
        assert!(output.stdout.contains("<key>Sockets</key>"), "{own}: {}", output.stdout);
        assert!(!output.stderr.contains(".socket: lost"), "{own}: {}", output.stderr);
    }
    let output = generate("Requires=web.socket db.service");
    assert!(output.stderr.contains("Requires=web.socket db.service: lost"), "{}", output.stderr);
}
