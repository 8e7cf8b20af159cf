//! The builder makes the same spec as the options, and the plan that follows from it.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, AsRawFd};
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use svcadapt::Daemon;
use svcadapt::daemon::{DetachProcess, Disposition, Error, Reexecute, Signal};
use svcadapt_spec::{
    DirectoryKind, FIELDS, Field, FileMode, Input, LimitValue, Origin, Output, Resource, ServiceSpec,
    SpecDraft,
};

use crate::support::Chance;

/// The spec of these options, with this program as the command.
fn options(values: &[(Field, OsString)]) -> Result<ServiceSpec, usize> {
    let mut draft = SpecDraft::new();
    draft.command(vec![std::env::current_exe().unwrap().into_os_string()]);
    for (field, value) in values {
        draft.assign(*field, value, Origin::Option);
    }
    draft.finish().map_err(|problems| problems.len())
}

fn mode(bits: u16) -> FileMode {
    FileMode::from_bits(bits).unwrap()
}

/// One call of the builder, with the option that says the same.
fn call<'fd>(daemon: Daemon<'fd>, which: usize, chance: &mut Chance) -> (Daemon<'fd>, Field, OsString) {
    let text = chance.text(8, "-_. :/,é");
    let path = PathBuf::from(format!("/{text}"));
    let number = u32::try_from(chance.below(1 << 32)).unwrap();
    let small = u16::try_from(chance.below(1024)).unwrap();
    let yes = chance.below(2) == 0;
    let word = |yes: bool| OsString::from(if yes { "yes" } else { "no" });
    let limit = |number: usize| {
        if number.is_multiple_of(5) { LimitValue::Infinity } else { LimitValue::At(number as u64) }
    };
    let (soft, hard) = (limit(chance.below(1000)), limit(1000 + chance.below(1000)));
    let resource = Resource::ALL[chance.below(16)];
    let kind = DirectoryKind::ALL[chance.below(5)];
    let span = Duration::from_micros(chance.below(1 << 40) as u64);
    let path_text = path.clone().into_os_string();
    match which {
        0 => (daemon.name(&text), Field::Name, text.into()),
        1 => (daemon.user(&text), Field::User, text.into()),
        2 => (daemon.uid(number), Field::User, number.to_string().into()),
        3 => (daemon.group(&text), Field::Group, text.into()),
        4 => (daemon.gid(number), Field::Group, number.to_string().into()),
        5 => (daemon.supplementary_groups([&text]), Field::SupplementaryGroups, text.into()),
        6 => (daemon.umask(mode(small)), Field::Umask, format!("{small:o}").into()),
        7 => (daemon.working_directory(path), Field::WorkingDirectory, path_text),
        8 => (daemon.chroot_directory(path), Field::RootDirectory, path_text),
        9 => (daemon.pid_file(path), Field::PidFile, path_text),
        10 => {
            let value = OsString::from(format!("file:/x{number}"));
            (daemon.stdin(&Input::parse(&value).unwrap()), Field::StandardInput, value)
        }
        11 => {
            let value = OsString::from(format!("append:/x{number}"));
            (daemon.stdout(&Output::parse(&value).unwrap()), Field::StandardOutput, value)
        }
        12 => {
            let value = OsString::from(format!("truncate:/x{number}"));
            (daemon.stderr(&Output::parse(&value).unwrap()), Field::StandardError, value)
        }
        13 => (daemon.environment("A_1", &text), Field::Environment, format!("A_1={text}").into()),
        14 => (daemon.pass_environment(&text), Field::PassEnvironment, text.into()),
        15 => (daemon.clean_environment(yes), Field::CleanEnvironment, word(yes)),
        16 => (daemon.prevent_core(yes), Field::PreventCore, word(yes)),
        17 => (daemon.no_new_privileges(yes), Field::NoNewPrivileges, word(yes)),
        18 => {
            let unit = match resource {
                Resource::Cpu => "s",
                Resource::Rttime => "us",
                _ => "",
            };
            let text = |ceiling| match ceiling {
                LimitValue::At(number) => format!("{number}{unit}"),
                LimitValue::Infinity => "infinity".to_owned(),
            };
            let both = format!("{}:{}", text(soft), text(hard));
            (daemon.limit(resource, soft, hard), Field::Limit(resource), both.into())
        }
        19 => (daemon.directory(kind, &text), Field::Directory(kind), text.into()),
        20 => {
            let text = format!("{}us", span.as_micros());
            (daemon.timeout_start(Some(span)), Field::TimeoutStartSec, text.into())
        }
        21 => (daemon.timeout_stop(None), Field::TimeoutStopSec, "infinity".into()),
        22 => (
            daemon.notification_fd(3 + number.cast_signed() % 500),
            Field::NotificationFd,
            (3 + number.cast_signed() % 500).to_string().into(),
        ),
        23 => (daemon.ambient_capabilities("CAP_KILL"), Field::AmbientCapabilities, "CAP_KILL".into()),
        24 => {
            let names = ["CAP_KILL", "~CAP_CHOWN CAP_KILL", "CAP_NOTHING", ""][chance.below(4)];
            (daemon.capability_bounding_set(names), Field::CapabilityBoundingSet, names.into())
        }
        25 => (daemon.root_directory(path), Field::RootDirectory, path_text),
        26 => (daemon.timeout_start(None), Field::TimeoutStartSec, "infinity".into()),
        27 => {
            let text = format!("{}us", span.as_micros());
            (daemon.timeout_stop(Some(span)), Field::TimeoutStopSec, text.into())
        }
        28 => {
            let file: &'static std::fs::File = preserved(chance.below(3));
            let number = file.as_raw_fd().to_string();
            (daemon.files_preserve([file.as_fd()]), Field::FilesPreserve, number.into())
        }
        _ => {
            // Any field, by its row in the table.
            let row = &FIELDS[chance.below(FIELDS.len())];
            let value = if beside(row.field) { "0".to_owned() } else { text };
            let field = if beside(row.field) { Field::Umask } else { row.field };
            (daemon.set(field, &value), field, value.into())
        }
    }
}

