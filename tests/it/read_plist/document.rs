//! Property lists in XML and in binary; malformed ones are refused with their place and in bounded time.

use std::time::{Duration, Instant};

use serde_json::json;
use svcadapt_convert::plist::ParsedJob;

use super::{HEAD, binary, document, job, model, reading};

#[test]
fn malformed_property_list_is_refused_at_its_place() {
    let dict = "<dict><key>Label</key><string>x</string></dict>";
    let mut different = Vec::new();
    for (text, place) in [
        (String::new(), "1:1: the file is empty"),
        (" \n".to_owned(), "1:1: the file is empty"),
        (document("<dict>"), "4:1: expected </dict>, found </plist>"),
        (document("<dict><key>A</key></dict>"), "3:19: the key 'A' has no value"),
        (document("<dict><string>x</string></dict>"), "3:7: expected <key>, found <string>"),
        (document("<dict>\n<key>A</key><true/><true/></dict>"), "4:20: expected <key>, found <true>"),
        (document("<string>a & b</string>"), "3:11: '&' without a reference"),
        (document("<string>a < b</string>"), "3:11: '<' without a tag"),
        (document("<string>&#1;</string>"), "3:9: &#1; is not a valid character in XML"),
        (document("<string>&xxe;</string>"), "3:9: unknown entity 'xxe'"),
        (document("<string>]]></string>"), "3:9: a text cannot contain ']]>'"),
        (document("<integer>1x</integer>"), "3:1: '1x' is not a valid integer"),
        (document("<integer/>"), "3:1: '' is not a valid integer"),
        (
            document("<integer>18446744073709551616</integer>"),
            "3:1: '18446744073709551616' does not fit into 64 bits",
        ),
        (document("<True/>"), "3:1: unknown element <True>"),
        (document("<true>x</true>"), "3:1: <true/> cannot contain text"),
        (document("<null/>"), "3:1: unknown element <null>"),
        (
            document("<dict><key><string>x</string></key></dict>"),
            "3:12: <string> in <key>, which can contain only text",
        ),
        (document("<dict>stray</dict>"), "3:7: text outside a value"),
        (document("<array><true></array>"), "3:14: expected </true>, found </array>"),
        (document("<dict><key>A</key><true/>\n<key>A</key><false/></dict>"), "4:13: duplicate key 'A'"),
        (document("<dict a=\"b\"></dict>"), "3:1: <dict> cannot have attributes in a property list"),
        (document("<!-- a -- b --><dict/>"), "3:1: a comment cannot contain '--'"),
        (document("<true/><true/>"), "3:8: <plist> must contain exactly one value"),
        (document(""), "4:1: expected a value, found </plist>"),
        (document("<string>\u{1}</string>"), "3:9: XML cannot contain U+0001"),
        (document("<string>\0</string>"), "3:9: XML cannot contain U+0000"),
        (document(dict) + "x", "5:1: text after </plist>"),
        (document(dict) + &document(dict), "5:1: the XML declaration must be at the start of the file"),
        (format!("\n{}", document(dict)), "2:1: the XML declaration must be at the start of the file"),
        (format!("{HEAD}{dict}"), "3:48: the file is incomplete"),
        (dict.to_owned(), "1:1: the root element must be <plist>"),
        ("{ Label = x; }".to_owned(), "1:1: text outside a value"),
        ("<?xml version=“1.0”?><plist/>".to_owned(), "1:15: the value must be in straight quotes"),
        ("<?xml version=\"1.1\"?><plist/>".to_owned(), "1:20: not a valid declaration of XML 1.0"),
        ("<?xml version='1.0' encoding='UTF-16'?>".to_owned(), "1:38: a property list must be in UTF-8"),
        ("<?xml version=\"1.0\"".to_owned(), "1:1: the XML declaration has no end"),
        ("<!DOCTYPE html><html/>".to_owned(), "1:10: not the document type of a property list"),
        (
            "<!DOCTYPE plist [<!ENTITY a \"b\">]><plist/>".to_owned(),
            "1:17: the file must not define a document type of its own, which could define entities",
        ),
        (
            "<!DOCTYPE plist SYSTEM \"x\" [<!ENTITY a \"b\">]><plist/>".to_owned(),
            "1:28: the file must not define a document type of its own, which could define entities",
        ),
        (document("<true/>"), "3:1: expected a dictionary, found a boolean"),
        (document("<array/>"), "3:1: expected a dictionary, found an array"),
    ] {
        let problems = reading(text.as_bytes()).unwrap_err();
        if problems != [format!("x:{place}")] {
            different.push((text, problems, place));
        }
    }
    assert!(different.is_empty(), "{different:#?}");
    let bytes = [HEAD.as_bytes(), b"<string>\xff"].concat();
    assert_eq!(reading(&bytes).unwrap_err(), ["x:3:9: not UTF-8"]);
}

