use std::fmt::Write;

use svcadapt_spec::{Field, Origin, SpecDraft};

use super::*;

const PHASES: [Phase; 18] = [
    Phase::Dead,
    Phase::Condition,
    Phase::StartPre,
    Phase::Start,
    Phase::StartPost,
    Phase::Running,
    Phase::Exited,
    Phase::Reload,
    Phase::Stop,
    Phase::StopWatchdog,
    Phase::StopSigterm,
    Phase::StopSigkill,
    Phase::StopPost,
    Phase::FinalWatchdog,
    Phase::FinalSigterm,
    Phase::FinalSigkill,
    Phase::AutoRestart,
    Phase::Failed,
];

const EVENTS: [Event; 21] = [
    Event::Start,
    Event::StartLimit,
    Event::Skipped,
    Event::AssertFailed,
    Event::Ready,
    Event::MainEnded(Ended::Exited(0)),
    Event::MainEnded(Ended::Exited(1)),
    Event::MainEnded(Ended::Killed(9)),
    Event::MainEnded(Ended::Dumped(6)),
    Event::MainEnded(Ended::Killed(15)),
    Event::ControlEnded(Ended::Exited(0)),
    Event::ControlEnded(Ended::Exited(1)),
    Event::ControlEnded(Ended::Killed(9)),
    Event::Empty,
    Event::Timeout,
    Event::Watchdog,
    Event::OutOfMemory,
    Event::Stopping,
    Event::Stop,
    Event::Restart,
    Event::Reload,
];

fn policy(fields: &[(Field, &str)]) -> Policy {
    let mut draft = SpecDraft::new();
    draft.command(vec!["/bin/true".into()]);
    for &(field, value) in fields {
        draft.assign(field, value, Origin::Option);
    }
    Policy::of(&draft.finish().unwrap())
}

const COMMANDS: [(Field, &str); 7] = [
    (Field::ExecCondition, "/bin/true"),
    (Field::ExecStartPre, "/bin/true"),
    (Field::ExecStartPre, "-/bin/true"),
    (Field::ExecStartPost, "/bin/true"),
    (Field::ExecReload, "/bin/true"),
    (Field::ExecStop, "/bin/true"),
    (Field::ExecStopPost, "/bin/true"),
];

fn policies() -> Vec<(&'static str, Policy)> {
    let with = |fields: &[(Field, &'static str)]| policy(&[&COMMANDS, fields].concat());
    vec![
        ("a simple service", policy(&[])),
        ("every command, Restart=always", with(&[(Field::Restart, "always")])),
        (
            "a oneshot service, RemainAfterExit=yes",
            policy(&[
                (Field::Type, "oneshot"),
                (Field::RemainAfterExit, "yes"),
                (Field::ExecStart, "/bin/true"),
            ]),
        ),
        (
            "Type=notify-reload, failure modes abort, SendSIGKILL=no",
            policy(&[
                (Field::Type, "notify-reload"),
                (Field::TimeoutStartFailureMode, "abort"),
                (Field::TimeoutStopFailureMode, "abort"),
                (Field::SendSigkill, "no"),
            ]),
        ),
        (
            "a probe that must hold again after a reload, ExecReload",
            policy(&[(Field::Ready, "tcp:80"), (Field::ExecReload, "/bin/true")]),
        ),
    ]
}

/// A state in this phase as it comes about: with the processes that run there.
fn state(phase: Phase) -> State {
    let control = matches!(
        phase,
        Phase::Condition | Phase::StartPre | Phase::StartPost | Phase::Reload | Phase::Stop | Phase::StopPost
    );
    let main = matches!(
        phase,
        Phase::Start
            | Phase::StartPost
            | Phase::Running
            | Phase::Reload
            | Phase::Stop
            | Phase::StopWatchdog
            | Phase::StopSigterm
            | Phase::StopSigkill
    );
    State { phase, main, control, ..State::NEW }
}

fn table() -> String {
    let mut text = String::new();
    for (name, policy) in policies() {
        writeln!(text, "# {name}").unwrap();
        for phase in PHASES {
            for event in EVENTS {
                let before = state(phase);
                let (after, actions) = step(&policy, before, event);
                if after == before && actions.is_empty() {
                    continue;
                }
                let actions: Vec<_> = actions.iter().map(|action| format!("{action:?}")).collect();
                let line = format!(
                    "{:<13} {:<26} {:<13} {:<14} {}",
                    format!("{phase:?}"),
                    format!("{event:?}"),
                    format!("{:?}", after.phase),
                    after.result.name(),
                    actions.join(" ")
                );
                writeln!(text, "{}", line.trim_end()).unwrap();
            }
        }
        text.push('\n');
    }
    text
}

/// UPDATE=1 writes the file.
#[test]
fn machine_has_the_table_of_its_golden_file() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/machine.txt");
    let now = table();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(path, &now).unwrap();
    }
    assert_eq!(now, std::fs::read_to_string(path).unwrap_or_default(), "UPDATE=1 writes it");
}

