//! From the command line: the output of gen-plist is read back, and kept keys are reported.

use std::path::Path;

use serde_json::Value;
use svcadapt_convert::divide::{Target, divide};
use svcadapt_convert::plist::{Label, write};
use svcadapt_spec::{BindIpv6Only, Field, Principal, Scope, SocketAddress, Sockets};

use super::{job, reading};
use crate::harness::rounds;
use crate::support::{Chance, Folder, printed, stderr_of, svcadapt};

/// Only fields that launchd has keys for, and that the reader can recognise.
fn of_launchd(field: Field) -> bool {
    matches!(field, Field::Umask | Field::Nice | Field::Environment)
        || matches!(
            field,
            Field::ListenStream
                | Field::ListenDatagram
                | Field::FileDescriptorName
                | Field::SocketMode
                | Field::SocketUser
                | Field::SocketGroup
                | Field::BindIPv6Only
                | Field::LaunchdActivation
        )
        || matches!(field, Field::Limit(resource) if svcadapt_convert::divide::internal::resource_key(resource).is_some())
}

#[test]
fn random_specs_round_trip_through_gen_plist() {
    let mut chance = Chance(21);
    let label = Label::parse("org.example.web".as_ref()).unwrap();
    let (mut read_back, mut listening) = (0, 0);
    for _ in 0..rounds(2000) {
        let mut spec = crate::support::random_spec::spec(&mut chance, of_launchd);
        // launchd has one variable of each name, and macOS a smaller maximum.
        let (mut last, all) =
            (std::collections::BTreeMap::new(), std::mem::take(&mut spec.environment.assignments));
        last.extend(all.into_iter().map(|set| (set.name.clone(), set)));
        spec.environment.assignments = last.into_values().collect();
        spec.sockets = that_launchd_has(spec.sockets);
        listening += usize::from(!spec.sockets.listen.is_empty());
        let Ok(rendered) =
            write(&spec, &divide(&spec, Target::Launchd(Scope::System)), &label, Path::new("/svcadapt"))
        else {
            continue;
        };
        let reading = reading(rendered.text.as_bytes()).unwrap();
        assert!(
            reading.unmapped.is_empty() && reading.warnings.is_empty(),
            "{:?} {:?}",
            reading.unmapped,
            reading.warnings
        );
        let mut again = reading.draft.finish().unwrap();
        assert_eq!(again.name.take().unwrap().as_str(), "org.example.web");
        assert_eq!(again.timeout_stop.take().unwrap().to_string(), "30s");
        again.native = svcadapt_spec::Native::default();
        assert_eq!(again, spec, "{}", rendered.text);
        read_back += 1;
    }
    assert!(read_back > rounds(100) && listening > rounds(100), "{read_back} {listening}");
}

/// The socket settings that launchd has keys for, and that the reader can distinguish from defaults.
fn that_launchd_has(mut sockets: Sockets) -> Sockets {
    sockets.listen.retain(svcadapt_convert::divide::internal::launchd_listens);
    if sockets.listen.is_empty() {
        return Sockets::default();
    }
    let any = |of: fn(&SocketAddress) -> bool| sockets.listen.iter().any(|socket| of(&socket.address));
    let everywhere = any(|address| match address {
        SocketAddress::Port(_) => true,
        SocketAddress::Inet(address) => address.is_ipv6() && address.ip().is_unspecified(),
        _ => false,
    });
    let paths = any(|address| matches!(address, SocketAddress::Path(_)));
    let number = |owner: Option<Principal>| owner.filter(|id| paths && matches!(id, Principal::Id(_)));
    Sockets {
        mode: sockets.mode.filter(|_| paths),
        user: number(sockets.user),
        group: number(sockets.group),
        bind_ipv6_only: sockets.bind_ipv6_only.filter(|only| everywhere && *only == BindIpv6Only::Ipv6Only),
        ..sockets
    }
}

#[test]
fn adapter_options_are_read_as_part_of_the_spec() {
    let folder = Folder::new();
    let file = folder.path().join("web.plist").display().to_string();
    let options = [
        "--name=web",
        "--umask=027",
        "--user=70",
        "--group=www",
        "--environment-file=-/etc/web",
        "--pid-file=/run/web.pid",
        "--state-directory=web",
        "--unset-environment=TZ",
        "--timeout-stop-sec=7",
    ];
    let program = ["--", "/bin/web", "--user", "--", "-c"];
    let direct = printed([&["show"], &options[..], &program].concat());
    let text = printed([&["gen-plist", "--svcadapt=/opt/bin/svcadapt"], &options[..], &program].concat());
    assert!(text.contains("<string>/opt/bin/svcadapt</string>"), "{text}");
    folder.write("web.plist", &text);
    let output = svcadapt(["show", &file]);
    let sorted = |text: &str| {
        let mut model: Value = serde_json::from_str(text).unwrap();
        model.sort_all_objects();
        model
    };
    assert_eq!(sorted(std::str::from_utf8(&output.stdout).unwrap()), sorted(&direct), "{text}");
    assert_eq!(stderr_of(&output), "");
    folder.write("web.plist", &text.replace("<string>launchd<", "<string>classic<"));
    assert!(
        stderr_of(&svcadapt(["show", &file]))
            .contains("svcadapt run: a spec cannot express '--mode classic'")
    );
}

#[test]
fn unsupported_key_is_reported_and_refused_by_strict() {
    let folder = Folder::new();
    folder.write("x.plist", &job("<key>SessionCreate</key><true/>"));
    let file = folder.path().join("x.plist").display().to_string();
    let reported =
        format!("svcadapt: {file}:3: SessionCreate: not honoured here: only launchd has this setting\n");
    let lost = &format!("svcadapt: {file}:3: SessionCreate: lost: only launchd has this setting\n");
    for (command, noted) in [("show", ""), ("gen-unit", lost), ("gen-plist", "")] {
        let output = svcadapt([command, &file]);
        assert!(output.status.success(), "{}", stderr_of(&output));
        assert_eq!(stderr_of(&output), noted, "{command}");
        let kept = String::from_utf8(output.stdout).unwrap().contains("SessionCreate");
        assert_eq!(kept, command != "gen-unit", "{command}");
    }
    for (command, noted) in [("gen-unit", lost), ("run", &reported)] {
        let output = svcadapt([command, "--strict", &file]);
        assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{command}");
        assert!(
            stderr_of(&output).starts_with(noted)
                && stderr_of(&output).contains("svcadapt: strict: not everything"),
            "{command}: {}",
            stderr_of(&output)
        );
    }
}
