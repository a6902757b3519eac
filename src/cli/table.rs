//! Tables that fit where they are read: a long cell is cut with an ellipsis, so that a row stays on its line.
//!
//! The first column is never cut. It holds the name, which people copy. Nor is a word that says whether something serves.

use comfy_table::{Color, ContentArrangement, Table, presets};

use super::words;

/// Where nobody says how wide the output is shown.
const WIDTH_DEFAULT: usize = 80;
/// What is left of a cell at least, however long the others are.
const CELL_WIDTH_MIN: usize = 6;
/// Columns that say in a word whether something serves, or what is left, which is what people look for.
const NEVER_CUT: [&str; 3] = ["STATE", "HEALTH", "LEFT"];
/// Blanks between two columns.
const GAP: usize = 2;

/// Text in a table, which a terminal may show in a colour: its own is taken out.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    text: String,
    color: Option<Color>,
}

impl Cell {
    /// The same, in a colour.
    pub(crate) const fn colored(mut self, color: Color) -> Self {
        self.color = Some(color);
        self
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }

    fn shown(self, width: usize) -> comfy_table::Cell {
        let cell = comfy_table::Cell::new_owned(cut(&self.text, width));
        match self.color {
            Some(color) => cell.fg(color),
            None => cell,
        }
    }
}

impl<T: Into<String>> From<T> for Cell {
    fn from(text: T) -> Self {
        Self {
            text: words::printable(&text.into()),
            color: None,
        }
    }
}

/// The width of whatever shows our output: as the customary variable says, as the terminal is, or the customary width.
pub(crate) fn width() -> usize {
    let stated = std::env::var("COLUMNS").ok();
    let stated = stated.and_then(|columns| columns.parse().ok());
    let measured = || Table::new().width().map(usize::from);
    stated.or_else(measured).unwrap_or(WIDTH_DEFAULT)
}

/// A table of several things, one a row, or a sentence where there is nothing to put into it.
pub(crate) fn list<C: Into<Cell>>(
    header: &[&str],
    rows: impl IntoIterator<Item = impl IntoIterator<Item = C>>,
    nothing: &str,
) -> String {
    let rows: Vec<_> = rows.into_iter().collect();
    if rows.is_empty() {
        return nothing.to_owned();
    }
    within(width(), header, rows)
}

/// A table of at most this width, as far as its first column allows.
pub(crate) fn within<C: Into<Cell>>(
    width: usize,
    header: &[&str],
    rows: impl IntoIterator<Item = impl IntoIterator<Item = C>>,
) -> String {
    let rows = rows.into_iter().map(|row| row.into_iter().map(Into::into));
    let rows: Vec<Vec<Cell>> = rows.map(Iterator::collect).collect();
    let widths = widths(width, header, &rows);
    let mut table = Table::new();
    table
        .load_style(presets::NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header.to_vec());
    for row in rows {
        let cells = row.into_iter().zip(&widths);
        table.add_row(cells.map(|(cell, width)| cell.shown(*width)));
    }
    // The first column begins where the line does.
    if let Some(first) = table.column_mut(0) {
        first.set_padding((0, 1));
    }
    table.trim_fmt()
}

/// How wide a table is that nothing cuts.
pub(crate) fn natural_width<const N: usize>(
    header: &[&str; N],
    rows: impl IntoIterator<Item = [Cell; N]>,
) -> usize {
    let rows: Vec<Vec<Cell>> = rows.into_iter().map(Vec::from).collect();
    let columns = widths(usize::MAX, header, &rows);
    columns.iter().sum::<usize>() + GAP * N.saturating_sub(1)
}

/// How wide each column may be: as wide as it likes, but for the widest ones where the row would be too long.
fn widths(width: usize, header: &[&str], rows: &[Vec<Cell>]) -> Vec<usize> {
    let widest = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        let widest = cells.map(Cell::width).max().unwrap_or(0);
        widest.max(header[column].chars().count())
    };
    let least = |column: usize| match header[column] {
        name if NEVER_CUT.contains(&name) => widest(column),
        name => name.chars().count().max(CELL_WIDTH_MIN),
    };
    let mut widths: Vec<usize> = (0..header.len()).map(widest).collect();
    let gaps = GAP * header.len().saturating_sub(1);
    while widths.iter().sum::<usize>() + gaps > width {
        let columns = (1..widths.len()).filter(|column| widths[*column] > least(*column));
        let Some(widest) = columns.max_by_key(|column| widths[*column]) else {
            break;
        };
        widths[widest] -= 1;
    }
    widths
}

