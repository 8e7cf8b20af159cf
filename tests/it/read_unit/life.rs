//! The directives about the life of a service: read, written, rewritten, and named where no program does them.

use serde_json::{Value, json};

use crate::support::{Folder, printed, stderr_of, svcadapt};

/// Every directive about the life of a service, in forms that a writer would not choose.
const UNIT: &str = "\
[Unit]
ConditionPathExists = | ! /etc/%p
AssertUser=root
ConditionFirstBoot=no
StartLimitInterval=10s
# a comment
[Service]
Type=forking
StartLimitBurst=3
ExecCondition=/bin/true
ExecStartPre=-/bin/sh -c 'test -e \"%n\"' ; +/bin/true \\;
ExecStart=-!!/bin/web $OPTIONS
ExecStartPost=@/bin/true zero
ExecReload=/bin/kill  -HUP  $MAINPID
ExecStop=:/bin/echo $A
ExecStopPost=!/bin/true
RemainAfterExit=off
RestartSteps=5
RestartMaxDelaySec=1min
RestartMode=direct
RestartPreventExitStatus=1 TEMPFAIL
RestartForceExitStatus=SIGTERM
SuccessExitStatus=143
SuccessExitStatus=KILL
RuntimeMaxSec=1h
RuntimeRandomizedExtraSec=5
TimeoutSec=7
TimeoutAbortSec=8
TimeoutStartFailureMode=abort
TimeoutStopFailureMode=kill
KillMode=mixed
RestartKillSignal=INT
FinalKillSignal=9
WatchdogSignal=SIGQUIT
SendSIGHUP=1
SendSIGKILL=no
WatchdogSec=30
RuntimeDirectoryPreserve=true
FileDescriptorStoreMax=7
FileDescriptorStorePreserve=false
GuessMainPID=no
OOMPolicy=kill
";

fn written(folder: &Folder, unit: &str) -> String {
    folder.write("web.service", unit);
    folder.path().join("web.service").display().to_string()
}

fn shown(file: &str) -> Value {
    serde_json::from_str(&printed(["show", file])).unwrap()
}

#[test]
fn each_directive_of_a_life_is_a_field() {
    let folder = Folder::new();
    let all = shown(&written(&folder, UNIT));
    for (key, value) in [
        ("condition", json!(["PathExists=|!/etc/web", "FirstBoot=no"])),
        ("assert", json!(["User=root"])),
        ("start_limit_interval_sec", json!("10s")),
        ("start_limit_burst", json!(3)),
        ("command", json!(["/bin/web", "$OPTIONS"])),
        ("expand_variables", json!(true)),
        ("exec_prefix", json!("-!!")),
        ("exec_condition", json!(["/bin/true"])),
        ("exec_start_pre", json!(["-/bin/sh -c \"test -e \\\"web.service\\\"\"", "+/bin/true \";\""])),
        ("exec_start_post", json!(["@/bin/true zero"])),
        ("exec_reload", json!(["/bin/kill -HUP $MAINPID"])),
        ("exec_stop", json!([":/bin/echo $A"])),
        ("exec_stop_post", json!(["!/bin/true"])),
        ("remain_after_exit", json!(false)),
        ("restart_steps", json!(5)),
        ("restart_max_delay_sec", json!("60s")),
        ("restart_mode", json!("direct")),
        ("restart_prevent_exit_status", json!(["1", "75"])),
        ("restart_force_exit_status", json!(["SIGTERM"])),
        ("success_exit_status", json!(["143", "SIGKILL"])),
        ("runtime_max_sec", json!("3600s")),
        ("runtime_randomized_extra_sec", json!("5s")),
        ("timeout_start_sec", json!("7s")),
        ("timeout_stop_sec", json!("7s")),
        ("timeout_abort_sec", json!("8s")),
        ("timeout_start_failure_mode", json!("abort")),
        ("timeout_stop_failure_mode", json!("kill")),
        ("kill_mode", json!("mixed")),
        ("restart_kill_signal", json!("SIGINT")),
        ("final_kill_signal", json!("SIGKILL")),
        ("watchdog_signal", json!("SIGQUIT")),
        ("send_sighup", json!(true)),
        ("send_sigkill", json!(false)),
        ("watchdog_sec", json!("30s")),
        ("runtime_directory_preserve", json!("yes")),
        ("file_descriptor_store_max", json!(7)),
        ("file_descriptor_store_preserve", json!("no")),
        ("guess_main_pid", json!(false)),
        ("oom_policy", json!("kill")),
        ("systemd", json!({})),
    ] {
        let found = all.get(key).cloned().unwrap_or_else(|| json!({}));
        assert!(found == value || key == "systemd", "{key}: {found}, not {value}");
    }
    // No line is left for systemd alone.
    assert!(!all["systemd"].to_string().contains('='), "{}", all["systemd"]);
}

#[test]
fn unit_with_a_whole_life_is_rewritten_byte_for_byte() {
    let folder = Folder::new();
    let file = written(&folder, UNIT);
    assert_eq!(printed(["gen-unit", "--systemd-version=262", &file]), UNIT);
    let changed = printed(["gen-unit", "--systemd-version=262", &file, "--kill-mode=process"]);
    assert_eq!(changed, UNIT.replace("KillMode=mixed", "KillMode=process"));
    let added = printed(["gen-unit", "--systemd-version=262", &file, "--exec-stop=/bin/true 100%"]);
    assert_eq!(
        added,
        UNIT.replace("echo $A\n", "echo $A\nExecStop=/bin/true \"100%%\"\n").replace("\"100%%\"", "100%%")
    );
}

