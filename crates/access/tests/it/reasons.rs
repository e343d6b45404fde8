//! What a decision says of its reasons.

use access::{Change, Grounds, Policies, decide};
use domain::{
    Action, CallerRecord, Member, Principal, Provenance, Question, Resource, Role, Scope, Source, Token, TraceId,
    Verdict,
};
use expect_test::{Expect, expect};
use uuid::Uuid;

use crate::world::{directory, group, group_id, key, now, person, person_id, service, service_id, small};

fn check(changes: &[Change], question: &Question, expected: Expect) {
    let grounds = Grounds { directory: &directory(changes), policies: &Policies::default(), at: now() };
    let Verdict { allowed, reasons } = decide(&grounds, question);
    let reasons: Vec<String> = reasons.iter().map(|one| format!("{:?} {}", one.rule, one.via.join(" > "))).collect();
    let short =
        format!("{} {}", if allowed { "yes" } else { "no" }, reasons.join("; ")).replace("0000000000000000", "");
    expected.assert_eq(&short);
}

fn ask(principal: Principal, key_secret: &str, resource: Resource) -> Question {
    let key = key(key_secret, principal, &[]).id;
    let caller = CallerRecord { principal, via: Vec::new(), key: Some(key), purpose: None, subject: None };
    Question { caller, action: Action::Use, resource }
}

fn route(role: Role) -> Resource {
    Resource::Route { name: "GET /here".to_owned(), roles: vec![role], of_a_source: false }
}

fn one() -> Principal {
    Principal::Person(person_id(1))
}

#[test]
fn a_role_is_reached_by_the_shortest_way() {
    let mut changes = small(&[], &[]);
    changes.extend([1, 2, 3].map(|number| Change::PutGroup(group(number))));
    // 1 is in 3 by 2, and in a ring.
    changes.push(Change::AddMember(group_id(2), Member::Person(person_id(1))));
    changes.push(Change::AddMember(group_id(3), Member::Group(group_id(2))));
    changes.push(Change::AddMember(group_id(2), Member::Group(group_id(3))));
    changes.push(Change::GrantRole(Token::Group(group_id(3)), Role::Security));
    let security = ask(one(), "p", route(Role::Security));
    check(
        &changes,
        &security,
        expect!["yes Role per_00000000000003e9 > grp_00000000000007d2 > grp_00000000000007d3 > security"],
    );
    changes.push(Change::AddMember(group_id(3), Member::Person(person_id(1))));
    check(&changes, &security, expect!["yes Role per_00000000000003e9 > grp_00000000000007d3 > security"]);
    check(&changes, &ask(one(), "p", route(Role::User)), expect!["yes Role per_00000000000003e9 > user"]);
    check(&changes, &ask(one(), "p", route(Role::Builder)), expect!["no RoleMissing per_00000000000003e9 > builder"]);
    changes.push(Change::AddKey(key("p", one(), &[Scope::Role(Role::User)])));
    check(&changes, &security, expect!["no Narrowed per_00000000000003e9 > grp_00000000000007d3 > security"]);
    changes.push(Change::GrantRole(Token::Everyone, Role::Builder));
    changes.push(Change::AddKey(key("p", one(), &[])));
    check(
        &changes,
        &ask(one(), "p", route(Role::Builder)),
        expect!["yes Role per_00000000000003e9 > everyone > builder"],
    );
    changes.push(Change::PutPerson(person(1, false, false)));
    check(&changes, &security, expect!["no Inactive per_00000000000003e9"]);
}

#[test]
fn a_service_reaches_a_person_through_its_groups() {
    let mut changes = small(&[Scope::ActFor], &[1, 2]);
    let acting = |person| ask(Principal::Service(service_id(1)), "s", Resource::Person { person });
    check(&changes, &acting(None), expect!["no OutOfReach svc_0000000000000bb9"]);
    let about_one = acting(Some(person_id(1)));
    check(&changes, &about_one, expect!["no OutOfReach svc_0000000000000bb9 > per_00000000000003e9"]);
    changes.push(Change::PutGroup(group(2)));
    changes.push(Change::AddMember(group_id(2), Member::Person(person_id(1))));
    check(
        &changes,
        &about_one,
        expect!["yes WithinReach svc_0000000000000bb9 > per_00000000000003e9 > grp_00000000000007d2"],
    );
    changes.push(Change::PutService(access::Service { active: false, ..service(1, &[1, 2]) }));
    check(&changes, &about_one, expect!["no Inactive svc_0000000000000bb9"]);
    check(&small(&[], &[]), &about_one, expect!["no NoScope svc_0000000000000bb9"]);
    check(
        &changes,
        &ask(one(), "p", Resource::Person { person: Some(person_id(1)) }),
        expect!["no NoScope per_00000000000003e9"],
    );
}

#[test]
fn reading_an_exchange_needs_its_owner_and_every_source() {
    let changes = small(&[], &[]);
    let trace = TraceId::from_uuid(Uuid::from_u128(9));
    let reading = |owner, provenance| ask(one(), "p", Resource::Trace { trace, owner, provenance, facts: Vec::new() });
    let own = Provenance::words_of(one());
    check(
        &changes,
        &reading(Some(one()), own.clone()),
        expect!["yes Owner per_00000000000003e9; OwnWords per_00000000000003e9 > words of per_00000000000003e9"],
    );
    check(&changes, &reading(None, Provenance::default()), expect!["no NotFound trc_0000000000000009"]);
    let other = Principal::Person(person_id(2));
    check(&changes, &reading(Some(other), own.clone()), expect!["no NotFound per_00000000000003e9"]);
    let mut mixed = own;
    mixed.add(Source::Words { author: other });
    check(
        &changes,
        &reading(Some(one()), mixed),
        expect!["no SourceUnreadable per_00000000000003e9 > words of per_00000000000003ea"],
    );
}
