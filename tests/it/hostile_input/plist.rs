//! Property lists.

use std::fs;

use super::{place, refused};

const HINT: &str = "  hint: launchd silently ignores it\n";

/// A document with Apple's document type and this inside.
fn with_entities(entities: &str, text: &str) -> String {
    format!(
        "<?xml version=\"1.0\"?>\n<!DOCTYPE plist [\n{entities}\n]>\n<plist><string>{text}</string></plist>\n"
    )
}

#[test]
fn oversized_property_list_is_refused() {
    let dir = place();
    let laughs = (1..10).fold(String::new(), |all, n| {
        all + &format!("<!ENTITY l{n} \"{}\">\n", format!("&l{};", n - 1).repeat(10))
    });
    let laughs = format!("<!ENTITY l0 \"lol\">\n{laughs}");
    let own = "2:17: the file must not define a document type of its own, which could define entities\n  | <!DOCTYPE plist [\n  |                 ^\n";
    let deep = "values are nested more than 64 levels deep\n";
    let (array, pair) = ("<array>".repeat(100_000), "<dict><key>a</key>".repeat(50_000));
    let shown = |text: &str| text.chars().take(120).collect::<String>();
    for (text, reported) in [
        (with_entities(&laughs, "&l9;"), own.to_owned()),
        // Parameter entities, and an external one.
        (with_entities("<!ENTITY % a \"b\"> %a;", "x"), own.to_owned()),
        (with_entities("<!ENTITY a SYSTEM \"file:///etc/passwd\">", "&a;"), own.to_owned()),
        (
            with_entities(&format!("<!ENTITY a \"{}\">", "x".repeat(500_000)), &"&a;".repeat(100_000)),
            own.to_owned(),
        ),
        // Undefined.
        (
            "<plist><string>&l9;</string></plist>".to_owned(),
            "1:16: unknown entity 'l9'\n  | <plist><string>&l9;</string></plist>\n  |                ^\n"
                .to_owned(),
        ),
        (format!("<plist>{array}"), format!("1:463: {deep}  | {}\n", shown(&format!("<plist>{array}")))),
        (format!("<plist>{pair}"), format!("1:1178: {deep}  | {}\n", shown(&format!("<plist>{pair}")))),
        ("<".repeat(1_000_000), format!("1:1: the tag has no '>'\n  | {}\n  | ^\n", "<".repeat(120))),
    ] {
        fs::write(dir.join("web.plist"), text).unwrap();
        refused(&dir, "web.plist", &format!("svcadapt: [DIR]/web.plist:{reported}"));
    }
    for text in [" ".repeat(10_000_000), format!("<plist><string>{}", "x".repeat(10_000_000))] {
        fs::write(dir.join("web.plist"), text).unwrap();
        refused(&dir, "web.plist", "svcadapt: [DIR]/web.plist: larger than 1 MiB\n");
    }
}

/// A binary property list of these objects, with references and offsets of four bytes. The first is the outermost.
fn binary(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = b"bplist00".to_vec();
    let mut table = Vec::new();
    for object in objects {
        table.extend(u32::try_from(bytes.len()).unwrap().to_be_bytes());
        bytes.extend(object);
    }
    let at = bytes.len() as u64;
    bytes.extend(table);
    bytes.extend([0, 0, 0, 0, 0, 0, 4, 4]);
    for number in [objects.len() as u64, 0, at] {
        bytes.extend(number.to_be_bytes());
    }
    bytes
}

fn reference(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap().to_be_bytes()
}

/// An array of these.
fn array(numbers: &[usize]) -> Vec<u8> {
    let mut object = vec![0xa0 | u8::try_from(numbers.len()).unwrap()];
    object.extend(numbers.iter().flat_map(|number| reference(*number)));
    object
}

