//! The library loads a unit with everything that belongs to it by one call.

use svcadapt_convert::load::{LoadError, Loaded, Remark, Source, find, load};
use svcadapt_spec::Scope;

use crate::support::Folder;

fn loaded(folder: &Folder, name: &str) -> Loaded {
    load(&folder.path().join(name)).unwrap_or_else(|errors| panic!("{errors:?}"))
}

/// What is wrong, without the paths.
fn causes(folder: &Folder, name: &str) -> Vec<String> {
    let folder_name = folder.path().display().to_string();
    let errors = load(&folder.path().join(name)).unwrap_err();
    errors.iter().map(|error| error.to_string().replace(&folder_name, "[DIR]")).collect()
}

#[test]
fn instance_is_loaded_with_drop_ins_and_sockets_by_one_call() {
    let folder = Folder::new();
    folder.write("web@.service", "[Service]\nExecStart=/bin/web %i\nSockets=web@%i.socket\nNice=5\n");
    folder.write("web@.socket", "[Socket]\nListenStream=80\n");
    std::fs::create_dir(folder.path().join("web@1.service.d")).unwrap();
    folder.write("web@1.service.d/a.conf", "[Service]\nEnvironment=A=1\nIODeviceWeight=/dev/sda 200\n");
    let Loaded { draft, unsupported, source, unused_sockets, .. } = loaded(&folder, "web@1.service");
    assert_eq!(unused_sockets, []);
    let spec = draft.finish().unwrap();
    assert_eq!((spec.name.unwrap().as_str(), spec.command.arguments), ("web@1", vec!["1".into()]));
    assert_eq!((spec.environment.assignments.len(), spec.sockets.listen.len()), (1, 1));
    let lines: Vec<_> = unsupported
        .iter()
        .map(|remark| match remark {
            Remark::Line { line, cause } => format!("{}={}: {cause}", line.directive, line.value),
            Remark::Key(error) => error.to_string(),
        })
        .collect();
    assert!(lines.contains(&"IODeviceWeight=/dev/sda 200: it has no equivalent".to_owned()), "{lines:?}");
    let Some(Source::Unit(unit, drop_ins)) = source else { panic!("a unit has a source text") };
    assert_eq!((unit.socket.is_some(), drop_ins.len()), (true, 1));
}

#[test]
fn path_of_a_socket_unit_loads_its_service() {
    let folder = Folder::new();
    folder.write("web.service", "[Service]\nExecStart=/bin/web\n");
    folder.write("web.socket", "[Socket]\nListenStream=80\n");
    let listens = |name| loaded(&folder, name).draft.finish().unwrap().sockets.listen.len();
    assert_eq!((listens("web.service"), listens("web.socket")), (0, 1));
    assert_eq!(loaded(&folder, "web.service").unused_sockets.len(), 1);
}

#[test]
fn json_and_property_list_are_loaded_by_the_same_call() {
    let folder = Folder::new();
    folder.write("a.json", r#"{"command": ["/bin/web"], "launchd": {"SessionCreate": true}}"#);
    folder.write(
        "b.plist",
        "<plist><dict><key>Label</key><string>b</string><key>Program</key><string>/bin/web</string>\
         <key>RunAtLoad</key><true/><key>SessionCreate</key><true/></dict></plist>",
    );
    for name in ["a.json", "b.plist"] {
        let Loaded { draft, unsupported, .. } = loaded(&folder, name);
        let keys: Vec<_> = unsupported
            .into_iter()
            .map(|remark| match remark {
                Remark::Key(error) => error.value.unwrap(),
                Remark::Line { line, .. } => line.directive,
            })
            .collect();
        assert_eq!((keys, draft.finish().is_ok()), (vec!["SessionCreate".to_owned()], true), "{name}");
    }
}

#[test]
fn file_that_cannot_be_loaded_is_an_error_with_its_path() {
    let folder = Folder::new();
    folder.write("bad.service", "[Service\n");
    folder.write("masked.service", "");
    folder.write("notes.txt", "");
    std::fs::create_dir(folder.path().join("d.service")).unwrap();
    nix::unistd::mkfifo(&folder.path().join("fifo.json"), nix::sys::stat::Mode::S_IRWXU).unwrap();
    for (name, cause) in [
        ("none.service", "[DIR]/none.service: No such file or directory (os error 2)"),
        ("d.service", "[DIR]/d.service: not a regular file"),
        ("fifo.json", "[DIR]/fifo.json: not a regular file"),
        ("masked.service", "[DIR]/masked.service: the unit is masked: the file is empty"),
        (
            "a b.service",
            "spec '[DIR]/a b.service': not a valid unit name\n  hint: use letters, digits and : - _ . \\ @",
        ),
    ] {
        assert_eq!(causes(&folder, name), [cause], "{name}");
    }
    assert!(causes(&folder, "bad.service")[0].starts_with("[DIR]/bad.service:1:1: the header"));
    assert!(causes(&folder, "notes.txt")[0].starts_with("spec '[DIR]/notes.txt': unknown kind of file"));
    let name = "no-such-unit-of-svcadapt.service";
    assert!(matches!(find(name.as_ref(), &[Scope::System]), Err(LoadError::Invalid(_))));
}
