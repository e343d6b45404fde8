//! The index against a plain loop over all passages, and against itself with and without what is hidden.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use proptest::prelude::*;
use tantivy::fieldnorm::FieldNormReader;

use super::frequent::is_frequent;
use super::stems::Stems;
use super::words::words;
use super::{LexicalHit, LexicalIndex, LexicalPassage, PublicDocuments};

/// A folder that goes with the test.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("freehold-lexical-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

/// Words that are the same, that inflect, that are in pieces, in a few languages.
const WORDS: &[&str] = &[
    "the",
    "invoice",
    "invoices",
    "paid",
    "paying",
    "INV-2024-001",
    "2024",
    "der",
    "Vertrag",
    "Verträge",
    "contrato",
    "contratos",
    "年假",
    "申请年",
    "休暇を",
    "договор",
    "договора",
    "الموظف",
    "موظفين",
    "foo_bar",
    "foo",
    "zebra",
];
const LANGUAGES: &[Option<&str>] =
    &[Some("eng"), Some("deu"), Some("spa"), Some("rus"), Some("ara"), Some("cmn"), None];

#[derive(Debug, Clone, PartialEq)]
struct Document {
    version: u32,
    language: Option<&'static str>,
    passages: Vec<String>,
}

fn document() -> impl Strategy<Value = Document> {
    let passage = prop::collection::vec(prop::sample::select(WORDS), 0..12).prop_map(|words| words.join(" "));
    let passages = prop::collection::vec(passage, 1..4);
    (0_u32..3, prop::sample::select(LANGUAGES), passages).prop_map(|(version, language, passages)| Document {
        version,
        language,
        passages,
    })
}

#[derive(Debug, Clone)]
enum Step {
    Put(u32, Document),
    Remove(u32),
    Commit,
    Purge,
}

fn steps(slots: std::ops::Range<u32>, count: std::ops::Range<usize>) -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        40 => (slots.clone(), document()).prop_map(|(slot, document)| Step::Put(slot, document)),
        6 => slots.prop_map(Step::Remove),
        2 => Just(Step::Commit),
        1 => Just(Step::Purge),
    ];
    prop::collection::vec(step, count)
}

