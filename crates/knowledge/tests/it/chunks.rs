//! Passages: nothing is lost, nothing is too long, and what belongs together stays together.

use expect_test::{Expect, expect};
use knowledge::chunk::{Chunk, ChunkOptions, chunk};
use knowledge::parse::{Block, BlockKind};
use proptest::prelude::*;

use super::build::read;

/// What every list of passages promises.
pub(super) fn hold(text: &str, passages: &[Chunk], options: &ChunkOptions, count: &dyn Fn(&str) -> usize) {
    let characters: Vec<char> = text.chars().collect();
    let mut covered = vec![false; characters.len()];
    let mut last = None;
    for passage in passages {
        let range = passage.start as usize..passage.end as usize;
        assert_eq!(characters[range.clone()].iter().collect::<String>(), passage.text);
        assert!(last < Some(passage.start), "passages are in order");
        assert!(count(&passage.text) <= options.max_tokens || passage.text.chars().count() == 1, "{passage:?}");
        last = Some(passage.start);
        covered[range].fill(true);
    }
    for (character, covered) in characters.iter().zip(covered) {
        assert!(covered || character.is_whitespace(), "{character:?} is in no passage");
    }
}

fn show(passages: &[Chunk]) -> String {
    let line = |passage: &Chunk| {
        let context = passage.context.as_ref().map_or_else(String::new, |context| format!(" ({context})"));
        format!("[{}]{context} {}\n", passage.headings.join(" > "), passage.text.replace('\n', "\\n"))
    };
    passages.iter().map(line).collect()
}

fn words(text: &str) -> usize {
    text.split_whitespace().count()
}

fn check(name: &str, text: &str, options: ChunkOptions, expected: Expect) {
    let document = read(name, text.as_bytes()).unwrap();
    let passages = chunk(&document.text, &document.blocks, &options, &words);
    hold(&document.text, &passages, &options, &words);
    expected.assert_eq(&show(&passages));
}

const SMALL: ChunkOptions = ChunkOptions { target_tokens: 12, max_tokens: 16, overlap_sentences: 1 };

#[test]
fn passages_follow_headings_and_sentences() {
    let text = "# Leave\n\nEvery employee has days off. They are twenty-five in each year. Unused days move to the next year. \
        Ask early. Ask often.\n\n### Sick leave\n\nCall in the morning. Send a note after three days of illness.\n\n\
        # Pay\n\nPay comes monthly.\n\n# Car\n\nNone.";
    check(
        "a.md",
        text,
        SMALL,
        expect![[r#"
        [] Leave\n\nEvery employee has days off. They are twenty-five in each year.
        [Leave] Unused days move to the next year. Ask early. Ask often.
        [Leave] Sick leave\n\nCall in the morning.
        [Leave > Sick leave] Send a note after three days of illness.
        [] Pay\n\nPay comes monthly.
        [] Car\n\nNone.
    "#]],
    );
}

#[test]
fn rows_stay_whole_and_bring_the_names_of_their_columns() {
    let rows: String = (1..=7).map(|row| format!("Kind {row},{row}0 days,no\n")).collect();
    check(
        "a.csv",
        &format!("Leave,Days,Paid\n{rows}"),
        SMALL,
        expect![[r#"
        [] Leave | Days | Paid\nKind 1 | 10 days | no
        [] (Leave | Days | Paid) Kind 2 | 20 days | no
        [] (Leave | Days | Paid) Kind 3 | 30 days | no
        [] (Leave | Days | Paid) Kind 4 | 40 days | no
        [] (Leave | Days | Paid) Kind 5 | 50 days | no
        [] (Leave | Days | Paid) Kind 6 | 60 days | no
        [] (Leave | Days | Paid) Kind 7 | 70 days | no
    "#]],
    );
}

#[test]
fn a_sentence_that_is_too_long_is_cut_at_words() {
    let text = format!("Short one. {}end. Short two.", "word ".repeat(40));
    check(
        "a.txt",
        &text,
        SMALL,
        expect![[r#"
        [] Short one. word word word word word word word word word word word word word word
        [] word word word word word word word word word word word word word word word word
        [] word word word word word word word word word word end.
        [] Short two.
    "#]],
    );
}

#[test]
fn scripts_without_spaces_are_cut_at_sentences() {
    let text = "员工每年可以休假。请提前两周申请！可以吗？当然可以。病假需要医生证明。";
    let document = read("a.txt", text.as_bytes()).unwrap();
    let letters = |text: &str| text.chars().count();
    let options = ChunkOptions { target_tokens: 18, max_tokens: 20, overlap_sentences: 0 };
    let passages = chunk(&document.text, &document.blocks, &options, &letters);
    hold(&document.text, &passages, &options, &letters);
    expect![[r#"
        [] 员工每年可以休假。请提前两周申请！
        [] 可以吗？当然可以。病假需要医生证明。
    "#]]
    .assert_eq(&show(&passages));
}

#[test]
fn a_word_as_long_as_the_longest_text_is_cut_in_time() {
    let text = "a".repeat(8_000_000);
    let letters = |text: &str| text.len();
    let options = ChunkOptions { target_tokens: 300, max_tokens: 400, overlap_sentences: 1 };
    let begin = std::time::Instant::now();
    let passages = chunk(&text, &[], &options, &letters);
    assert!(begin.elapsed() < std::time::Duration::from_secs(20), "{:?}", begin.elapsed());
    hold(&text, &passages, &options, &letters);
}

#[test]
fn nothing_comes_of_nothing() {
    assert_eq!(chunk(" \n\u{3000}", &[], &SMALL, &words), []);
}

fn block() -> impl Strategy<Value = Block> {
    let kind = prop_oneof![
        (1..=6_u8).prop_map(BlockKind::Heading),
        Just(BlockKind::Paragraph),
        Just(BlockKind::ListItem),
        Just(BlockKind::TableHeader),
        Just(BlockKind::TableRow),
        Just(BlockKind::Code),
    ];
    (kind, 0..300_u32, 0..60_u32).prop_map(|(kind, start, length)| Block {
        kind,
        start,
        end: start + length,
        page: None,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    /// Blocks here are in no order and overlap: even those lose nothing.
    #[test]
    fn any_blocks_over_any_text_become_whole_passages(
        text in "([a-zé語。. !?\n\tไทยสل؟🦀]|word |\\PC){0,250}",
        blocks in proptest::collection::vec(block(), 0..12),
        (target, max, overlap) in (1..40_usize, 1..40_usize, 0..4_usize),
        by_words in any::<bool>(),
    ) {
        let letters = |text: &str| text.chars().count();
        let count: &dyn Fn(&str) -> usize = if by_words { &words } else { &letters };
        let options = ChunkOptions { target_tokens: target, max_tokens: max, overlap_sentences: overlap };
        hold(&text, &chunk(&text, &blocks, &options, count), &options, count);
    }
}
