//! Policies by example: what is taken, what is refused and where, and what they do.

use std::collections::BTreeMap;

use access::{AttributeKind, Listing, Place, Policies, PolicyError};
use domain::{Action, AttributeValue, Attributes, ErrorKind, Member, Rule};
use expect_test::expect;

use crate::collection::{Shelf, caller, document_id, everyone, service_caller};
use crate::world::{group_id, person, person_id};

const REGION: (&str, AttributeKind) = ("region", AttributeKind::String);
const LEVEL: (&str, AttributeKind) = ("level", AttributeKind::Long);

fn parse(cedar: &str, declared: &[(&str, AttributeKind)]) -> Result<Policies, PolicyError> {
    let declared: BTreeMap<_, _> = declared.iter().map(|(name, kind)| ((*name).to_owned(), *kind)).collect();
    Policies::parse(cedar, declared)
}

fn attributes(all: &[(&str, AttributeValue)]) -> Attributes {
    all.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect()
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::String(value.to_owned())
}

fn put(shelf: &mut Shelf, number: u32, all: &[(&str, AttributeValue)]) {
    shelf.put_with(number, 1, Listing::Given(everyone()), None, attributes(all));
}

#[test]
fn policies_narrow_and_tell_which_of_them_did() {
    let mut shelf = Shelf::new();
    put(&mut shelf, 1, &[("region", text("eu"))]);
    put(&mut shelf, 2, &[("region", text("us"))]);
    assert_eq!(shelf.visible(1).count(), 1, "what no policy names tells no classes apart");
    let only_eu = "@id(\"only-eu\") forbid(principal, action, resource) unless { resource.region == \"eu\" };";
    shelf.policies(&format!("permit(principal, action, resource);\n{only_eu}"), &[REGION]);
    assert_eq!([1, 2].map(|document| shelf.reads(1, document)), [Ok(()), Err(Rule::PolicyForbids)]);
    assert_eq!(shelf.visible(1).ordinals().collect::<Vec<_>>(), [0]);
    assert_eq!(shelf.snapshot().classes(), 2);
    let verdict = shelf.access(&caller(1)).may(Action::Read, document_id(2), 1);
    assert_eq!(verdict.reasons[0].via[1], "only-eu");
    shelf.edit(access::Edit::SetPolicies(std::sync::Arc::default()));
    assert_eq!(shelf.reads(1, 2), Ok(()));
    assert_eq!(shelf.snapshot().classes(), 1, "filed anew");
}

#[test]
fn an_error_or_a_missing_attribute_denies_and_is_told() {
    let mut shelf = Shelf::new();
    put(&mut shelf, 1, &[]);
    put(&mut shelf, 2, &[("level", AttributeValue::Long(1))]);
    put(&mut shelf, 3, &[("level", text("1"))]);
    let policy = "@id(\"low\") forbid(principal, action, resource) when { resource.level > 5 };";
    // A policy that permits does not help where another fails.
    shelf.policies(&format!("{policy} permit(principal, action, resource);"), &[LEVEL]);
    let expected = [Err(Rule::PolicyError), Ok(()), Err(Rule::PolicyError)];
    assert_eq!([1, 2, 3].map(|document| shelf.reads(1, document)), expected, "a mistyped value is a missing one");
    let visible = shelf.visible(1);
    assert_eq!(visible.ordinals().collect::<Vec<_>>(), [1]);
    let [fault] = visible.faults() else { panic!("one kind of fault") };
    assert_eq!(fault.policy, "low");
    expect!["a document does not have the attribute `level`"].assert_eq(&fault.message);
    let overflow = "forbid(principal, action, resource) when { resource.level + 9223372036854775807 > 0 };";
    shelf.policies(overflow, &[LEVEL]);
    assert_eq!(shelf.reads(1, 2), Err(Rule::PolicyError));
}

