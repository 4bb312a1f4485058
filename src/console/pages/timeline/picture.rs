//! The timeline as SVG: the layout in pixels. The style sheet has the colours, because the policy of the
//! pages permits no style in them.

use chrono::{DateTime, Utc};

use super::{
    Fact,
    layout::{Change, Layout, Start},
};
use crate::console::texts::Texts;

/// The width of the names of the rows.
const NAMES: usize = 200;
/// The width of a mark's column.
const COLUMN: usize = 72;
/// How far from its mark a lane begins to bend, and ends to.
const BEND: usize = 20;
/// How far the lanes go on after the last column.
const TAIL: usize = 48;
/// The height of a row.
const ROW: usize = 30;
/// The height of what is above the rows of a band.
const HEAD: usize = 26;
/// The space between two bands.
const GAP: usize = 8;
/// The height of the times.
const TIMES: usize = 40;
/// What is said of a mark: its width and height.
const CARD: (usize, usize) = (320, 150);
/// The least width, in which the name of a band has room.
const LEAST_WIDTH: usize = 440;
/// The most characters of the name of a row, and of a band.
const LONGEST: (usize, usize) = (24, 40);
/// How many colours there are.
const COLOURS: usize = 6;

/// The picture. All lengths are in pixels.
pub(super) struct Picture {
    pub width: usize,
    pub height: usize,
    pub bands: Vec<Band>,
    pub rows: Vec<Row>,
    pub lanes: Vec<Lane>,
    pub marks: Vec<Mark>,
    /// Where the cards are.
    pub card_y: usize,
    pub card: (usize, usize),
    pub times_y: usize,
}

/// The background of a user's rows.
pub(super) struct Band {
    pub y: usize,
    pub height: usize,
    pub name: String,
}

/// The name of a row.
pub(super) struct Row {
    pub y: usize,
    pub name: String,
    /// The whole name.
    pub title: String,
}

/// The line of an account.
pub(super) struct Lane {
    /// The path, as `d` of SVG has it.
    pub path: String,
    pub colour: usize,
    pub title: String,
    /// The cross at which it ends.
    pub end: Option<String>,
}

/// A link, or its undo.
pub(super) struct Mark {
    pub href: String,
    pub is_undo: bool,
    pub x: usize,
    pub ys: Vec<usize>,
    /// From the first to the last of them.
    pub span: (usize, usize),
    pub day: String,
    pub clock: String,
    /// All of it in one line.
    pub title: String,
    pub card_x: usize,
    pub lines: Vec<String>,
}

impl Picture {
    /// The picture of a layout. `facts` has what is said of each mark.
    pub(super) fn new(
        t: &Texts,
        (path, user): (&str, &str),
        names: &[String],
        layout: &Layout,
        facts: &[&Fact],
    ) -> Self {
        let end = NAMES + layout.marks.len() * COLUMN + TAIL;
        let width = end.max(LEAST_WIDTH);
        let (mut bands, mut rows, mut ys) = (Vec::new(), Vec::new(), Vec::new());
        let mut y = 0;
        for band in &layout.bands {
            let height = HEAD + band.rows.len() * ROW;
            let name = match band.user == user {
                true => format!("{}: {}", t.timeline_this_user, shortened(&band.user, LONGEST.1)),
                false => shortened(&band.user, LONGEST.1),
            };
            bands.push(Band { y, height, name });
            for (at, account) in band.accounts.iter().enumerate() {
                let title = names.get(*account).cloned().unwrap_or_default();
                let y = y + HEAD + at * ROW + ROW / 2;
                ys.push(y);
                rows.push(Row { y, name: shortened(&title, LONGEST.0), title });
            }
            y += height + GAP;
        }
        let y_of = |row: usize| ys.get(row).copied().unwrap_or(HEAD / 2);
        let lanes = layout.lanes.iter().map(|lane| Lane {
            path: path_of_lane(lane, end, y_of),
            colour: lane.account % COLOURS,
            title: names.get(lane.account).cloned().unwrap_or_default(),
            end: lane.ends.then(|| {
                let row = lane.bends.last().map_or(lane.row, |(_, row)| *row);
                cross(end - TAIL / 2, y_of(row))
            }),
        });
        let marks = layout.marks.iter().zip(facts).enumerate().map(|(at, (mark, fact))| {
            let is_undo = mark.change == Change::Undone;
            let x = if is_undo { middle(at) - BEND } else { middle(at) + BEND };
            let mut ys: Vec<usize> = mark.rows.iter().map(|row| y_of(*row)).collect();
            if ys.is_empty() {
                ys.push(HEAD / 2);
            }
            let span = (ys.iter().copied().min(), ys.iter().copied().max());
            let (day, clock) = day_and_clock(mark.time);
            let lines = lines(t, fact);
            Mark {
                href: fact.by.as_ref().map(|by| format!("{path}#{}", by.link)).unwrap_or_default(),
                is_undo,
                x,
                span: (span.0.unwrap_or_default(), span.1.unwrap_or_default()),
                ys,
                day,
                clock,
                title: lines.join(". "),
                card_x: x.saturating_sub(CARD.0 / 2).clamp(GAP, width - CARD.0 - GAP),
                lines,
            }
        });
        Self {
            width,
            height: y + TIMES + CARD.1,
            rows,
            lanes: lanes.collect(),
            marks: marks.collect(),
            card_y: y + TIMES,
            card: CARD,
            times_y: y,
            bands,
        }
    }
}

