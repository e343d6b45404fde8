//! Glyphs to lines. The order in which a page draws its text is its reading order, unless it jumps about.

use super::direction;
use super::glyphs::Placed;

/// A gap this wide, in sizes of the font, parts words.
const WORD_GAP: f64 = 0.2;
/// A gap this wide, in sizes of the font, is a tab or the border of a cell.
const CELL_GAP: f64 = 1.6;
/// How far glyphs of one line may stand above each other, in sizes of the font.
const SAME_LINE: f64 = 0.45;

/// Running heads and page numbers stand in this part of a page, at its upper and lower end.
const EDGE: f64 = 0.1;

/// A line of text on a page.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Line {
    pub(super) text: String,
    pub(super) page: u32,
    pub(super) x: f64,
    pub(super) end: f64,
    pub(super) y: f64,
    pub(super) size: f64,
    /// Whether most of it is bold.
    pub(super) bold: bool,
    /// Whether it runs along the page and not across it.
    pub(super) upright: bool,
    /// Whether it stands where running heads and page numbers do.
    pub(super) at_edge: bool,
}

/// The page that lines are on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Page {
    /// Counted from 1.
    pub(super) number: u32,
    /// From its upper to its lower edge, in points.
    pub(super) height: f64,
}

/// The lines of one page in reading order, turned text last.
pub(super) fn of_page(glyphs: Vec<Placed>, page: Page) -> Vec<Line> {
    let (upright, turned): (Vec<_>, Vec<_>) = glyphs.into_iter().partition(|glyph| glyph.angle == 0);
    let mut lines: Vec<Line> = gather(upright).iter().filter_map(|glyphs| line(glyphs, page)).collect();
    if jumps_about(&lines) {
        lines.sort_by(|one, other| one.y.total_cmp(&other.y).then(one.x.total_cmp(&other.x)));
    }
    lines.extend(gather(turned).iter().filter_map(|glyphs| line(glyphs, page)));
    lines
}

/// Glyphs that follow each other on one line.
fn gather(glyphs: Vec<Placed>) -> Vec<Vec<Placed>> {
    let mut lines: Vec<Vec<Placed>> = Vec::new();
    let mut right_to_left = false;
    for glyph in glyphs {
        let backwards_too = right_to_left || direction::is_right_to_left(&glyph.text);
        match lines.last_mut() {
            Some(line) if line.last().is_some_and(|last| continues(last, &glyph, backwards_too)) => {
                right_to_left = backwards_too;
                line.push(glyph);
            }
            _ => {
                right_to_left = direction::is_right_to_left(&glyph.text);
                lines.push(vec![glyph]);
            }
        }
    }
    lines
}

/// Text from right to left goes backwards, by glyphs or by words, and so do the numbers in it.
fn continues(last: &Placed, next: &Placed, backwards_too: bool) -> bool {
    let size = last.size.max(next.size);
    let level = (last.y - next.y).abs() < SAME_LINE * size && last.angle == next.angle;
    level && (backwards_too || next.x >= last.x - size)
}

fn line(glyphs: &[Placed], page: Page) -> Option<Line> {
    let first = glyphs.first()?;
    let text = if glyphs.iter().any(|glyph| direction::is_right_to_left(&glyph.text)) {
        let mut visual = glyphs.to_vec();
        visual.sort_by(|one, other| one.x.total_cmp(&other.x));
        direction::logical(spaced(&visual))
    } else {
        spaced(glyphs).concat()
    };
    let text = direction::plain_forms(text.trim());
    let length = |glyphs: &mut dyn Iterator<Item = &Placed>| glyphs.map(|glyph| glyph.text.len()).sum::<usize>();
    let bold = length(&mut glyphs.iter().filter(|glyph| glyph.bold)) * 2 > length(&mut glyphs.iter());
    // The largest glyphs set the line: notes and indices are smaller.
    let size = glyphs.iter().map(|glyph| glyph.size).fold(0.0, f64::max);
    let x = glyphs.iter().map(|glyph| glyph.x).fold(f64::INFINITY, f64::min);
    let end = glyphs.iter().map(|glyph| glyph.end).fold(f64::NEG_INFINITY, f64::max);
    let upright = first.angle == 0;
    let (y, page, height) = (first.y, page.number, page.height);
    let at_edge = y < EDGE * height || y > (1.0 - EDGE) * height;
    (!text.is_empty()).then_some(Line { text, page, x, end, y, size, bold, upright, at_edge })
}

/// The text of each glyph, with the spaces that are only gaps on the page.
fn spaced(glyphs: &[Placed]) -> Vec<String> {
    let mut texts = Vec::with_capacity(glyphs.len());
    let mut last: Option<&Placed> = None;
    for glyph in glyphs {
        let gap = last.map_or(0.0, |last| (glyph.x - last.end) / last.size.max(glyph.size));
        let blank = |text: &str| text.chars().all(char::is_whitespace);
        let apart = last.is_some_and(|last| !blank(&last.text)) && !blank(&glyph.text);
        match gap {
            gap if gap > CELL_GAP => texts.push("\t".to_owned()),
            gap if gap > WORD_GAP && apart => texts.push(" ".to_owned()),
            _ => {}
        }
        texts.push(glyph.text.clone());
        last = Some(glyph);
    }
    texts
}

/// Whether lines are drawn in an order that nobody reads: upwards again and again, and not into the next column.
fn jumps_about(lines: &[Line]) -> bool {
    let upwards = lines.windows(2).filter(|pair| match pair {
        [one, next] => next.y < one.y - one.size && next.x < one.end,
        _ => false,
    });
    lines.len() >= 6 && upwards.count() * 3 > lines.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn placed(text: &str, x: f64, y: f64) -> Vec<Placed> {
        let glyph = |(character, place): (char, u32)| {
            let x = x + f64::from(place) * 5.0;
            Placed { text: character.into(), x, end: x + 5.0, y, size: 10.0, bold: false, angle: 0 }
        };
        text.chars().zip(0..).filter(|(character, _)| *character != '_').map(glyph).collect()
    }

    fn texts(glyphs: Vec<Placed>) -> Vec<String> {
        of_page(glyphs, Page { number: 1, height: 800.0 }).into_iter().map(|line| line.text).collect()
    }

    #[test]
    fn gaps_become_spaces_and_tabs() {
        assert_eq!(texts(placed("one_two______three", 0.0, 10.0)), ["one two\tthree"]);
    }

    #[test]
    fn columns_are_read_one_after_the_other() {
        let page = [("left", 0.0, 10.0), ("below", 0.0, 22.0), ("right", 200.0, 10.0), ("lower", 200.0, 22.0)];
        let glyphs = page.iter().flat_map(|(text, x, y)| placed(text, *x, *y)).collect();
        assert_eq!(texts(glyphs), ["left", "below", "right", "lower"]);
    }

    #[test]
    fn a_page_drawn_upwards_is_read_downwards() {
        let glyphs = (0..8).rev().flat_map(|row| placed(&format!("row{row}"), 0.0, f64::from(row) * 12.0)).collect();
        assert_eq!(texts(glyphs).first().map(String::as_str), Some("row0"));
    }
}
