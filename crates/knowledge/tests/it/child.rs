//! The child that parses: what is too much for it costs one answer. The child of these tests is this test binary once
//! more, asked for the one test that serves; its own output would be in the way, so that it answers on descriptor 3.

use std::ffi::OsString;
use std::io::Read;
use std::time::{Duration, Instant};

use knowledge::KnowledgeError;
use knowledge::parse::{ChildLimits, Declared, Limits, ParserCommand, ParserProcess, parse, serve};

use super::build::{docx, line, package, paragraph, pdf};

const ASKED: &str = "FREEHOLD_TEST_PARSER";

fn script(script: &str) -> ParserCommand {
    let this = std::env::current_exe().unwrap().into_os_string();
    let arguments = [OsString::from("-c"), OsString::from(script), this];
    ParserCommand { program: "/bin/sh".into(), arguments: arguments.into() }
}

/// A parser whose child may use some memory and seconds of computing.
fn parser(limits: &str, time: Duration) -> ParserProcess {
    let line = format!("{ASKED}={limits} exec \"$0\" --exact it::child::serves_when_asked --nocapture 3>&1 >/dev/null");
    ParserProcess::new(script(&line), Limits::default(), time)
}

const MINUTE: Duration = Duration::from_secs(60);

#[test]
fn serves_when_asked() {
    let Ok(asked) = std::env::var(ASKED) else { return };
    let (memory, seconds) = asked.split_once(',').unwrap();
    let limits = ChildLimits { memory_bytes: memory.parse().unwrap(), cpu_s: seconds.parse().unwrap() };
    let output = std::fs::File::options().write(true).open("/dev/fd/3").unwrap();
    serve(std::io::stdin().lock(), output, &limits).unwrap();
}

fn named(name: &str) -> Declared {
    Declared::named(name)
}

#[tokio::test]
async fn the_child_answers_as_the_function_does() {
    let mut parser = parser("2000000000,60", MINUTE);
    let documents = [
        ("a.md", "# Größe\n\ntext 語".as_bytes().to_vec()),
        ("a.docx", docx(&paragraph("Own", "heading"))),
        ("a.png", b"\x89PNG".to_vec()),
        ("a.txt", Vec::new()),
        ("a.pdf", pdf(&[&line("F1", 10, 50, 700, "words")], "")),
    ];
    for (name, bytes) in documents {
        let here = parse(&bytes, &named(name), &Limits::default());
        assert_eq!(parser.parse(&bytes, &named(name)).await, here, "{name}");
    }
}

#[tokio::test]
async fn a_document_that_outlasts_its_time_costs_one_answer() {
    let mut slow = ParserProcess::new(script("exec sleep 60"), Limits::default(), Duration::from_millis(300));
    let begin = Instant::now();
    assert_eq!(slow.parse(b"x", &named("a.txt")).await, Err(KnowledgeError::TimedOut { limit_s: 0 }));
    assert!(begin.elapsed() < Duration::from_secs(20));
}

#[tokio::test]
async fn seconds_of_computing_are_bounded_without_the_parent() {
    let mut parser = parser("2000000000,1", MINUTE);
    // Every character of a text of its own: minutes of work.
    let work: String = line("F1", 10, 50, 700, "word").repeat(600_000);
    let pages: Vec<&str> = vec![&work; 1];
    let error = parser.parse(&pdf(&pages, ""), &named("a.pdf")).await.unwrap_err();
    assert_eq!(error, KnowledgeError::TimedOut { limit_s: 60 });
    assert_eq!(parser.parse(b"next", &named("a.txt")).await.unwrap().text, "next");
}

#[tokio::test]
async fn memory_is_bounded_and_the_next_document_gets_a_fresh_child() {
    let mut parser = parser("50000000,60", MINUTE);
    assert_eq!(parser.parse(b"first", &named("a.txt")).await.unwrap().text, "first");
    // Line ends of the old kind make copies.
    let large = "<b>\r".repeat(10_000_000);
    let error = parser.parse(large.as_bytes(), &named("a.html")).await.unwrap_err();
    assert!(error.to_string().contains("needed more memory"), "{error}");
    assert_eq!(parser.parse(b"next", &named("a.txt")).await.unwrap().text, "next");
}

/// Spaces as a PDF's stream may hold them: packed, then in hexadecimal digits.
fn packed_spaces(count: usize) -> String {
    let zip = package(&[("x", &vec![b' '; count])]);
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(zip)).unwrap();
    let mut packed = vec![0x78, 0x9c];
    archive.by_index_raw(0).unwrap().read_to_end(&mut packed).unwrap();
    packed.iter().map(|byte| format!("{byte:02x}")).collect::<String>() + ">"
}

#[tokio::test]
async fn a_bomb_in_a_pdf_costs_one_answer() {
    let mut parser = parser("100000000,60", MINUTE);
    let page = String::from_utf8(pdf(&[&packed_spaces(300 << 20)], "")).unwrap();
    let bomb = page.replace("<< /Length", "<< /Filter [/ASCIIHexDecode /FlateDecode] /Length");
    let error = parser.parse(bomb.as_bytes(), &named("a.pdf")).await.unwrap_err();
    assert!(error.to_string().contains("needed more memory"), "{error}");
    assert_eq!(parser.parse(b"next", &named("a.txt")).await.unwrap().text, "next");
}

#[tokio::test]
async fn a_child_that_ends_or_talks_nonsense_costs_one_answer() {
    let answers = [
        ("head -c 20 >/dev/null", "it ended with exit status: 0"),
        ("kill -SEGV $$", "signal: 11"),
        ("cat", "its answer could not be understood"),
        ("printf '\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377\\377'; sleep 60", "could not be understood"),
    ];
    for (line, expected) in answers {
        let mut parser = ParserProcess::new(script(line), Limits::default(), MINUTE);
        let error = parser.parse(&[b'x'; 100], &named("a.txt")).await.unwrap_err();
        assert!(
            matches!(error, KnowledgeError::ParserDied { .. }) && error.to_string().contains(expected),
            "{line}: {error}"
        );
    }
}

#[tokio::test]
async fn a_parser_that_cannot_start_is_no_fault_of_the_document() {
    let missing = ParserCommand { program: "/nowhere/freehold".into(), arguments: Vec::new() };
    for command in [missing, script("exit 2")] {
        let error =
            ParserProcess::new(command, Limits::default(), MINUTE).parse(b"x", &named("a.txt")).await.unwrap_err();
        assert!(matches!(error, KnowledgeError::NoParser { .. }), "{error}");
        assert_eq!(error.kind(), domain::ErrorKind::Unavailable);
    }
}

#[tokio::test]
async fn a_dropped_call_leaves_no_child_in_the_middle_of_a_document() {
    let mut parser = parser("2000000000,60", MINUTE);
    let large = "words. ".repeat(1_000_000);
    let dropped = tokio::time::timeout(Duration::from_millis(1), parser.parse(large.as_bytes(), &named("a.txt"))).await;
    assert!(dropped.is_err());
    assert_eq!(parser.parse(b"next", &named("a.txt")).await.unwrap().text, "next");
}

#[tokio::test]
async fn what_is_too_large_is_never_sent() {
    let mut parser = ParserProcess::new(script("exit 2"), Limits { max_bytes: 3, ..Limits::default() }, MINUTE);
    assert!(matches!(parser.parse(b"four", &named("a.txt")).await, Err(KnowledgeError::TooLarge { .. })));
}
