//! What the headers of a mail say: its id, subject and date, and whom it names.

use std::collections::BTreeSet;

use domain::{AccessList, ListToken, Quality, Timestamp};
use mail_parser::{Addr, Address, HeaderName, HeaderValue, Message, MessageParser};

use super::super::MOST_TOKENS;

/// The headers of a mail, as far as they count here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Letterhead {
    /// Its `Message-ID`, without brackets.
    pub(super) id: Option<String>,
    /// Its subject.
    pub(super) subject: Option<String>,
    /// Its date, as the sender has it.
    pub(super) date: Option<Timestamp>,
    /// The people of `From`, `To`, `Cc` and `Bcc`.
    pub(super) access: AccessList,
    /// Whether these are the headers of a mail at all.
    pub(super) is_empty: bool,
}

impl Letterhead {
    /// Reads headers. People are those of the directory `source` whose external ids are addresses.
    pub(super) fn read(headers: &[u8], source: &str) -> Self {
        let unknown = AccessList { quality: Quality::Unknown, ..AccessList::default() };
        let nothing = Self { id: None, subject: None, date: None, access: unknown, is_empty: true };
        let Some(mail) = MessageParser::default().parse_headers(headers) else { return nothing };
        let mut people = People { source, allow: BTreeSet::new(), is_all: true };
        people.read(&mail);
        Self {
            id: mail.message_id().map(str::to_owned),
            subject: mail.subject().map(str::to_owned),
            date: mail.date().filter(|date| date.is_valid()).map(|date| {
                let seconds = date.to_timestamp();
                Timestamp::from_micros(seconds.saturating_mul(1_000_000))
            }),
            access: people.list(),
            is_empty: mail.headers().is_empty(),
        }
    }
}

/// The people of a mail.
struct People<'s> {
    source: &'s str,
    allow: BTreeSet<ListToken>,
    /// Whether nobody is missing, as far as the headers tell.
    is_all: bool,
}

impl People<'_> {
    fn read(&mut self, mail: &Message<'_>) {
        let mut is_addressed = false;
        for header in mail.headers() {
            match header.name {
                HeaderName::From => self.header(&header.value),
                HeaderName::To | HeaderName::Cc | HeaderName::Bcc => {
                    is_addressed = true;
                    self.header(&header.value);
                }
                _ => {}
            }
        }
        // Somebody received it who is not named.
        self.is_all &= is_addressed;
    }

    fn header(&mut self, value: &HeaderValue<'_>) {
        match value {
            HeaderValue::Address(Address::List(people)) => {
                self.is_all &= !people.is_empty();
                self.people(people);
            }
            HeaderValue::Address(Address::Group(groups)) => {
                // Addresses beside groups stand in a group without a name. Who a named one holds, its members tell only
                // in part, or not at all: `undisclosed-recipients:;`.
                self.is_all = false;
                groups.iter().for_each(|group| self.people(&group.addresses));
            }
            _ => self.is_all = false,
        }
    }

    fn people(&mut self, people: &[Addr<'_>]) {
        for person in people {
            match person.address().and_then(address) {
                Some(external_id) => {
                    self.allow.insert(ListToken::External { source: self.source.to_owned(), external_id });
                }
                None => self.is_all = false,
            }
        }
    }

    fn list(self) -> AccessList {
        let Self { allow, is_all, .. } = self;
        if allow.is_empty() || allow.len() > MOST_TOKENS {
            return AccessList { quality: Quality::Unknown, ..AccessList::default() };
        }
        let quality = if is_all { Quality::Exact } else { Quality::Approximated };
        AccessList { allow, deny: BTreeSet::new(), quality }
    }
}

