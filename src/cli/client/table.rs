//! Tables for people.

use std::io::{self, IsTerminal as _};

use unicode_width::UnicodeWidthStr as _;

use super::shown::plain;

/// How wide a line is where there is no terminal.
const WIDTH: usize = 80;
/// Between two columns.
const GAP: &str = "  ";

/// Rows below a heading. A column without a cell is left out. Where the others are too wide for a line, each row becomes a paragraph with a line
/// for each column: nothing is cut, so that each id can be copied.
pub(super) struct Table<const N: usize> {
    heading: [&'static str; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// A table of no rows.
    pub(super) fn new(heading: [&'static str; N]) -> Self {
        Self { heading, rows: Vec::new() }
    }

    /// Adds a row. The cells may have any text.
    pub(super) fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells.map(|cell| plain(&cell)));
    }

    /// The lines, for a terminal of this width.
    pub(super) fn lines(&self, width: usize) -> String {
        let widths: [usize; N] = std::array::from_fn(|column| {
            let cells = self.rows.iter().filter_map(|row| row.get(column));
            let heading = self.heading.get(column).map_or(0, |heading| heading.width());
            match cells.map(|cell| cell.width()).max() {
                Some(0) => 0,
                widest => widest.unwrap_or_default().max(heading),
            }
        });
        let columns = widths.iter().filter(|width| **width > 0).count();
        let whole = widths.iter().sum::<usize>() + GAP.len() * columns.saturating_sub(1);
        if whole > width && !self.rows.is_empty() {
            return self.paragraphs();
        }
        let line = |cells: [&str; N]| {
            let shown = cells.iter().zip(widths).filter(|(_, width)| *width > 0);
            let padded = shown.map(|(cell, width)| {
                format!("{cell}{}", " ".repeat(width.saturating_sub(cell.width())))
            });
            Vec::from_iter(padded).join(GAP).trim_end().to_owned()
        };
        let rows = self.rows.iter().map(|row| line(row.each_ref().map(String::as_str)));
        Vec::from_iter([line(self.heading)].into_iter().chain(rows)).join("\n")
    }

    fn paragraphs(&self) -> String {
        let label = self.heading.iter().map(|heading| heading.width()).max().unwrap_or_default();
        let paragraph = |row: &[String; N]| {
            let lines = self.heading.iter().zip(row).filter(|(_, cell)| !cell.is_empty());
            Vec::from_iter(lines.map(|(heading, cell)| format!("{heading:label$}{GAP}{cell}")))
                .join("\n")
        };
        Vec::from_iter(self.rows.iter().map(paragraph)).join("\n\n")
    }
}

/// How wide the lines of stdout are.
pub(super) fn width() -> usize {
    let stdout = io::stdout();
    let size = stdout.is_terminal().then(|| rustix::termios::tcgetwinsize(&stdout).ok()).flatten();
    // A terminal that does not know its size says 0.
    size.map(|size| usize::from(size.ws_col)).filter(|width| *width > 0).unwrap_or(WIDTH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table<3> {
        let mut table = Table::new(["USER", "NAME", "SINCE"]);
        table.row(["github|1".into(), "Zoë 東京".into(), "2026".into()]);
        table.row(["sms|2".into(), String::new(), "2025\u{1b}[2J".into()]);
        table
    }

    #[test]
    fn columns_are_as_wide_as_their_cells() {
        insta::assert_snapshot!(table().lines(80), @r"
        USER      NAME      SINCE
        github|1  Zoë 東京  2026
        sms|2               2025\u{1b}[2J
        ");
    }

    #[test]
    fn a_column_of_no_cells_is_left_out() {
        let mut table = Table::new(["USER", "NAME"]);
        table.row(["github|1".into(), String::new()]);
        assert_eq!(table.lines(8), "USER\ngithub|1");
        assert_eq!(Table::new(["USER", "NAME"]).lines(80), "USER  NAME");
    }

    #[test]
    fn rows_that_are_too_wide_are_paragraphs() {
        insta::assert_snapshot!(table().lines(20), @r"
        USER   github|1
        NAME   Zoë 東京
        SINCE  2026

        USER   sms|2
        SINCE  2025\u{1b}[2J
        ");
    }
}
