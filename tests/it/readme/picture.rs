//! The picture of README.md, drawn from the text below. `UPDATE=1` writes it again.

use std::fmt::Write;
use std::path::Path;
use std::{env, fs};

use crate::harness::SOURCES;

/// What starts svcadapt, the mode, what happens, and the processes that stay.
const ROWS: [(&[&str], &str, &str, &[&str]); 3] = [
    (
        &["a shell, cron, ssh", "an init script"],
        "classic daemon",
        "forks, returns when it is ready",
        &["your program"],
    ),
    (
        &["systemd, launchd, s6, runit", "OpenRC, supervisord"],
        "supervised",
        "sets up, executes in place",
        &["your program, same pid"],
    ),
    (&["a container engine"], "process 1", "forwards signals, reaps orphans", &["svcadapt", "your program"]),
];

/// Columns: the left edge and the width of their boxes.
const COLUMNS: [(i32, i32); 3] = [(20, 250), (340, 290), (700, 240)];
const TITLES: [&str; 3] = ["who starts it", "svcadapt run", "what stays"];
const TOP: i32 = 60;
const HEIGHT: i32 = 66;
const PITCH: i32 = 86;
const NOTE: [&str; 2] = [
    "A small monitor stays as well only if something is left to do that the host does not:",
    "restarts, a watchdog, notifications, sockets, rotated logs.",
];

const STYLE: &str = "
  .box { fill: #f6f8fa; stroke: #8c959f; }
  .mode { fill: #ddf4ff; stroke: #0969da; }
  .stays { fill: #dafbe1; stroke: #1a7f37; }
  .arrow { stroke: #57606a; stroke-width: 2; fill: none; marker-end: url(#head); }
  .head { fill: #57606a; }
  text { font: 15px system-ui, sans-serif; fill: #1f2328; text-anchor: middle; }
  .title, .note { fill: #57606a; }
  .name { font-weight: bold; }
  @media (prefers-color-scheme: dark) {
    .box { fill: #161b22; } .mode { fill: #0c2d4d; } .stays { fill: #0f2d1a; }
    text { fill: #e6edf3; } .title, .note { fill: #9198a1; } .arrow { stroke: #9198a1; } .head { fill: #9198a1; }
  }
";

#[test]
fn picture_of_the_readme_is_the_drawn_one() {
    let file = Path::new(SOURCES).join("docs/pictures/modes.svg");
    let drawn = draw();
    if env::var_os("UPDATE").is_some() {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(&file, &drawn).unwrap();
    }
    assert_eq!(fs::read_to_string(&file).unwrap_or_default(), drawn, "UPDATE=1 draws it again");
}

fn draw() -> String {
    let bottom = TOP + PITCH * i32::try_from(ROWS.len()).unwrap();
    let height = bottom + 50;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 960 {height}\" width=\"960\" height=\"{height}\" role=\"img\">\n\
         <title>Who starts svcadapt, the mode that it chooses, and the processes that stay</title>\n<style>{STYLE}</style>\n\
         <defs><marker id=\"head\" viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto\">\
         <path class=\"head\" d=\"M0 0L10 5L0 10z\"/></marker></defs>\n"
    );
    for ((left, width), title) in COLUMNS.into_iter().zip(TITLES) {
        text(&mut svg, "title", left + width / 2, 36, title);
    }
    let mut top = TOP;
    for (starters, mode, what, stays) in ROWS {
        rectangle(&mut svg, "box", COLUMNS[0], top, HEIGHT);
        lines(&mut svg, COLUMNS[0], top, starters);
        rectangle(&mut svg, "mode", COLUMNS[1], top, HEIGHT);
        text(&mut svg, "name", middle(COLUMNS[1]), top + 28, mode);
        text(&mut svg, "", middle(COLUMNS[1]), top + 50, what);
        rectangle(&mut svg, "stays", COLUMNS[2], top, HEIGHT);
        lines(&mut svg, COLUMNS[2], top, stays);
        for (from, to) in [(0, 1), (1, 2)] {
            let (begin, end) = (COLUMNS[from].0 + COLUMNS[from].1 + 6, COLUMNS[to].0 - 6);
            let y = top + HEIGHT / 2;
            writeln!(svg, "<path class=\"arrow\" d=\"M{begin} {y}H{end}\"/>").unwrap();
        }
        top += PITCH;
    }
    for (index, line) in (0..).zip(NOTE) {
        text(&mut svg, "note", 480, bottom + 14 + 22 * index, line);
    }
    svg + "</svg>\n"
}

fn middle((left, width): (i32, i32)) -> i32 {
    left + width / 2
}

fn rectangle(svg: &mut String, class: &str, (left, width): (i32, i32), top: i32, height: i32) {
    writeln!(
        svg,
        "<rect class=\"{class}\" x=\"{left}\" y=\"{top}\" width=\"{width}\" height=\"{height}\" rx=\"8\"/>"
    )
    .unwrap();
}

/// One or two lines in the middle of a box.
fn lines(svg: &mut String, column: (i32, i32), top: i32, lines: &[&str]) {
    let first = top + if lines.len() == 1 { 38 } else { 28 };
    for (index, line) in (0..).zip(lines) {
        text(svg, "", middle(column), first + 22 * index, line);
    }
}

fn text(svg: &mut String, class: &str, x: i32, y: i32, text: &str) {
    let class = if class.is_empty() { String::new() } else { format!(" class=\"{class}\"") };
    writeln!(svg, "<text{class} x=\"{x}\" y=\"{y}\">{text}</text>").unwrap();
}
