//! The rows of history that an epoch log explains: which begin where and end where.

use std::collections::{BTreeMap, HashMap};

use crate::break_glass::TABLE as GRANTS;
use crate::identity::epochs::{EpochEntry, LOST};
use crate::knowledge;

/// Tables of history, and how their rows are read; `||` joins text.
pub(super) const TABLES: [(&str, &str); 10] = [
    ("people", "SELECT id AS what, from_epoch, to_epoch FROM people"),
    ("person_groups", "SELECT id AS what, from_epoch, to_epoch FROM person_groups"),
    ("services", "SELECT id AS what, from_epoch, to_epoch FROM services"),
    ("memberships", "SELECT group_id || ' ' || member AS what, from_epoch, to_epoch FROM memberships"),
    ("grants", "SELECT token || ' ' || role AS what, from_epoch, to_epoch FROM grants"),
    ("access_keys", "SELECT id AS what, from_epoch, to_epoch FROM access_keys"),
    ("sources", "SELECT id AS what, from_epoch, to_epoch FROM sources"),
    ("document_rights", "SELECT document_id AS what, from_epoch, to_epoch FROM document_rights"),
    ("policies", "SELECT 'policies' AS what, from_epoch, to_epoch FROM policies"),
    (GRANTS, "SELECT id AS what, from_epoch, to_epoch FROM break_glass_grants"),
];

type Place = (&'static str, String);

/// Built from the log, then held against the rows.
#[derive(Debug, Default)]
pub(super) struct Expected {
    rows: BTreeMap<(Place, u64), Option<u64>>,
    open: HashMap<Place, u64>,
    differences: Vec<(u64, String)>,
}

impl Expected {
    /// What an entry means for the rows; the mirror of `history::write`.
    pub(super) fn apply(&mut self, entry: &EpochEntry) {
        let epoch = entry.epoch;
        let ids: Vec<&str> = entry.ids.iter().map(String::as_str).collect();
        match (entry.kind.as_str(), ids.as_slice()) {
            ("put_person", [id]) => self.replace("people", id, epoch),
            ("put_group", [id]) => self.replace("person_groups", id, epoch),
            ("put_service", [id]) => self.replace("services", id, epoch),
            ("add_key", [id, _]) => self.replace("access_keys", id, epoch),
            ("revoke_key", [id]) if self.is_open("access_keys", id) => self.replace("access_keys", id, epoch),
            ("remove_group", [id]) => self.remove_group(id, epoch),
            ("add_member", [group, member]) => self.begin("memberships", &format!("{group} {member}"), epoch),
            ("remove_member", [group, member]) => self.end("memberships", &format!("{group} {member}"), epoch),
            ("grant_role", [token, role]) => self.begin("grants", &format!("{token} {role}"), epoch),
            ("revoke_role", [token, role]) => self.end("grants", &format!("{token} {role}"), epoch),
            ("break_glass", [id, ..]) => self.begin(GRANTS, id, epoch),
            ("end_break_glass", [id]) => self.end(GRANTS, id, epoch),
            ("revoke_key" | "add_session" | "end_session" | LOST, _) => {}
            (kind, ids) if let Some((table, what)) = knowledge::expected(kind, ids) => self.replace(table, what, epoch),
            (kind, _) => self.differs(epoch, format!("'{kind}' with such ids is not known")),
        }
    }

    /// Holds a row of the database against the log.
    pub(super) fn found(&mut self, table: &'static str, what: &str, from_epoch: u64, to_epoch: Option<u64>) {
        match self.rows.remove(&((table, what.to_owned()), from_epoch)) {
            Some(expected) if expected == to_epoch => {}
            Some(expected) => {
                let epoch = expected.or(to_epoch).unwrap_or(from_epoch);
                self.differs(epoch, format!("a row of {table} does not end where the log says"));
            }
            None => self.differs(from_epoch, format!("{table} has a row that the log does not explain")),
        }
    }

    pub(super) fn differs(&mut self, epoch: u64, detail: impl Into<String>) {
        self.differences.push((epoch, detail.into()));
    }

    /// After every row was found: the earliest difference, missing rows included.
    pub(super) fn first_difference(mut self) -> Option<(u64, String)> {
        let missing = std::mem::take(&mut self.rows);
        for ((place, from_epoch), _) in missing {
            self.differs(from_epoch, format!("a row of {} is missing", place.0));
        }
        self.differences.into_iter().min()
    }

    fn is_open(&self, table: &'static str, what: &str) -> bool {
        self.open.contains_key(&(table, what.to_owned()))
    }

    fn replace(&mut self, table: &'static str, what: &str, epoch: u64) {
        self.end(table, what, epoch);
        self.begin(table, what, epoch);
    }

    fn begin(&mut self, table: &'static str, what: &str, epoch: u64) {
        let place = (table, what.to_owned());
        if self.open.contains_key(&place) {
            return;
        }
        self.open.insert(place.clone(), epoch);
        self.rows.insert((place, epoch), None);
    }

    fn end(&mut self, table: &'static str, what: &str, epoch: u64) {
        let place = (table, what.to_owned());
        if let Some(from_epoch) = self.open.remove(&place) {
            self.rows.insert((place, from_epoch), Some(epoch));
        }
    }

    fn remove_group(&mut self, group: &str, epoch: u64) {
        self.end("person_groups", group, epoch);
        let of_the_group = |(table, what): &&Place| match *table {
            "memberships" => what.split(' ').any(|part| part == group),
            "grants" => what.split(' ').next() == Some(group),
            _ => false,
        };
        let ended: Vec<Place> = self.open.keys().filter(of_the_group).cloned().collect();
        for (table, what) in ended {
            self.end(table, &what, epoch);
        }
    }
}