/// The beginning of a text that is too long, and an ellipsis for the rest.
pub(crate) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{}…", kept.trim_end())
}

/// A sentence over as many lines as it takes, those after the first set in.
pub(crate) fn wrapped(text: &str, width: usize, indent: usize) -> String {
    let mut lines = vec![String::new()];
    let mut room = width;
    for word in words::printable(text).split_whitespace() {
        let used = lines.last().map_or(0, |line| line.chars().count());
        let needed = word.chars().count() + usize::from(used > 0);
        if used > 0 && used + needed > room {
            room = width.saturating_sub(indent);
            lines.push(word.to_owned());
        } else if let Some(line) = lines.last_mut() {
            if used > 0 {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join(&format!("\n{:indent$}", ""))
}

/// The same below something else, with every line set in.
pub(crate) fn below(text: &str, width: usize, indent: usize) -> String {
    let lines = wrapped(text, width.saturating_sub(indent), 0);
    let lines = lines.replace('\n', &format!("\n{:indent$}", ""));
    format!("\n{:indent$}{lines}", "")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn widest(text: &str) -> usize {
        text.lines().map(|line| line.chars().count()).max().unwrap()
    }

    #[test]
    fn a_long_cell_is_cut_and_its_row_stays_on_one_line() {
        let why = "a reason ".repeat(30);
        let row = ["accounts/openai", &why, "enabled"];
        let text = within(80, &["NAME", "WHY", "STATE"], [row]);
        assert_eq!(text.lines().count(), 2, "{text}");
        assert_eq!(widest(&text), 80, "{text}");
        assert!(text.contains('…') && text.ends_with("enabled"), "{text}");
    }

    #[test]
    fn a_state_is_whole_beside_a_long_name() {
        let name = "accounts/a-long-name-of-an-account/keys/a-long-name-of-a-key-too";
        let row = [name, "1", "UNDECRYPTABLE", "all but some"];
        let text = within(80, &["NAME", "VERSION", "STATE", "MODELS"], [row]);
        assert!(text.contains("UNDECRYPTABLE"), "{text}");
        assert!(text.contains(name), "{text}");
    }

    #[test]
    fn names_headers_and_short_cells_are_never_cut() {
        let name = "n".repeat(126);
        let text = within(
            80,
            &["NAME", "ROTATION", "X"],
            [[name.as_str(), "in 6 d 23 h", "yes"]],
        );
        assert!(text.contains(&name), "{text}");
        assert!(text.contains("ROTATION"), "{text}");
        assert!(text.contains("in 6 d…"), "{text}");
        assert!(text.contains("yes"), "{text}");
    }

    #[test]
    fn a_cell_and_a_sentence_cannot_write_to_the_terminal() {
        let text = within(80, &["NAME", "N"], [["a\u{1b}[2J", "b\u{202e}c"]]);
        assert_eq!(text, "NAME   N\na [2J  b c");
        assert_eq!(wrapped("a\u{9b}2Jb \u{2066}c", 80, 2), "a 2Jb c");
    }

    #[test]
    fn an_empty_list_is_a_sentence() {
        let none: [[&str; 1]; 0] = [];
        assert_eq!(list(&["NAME"], none, "no pools"), "no pools");
        let text = list(&["NAME", "N"], [["a", "1"]], "none");
        assert_eq!(text, "NAME  N\na     1");
    }

    #[test]
    fn a_sentence_is_broken_between_words_and_set_in() {
        let text = wrapped("openai/main: dead for 1 h (401)", 16, 2);
        assert_eq!(text, "openai/main:\n  dead for 1 h\n  (401)");
        assert_eq!(wrapped("short", 80, 2), "short");
    }
}
