//! A page of the manual: README.md and the files of `docs/`, and what its comments say to the tests.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::SOURCES;

/// A Markdown file that people read.
pub(super) struct Page {
    /// Its path in the repository.
    pub(super) name: String,
    pub(super) text: String,
}

/// A fenced block.
pub(super) struct Block<'a> {
    pub(super) kind: &'a str,
    pub(super) text: &'a str,
    /// The comment above it.
    pub(super) comment: Option<&'a str>,
}

impl Page {
    /// README.md and all files of `docs/`.
    pub(super) fn all() -> Vec<Self> {
        let mut files = vec![PathBuf::from("README.md")];
        collect(Path::new("docs"), &mut files);
        assert!(files.len() > 25, "the manual has not been found: {files:?}");
        files.iter().map(|file| Self::read(&file.display().to_string())).collect()
    }

    /// A file, by its path in the repository.
    pub(super) fn read(name: &str) -> Self {
        let text = fs::read_to_string(Path::new(SOURCES).join(name));
        Self { name: name.to_owned(), text: text.unwrap_or_else(|error| panic!("{name}: {error}")) }
    }

    /// Its fenced blocks.
    pub(super) fn blocks(&self) -> Vec<Block<'_>> {
        let mut blocks = Vec::new();
        let mut rest = self.text.as_str();
        while let Some(fence) = rest.find("\n```") {
            let comment = rest[..fence]
                .rsplit('\n')
                .next()
                .and_then(|line| line.strip_prefix("<!-- ").and_then(|line| line.strip_suffix(" -->")));
            let (kind, block) = rest[fence + 4..].split_once('\n').unwrap();
            let end = format!("\n{block}").find("\n```").unwrap_or_else(|| panic!("{}: a fence", self.name));
            blocks.push(Block { kind, text: &block[..end], comment });
            rest = &block[(end + 3).min(block.len())..];
        }
        blocks
    }

    /// The words of its inline code that are ours. What the left column of a table has is another program's, and so is what
    /// a page for users of another program has outside of tables.
    pub(super) fn own_words(&self) -> impl Iterator<Item = &str> {
        let foreign = self.name.starts_with("docs/from/");
        self.text
            .lines()
            .flat_map(move |line| {
                match line.strip_prefix("| ").map(|row| row.split(" | ").collect::<Vec<_>>()) {
                    Some(cells) => cells[1..].to_vec(),
                    None if foreign => Vec::new(),
                    None => vec![line],
                }
            })
            .flat_map(|text| text.split('`').skip(1).step_by(2))
            .flat_map(|code| code.split([' ', '=', ',']))
    }

    /// The programs without which its sessions are not run: `<!-- needs NAME... -->`.
    pub(super) fn needs(&self) -> Vec<&str> {
        let lines =
            self.text.lines().filter_map(|line| line.strip_prefix("<!-- needs ")?.strip_suffix(" -->"));
        lines.flat_map(str::split_whitespace).collect()
    }
}

impl<'a> Block<'a> {
    /// The file that it is, for the sessions of its page: `<!-- file NAME -->`.
    pub(super) fn file(&self) -> Option<&'a str> {
        self.comment?.strip_prefix("file ")
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<_> =
        fs::read_dir(Path::new(SOURCES).join(folder)).unwrap().map(Result::unwrap).collect();
    entries.sort_by_key(fs::DirEntry::file_name);
    for entry in entries {
        let path = folder.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|extension| extension == "md") {
            files.push(path);
        }
    }
}
