//! Property lists.

use crate::support::{Folder, stderr_of, svcadapt};

/// The output of `gen-plist` for this text and these options, and what it reports on standard error.
fn with_reports(text: &str, options: &[&str]) -> (String, String) {
    super::rewritten_with_reports("gen-plist", "a.b.plist", text, options)
}

fn rewritten(text: &str, options: &[&str]) -> String {
    with_reports(text, options).0
}

/// Formatting that differs from the writer's.
const ODD: &str = r#"<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE plist PUBLIC "-//Apple Computer//DTD PLIST 1.0//EN" "http://www.apple.com/DTDs/PropertyList-1.0.dtd">
<!-- by hand -->
<plist version="1.0">
  <dict>
    <!-- <key>Nice</key> not now -->
    <key>Label</key>
    <string>a.b</string>

    <key>ProgramArguments</key> <array>
      <string>/bin/web</string> <!-- the program -->
      <string>a &#38; b</string>
      <string><![CDATA[<c>]]></string>
    </array>
    <key>Disabled</key>
    <false/>
    <key>KeepAlive</key>
    <dict>
      <!-- as long as it fails -->
      <key>SuccessfulExit</key><false></false>
      <key>NetworkState</key><true/>
    </dict>
    <key>EnvironmentVariables</key>
    <dict>
      <key>PATH</key>
      <string>/usr/bin:/bin</string> <!-- enough -->
      <key>LANG</key>
      <string>C</string>
    </dict>
    <key>EnableTransactions</key><true/>
    <key>Umask</key>
    <string>022</string>
    <key>MyOwnKey</key>
    <array><real>1.50</real><date>2026-01-31T12:00:00Z</date><data>AAAA</data></array>
    <key>SessionCreate</key>
    <true/>
  </dict>
</plist>
<!-- the end -->"#;

#[test]
fn property_list_without_options_comes_back_byte_for_byte() {
    for text in [
        ODD.to_owned(),
        format!("{ODD}\n"),
        ODD.replace('\n', "\r\n"),
        format!("\u{feff}{ODD}"),
        ODD.replace('\n', " ").replace("  ", ""),
    ] {
        let (written, stderr) = with_reports(&text, &["--strict"]);
        assert_eq!(written, text);
        assert!(
            stderr.lines().all(|line| !line.contains(": lost") && !line.contains("approximated")),
            "{stderr}"
        );
    }
    let plain = ODD.replace("<key>MyOwnKey</key>", "<key>LaunchEvents</key>").replace(
        "<array><real>1.50</real><date>2026-01-31T12:00:00Z</date><data>AAAA</data></array>",
        "<dict/>",
    );
    let plain = plain.replace("      <key>NetworkState</key><true/>\n", "");
    assert_eq!(with_reports(&plain, &["--strict"]), (plain, String::new()));
}

/// The lines that differ, each with + or -.
fn difference(before: &str, after: &str) -> Vec<String> {
    let (old, new): (Vec<_>, Vec<_>) = (before.split('\n').collect(), after.split('\n').collect());
    let same = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let tail = old[same..].iter().rev().zip(new[same..].iter().rev()).take_while(|(a, b)| a == b).count();
    let gone = old[same..old.len() - tail].iter().map(|line| format!("-{line}"));
    gone.chain(new[same..new.len() - tail].iter().map(|line| format!("+{line}"))).collect()
}

