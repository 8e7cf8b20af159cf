//! A start as a picture, and as events for a trace viewer.

use std::fmt::Write;
use std::time::Duration;

use serde_json::{Value, json};
use svcadapt::internal::escape_control;

use super::history::History;
use super::sample::SVCADAPT;
use crate::text::json_text;

const WIDTH: u32 = 960;
/// Where the time begins: names are on the left.
const LEFT: u32 = 170;
const RIGHT: u32 = 930;
const ROW: u32 = 28;
const TOP: u32 = 70;

const STYLE: &str = "
  .setup { fill: #8fb7e0; } .program { fill: #7cc58a; } .tick { stroke: #d0d7de; } .end { stroke: #1a7f37; stroke-width: 2; }
  .failed { stroke: #cf222e; } circle { fill: #bf8700; } rect.page { fill: #fff; }
  text { font: 13px system-ui, sans-serif; fill: #1f2328; } .name { text-anchor: end; } .title { font-size: 17px; }
";

/// The picture: a bar for each process, coloured by what it executes, and a line for each moment.
pub(super) fn picture(history: &History) -> String {
    let (end, how) = history.end;
    let rows = history.processes.len() + history.moments.len();
    let bottom = TOP + ROW * u32::try_from(rows).unwrap_or(u32::MAX / ROW / 2);
    let height = bottom + 40;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\">\n\
         <style>{STYLE}</style>\n<rect class=\"page\" width=\"{WIDTH}\" height=\"{height}\"/>\n\
         <text class=\"title\" x=\"16\" y=\"28\">{}: {how} after {}</text>\n",
        xml(&history.name),
        milliseconds(end)
    );
    let x = |at: Duration| {
        let part = at.min(end).as_secs_f64() / end.as_secs_f64().max(f64::MIN_POSITIVE);
        f64::from(LEFT) + part * f64::from(RIGHT - LEFT)
    };
    let step = step(end);
    let mut tick = Duration::ZERO;
    while tick <= end {
        let at = x(tick);
        let text = if at > f64::from(RIGHT) - 30.0 { String::new() } else { milliseconds(tick) };
        let _ = writeln!(
            svg,
            "<path class=\"tick\" d=\"M{at:.1} {}V{bottom}\"/><text x=\"{:.1}\" y=\"{}\">{}</text>",
            TOP - 10,
            at + 3.0,
            TOP - 14,
            text
        );
        tick += step;
    }
    let mut y = TOP;
    for life in &history.processes {
        let gone = life.gone.unwrap_or(end);
        let _ = writeln!(
            svg,
            "<text class=\"name\" x=\"{}\" y=\"{}\">process {}</text>",
            LEFT - 10,
            y + 17,
            life.pid
        );
        for (index, (since, program)) in life.programs.iter().enumerate() {
            let until = life.programs.get(index + 1).map_or(gone, |(next, _)| *next);
            let class = if program == SVCADAPT { "setup" } else { "program" };
            let (from, to) = (x(*since), x(until));
            let _ = writeln!(
                svg,
                "<rect class=\"{class}\" x=\"{from:.1}\" y=\"{}\" width=\"{:.1}\" height=\"20\"/>",
                y + 3,
                (to - from).max(1.0)
            );
            // A name beside a narrow bar would lie on the next one.
            if to - from > 60.0 {
                let _ =
                    writeln!(svg, "<text x=\"{:.1}\" y=\"{}\">{}</text>", from + 5.0, y + 17, xml(program));
            }
        }
        y += ROW;
    }
    for moment in &history.moments {
        let at = x(moment.at);
        let text = format!("{} ({})", xml(&moment.text), milliseconds(moment.at));
        let (class, beside) =
            if at > f64::from(WIDTH) * 0.6 { (" class=\"name\"", -10.0) } else { ("", 10.0) };
        let _ = writeln!(
            svg,
            "<circle cx=\"{at:.1}\" cy=\"{}\" r=\"4\"/><text{class} x=\"{:.1}\" y=\"{}\">{text}</text>",
            y + 13,
            at + beside,
            y + 17
        );
        y += ROW;
    }
    let class = if how == "ready" { "end" } else { "end failed" };
    let _ = writeln!(
        svg,
        "<path class=\"{class}\" d=\"M{RIGHT} {}V{bottom}\"/><text class=\"name\" x=\"{RIGHT}\" y=\"{}\">{how}</text>",
        TOP - 10,
        bottom + 18
    );
    svg + "</svg>\n"
}

/// Complete events for the processes, instant ones for the moments.
pub(super) fn events(history: &History) -> String {
    let micros = |at: Duration| u64::try_from(at.as_micros()).unwrap_or(u64::MAX);
    let launcher = history.processes.first().map_or(0, |life| life.pid);
    let (end, how) = history.end;
    let mut events: Vec<Value> = Vec::new();
    for life in &history.processes {
        for (index, (since, program)) in life.programs.iter().enumerate() {
            let until = life.programs.get(index + 1).map_or(life.gone.unwrap_or(end), |(next, _)| *next);
            let duration = micros(until.saturating_sub(*since));
            events.push(json!({
                "name": program, "ph": "X", "ts": micros(*since), "dur": duration, "pid": launcher, "tid": life.pid,
            }));
        }
    }
    let moments = history.moments.iter().map(|moment| (moment.at, moment.text.as_str()));
    events.extend(moments.chain([(end, how)]).map(
        |(at, text)| json!({ "name": text, "ph": "i", "s": "g", "ts": micros(at), "pid": launcher, "tid": launcher }),
    ));
    json_text(&json!({ "displayTimeUnit": "ms", "traceEvents": events }))
}

/// The distance of the ticks: about six of them, at 1, 2 or 5 times a power of ten.
fn step(end: Duration) -> Duration {
    let wanted = end / 6;
    let mut power = Duration::from_micros(100);
    loop {
        if let Some(step) = [power, power * 2, power * 5].into_iter().find(|step| *step >= wanted) {
            return step;
        }
        power *= 10;
    }
}

fn milliseconds(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1000.0)
}

/// Text for XML, without control characters.
fn xml(text: &str) -> String {
    escape_control(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::super::history::sample_history;
    use super::*;

    #[test]
    fn picture_has_a_bar_for_each_program_and_a_point_for_each_moment() {
        let svg = picture(&sample_history());
        assert_eq!(
            (svg.matches("<rect class=\"setup\"").count(), svg.matches("<circle").count()),
            (3, 2),
            "{svg}"
        );
        assert!(svg.contains("web: ready after 100.0 ms") && svg.contains("executes a&lt;b&gt;"), "{svg}");
        assert!(svg.contains("<text x=\"220.6\" y=\"143\">a&lt;b&gt;</text>"), "{svg}");
    }

    #[test]
    fn events_are_those_of_a_trace_viewer() {
        let trace: Value = serde_json::from_str(&events(&sample_history())).unwrap();
        let all = trace["traceEvents"].as_array().unwrap();
        let last = json!({ "name": "ready", "ph": "i", "s": "g", "ts": 100_000, "pid": 10, "tid": 10 });
        assert_eq!((all.len(), &all[6]), (7, &last));
        let second = json!({ "name": "svcadapt", "ph": "X", "ts": 2000, "dur": 1000, "pid": 10, "tid": 11 });
        assert_eq!(all[1], second);
    }

    #[test]
    fn ticks_are_round_numbers() {
        let steps = [1, 60, 100, 250, 7000].map(|end| step(Duration::from_millis(end)).as_micros());
        assert_eq!(steps, [200, 10_000, 20_000, 50_000, 2_000_000]);
    }
}
