//! `closure` and `roles` against an oracle that knows only lists of facts and loops over them until nothing changes.

use std::collections::BTreeSet;

use access::Change;
use domain::{GroupId, Member, PersonId, Principal, Role, Token};
use proptest::prelude::*;

use crate::world::{directory, group, group_id, person, person_id};

const PEOPLE: u8 = 5;
const GROUPS: u8 = 5;

/// A fact or an edit, in numbers.
#[derive(Debug, Clone, Copy)]
enum Step {
    Person { number: u8, active: bool, external: bool },
    Group(u8),
    Remove(u8),
    Join { group: u8, member: u8, is_group: bool },
    Leave { group: u8, member: u8, is_group: bool },
    Grant { to: u8, is_group: bool, role: Role },
    Revoke { to: u8, is_group: bool, role: Role },
}

fn step() -> impl Strategy<Value = Step> {
    let role = prop::sample::select(Role::ALL);
    prop_oneof![
        3 => (0..PEOPLE, any::<bool>(), prop::bool::weighted(0.2))
            .prop_map(|(number, active, external)| Step::Person { number, active, external }),
        2 => (0..GROUPS).prop_map(Step::Group),
        1 => (0..GROUPS).prop_map(Step::Remove),
        6 => (0..GROUPS, 0..PEOPLE, any::<bool>())
            .prop_map(|(group, member, is_group)| Step::Join { group, member, is_group }),
        2 => (0..GROUPS, 0..PEOPLE, any::<bool>())
            .prop_map(|(group, member, is_group)| Step::Leave { group, member, is_group }),
        3 => (0..PEOPLE, any::<bool>(), role.clone())
            .prop_map(|(to, is_group, role)| Step::Grant { to, is_group, role }),
        1 => (0..PEOPLE, any::<bool>(), role)
            .prop_map(|(to, is_group, role)| Step::Revoke { to, is_group, role }),
    ]
}

fn member(number: u8, is_group: bool) -> Member {
    if is_group { Member::Group(group_id(number)) } else { Member::Person(person_id(number)) }
}

fn token(number: u8, is_group: bool) -> Token {
    if is_group { Token::Group(group_id(number)) } else { Token::Person(person_id(number)) }
}

fn change(step: Step) -> Change {
    match step {
        Step::Person { number, active, external } => Change::PutPerson(person(number, active, external)),
        Step::Group(number) => Change::PutGroup(group(number)),
        Step::Remove(number) => Change::RemoveGroup(group_id(number)),
        Step::Join { group, member: number, is_group } => Change::AddMember(group_id(group), member(number, is_group)),
        Step::Leave { group, member: number, is_group } => {
            Change::RemoveMember(group_id(group), member(number, is_group))
        }
        Step::Grant { to, is_group, role } => Change::GrantRole(token(to, is_group), role),
        Step::Revoke { to, is_group, role } => Change::RevokeRole(token(to, is_group), role),
    }
}

/// The facts as plain lists.
#[derive(Default)]
struct Facts {
    people: Vec<(PersonId, bool, bool)>,
    memberships: Vec<(GroupId, Member)>,
    grants: Vec<(Token, Role)>,
}

impl Facts {
    fn of(steps: &[Step]) -> Self {
        let mut facts = Self::default();
        for step in steps {
            facts.learn(*step);
        }
        facts
    }

    fn learn(&mut self, step: Step) {
        match step {
            Step::Person { number, active, external } => {
                self.people.retain(|(id, ..)| *id != person_id(number));
                self.people.push((person_id(number), active, external));
            }
            Step::Group(_) => {}
            Step::Remove(number) => {
                let gone = group_id(number);
                self.memberships.retain(|(group, member)| *group != gone && *member != Member::Group(gone));
                self.grants.retain(|(token, _)| *token != Token::Group(gone));
            }
            Step::Join { group, member: number, is_group } => {
                self.memberships.push((group_id(group), member(number, is_group)));
            }
            Step::Leave { group, member: number, is_group } => {
                self.memberships.retain(|fact| *fact != (group_id(group), member(number, is_group)));
            }
            Step::Grant { to, is_group, role } => self.grants.push((token(to, is_group), role)),
            Step::Revoke { to, is_group, role } => self.grants.retain(|fact| *fact != (token(to, is_group), role)),
        }
    }

    fn closure(&self, id: PersonId) -> BTreeSet<Token> {
        let Some((_, true, external)) = self.people.iter().find(|(person, ..)| *person == id) else {
            return BTreeSet::new();
        };
        let mut reached = BTreeSet::from([Token::Person(id)]);
        if !external {
            reached.insert(Token::Everyone);
        }
        // At most one group is added a round, so that many rounds reach everything.
        for _ in 0..=GROUPS {
            for (group, member) in &self.memberships {
                let has = match member {
                    Member::Person(person) => *person == id,
                    Member::Group(inner) => reached.contains(&Token::Group(*inner)),
                };
                if has {
                    reached.insert(Token::Group(*group));
                }
            }
        }
        reached
    }

    fn roles(&self, id: PersonId) -> BTreeSet<Role> {
        let closure = self.closure(id);
        self.grants.iter().filter(|(token, _)| closure.contains(token)).map(|(_, role)| *role).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn closure_and_roles_agree_with_the_oracle(steps in prop::collection::vec(step(), 0..40)) {
        let changes: Vec<Change> = steps.iter().map(|step| change(*step)).collect();
        let (directory, facts) = (directory(&changes), Facts::of(&steps));
        for number in 0..PEOPLE {
            let (id, principal) = (person_id(number), Principal::Person(person_id(number)));
            prop_assert_eq!(directory.closure(principal), facts.closure(id));
            prop_assert_eq!(directory.roles(principal), facts.roles(id));
        }
    }
}
