//! Mailboxes: which mails are found, whose they are, and what a broken one costs.

use knowledge::source::{ItemContent, Source};
use proptest::prelude::*;
use serde_json::json;

use super::scratch::Scratch;
use super::{has_flaw, later, lists, read, text};

fn mbox(scratch: &Scratch, name: &str) -> Source {
    let config = json!({"path": scratch.path().join(name), "people_source": "mail"});
    Source::from_settings("mbox", config).unwrap()
}

const MAILS: &str = "From ada@x.org Thu Jan  1 09:00:00 2026
Message-ID: <1@x.org>
From: Ada <Ada@X.org>
To: bob@x.org
Subject: One
Date: Thu, 1 Jan 2026 09:00:00 +0000

>From here on it is mine.

From ada@x.org Thu Jan  1 09:00:00 2026
Message-ID: <2@x.org>
From: ada@x.org
To: undisclosed-recipients:;
Subject: Two
Content-Type: message/rfc822

From: eve@x.org
To: mallory@x.org
Subject: inside

nested

From ada@x.org Thu Jan  1 09:00:00 2026
Message-ID: <1@x.org>
From: eve@x.org
To: eve@x.org

another with the same id

From ada@x.org Thu Jan  1 09:00:00 2026
Subject: whose?

nobody's
";

#[test]
fn mails_are_for_those_they_name() {
    let scratch = Scratch::new();
    scratch.write("all.mbox", MAILS);
    let source = mbox(&scratch, "all.mbox");
    let inventory = source.list(later()).unwrap();
    let shown: Vec<(&str, String)> = lists(&inventory).into_iter().collect();
    assert_eq!(shown[0], ("1@x.org", "ada@x.org bob@x.org".to_owned()));
    assert!(shown[1].0.starts_with("1@x.org#") && shown[1].1 == "eve@x.org", "{shown:?}");
    assert_eq!(shown[2], ("2@x.org", "Approximated ada@x.org".to_owned()));
    assert!(shown[3].0.starts_with("sha256:") && shown[3].1 == "Unknown ", "{shown:?}");
    assert!(has_flaw(&inventory, "all.mbox message 4", "nobody may see it"), "{:?}", inventory.flaws);
    let items = read(&source, &inventory);
    let one = items["1@x.org"].as_ref().unwrap();
    assert!(text(one).ends_with("\n\nFrom here on it is mine.\n\n"));
    assert_eq!((one.title.as_str(), one.updated_at), ("One", Some("2026-01-01T09:00:00Z".parse().unwrap())));
    assert!(matches!(&one.content, ItemContent::File { media_type: Some(kind), .. } if kind == "message/rfc822"));
    assert!(text(items["2@x.org"].as_ref().unwrap()).contains("nested"));
}

#[test]
fn mailboxes_of_a_folder_are_one_source() {
    let scratch = Scratch::new();
    scratch.write("mail/a.mbox", "From x\nMessage-ID: <1@x>\nFrom: a@x.org\nTo: b@x.org\n\nA\n");
    scratch.write("mail/b.mbox", "From x\nMessage-ID: <2@x>\nFrom: a@x.org\nTo: b@x.org\n\nB\n");
    scratch.write("mail/notes.txt", "From x\nMessage-ID: <3@x>\n\nC\n");
    let source = mbox(&scratch, "mail");
    let inventory = source.list(later()).unwrap();
    assert_eq!(lists(&inventory).keys().copied().collect::<Vec<_>>(), ["1@x", "2@x"]);
    assert!(text(read(&source, &inventory)["2@x"].as_ref().unwrap()).ends_with("B\n"));
    std::os::unix::fs::symlink("a.mbox", scratch.path().join("mail/c.mbox")).unwrap();
    let inventory = source.list(later()).unwrap();
    assert!(inventory.may_hold("4@x"), "what is in a mailbox that cannot be read is not gone");
    assert!(has_flaw(&inventory, "c.mbox", "cannot be read"));
}

#[test]
fn a_mailbox_that_changes_while_it_is_read_gives_no_wrong_mail() {
    let scratch = Scratch::new();
    scratch.write("all.mbox", MAILS);
    let source = mbox(&scratch, "all.mbox");
    let inventory = source.list(later()).unwrap();
    scratch.write("all.mbox", format!("From x\n\nshifted\n{MAILS}"));
    assert!(read(&source, &inventory).values().all(Result::is_err));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_bytes_are_mails_and_name_only_who_stands_there(parts in proptest::collection::vec(prop_oneof![
        Just(b"From x\n".to_vec()), Just(b"\nFrom: a@x\n".to_vec()), Just(b"To: b@x, c@x\n".to_vec()),
        Just(b"\n\n".to_vec()), Just(b"Message-ID: <1>\n".to_vec()), any::<[u8; 3]>().prop_map(|bytes| bytes.to_vec()),
    ], 0..30)) {
        let scratch = Scratch::new();
        let bytes = parts.concat();
        scratch.write("all.mbox", &bytes);
        let source = mbox(&scratch, "all.mbox");
        let inventory = source.list(later()).unwrap();
        prop_assert!(read(&source, &inventory).values().all(Result::is_ok));
        for (id, list) in lists(&inventory) {
            let named: Vec<&str> = list.split(' ').filter(|word| word.contains('@')).collect();
            let words = String::from_utf8_lossy(&bytes).to_lowercase();
            prop_assert!(named.iter().all(|address| words.contains(address)), "{} {}", id, list);
        }
    }
}
