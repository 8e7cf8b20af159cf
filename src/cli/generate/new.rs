//! What is written in the end.

use serde_json::{Value, json};
use svcadapt::StepError;
use svcadapt_convert::divide::internal::values;
use svcadapt_convert::divide::{Division, Loss, LossKind, Subject};
use svcadapt_convert::harden::Hardening;
use svcadapt_convert::{Rendered, Rewritten};
use svcadapt_spec::{FIELDS, ServiceSpec};

use super::{Beside, Rewriting};

/// What is written in the end, and what is to be told of it.
pub(super) struct New {
    pub(super) text: Vec<u8>,
    /// A second file, and its name.
    pub(super) beside: Option<(String, Vec<u8>)>,
    pub(super) losses: Vec<Loss>,
    pub(super) strange: Vec<Loss>,
    pub(super) notes: Vec<StepError>,
    /// Whether it is in the words of the file that it was read from.
    pub(super) in_own_words: bool,
}

/// In the words of the file that it was read from, where that can be.
pub(super) fn in_own_words(anew: Rendered, beside: Option<Beside>, rewriting: Option<Rewriting>) -> New {
    let (name, second) = beside.map(|beside| (beside.name, beside.text.into_bytes())).unzip();
    let (new, notes) = match rewriting {
        Some(Rewriting::Lines(rewritten, notes)) => (Some(rewritten), notes),
        Some(Rewriting::Anew) => {
            let cause = "what is asked for cannot be changed line by line: comments and order are not kept";
            (None, vec![StepError::new("output", cause)])
        }
        Some(Rewriting::Foreign) | None => (None, Vec::new()),
    };
    let in_own_words = new.is_some();
    let new = new.unwrap_or(Rewritten {
        text: anew.text.into_bytes(),
        beside: second,
        losses: anew.losses,
        strange: Vec::new(),
    });
    let Rewritten { text, beside, losses, strange } = new;
    New { text, beside: name.zip(beside), losses, strange, notes, in_own_words }
}

/// The files, and field by field who honours it and how well.
pub(super) fn account(spec: &ServiceSpec, division: &Division, new: &New, hardening: &Hardening) -> Value {
    let of = |subject: &Subject| new.losses.iter().find(|loss| loss.subject == *subject);
    let entry = |subject: Subject, by: &str| {
        let loss = of(&subject);
        json!({
            "subject": subject.to_string(),
            "by": by,
            "kind": loss.map_or("exact", |loss| loss.kind.name()),
            "why": loss.map(|loss| loss.kind.words()),
            "weakens_security": loss.is_some_and(Loss::weakens_security),
        })
    };
    let said = FIELDS.iter().map(|row| row.field).filter(|field| !values(spec, *field).is_empty());
    let mut fields: Vec<Value> = said
        .map(|field| {
            let by = match field {
                _ if division.host.contains(&field) => "host",
                _ if division.adapter.contains(&field) => "adapter",
                _ => "nobody",
            };
            entry(Subject::Field(field), by)
        })
        .collect();
    let native = new.losses.iter().filter(|loss| !matches!(loss.subject, Subject::Field(_)));
    fields.extend(native.map(|loss| {
        let by = if matches!(loss.kind, LossKind::Approximated(_)) { "host" } else { "nobody" };
        entry(loss.subject.clone(), by)
    }));
    let mut account = json!({ "text": String::from_utf8_lossy(&new.text), "fields": fields });
    if let Some((name, text)) = &new.beside {
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

/// Of several files each begins with its name, as `systemctl cat` has it.
pub(super) fn one_after_the_other(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    if let [(_, text)] = files {
        return text.clone();
    }
    let named = |(name, text): &(String, Vec<u8>)| [format!("# {name}\n").as_bytes(), text].concat();
    files.iter().map(named).collect::<Vec<_>>().join(&b'\n')
}
