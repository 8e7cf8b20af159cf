//! Every link in the repository leads to a file, and to a heading in it.

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use super::page::Page;
use crate::harness::SOURCES;

/// The pages beside the manual.
const OTHERS: [&str; 6] = [
    "ARCHITECTURE.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "units/README.md",
    "launchd/README.md",
    "packaging/README.md",
];

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let there = |name: &&str| Path::new(SOURCES).join(name).exists();
    let others = OTHERS.iter().filter(|name| there(name)).map(|name| Page::read(name));
    let pages: Vec<Page> = Page::all().into_iter().chain(others).collect();
    let (mut broken, mut count) = (Vec::new(), 0);
    for page in &pages {
        for target in links(&page.text) {
            count += 1;
            if let Some(why) = problem(page, target) {
                broken.push(format!("{}: {target}: {why}", page.name));
            }
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
    assert!(count > 100, "hardly any link was found: {count}");
}

#[test]
fn every_page_of_the_manual_is_in_its_table_of_contents() {
    let contents = Page::read("docs/README.md");
    let linked: BTreeSet<String> = links(&contents.text).map(|target| format!("docs/{target}")).collect();
    let pages = Page::all();
    let missing: Vec<&str> = pages
        .iter()
        .map(|page| page.name.as_str())
        .filter(|name| !["README.md", "docs/README.md"].contains(name) && !linked.contains(*name))
        .collect();
    assert!(missing.is_empty(), "docs/README.md does not link {missing:?}");
}

/// The targets of the links and pictures outside of code.
fn links(text: &str) -> impl Iterator<Item = &str> {
    let mut fenced = false;
    text.lines()
        .filter(move |line| {
            fenced ^= line.starts_with("```");
            !fenced
        })
        .flat_map(|line| line.split('`').step_by(2))
        .flat_map(|prose| prose.split("](").skip(1).chain(prose.split("src=\"").skip(1)))
        .filter_map(|rest| rest.split([')', '"']).next())
}

fn problem(page: &Page, target: &str) -> Option<String> {
    if target.starts_with("https://") {
        return None;
    }
    let (file, heading) =
        target.split_once('#').map_or((target, None), |(file, heading)| (file, Some(heading)));
    let path =
        if file.is_empty() { PathBuf::from(&page.name) } else { Path::new(&page.name).parent()?.join(file) };
    let path = normal(&path);
    if !Path::new(SOURCES).join(&path).exists() {
        return Some("there is no such file".to_owned());
    }
    let heading = heading?;
    let text = Page::read(&path.display().to_string()).text;
    let found = text
        .lines()
        .filter_map(|line| Some(line.strip_prefix('#')?.trim_start_matches('#')))
        .any(|title| anchor(title) == heading);
    (!found).then(|| format!("{} has no such heading", path.display()))
}

/// The path without `..`.
fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut path, part| {
        match part {
            Component::ParentDir => drop(path.pop()),
            part => path.push(part),
        }
        path
    })
}

/// The anchor that web pages give to a heading.
fn anchor(title: &str) -> String {
    let plain = title.trim().to_lowercase();
    plain
        .chars()
        .filter(|&c| c.is_alphanumeric() || " -_".contains(c))
        .map(|c| if c == ' ' { '-' } else { c })
        .collect()
}

#[test]
fn anchor_of_a_heading_has_no_punctuation() {
    assert_eq!(anchor(" Exit statuses of `run`"), "exit-statuses-of-run");
    assert_eq!(anchor(" s6, runit and [X-Svcadapt]"), "s6-runit-and-x-svcadapt");
}