/// How many kinds of calls there are.
const CALLS: usize = 30;

/// Whether a program that enters cannot set a field as an option does.
fn beside(field: Field) -> bool {
    matches!(field, Field::Type | Field::Ready | Field::ExpandVariables | Field::Argv0 | Field::FilesPreserve)
}

/// Descriptors that stay open.
fn preserved(which: usize) -> &'static std::fs::File {
    static FILES: OnceLock<[std::fs::File; 3]> = OnceLock::new();
    &FILES.get_or_init(|| [0; 3].map(|_| std::fs::File::open("/dev/null").unwrap()))[which]
}

/// Whether the last call of a field replaces the earlier ones; lists keep all. Two methods of one field count as one.
fn single(field: Field) -> bool {
    let twice = |value: &str| {
        let both = Daemon::new().set(field, value).set(field, value).spec();
        both.is_ok() && both.ok() == Daemon::new().set(field, value).spec().ok()
    };
    field != Field::FilesPreserve
        && ["yes", "1", "5", "/a", "a", "null", "5:5", "SIGHUP"].into_iter().any(twice)
}

#[test]
fn builder_makes_the_spec_of_the_same_options() {
    let mut chance = Chance(0x5eed);
    let (mut good, mut bad) = (0, 0);
    for _ in 0..3000 {
        let mut daemon = Daemon::new();
        let mut values = Vec::new();
        for _ in 0..chance.below(6) {
            let (next, field, value) = call(daemon, chance.below(CALLS), &mut chance);
            daemon = next;
            values.push((field, value));
        }
        match (daemon.spec(), options(&in_their_place(&values))) {
            (Ok(built), Ok(by_options)) => {
                assert_eq!(built, by_options);
                good += 1;
            }
            (Err(Error::Refused(failures)), Err(count)) => {
                assert_eq!(failures.len(), count, "{values:?}");
                bad += 1;
            }
            (built, by_options) => panic!("{values:?}\n{built:?}\n{by_options:?}"),
        }
    }
    assert!(good > 500 && bad > 500, "{good} good and {bad} bad ones say little");
}

