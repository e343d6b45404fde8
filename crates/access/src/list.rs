//! Who a list means, by what the directory knows (docs/access.md, rule 2).
//!
//! INVARIANT: a token that two answer to, or nobody, is unknown: it lets nobody in, and a list that denies it is unknown.

use std::collections::BTreeSet;

use domain::{AccessList, ListToken, Principal, Quality, Token};

use crate::directory::Directory;

impl Directory {
    /// Who a token means here; none where nobody answers to it, or a person and a group do.
    #[must_use]
    pub fn resolve(&self, token: &ListToken) -> Option<Token> {
        match token {
            ListToken::Id(token) => self.knows(*token).then_some(*token),
            ListToken::External { source, external_id } => {
                let person = self.person_by_external(source, external_id).map(|person| Token::Person(person.id));
                let group = self.group_by_external(source, external_id).map(|group| Token::Group(group.id));
                person.xor(group)
            }
        }
    }

    fn knows(&self, token: Token) -> bool {
        match token {
            Token::Everyone => true,
            Token::Person(id) => self.person(id).is_some(),
            Token::Group(id) => self.group(id).is_some(),
            Token::Service(id) => self.service(id).is_some(),
        }
    }

    /// How lists may name a token: by id, and by where it comes from.
    pub(crate) fn names(&self, token: Token) -> impl Iterator<Item = ListToken> {
        let (source, external_id) = match token {
            Token::Person(id) => self.person(id).map(|person| (&person.source, &person.external_id)),
            Token::Group(id) => self.group(id).map(|group| (&group.source, &group.external_id)),
            Token::Everyone | Token::Service(_) => None,
        }
        .unzip();
        let external = source.zip(external_id).map(|(source, external_id)| ListToken::External {
            source: source.clone(),
            external_id: external_id.clone(),
        });
        std::iter::once(ListToken::Id(token)).chain(external)
    }

    /// Every way in which lists may name what a closure reaches.
    pub(crate) fn named_in_lists(&self, closure: &BTreeSet<Token>) -> BTreeSet<ListToken> {
        let names = closure.iter().flat_map(|token| self.names(*token).map(move |name| (*token, name)));
        names.filter(|(token, name)| self.resolve(name) == Some(*token)).map(|(_, name)| name).collect()
    }

    /// The shortest way to one of these names; the smallest by ids where there are several.
    pub(crate) fn way(&self, principal: Principal, names: &[ListToken]) -> Vec<String> {
        let tokens: BTreeSet<_> = names.iter().filter_map(|name| self.resolve(name)).collect();
        let ways = tokens.into_iter().filter_map(|token| self.path(principal, token));
        ways.min_by(|a, b| a.len().cmp(&b.len()).then_with(|| a.cmp(b))).unwrap_or_default()
    }
}

/// What a list says of one closure.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Nobody can say who is on it.
    pub(crate) unknown: bool,
    /// It names nobody.
    pub(crate) empty: bool,
    /// What it allows of the closure.
    pub(crate) allowed: Vec<ListToken>,
    /// What it denies of the closure.
    pub(crate) denied: Vec<ListToken>,
}

impl Standing {
    /// From the list as it was given.
    pub(crate) fn of(directory: &Directory, list: &AccessList, names: &BTreeSet<ListToken>) -> Self {
        let on = |tokens: &BTreeSet<ListToken>| names.iter().filter(|name| tokens.contains(name)).cloned().collect();
        let strange = |token: &ListToken| directory.resolve(token).is_none();
        Self {
            unknown: list.quality == Quality::Unknown || list.deny.iter().any(strange),
            empty: list.allow.is_empty(),
            allowed: on(&list.allow),
            denied: on(&list.deny),
        }
    }
}