/// What a loop does that starts nothing: every command and program ends at once, in this way.
fn live(policy: &Policy, first: Event, ends: Ended) -> (State, Vec<Action>) {
    let (mut state, mut all) = (State::NEW, Vec::new());
    let mut events = std::collections::VecDeque::from([first]);
    for _ in 0..1000 {
        let Some(event) = events.pop_front() else { break };
        let (next, actions) = step(policy, state, event);
        state = next;
        for action in actions {
            match action {
                Action::Run(..) => events.push_back(Event::ControlEnded(ends)),
                Action::RunMain(_) => events.push_back(Event::MainEnded(ends)),
                Action::Kill(_) if state.main => events.push_back(Event::MainEnded(Ended::Killed(15))),
                Action::Kill(_) => events.push_back(Event::Empty),
                Action::Attempt => events.push_back(Event::StartLimit),
                Action::Set(Timer::Restart) => events.push_back(Event::Timeout),
                Action::KillControl
                | Action::BeginReload
                | Action::SendReload
                | Action::Set(_)
                | Action::Started
                | Action::Reloaded(_)
                | Action::Tidy(_)
                | Action::End => {}
            }
            all.push(action);
        }
    }
    (state, all)
}

#[test]
fn oneshot_service_runs_its_commands_in_order() {
    use CommandKind as K;
    let policy = policy(&[&COMMANDS[..], &[(Field::Type, "oneshot"), (Field::ExecStart, "/bin/b")]].concat());
    let (state, actions) = live(&policy, Event::Start, Ended::Exited(0));
    let ran: Vec<_> = actions
        .iter()
        .filter_map(|action| match action {
            Action::Run(kind, at) => Some((*kind, *at)),
            Action::RunMain(at) => Some((CommandKind::Main, *at)),
            _ => None,
        })
        .collect();
    let expected = [
        (K::Condition, 0),
        (K::StartPre, 0),
        (K::StartPre, 1),
        (K::Main, 0),
        (K::Main, 1),
        (K::StartPost, 0),
        (K::Stop, 0),
        (K::StopPost, 0),
    ];
    assert_eq!(ran, expected);
    assert_eq!((state.phase, state.result), (Phase::Dead, ServiceResult::Success));
    assert_eq!(actions.iter().filter(|action| **action == Action::Started).count(), 1);
    assert_eq!(actions.last(), Some(&Action::End));
}

#[test]
fn failed_command_before_the_program_keeps_it_from_running() {
    let policy = policy(&COMMANDS);
    let (state, actions) = live(&policy, Event::Start, Ended::Killed(9));
    assert!(!actions.contains(&Action::RunMain(0)) && !actions.contains(&Action::Started));
    assert!(actions.contains(&Action::Run(CommandKind::StopPost, 0)));
    assert_eq!((state.phase, state.result), (Phase::Failed, ServiceResult::Signal));
}

#[test]
fn condition_that_says_no_is_no_failure() {
    let policy = policy(&[(Field::ExecCondition, "/bin/false"), (Field::Restart, "always")]);
    let (state, actions) = live(&policy, Event::Start, Ended::Exited(1));
    assert!(!actions.contains(&Action::RunMain(0)));
    assert_eq!((state.phase, state.result), (Phase::Dead, ServiceResult::ExecCondition));
}

