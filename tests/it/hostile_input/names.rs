//! Invalid names.

use super::{place, refused, refused_words};

#[test]
fn invalid_unit_file_name_is_refused() {
    let dir = place();
    let text = "[Service]\nExecStart=/bin/true\n";
    let hint = "  hint: use letters, digits and : - _ . \\ @\n";
    for name in ["a b.service", "@a.service", "é.service", "a+b.service", "a\n.service", "%i.service"] {
        dir.write(name, text);
        let name_shown = name.replace('\n', "\\n");
        refused(&dir, name, &format!("svcadapt: spec '[DIR]/{name_shown}': not a valid unit name\n{hint}"));
    }
    dir.write(".service", text);
    let hint =
        "  hint: the name must end in .service, .socket, .plist or .json; a program to run goes after '--'\n";
    refused(&dir, ".service", &format!("svcadapt: spec '[DIR]/.service': unknown kind of file\n{hint}"));
}

#[test]
fn invalid_service_name_is_refused() {
    let dir = place();
    let long = "x".repeat(300);
    let dot = "a name must not start with '.' or '@', and must not contain '@' twice";
    let hint = "\n  hint: use letters, digits and : - _ . \\ @";
    let sign = |sign: &str| format!("invalid character '{sign}' in the name of a service{hint}");
    for (name, reported) in [
        ("", "the name is empty".to_owned()),
        (".", dot.to_owned()),
        ("..", dot.to_owned()),
        ("@a", dot.to_owned()),
        ("a@b@c", dot.to_owned()),
        ("../x", sign("/")),
        ("a/b", sign("/")),
        ("/a", sign("/")),
        ("a b", sign(" ")),
        ("a\n", sign("\\n")),
        ("é", sign("é")),
        ("a\u{202e}b", sign("\\u{202e}")),
        (&long, "longer than 247 bytes".to_owned()),
    ] {
        let shown = name.escape_debug();
        let option = format!("--name={name}");
        for command in [&["show"][..], &["gen-unit", "--output", "out"], &["gen-plist", "--output", "out"]] {
            let words = [command, &[&option, "--", "/bin/true"]].concat();
            refused_words(&dir, &words, &format!("svcadapt: --name '{shown}': {reported}\n"));
        }
    }
}

#[test]
fn invalid_label_is_refused() {
    let dir = place();
    let long = "x".repeat(251);
    let begin = "a label must begin with a letter or a digit\n  hint: use a name such as org.example.web";
    let sign = |sign: &str| {
        format!("a label cannot contain the character '{sign}'\n  hint: use letters, digits and . _ -")
    };
    for (label, reported) in [
        ("", begin.to_owned()),
        (".", begin.to_owned()),
        ("../x", begin.to_owned()),
        ("-x", begin.to_owned()),
        ("a/b", sign("/")),
        ("a b", sign(" ")),
        ("a\n", sign("\\n")),
        ("é", sign("é")),
        ("~x", sign("~")),
        ("a:b", sign(":")),
        (&long, "longer than 249 bytes".to_owned()),
    ] {
        let shown = label.escape_debug();
        let option = format!("--label={label}");
        let words = ["gen-plist", "--output", "out", &option, "--", "/bin/true"];
        refused_words(&dir, &words, &format!("svcadapt: --label '{shown}': {reported}\n"));
    }
}