/// An address in lower case; none where it is not a plain one, of which nobody could say whose it is.
fn address(written: &str) -> Option<String> {
    let (mailbox, host) = written.trim().split_once('@')?;
    let plain = |part: &str| {
        let strange = |letter: char| letter.is_whitespace() || letter.is_control() || "@<>()[],;:\\\"".contains(letter);
        !part.is_empty() && !part.contains(strange)
    };
    (plain(mailbox) && plain(host)).then(|| format!("{}@{}", mailbox.to_lowercase(), host.to_lowercase()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(headers: &str, people: &[&str], quality: Quality) {
        let list = Letterhead::read(headers.as_bytes(), "mail").access;
        assert_eq!((addresses(&list), list.quality), (people.iter().map(ToString::to_string).collect(), quality));
    }

    fn addresses(list: &AccessList) -> Vec<String> {
        let address = |token: &ListToken| match token {
            ListToken::External { source, external_id } if source == "mail" => external_id.clone(),
            other => panic!("{other:?}"),
        };
        list.allow.iter().map(address).collect()
    }

    #[test]
    fn the_people_of_a_mail_are_its_list() {
        let exact = Quality::Exact;
        check(
            "From: Ada <ADA@X.org>\nTo: bob@x.org, \"C, D\" <c@x.org>\nCc: e@x.org\nBcc: f@x.org\n\n",
            &["ada@x.org", "bob@x.org", "c@x.org", "e@x.org", "f@x.org"],
            exact,
        );
        check("From: a@x.org\r\nTo: b@x.org,\r\n c@x.org\r\n\r\n", &["a@x.org", "b@x.org", "c@x.org"], exact);
        check("From: a@x.org\nTo: b@x.org\nTo: c@x.org\n\n", &["a@x.org", "b@x.org", "c@x.org"], exact);
        check("From: \"boss@x.org\" <a@x.org>\nTo: b@x.org\n\n", &["a@x.org", "b@x.org"], exact);
        check("From: a@x.org\nTo: b@x.org\nReply-To: c@x.org\nSender: d@x.org\n\n", &["a@x.org", "b@x.org"], exact);
    }

    #[test]
    fn who_is_missing_makes_it_approximated() {
        let part = Quality::Approximated;
        check("From: a@x.org\nTo: undisclosed-recipients:;\n\n", &["a@x.org"], part);
        check("From: a@x.org\nTo: Team: b@x.org, c@x.org;\n\n", &["a@x.org", "b@x.org", "c@x.org"], part);
        check("From: a@x.org\n\n", &["a@x.org"], part);
        check("From: a@x.org\nTo:\n\n", &["a@x.org"], part);
        check("From: a@x.org\nTo: everybody\n\n", &["a@x.org"], part);
        check("From: a@x.org\nTo: \"odd one\"@x.org\n\n", &["a@x.org"], part);
    }

    #[test]
    fn nobody_can_be_read_is_unknown() {
        check("Subject: hello\n\n", &[], Quality::Unknown);
        check("From: nobody\nTo: undisclosed-recipients:;\n\n", &[], Quality::Unknown);
        check("", &[], Quality::Unknown);
    }

    #[test]
    fn the_rest_is_read_as_it_stands() {
        let headers =
            b"Message-ID: <7@x.org>\nSubject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nDate: Thu, 1 Jan 2026 09:00:00 +0100\n\n";
        let letterhead = Letterhead::read(headers, "mail");
        assert_eq!((letterhead.id.as_deref(), letterhead.subject.as_deref()), (Some("7@x.org"), Some("Grüße")));
        assert_eq!(letterhead.date.unwrap().to_string(), "2026-01-01T08:00:00.000000Z");
    }

    proptest! {
        #[test]
        fn nobody_is_named_who_does_not_stand_there(
            headers in "((From|To|Cc|Bcc|Subject): ?(([\"<>,;: ab@\\\\()]|x@y|team:){0,12})\n){0,4}\n?",
        ) {
            let list = Letterhead::read(headers.as_bytes(), "mail").access;
            for address in addresses(&list) {
                prop_assert!(headers.to_lowercase().contains(&address), "{address}");
            }
            prop_assert_eq!(list.allow.is_empty(), list.quality == Quality::Unknown);
        }

        #[test]
        fn any_bytes_are_headers(bytes in proptest::collection::vec(any::<u8>(), 0..80)) {
            let list = Letterhead::read(&bytes, "mail").access;
            prop_assert_eq!(list.allow.is_empty(), list.quality == Quality::Unknown);
        }
    }
}
