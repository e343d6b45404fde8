//! A person's own words, against an oracle that looks for the longest run that two texts share.

use access::{Fingerprint, FingerprintKey, Remembered, Shown, ShownText};
use domain::{DocumentId, Provenance, Source};
use proptest::prelude::*;
use uuid::Uuid;

fn key() -> FingerprintKey {
    FingerprintKey::new([3; 32])
}

fn made_from(number: u128) -> Provenance {
    let mut provenance = Provenance::default();
    provenance.add(Source::Document { document: DocumentId::from_uuid(Uuid::from_u128(number)), version: 1 });
    provenance
}

fn of(number: u128, fingerprint: &Fingerprint) -> ShownText {
    ShownText { provenance: made_from(number), fingerprint: fingerprint.clone() }
}

fn shown(texts: &[&str]) -> Shown {
    let mut shown = Shown::new(100_000);
    for (number, text) in (1..).zip(texts) {
        shown.remember(of(number, &Fingerprint::of(&key(), text)));
    }
    shown
}

fn overlap(shown: &Shown, fingerprint: &Fingerprint) -> Provenance {
    shown.overlaps(std::slice::from_ref(fingerprint)).remove(0)
}

fn found(shown: &Shown, text: &str) -> bool {
    !overlap(shown, &Fingerprint::of(&key(), text)).sources().is_empty()
}

/// Texts of few letters, so that they share runs by chance; ideographs among them.
fn text(letters: &'static str, most: usize) -> impl Strategy<Value = String> {
    let letters: Vec<char> = letters.chars().collect();
    prop::collection::vec(prop::sample::select(letters), 0..most).prop_map(String::from_iter)
}

/// The longest run that both have, in letters; an ideograph counts as two.
fn longest_run(a: &str, b: &str) -> usize {
    let count = |letter: char| if letter.is_ascii() { 1 } else { 2 };
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let from = |i: usize, j: usize| {
        a[i..].iter().zip(&b[j..]).take_while(|(a, b)| a == b).map(|(letter, _)| count(*letter)).sum()
    };
    (0..a.len()).flat_map(|i| (0..b.len()).map(move |j| (i, j))).map(|(i, j)| from(i, j)).max().unwrap_or(0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn a_long_enough_run_is_found_and_a_short_one_is_not(
        letters in prop::sample::select(vec!["ab", "aab", "abc山", "山川", "abcdefghijklmnopqrstuvwxyz"]),
        seeds in (any::<u64>(), any::<u64>()), lengths in (0..150_usize, 0..150_usize),
    ) {
        let letters: Vec<char> = letters.chars().collect();
        let make = |mut seed: u64, length: usize| -> String {
            (0..length).map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                letters[(seed >> 33) as usize % letters.len()]
            }).collect()
        };
        let (a, b) = (make(seeds.0, lengths.0), make(seeds.1, lengths.1));
        let longest = longest_run(&a, &b);
        let found = found(&shown(&[&a]), &b);
        prop_assert!(found || longest < Fingerprint::SURE_LETTERS, "{longest} letters in a row were missed");
        // A run may begin and end within an ideograph, which is one letter more on each side.
        prop_assert!(!found || longest + 2 >= Fingerprint::FEWEST_LETTERS, "{longest} letters in a row were found");
    }

    #[test]
    fn what_stands_around_a_copied_run_or_within_it_unseen_does_not_matter(
        run in prop_oneof![text("abcdefghijklmnopqrst", 80), text("山川田中村木本上下東西南北", 80)],
        around in prop::collection::vec(".{0,60}", 4), every in 1..7_usize,
        unseen in prop::sample::select(vec!["", " ", "\u{200B}", ", ", "\n\n", "\u{AD}", "\u{308}", "**"]),
    ) {
        let counted: usize = run.chars().map(|letter| if letter.is_ascii() { 1 } else { 2 }).sum();
        prop_assume!(counted >= Fingerprint::SURE_LETTERS);
        let written: String = run.chars().enumerate().map(|(index, letter)| {
            let more = if index % every == 0 { unseen } else { "" };
            format!("{}{more}", if index % 2 == 0 { letter.to_ascii_uppercase() } else { letter })
        }).collect();
        let shown = shown(&["of something else altogether, which is long enough", &format!("{}{run}{}", around[0], around[1])]);
        let overlap = overlap(&shown, &Fingerprint::of(&key(), &format!("{}{written}{}", around[2], around[3])));
        prop_assert!(overlap.sources().contains(&made_from(2).sources()[0]), "{written}");
    }

    #[test]
    fn what_is_remembered_stays_within_its_weight_and_is_the_newest(
        texts in prop::collection::vec(text("abcdefghij", 400), 1..20), most in 0..400_usize,
    ) {
        let mut shown = Shown::new(most);
        let mut kept: Vec<ShownText> = Vec::new();
        for (number, text) in texts.iter().enumerate() {
            let text = of(number as u128, &Fingerprint::of(&key(), text));
            let Remembered::New(text) = shown.remember(text) else { continue };
            prop_assert!(shown.weight() <= most);
            kept.push(text);
        }
        // The oracle: from the newest back, as long as they fit.
        let mut taken = 0;
        let fits = |text: &&ShownText| {
            taken += text.weight();
            taken <= most
        };
        for text in kept.iter().rev().take_while(fits) {
            prop_assert!(overlap(&shown, &text.fingerprint).sources().contains(&text.provenance.sources()[0]));
        }
        // What is kept elsewhere in their order is the same again.
        prop_assert_eq!(Shown::of(most, kept.clone()), shown.clone());
        // Asked about all at once, each gets what it gets alone.
        let all: Vec<Fingerprint> = kept.into_iter().map(|text| text.fingerprint).collect();
        let alone: Vec<Provenance> = all.iter().map(|fingerprint| overlap(&shown, fingerprint)).collect();
        prop_assert_eq!(shown.overlaps(&all), alone);
    }
}

