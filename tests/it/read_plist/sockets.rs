//! `Sockets`: a spec listens where launchd would, and unsupported sockets are reported.

use serde_json::{Value, json};

use super::model_and_remarks;

/// The model of a job with these sockets; the program activates them itself.
fn sockets(groups: &str) -> (Value, Vec<String>) {
    let (mut model, mut remarks) = model_and_remarks(&format!("<key>Sockets</key><dict>{groups}</dict>"));
    // An unsupported entry has no field, so it is kept unchanged.
    if !remarks.is_empty() {
        assert_eq!(remarks.remove(0), "Sockets");
    }
    let itself = model.as_object_mut().unwrap().remove("launchd_activation");
    assert_eq!(itself.is_some(), model != json!({}), "{groups}");
    (model, remarks)
}

/// A group `Listeners` with one dictionary.
fn one(entry: &str) -> (Value, Vec<String>) {
    sockets(&format!("<key>Listeners</key><dict>{entry}</dict>"))
}

fn text(key: &str, value: &str) -> String {
    format!("<key>{key}</key><string>{value}</string>")
}

#[test]
fn socket_addresses_are_read_as_launchd_reads_them() {
    let port = text("SockServiceName", "80");
    let of = |more: &str| one(&format!("{port}{more}"));
    for (more, expected) in [
        (String::new(), json!({ "listen_stream": ["80"] })),
        (text("SockType", "dgram"), json!({ "listen_datagram": ["80"] })),
        (text("SockFamily", "IPv4"), json!({ "listen_stream": ["0.0.0.0:80"] })),
        (text("SockFamily", "IPv4v6"), json!({ "listen_stream": ["80"] })),
        (text("SockFamily", "IPv6"), json!({ "listen_stream": ["80"], "bind_ipv6_only": "ipv6-only" })),
        (text("SockNodeName", "::1"), json!({ "listen_stream": ["[::1]:80"] })),
        (text("SockNodeName", "127.0.0.1"), json!({ "listen_stream": ["127.0.0.1:80"] })),
        (text("SockNodeName", "localhost"), json!({ "listen_stream": ["127.0.0.1:80", "[::1]:80"] })),
        (
            text("SockNodeName", "localhost") + &text("SockFamily", "IPv6"),
            json!({ "listen_stream": ["[::1]:80"] }),
        ),
    ] {
        assert_eq!(of(&more), (expected, vec![]), "{more}");
    }
    let named = |service: &str| one(&format!("<key>SockServiceName</key>{service}")).0;
    assert_eq!(named("<integer>80</integer>"), json!({ "listen_stream": ["80"] }));
    assert_eq!(named("<string>ssh</string>"), json!({ "listen_stream": ["22"] }));
}

#[test]
fn socket_mode_is_decimal_and_closed_to_others_by_default() {
    let path = text("SockPathName", "/var/run/x");
    let of = |more: &str| one(&format!("{path}{more}")).0;
    let mode = |number: u32| format!("<key>SockPathMode</key><integer>{number}</integer>");
    let with_mode = |mode: &str| json!({ "listen_stream": ["/var/run/x"], "socket_mode": mode });
    assert_eq!(of(""), with_mode("0700"));
    assert_eq!(of(&mode(49_663)), with_mode("0777"));
    assert_eq!(of(&mode(384)), with_mode("0600"));
    assert_eq!(of(&mode(438)), json!({ "listen_stream": ["/var/run/x"] }));
    let owned = mode(438)
        + "<key>SockPathOwner</key><integer>70</integer><key>SockPathGroup</key><integer>20</integer>";
    assert_eq!(
        of(&owned),
        json!({ "listen_stream": ["/var/run/x"], "socket_user": "70", "socket_group": "20" })
    );
}

#[test]
fn unsupported_socket_is_reported() {
    let port = text("SockServiceName", "80");
    for (entry, cause) in [
        (
            text("SockNodeName", "::1"),
            "without SockServiceName launchd listens on any free port; svcadapt does not open this socket",
        ),
        (text("SockServiceName", "0"), "SockServiceName is neither a port nor a service that svcadapt knows"),
        (
            text("SockServiceName", "nosuch"),
            "SockServiceName is neither a port nor a service that svcadapt knows",
        ),
        (
            format!("{port}{}", text("SockNodeName", "example.org")),
            "svcadapt does not look up host names, and does not open this socket",
        ),
        (
            format!("{port}<key>SockPassive</key><false/>"),
            "launchd connects this socket instead of listening; svcadapt does not open it",
        ),
        (
            text("SecureSocketWithKey", "SSH_AUTH_SOCK"),
            "launchd chooses the path of this socket; svcadapt does not open it",
        ),
    ] {
        assert_eq!(one(&entry), (json!({}), vec![cause.to_owned()]), "{entry}");
    }
    let (model, remarks) = one(&format!("{port}<key>Bonjour</key><true/>"));
    assert_eq!((model, remarks.len()), (json!({ "listen_stream": ["80"] }), 1));
    let keys = "<key>inetdCompatibility</key><dict><key>Wait</key><false/></dict>\
                <key>Sockets</key><dict><key>L</key><dict><key>SockServiceName</key><integer>7</integer></dict></dict>";
    let (model, remarks) = model_and_remarks(keys);
    let streams =
        json!({ "standard_input": "socket", "standard_output": "socket", "standard_error": "socket" });
    let with = |more: Value| {
        let mut all = streams.as_object().unwrap().clone();
        all.extend(more.as_object().unwrap().clone());
        Value::Object(all)
    };
    let expected = json!({ "listen_stream": ["7"], "file_descriptor_name": "L", "accept": true });
    assert_eq!((model, remarks), (with(expected), vec![]));
    let keys = keys.replace("<false/>", "<true/>");
    let expected = json!({ "listen_stream": ["7"], "file_descriptor_name": "L", "start_on_connect": true });
    assert_eq!(model_and_remarks(&keys), (with(expected), vec![]));
}

#[test]
fn socket_groups_are_merged_under_one_name() {
    let entry = |port: u16| format!("<dict><key>SockServiceName</key><integer>{port}</integer></dict>");
    let array = format!("<key>web</key><array>{}{}</array>", entry(80), entry(443));
    assert_eq!(
        sockets(&array),
        (json!({ "listen_stream": ["80", "443"], "file_descriptor_name": "web" }), vec![])
    );
    let (model, remarks) = sockets(&format!("{array}<key>admin</key>{}", entry(8080)));
    assert_eq!(model, json!({ "listen_stream": ["80", "443", "8080"], "file_descriptor_name": "web" }));
    assert_eq!(remarks, ["svcadapt has one name for all sockets: these get the name 'web', too"]);
}
