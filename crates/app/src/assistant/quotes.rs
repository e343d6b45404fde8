//! Which quotes an answer rests on: the sentences of what was found that speak of the question, as many as pay.

use domain::{DocumentId, PassageRecord, Provenance};
use knowledge::quote::{Words, best};
use models::Route;
use wire::freehold::Citation;

use crate::index::about_tokens;
use crate::search::FoundPassage;

/// Quotes of an answer, at most.
const MOST_QUOTES: usize = 10;
/// What stands in one ranking alone, and low, is not quoted beside what leads both: this share of the best score is enough.
const WORTH_QUOTING: f32 = 0.4;
/// A shorter quote says too little to be worth its place.
const FEWEST_TOKENS: usize = 30;
/// Where the model's context is not known.
const SHORT_CONTEXT: u32 = 4_096;

/// A quote, at its exact place.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Quote {
    /// Its number in the answer, from 1.
    pub(super) n: u32,
    pub(super) document: DocumentId,
    pub(super) version: u32,
    /// What stands there.
    pub(super) text: String,
    /// What it belongs to: the title, and the heading above it.
    pub(super) about: String,
    start: u32,
    end: u32,
    passage: FoundPassage,
}

/// How much of a prompt quotes may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Room {
    quotes: usize,
    /// Of the best one.
    first_tokens: usize,
    /// Of each other.
    each_tokens: usize,
    /// Of all.
    all_tokens: usize,
}

impl Room {
    /// On a small machine every token of a prompt is waited for; a larger server reads as much as its context pays. Most of it
    /// goes to the best passage, whole where it can be: what is asked for stands beside the words of the question, and not
    /// always among them. (Of the demo company's 60 answers 50 stand in these quotes, with even shares 45.)
    pub(super) fn of(route: &Route) -> Self {
        if route.engine().is_some() {
            return Self { quotes: 4, first_tokens: 220, each_tokens: 70, all_tokens: 340 };
        }
        let context = route.context_length().unwrap_or(SHORT_CONTEXT) as usize;
        Self { quotes: MOST_QUOTES, first_tokens: 400, each_tokens: 400, all_tokens: (context / 4).min(4_000) }
    }

    /// As many passages as can be quoted: who may see few of a kind has none of them counted in vain.
    pub(super) const fn passages(self) -> usize {
        self.quotes
    }

    /// Tokens that the quotes take at most.
    pub(super) const fn tokens(self) -> usize {
        self.all_tokens
    }
}

/// The quotes of these passages, best first, until there is no more room.
pub(super) fn choose(passages: Vec<FoundPassage>, question: &str, room: Room) -> Vec<Quote> {
    let asked = Words::of(question);
    let enough = passages.first().map_or(0.0, |best| best.score * WORTH_QUOTING);
    let (mut quotes, mut left) = (Vec::new(), room.all_tokens);
    for passage in passages.into_iter().filter(|passage| passage.score >= enough) {
        let most = if quotes.is_empty() { room.first_tokens } else { room.each_tokens }.min(left);
        if most < FEWEST_TOKENS && !quotes.is_empty() {
            break;
        }
        let heading = heading(&passage);
        let range = best(passage.text.get(heading..).unwrap_or_default(), &asked, most, &about_tokens);
        let range = heading + range.start..heading + range.end;
        let text = passage.text.get(range.clone()).unwrap_or_default();
        let tokens = about_tokens(text);
        let fits = quotes.is_empty() || tokens <= left;
        if text.is_empty() || !fits {
            continue;
        }
        left = left.saturating_sub(tokens);
        quotes.push(Quote::of(passage.clone(), quotes.len(), range));
        if quotes.len() == room.quotes {
            break;
        }
    }
    quotes
}

/// The length of the title with which a passage begins, bytes: it is named beside the quote already.
fn heading(passage: &FoundPassage) -> usize {
    let after = passage.text.trim_start().strip_prefix(passage.title.trim()).filter(|rest| rest.starts_with('\n'));
    after.filter(|rest| !rest.trim().is_empty()).map_or(0, |rest| passage.text.len() - rest.len())
}

impl Quote {
    fn of(passage: FoundPassage, before: usize, range: std::ops::Range<usize>) -> Self {
        let letters = |text: Option<&str>| u32::try_from(text.unwrap_or_default().chars().count()).unwrap_or(u32::MAX);
        let text = passage.text.get(range.clone()).unwrap_or_default().to_owned();
        let (skipped, length) = (letters(passage.text.get(..range.start)), letters(Some(&text)));
        // What was taken out of a passage moved what stands behind it: then the passage's own place is named.
        let is_exact = letters(Some(&passage.text)) == passage.end - passage.start;
        let (start, end) = match is_exact {
            true => (passage.start + skipped, passage.start + skipped + length),
            false => (passage.start, passage.end),
        };
        let heading = passage.headings.last().filter(|heading| **heading != passage.title);
        let about = heading.map_or_else(|| passage.title.clone(), |heading| format!("{}: {heading}", passage.title));
        let n = u32::try_from(before + 1).unwrap_or(u32::MAX);
        Self { n, document: passage.document, version: passage.version, text, about, start, end, passage }
    }

