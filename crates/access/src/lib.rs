//! Who may see what. The rules are in ACCESS.md; the decision is pure and explains itself.
//!
//! - [`Directory`] is everything known at one epoch; [`authenticate`] turns a presented secret into a [`Caller`].
//! - [`decide`] answers a question with its reasons, of any epoch; the gates decide by the same rules.
//! - [`Access`] is what one caller may do at one epoch: made in one place, never stored.
//! - Content travels as [`Sealed`]; [`open`] is the only way to a [`Checked`] value.

mod access;
mod actor;
mod caller;
mod change;
mod decide;
mod directory;
mod error;
mod sealed;
mod secret;

pub use access::Access;
pub use actor::Actor;
pub use caller::{Caller, OnBehalfOf, RoleSet, act_for, authenticate, session_caller};
pub use change::Change;
pub use decide::decide;
pub use directory::{Directory, Group, Key, Person, Service, Session};
pub use error::AccessError;
pub use sealed::{Checked, Sealed, open};
pub use secret::{SecretHash, hash_secret};
