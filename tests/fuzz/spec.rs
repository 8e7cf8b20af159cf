//! A spec that bytes decide.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::sync::OnceLock;

use svcadapt_spec::{FIELDS, Field, Origin, ServiceSpec, SpecDraft};

use super::gists;

/// Values of which every field takes some; which, is asked of the field, so that a new field needs no line here.
const VALUES: [&str; 96] = [
    "route 1",
    "",
    "0",
    "1",
    "5",
    "7",
    "19",
    "-5",
    "027",
    "0700",
    "2750",
    "90",
    "1500ms",
    "1min 30s",
    "infinity",
    "5:infinity",
    "1:2",
    "9223372036854775808",
    "yes",
    "no",
    "on",
    "web",
    "web@1",
    "web@1/x",
    "D\\web",
    "a_b",
    "org.example.web",
    "A=1",
    "A=",
    "A=2",
    "_b=\"'$%\\",
    "A",
    "LANG",
    "/",
    "/run/x",
    "/a b%",
    "/a$b",
    "-/etc/x",
    "-/a*[b]",
    "null",
    "inherit",
    "file:/x",
    "append:/a $b",
    "truncate:/%n:",
    "simple",
    "exec",
    "notify",
    "forking",
    "oneshot",
    "notify-reload",
    "127.0.0.1:80",
    "@abstract",
    "both",
    "ipv6-only",
    "SIGHUP",
    "SIGTERM",
    "always",
    "on-failure",
    "multi-user.target",
    "CAP_CHOWN",
    "CAP_CHOWN CAP_KILL",
    "~CAP_KILL",
    "~",
    "fd:3",
    "tcp:80",
    "tcp:[::1]:80",
    "unix:/s",
    "file:/r",
    "exec:a; b",
    "log:up",
    "5,6",
    "-+",
    "!!",
    "PathExists=|!/a b%",
    "Memory=>=1G",
    "/bin/kill -HUP $MAINPID",
    "-@:+/bin/a zero '%n $$' \\;",
    "direct",
    "terminate",
    "control-group",
    "mixed",
    "restart",
    "continue",
    "1 TEMPFAIL SIGHUP",
    "QUIT",
    "stop",
    "x86-64",
    "shared",
    "noroot keep-caps-locked",
    "default shared-dax",
    "interleave",
    "all",
    "key:/etc/key",
    "12.5%",
    "1.5G",
    "gzip",
];

/// As many bytes as decide anything. Of more a spec would have many values and no new one.
const LONGEST: usize = 4096;

/// What bytes decide; behind their end everything is 0.
struct Choices<'a>(&'a [u8]);

impl<'a> Choices<'a> {
    fn below(&mut self, limit: usize) -> usize {
        let Some((&byte, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        usize::from(byte) % limit.max(1)
    }

    /// Up to 31 bytes as they stand.
    fn text(&mut self) -> &'a [u8] {
        let length = self.below(32).min(self.0.len());
        let (text, rest) = self.0.split_at(length);
        self.0 = rest;
        text
    }
}

/// The spec, or why there is none. A value that its field does not take is left out.
pub(super) fn made_of(bytes: &[u8]) -> Result<ServiceSpec, String> {
    let mut choices = Choices(&bytes[..bytes.len().min(LONGEST)]);
    let mut draft = SpecDraft::new();
    let program = match choices.below(6) {
        0 => [b"/", choices.text()].concat(),
        1 => b"/bin/a$b".to_vec(),
        _ => b"/bin/web".to_vec(),
    };
    let mut words = vec![program];
    words.extend((0..choices.below(6)).map(|_| choices.text().to_vec()));
    draft.command(words.iter().map(|word| OsStr::from_bytes(word).to_owned()).collect());
    while !choices.0.is_empty() {
        let index = choices.below(FIELDS.len());
        let field = FIELDS[index].field;
        let value = match choices.below(5) {
            0 => choices.text().to_vec(),
            1 => [b"/", choices.text()].concat(),
            2 => [b"A=", choices.text()].concat(),
            _ => {
                let known = &known()[index];
                draft.assign(field, known[choices.below(known.len())], Origin::Option);
                continue;
            }
        };
        if takes(field, &value) {
            draft.assign(field, OsStr::from_bytes(&value), Origin::Option);
        }
    }
    draft.finish().map_err(gists)
}

/// For each field in its order those values that it takes.
fn known() -> &'static [Vec<&'static str>] {
    static KNOWN: OnceLock<Vec<Vec<&'static str>>> = OnceLock::new();
    KNOWN.get_or_init(|| {
        let taken = |field| VALUES.into_iter().filter(move |value| takes(field, value.as_bytes())).collect();
        let known: Vec<Vec<_>> = FIELDS.iter().map(|row| taken(row.field)).collect();
        let without = FIELDS.iter().zip(&known).find(|(_, values)| values.is_empty());
        assert!(without.is_none(), "no value for {without:?}");
        known
    })
}

fn takes(field: Field, value: &[u8]) -> bool {
    let mut draft = SpecDraft::new();
    draft.command(vec!["/bin/web".into()]);
    // Of a socket that is not there nothing can be said.
    if field.needs_socket() {
        draft.assign(Field::ListenStream, "1", Origin::Option);
    }
    draft.assign(field, OsStr::from_bytes(value), Origin::Option);
    draft.finish().is_ok()
}
