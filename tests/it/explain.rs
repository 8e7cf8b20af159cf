//! `svcadapt explain`: what a service says, and who does it on a host. (The golden cases have more.)

use serde_json::Value;

use crate::harness::{Dir, Svc};
use crate::support::printed;

const UNIT: &str = "#!/usr/local/bin/svcadapt init
[Unit]
Description=The web
After=network.target
Documentation=man:web(1)

[Service]
Type=notify
User=www-data
ExecStart=/usr/bin/web 'two words' --port=80
Restart=on-failure
ProtectSystem=strict
LimitNOFILE=1024
StandardOutput=append:/var/log/web.log

[X-Svcadapt]
Ready=tcp:80

[Install]
WantedBy=multi-user.target
";

#[test]
fn unit_is_explained_in_groups_with_the_one_that_does_it() {
    let dir = Dir::new();
    dir.write("web.service", UNIT);
    Svc::new(&dir)
        .args(["explain", "--host", "systemd", "web.service"])
        .stdout(
            "web.service, as it is installed with systemd 252:\n\nWhat runs\n  \
             svcadapt  It runs /usr/bin/web 'two words' --port=80.\n  \
             systemd   Its name is web.\n  \
             systemd   It is described as 'The web'.\n  \
             -         It is documented at man:web(1).\n\nAs whom\n  \
             systemd   It runs as the user www-data.\n\nWhat it reads and writes\n  \
             systemd   Its output goes to append:/var/log/web.log.\n  \
             systemd   Its errors go to append:/var/log/web.log.\n\nWhen it starts\n  \
             systemd   It starts after network.target.\n  \
             systemd   If it is enabled, it starts with multi-user.target.\n\nWhen it counts as started\n  \
             svcadapt  It counts as started when the program says so (READY=1, sd_notify(3)).\n  \
             svcadapt  It is ready when this holds: notify, tcp:80.\n\nWhat happens when it ends\n  \
             systemd   It is started again when it fails: a status other than 0, a signal, a timeout.\n\nWhat it may use\n  \
             systemd   Each process may have 1024 open descriptors.\n  \
             systemd   ProtectSystem=strict (a setting of systemd).\n",
        )
        .run();
}

#[test]
fn setting_that_is_lost_on_a_host_has_its_reason() {
    let dir = Dir::new();
    let unit = dir.write("web.service", UNIT).display().to_string();
    let text = printed(["explain", "--host", "s6", &unit]);
    let lost = "  lost      ProtectSystem=strict (a setting of systemd).\n              why, and it weakens security: ";
    assert!(text.contains(lost), "{text}");
    let object: Value =
        serde_json::from_str(&printed(["explain", "--host=classic", "--json", &unit])).unwrap();
    assert_eq!((&object["host"], &object["version"]), (&"classic".into(), &Value::Null));
    let settings = object["settings"].as_array().unwrap();
    let of = |name: &str| settings.iter().find(|setting| setting["setting"] == name).unwrap();
    assert_eq!((&of("user")["by"], &of("user")["group"]), (&"svcadapt".into(), &"identity".into()));
    let protect = of("ProtectSystem");
    assert_eq!((&protect["by"], &protect["weakens_security"]), (&"lost".into(), &true.into()));
    assert!(protect["why"].is_string());
}

#[test]
fn explain_without_a_host_is_about_the_manager_of_this_machine() {
    let dir = Dir::new();
    let text = printed(["explain", "--", "/bin/true"]);
    assert!(text.starts_with("this service, as "), "{text}");
    Svc::new(&dir)
        .args(["explain", "--host", "upstart", "--", "/bin/true"])
        .stderr("svcadapt: usage: [ANY]\n[ANY]\n")
        .status(2)
        .run();
    Svc::new(&dir)
        .args(["explain", "--host", "systemd", "--systemd-version", "99", "--", "/bin/true"])
        .stderr("svcadapt: --systemd-version '99': [ANY]\n[ANY]\n")
        .status(2)
        .run();
}
