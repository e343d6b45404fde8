//! Who may see what: docs/access.md as code. Everything here is pure; [`Collection`] applies edits and makes [`Snapshot`]s.
//!
//! - [`authenticate`] turns a presented secret into a [`Caller`]; [`Access`] is what one may do at one epoch, never stored.
//! - [`decide`] answers a question with its reasons, of any epoch; the gates decide by the same rules.
//! - [`VisibleSet`] is that rule for all audience classes at once; search takes it by value.
//! - Content travels as [`Sealed`]; [`open`] is the only way to a [`Checked`] value for whoever asks.

mod access;
mod actor;
mod bounds;
mod break_glass;
mod caller;
mod change;
mod classes;
mod collection;
mod decide;
mod directory;
mod documents;
mod edit;
mod error;
mod fold;
mod judge;
mod list;
mod narrow;
mod persistent;
mod policy;
mod processing;
mod public;
mod sealed;
mod secret;
mod shown;
mod simulate;
mod snapshot;
mod source;
mod visible;

pub use access::Access;
pub use actor::Actor;
pub use caller::{Caller, OnBehalfOf, RoleSet, act_for, authenticate, session_caller};
pub use change::Change;
pub use classes::ClassId;
pub use collection::Collection;
pub use decide::{Grounds, decide};
pub use directory::{Directory, Group, Key, Person, Service, Session};
pub use edit::{Edit, Listing, Tombstone};
pub use error::AccessError;
pub use narrow::{Canary, Detector, Drawn, Guard, Matter, Narrowed, Outside, Reason, RuleFlaw, Rules, Span, narrow};
pub use policy::{AttributeKind, Names, Place, Policies, PolicyError, PolicyFault};
pub use processing::{Processing, open_to_process};
pub use public::PublicDocuments;
pub use sealed::{Checked, Sealed, open};
pub use secret::{SecretHash, hash_secret};
pub use shown::{Fingerprint, FingerprintKey, Remembered, Shown, ShownText};
pub use simulate::{Counts, Difference, DocumentEffect, PersonEffect, Simulation, Turn, simulate};
pub use snapshot::Snapshot;
pub use source::{AgeLimits, SourceStanding};
pub use visible::{MemoCounts, VisibleSet};
