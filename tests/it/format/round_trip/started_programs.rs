//! Units started by a booted systemd: the program gets the exact values.

use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;

use serde_json::json;
use svcadapt_spec::Field;

use super::{Alphabet, Sample, part, value};
use crate::harness::{Dir, Exit, Svc, Systemd};
use crate::support::Chance;

/// How many units, and how many arguments and variables each.
const UNITS: usize = 14;
const ARGUMENTS: usize = 250;
const VARIABLES: usize = 40;

/// One unit, and what its program has to get.
struct Unit {
    name: String,
    words: Vec<OsString>,
    sample: Sample,
    report: String,
    /// The output of the program, which prints each argument.
    spoken: String,
}

impl Unit {
    fn new(dir: &Dir, chance: &mut Chance, number: usize) -> Self {
        let report = format!("report-{number}");
        let mut words: Vec<OsString> =
            vec![dir.program("inspect").into(), "--out".into(), dir.join(&report).into()];
        let mut spoken = String::new();
        for _ in 0..ARGUMENTS {
            let mut text = text(value(chance, Alphabet::Text, 24).into_vec());
            // Quoted values may contain control characters, too.
            if chance.below(4) == 0 {
                text.push(char::from(u8::try_from(1 + chance.below(31)).unwrap()));
            }
            spoken.extend([&text, "\n"]);
            words.extend(["--stdout".into(), text.into()]);
        }
        let mut sample = Sample::new(chance, Alphabet::Text, 0, VARIABLES);
        sample.directory =
            dir.join(&format!("folder-{number}")).join(text(part(chance, Alphabet::Text))).into();
        sample.output = dir.join(&format!("{number}{}", text(part(chance, Alphabet::Text)))).into();
        sample.file = "/dev/null".into();
        fs::create_dir_all(&sample.directory).unwrap();
        Self { name: format!("it-exact-{number}.service"), words, sample, report, spoken }
    }

    fn text(&self, dir: &Dir) -> String {
        let option = |(field, value): (Field, OsString)| {
            let mut option = OsString::from(format!("--{}=", field.option()));
            option.push(value);
            option
        };
        let options = self.sample.fields().into_iter().map(option);
        let unit =
            Svc::new(dir).args(["gen-unit", "--type=oneshot"]).args(options).args(["--"]).args(&self.words);
        let unit = unit.output();
        assert_eq!((unit.exit, unit.stderr.as_str()), (Exit::Status(0), ""));
        unit.stdout
    }
}

#[test]
fn random_values_reach_programs_started_by_systemd() {
    let Some(systemd) = Systemd::shared() else { return };
    let mut chance = Chance(51);
    let dir = Dir::new();
    let units: Vec<Unit> = (0..UNITS).map(|number| Unit::new(&dir, &mut chance, number)).collect();
    let home = systemd.path("/run/systemd/system");
    for unit in &units {
        fs::write(home.join(&unit.name), unit.text(&dir)).unwrap();
    }
    systemd.must(&["daemon-reload"]);
    let mut start = vec!["start"];
    start.extend(units.iter().map(|unit| unit.name.as_str()));
    systemd.must(&start);
    for unit in &units {
        let seen = dir.report(&unit.report);
        let argv: Vec<&str> = unit.words.iter().map(|word| word.to_str().unwrap()).collect();
        assert_eq!(seen["argv"], json!(argv));
        for (number, value) in unit.sample.variables.iter().enumerate() {
            assert_eq!(seen["env"][format!("V{number}")], json!(value.to_str().unwrap()));
        }
        assert_eq!(seen["cwd"], json!(unit.sample.directory.to_str().unwrap()));
        assert_eq!(fs::read_to_string(&unit.sample.output).unwrap(), unit.spoken);
        assert_eq!(systemd.show(&unit.name, "Description"), unit.sample.description.to_str().unwrap());
        fs::remove_file(home.join(&unit.name)).unwrap();
    }
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}