#[test]
fn people_have_attributes_groups_and_purposes() {
    let mut shelf = Shelf::new();
    put(&mut shelf, 1, &[("level", AttributeValue::Long(2))]);
    let mut cleared = person(1, true, false);
    cleared.attributes.insert("level".to_owned(), 2.into());
    shelf.change(access::Change::PutPerson(cleared));
    shelf.policies("forbid(principal, action, resource) unless { principal.level >= resource.level };", &[LEVEL]);
    assert_eq!([1, 2].map(|person| shelf.reads(person, 1)), [Ok(()), Err(Rule::PolicyError)]);
    let service = shelf.access(&service_caller(None)).may(Action::Read, document_id(1), 1);
    assert_eq!(service.reasons[0].rule, Rule::NotOnList, "lists come first");

    let group = group_id(1);
    let cedar = format!("forbid(principal, action, resource) unless {{ principal in Freehold::Group::\"{group}\" }};");
    shelf.policies(&cedar, &[]);
    assert_eq!(shelf.reads(1, 1), Err(Rule::PolicyForbids));
    shelf.group(2, &[Member::Person(person_id(1))]);
    shelf.group(1, &[Member::Group(group_id(2))]);
    assert_eq!(shelf.reads(1, 1), Ok(()), "through any nesting");
    assert_eq!(shelf.visible(1).count(), 1);

    shelf.policies("forbid(principal, action, resource) unless { context.purpose == \"audit\" };", &[]);
    assert_eq!(shelf.reads(1, 1), Err(Rule::PolicyError), "no purpose is a missing attribute");
    shelf.purpose = Some("sales");
    assert_eq!((shelf.reads(1, 1), shelf.visible(1).count()), (Err(Rule::PolicyForbids), 0));
    shelf.purpose = Some("audit");
    assert_eq!((shelf.reads(1, 1), shelf.visible(1).count()), (Ok(()), 1));
}

#[test]
fn policies_apply_to_their_actions() {
    let mut shelf = Shelf::new();
    put(&mut shelf, 1, &[]);
    shelf.policies("forbid(principal, action == Freehold::Action::\"train\", resource);", &[]);
    let access = shelf.access(&caller(1));
    assert_eq!([Action::Read, Action::Train].map(|action| access.visible(action).count()), [1, 0]);
}

#[test]
fn what_names_the_time_holds_for_that_second() {
    let mut shelf = Shelf::new();
    put(&mut shelf, 1, &[]);
    shelf.policies(
        "forbid(principal, action, resource) when { context.time >= datetime(\"2026-09-21T14:13:25Z\") };",
        &[],
    );
    let seen = |shelf: &mut Shelf, seconds| {
        shelf.seconds = seconds;
        (shelf.visible(1).count(), shelf.reads(1, 1).is_ok(), shelf.visible(1).valid_until().unwrap().seconds())
    };
    assert_eq!(seen(&mut shelf, 4), (1, true, 1_790_000_005));
    assert_eq!(seen(&mut shelf, 5), (0, false, 1_790_000_006));
}

#[test]
fn only_what_policies_name_is_part_of_a_class() {
    let named = |cedar: &str| parse(cedar, &[REGION, LEVEL]).unwrap().names().clone();
    let forbid = |condition: &str| named(&format!("forbid(principal, action, resource) when {{ {condition} }};"));
    assert_eq!(forbid("true"), access::Names::default());
    let names = forbid("resource.region == \"x\" && context.purpose == \"y\"");
    assert_eq!((names.attributes.len(), names.purpose, names.source), (1, true, false));
    let names = forbid("resource has level && principal.region == resource.source");
    assert_eq!((names.attributes.len(), names.source, names.sensitivity), (1, true, false));
    assert!(names.attributes.contains("level"));
    assert_eq!(names.person_attributes.first().unwrap(), "region");
    let names = forbid("(if context.time > datetime(\"2026-01-01\") then resource else resource).level > 1");
    assert_eq!((names.attributes.len(), names.source && names.sensitivity, names.time), (2, true, true));
    assert!(forbid("resource is Freehold::Document").attributes.is_empty());
    assert!(forbid("{Var: resource.region}.Var == \"x\"").attributes.contains("region"));
}

