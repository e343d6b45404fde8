//! What is in a source now: its documents, what is wrong, and what could not be listed.

use super::{Entry, MOST_ENTRIES};

/// Flaws that are kept; those that follow are counted.
const MOST_FLAWS: usize = 10_000;

/// What is in a source now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Its documents, no external id twice.
    pub entries: Vec<Entry>,
    /// What is left out or closed, and why: the first 10,000.
    pub flaws: Vec<Flaw>,
    /// How many flaws there are besides.
    pub more_flaws: u64,
    /// Where something may be that is not among the entries: an external id, with everything below it (`a` is `a` and
    /// `a/b`). The empty one is the whole source.
    pub unlisted: Vec<String>,
}

/// Something wrong with one part of a source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Flaw {
    /// The file, the message or the conversation.
    pub name: String,
    /// What is wrong.
    pub reason: Reason,
}

/// What is wrong with one part of a source. None of it holds words of a document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// A symbolic link: none is followed.
    Link,
    /// No regular file.
    NotAFile,
    /// Of a format that is not read here.
    OtherFormat,
    /// Larger than files may be.
    TooLarge {
        /// The most bytes.
        limit: u64,
    },
    /// Too many documents, or folders too deep: the rest is not listed.
    TooMany {
        /// The most.
        limit: u64,
    },
    /// Its path is longer than an external id may be.
    LongPath,
    /// Its list is damaged or cannot be read: it allows nobody until that is mended.
    ListUnknown {
        /// What does not fit.
        detail: String,
    },
    /// It does not follow its format.
    Damaged {
        /// What does not fit.
        detail: String,
    },
    /// It cannot be read.
    Unreadable {
        /// What the system said.
        detail: String,
    },
}

impl std::fmt::Display for Reason {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Link => out.write_str("is a link, and none is followed: put the file itself there"),
            Self::NotAFile => out.write_str("is no regular file"),
            Self::OtherFormat => out.write_str(
                "is of no format that is read here: save it as PDF, DOCX, XLSX, PPTX, HTML, Markdown, CSV, EML or text",
            ),
            Self::TooLarge { limit } => write!(out, "is larger than {limit} bytes: split it"),
            Self::TooMany { limit } => write!(out, "goes beyond the {limit} that are read: make several sources"),
            Self::LongPath => out.write_str("has too long a path: move it up, or shorten its name"),
            Self::ListUnknown { detail } => write!(out, "has a list that cannot be read ({detail}): nobody may see it"),
            Self::Damaged { detail } => write!(out, "is damaged ({detail})"),
            Self::Unreadable { detail } => write!(out, "cannot be read ({detail}): check that the server may"),
        }
    }
}

impl Reason {
    pub(super) fn damaged(detail: impl std::fmt::Display) -> Self {
        Self::Damaged { detail: detail.to_string().chars().take(200).collect() }
    }

    pub(super) fn unreadable(detail: impl std::fmt::Display) -> Self {
        Self::Unreadable { detail: detail.to_string().chars().take(200).collect() }
    }
}

impl Inventory {
    /// Whether a document of this id, which is not among the entries, may still be there.
    #[must_use]
    pub fn may_hold(&self, external_id: &str) -> bool {
        self.unlisted.iter().any(|part| {
            part.is_empty()
                || external_id.strip_prefix(part.as_str()).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    pub(super) fn flaw(&mut self, name: impl Into<String>, reason: Reason) {
        match self.flaws.len() < MOST_FLAWS {
            true => self.flaws.push(Flaw { name: name.into(), reason }),
            false => self.more_flaws += 1,
        }
    }

    /// A part of which nothing, or not all, is among the entries.
    pub(super) fn leave_out(&mut self, part: impl Into<String>, reason: Reason) {
        let part = part.into();
        self.flaw(part.clone(), reason);
        self.unlisted.push(part);
    }

    /// Adds a document; false where there are too many, which is told once.
    pub(super) fn add(&mut self, entry: Entry) -> bool {
        if self.entries.len() >= MOST_ENTRIES {
            self.leave_out("", Reason::TooMany { limit: MOST_ENTRIES as u64 });
            return false;
        }
        self.entries.push(entry);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_that_is_not_listed_holds_what_is_below_it() {
        let not_listed = |part: &str| Inventory { unlisted: vec![part.to_owned()], ..Inventory::default() };
        for (part, id, held) in [
            ("a", "a", true),
            ("a", "a/b.md", true),
            ("a", "ab.md", false),
            ("a/b", "a/c.md", false),
            ("", "anything", true),
        ] {
            assert_eq!(not_listed(part).may_hold(id), held, "{part:?} {id}");
        }
        assert!(!Inventory::default().may_hold("a"));
    }

    #[test]
    fn flaws_beyond_the_first_are_counted() {
        let mut inventory = Inventory::default();
        for _ in 0..=MOST_FLAWS {
            inventory.flaw("a", Reason::Link);
        }
        assert_eq!((inventory.flaws.len(), inventory.more_flaws), (MOST_FLAWS, 1));
    }
}