/// Borrowed descriptors are listed by number, in order and without repetition.
fn in_their_place(values: &[(Field, OsString)]) -> Vec<(Field, OsString)> {
    let mut numbers: Vec<i32> = values
        .iter()
        .filter(|(field, _)| *field == Field::FilesPreserve)
        .map(|(_, value)| value.to_str().unwrap().parse().unwrap())
        .collect();
    numbers.sort_unstable();
    numbers.dedup();
    let rest = values.iter().filter(|(field, _)| *field != Field::FilesPreserve).cloned();
    rest.chain(numbers.iter().map(|number| (Field::FilesPreserve, number.to_string().into()))).collect()
}

/// Calls of different fields commute; of the same field the order counts.
#[test]
fn builder_calls_of_different_fields_commute() {
    let mut chance = Chance(0x0dde);
    let mut good = 0;
    for round in 0..2000 {
        // The same calls twice, each with a seed of its own so that its values do not depend on its position.
        let calls: Vec<(usize, u64)> =
            (0..2 + chance.below(5)).map(|n| (chance.below(CALLS), round * 100 + n as u64)).collect();
        let make = |calls: &[(usize, u64)]| {
            let mut fields = Vec::new();
            let daemon = calls.iter().fold(Daemon::new(), |daemon, &(which, seed)| {
                let (daemon, field, _) = call(daemon, which, &mut Chance(seed));
                fields.push(field);
                daemon
            });
            (daemon, fields)
        };
        let (daemon, fields) = make(&calls);
        // Swap neighbours of different fields.
        let mut shuffled: Vec<(Field, (usize, u64))> =
            fields.into_iter().zip(calls.iter().copied()).collect();
        for _ in 0..20 {
            let at = chance.below(shuffled.len() - 1);
            if shuffled[at].0 != shuffled[at + 1].0 {
                shuffled.swap(at, at + 1);
            }
        }
        let calls: Vec<(usize, u64)> = shuffled.into_iter().map(|(_, call)| call).collect();
        let (other, _) = make(&calls);
        match (daemon.spec(), other.spec()) {
            (Ok(one), Ok(other)) => {
                assert_eq!(one, other, "{calls:?}");
                good += 1;
            }
            (Err(Error::Refused(one)), Err(Error::Refused(other))) => {
                assert_eq!(one.len(), other.len(), "{calls:?}");
            }
            (one, other) => panic!("{calls:?}\n{one:?}\n{other:?}"),
        }
    }
    assert!(good > 200, "{good} good ones say little");
}

