//! Common mistakes, each with a corrected file; tests/fixtures/mistakes has the list and its format.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::findings;
use crate::harness::{Dir, SOURCES};

/// One mistake.
struct Case {
    code: String,
    title: String,
    /// Checked on this machine, not with `--elsewhere`.
    here: bool,
    /// The mistake has no line.
    whole: bool,
    option: Option<String>,
    name: String,
    /// The lines, each with its mark.
    lines: Vec<String>,
}

/// Which of the two files of a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum File {
    Wrong,
    Right,
}

fn cases(file: &str, usual: &str) -> Vec<Case> {
    let text = fs::read_to_string(Path::new(SOURCES).join("tests/fixtures/mistakes").join(file)).unwrap();
    let mut cases: Vec<Case> = Vec::new();
    for line in text.lines() {
        if let Some(head) = line.strip_prefix("@@ ") {
            let (words, title) = head.split_once(" | ").unwrap();
            let mut words = words.split(' ');
            let mut case = Case {
                code: words.next().unwrap().to_owned(),
                title: title.to_owned(),
                here: false,
                whole: false,
                option: None,
                name: usual.to_owned(),
                lines: Vec::new(),
            };
            for word in words {
                match word {
                    "here" => case.here = true,
                    "whole" => case.whole = true,
                    option if option.starts_with("--") => case.option = Some(option.to_owned()),
                    name => name.clone_into(&mut case.name),
                }
            }
            cases.push(case);
        } else if line.starts_with([' ', '+', '-', '!', '=']) {
            cases.last_mut().unwrap().lines.push(line.to_owned());
        }
    }
    cases
}

impl Case {
    /// Writes one of the two files into a folder, and returns the line of the mistake.
    fn write(&self, folder: &Path, which: File) -> Option<u64> {
        let (mut files, mut current, mut line) =
            (BTreeMap::<&str, Vec<&str>>::new(), self.name.as_str(), None);
        files.insert(current, Vec::new());
        for marked in &self.lines {
            if let Some(name) = marked.strip_prefix("=== ") {
                current = name;
                continue;
            }
            let (mark, text) = marked.split_at(1);
            if mark == "+" && which == File::Wrong || ["-", "!"].contains(&mark) && which == File::Right {
                continue;
            }
            let lines = files.entry(current).or_default();
            lines.push(text);
            if mark == "!" || mark == "-" && line.is_none() {
                line = Some(lines.len());
            }
        }
        let job = files
            .get_mut(self.name.as_str())
            .filter(|_| Path::new(&self.name).extension().is_some_and(|end| end == "plist"));
        if let Some(before) = job.and_then(as_job) {
            line = line.map(|line| line + before);
        }
        for (name, lines) in files {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            let text = lines.join("\n") + "\n";
            fs::write(path, text.replace("DIR", folder.to_str().unwrap())).unwrap();
        }
        line.filter(|_| !self.whole).map(|line| u64::try_from(line).unwrap())
    }
}

/// Wraps the keys of a job into a property list, and returns the number of lines before them.
fn as_job(lines: &mut Vec<&str>) -> Option<usize> {
    const BEFORE: [&str; 2] = ["<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "<plist version=\"1.0\"><dict>"];
    let text = lines.join("\n");
    if ["<?xml", "<plist", "{"].iter().any(|begin| text.starts_with(begin)) {
        return None;
    }
    for (key, entry) in [
        ("<key>Label</key>", "<key>Label</key><string>org.example.web</string>"),
        ("<key>Program", "<key>ProgramArguments</key><array><string>/usr/local/bin/web</string></array>"),
        ("<key>RunAtLoad</key>", "<key>RunAtLoad</key><true/>"),
    ] {
        if !text.contains(key) {
            lines.push(entry);
        }
    }
    lines.push("</dict></plist>");
    lines.splice(0..0, BEFORE);
    Some(BEFORE.len())
}

/// Checks all files of the cases, and returns the findings by path.
fn look(dir: &Dir, cases: &[Case], which: File) -> Vec<(Option<u64>, Vec<Value>)> {
    let mut groups: BTreeMap<(bool, Option<&str>), Vec<String>> = BTreeMap::new();
    let mut paths = Vec::new();
    for (number, case) in cases.iter().enumerate() {
        let folder = dir.join(&format!("{number}-{which:?}"));
        let line = case.write(&folder, which);
        let path = folder.join(&case.name).to_str().unwrap().to_owned();
        groups.entry((case.here, case.option.as_deref())).or_default().push(path.clone());
        paths.push((path, line));
    }
    let mut all: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for ((here, option), paths) in groups {
        // In parts, so that a red run can be read.
        for paths in paths.chunks(30) {
            let mut arguments: Vec<&str> = option.into_iter().collect();
            arguments.extend((!here).then_some("--elsewhere"));
            arguments.extend(paths.iter().map(String::as_str));
            for finding in findings(dir, &arguments) {
                all.entry(finding["file"].as_str().unwrap().to_owned()).or_default().push(finding);
            }
        }
    }
    paths.into_iter().map(|(path, line)| (line, all.remove(&path).unwrap_or_default())).collect()
}

/// Fails if a mistake is not found by its code in its line, or if the corrected file has a finding.
fn assert_findings(file: &str, usual: &str) {
    let (dir, cases) = (Dir::new(), cases(file, usual));
    assert!(cases.len() >= 100, "only {} cases in {file}", cases.len());
    let mut wrong = Vec::new();
    for (case, (line, found)) in cases.iter().zip(look(&dir, &cases, File::Wrong)) {
        let right = |one: &Value| one["code"] == case.code.as_str() && one["line"].as_u64() == line;
        if !found.iter().any(right) {
            wrong.push(format!("missed: {} in line {line:?}: {}: {found:?}", case.code, case.title));
        }
    }
    for (case, (_, found)) in cases.iter().zip(look(&dir, &cases, File::Right)) {
        if !found.is_empty() {
            wrong.push(format!("false: {}: {}: {found:?}", case.code, case.title));
        }
    }
    assert!(wrong.is_empty(), "{} of {}:\n{}", wrong.len(), 2 * cases.len(), wrong.join("\n"));
}

#[test]
fn known_mistakes_in_units_are_found_at_their_lines() {
    assert_findings("units.txt", "web.service");
}

#[test]
fn known_mistakes_in_property_lists_are_found_at_their_lines() {
    assert_findings("plists.txt", "org.example.web.plist");
}