    pub(super) fn citation(&self) -> Citation {
        Citation {
            n: self.n,
            document: self.document.to_string(),
            external_id: Some(self.passage.external_id.clone()),
            source: Some(self.passage.source.to_string()),
            title: Some(self.passage.title.clone()),
            url: self.passage.url.clone(),
            start: self.start.into(),
            end: self.end.into(),
            quote: self.text.clone(),
        }
    }

    /// What it was made from.
    pub(super) fn provenance(&self) -> Provenance {
        self.passage.provenance()
    }

    pub(super) fn record(&self) -> PassageRecord {
        PassageRecord { document: self.document, score: self.passage.score.into() }
    }
}

#[cfg(test)]
mod tests {
    use domain::SourceId;
    use uuid::Uuid;

    use super::*;

    fn passage(text: &str, start: u32) -> FoundPassage {
        FoundPassage {
            document: DocumentId::from_uuid(Uuid::from_u128(1)),
            version: 1,
            external_id: "leave.md".to_owned(),
            source: SourceId::from_uuid(Uuid::from_u128(2)),
            title: "Leave".to_owned(),
            url: None,
            text: text.to_owned(),
            score: 1.0,
            start,
            end: start + u32::try_from(text.chars().count()).unwrap(),
            headings: vec!["Leave".to_owned(), "Days".to_owned()],
            page: None,
        }
    }

    #[test]
    fn a_quote_stands_at_its_exact_place() {
        let text = "Die Küche öffnet um acht. Jede Kollegin hat 27 Urlaubstage im Jahr. Bitte früh fragen.";
        let room = Room { quotes: 4, first_tokens: 16, each_tokens: 16, all_tokens: 40 };
        let quotes = choose(vec![passage(text, 100)], "Wie viele Urlaubstage?", room);
        let [quote] = quotes.as_slice() else { panic!("one quote") };
        assert_eq!(quote.text, "Jede Kollegin hat 27 Urlaubstage im Jahr.");
        let whole: String =
            text.chars().skip(quote.start as usize - 100).take((quote.end - quote.start) as usize).collect();
        assert_eq!((whole.as_str(), quote.about.as_str()), (quote.text.as_str(), "Leave: Days"));
    }

    #[test]
    fn a_title_is_no_part_of_a_quote_and_what_hardly_answers_is_not_quoted() {
        let mut weak = passage("Leave the key at the door.", 0);
        weak.score = 0.3;
        let room = Room { quotes: 4, first_tokens: 100, each_tokens: 100, all_tokens: 100 };
        let quotes =
            choose(vec![passage("Leave\n\nThere are 27 days.", 0), weak, passage("Leave\n", 9)], "leave", room);
        let texts: Vec<&str> = quotes.iter().map(|quote| quote.text.as_str()).collect();
        assert_eq!(texts, ["There are 27 days.", "Leave"]);
        assert_eq!((quotes[0].start, quotes[0].end), (7, 25));
    }

    #[test]
    fn there_are_as_many_as_fit_and_one_at_least() {
        let long = "word ".repeat(50);
        let passages = || vec![passage(&long, 0), passage("Short one.", 0), passage(&long, 0)];
        let count = |room| choose(passages(), "word", room).len();
        assert_eq!(count(Room { quotes: 4, first_tokens: 500, each_tokens: 500, all_tokens: 1_000 }), 3);
        assert_eq!(count(Room { quotes: 4, first_tokens: 500, each_tokens: 500, all_tokens: 100 }), 2);
        assert_eq!(count(Room { quotes: 1, first_tokens: 1, each_tokens: 1, all_tokens: 1 }), 1);
    }

    #[test]
    fn the_best_has_more_room_than_the_others() {
        let text = "Leave is asked for in good time by everybody, of the head of the team. It is twenty-seven days a year, \
            and one more for each five years. Whoever is ill says so before nine, to the head of the team and nobody else.";
        let room = Room { quotes: 4, first_tokens: 200, each_tokens: 35, all_tokens: 300 };
        let quotes = choose(vec![passage(text, 0), passage(text, 0)], "leave", room);
        let texts: Vec<&str> = quotes.iter().map(|quote| quote.text.as_str()).collect();
        assert_eq!(texts, [text, "Leave is asked for in good time by everybody, of the head of the team."]);
    }

    #[test]
    fn what_was_narrowed_is_named_by_its_passage() {
        let mut narrowed = passage("Call [redacted] about it.", 10);
        narrowed.end = 90;
        let room = Room { quotes: 4, first_tokens: 100, each_tokens: 100, all_tokens: 100 };
        let citation = choose(vec![narrowed], "call", room)[0].citation();
        assert_eq!((citation.start, citation.end, citation.quote.as_str()), (10, 90, "Call [redacted] about it."));
    }
}