const SENTENCE: &str = "The board will decide on the sale of the northern plant on the third of March.";

#[test]
fn a_pasted_sentence_brings_its_source_and_other_words_bring_none() {
    let shown = shown(&[SENTENCE, "取締役会は三月三日に北工場の売却について決定する予定である。"]);
    let sources = |text: &str| overlap(&shown, &Fingerprint::of(&key(), text)).sources().to_vec();
    let pasted = "please translate: «the BOARD will decide  on the sale of the northern plant» thanks";
    assert_eq!(sources(pasted), made_from(1).sources());
    assert_eq!(sources("次を要約: 三月三日に北工場の 売却について決定する予定"), made_from(2).sources());
    assert!(sources("The board met on Tuesday, and the plant in the north was not on its agenda at all.").is_empty());
    assert!(sources("").is_empty());
    let other = Fingerprint::of(&FingerprintKey::new([4; 32]), SENTENCE);
    assert!(overlap(&shown, &other).sources().is_empty(), "another key");
}

#[test]
fn what_is_shown_again_stays_and_is_written_again_only_where_it_might_go() {
    let [one, two] = [SENTENCE, "Nobody was told of the second offer, which came in by courier last week."]
        .map(|text| Fingerprint::of(&key(), text));
    let mut both = Shown::new(usize::MAX);
    both.remember(of(1, &one));
    both.remember(of(2, &two));
    let weight = both.weight();
    assert_eq!(both.remember(of(1, &one)), Remembered::Before, "there is room for much more");
    assert_eq!(both.weight(), weight);
    let mut few = Shown::new(weight * 8);
    for number in 0..20 {
        few.remember(of(1, &one));
        few.remember(of(100 + number, &two));
        few.remember(of(200 + number, &one));
    }
    few.remember(of(1, &one));
    assert!(overlap(&few, &one).sources().contains(&made_from(1).sources()[0]), "shown again and again");
    assert!(!overlap(&few, &two).sources().contains(&made_from(100).sources()[0]), "the oldest went");
}

#[test]
fn a_long_text_pushes_the_others_out_no_more_than_it_takes() {
    let long: String = (0..40_000_u32).map(|number| format!("{} ", number.wrapping_mul(2_654_435_761))).collect();
    let mut shown = Shown::new(4_000);
    shown.remember(of(1, &Fingerprint::of(&key(), SENTENCE)));
    let Remembered::New(kept) = shown.remember(of(2, &Fingerprint::of(&key(), &long))) else { panic!("remembered") };
    assert!(kept.weight() <= 600, "{}", kept.weight());
    assert!(found(&shown, SENTENCE));
    let page: String = long.chars().skip(5_000).take(6_000).collect();
    assert!(found(&shown, &page), "a page of it is known by the sample");
}
