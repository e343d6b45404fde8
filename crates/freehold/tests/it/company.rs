//! A company from the folder of `FREEHOLD_DATA`: people, departments, and documents with lists of their own, each with a
//! word planted in it that stands nowhere else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

/// Who may read something here: some people and whole departments, or everybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Readers {
    Everyone,
    Some { people: BTreeSet<String>, departments: BTreeSet<String> },
}

/// A document to be pushed.
pub(crate) struct Paper {
    pub(crate) external_id: String,
    pub(crate) title: String,
    pub(crate) text: String,
    pub(crate) canary: String,
    pub(crate) readers: Readers,
}

/// The people by id, each with their department, and the documents.
pub(crate) struct Company {
    pub(crate) people: BTreeMap<String, String>,
    pub(crate) papers: Vec<Paper>,
}

/// The folder of the data; none where this machine does not have it.
pub(crate) fn data() -> Option<PathBuf> {
    std::env::var_os("FREEHOLD_DATA").map(|folder| PathBuf::from(folder).join("enterprise")).filter(|at| at.is_dir())
}

fn read(file: &Path) -> Vec<Value> {
    serde_json::from_slice(&fs::read(file).unwrap()).unwrap()
}

fn text(value: &Value, field: &str) -> String {
    value[field].as_str().unwrap_or_default().to_owned()
}

fn some(people: impl IntoIterator<Item = String>, departments: &[&str]) -> Readers {
    let departments = departments.iter().map(|name| (*name).to_owned()).collect();
    Readers::Some { people: people.into_iter().collect(), departments }
}

impl Company {
    /// So many people, and so many documents of each kind among them.
    pub(crate) fn read(folder: &Path, people: usize, of_each_kind: usize) -> Self {
        let employees = read(&folder.join("employees.json"));
        let managers: BTreeMap<String, String> =
            employees.iter().map(|one| (text(one, "emp_id"), text(one, "reports_to"))).collect();
        let mut company = Self { people: BTreeMap::new(), papers: Vec::new() };
        for one in employees.iter().take(people) {
            company.people.insert(text(one, "emp_id"), text(one, "category"));
        }
        let here = |id: &String| company.people.contains_key(id);
        let mut papers = Vec::new();
        for one in employees.iter().take(of_each_kind) {
            let above = std::iter::successors(managers.get(&text(one, "emp_id")), |id| managers.get(*id)).take(20);
            let readers = above.cloned().chain([text(one, "emp_id")]).filter(here).collect::<Vec<_>>();
            papers.push(("record", text(one, "emp_id"), one["description"].to_string(), some(readers, &["HR"])));
        }
        for file in ["hr_conversation.json", "sales_team_conv.json", "sde_conv.json", "finance_team_conv.json"] {
            let both = |talk: &Value| ["emp1_id", "emp2_id"].map(|end| text(&talk["metadata"], end)).to_vec();
            let talks = read(&folder.join("conversations").join(file));
            let among = talks.iter().filter(|talk| both(talk).iter().any(here)).take(of_each_kind / 2);
            papers.extend(among.map(|talk| {
                (
                    "talk",
                    text(talk, "conversation_id"),
                    text(talk, "text"),
                    some(both(talk).into_iter().filter(here), &[]),
                )
            }));
        }
        for ticket in read(&folder.join("it_tickets.json")).iter().take(of_each_kind / 2) {
            let ends = ["raised_by_emp_id", "emp_id"].map(|end| text(ticket, end)).into_iter().filter(here);
            let words = format!("{}\n\n{}", text(ticket, "Issue"), text(ticket, "Resolution"));
            papers.push(("ticket", text(ticket, "id"), words, some(ends, &["Information Technology"])));
        }
        for post in read(&folder.join("posts.json")).iter().take(of_each_kind) {
            papers.push(("post", text(post, "Title"), text(post, "Post"), Readers::Everyone));
        }
        company.papers = papers.into_iter().enumerate().map(paper).collect();
        company
    }

    /// Whether a person may read a document, by this world's own reckoning.
    pub(crate) fn may_read(&self, person: &str, paper: &Paper) -> bool {
        match &paper.readers {
            Readers::Everyone => true,
            Readers::Some { people, departments } => {
                people.contains(person) || self.people.get(person).is_some_and(|own| departments.contains(own))
            }
        }
    }

    /// The directory as lines to import: people, and departments as groups.
    pub(crate) fn directory(&self) -> String {
        let mut departments: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
        for (person, department) in &self.people {
            departments.entry(department).or_default().push(person);
        }
        let people = self.people.keys().map(|id| json!({"type": "person", "external_id": id, "user_name": id}));
        let groups = departments
            .iter()
            .map(|(name, members)| json!({"type": "group", "external_id": name, "name": name, "members": members}));
        people.chain(groups).map(|line| format!("{line}\n")).collect()
    }
}

/// A document with its canary in the middle of what it says, and as part of its title.
fn paper((number, (kind, id, text, readers)): (usize, (&str, String, String, Readers))) -> Paper {
    let canary = format!("zq{:x}vk", (number as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 24);
    let words: Vec<&str> = text.split(' ').collect();
    let (before, after) = words.split_at(words.len() / 2);
    let text = format!("{} The reference of this matter is {canary}. {}", before.join(" "), after.join(" "));
    let title = format!("{kind} {number} {canary}");
    Paper { external_id: format!("{kind}/{id}/{number}"), title, text, canary, readers }
}

impl Paper {
    /// The line that pushes it.
    pub(crate) fn line(&self) -> Value {
        let named = |id: &String| json!({"source": "staff", "external_id": id});
        let allow: Vec<Value> = match &self.readers {
            Readers::Everyone => vec![json!("everyone")],
            Readers::Some { people, departments } => people.iter().chain(departments).map(named).collect(),
        };
        json!({"external_id": self.external_id, "title": self.title, "text": self.text, "access": {"allow": allow}})
    }
}
