//! What is built is the spec that the same words make as options, and the plan that follows from it.

use std::ffi::OsString;
use std::io;
use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::path::PathBuf;
use std::time::Duration;

use svcadapt::Daemon;
use svcadapt::daemon::DetachProcess;
use svcadapt::daemon::Error;
use svcadapt::spec::Ceiling;
use svcadapt::spec::DirectoryKind;
use svcadapt::spec::Field;
use svcadapt::spec::Origin;
use svcadapt::spec::Resource;
use svcadapt::spec::ServiceSpec;
use svcadapt::spec::SpecDraft;

use crate::judge::Chance;

/// The spec of the same options, for the program that we are.
fn options(values: &[(Field, OsString)]) -> Result<ServiceSpec, usize> {
    let mut draft = SpecDraft::new();
    draft.command(vec![std::env::current_exe().unwrap().into_os_string()]);
    for (field, value) in values {
        draft.assign(*field, value, Origin::Option);
    }
    draft.finish().map_err(|problems| problems.len())
}

/// One call of the builder, with the option that says the same.
fn call<'fd>(daemon: Daemon<'fd>, which: usize, chance: &mut Chance) -> (Daemon<'fd>, Field, OsString) {
    let text = chance.text(8, "-_. :/,é");
    let path = PathBuf::from(format!("/{text}"));
    let number = u32::try_from(chance.below(1 << 32)).unwrap();
    let small = u32::try_from(chance.below(1024)).unwrap();
    let yes = chance.below(2) == 0;
    let word = |yes: bool| OsString::from(if yes { "yes" } else { "no" });
    let limit =
        |number: usize| if number.is_multiple_of(5) { Ceiling::Infinity } else { Ceiling::At(number as u64) };
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
        6 => (daemon.umask(small), Field::Umask, format!("{small:o}").into()),
        7 => (daemon.working_directory(path), Field::WorkingDirectory, path_text),
        8 => (daemon.chroot_directory(path), Field::RootDirectory, path_text),
        9 => (daemon.pid_file(path), Field::PidFile, path_text),
        10 => (daemon.stdin(format!("file:/{text}")), Field::StandardInput, format!("file:/{text}").into()),
        11 => (
            daemon.stdout(format!("append:/{text}")),
            Field::StandardOutput,
            format!("append:/{text}").into(),
        ),
        12 => (
            daemon.stderr(format!("truncate:/{text}")),
            Field::StandardError,
            format!("truncate:/{text}").into(),
        ),
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
                Ceiling::At(number) => format!("{number}{unit}"),
                Ceiling::Infinity => "infinity".to_owned(),
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
        _ => (daemon.ambient_capabilities("CAP_KILL"), Field::AmbientCapabilities, "CAP_KILL".into()),
    }
}

#[test]
fn what_is_built_is_what_options_say() {
    let mut chance = Chance(0x5eed);
    let (mut good, mut bad) = (0, 0);
    for _ in 0..3000 {
        let mut daemon = Daemon::new();
        let mut values = Vec::new();
        for _ in 0..chance.below(6) {
            let (next, field, value) = call(daemon, chance.below(24), &mut chance);
            daemon = next;
            values.push((field, value));
        }
        match (daemon.spec(), options(&values)) {
            (Ok(built), Ok(said)) => {
                assert_eq!(built, said);
                good += 1;
            }
            (Err(Error::Refused(failures)), Err(count)) => {
                assert_eq!(failures.len(), count, "{values:?}");
                bad += 1;
            }
            (built, said) => panic!("{values:?}\n{built:?}\n{said:?}"),
        }
    }
    assert!(good > 500 && bad > 500, "{good} good and {bad} bad ones say little");
}

#[test]
fn nothing_is_said_by_default() {
    assert_eq!(Daemon::new().spec().unwrap(), options(&[]).unwrap());
}

#[test]
fn borrowed_descriptors_are_their_numbers_once_each() {
    let file = std::fs::File::open("/dev/null").unwrap();
    let daemon = Daemon::new().files_preserve([file.as_fd(), file.as_fd()]);
    assert_eq!(daemon.spec().unwrap().files_preserve, [file.as_raw_fd()]);
    let refused = Daemon::new().files_preserve([io::stdin().as_fd()]).spec().map(drop).unwrap_err();
    assert!(refused.to_string().contains("standard streams"), "{refused}");
}

#[test]
fn what_no_variable_or_path_can_hold_is_refused_with_its_name() {
    let refused = |daemon: Daemon<'_>| daemon.spec().unwrap_err().to_string();
    assert_eq!(
        refused(Daemon::new().environment("A=B", "c")),
        "environment 'A=B': the name of a variable holds no '='"
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
        (Daemon::new().stdout("append:/a\0b"), "standard output"),
        (Daemon::new().directory(DirectoryKind::State, "a\0b"), "state directory"),
        (Daemon::new().working_directory("relative"), "working directory"),
        (Daemon::new().uid(u32::MAX), "user"),
        (Daemon::new().gid(u32::MAX), "group"),
        (Daemon::new().umask(0o1000), "umask"),
    ] {
        let error = daemon.spec().unwrap_err();
        assert_eq!((error.stage().as_str(), error.status(), error.errno()), (stage, 2, None), "{error}");
        assert!(!error.to_string().contains('\0'), "{error:?}");
    }
}

#[test]
fn the_steps_are_those_of_the_plan_and_in_its_order() {
    let steps = |daemon: Daemon<'_>| -> Vec<&'static str> {
        let plan = daemon.detach_process(DetachProcess::Yes).plan().unwrap();
        let mut stages: Vec<_> = plan.steps.iter().map(|planned| planned.step.stage()).collect();
        stages.dedup();
        stages
    };
    let all =
        steps(Daemon::new().name("it-steps").pid_file("/run/it-steps.pid").umask(0o31).root_directory("/"));
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
        "groups",
        "group",
        "user",
        "ambient capabilities",
        "working directory",
    ];
    assert_eq!(all, expected);
    // What is not asked for is left out.
    let few = steps(Daemon::new());
    for stage in ["lock", "pid file", "root directory"] {
        assert!(!few.contains(&stage), "{few:?}");
    }
}