#[test]
fn equivalent_documents_are_read_alike() {
    let dict = "<dict><key>Program</key><string>/x</string><key>Nice</key><integer>5</integer></dict>";
    let old = "<!DOCTYPE plist PUBLIC \"-//Apple Computer//DTD PLIST 1.0//EN\" \"http://www.apple.com/DTDs/PropertyList-1.0.dtd\">";
    for text in [
        document(dict),
        format!("<plist>{dict}</plist>"),
        format!("\u{feff}{}", document(dict)),
        document(dict).replace('\n', "\r\n"),
        format!(
            "<?xml version='1.0' encoding='utf-8' standalone='yes'?>{old}<plist version=\"1.0\">{dict}</plist>"
        ),
        format!(
            "<!DOCTYPE plist SYSTEM \"file://localhost/PropertyList.dtd\" ><plist >{dict}</plist ><!-- end -->\n"
        ),
        format!("<!-- a --><?editor x?><plist version = '0.9'>{dict}</plist>"),
        document(&dict.replace("<dict>", "<dict><!-- <key>Nice</key> -->\n")),
        document(&dict.replace("/x", "&#47;<![CDATA[x]]>")),
        document(&dict.replace("/x", "/<!-- -->&#x78;")),
        document(&dict.replace('5', " +0x5 ")),
        document(&dict.replace('5', "05")),
        document(&dict.replace("</dict>", "<key>Debug</key><false></false></dict>")),
    ] {
        let reading = reading(text.as_bytes()).unwrap_or_else(|problems| panic!("{problems:?}: {text}"));
        assert_eq!(model(reading), json!({ "nice": 5 }), "{text}");
    }
}

#[test]
fn binary_and_xml_are_read_alike() {
    let long = "x".repeat(300);
    let text = job(&format!(
        "<key>ServiceDescription</key><string>é 😀 {long}</string><key>Nice</key><integer>-5</integer>
         <key>Umask</key><integer>18</integer><key>ExitTimeOut</key><integer>70000</integer>
         <key>SoftResourceLimits</key><dict><key>CPU</key><integer>5000000000</integer></dict>
         <key>HardResourceLimits</key><dict><key>CPU</key><integer>18446744073709551615</integer></dict>
         <key>EnvironmentVariables</key><dict><key>A</key><string>{long}{long}</string><key>B</key><real>1.5</real></dict>
         <key>KeepAlive</key><true/><key>LaunchEvents</key><dict><key>a</key><data>AAAA</data><key>b</key><date>2026-01-01T00:00:00Z</date></dict>"
    ));
    let remarks = |reading: &ParsedJob| {
        let unmapped: Vec<_> = reading.unmapped.iter().map(|unmapped| unmapped.key.clone()).collect();
        let mut causes: Vec<_> = reading.warnings.iter().map(|warning| warning.error.cause.clone()).collect();
        causes.sort();
        (unmapped, causes)
    };
    let (own, other) = (reading(text.as_bytes()).unwrap(), reading(&binary(&text)).unwrap());
    assert_eq!(remarks(&own), remarks(&other));
    assert_eq!(model(own), model(other));
    let wrong = binary(&job("<key>UserName</key><true/>"));
    assert_eq!(reading(&wrong).unwrap_err(), ["x: UserName must be a string, not a boolean"]);
}

