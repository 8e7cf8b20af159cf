//! Each form of a spec on each host.

use crate::contract::host::Host;
use crate::harness::{Exit, Output};

use super::{FILES, differences, on_each};

/// The forms: a name, and a script that writes the file and prints the words after `install`.
const FORMS: [(&str, &str); 4] = [
    ("options", "echo --name form --environment COLOUR=options -- $program"),
    (
        "unit",
        r#"
        printf '%s\n' '[Service]' "ExecStart=$program" '[Install]' 'WantedBy=multi-user.target' >form.service
        mkdir -p form.service.d
        printf '%s\n' '[Service]' 'Environment=COLOUR=unit' >form.service.d/50.conf
        printf '%s\n' '[Socket]' "ListenStream=$dir/form/sock" '[Install]' 'WantedBy=sockets.target' >form.socket
        [ "$launchd" ] && echo $PWD/form.service || echo $PWD/form.socket"#,
    ),
    (
        "plist",
        r#"
        printf '%s\n' '<?xml version="1.0" encoding="UTF-8"?>' '<plist version="1.0"><dict>' \
            '<key>Label</key><string>form</string>' \
            "<key>ProgramArguments</key><array><string>$program</string></array>" \
            '<key>RunAtLoad</key><true/><key>KeepAlive</key><true/>' \
            '<key>EnvironmentVariables</key><dict><key>COLOUR</key><string>plist</string></dict>' \
            '</dict></plist>' >form.plist
        echo $PWD/form.plist"#,
    ),
    (
        "json",
        r#"
        printf '{"name": "form", "command": ["%s"], "environment": ["COLOUR=json"]}\n' "$program" >form.json
        echo $PWD/form.json"#,
    ),
];

#[test]
fn spec_in_each_form_is_installed_on_each_host() {
    on_each(|host| {
        let before = host.shell(FILES).stdout;
        for (form, script) in FORMS {
            install(host, form, script);
        }
        assert_eq!(differences(&before, &host.shell(FILES).stdout), "", "{}", host.name());
    });
}

fn install(host: &Host, form: &str, script: &str) {
    let name = format!("{}: {form}", host.name());
    let pids = format!("{form}.pids");
    let program = host.program(
        &format!("{form}.sh"),
        &format!("echo $$ $COLOUR ${{LISTEN_FDS:-0}} >>[D]/{pids}; exec sleep 600"),
    );
    // The library of launchd that passes sockets is not here.
    let launchd = if host.is("launchd") { "yes" } else { "" };
    let install = format!(
        "mkdir -p $dir/form && cd $dir/form && program={program} launchd={launchd} && words=$({script}
        ) && $svcadapt install --allow-loss --svcadapt $svcadapt --now $words"
    );
    let Output { stdout, stderr, exit } = host.shell(&install);
    assert_eq!(exit, Exit::Status(0), "{name}: {stdout}{stderr}");
    assert!(stdout.starts_with("form: installed ("), "{name}: {stdout}{stderr}");
    let line = host.first(&pids);
    let (pid, rest) = line.split_once(' ').unwrap_or_default();
    let sockets = u8::from(form == "unit" && launchd.is_empty());
    assert_eq!(rest, format!("{form} {sockets}"), "{name}: {stdout}{stderr}");
    let again = host.shell(&install);
    assert!(again.stdout.starts_with("form: already installed ("), "{name}: {again:?}");
    assert_eq!(host.read(&pids).lines().count(), 1, "{name}: it was not restarted");
    let gone = host.shell("$svcadapt uninstall form; rm -rf $dir/form");
    assert!(gone.stdout.contains("form: uninstalled"), "{name}: {gone:?}");
    assert!(host.becomes(&format!("ended form {pid}")), "{name}");
}
