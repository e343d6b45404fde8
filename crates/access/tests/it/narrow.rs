//! What is left of a passage, against an oracle that looks through plain words.

use std::collections::{BTreeMap, BTreeSet};

use access::{
    Access, Canary, Detector, Drawn, FingerprintKey, Guard, Matter, Narrowed, Outside, Reason, RuleFlaw, Rules, narrow,
};
use domain::{ListToken, Member};
use proptest::prelude::*;

use crate::collection::{Shelf, caller, group_token, person_token};
use crate::world::{group_id, person_id};

/// Person 0 is in group 1, which is inside of every matter; person 1 is not.
fn shelf() -> Shelf {
    let mut shelf = Shelf::new();
    shelf.group(1, &[Member::Person(person_id(0))]);
    shelf.group(2, &[Member::Group(group_id(1))]);
    shelf
}

fn access(person: u8) -> Access {
    shelf().access(&caller(person))
}

fn matter(id: &str, terms: &[&str], outside: Outside, most_passages: Option<u32>) -> Matter {
    let terms = terms.iter().map(|term| (*term).to_owned()).collect();
    let inside: BTreeSet<ListToken> = [group_token(2)].into();
    Matter { id: id.to_owned(), terms, inside, outside, most_passages }
}

fn rules(matters: Vec<Matter>, detectors: &[Detector]) -> Rules {
    let guards = detectors.iter().map(|detector| Guard { detector: *detector, inside: BTreeSet::new() }).collect();
    let canary = Canary { id: "bird".to_owned(), text: "zq-canary-71".to_owned() };
    Rules::new(matters, vec![canary], guards, FingerprintKey::new([5; 32])).unwrap()
}

fn look(person: u8, rules: &Rules, passage: &str) -> Narrowed {
    narrow(&access(person), rules, &mut Drawn::default(), &[passage]).remove(0)
}

fn is_open(narrowed: &Narrowed) -> bool {
    *narrowed == Narrowed::Allow
}

const UNSEEN: [&str; 12] = [
    "\u{200B}",
    "\u{200D}",
    "\u{AD}",
    "\u{202E}",
    "\u{2066}",
    "\u{FEFF}",
    "\u{FE0F}",
    "\u{301}",
    "\u{34F}",
    "\u{E0041}",
    "\u{2060}",
    "\u{180E}",
];
const BETWEEN: [&str; 6] = [" ", "  ", "\n", ",\t", " - ", "\u{3000}"];

/// Writes the same otherwise: capitals, wide letters, more white space, and characters that show nothing.
fn disguised(text: &str, dice: &[u8]) -> String {
    let mut written = String::new();
    for (letter, roll) in text.chars().zip(dice.iter().cycle()) {
        let wide = |letter: char| char::from_u32(u32::from(letter) + 0xFEE0).unwrap();
        match (letter, roll % 8) {
            (' ', roll) => written.push_str(BETWEEN[usize::from(roll) % BETWEEN.len()]),
            (_, 0) => written.extend(letter.to_uppercase()),
            (_, 1) if letter.is_ascii_graphic() => written.push(wide(letter)),
            (_, 2 | 3) => written.extend([letter.to_string().as_str(), UNSEEN[usize::from(roll / 8) % UNSEEN.len()]]),
            _ => written.push(letter),
        }
    }
    written
}

const WORDS: [&str; 8] = ["falcon", "falconer", "müller", "a", "road", "map", "иван", "عمر"];

fn spaced(most: usize) -> impl Strategy<Value = Vec<&'static str>> {
    prop::collection::vec(prop::sample::select(WORDS.to_vec()), 1..most)
}

/// A term occurs where its words do, one after the other.
fn occurs(term: &[&str], text: &[&str]) -> bool {
    text.windows(term.len()).any(|words| words == term)
}

