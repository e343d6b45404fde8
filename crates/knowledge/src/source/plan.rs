//! What a sync has to do: what is known of a source beside what is there now.
//!
//! INVARIANT: done in its order, and broken off anywhere, a plan lets nobody see anything that they could not see before
//! and may not see now; and nothing is retired that could not be listed.

use std::collections::{BTreeMap, BTreeSet};

use domain::{AccessList, Quality};

use super::{Entry, Inventory, Rights};

/// What is known of a document from the last time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its version at the source, as it was put.
    pub source_version: String,
    /// Its rights, as they were put.
    pub rights: Rights,
}

/// A list that lets in only who is let in before and after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Narrowing<'a> {
    /// The document.
    pub external_id: &'a str,
    /// The list to set, for all its versions at once.
    pub list: AccessList,
}

/// What a sync has to do, in the order of the fields; within each, any order is right.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SyncPlan<'a> {
    /// Documents whose list loses somebody.
    pub to_narrow_first: Vec<Narrowing<'a>>,
    /// Documents that are no longer there.
    pub to_retire: Vec<&'a str>,
    /// Documents that say the same under other rights: set all three of [`Rights`] as they are in the entry.
    pub to_relist: Vec<&'a Entry>,
    /// Documents to read and to put, rights and content in one step: known ones first, those with other rights before
    /// the rest, then new ones. Sensitivity and attributes that change together with the content change here: which
    /// way policies take them cannot be told.
    pub to_put: Vec<&'a Entry>,
    /// How many documents are as they were.
    pub unchanged: usize,
    /// How many known documents may still be there, in a part that could not be listed. They stay as they are.
    pub out_of_sight: usize,
}

impl<'a> SyncPlan<'a> {
    /// Compares what is known, by external id and without what is retired, with what is there.
    #[must_use]
    pub fn new(known: &'a BTreeMap<String, Known>, inventory: &'a Inventory) -> Self {
        let mut plan = Self::default();
        let (mut changed, mut new) = (Vec::new(), Vec::new());
        for entry in &inventory.entries {
            let Some(before) = known.get(&entry.external_id) else {
                new.push(entry);
                continue;
            };
            let same_rights = before.rights == entry.rights;
            plan.to_narrow_first.extend(narrowing(before, entry));
            match (before.source_version == entry.source_version, same_rights) {
                (true, true) => plan.unchanged += 1,
                (true, false) => plan.to_relist.push(entry),
                (false, false) => plan.to_put.push(entry),
                (false, true) => changed.push(entry),
            }
        }
        plan.to_put.append(&mut changed);
        plan.to_put.append(&mut new);
        plan.leave(known, inventory);
        plan
    }

    fn leave(&mut self, known: &'a BTreeMap<String, Known>, inventory: &Inventory) {
        let there: BTreeSet<&str> = inventory.entries.iter().map(|entry| entry.external_id.as_str()).collect();
        for external_id in known.keys().filter(|id| !there.contains(id.as_str())) {
            match inventory.may_hold(external_id) {
                true => self.out_of_sight += 1,
                false => self.to_retire.push(external_id),
            }
        }
    }
}

fn narrowing<'a>(before: &Known, entry: &'a Entry) -> Option<Narrowing<'a>> {
    let list = match (&before.rights.access, &entry.rights.access) {
        (None, None) => return None,
        (Some(before), Some(now)) => in_between(before, now)?,
        // Who the source's default lets in is not known here, and it may change.
        (None, Some(_)) | (Some(_), None) => AccessList::default(),
    };
    Some(Narrowing { external_id: &entry.external_id, list })
}

/// A list of those whom both let in, as far as tokens tell; none where the one before already is as narrow.
fn in_between(before: &AccessList, now: &AccessList) -> Option<AccessList> {
    if lets_nobody_in(before) {
        return None;
    }
    if lets_nobody_in(now) {
        return Some(now.clone());
    }
    let allow: BTreeSet<_> = before.allow.intersection(&now.allow).cloned().collect();
    let deny: BTreeSet<_> = before.deny.union(&now.deny).cloned().collect();
    if (&allow, &deny) == (&before.allow, &before.deny) {
        return None;
    }
    let quality = match (&allow, &deny) == (&now.allow, &now.deny) {
        true => now.quality,
        false => Quality::Approximated,
    };
    Some(AccessList { allow, deny, quality })
}

fn lets_nobody_in(list: &AccessList) -> bool {
    list.quality == Quality::Unknown || list.allow.is_empty()
}

#[cfg(test)]
mod tests {
    use domain::ListToken;
    use proptest::prelude::*;

    use super::super::Place;
    use super::*;

    fn token(person: u8) -> ListToken {
        ListToken::External { source: "s".to_owned(), external_id: person.to_string() }
    }

    fn list(allow: &[u8], deny: &[u8], quality: Quality) -> AccessList {
        let tokens = |people: &[u8]| people.iter().map(|person| token(*person)).collect();
        AccessList { allow: tokens(allow), deny: tokens(deny), quality }
    }

    fn entry(id: &str, version: &str, access: Option<AccessList>) -> Entry {
        let rights = Rights { access, ..Rights::default() };
        let place = Place::File(id.as_bytes().to_vec());
        Entry { external_id: id.to_owned(), source_version: version.to_owned(), rights, place }
    }

    fn known(entry: Entry) -> (String, Known) {
        (entry.external_id, Known { source_version: entry.source_version, rights: entry.rights })
    }