#[test]
fn a_hash_is_of_what_the_policies_say() {
    let hash = |cedar: &str, declared: &[(&str, AttributeKind)]| {
        parse(cedar, declared).unwrap().hash().map(str::to_owned).unwrap()
    };
    let policy = "forbid(principal, action, resource) when { resource.region == \"x\" };";
    let spaced = "// a comment\nforbid (principal, action,\n resource) when { resource.region == \"x\" };";
    assert_eq!(hash(policy, &[REGION]), hash(spaced, &[REGION]));
    assert_ne!(hash(policy, &[REGION]), hash(policy, &[REGION, LEVEL]));
    assert_ne!(hash(policy, &[REGION]), hash(&policy.replace('x', "y"), &[REGION]));
    assert_eq!(hash(policy, &[REGION]).len(), 64);
    assert_eq!(Policies::default().hash(), None);
}

#[test]
fn what_is_wrong_is_said_with_its_place() {
    let cases: [(&str, &[(&str, AttributeKind)]); 8] = [
        ("forbid(principal, action, resource)\n  when { resource.region = 1 };", &[REGION]),
        ("forbid(principal, action, resource)\nwhen { resource.reegion == \"x\" };", &[REGION]),
        ("forbid(principal, action, resource) when { resource.level == \"x\" };", &[LEVEL]),
        ("forbid(principal, action == Freehold::Action::\"write\", resource);", &[]),
        ("forbid(principal, action, resource == Freehold::Document::\"doc_1\");", &[]),
        ("forbid(principal == ?principal, action, resource);", &[]),
        ("", &[("source", AttributeKind::String)]),
        ("@id(\"a\") forbid(principal, action, resource); @id(\"a\") forbid(principal, action, resource);", &[]),
    ];
    let said = |(cedar, declared): (&str, &[(&str, AttributeKind)])| {
        let error = parse(cedar, declared).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Invalid);
        error.to_string() + "\n"
    };
    let all: String = cases.into_iter().map(said).collect();
    expect![[r#"
        the policies cannot be read (line 2, column 10): '=' is not a valid operator in Cedar (try using '==' instead)
        policy 'policy0' does not fit what is declared (line 2, column 8): for policy `policy0`, attribute `reegion` on entity type `Freehold::Document` not found (did you mean `region`?)
        policy 'policy0' does not fit what is declared (line 1, column 44): the types Long and String are not compatible (for policy `policy0`, both operands to a `==` expression must have compatible types. Types must be exactly equal to be compatible)
        policy 'policy0' does not fit what is declared (line 1, column 29): for policy `policy0`, unrecognized action `Freehold::Action::"write"` (did you mean `Freehold::Action::"use"`?)
        policy 'policy0' names a single document: use its access list, or an attribute that it has
        templates with ?principal or ?resource are not taken: write the policy out
        'source' cannot be declared: every document has it
        two policies have one id: duplicate template or policy id `a`
    "#]].assert_eq(&all);
    let place = parse("\n  forbid(", &[]).unwrap_err().place();
    assert_eq!(place, Some(Place { line: 2, column: 10 }));
    assert_eq!(parse(&" ".repeat(2 << 20), &[]).unwrap_err().kind(), ErrorKind::TooLarge);
}

#[test]
fn a_permit_is_taken_with_a_word() {
    let policies = parse("@id(\"p\") permit(principal, action, resource);", &[]).unwrap();
    let [warning] = policies.warnings() else { panic!("one warning") };
    assert!(warning.starts_with("policy 'p' permits, which adds nothing"), "{warning}");
}

#[test]
fn values_are_checked_against_what_is_declared() {
    let policies = parse("", &[REGION, LEVEL]).unwrap();
    assert_eq!(policies.mistyped(&attributes(&[("region", text("eu")), ("other", text("x"))])), None);
    assert_eq!(policies.mistyped(&attributes(&[("level", text("1"))])), Some(("level", AttributeKind::Long)));
}
