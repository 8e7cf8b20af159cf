//! Which property lists the stand-in loads, and how it reads their keys.

use std::fs;
use std::os::unix::fs::chown;
use std::time::Duration;

use super::support::{RUN_AT_LOAD, arguments, ignored, open_dir, set_mode};
use crate::harness::{Dir, Launchd};

const SECOND: Duration = Duration::from_millis(50);

#[test]
fn plist_writable_by_others_is_refused() {
    let dir = Dir::new();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let path = launchd.write("x", &arguments(&["/bin/true"]));
    let load = || launchd.ask(&format!("bootstrap {}", path.display()));
    for mode in [0o664, 0o646, 0o666, 0o620] {
        set_mode(&path, mode);
        let reply = load();
        assert!(reply.status == 5 && reply.text.contains(&format!("{mode:04o}")), "{reply}");
    }
    set_mode(&path, 0o644);
    chown(&path, Some(65534), None).unwrap();
    assert_eq!(load().to_string(), "5 it belongs to user 65534, not to root");
    chown(&path, Some(0), None).unwrap();
    assert_eq!(load().to_string(), "0 x");
    assert_eq!(load().to_string(), "5 x is loaded already");
    let other = dir.join("x.xml");
    fs::copy(&path, &other).unwrap();
    let reply = launchd.ask(&format!("bootstrap {}", other.display()));
    assert_eq!(reply.to_string(), "5 the name does not end in .plist");
}

#[test]
fn malformed_plist_is_refused() {
    let dir = Dir::new();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let job = "<key>Label</key><string>x</string><key>Program</key><string>/bin/true</string>";
    for (text, why) in [
        (String::new(), "an element is expected: "),
        ("<plist><dict>".to_owned(), "an element is expected: "),
        (format!("<plist><dict>{job}</dict>"), "</plist> is expected: "),
        (format!("<plist><dict>{job}</dict></plist>x"), "something follows the end: x"),
        (format!("<plist><dict>{job}</dict><dict/></plist>"), "</plist> is expected: <dict/></plist>"),
        (format!("<plist><dict>{job}{job}</dict></plist>"), "the key Label stands there twice"),
        (format!("<plist><dict>x{job}</dict></plist>"), "an element is expected: x<key>Label</key><st"),
        (format!("<plist><dict>{job}<key>a\u{1}</key><true/></dict></plist>"), "U+0001 is no character of XML"),
        (
            format!("<plist><dict>{job}<key>a</key><true>x</true></dict></plist>"),
            "</true> is expected: x</true></dict></pli",
        ),
        (format!("<plist><dict>{job}<key>a</key></dict></plist>"), "a value is expected, not </dict>"),
        (
            format!("<plist><dict>{job}<key>a</key><string>b & c</string></dict></plist>"),
            "&: there is no such reference",
        ),
        (
            format!("<!DOCTYPE plist [<!ENTITY a 'b'>]><plist><dict>{job}</dict></plist>"),
            "a document type of its own",
        ),
        ("<plist><array/></plist>".to_owned(), "it is no dictionary"),
        ("<plist><dict/></plist>".to_owned(), "there is no Label"),
        (
            "<plist><dict><key>Label</key><string>x</string></dict></plist>".to_owned(),
            "there is neither Program nor ProgramArguments",
        ),
        (
            "<plist><dict><key>Label</key><string>x</string><key>Program</key><string>true</string></dict></plist>"
                .to_owned(),
            "Program is not an absolute path",
        ),
    ] {
        let path = dir.write("x.plist", &text);
        let reply = launchd.ask(&format!("bootstrap {}", path.display()));
        assert_eq!(reply.to_string(), format!("5 {why}").trim_end(), "{text}");
    }
}

#[test]
fn wrong_type_and_unknown_key_are_logged() {
    let dir = open_dir();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    let keys = "<key>Umask</key><true/>
        <key>runatload</key><true/>
        <key>KeepAlive</key><string>true</string>
        <key>StartInterval</key><integer>3</integer>
        <key>EnvironmentVariables</key><dict><key>A</key><integer>1</integer></dict>
        <key>SoftResourceLimits</key><dict><key>Files</key><integer>1</integer></dict>
        <key>ThrottleInterval</key><integer>-1</integer>
        <key>Sockets</key><dict><key>L</key><dict><key>SockPort</key><integer>1</integer></dict></dict>";
    launchd.load("x", &(arguments(&["/bin/true"]) + keys));
    assert_eq!(
        ignored(&launchd, "x"),
        [
            "Umask: wrong type",
            "runatload: unknown key",
            "KeepAlive: wrong type",
            "StartInterval: not in this stand-in",
            "SoftResourceLimits.Files: unknown key",
            "EnvironmentVariables.A: wrong type",
            "ThrottleInterval: negative",
            "Sockets.L.SockPort: unknown key",
        ]
    );
    // Without the keys nothing starts it.
    assert_eq!(launchd.story("x"), "loaded");
    launchd.load("y", &(RUN_AT_LOAD.to_owned() + &arguments(&["/bin/true"])));
    assert_eq!(ignored(&launchd, "y"), [""; 0]);
}

#[test]
fn impossible_order_is_refused_with_its_number() {
    let dir = Dir::new();
    let Some(launchd) = Launchd::start(&dir, SECOND) else { return };
    launchd.load("idle", &arguments(&["/bin/true"]));
    for (order, status) in [
        ("kill TERM idle", 3),
        ("print x", 113),
        ("kickstart x", 113),
        ("kill TERM x", 113),
        ("bootout x", 3),
        ("bootstrap /nowhere.plist", 5),
        ("kill SIGNO x", 22),
        ("launch x", 22),
        ("activate x", 3),
    ] {
        assert_eq!(launchd.ask(order).status, status, "{order}");
    }
}
