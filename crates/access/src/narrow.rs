//! The stage `narrow` (docs/access.md, "Need to know"), as far as it needs no model: sealed matters, canaries, detectors, and a
//! running total of what one recipient has drawn from one matter. It stands after the gate, and again before the reply.
//!
//! - **Invariant:** it only takes away: what is left of a passage is that passage, or pieces of it at their places.
//! - **Invariant:** characters that show nothing, case, width and marks on letters hide no term and no identifier.

mod detect;
mod drawn;
mod rules;
mod terms;

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::access::Access;
use crate::fold::{Letter, words};

pub use detect::Detector;
pub use drawn::Drawn;
use rules::Subject;
pub use rules::{Canary, Guard, Matter, Outside, RuleFlaw, Rules};

/// Why something was taken away. Names rules, and nothing of the content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It speaks of a sealed matter, and the recipient is not inside.
    Matter(String),
    /// The recipient is inside, and has drawn as many passages of this matter as one may.
    Spent(String),
    /// It holds a canary: somebody should be told.
    Canary(String),
    /// It holds something of a form that is guarded.
    Detected(Detector),
}

/// A part of a passage that is not for the recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// Where it begins, bytes of the passage; on a boundary of characters.
    pub start: usize,
    /// Where it ends.
    pub end: usize,
    /// Why.
    pub reasons: BTreeSet<Reason>,
}

/// What is left of a passage for one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Narrowed {
    /// All of it.
    Allow,
    /// All but these parts, which are in order and do not overlap.
    Redact(Vec<Span>),
    /// Nothing.
    Withhold(BTreeSet<Reason>),
}

impl Narrowed {
    /// What stands in place of a part that was taken out.
    pub const MARKER: &'static str = "[redacted]";

    /// What is left of the passage that this was said of; none where nothing is.
    #[must_use]
    pub fn applied(&self, passage: &str) -> Option<String> {
        let spans = match self {
            Self::Allow => return Some(passage.to_owned()),
            Self::Withhold(_) => return None,
            Self::Redact(spans) => spans,
        };
        let (mut left, mut from) = (String::with_capacity(passage.len()), 0);
        for span in spans {
            left.push_str(passage.get(from..span.start)?);
            left.push_str(Self::MARKER);
            from = span.end;
        }
        left.push_str(passage.get(from..)?);
        Some(left)
    }
}

/// What is left of each of these passages, in their order, for the recipient whose access this is; `drawn` is what they
/// have drawn so far, and is brought up to date. Who is inside is decided as lists are, at the epoch of the access.
///
/// Passages count in their order, so the best should come first. What is withheld for any reason counts for no matter.
#[must_use]
pub fn narrow(access: &Access, rules: &Rules, drawn: &mut Drawn, passages: &[&str]) -> Vec<Narrowed> {
    let recipient = Recipient::of(access, rules);
    passages.iter().map(|passage| recipient.look(passage, drawn)).collect()
}

/// One recipient, and which rules they are inside of.
struct Recipient<'r> {
    rules: &'r Rules,
    /// By the number of the matter.
    inside: Vec<bool>,
    /// What is looked for on their account.
    guarded: Vec<Detector>,
}

/// What was found in one passage.
#[derive(Default)]
struct Found {
    withheld: BTreeSet<Reason>,
    spans: Vec<Span>,
    /// The matters that the recipient is inside of, by number.
    spoken_of: BTreeSet<usize>,
}

impl<'r> Recipient<'r> {
    fn of(access: &Access, rules: &'r Rules) -> Self {
        let names = access.names();
        let inside = rules.matters().iter().map(|matter| !matter.inside.is_disjoint(names)).collect();
        let outside = rules.guards().iter().filter(|guard| guard.inside.is_disjoint(names));
        Self { rules, inside, guarded: outside.map(|guard| guard.detector).collect() }
    }

    fn look(&self, passage: &str, drawn: &mut Drawn) -> Narrowed {
        let words = words(passage);
        let mut found = Found::default();
        for hit in self.rules.terms().find(&words) {
            let span = |reason| Span { start: hit.start, end: hit.end, reasons: BTreeSet::from([reason]) };
            self.meet(hit.subject, span, &mut found);
        }
        if found.withheld.is_empty() {
            self.draw(&words, drawn, &mut found);
        }
        if !found.withheld.is_empty() {
            return Narrowed::Withhold(found.withheld);
        }
        found.spans.extend(detect::find(passage, &self.guarded));
        match merged(found.spans) {
            spans if spans.is_empty() => Narrowed::Allow,
            spans => Narrowed::Redact(spans),
        }
    }

    fn meet(&self, subject: Subject, span: impl FnOnce(Reason) -> Span, found: &mut Found) {
        match subject {
            Subject::Canary(number) => {
                let id = self.rules.canaries().get(number).map(|canary| canary.id.clone());
                found.withheld.insert(Reason::Canary(id.unwrap_or_default()));
            }
            Subject::Matter(number) => {
                let Some(matter) = self.rules.matters().get(number) else { return };
                let reason = || Reason::Matter(matter.id.clone());
                match (self.inside.get(number), matter.outside) {
                    (Some(true), _) => {
                        found.spoken_of.insert(number);
                    }
                    (_, Outside::Withhold) => {
                        found.withheld.insert(reason());
                    }
                    (_, Outside::Redact) => found.spans.push(span(reason())),
                }
            }
        }
    }

    /// Counts the passage for every matter that it speaks of, or for none where one of them is spent.
    fn draw(&self, words: &[Letter], drawn: &mut Drawn, found: &mut Found) {
        let limit = |number: &usize| {
            let matter = self.rules.matters().get(*number)?;
            Some((matter.id.as_str(), matter.most_passages?))
        };
        let limits: Vec<(&str, u32)> = found.spoken_of.iter().filter_map(limit).collect();
        if limits.is_empty() {
            return;
        }
        let mark = self.rules.key().mark(*b"pass", words.iter().map(|letter| u32::from(letter.what)));
        let spent = limits.iter().filter(|(matter, most)| !drawn.has_room(matter, mark, *most));
        found.withheld.extend(spent.map(|(matter, _)| Reason::Spent((*matter).to_owned())));
        if found.withheld.is_empty() {
            limits.iter().for_each(|(matter, _)| drawn.add(matter, mark));
        }
    }
}

/// Spans in order, those that overlap or touch as one.
fn merged(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_by_key(|span| (span.start, span.end));
    let mut apart: Vec<Span> = Vec::with_capacity(spans.len());
    for span in spans {
        match apart.last_mut().filter(|last| span.start <= last.end) {
            Some(last) => {
                last.end = last.end.max(span.end);
                last.reasons.extend(span.reasons);
            }
            None => apart.push(span),
        }
    }
    apart
}
