//! The final texts, losses and notes, and the account for `--json`.

use serde_json::{Value, json};
use svcadapt::StepError;
use svcadapt_convert::divide::{Division, Loss, LossKind, Subject};
use svcadapt_convert::harden::Hardening;
use svcadapt_convert::{Rendered, Rewritten};
use svcadapt_spec::{FIELDS, ServiceSpec, values};

use super::format::{Rewriting, SecondFile};

/// The texts to write, and what to report about them.
pub(super) struct GeneratedTexts {
    pub(super) text: Vec<u8>,
    /// The name and text of a second file.
    pub(super) second: Option<(String, Vec<u8>)>,
    pub(super) losses: Vec<Loss>,
    /// Lines that are kept though the host ignores them.
    pub(super) strange: Vec<Loss>,
    pub(super) notes: Vec<StepError>,
    /// Whether the text is the source file, changed line by line.
    pub(super) is_rewritten: bool,
}

/// Prefers the source file changed line by line to the newly written text.
pub(super) fn output(
    rendered: Rendered,
    second: Option<SecondFile>,
    rewriting: Option<Rewriting>,
) -> GeneratedTexts {
    let (name, second_text) = second.map(|second| (second.name, second.text.into_bytes())).unzip();
    let (rewritten, notes) = match rewriting {
        Some(Rewriting::LineByLine(rewritten, notes)) => (Some(rewritten), notes),
        Some(Rewriting::Impossible) => {
            let cause = "the changes cannot be made line by line: comments and order are lost";
            (None, vec![StepError::new("output", cause)])
        }
        Some(Rewriting::OtherFormat) | None => (None, Vec::new()),
    };
    let is_rewritten = rewritten.is_some();
    let Rewritten { text, sibling, losses, unknown_lines: strange } = rewritten.unwrap_or(Rewritten {
        text: rendered.text.into_bytes(),
        sibling: second_text,
        losses: rendered.losses,
        unknown_lines: Vec::new(),
    });
    GeneratedTexts { text, second: name.zip(sibling), losses, strange, notes, is_rewritten }
}

/// The JSON object of `--json`: the files, and for each field who implements it and how exactly.
pub(super) fn account(
    spec: &ServiceSpec,
    division: &Division,
    output: &GeneratedTexts,
    hardening: &Hardening,
) -> Value {
    let entry = |subject: Subject, by: &str| {
        let loss = output.losses.iter().find(|loss| loss.subject == subject);
        json!({
            "subject": subject.to_string(),
            "by": by,
            "kind": loss.map_or("exact", |loss| loss.kind.name()),
            "why": loss.map(|loss| loss.kind.words()),
            "weakens_security": loss.is_some_and(Loss::weakens_security),
        })
    };
    let set_fields = FIELDS.iter().map(|row| row.field).filter(|field| !values(spec, *field).is_empty());
    let mut fields: Vec<Value> = set_fields
        .map(|field| {
            let by = match field {
                _ if division.host.contains(&field) => "host",
                _ if division.adapter.contains(&field) => "adapter",
                _ => "nobody",
            };
            entry(Subject::Field(field), by)
        })
        .collect();
    let native = output.losses.iter().filter(|loss| !matches!(loss.subject, Subject::Field(_)));
    fields.extend(native.map(|loss| {
        let by = if matches!(loss.kind, LossKind::Approximated(_)) { "host" } else { "nobody" };
        entry(loss.subject.clone(), by)
    }));
    let mut account = json!({ "text": String::from_utf8_lossy(&output.text), "fields": fields });
    if let Some((name, text)) = &output.second {
        account["beside"] = json!({ "name": name, "text": String::from_utf8_lossy(text) });
    }
    if *hardening != Hardening::default() {
        let set = hardening.set.iter().map(
            |set| json!({ "directive": set.directive, "value": set.value.to_string_lossy(), "why": set.why }),
        );
        let left_out = hardening.left_out.iter();
        let left_out = left_out.map(|gone| json!({ "directive": gone.directive, "why": gone.why }));
        account["hardening"] =
            json!({ "set": set.collect::<Vec<_>>(), "left_out": left_out.collect::<Vec<_>>() });
    }
    account
}

/// The files one after the other, each below a line with its name, as `systemctl cat` prints them.
pub(super) fn concatenated(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    if let [(_, text)] = files {
        return text.clone();
    }
    let named = |(name, text): &(String, Vec<u8>)| [format!("# {name}\n").as_bytes(), text].concat();
    files.iter().map(named).collect::<Vec<_>>().join(&b'\n')
}