/// Objects with one-byte offsets and references, in a file.
fn objects(objects: &[&[u8]]) -> Vec<u8> {
    let mut bytes = b"bplist00".to_vec();
    let mut offsets = Vec::new();
    for object in objects {
        offsets.push(u8::try_from(bytes.len()).unwrap());
        bytes.extend(*object);
    }
    let table = bytes.len() as u64;
    bytes.extend(&offsets);
    bytes.extend([0, 0, 0, 0, 0, 0, 1, 1]);
    for number in [offsets.len() as u64, 0, table] {
        bytes.extend(number.to_be_bytes());
    }
    bytes
}

#[test]
fn small_file_cannot_expand_to_a_large_one() {
    let begin = Instant::now();
    // Each array contains the next one twice: 2^40 values.
    let bomb: Vec<[u8; 3]> = (1..=40).map(|next| [0xa2, next, next]).collect();
    let mut bomb: Vec<&[u8]> = bomb.iter().map(|object| &object[..]).collect();
    bomb.push(&[0x09]);
    let loops: &[u8] = &[0xa1, 0];
    let doubled: &[&[u8]] = &[&[0xd2, 1, 1, 2, 2], b"\x51A", &[0x09]];
    let huge: &[u8] = &[0x5f, 0x13, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff];
    for (bytes, problem) in [
        (objects(&bomb), "x: the binary property list unfolds to more than 1 MiB"),
        (objects(&[loops]), "x: values are nested more than 64 levels deep"),
        (objects(doubled), "x: duplicate key 'A'"),
        (objects(&[huge]), "x: the binary property list is damaged: invalid length"),
        (objects(&[&[0xa1, 9]]), "x: the binary property list is damaged: invalid reference"),
        (objects(&[&[0x70]]), "x: the binary property list is damaged: invalid object type 0x70"),
        (objects(&[&[0x00]]), "x: the binary property list is damaged: invalid object type 0x00"),
        (b"bplist00".to_vec(), "x: the binary property list is damaged: invalid trailer"),
        (
            [b"bplist00".to_vec(), vec![0xff; 40]].concat(),
            "x: the binary property list is damaged: invalid trailer",
        ),
    ] {
        assert_eq!(reading(&bytes).unwrap_err(), [problem]);
    }
    let (deep, end) = ("<array>".repeat(10_000), "</array>".repeat(10_000));
    assert_eq!(
        reading(document(&format!("{deep}{end}")).as_bytes()).unwrap_err(),
        ["x:3:456: values are nested more than 64 levels deep"]
    );
    for text in [
        format!("<plist>{}", "<array>".repeat(1_000_000)),
        format!("<plist><string>{}", "&amp;".repeat(2_000_000)),
        "\0".repeat(10_000_000),
        "<".repeat(1_000_000),
        format!("<plist><string>{}", "<!---->".repeat(140_000)),
        format!("<plist><string>{}", "]]&gt;".repeat(150_000)),
        format!("<plist {}", "a='b' ".repeat(150_000)),
        format!("<plist><dict>{}", "<key/><true/>".repeat(70_000)),
        format!("{}{}", document("<dict/>"), "\n".repeat(10_000_000)),
    ] {
        assert_eq!(reading(text.as_bytes()).unwrap_err().len(), 1);
    }
    let many = (0..30_000).map(|n| format!("<key>{n}</key><true/>\n")).collect::<Vec<_>>().concat();
    assert_eq!(reading(job(&many).as_bytes()).unwrap().warnings.len(), 30_000);
    assert!(begin.elapsed() < Duration::from_secs(120), "{:?}", begin.elapsed());
}