/// What is said of a mark.
fn lines(t: &Texts, fact: &Fact) -> Vec<String> {
    let mut lines = vec![format!("{} {}", fact.at.text, fact.kind)];
    if let Some(by) = &fact.by {
        lines.push(format!("{}: {}", t.proof, by.proof));
        lines.push(format!("{}: {}", t.who, by.actor));
        match by.changes.as_deref() {
            // An undo has changes of its own, which the link does not keep.
            _ if by.is_undo => {}
            // Hidden.
            None => {}
            Some([]) => lines.push(t.timeline_no_changes.to_owned()),
            Some(paths) => lines.push(format!("{}: {}", t.timeline_changes, paths.join(", "))),
        }
    }
    lines.push(fact.what.clone());
    lines
}

/// The middle of a mark's column.
fn middle(mark: usize) -> usize {
    NAMES + mark * COLUMN + COLUMN / 2
}

/// The line of a lane: it bends around the middle of each column in which it changes its row.
fn path_of_lane(lane: &super::layout::Lane, end: usize, y_of: impl Fn(usize) -> usize) -> String {
    let start = match lane.start {
        Start::Before(mark) => NAMES + mark * COLUMN,
        Start::At(mark) => middle(mark) + BEND,
    };
    let mut y = y_of(lane.row);
    let mut path = format!("M{start} {y}");
    for (mark, row) in &lane.bends {
        let (x, to) = (middle(*mark), y_of(*row));
        path += &format!("H{}C{x} {y} {x} {to} {} {to}", x - BEND, x + BEND);
        y = to;
    }
    path + &format!("H{}", if lane.ends { end - TAIL / 2 } else { end })
}

/// The path of a cross.
fn cross(x: usize, y: usize) -> String {
    let (left, right, top, bottom) = (x - 5, x + 5, y - 5, y + 5);
    format!("M{left} {top}L{right} {bottom}M{left} {bottom}L{right} {top}")
}

fn day_and_clock(time: DateTime<Utc>) -> (String, String) {
    (time.format("%Y-%m-%d").to_string(), time.format("%H:%M").to_string())
}

/// A text of at most this many characters.
fn shortened(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        None => text.to_owned(),
        Some(_) => text.chars().take(longest - 1).chain(['…']).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_name_is_shortened_at_a_character() {
        assert_eq!(shortened("ääää", 4), "ääää");
        assert_eq!(shortened("äääää", 4), "äää…");
        assert_eq!(shortened("", 4), "");
    }

    #[test]
    fn a_lane_bends_around_the_column_of_its_mark() {
        let lane = super::super::layout::Lane {
            account: 0,
            start: Start::Before(0),
            row: 1,
            bends: vec![(0, 0)],
            ends: false,
        };
        let y_of = |row: usize| 10 + 100 * row;
        assert_eq!(path_of_lane(&lane, 320, y_of), "M200 110H216C236 110 236 10 256 10H320");
    }
}