#[test]
fn changed_option_changes_only_its_key() {
    for (options, changed) in [
        (&["--umask=22"][..], &[][..]),
        (&["--umask=27"], &["-    <string>022</string>", "+    <integer>23</integer>"]),
        (&["--nice=5"], &["+    <key>Nice</key>", "+    <integer>5</integer>"]),
        (
            &["--working-directory=/a&b"],
            &["+    <key>WorkingDirectory</key>", "+    <string>/a&amp;b</string>"],
        ),
        (&["--environment=LANG=de"], &["-      <string>C</string>", "+      <string>de</string>"]),
        (&["--environment=TZ=<x>"], &["+      <key>TZ</key>", "+      <string>&lt;x&gt;</string>"]),
        (
            &["--restart=always"],
            &[
                "-    <dict>",
                "-      <!-- as long as it fails -->",
                "-      <key>SuccessfulExit</key><false></false>",
                "-      <key>NetworkState</key><true/>",
                "-    </dict>",
                "+    <true/>",
            ],
        ),
        (
            &["--restart=on-success"],
            &["-      <key>SuccessfulExit</key><false></false>", "+      <key>SuccessfulExit</key><true/>"],
        ),
        (
            &["--limit-core=5"],
            &[
                "+    <key>HardResourceLimits</key>",
                "+    <dict>",
                "+      <key>Core</key>",
                "+      <integer>5</integer>",
                "+    </dict>",
                "+    <key>SoftResourceLimits</key>",
                "+    <dict>",
                "+      <key>Core</key>",
                "+      <integer>5</integer>",
                "+    </dict>",
            ],
        ),
        (&["--label=c.d"], &["-    <string>a.b</string>", "+    <string>c.d</string>"]),
    ] {
        let written = rewritten(ODD, options);
        let changed: Vec<String> = changed.iter().map(ToString::to_string).collect();
        assert_eq!(difference(ODD, &written), changed, "{options:?}");
        let windows = ODD.replace('\n', "\r\n");
        assert_eq!(rewritten(&windows, options), written.replace('\n', "\r\n"), "{options:?}");
    }
}

#[test]
fn changed_command_replaces_program_and_arguments() {
    let with_program = ODD.replace(
        "    <key>Disabled</key>",
        "    <key>Program</key>\n    <string>/bin/web</string>\n    <key>Disabled</key>",
    );
    let written = rewritten(&with_program, &["--", "/bin/other", "x"]);
    let (start, rest) = ODD.split_once("<array>").unwrap();
    let (_, end) = rest.split_once("</array>").unwrap();
    assert_eq!(
        written,
        format!(
            "{start}<array>\n      <string>/bin/other</string>\n      <string>x</string>\n    </array>{end}"
        )
    );
}

#[test]
fn key_invalid_for_an_agent_is_removed_with_its_line() {
    let text = ODD.replace(
        "    <key>Disabled</key>",
        "    <key>UserName</key>\n    <string>www</string>\n    <key>Disabled</key>",
    );
    let (written, stderr) = with_reports(&text, &["--scope=user", "--allow-loss"]);
    assert_eq!(written, ODD);
    let lost =
        "svcadapt: a.b.plist:16: UserName: lost, weakens security: launchd runs an agent as its user\n";
    assert!(stderr.contains(lost), "{stderr}");
}

#[test]
fn keys_on_one_line_stay_on_one_line() {
    let text = "<plist version=\"1.0\"><dict><key>Label</key><string>a.b</string><key>Program</key><string>/x</string>\
                <key>RunAtLoad</key><true/></dict></plist>";
    assert_eq!(rewritten(text, &["--strict"]), text);
    assert_eq!(
        rewritten(text, &["--nice=5"]),
        text.replace("<key>Program", "<key>Nice</key><integer>5</integer><key>Program")
    );
}

#[test]
fn binary_property_list_is_written_as_xml_with_all_its_keys() {
    let folder = Folder::new();
    let value = plist::Value::from_reader_xml(ODD.as_bytes()).unwrap();
    value.to_file_binary(folder.path().join("a.b.plist")).unwrap();
    let output = svcadapt(["gen-plist", &folder.path().join("a.b.plist").display().to_string(), "--nice=5"]);
    assert!(
        stderr_of(&output).contains("the input is a binary property list; the output is XML"),
        "{}",
        stderr_of(&output)
    );
    let mut expected = value.into_dictionary().unwrap();
    expected.insert("Nice".into(), 5.into());
    let written = plist::Value::from_reader_xml(&output.stdout[..]).unwrap().into_dictionary().unwrap();
    assert_eq!(written, expected);
}
