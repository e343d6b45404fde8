//! Random worlds and edits, in numbers. `agreement` tells them to the real thing, `naive` to the oracle.

use proptest::prelude::*;

pub(crate) const PEOPLE: u8 = 4;
pub(crate) const GROUPS: u8 = 4;
pub(crate) const SERVICES: u8 = 2;
pub(crate) const SOURCES: u8 = 3;
pub(crate) const DOCUMENTS: u8 = 5;
pub(crate) const GLASSES: u8 = 3;

/// One entry of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Entry {
    Everyone,
    Person(u8),
    /// By where they come from: `idp`, `p0`.
    PersonOutside(u8),
    Group(u8),
    /// By where it comes from: `idp`, `g0`; group 3 comes from `p0`, which person 0 comes from too.
    GroupOutside(u8),
    Service(u8),
    Nobody(u8),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct List {
    pub(crate) allow: Vec<Entry>,
    pub(crate) deny: Vec<Entry>,
    /// 0 exact, 1 approximated, 2 unknown.
    pub(crate) quality: u8,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Listed {
    This(List),
    Default,
    Same,
}

/// What a document says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Said {
    pub(crate) sensitivity: Option<u8>,
    pub(crate) region: Option<u8>,
    pub(crate) level: Option<i64>,
    pub(crate) tags: Option<Vec<u8>>,
    pub(crate) secret: Option<bool>,
}

/// A condition in a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Condition {
    Region(u8),
    HasRegion,
    /// `resource.level > principal.level`.
    Above,
    Tag(u8),
    Secret,
    InGroup(u8),
    IsService,
    Sensitivity(u8),
    Source(u8),
    Purpose(u8),
    /// `context.time` is later than this many seconds after the start.
    After(u8),
    Both(Box<Self>, Box<Self>),
    Either(Box<Self>, Box<Self>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Policy {
    /// Reading only, training only, or everything.
    pub(crate) only: Option<bool>,
    pub(crate) unless: bool,
    pub(crate) condition: Condition,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Step {
    Person {
        number: u8,
        active: bool,
        external: bool,
        level: Option<i64>,
    },
    Group(u8),
    RemoveGroup(u8),
    Service {
        number: u8,
        active: bool,
    },
    Join {
        group: u8,
        member: u8,
        is_group: bool,
    },
    Leave {
        group: u8,
        member: u8,
        is_group: bool,
    },
    Source {
        number: u8,
        live: bool,
        default: Option<List>,
    },
    Reconciled {
        number: u8,
        second: u8,
    },
    Limits {
        default: u8,
        secret: u8,
    },
    Put {
        number: u8,
        source: u8,
        version: i8,
        listed: Listed,
        said: Said,
    },
    List {
        number: u8,
        listed: Listed,
    },
    Retire {
        number: u8,
        close: bool,
    },
    Erase(u8),
    /// A break-glass over one document or two, until a second.
    Glass {
        number: u8,
        person: u8,
        documents: (u8, u8),
        until: u8,
    },
    EndGlass(u8),
    Policies(Vec<Policy>),
    NoPolicies,
    Compact,
    /// Time passes, seconds.
    Wait(u8),
    /// The answers of this moment are held against each other.
    Check {
        asker: u8,
        train: bool,
        purpose: Option<u8>,
    },
}

fn entry() -> impl Strategy<Value = Entry> {
    prop_oneof![
        2 => Just(Entry::Everyone),
        3 => (0..PEOPLE).prop_map(Entry::Person),
        2 => (0..PEOPLE).prop_map(Entry::PersonOutside),
        4 => (0..GROUPS).prop_map(Entry::Group),
        2 => (0..GROUPS).prop_map(Entry::GroupOutside),
        1 => (0..SERVICES).prop_map(Entry::Service),
        1 => (0..2_u8).prop_map(Entry::Nobody),
    ]
}

fn list() -> impl Strategy<Value = List> {
    let allow = prop::collection::vec(entry(), 0..4);
    let deny = prop_oneof![3 => Just(Vec::new()), 2 => prop::collection::vec(entry(), 1..3)];
    let quality = prop_oneof![8 => Just(0_u8), 1 => Just(1), 1 => Just(2)];
    (allow, deny, quality).prop_map(|(allow, deny, quality)| List { allow, deny, quality })
}

fn listed() -> impl Strategy<Value = Listed> {
    prop_oneof![6 => list().prop_map(Listed::This), 1 => Just(Listed::Default), 2 => Just(Listed::Same)]
}

fn said() -> impl Strategy<Value = Said> {
    let sensitivity = prop::option::weighted(0.7, 0..2_u8);
    let region = prop::option::weighted(0.7, 0..2_u8);
    let level = prop::option::weighted(0.7, 0..3_i64);
    let tags = prop::option::weighted(0.7, prop::collection::vec(0..3_u8, 0..3));
    let secret = prop::option::weighted(0.7, any::<bool>());
    (sensitivity, region, level, tags, secret).prop_map(|(sensitivity, region, level, tags, secret)| Said {
        sensitivity,
        region,
        level,
        tags,
        secret,
    })
}

fn condition() -> impl Strategy<Value = Condition> {
    let plain = prop_oneof![
        (0..2_u8).prop_map(Condition::Region),
        Just(Condition::HasRegion),
        Just(Condition::Above),
        (0..3_u8).prop_map(Condition::Tag),
        Just(Condition::Secret),
        (0..GROUPS).prop_map(Condition::InGroup),
        Just(Condition::IsService),
        (0..2_u8).prop_map(Condition::Sensitivity),
        (0..SOURCES).prop_map(Condition::Source),
        (0..2_u8).prop_map(Condition::Purpose),
        (0..40_u8).prop_map(Condition::After),
    ];
    plain.prop_recursive(2, 4, 2, |inner| {
        prop_oneof![
            (inner.clone(), inner.clone()).prop_map(|(a, b)| Condition::Both(Box::new(a), Box::new(b))),
            (inner.clone(), inner).prop_map(|(a, b)| Condition::Either(Box::new(a), Box::new(b))),
        ]
    })
}

fn policy() -> impl Strategy<Value = Policy> {
    (prop::option::weighted(0.5, any::<bool>()), prop::bool::weighted(0.3), condition())
        .prop_map(|(only, unless, condition)| Policy { only, unless, condition })
}

fn person() -> impl Strategy<Value = Step> {
    let level = prop::option::weighted(0.8, 0..3_i64);
    (0..PEOPLE, prop::bool::weighted(0.85), prop::bool::weighted(0.2), level)
        .prop_map(|(number, active, external, level)| Step::Person { number, active, external, level })
}

fn source() -> impl Strategy<Value = Step> {
    (0..SOURCES, any::<bool>(), prop::option::weighted(0.3, list())).prop_map(|(number, live, default)| Step::Source {
        number,
        live,
        default,
    })
}

fn put() -> impl Strategy<Value = Step> {
    (0..DOCUMENTS, 0..SOURCES, prop_oneof![5 => Just(1_i8), 3 => Just(0), 1 => Just(-1)], listed(), said())
        .prop_map(|(number, source, version, listed, said)| Step::Put { number, source, version, listed, said })
}

fn of_people() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => person(),
        3 => (0..GROUPS).prop_map(Step::Group),
        1 => (0..GROUPS).prop_map(Step::RemoveGroup),
        1 => (0..SERVICES, prop::bool::weighted(0.9)).prop_map(|(number, active)| Step::Service { number, active }),
        6 => (0..GROUPS, 0..PEOPLE, any::<bool>())
            .prop_map(|(group, member, is_group)| Step::Join { group, member, is_group }),
        2 => (0..GROUPS, 0..PEOPLE, any::<bool>())
            .prop_map(|(group, member, is_group)| Step::Leave { group, member, is_group }),
    ]
}