    #[test]
    fn what_was_swapped_is_narrowed_to_who_stays() {
        let before = BTreeMap::from([known(entry("a", "1", Some(list(&[1, 2], &[], Quality::Exact))))]);
        let entries = vec![entry("a", "2", Some(list(&[2, 3], &[4], Quality::Exact)))];
        let now = Inventory { entries, ..Inventory::default() };
        let plan = SyncPlan::new(&before, &now);
        let between = list(&[2], &[4], Quality::Approximated);
        assert_eq!(plan.to_narrow_first, [Narrowing { external_id: "a", list: between }]);
        assert_eq!(plan.to_put, [&now.entries[0]]);
    }

    #[test]
    fn a_wider_list_waits_for_what_it_is_about() {
        let before = BTreeMap::from([known(entry("a", "1", Some(list(&[1], &[], Quality::Exact))))]);
        let entries = vec![entry("a", "2", Some(list(&[1, 2], &[], Quality::Exact)))];
        let now = Inventory { entries, ..Inventory::default() };
        let plan = SyncPlan::new(&before, &now);
        assert_eq!((plan.to_narrow_first.len(), plan.to_relist.len(), plan.to_put.len()), (0, 0, 1));
    }

    /// What a document's readers are shown: its content, and its list.
    type Shown = BTreeMap<String, (String, Option<AccessList>)>;

    fn lets_in(list: Option<&AccessList>, person: u8) -> bool {
        // The default lets in an owner who is on no list.
        let Some(list) = list else { return person == 9 };
        let person = token(person);
        list.quality != Quality::Unknown && list.allow.contains(&person) && !list.deny.contains(&person)
    }

    fn sees(shown: &Shown, id: &str, person: u8, content: &str) -> bool {
        shown.get(id).is_some_and(|(said, list)| said == content && lets_in(list.as_ref(), person))
    }

    /// The plan, step by step.
    fn steps(plan: &SyncPlan<'_>, before: &Shown) -> Vec<Shown> {
        let (mut shown, mut all) = (before.clone(), Vec::new());
        for Narrowing { external_id, list } in &plan.to_narrow_first {
            shown.get_mut(*external_id).unwrap().1 = Some(list.clone());
            all.push(shown.clone());
        }
        for external_id in &plan.to_retire {
            assert!(shown.remove(*external_id).is_some());
            all.push(shown.clone());
        }
        for entry in &plan.to_relist {
            shown.get_mut(&entry.external_id).unwrap().1.clone_from(&entry.rights.access);
            all.push(shown.clone());
        }
        for entry in &plan.to_put {
            shown.insert(entry.external_id.clone(), (entry.source_version.clone(), entry.rights.access.clone()));
            all.push(shown.clone());
        }
        all
    }

    fn lists() -> impl Strategy<Value = Option<AccessList>> {
        let people = || proptest::collection::vec(0_u8..4, 0..3);
        let quality = prop_oneof![Just(Quality::Exact), Just(Quality::Approximated), Just(Quality::Unknown)];
        let given = (people(), people(), quality).prop_map(|(allow, deny, quality)| list(&allow, &deny, quality));
        proptest::option::weighted(0.8, given)
    }

    fn entries() -> impl Strategy<Value = Vec<Entry>> {
        let ids = prop_oneof!["a", "b", "a/x", "a/y", "ab"];
        proptest::collection::btree_map(ids, ("[12]", lists()), 0..5)
            .prop_map(|all| all.into_iter().map(|(id, (version, list))| entry(&id, &version, list)).collect())
    }

    proptest! {
        #[test]
        fn a_plan_that_breaks_off_anywhere_widens_nothing(
            before in entries(),
            now in entries(),
            unlisted in proptest::collection::vec(prop_oneof!["a", "b", ""], 0..2),
        ) {
            let known: BTreeMap<String, Known> = before.iter().cloned().map(known).collect();
            let inventory = Inventory { entries: now.clone(), unlisted, ..Inventory::default() };
            let shown = |entries: &[Entry]| -> Shown {
                let each = entries.iter().cloned();
                each.map(|entry| (entry.external_id, (entry.source_version, entry.rights.access))).collect()
            };
            let (old, new) = (shown(&before), shown(&now));
            let plan = SyncPlan::new(&known, &inventory);
            let steps = steps(&plan, &old);
            for step in &steps {
                for (id, (content, _)) in step {
                    for person in (0..4).chain([9]).filter(|person| sees(step, id, *person, content)) {
                        prop_assert!(
                            sees(&old, id, person, content) || sees(&new, id, person, content),
                            "{person} sees {content} of {id}"
                        );
                    }
                }
            }
            let narrowed = plan.to_narrow_first.len() + plan.to_retire.len();
            if let Some(step) = narrowed.checked_sub(1).and_then(|last| steps.get(last)) {
                for (id, (content, list)) in step.iter().filter(|(id, _)| new.contains_key(*id)) {
                    for person in (0..4).chain([9]).filter(|person| lets_in(list.as_ref(), *person)) {
                        prop_assert!(lets_in(new[id].1.as_ref(), person), "{person} still sees {content} of {id}");
                    }
                }
            }
            let last = steps.last().unwrap_or(&old);
            for (id, shown) in &old {
                let stays = inventory.unlisted.iter().any(|part| part.is_empty() || id.split('/').next() == Some(part));
                prop_assert_eq!(last.get(id), new.get(id).or(stays.then_some(shown)), "{}", id);
            }
            prop_assert!(new.iter().all(|(id, shown)| last.get(id) == Some(shown)));
        }
    }
}
