//! From the Markdown of the manual to roff, as man(7) has it.
//!
//! It knows what the manual has: headings, paragraphs, lists with `*`, tables, fenced blocks, code, bold words and links.
//! The pages of a manual page cannot link one another, so a link is its text.

use clap_mangen::roff::{Inline, Roff, bold, roman};

/// Writes a page: its title is a section, its headings are subsections.
pub(super) fn write(text: &str, roff: &mut Roff) {
    let mut lines = text.lines().peekable();
    // Below a heading man(7) has a distance already.
    let mut below_heading = true;
    while let Some(line) = lines.next() {
        if line.is_empty() || line.starts_with("<!--") {
            continue;
        }
        let is_heading = line.starts_with('#');
        if let Some(title) = line.strip_prefix("# ") {
            roff.control("SH", [title.to_uppercase().as_str()]);
        } else if let Some(title) = line.strip_prefix("## ") {
            roff.control("SS", [plain(title).as_str()]);
        } else if line.starts_with("```") {
            if !below_heading {
                roff.control("sp", []);
            }
            roff.control("RS", ["4"]).control("nf", []);
            for code in lines.by_ref().take_while(|line| !line.starts_with("```")) {
                roff.text([roman(code)]);
            }
            roff.control("fi", []).control("RE", []);
        } else if line.starts_with('|') {
            let mut rows = vec![cells(line)];
            while let Some(row) = lines.next_if(|line| line.starts_with('|')) {
                rows.push(cells(row));
            }
            table(&rows, roff);
        } else {
            let (first, is_item) = line.strip_prefix("* ").map_or((line, false), |item| (item, true));
            let mut paragraph = first.to_owned();
            let begins =
                |line: &str| ["* ", "|", "#", "```", "<!--"].iter().any(|mark| line.starts_with(mark));
            let goes_on = |line: &&str| !line.is_empty() && !begins(line);
            while let Some(more) = lines.next_if(goes_on) {
                paragraph.push(' ');
                paragraph.push_str(more.trim_start());
            }
            if is_item {
                // The bullet is an escape of roff, which an argument keeps.
                roff.control("IP", ["\\(bu", "2"]);
            } else if !below_heading {
                roff.control("PP", []);
            }
            roff.text(inlines(&paragraph));
        }
        below_heading = is_heading;
    }
}

/// A row: the first cell is a tag, and the others follow below it. A table with many columns, whose cells are words, has the
/// columns of each word.
fn table(rows: &[Vec<&str>], roff: &mut Roff) {
    let [header, _, rows @ ..] = rows else { return };
    for row in rows {
        let Some((tag, cells)) = row.split_first() else { continue };
        roff.control("TP", []).text(if tag.is_empty() { vec![roman("-")] } else { inlines(tag) });
        if header.len() > 4 {
            let mut words: Vec<&str> = Vec::new();
            for cell in cells {
                if !words.contains(cell) {
                    words.push(cell);
                }
            }
            for (index, word) in words.iter().enumerate() {
                let columns: Vec<&str> = header[1..]
                    .iter()
                    .zip(cells)
                    .filter(|(_, cell)| *cell == word)
                    .map(|(name, _)| *name)
                    .collect();
                let columns = if words.len() == 1 { "everywhere".to_owned() } else { columns.join(", ") };
                if index > 0 {
                    roff.control("br", []);
                }
                roff.text([roman(format!("{word}: {columns}"))]);
            }
            continue;
        }
        for (index, (name, cell)) in header[1..].iter().zip(cells).enumerate() {
            if index > 0 {
                roff.control("br", []);
            }
            let label =
                if header.len() > 2 && !name.is_empty() { format!("{name}: ") } else { String::new() };
            roff.text(inlines(&format!("{label}{}", if cell.is_empty() { "-" } else { cell })));
        }
    }
}

fn cells(line: &str) -> Vec<&str> {
    line.trim_matches('|').split(" | ").map(str::trim).collect()
}

/// A paragraph: code and bold words are bold, links are their text.
fn inlines(text: &str) -> Vec<Inline> {
    let mut words = Vec::new();
    for (index, part) in text.split('`').enumerate() {
        if index % 2 == 1 {
            words.push(bold(part));
            continue;
        }
        for (index, part) in without_links(part).split("**").enumerate() {
            words.push(if index % 2 == 1 { bold(part) } else { roman(part) });
        }
    }
    words
}

/// The text without marks.
fn plain(text: &str) -> String {
    without_links(text).replace(['`', '*'], "")
}

/// `[text](target)` becomes `text`; brackets without a target stay. (Code within a link is not in this manual.)
fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, link)) = rest.split_once('[') {
        plain.push_str(before);
        match link.split_once("](").and_then(|(name, target)| Some((name, target.split_once(')')?.1))) {
            Some((name, after)) if !name.contains(']') => {
                plain.push_str(name);
                rest = after;
            }
            _ => {
                plain.push('[');
                rest = link;
            }
        }
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roff(text: &str) -> String {
        let mut roff = Roff::new();
        write(text, &mut roff);
        roff.to_roff()
    }

    #[test]
    fn page_becomes_a_section_with_subsections() {
        let page = "# Files\n\nOne `code`\nand **more** of [a link](x.md).\n\n## Which [X]\n\n* an item\n  goes on\n";
        assert_eq!(
            roff(page),
            ".SH FILES\nOne \\fBcode\\fR and \\fBmore\\fR of a link.\n.SS \"Which [X]\"\n.IP \\(bu 2\nan item goes on\n"
        );
    }

    #[test]
    fn table_becomes_tags_with_their_columns() {
        let page = "| key | means |\n| --- | --- |\n| `A=` | one |\n";
        assert_eq!(roff(page), ".TP\n\\fBA=\\fR\none\n");
        let page = "| key | option | means |\n| --- | --- | --- |\n| `A=` | `-a` | |\n";
        assert_eq!(roff(page), ".TP\n\\fBA=\\fR\noption: \\fB\\-a\\fR\n.br\nmeans: \\-\n");
        let page = "| | a | b | c | d |\n| --- | --- | --- | --- | --- |\n| x | yes | no | yes | yes |\n| y | yes | yes | yes | yes |\n";
        assert_eq!(roff(page), ".TP\nx\nyes: a, c, d\n.br\nno: b\n.TP\ny\nyes: everywhere\n");
    }

    #[test]
    fn line_of_code_that_begins_with_a_dot_is_text() {
        assert_eq!(roff("```sh\n.profile\n```\n"), ".RS 4\n.nf\n\\&.profile\n.fi\n.RE\n");
    }
}
