//! `install` and `uninstall` that are killed: the next command repairs what they have left.

use crate::harness::{Capability, Exit, Output, all_rounds, require};

use super::on_each;

/// Kills `uninstall` and then `install` at every `$step`th of these calls, and repairs both by another run. (The tools that
/// they run are not killed.)
const KILLED: &str = r#"
# Where supervisors have their own files, and what a restart of one changes, is not listed.
files() {
    for place in /etc /srv /var/lib/svcadapt /Library; do
        [ ! -d $place ] || find $place -xdev ! -path '*/supervise*' ! -path '*/event*' ! -path '/srv/log' ! -path '*/it-[0-9]*' -printf '%p %m %u %l %y\n'
    done | sort
}
calls='rename renameat renameat2 unlink unlinkat mkdir rmdir symlink symlinkat fsync write'
install="$svcadapt install --svcadapt $svcadapt --name inst -- /bin/sleep 600"
uninstall="$svcadapt uninstall inst"
must() { "$@" >/run/said 2>&1 || { echo "$said: $*: $(cat /run/said)"; exit 1; }; }
files >/run/before
said=first
must $install
files >/run/installed
number=0
for command in "$uninstall" "$install"; do
    [ "$command" = "$uninstall" ] || must $uninstall
    strace -qq -o /run/count -e trace=$(echo $calls | tr ' ' ,) $command >/dev/null 2>&1
    must $install
    for call in $calls; do
        for at in $(seq $(grep -c "^$call(" /run/count)); do
            number=$((number + 1))
            [ $((number % step)) = 0 ] || continue
            [ "$command" = "$uninstall" ] || must $uninstall
            said="killed at $call $at of $command"
            strace -qq -o /run/trace -e trace=$call -e inject=$call:signal=KILL:when=$at $command >/dev/null 2>&1
            [ $? = 137 ] || { echo "$said: it was not killed"; exit 1; }
            must $install
            files | cmp -s - /run/installed || { echo "$said: not the installed files"; files | diff - /run/installed; exit 1; }
        done
    done
done
[ $number -gt 30 ] || { echo "only $number calls"; exit 1; }
$svcadapt uninstall inst >/dev/null
files | cmp -s - /run/before || { echo "not the files before"; files | diff - /run/before; exit 1; }
"#;

/// For each host: every how many calls, in all rounds and else. (runsvdir looks for new services every five seconds.)
const STEPS: [(&str, [usize; 2]); 6] = [
    ("classic", [2, 11]),
    ("systemd", [9, 23]),
    ("OpenRC", [2, 23]),
    ("s6", [2, 23]),
    ("runit", [31, 31]),
    ("launchd", [1, 11]),
];

#[test]
fn install_killed_at_any_call_is_repaired_by_the_next_one() {
    if !require(Capability::Strace) {
        return;
    }
    on_each(|host| {
        if !host.holds("type strace") {
            return;
        }
        let (_, steps) = STEPS.iter().find(|(name, _)| host.is(name)).unwrap();
        let step = steps[usize::from(!all_rounds())];
        let Output { stdout, stderr, exit } = host.shell(&format!("step={step}\n{KILLED}"));
        assert_eq!((stdout.as_str(), exit), ("", Exit::Status(0)), "{}: {stderr}", host.name());
    });
}