#[test]
fn cyclic_binary_property_list_is_refused() {
    let dir = place();
    let deep = "values are nested more than 64 levels deep";
    let large = "the binary property list unfolds to more than 1 MiB";
    let damaged = |what: &str| format!("the binary property list is damaged: invalid {what}");
    // Within the megabyte that is read: nine bytes for each.
    let chain: Vec<Vec<u8>> = (1..100_000).map(|next| array(&[next])).chain([vec![0x09]]).collect();
    let doubled: Vec<Vec<u8>> = (1..60).map(|next| array(&[next, next])).chain([vec![0x09]]).collect();
    // Each of fourteen arrays contains all fourteen.
    let wide: Vec<Vec<u8>> = (0..14).map(|_| array(&[0; 14])).collect();
    let pair = [vec![0xd1], reference(1).to_vec(), reference(0).to_vec()].concat();
    let circle = [vec![0xd1], reference(0).to_vec(), reference(0).to_vec()].concat();
    for (bytes, reported) in [
        (binary(&chain), deep.to_owned()),
        (binary(&doubled), large.to_owned()),
        (binary(&wide), deep.to_owned()),
        // An array of itself; two of each other; a dictionary that is its own value; one that is its own key.
        (binary(&[array(&[0])]), deep.to_owned()),
        (binary(&[array(&[1]), array(&[0])]), deep.to_owned()),
        (binary(&[pair, b"\x51a".to_vec()]), deep.to_owned()),
        (binary(&[circle]), deep.to_owned()),
        (binary(&[vec![0x6f, 0x13, 0x7f, 255, 255, 255, 255, 255, 255, 255]]), damaged("length")),
        (binary(&[vec![0xaf, 0x12, 0, 1, 0, 0]]), damaged("length")),
        (binary(&[array(&[7])]), damaged("reference")),
        ([b"bplist00".to_vec(), vec![0; 500_000]].concat(), damaged("trailer")),
    ] {
        assert!(bytes.len() <= 1 << 20);
        fs::write(dir.join("web.plist"), bytes).unwrap();
        refused(&dir, "web.plist", &format!("svcadapt: [DIR]/web.plist: {reported}\n"));
    }
}

#[test]
fn plist_value_of_a_wrong_type_is_refused() {
    let dir = place();
    for (value, reported) in [
        ("<key>UserName</key><integer>0</integer>", "UserName must be a string, not an integer"),
        ("<key>UserName</key><array/>", "UserName must be a string, not an array"),
        ("<key>GroupName</key><true/>", "GroupName must be a string, not a boolean"),
        ("<key>Umask</key><real>1</real>", "Umask must be an integer or a string, not a real"),
        ("<key>Umask</key><data/>", "Umask must be an integer or a string, not data"),
        ("<key>Nice</key><string>5</string>", "Nice must be an integer, not a string"),
        ("<key>ProgramArguments</key><string>a</string>", "ProgramArguments must be an array, not a string"),
        ("<key>ProgramArguments</key><dict/>", "ProgramArguments must be an array, not a dictionary"),
        (
            "<key>WorkingDirectory</key><date>2026-01-01T00:00:00Z</date>",
            "WorkingDirectory must be a string, not a date",
        ),
        (
            "<key>EnvironmentVariables</key><array/>",
            "EnvironmentVariables must be a dictionary, not an array",
        ),
        ("<key>RootDirectory</key><false/>", "RootDirectory must be a string, not a boolean"),
    ] {
        let line = format!("<dict>{value}<key>Program</key><string>/x</string></dict>");
        let column = line.find("</key><").unwrap() + "</key>".len() + 1;
        dir.write("web.plist", &format!("<plist>\n{line}\n</plist>\n"));
        let shown: String = line.chars().take(120).collect();
        let reported = format!(
            "svcadapt: [DIR]/web.plist:2:{column}: {reported}\n  | {shown}\n  | {:>column$}\n{HINT}",
            '^'
        );
        refused(&dir, "web.plist", &reported);
    }
}
