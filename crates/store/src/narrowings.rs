//! The log of changes of rights and of erasures that lies outside the state and its backups (`DIR/narrowings.log`;
//! docs/access.md, rule 14). A state that is older than this log was restored, and the log is replayed before anybody is
//! let in. Ids only: no names, no secrets.

use std::fs::File;
use std::io::{BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::PathBuf;
use std::sync::{Mutex, PoisonError};

use access::{Change, Directory};
use domain::{AccessList, DocumentId, ErasureId, ListToken, PersonId, Principal};
use serde::{Deserialize, Serialize};

use crate::error::StoreError;
use crate::folder::{Folder, open_private, refused};
use crate::identity::EpochEntry;
use crate::knowledge::{Amendment, PolicyRecord};

/// Its name in the data folder.
pub(crate) const FILE: &str = "narrowings.log";

/// One line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub(crate) enum Narrowing {
    /// A change of rights, as the epoch log has it.
    Change {
        epoch: u64,
        kind: String,
        ids: Vec<String>,
        /// Of a person or service: whether they are active then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        active: Option<bool>,
        /// Of a person: whether they are a guest then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        external: Option<bool>,
        /// The list that a document or a source got, where ids alone say it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        list: Option<AccessList>,
        /// Of policies: what they are then.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        policies: Option<PolicyRecord>,
    },
    /// An erasure: of a principal or a document by id, of a subject by its keyed hash.
    Erasure {
        id: ErasureId,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        principal: Option<Principal>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        subject_hash: Option<String>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        document: Option<DocumentId>,
    },
}

impl Narrowing {
    pub(crate) fn of(entry: &EpochEntry, amendment: &Amendment) -> Self {
        let (active, external) = match amendment {
            Amendment::Identity(Change::PutPerson(person)) => (Some(person.active), Some(person.external)),
            Amendment::Identity(Change::PutService(service)) => (Some(service.active), None),
            _ => (None, None),
        };
        let (list, policies) = match amendment {
            Amendment::Source(source) => (source.standing.default_list.as_ref().and_then(by_ids), None),
            Amendment::Rights { rights, .. } => (rights.list().and_then(by_ids), None),
            Amendment::Policies(record, _) => (None, Some(PolicyRecord::clone(record))),
            Amendment::Identity(_) | Amendment::Glass(_) => (None, None),
        };
        let EpochEntry { epoch, kind, ids, .. } = entry.clone();
        Self::Change { epoch, kind, ids, active, external, list, policies }
    }

    /// From an entry of the epoch log, with what the directory says now, and the policies that it put.
    pub(crate) fn from_log(entry: &EpochEntry, directory: &Directory, policies: Option<PolicyRecord>) -> Self {
        let id = entry.ids.first().map_or("", String::as_str);
        let person = id.parse().ok().and_then(|id| directory.person(id));
        let service = id.parse().ok().and_then(|id| directory.service(id));
        let (active, external) = match entry.kind.as_str() {
            "put_person" => (person.map(|person| person.active), person.map(|person| person.external)),
            "put_service" => (service.map(|service| service.active), None),
            _ => (None, None),
        };
        let EpochEntry { epoch, kind, ids, .. } = entry.clone();
        Self::Change { epoch, kind, ids, active, external, list: None, policies }
    }
}

/// The list where ids alone say it: how somebody is called elsewhere does not belong into the log.
fn by_ids(list: &AccessList) -> Option<AccessList> {
    let all_ids = list.allow.iter().chain(&list.deny).all(|token| matches!(token, ListToken::Id(_)));
    all_ids.then(|| list.clone())
}

/// The file, open for appending.
#[derive(Debug)]
pub(crate) struct NarrowingLog {
    path: PathBuf,
    open: Mutex<Open>,
}

#[derive(Debug)]
struct Open {
    file: File,
    through: u64,
}