#[test]
fn restart_follows_the_policy_and_the_exit_status() {
    let restarts = |fields: &[(Field, &str)], ended: Ended| {
        let policy = policy(fields);
        let running = State { phase: Phase::Running, main: true, ..State::NEW };
        let (state, _) = step(&policy, running, Event::MainEnded(ended));
        let (state, _) = step(&policy, state, Event::Empty);
        let (state, _) = step(&policy, state, Event::Empty);
        state.phase == Phase::AutoRestart
    };
    let (ok, fail, kill, term) = (Ended::Exited(0), Ended::Exited(1), Ended::Killed(9), Ended::Killed(15));
    let dump = Ended::Dumped(6);
    // The table of systemd.service(5), `Restart=`.
    for (policy, expected) in [
        ("no", [false; 5]),
        ("always", [true; 5]),
        ("on-success", [true, false, false, true, false]),
        ("on-failure", [false, true, true, false, true]),
        ("on-abnormal", [false, false, true, false, true]),
        ("on-abort", [false, false, true, false, true]),
        ("on-watchdog", [false; 5]),
    ] {
        let found = [ok, fail, kill, term, dump].map(|ended| restarts(&[(Field::Restart, policy)], ended));
        assert_eq!(found, expected, "{policy}");
    }
    let always = (Field::Restart, "always");
    assert!(!restarts(&[always, (Field::RestartPreventExitStatus, "1 SIGKILL")], fail));
    assert!(!restarts(&[always, (Field::RestartPreventExitStatus, "1 SIGKILL")], kill));
    assert!(restarts(&[(Field::RestartForceExitStatus, "1")], fail));
    assert!(!restarts(&[(Field::Restart, "on-failure"), (Field::SuccessExitStatus, "1")], fail));
    // A core dump is never a success, but its signal may prevent a restart.
    assert!(restarts(&[(Field::Restart, "on-failure"), (Field::SuccessExitStatus, "SIGABRT")], dump));
    assert!(!restarts(&[always, (Field::RestartPreventExitStatus, "SIGABRT")], dump));
}

/// Whatever happens, a service that is asked to stop ends, if only the times go by.
#[test]
fn every_state_ends_after_a_stop_by_timeouts_alone() {
    for (name, policy) in policies() {
        for phase in PHASES.into_iter().filter(|phase| !matches!(phase, Phase::Dead | Phase::Failed)) {
            let (mut state, mut actions) = step(&policy, state(phase), Event::Stop);
            let mut ended = actions.contains(&Action::End);
            for _ in 0..20 {
                if ended {
                    break;
                }
                (state, actions) = step(&policy, state, Event::Timeout);
                ended = actions.contains(&Action::End);
            }
            assert!(ended && matches!(state.phase, Phase::Dead | Phase::Failed), "{name}: {phase:?}");
        }
    }
}

/// Sequences of random events: no state is left that the table does not know, and a life ends at most once.
#[test]
fn random_events_start_and_end_a_life_at_most_once() {
    let mut seed = 1_u64;
    let mut random = |below: usize| {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below
    };
    for (_, policy) in policies() {
        for _ in 0..2000 {
            let (mut state, _) = step(&policy, State::NEW, Event::Start);
            let mut running = false;
            for _ in 0..60 {
                let event = EVENTS[random(EVENTS.len())];
                let (next, actions) = step(&policy, state, event);
                let started = actions.iter().filter(|action| **action == Action::Started).count();
                assert!(started <= 1 && !(started == 1 && running), "{state:?} {event:?}");
                running |= started == 1;
                if actions.iter().any(|action| matches!(action, Action::Tidy(_) | Action::End)) {
                    running = false;
                }
                let ends = actions.iter().filter(|action| **action == Action::End).count();
                let over = matches!(next.phase, Phase::Dead | Phase::Failed);
                assert!(ends == 0 || over, "{state:?} {event:?} {next:?}");
                state = next;
            }
        }
    }
}
