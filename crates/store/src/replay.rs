//! A state that is older than the log of narrowings was restored: what was taken away since is taken away again, what
//! was erased since is erased again, and the epoch goes on from where it was (docs/access.md, rule 14).

use std::collections::BTreeMap;

use access::{Change, Directory, Person, Service, Snapshot};
use domain::{GroupId, Member, Role, Token};
use lake::Erasee;
use serde_json::json;

use crate::acts::NewAct;
use crate::database::Sql;
use crate::error::StoreError;
use crate::identity::{LOST, token_of};
use crate::knowledge::Amendment;
use crate::narrowings::{FILE, Narrowing, person_of};
use crate::store::Store;

mod knowledge;

use knowledge::LastKnown;

/// What the log says last of each thing: whether it was there.
#[derive(Debug, Default)]
struct Last {
    people: BTreeMap<String, (bool, bool)>,
    services: BTreeMap<String, bool>,
    groups: BTreeMap<String, bool>,
    memberships: BTreeMap<(String, String), bool>,
    grants: BTreeMap<(String, String), bool>,
    revoked_keys: Vec<String>,
}

impl Last {
    fn note(&mut self, kind: &str, ids: &[String], active: Option<bool>, external: Option<bool>) {
        match (kind, ids) {
            ("put_person", [id]) => {
                self.people.insert(id.clone(), (active.unwrap_or(true), external.unwrap_or(false)));
            }
            ("put_service", [id]) => {
                self.services.insert(id.clone(), active.unwrap_or(true));
            }
            ("put_group", [id]) => {
                self.groups.insert(id.clone(), true);
            }
            ("remove_group", [id]) => {
                self.groups.insert(id.clone(), false);
            }
            ("add_member" | "remove_member", [group, member]) => {
                self.memberships.insert((group.clone(), member.clone()), kind == "add_member");
            }
            ("grant_role" | "revoke_role", [token, role]) => {
                self.grants.insert((token.clone(), role.clone()), kind == "grant_role");
            }
            ("revoke_key", [id]) => self.revoked_keys.push(id.clone()),
            _ => {}
        }
    }

    /// The changes that take away again what was taken away. Nothing is given: what the backup lacks stays lost.
    fn changes(&self, directory: &Directory, now: domain::Timestamp) -> Vec<Change> {
        let mut changes = Vec::new();
        for (id, (active, external)) in &self.people {
            let person = person_of(std::slice::from_ref(id)).and_then(|id| directory.person(id));
            let narrower =
                |person: &&std::sync::Arc<Person>| (person.active && !active) || (!person.external && *external);
            if let Some(person) = person.filter(narrower) {
                let (active, external) = (person.active && *active, person.external || *external);
                changes.push(Change::PutPerson(Person { active, external, ..Person::clone(person) }));
            }
        }
        for id in self.services.iter().filter(|(_, active)| !**active).map(|(id, _)| id) {
            let service = id.parse().ok().and_then(|id| directory.service(id)).filter(|service| service.active);
            changes.extend(
                service.map(|service| Change::PutService(Service { active: false, ..Service::clone(service) })),
            );
        }
        for id in self.groups.iter().filter(|(_, there)| !**there).map(|(id, _)| id) {
            let group = id.parse().ok().filter(|id: &GroupId| directory.group(*id).is_some());
            changes.extend(group.map(Change::RemoveGroup));
        }
        for (group, member) in self.memberships.iter().filter(|(_, there)| !**there).map(|(pair, _)| pair) {
            let pair = group.parse::<GroupId>().ok().zip(member.parse::<Member>().ok());
            let is_there = |(group, member): &(GroupId, Member)| directory.parents(*member).any(|of| of == *group);
            changes.extend(pair.filter(is_there).map(|(group, member)| Change::RemoveMember(group, member)));
        }
        for (token, role) in self.grants.iter().filter(|(_, there)| !**there).map(|(pair, _)| pair) {
            let pair = token_of(token).zip(role.parse::<Role>().ok());
            let is_there = |(token, role): &(Token, Role)| directory.granted(*token).any(|held| held == *role);
            changes.extend(pair.filter(is_there).map(|(token, role)| Change::RevokeRole(token, role)));
        }
        for id in &self.revoked_keys {
            let key = id.parse().ok().and_then(|id| directory.key(id)).filter(|key| key.revoked_at.is_none());
            changes.extend(key.map(|key| Change::RevokeKey(key.id, now)));
        }
        // How a session ended is not in the log.
        changes.extend(directory.sessions().map(|session| Change::EndSession(session.hash)));
        changes
    }
}

impl Store {
    /// Brings a restored state up to the log.
    pub(crate) async fn replay(&self, records: &[Narrowing]) -> Result<(), StoreError> {
        let (restored, through) = (self.directory().epoch(), self.log().through());
        if through > restored {
            tracing::warn!(restored, through, "the state is older than narrowings.log: it is replayed");
            let (mut last, mut last_known) = (Last::default(), LastKnown::default());
            for record in records {
                if let Narrowing::Change { epoch, kind, ids, active, external, list, policies } = record
                    && *epoch > restored
                    && kind != LOST
                {
                    last.note(kind, ids, *active, *external);
                    last_known.note(kind, ids, list.as_ref(), policies.as_ref());
                }
            }
            let (now, sources) = (self.now(), self.sources().await?);
            // In one transaction: a crash in the middle must not make the state look as new as the log.
            let plan = |snapshot: &Snapshot| -> Result<Vec<Amendment>, StoreError> {
                let changes = last.changes(snapshot.directory(), now).into_iter().map(Amendment::from);
                Ok(changes.chain(last_known.amendments(snapshot, &sources, now)?).collect())
            };
            if last_known.lost_policies() {
                // Before it is so: a crash in between says it twice rather than never.
                tracing::warn!("which policies held is not known: nobody reads documents until policies are put again");
                let (verb, detail) = ("close_for_lost_policies".to_owned(), json!({"log": FILE}));
                self.add_act(NewAct { actor: None, verb, ids: Vec::new(), detail }).await?;
            }
            self.amend_after(through, None, plan).await?;
            self.reload_identity().await?;
        }
        self.erase_again(records).await
    }

    /// Erasures that the state does not know of.
    async fn erase_again(&self, records: &[Narrowing]) -> Result<(), StoreError> {
        for record in records {
            let Narrowing::Erasure { id, principal, subject_hash, document } = record else { continue };
            if self.erasure(*id).await?.is_some() {
                continue;
            }
            let erasee = match (principal, subject_hash, document) {
                (Some(principal), ..) => Some(Erasee::Principal(*principal)),
                (None, Some(hash), _) => self.subject_of(hash).await?.map(Erasee::Subject),
                (None, None, Some(document)) => self.source_of(*document).await?.map(|_| Erasee::Document(*document)),
                (None, None, None) => None,
            };
            if let Some(erasee) = erasee {
                self.erase(*id, erasee, None).await?;
            }
        }
        Ok(())
    }

    /// The subject of this keyed hash among all that records name.
    async fn subject_of(&self, hash: &str) -> Result<Option<String>, StoreError> {
        let mut subjects = self.lake().subjects().await?;
        let select = Sql::from("SELECT DISTINCT subject FROM traces WHERE subject IS NOT NULL");
        for row in self.database().fetch_all(select).await? {
            subjects.insert(row.text("subject")?.to_owned());
        }
        for subject in subjects {
            if self.hash_of(&subject).await? == hash {
                return Ok(Some(subject));
            }
        }
        Ok(None)
    }
}