impl NarrowingLog {
    /// Opens the log; answers all that is in it. A last line that a crash cut off is removed.
    pub(crate) fn open(folder: &Folder) -> Result<(Self, Vec<Narrowing>), StoreError> {
        let path = folder.path(FILE);
        let failed = |source| refused(&path, source);
        let mut file = open_private(&path).map_err(failed)?;
        let (mut records, mut whole) = (Vec::new(), 0);
        let mut lines = BufReader::new(&file);
        let mut line = String::new();
        while lines.read_line(&mut line).map_err(failed)? > 0 {
            let Some(text) = line.strip_suffix('\n') else { break };
            let damaged = |error: serde_json::Error| StoreError::Corrupt {
                place: path.display().to_string(),
                detail: format!("line {}: {error}", records.len() + 1),
            };
            records.push(serde_json::from_str(text).map_err(damaged)?);
            whole += line.len() as u64;
            line.clear();
        }
        file.set_len(whole).and_then(|()| file.seek(SeekFrom::End(0))).map_err(failed)?;
        let through = records.iter().filter_map(epoch_of).max().unwrap_or(0);
        Ok((Self { path, open: Mutex::new(Open { file, through }) }, records))
    }

    /// The newest epoch in the log.
    pub(crate) fn through(&self) -> u64 {
        self.open.lock().unwrap_or_else(PoisonError::into_inner).through
    }

    /// Appends, durably.
    pub(crate) fn append(&self, records: &[Narrowing]) -> Result<(), StoreError> {
        if records.is_empty() {
            return Ok(());
        }
        let failed = |source| refused(&self.path, source);
        let mut lines = Vec::new();
        for record in records {
            serde_json::to_writer(&mut lines, record).map_err(|error| failed(error.into()))?;
            lines.push(b'\n');
        }
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        let end = open.file.stream_position().map_err(failed)?;
        if let Err(error) = open.file.write_all(&lines).and_then(|()| open.file.sync_data()) {
            // Half of a line must not stand before the next one.
            let _ = open.file.set_len(end).and_then(|()| open.file.seek(SeekFrom::Start(end)));
            return Err(failed(error));
        }
        open.through = records.iter().filter_map(epoch_of).max().unwrap_or(0).max(open.through);
        Ok(())
    }
}

fn epoch_of(record: &Narrowing) -> Option<u64> {
    match record {
        Narrowing::Change { epoch, .. } => Some(*epoch),
        Narrowing::Erasure { .. } => None,
    }
}

/// A person as the log names them.
pub(crate) fn person_of(ids: &[String]) -> Option<PersonId> {
    ids.first()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(epoch: u64) -> Narrowing {
        let ids = vec!["key_00000000000070008000000000000001".to_owned()];
        Narrowing::Change {
            epoch,
            kind: "revoke_key".to_owned(),
            ids,
            active: None,
            external: None,
            list: None,
            policies: None,
        }
    }

    #[test]
    fn a_line_that_a_crash_cut_off_is_as_if_it_never_was() {
        let parent = tempfile::tempdir().unwrap();
        let folder = Folder::open(parent.path()).unwrap();
        let (log, records) = NarrowingLog::open(&folder).unwrap();
        assert_eq!((records, log.through()), (vec![], 0));
        log.append(&[change(1), change(2)]).unwrap();
        drop(log);
        let whole = std::fs::read(parent.path().join(FILE)).unwrap();
        for cut in 0..=whole.len() {
            std::fs::write(parent.path().join(FILE), &whole[..cut]).unwrap();
            let (log, records) = NarrowingLog::open(&folder).unwrap();
            let kept = whole[..cut].iter().filter(|byte| **byte == b'\n').count();
            assert_eq!(records, [change(1), change(2)][..kept]);
            log.append(&[change(7)]).unwrap();
            assert_eq!(log.through(), 7);
            let (_, records) = NarrowingLog::open(&folder).unwrap();
            assert_eq!(records.last(), Some(&change(7)));
        }
        std::fs::write(parent.path().join(FILE), "{}\n").unwrap();
        assert!(matches!(NarrowingLog::open(&folder), Err(StoreError::Corrupt { .. })));
    }
}
