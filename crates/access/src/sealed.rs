//! Content under seal. [`Sealed`] shows nothing of itself; [`open`] is the only way to a [`Checked`] value for anybody
//! who asks (indexing has [`crate::open_to_process`]), and it is called again wherever content enters a prompt, a tool result or a reply.

use std::ops::Deref;

use domain::{Principal, Provenance};

use crate::access::Access;
use crate::error::AccessError;

/// Content that nobody was checked for yet: no Debug, no Serialize, no getter of it.
pub struct Sealed<T> {
    value: T,
    owner: Option<Principal>,
    provenance: Provenance,
}

impl<T> Sealed<T> {
    /// Seals content with whose it is (none: the owner clause always holds) and what it was made from.
    pub const fn new(value: T, owner: Option<Principal>, provenance: Provenance) -> Self {
        Self { value, owner, provenance }
    }

    /// What a decision about reading it depends on: whose it is and what it was made from. Nothing of the content.
    #[must_use]
    pub fn facts(&self) -> (Option<Principal>, Provenance) {
        (self.owner, self.provenance.clone())
    }

    /// Puts something of the same owner and provenance with the content, still under seal. What joins them is a plain
    /// function, which can carry nothing out.
    #[must_use]
    pub fn with<M>(mut self, more: M, join: fn(&mut T, M)) -> Self {
        join(&mut self.value, more);
        self
    }
}

/// Content that this caller may read at this epoch.
#[derive(Debug, Clone)]
pub struct Checked<T>(T);

impl<T> Checked<T> {
    /// The content, by value.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Checked<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// What was checked by other means, in this crate alone.
pub(crate) fn reveal<T>(sealed: Sealed<T>) -> Checked<T> {
    Checked(sealed.value)
}

/// docs/access.md, rule 7: the owner clause holds and the caller may read **every** source of it now.
///
/// # Errors
/// [`AccessError::NotFound`], the same as for what does not exist.
pub fn open<T>(access: &Access, sealed: Sealed<T>) -> Result<Checked<T>, AccessError> {
    let verdict = access.reading(sealed.owner, &sealed.provenance);
    if verdict.allowed { Ok(reveal(sealed)) } else { Err(AccessError::NotFound) }
}