fn unspaced(most: usize) -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(vec!['山', '田', '太', '郎', 'の']), 1..most).prop_map(String::from_iter)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn terms_are_found_where_the_oracle_finds_them_however_they_are_written(
        terms in prop::collection::vec(spaced(4), 1..6), text in spaced(12), dice in prop::collection::vec(any::<u8>(), 1..40),
    ) {
        let joined: Vec<String> = terms.iter().map(|term| term.join(" ")).collect();
        let joined: Vec<&str> = joined.iter().map(String::as_str).collect();
        let expected = terms.iter().any(|term| occurs(term, &text));
        let text = disguised(&text.join(" "), &dice);
        let withhold = rules(vec![matter("m", &joined, Outside::Withhold, None)], &[]);
        prop_assert_eq!(is_open(&look(1, &withhold, &text)), !expected, "{:?} in {:?}", joined, text);
        prop_assert!(is_open(&look(0, &withhold, &text)), "inside");
        let redact = rules(vec![matter("m", &joined, Outside::Redact, None)], &[]);
        let left = look(1, &redact, &text).applied(&text).unwrap();
        prop_assert_eq!(left.contains(Narrowed::MARKER), expected);
        prop_assert!(is_open(&look(1, &redact, &left)), "{left} has still something of {joined:?}");
    }

    #[test]
    fn scripts_without_spaces_hide_no_term(
        term in unspaced(4), text in unspaced(12), dice in prop::collection::vec(any::<u8>(), 1..40), cut in 1..4_usize,
    ) {
        let expected = text.contains(&term);
        // Lines break anywhere.
        let broken: String = text.chars().enumerate()
            .map(|(index, letter)| if index % cut == 0 { format!("\n{letter}") } else { letter.to_string() }).collect();
        let written = disguised(&broken.replace('\n', " \n"), &dice).replace([',', '-'], "");
        let rules = rules(vec![matter("m", &[&term], Outside::Withhold, None)], &[]);
        prop_assert_eq!(is_open(&look(1, &rules, &written)), !expected, "{} in {:?}", term, written);
    }

    #[test]
    fn of_any_text_only_pieces_at_their_places_are_left(
        text in prop_oneof![any::<String>(), "([ +@.a-f0-9-]|DE|4111|falcon|\u{200B}|ß|山){0,60}"],
    ) {
        let matters = vec![matter("m", &["falcon", "a*", "山"], Outside::Redact, None)];
        let narrowed = look(1, &rules(matters, &Detector::ALL), &text);
        if let Narrowed::Redact(spans) = &narrowed {
            prop_assert!(!spans.is_empty());
            prop_assert!(spans.windows(2).all(|pair| pair[0].end < pair[1].start));
            prop_assert!(spans.iter().all(|span| span.start < span.end && text.get(span.start..span.end).is_some()));
            // Without its marked parts, what is left is the text without these parts.
            let mut without = text.clone();
            spans.iter().rev().for_each(|span| without.replace_range(span.start..span.end, Narrowed::MARKER));
            prop_assert_eq!(narrowed.applied(&text), Some(without));
        }
    }

    #[test]
    fn identifiers_are_found_however_they_are_written(
        (detector, text) in prop::sample::select(vec![
            (Detector::Iban, "DE89 3704 0044 0532 0130 00"), (Detector::PaymentCard, "4111-1111-1111-1111"),
            (Detector::NationalId, "52998224725"), (Detector::Email, "jo.doe@example.org"), (Detector::Phone, "+4930123456789"),
            (Detector::ApiKey, "fh_9aF3kLm2QpX7vTz1Yb4Nc8Rd6Ws0Ej5H"),
            (Detector::PrivateKey, "-----BEGIN PRIVATE KEY-----MIIE-----END PRIVATE KEY-----"),
        ]),
        dice in prop::collection::vec(any::<u8>(), 1..40), around in ("[ a-z]{0,9}[ (,]", "([ ),][ a-z]{0,9})?"),
    ) {
        // Keys tell capitals from small letters, so that these stay as they are.
        let dice: Vec<u8> = dice.iter().map(|roll| if roll % 8 == 0 { roll + 4 } else { *roll }).collect();
        let written: String = text.split(' ').map(|part| disguised(part, &dice)).collect::<Vec<_>>().join(" ");
        let text = format!("{}{written}{}", around.0, around.1);
        let left = look(1, &rules(Vec::new(), &[detector]), &text).applied(&text).unwrap();
        prop_assert!(left.contains(Narrowed::MARKER), "{text}");
        prop_assert!(left.chars().filter(char::is_ascii_digit).count() <= text.chars().filter(char::is_ascii_digit).count() / 2);
    }

    #[test]
    fn what_was_drawn_of_a_matter_stays_within_its_count(
        passages in prop::collection::vec((prop::sample::select(vec!["falcon", "heron", "both", "none"]), 0..4_u8), 1..30),
        most in 0..4_u32, rounds in 1..3_usize,
    ) {
        let matters = vec![
            matter("falcon", &["falcon", "both"], Outside::Withhold, Some(most)),
            matter("heron", &["heron", "both"], Outside::Withhold, Some(2)),
        ];
        let (rules, access) = (rules(matters, &[]), access(0));
        let texts: Vec<String> = passages.iter().map(|(word, number)| format!("{word} {number}")).collect();
        let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
        let mut drawn = Drawn::default();
        let mut oracle: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for _ in 0..rounds {
            let told = narrow(&access, &rules, &mut drawn, &texts);
            prop_assert_eq!(told.len(), texts.len());
            for ((text, (word, _)), told) in texts.iter().zip(&passages).zip(told) {
                let of: &[(&str, u32)] = match *word {
                    "falcon" => &[("falcon", most)],
                    "heron" => &[("heron", 2)],
                    "both" => &[("falcon", most), ("heron", 2)],
                    _ => &[],
                };
                let room = |(matter, most): &(&str, u32)| {
                    let had = oracle.get(matter);
                    had.is_some_and(|had| had.contains(text)) || had.map_or(0, BTreeSet::len) < *most as usize
                };
                let spent: BTreeSet<Reason> =
                    of.iter().filter(|matter| !room(matter)).map(|(matter, _)| Reason::Spent((*matter).to_owned())).collect();
                if spent.is_empty() {
                    of.iter().for_each(|(matter, _)| { oracle.entry(matter).or_default().insert(text); });
                    prop_assert_eq!(told, Narrowed::Allow);
                } else {
                    prop_assert_eq!(told, Narrowed::Withhold(spent));
                }
            }
        }
        for matter in ["falcon", "heron"] {
            prop_assert_eq!(drawn.passages(matter), oracle.get(matter).map_or(0, BTreeSet::len));
        }
        prop_assert_eq!(serde_json::from_str::<Drawn>(&serde_json::to_string(&drawn).unwrap()).unwrap(), drawn);
    }
}

