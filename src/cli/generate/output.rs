//! The final texts, losses and notes, and the account for `--json`.

use serde_json::{Value, json};
use svcadapt::StepError;
use svcadapt_convert::divide::{Division, Loss, LossKind, Subject};
use svcadapt_convert::harden::Hardening;
use svcadapt_convert::script::ScriptFile;
use svcadapt_convert::{Rendered, Rewritten};
use svcadapt_spec::{FIELDS, ServiceSpec, values};

use super::OutputFile;
use super::format::{Rewriting, SecondFile};

/// The files to write, and what to report about them.
pub(crate) struct GeneratedFiles {
    /// At least one.
    pub(crate) files: Vec<OutputFile>,
    pub(crate) losses: Vec<Loss>,
    /// Lines that are kept though the host ignores them.
    pub(crate) strange: Vec<Loss>,
    pub(crate) notes: Vec<StepError>,
    /// Whether the text is the source file, changed line by line.
    pub(crate) is_rewritten: bool,
}

impl GeneratedFiles {
    /// Scripts, which are always newly written.
    pub(crate) fn of_scripts(files: Vec<ScriptFile>, losses: &[Loss]) -> Self {
        let file = |ScriptFile { path, mode, text }| OutputFile { path, mode, text };
        Self {
            files: files.into_iter().map(file).collect(),
            losses: losses.to_vec(),
            strange: Vec::new(),
            notes: Vec::new(),
            is_rewritten: false,
        }
    }
}

/// Prefers the source file changed line by line to the newly written text.
pub(crate) fn output(
    name: String,
    rendered: Rendered,
    second: Option<SecondFile>,
    rewriting: Option<Rewriting>,
) -> GeneratedFiles {
    let (second_name, second_text) = second.map(|second| (second.name, second.text.into_bytes())).unzip();
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
    let files = [(name, text)].into_iter().chain(second_name.zip(sibling));
    let files = files.map(|(path, text)| OutputFile::read_only(path, text)).collect();
    GeneratedFiles { files, losses, strange, notes, is_rewritten }
}

/// The JSON object of `--json`: the files, and for each field who implements it and how exactly.
pub(super) fn account(
    spec: &ServiceSpec,
    division: &Division,
    output: &GeneratedFiles,
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
    let text = |file: &OutputFile| String::from_utf8_lossy(&file.text).into_owned();
    let mut account = json!({ "fields": fields });
    match &output.files[..] {
        [file, rest @ ..] if file.mode == OutputFile::READ_ONLY => {
            account["text"] = text(file).into();
            if let [second, ..] = rest {
                account["beside"] = json!({ "name": second.path, "text": text(second) });
            }
        }
        files => {
            let entry = |file: &OutputFile| json!({ "name": file.path, "mode": format!("{:04o}", file.mode), "text": text(file) });
            account["files"] = files.iter().map(entry).collect();
        }
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
pub(super) fn concatenated(files: &[OutputFile]) -> Vec<u8> {
    if let [file] = files {
        return file.text.clone();
    }
    let named = |file: &OutputFile| [format!("# {}\n", file.path).as_bytes(), &file.text].concat();
    files.iter().map(named).collect::<Vec<_>>().join(&b'\n')
}