/// As the documentation of the builder says: the last call of a scalar counts, lists keep every item.
#[test]
fn builder_keeps_the_last_scalar_and_every_list_item() {
    let mut chance = Chance(0x1a57);
    let (mut last, mut all) = (0, 0);
    for round in 0..6000 {
        let which = chance.below(CALLS);
        let (first, field, one) = call(Daemon::new(), which, &mut Chance(round));
        let (both, again, two) = call(first.clone(), which, &mut Chance(round + 1_000_000));
        let (second, ..) = call(Daemon::new(), which, &mut Chance(round + 1_000_000));
        let (Ok(_), Ok(second)) = (first.spec(), second.spec()) else { continue };
        // A bounding set is merged; `spec::draft` tests the result.
        if again != field || one == two || two.is_empty() || field == Field::CapabilityBoundingSet {
            continue;
        }
        let Ok(both) = both.spec() else { panic!("{field:?}: {} and {}", one.display(), two.display()) };
        if single(field) {
            assert_eq!(both, second, "{field:?}: {} and {}", one.display(), two.display());
            last += 1;
        } else {
            // A repeated item is kept once.
            let repeated = two.to_string_lossy().contains(&*one.to_string_lossy());
            assert!(
                repeated || both != second,
                "{field:?}: {} is lost beside {}",
                one.display(),
                two.display()
            );
            all += 1;
        }
    }
    assert!(last > 300 && all > 20, "{last} single ones and {all} lists say little");
    // Fixed examples of the rule, independent of the code above.
    let spec = |daemon: Daemon<'_>| daemon.spec().unwrap();
    assert_eq!(spec(Daemon::new().user("daemon").uid(1)), spec(Daemon::new().uid(1)));
    assert_eq!(
        spec(Daemon::new().root_directory("/a").chroot_directory("/b")),
        spec(Daemon::new().root_directory("/b"))
    );
    assert_eq!(
        spec(Daemon::new().supplementary_groups(["1"]).supplementary_groups(["2"]))
            .supplementary_groups
            .len(),
        2
    );
    assert_eq!(
        spec(Daemon::new().environment("A", "1").environment("A", "2").environment("B", "3"))
            .environment
            .assignments
            .iter()
            .map(|one| one.value.to_str().unwrap())
            .collect::<Vec<_>>()
            .concat()
            .replace('1', ""),
        "23"
    );
    assert_eq!(
        spec(Daemon::new().environment("A", "1").set(Field::Environment, "")),
        spec(Daemon::new()),
        "an empty value takes back"
    );
}

/// Settings that are no field of the spec appear in the plan.
#[test]
fn privileges_and_signals_change_only_their_steps_of_the_plan() {
    let plan = |daemon: Daemon<'_>| daemon.detach_process(DetachProcess::Yes).plan().unwrap();
    let plain = || Daemon::new().name("it-beside");
    let signals = plain()
        .signals([Signal::TERM])
        .signal_map([(Signal::TERM, Disposition::Ignore), (Signal::HUP, Disposition::Deliver)]);
    assert_eq!(plan(signals).steps, plan(plain()).steps);
    assert_eq!(plan(plain().keep_privileges()).steps, plan(plain()).steps);
    // The last place.
    let twice = plain().detach_process(DetachProcess::No).detach_process(DetachProcess::Yes).plan().unwrap();
    assert_eq!(twice.steps, plan(plain()).steps);
    let stays = plain().detach_process(DetachProcess::No).plan().unwrap();
    assert!(stays.steps.len() < twice.steps.len(), "it forks away");
}

#[test]
fn builder_error_has_its_errno_and_names_the_method() {
    for (daemon, status) in [
        (Daemon::new().working_directory("/nosuch"), 200),
        (Daemon::new().root_directory("/nosuch"), 210),
        (Daemon::new().set(Field::StandardInput, "file:/nosuch"), 208),
        (Daemon::new().set(Field::StandardOutput, "append:/nosuch/log"), 209),
        (Daemon::new().pid_file("/nosuch/x.pid"), 251),
    ] {
        let error = daemon.plan().map(drop).unwrap_err();
        assert_eq!((error.errno(), error.status()), (Some(libc::ENOENT), status), "{error}");
    }
    let error = Daemon::new().set(Field::Environment, "A").spec().unwrap_err();
    assert!(error.to_string().ends_with("or use pass_environment NAME"), "{error}");
}

/// A NUL in any text is an error with the field's name, and is escaped in the message.
#[test]
fn nul_byte_is_refused_in_every_field() {
    for row in FIELDS {
        for value in ["\0", "a\0b", "/a\0b", "A=a\0b", "append:/a\0b", "tcp:80\0"] {
            let error = match Daemon::new().set(row.field, value).spec() {
                Err(error) => error,
                Ok(spec) => panic!("{} takes {value:?}: {spec:?}", row.option),
            };
            assert_eq!((error.status(), error.errno()), (2, None), "{error}");
            assert!(!error.to_string().contains('\0'), "{}: {error:?}", row.option);
        }
    }
}

#[test]
fn default_builder_sets_no_field() {
    assert_eq!(Daemon::new().spec().unwrap(), options(&[]).unwrap());
}