#[test]
fn terms_are_whole_words_and_may_go_on_where_they_say_so() {
    let rules = rules(vec![matter("m", &["Falcon", "Müller*", "عمر", "株式会社"], Outside::Withhold, None)], &[]);
    for (text, expected) in [
        ("Falcon's wing", true),
        ("falcon17 and under_falcon_way", true),
        ("falcons", false),
        ("the Müllers", true),
        ("Obermüller", false),
        ("وعمر", true),
        ("والعمر", true),
        ("عمران", false),
        ("弊社は株式会社山田です", true),
        ("山田falcon田", true),
    ] {
        assert_eq!(!is_open(&look(1, &rules, text)), expected, "{text}");
    }
}

#[test]
fn a_canary_stops_whoever_meets_it_and_reasons_name_the_rule() {
    let falcon = matter("falcon", &["falcon"], Outside::Redact, None);
    let rules = rules(vec![falcon], &[Detector::Email]);
    let withheld = |id: &str| Narrowed::Withhold([Reason::Canary(id.to_owned())].into());
    assert_eq!(look(0, &rules, "see ZQ canary 71"), withheld("bird"));
    let text = "ask falcon@example.org about Falcon";
    let Narrowed::Redact(spans) = look(1, &rules, text) else { panic!("spans") };
    let parts: Vec<_> = spans.iter().map(|span| &text[span.start..span.end]).collect();
    assert_eq!(parts, ["falcon@example.org", "Falcon"]);
    let [email, falcon] = [Reason::Detected(Detector::Email), Reason::Matter("falcon".to_owned())];
    assert_eq!(spans[0].reasons, [email, falcon].into());
    assert_eq!(look(1, &rules, text).applied(text).unwrap(), "ask [redacted] about [redacted]");
}

#[test]
fn who_is_inside_of_a_guard_gets_what_it_guards() {
    let guard = Guard { detector: Detector::Iban, inside: [person_token(1)].into() };
    let rules = Rules::new(Vec::new(), Vec::new(), vec![guard], FingerprintKey::new([5; 32])).unwrap();
    let text = "pay to GB82WEST12345698765432";
    assert!(is_open(&look(1, &rules, text)));
    assert_eq!(look(2, &rules, text).applied(text).unwrap(), "pay to [redacted]");
}

#[test]
fn rules_that_could_not_work_are_refused() {
    let make = |matters| Rules::new(matters, Vec::new(), Vec::new(), FingerprintKey::new([5; 32])).unwrap_err();
    let empty = make(vec![matter("m", &["ok", " *"], Outside::Withhold, None)]);
    assert_eq!(empty, RuleFlaw::NoLetters { id: "m".to_owned() });
    let twice = make(vec![matter("m", &["a"], Outside::Withhold, None), matter("m", &["b"], Outside::Withhold, None)]);
    assert_eq!(twice, RuleFlaw::Repeated { id: "m".to_owned() });
}