#[test]
fn empty_value_resets_conditions_of_every_kind_and_a_list_of_commands() {
    let folder = Folder::new();
    let unit = "[Unit]\nConditionPathExists=/a\nConditionFraction=x 50%%\nConditionHost=\nConditionUser=web\n\
                [Service]\nExecStartPre=/bin/a\nExecStartPre=/bin/a %H\nExecStartPre=\nExecStartPre=/bin/b\n\
                SuccessExitStatus=1\nSuccessExitStatus=\nKillMode=mixed\nKillMode=\nExecStart=/bin/true\n";
    let all = shown(&written(&folder, unit));
    assert_eq!(all["condition"], json!(["User=web"]));
    assert_eq!(all["exec_start_pre"], json!(["/bin/b"]));
    assert_eq!((all.get("success_exit_status"), all.get("kill_mode")), (None, None));
    assert!(!all["systemd"].to_string().contains("Fraction"), "{all}");
}

#[test]
fn commands_that_only_systemd_can_read_stay_together() {
    let folder = Folder::new();
    let unit = "[Service]\nExecStart=/bin/true\nExecStop=/bin/a\nExecStop=/bin/b %H\nExecStop=/bin/c\n";
    let file = written(&folder, unit);
    assert_eq!(shown(&file).get("exec_stop"), None);
    assert_eq!(printed(["gen-unit", &file]), unit);
    // A further command follows them.
    let added = printed(["gen-unit", &file, "--exec-stop=/bin/true"]);
    assert_eq!(added, unit.to_owned() + "ExecStop=/bin/true\n");
    let output = svcadapt(["run", "--dry-run", "--verbose", &file]);
    let reported = stderr_of(&output);
    assert_eq!(reported.matches("ExecStop=: not honoured here: ").count(), 3, "{reported}");
}

#[test]
fn oneshot_service_keeps_the_order_of_its_commands() {
    let folder = Folder::new();
    let unit = "[Service]\nType=oneshot\nExecStart=-/bin/a 1 ; /bin/b 2\nExecStart=+/bin/c 3\n";
    let file = written(&folder, unit);
    let all = shown(&file);
    assert_eq!(all["command"], json!(["/bin/a", "1"]));
    assert_eq!(all["exec_prefix"], "-");
    assert_eq!(all["exec_start"], json!(["/bin/b 2", "+/bin/c 3"]));
    assert_eq!(printed(["gen-unit", &file]), unit);
    // From JSON it is the same service.
    folder.write("web.json", &all.to_string());
    let json = folder.path().join("web.json").display().to_string();
    let from_json = printed(["gen-unit", "--systemd-version=262", &json]);
    let commands: Vec<_> = from_json.lines().filter(|line| line.starts_with("ExecStart=")).collect();
    assert_eq!(commands, ["ExecStart=-/bin/a 1", "ExecStart=/bin/b 2", "ExecStart=+/bin/c 3"]);
}

#[test]
fn options_write_the_directives_of_a_life() {
    let unit = printed([
        "gen-unit",
        "--systemd-version=262",
        "--condition=PathExists=!/etc/a b%",
        "--assert=Memory=|>=1G",
        "--start-limit-burst=3",
        "--exec-prefix=-+",
        "--exec-start-pre=-/bin/sh -c 'echo 100% $A'",
        "--restart-force-exit-status=TEMPFAIL SIGHUP",
        "--kill-mode=mixed",
        "--",
        "/bin/web",
    ]);
    for line in [
        "[Unit]\nConditionPathExists=!/etc/a b%%\nAssertMemory=|>=1G\nStartLimitBurst=3\n\n[Service]\n",
        "\nExecStart=-+/bin/web\n",
        "\nExecStartPre=-/bin/sh -c \"echo 100%% $A\"\n",
        "\nRestartForceExitStatus=75 SIGHUP\n",
        "\nKillMode=mixed\n",
    ] {
        assert!(unit.contains(line), "{line}\n{unit}");
    }
}

#[test]
fn setting_that_this_systemd_does_not_know_is_lost_by_name() {
    let folder = Folder::new();
    let unit = "[Unit]\nConditionVersion=>=5\nConditionPathExists=/a\n[Service]\nRestartSteps=3\n\
                RestartMaxDelaySec=9\nExecStart=/bin/true\n";
    let output = svcadapt(["gen-unit", "--systemd-version=252", "--allow-loss", &written(&folder, unit)]);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    let (own, extension) = text.split_once("[X-Svcadapt]\n").unwrap();
    assert!(own.contains("ConditionPathExists=/a\n") && !own.contains("ConditionVersion"), "{text}");
    assert!(
        extension.contains("Condition=Version=>=5\n") && extension.contains("RestartSteps=3\n"),
        "{text}"
    );
    let reported = stderr_of(&output);
    for line in ["RestartSteps=3: lost: systemd 252 does not know it", "ConditionVersion=>=5: approximated: "]
    {
        assert!(reported.contains(line), "{line}\n{reported}");
    }
}