fn put(index: &LexicalIndex, slot: u32, document: &Document) {
    let passage = |(number, text): (usize, &'_ String)| (u32::try_from(number).unwrap(), text.clone());
    let texts: Vec<(u32, String)> = document.passages.iter().enumerate().map(passage).collect();
    let passages: Vec<LexicalPassage<'_>> =
        texts.iter().map(|(number, text)| LexicalPassage { number: *number, title: "", headings: &[], text }).collect();
    index.put(slot, document.version, document.language, &passages).unwrap();
}

fn follow(index: &LexicalIndex, steps: &[Step]) -> BTreeMap<u32, Document> {
    let mut documents = BTreeMap::new();
    for step in steps {
        match step {
            Step::Put(slot, document) => {
                put(index, *slot, document);
                documents.insert(*slot, document.clone());
            }
            Step::Remove(slot) => {
                index.remove(*slot).unwrap();
                documents.remove(slot);
            }
            Step::Commit => index.commit(index.stamp() + 1).unwrap(),
            Step::Purge => index.purge().unwrap(),
        }
    }
    index.commit(index.stamp() + 1).unwrap();
    documents
}

/// The words and stems of a passage, as a loop sees them.
fn terms(text: &str, language: Option<&str>) -> [Vec<String>; 2] {
    let mut stems = language.and_then(Stems::of);
    let [mut all, mut stemmed] = [Vec::new(), Vec::new()];
    words(text, &mut |word| {
        stemmed.extend(stems.as_mut().map(|stems| stems.stem(&word)));
        all.push(word.folded);
    });
    [all, stemmed]
}

struct Oracle {
    /// Slot, version, number, terms.
    passages: Vec<(u32, u32, u32, [Vec<String>; 2])>,
    public: BTreeSet<u32>,
}

impl Oracle {
    fn of(documents: &BTreeMap<u32, Document>, public: &dyn Fn(u32) -> bool) -> Self {
        let passages = documents.iter().flat_map(|(slot, document)| {
            let terms = |text: &String| terms(text, document.language);
            let numbered = document.passages.iter().map(terms).zip(0..);
            numbered.map(|(terms, number)| (*slot, document.version, number, terms))
        });
        let public = documents.keys().copied().filter(|slot| public(*slot)).collect();
        Self { passages: passages.collect(), public }
    }

    fn length(words: usize) -> u32 {
        FieldNormReader::id_to_fieldnorm(FieldNormReader::fieldnorm_to_id(u32::try_from(words).unwrap()))
    }

    fn mean(&self, field: usize) -> f32 {
        let public = self.passages.iter().filter(|passage| self.public.contains(&passage.0));
        let lengths: Vec<u64> =
            public.map(|passage| Self::length(passage.3[field].len()).into()).filter(|length| *length > 0).collect();
        if self.public.len() < 100 || lengths.is_empty() {
            return 200.0;
        }
        lengths.iter().sum::<u64>() as f32 / lengths.len() as f32
    }

    fn weight(&self, field: usize, term: &str, word: &str) -> f32 {
        let frequent = is_frequent(word);
        if self.public.len() < 100 {
            return if frequent { 0.4 } else { super::statistics::usual_weight(word) };
        }
        let public: Vec<_> = self.passages.iter().filter(|passage| self.public.contains(&passage.0)).collect();
        let with = public.iter().filter(|passage| passage.3[field].iter().any(|other| other == term)).count() as f32;
        let weight = (1.0 + (public.len() as f32 - with + 0.5) / (with + 0.5)).ln();
        if frequent { weight.clamp(0.01, 0.4) } else { weight.max(0.01) }
    }

    fn search(&self, query: &str, allowed: &dyn Fn(u32) -> bool, limit: usize) -> Vec<LexicalHit> {
        let means = [self.mean(0), self.mean(1)];
        let mut asked: BTreeMap<(usize, String), f32> = BTreeMap::new();
        for code in ["eng", "deu", "spa", "rus", "ara"] {
            let [words, stems] = terms(query, Some(code));
            for (word, stem) in words.iter().zip(stems) {
                asked.entry((0, word.clone())).or_insert_with(|| self.weight(0, word, word));
                asked.entry((1, stem.clone())).or_insert_with(|| self.weight(1, &stem, word));
            }
        }
        let whole: u64 = asked
            .iter()
            .filter(|((field, _), _)| *field == 0)
            .map(|(_, weight)| (weight * 2.0 * 65_536.0) as u64)
            .sum();
        let mut hits = Vec::new();
        for (slot, version, number, terms) in self.passages.iter().filter(|passage| allowed(passage.0)) {
            let mut steps = 0;
            for ((field, term), weight) in &asked {
                let often = terms[*field].iter().filter(|other| *other == term).count() as f32;
                let norm = 1.2 * (1.0 - 0.75 + 0.75 * Self::length(terms[*field].len()) as f32 / means[*field]);
                let gain = (weight * (1.2 + 1.0) * 65_536.0 * (often / (often + norm))) as u64;
                steps += if *field == 0 && terms[1].is_empty() { gain * 2 } else { gain };
            }
            if steps > 0 {
                let score = steps as f32 / 65_536.0;
                let share = steps as f32 / whole.max(1) as f32;
                hits.push(LexicalHit { slot: *slot, version: *version, number: *number, score, share });
            }
        }
        hits.sort_by(|one, other| {
            other.score.total_cmp(&one.score).then((one.slot, one.number).cmp(&(other.slot, other.number)))
        });
        hits.truncate(limit);
        hits
    }
}

fn query() -> impl Strategy<Value = String> {
    prop::collection::vec(prop::sample::select(WORDS), 1..5).prop_map(|words| words.join(" "))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn search_agrees_with_a_loop_over_what_is_allowed(
        steps in steps(0..30, 1..60),
        many in prop::collection::vec(document(), 0..130),
        queries in prop::collection::vec((query(), 1_usize..12), 1..8),
        (seen, public) in (1_u32..5, 1_u32..3),
    ) {
        let folder = Folder::new();
        let index = LexicalIndex::open(folder.path()).unwrap();
        many.iter().zip(100..).for_each(|(document, slot)| put(&index, slot, document));
        let mut documents = follow(&index, &steps);
        documents.extend((100..).zip(many));
        let is_public = |slot: u32| slot.is_multiple_of(public);
        let allowed = |slot: u32| slot % seen != 1;
        let oracle = Oracle::of(&documents, &is_public);
        let public = PublicDocuments { generation: 1, contains: &is_public };
        for (query, limit) in queries {
            let hits = index.search(&query, &allowed, &public, limit).unwrap();
            prop_assert_eq!(hits, oracle.search(&query, &allowed, limit), "{}", query);
        }
    }

    #[test]
    fn what_is_hidden_changes_no_bit(
        seen in prop::collection::vec(document(), 1..120),
        hidden in steps(0..200, 1..120),
        queries in prop::collection::vec((query(), 1_usize..12), 1..8),
        public in 1_u32..3,
    ) {
        let folders = [Folder::new(), Folder::new()];
        let [alone, among] = folders.each_ref().map(|folder| LexicalIndex::open(folder.path()).unwrap());
        // Even slots are seen, odd ones hidden, and some of what is seen is written before, between and after.
        let half = hidden.len() / 2;
        let odd = |step: &Step| match step.clone() {
            Step::Put(slot, document) => Step::Put(slot * 2 + 1, document),
            Step::Remove(slot) => Step::Remove(slot * 2 + 1),
            other => other,
        };
        let hidden: Vec<Step> = hidden.iter().map(odd).collect();
        follow(&among, &hidden[..half]);
        for (document, number) in seen.iter().zip(0..) {
            put(&alone, number * 2, document);
            put(&among, number * 2, document);
        }
        follow(&among, &hidden[half..]);
        alone.commit(1).unwrap();
        let is_public = |slot: u32| slot.is_multiple_of(2) && (slot / 2).is_multiple_of(public);
        let allowed = |slot: u32| slot.is_multiple_of(2);
        let public = PublicDocuments { generation: 1, contains: &is_public };
        for (query, limit) in queries {
            let bits = |index: &LexicalIndex| {
                let hits = index.search(&query, &allowed, &public, limit).unwrap();
                hits.iter().map(|hit| (hit.slot, hit.version, hit.number, hit.score.to_bits())).collect::<Vec<_>>()
            };
            prop_assert_eq!(bits(&alone), bits(&among), "{}", query);
        }
    }
}

/// Many passages, so that stretches, thresholds and terms that are only asked about are met.
#[test]
fn many_passages_in_several_segments_agree_with_a_loop() {
    let folder = Folder::new();
    let index = LexicalIndex::open(folder.path()).unwrap();
    let (mut documents, mut dice) = (BTreeMap::new(), 7_u64);
    let mut roll = |sides: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % sides
    };
    for slot in 0..6_000_u32 {
        let mut text = String::new();
        for _ in 0..=roll(15) {
            // Rarer with its number, as words of a language are.
            let word = roll(WORDS.len() as u64).min(roll(WORDS.len() as u64)).min(roll(WORDS.len() as u64));
            text.push_str(WORDS[usize::try_from(word).unwrap()]);
            text.push(' ');
        }
        let document = Document { version: 1, language: Some("eng"), passages: vec![text.clone(), text] };
        put(&index, slot, &document);
        documents.insert(slot, document);
        if slot % 2_500 == 2_499 {
            index.commit(1).unwrap();
        }
    }
    index.commit(2).unwrap();
    for public in [1, 100] {
        let is_public = |slot: u32| slot.is_multiple_of(public);
        let oracle = Oracle::of(&documents, &is_public);
        for seen in [1, 2, 3, 500, 2_000] {
            let allowed = |slot: u32| slot.is_multiple_of(seen);
            for query in ["the invoice", "zebra the paid", "INV-2024-001 the the", "foo_bar contratos der 年假", "the"]
            {
                let public = PublicDocuments { generation: public.into(), contains: &is_public };
                let hits = index.search(query, &allowed, &public, 10).unwrap();
                assert_eq!(hits, oracle.search(query, &allowed, 10), "{query}, one in {seen}");
            }
        }
    }
}