#[test]
fn borrowed_descriptors_are_listed_once_each() {
    let file = std::fs::File::open("/dev/null").unwrap();
    let daemon = Daemon::new().files_preserve([file.as_fd(), file.as_fd()]);
    assert_eq!(daemon.spec().unwrap().files_preserve, [file.as_raw_fd()]);
    let refused = Daemon::new().files_preserve([io::stdin().as_fd()]).spec().map(drop).unwrap_err();
    assert!(refused.to_string().contains("standard streams"), "{refused}");
}

#[test]
fn invalid_variable_or_path_is_refused_with_its_field() {
    let refused = |daemon: Daemon<'_>| daemon.spec().unwrap_err().to_string();
    assert_eq!(
        refused(Daemon::new().environment("A=B", "c")),
        "environment 'A=B': the name of a variable must not contain '='"
    );
    for (daemon, stage) in [
        (Daemon::new().name("a\0b"), "name"),
        (Daemon::new().user("a\0b"), "user"),
        (Daemon::new().group("a\0b"), "group"),
        (Daemon::new().environment("A", "a\0b"), "environment"),
        (Daemon::new().environment("A\0", "b"), "environment"),
        (Daemon::new().working_directory("/a\0b"), "working directory"),
        (Daemon::new().root_directory("/a\0b"), "root directory"),
        (Daemon::new().pid_file("/a\0b"), "pid file"),
        (Daemon::new().set(Field::StandardOutput, "append:/a\0b"), "standard output"),
        (Daemon::new().directory(DirectoryKind::State, "a\0b"), "state directory"),
        (Daemon::new().working_directory("relative"), "working directory"),
        (Daemon::new().uid(u32::MAX), "user"),
        (Daemon::new().gid(u32::MAX), "group"),
        (Daemon::new().umask(mode(0o1000)), "umask"),
    ] {
        let error = daemon.spec().unwrap_err();
        assert_eq!((error.stage().as_str(), error.status(), error.errno()), (stage, 2, None), "{error}");
        assert!(!error.to_string().contains('\0'), "{error:?}");
    }
}

#[test]
fn plan_lists_the_steps_in_their_order() {
    let steps = |daemon: Daemon<'_>| -> Vec<&'static str> {
        let plan = daemon.detach_process(DetachProcess::Yes).plan().unwrap();
        let mut stages: Vec<_> = plan.stages().collect();
        stages.dedup();
        stages
    };
    let all = steps(
        Daemon::new().name("it-steps").pid_file("/run/it-steps.pid").umask(mode(0o31)).root_directory("/"),
    );
    let expected = [
        "adopt orphans",
        "fork",
        "new session",
        "fork again",
        "inherited signals",
        "environment",
        "lock",
        "standard input",
        "standard output",
        "standard error",
        "pid file",
        "oom score",
        "nice",
        "soft limit",
        "umask",
        "inherited descriptors",
        "root directory",
        "group",
        "groups",
        "user",
        "ambient capabilities",
        "working directory",
    ];
    assert_eq!(all, expected);
    // Steps that are not needed are left out.
    let few = steps(Daemon::new());
    for stage in ["lock", "pid file", "root directory"] {
        assert!(!few.contains(&stage), "{few:?}");
    }
}

#[test]
fn reexec_needs_the_option_and_a_fork() {
    let again = |reexecute, detach| {
        let daemon = Daemon::new().reexecute(reexecute).detach_process(detach);
        daemon.plan().unwrap().has_reexec()
    };
    assert!(again(Reexecute::Always, DetachProcess::Yes));
    assert!(!again(Reexecute::Always, DetachProcess::No), "it stays the process that was started");
    assert!(!again(Reexecute::Never, DetachProcess::Yes));
    // The default of this system.
    assert_eq!(again(Reexecute::Auto, DetachProcess::Yes), cfg!(target_os = "macos"));
    assert!(!svcadapt::daemon::is_reexec());
}
