//! The glyphs of a page with their places, as the page draws them.

use hayro_interpret::font::{Glyph, GlyphRun};
use hayro_interpret::hayro_cmap::BfString;
use hayro_interpret::kurbo::{Affine, BezPath, Point};
use hayro_interpret::{BlendMode, ClipPath, Device, DrawMode, DrawProps, Image, ImageDrawProps, SoftMask};

/// Units of a font's own space for each unit of text space.
const UNITS: f64 = 1000.0;
/// What a glyph without a width is taken to have, in units of its font.
const USUAL_WIDTH: f64 = 500.0;

/// One glyph on the page. Lengths are points, x to the right and y downwards, after turning by `angle`.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Placed {
    pub(super) text: String,
    pub(super) x: f64,
    pub(super) end: f64,
    pub(super) y: f64,
    pub(super) size: f64,
    pub(super) bold: bool,
    /// Degrees by which the text is turned.
    pub(super) angle: i32,
}

/// Collects the glyphs of one page.
#[derive(Default)]
pub(super) struct Glyphs {
    pub(super) placed: Vec<Placed>,
    /// Glyphs that stand for no known character.
    pub(super) unknown: u64,
    /// Where the last run began: bold by drawing twice is one text.
    last_run: usize,
    /// How many glyphs are of use; what a page draws beyond them is passed over.
    room: usize,
}

impl Glyphs {
    /// A collection of at most so many glyphs.
    pub(super) fn up_to(room: usize) -> Self {
        Self { room, ..Self::default() }
    }

    fn add_run(&mut self, run: &GlyphRun<'_, '_>, outer: Affine) {
        let begin = self.placed.len();
        let bold = run.glyphs().first().is_some_and(|glyph| is_bold(glyph));
        for glyph in run.glyphs() {
            let text = match glyph.as_unicode() {
                Some(BfString::Char(character)) => character.to_string(),
                Some(BfString::String(text)) => text,
                None => {
                    self.unknown += 1;
                    continue;
                }
            };
            let width = match &**glyph {
                Glyph::Outline(outline) => outline.advance_width(),
                Glyph::Type3(drawn) => drawn.advance_width(),
            };
            let width = width.map_or(USUAL_WIDTH, f64::from);
            self.placed.extend(place(text, outer * glyph.transform(), width, bold));
        }
        if self.repeats(begin) {
            self.placed.truncate(begin);
        } else {
            self.last_run = begin;
        }
    }

    /// Whether the run from `begin` is the one before it once more, at nearly the same place.
    fn repeats(&self, begin: usize) -> bool {
        let (before, run) = self.placed.split_at_checked(begin).unwrap_or_default();
        let last = before.get(self.last_run..).unwrap_or_default();
        let near = |one: &Placed, other: &Placed| {
            let reach = 0.15 * one.size;
            one.text == other.text && (one.x - other.x).abs() < reach && (one.y - other.y).abs() < reach
        };
        !run.is_empty() && last.len() == run.len() && last.iter().zip(run).all(|(one, other)| near(one, other))
    }
}

/// A glyph whose place is a place: hostile numbers overflow.
fn place(text: String, transform: Affine, width: f64, bold: bool) -> Option<Placed> {
    let origin = transform * Point::ZERO;
    let ahead = transform * Point::new(UNITS, 0.0) - origin;
    let up = transform * Point::new(0.0, UNITS) - origin;
    let angle = ahead.y.atan2(ahead.x);
    // Turned back, so that all text runs along x.
    let turn = Affine::rotate(-angle);
    let start = turn * origin;
    let end = turn * (transform * Point::new(width, 0.0));
    let size = up.hypot();
    let sound = [start.x, start.y, end.x, size].into_iter().all(|number| number.is_finite() && number.abs() < 1e6);
    #[expect(clippy::cast_possible_truncation, reason = "an angle has at most 360 degrees")]
    let angle = angle.to_degrees().round() as i32;
    (sound && size > 0.1).then_some(Placed { text, x: start.x, end: end.x, y: start.y, size, bold, angle })
}

fn is_bold(glyph: &Glyph<'_>) -> bool {
    let Glyph::Outline(outline) = glyph else { return false };
    outline.font_data().is_some_and(|font| {
        let named = font.postscript_name.is_some_and(|name| {
            let name = name.to_ascii_lowercase();
            name.contains("bold") || name.contains("black") || name.contains("heavy")
        });
        named || font.weight.is_some_and(|weight| weight >= 600)
    })
}

impl Device<'_> for Glyphs {
    fn draw_glyph_run(&mut self, run: &GlyphRun<'_, '_>, props: DrawProps<'_>, _: &DrawMode) {
        if self.placed.len() < self.room {
            self.add_run(run, props.transform);
        }
    }

    fn draw_path(&mut self, _: &BezPath, _: DrawProps<'_>, _: &DrawMode) {}
    fn push_clip_path(&mut self, _: &ClipPath) {}
    fn push_transparency_group(&mut self, _: f32, _: Option<SoftMask<'_>>, _: BlendMode) {}
    fn draw_image(&mut self, _: Image<'_, '_>, _: ImageDrawProps<'_>) {}
    fn pop_clip(&mut self) {}
    fn pop_transparency_group(&mut self) {}
}