fn glass() -> impl Strategy<Value = Step> {
    (0..GLASSES, 0..PEOPLE, (0..DOCUMENTS, 0..DOCUMENTS), 0..60_u8)
        .prop_map(|(number, person, documents, until)| Step::Glass { number, person, documents, until })
}

fn of_documents() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => glass(),
        1 => (0..GLASSES).prop_map(Step::EndGlass),
        1 => source(),
        2 => (0..SOURCES, 0..60_u8).prop_map(|(number, second)| Step::Reconciled { number, second }),
        1 => (0..40_u8, 0..40_u8).prop_map(|(default, secret)| Step::Limits { default, secret }),
        9 => put(),
        6 => (0..DOCUMENTS, listed()).prop_map(|(number, listed)| Step::List { number, listed }),
        1 => (0..DOCUMENTS, any::<bool>()).prop_map(|(number, close)| Step::Retire { number, close }),
        1 => (0..DOCUMENTS).prop_map(Step::Erase),
        1 => Just(Step::Compact),
        2 => (0..20_u8).prop_map(Step::Wait),
    ]
}

fn of_policies() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => prop::collection::vec(policy(), 1..3).prop_map(Step::Policies),
        1 => Just(Step::NoPolicies),
    ]
}

fn check() -> impl Strategy<Value = Step> {
    // The askers repeat, so that what was remembered of them is patched forward.
    (0..PEOPLE + SERVICES, prop::bool::weighted(0.3), prop::option::weighted(0.5, 0..2_u8))
        .prop_map(|(asker, train, purpose)| Step::Check { asker, train, purpose })
}

/// A world to begin with, some edits, and checks among them. `policies`: how often those change, against all else.
pub(crate) fn plan(policies: u32) -> impl Strategy<Value = Vec<Step>> {
    let edits = prop_oneof![
        6 => of_people().boxed(),
        8 => of_documents().boxed(),
        5 => check().boxed(),
        policies => of_policies().boxed(),
    ];
    (
        prop::collection::vec(of_people(), 4..12),
        prop::collection::vec(source(), 2..5),
        prop::collection::vec(edits, 8..32),
    )
        .prop_map(|(people, sources, edits)| people.into_iter().chain(sources).chain(edits).collect())
}

/// A few edits, as somebody might think of making: mostly of one kind, and none of them checked.
pub(crate) fn change() -> impl Strategy<Value = Vec<Step>> {
    prop_oneof![
        3 => prop::collection::vec(of_people(), 1..3),
        6 => prop::collection::vec(of_documents(), 1..4),
        2 => prop::collection::vec(source(), 1..2),
        2 => prop::collection::vec(of_policies(), 1..2),
        2 => prop::collection::vec(prop_oneof![of_people(), of_documents(), source(), of_policies()], 1..6),
    ]
}
