//! What is wrong with policies: before they are taken ([`PolicyError`]) and while they are asked ([`PolicyFault`]).

use std::fmt::{self, Display};

use cedar_policy::ffi::DetailedError;
use cedar_policy::{ParseErrors, PolicyId, PolicySetError, ValidationError};
use domain::ErrorKind;

/// A place in a text, counted from 1 as editors do; columns in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

impl Place {
    /// The place of a byte of a text.
    fn of(text: &str, byte: usize) -> Self {
        let before = text.get(..byte).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |end| end + 1);
        let column = before.get(line_start..).map_or(0, |line| line.chars().count()) + 1;
        Self { line: before.matches('\n').count() + 1, column }
    }
}

impl Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// Why policies were not taken; the old ones stay.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// It is not Cedar.
    #[error("the policies cannot be read{}: {message}", at(.place))]
    Syntax {
        /// What was found.
        message: String,
        /// Where.
        place: Option<Place>,
    },
    /// It is Cedar, and does not fit the declared attributes, the entities or the actions.
    #[error("policy '{policy}' does not fit what is declared{}: {message}", at(.place))]
    Invalid {
        /// Which policy.
        policy: String,
        /// What does not fit.
        message: String,
        /// Where.
        place: Option<Place>,
    },
    /// A policy with slots, which nobody would fill.
    #[error("templates with ?principal or ?resource are not taken: write the policy out")]
    Template,
    /// Two policies of one name.
    #[error("two policies have one id: {message}")]
    Duplicate {
        /// Which.
        message: String,
    },
    /// A policy about one document.
    #[error("policy '{policy}' names a single document: use its access list, or an attribute that it has")]
    NamesDocument {
        /// Which policy.
        policy: String,
    },
    /// An attribute with a name that every document has.
    #[error("'{name}' cannot be declared: every document has it")]
    Reserved {
        /// The name.
        name: String,
    },
    /// Too much text.
    #[error("the policies have {bytes} bytes, and at most {most} are taken")]
    TooLarge {
        /// What came.
        bytes: usize,
        /// The limit.
        most: usize,
    },
    /// Our own fault.
    #[error("the policies could not be prepared: {0}")]
    Internal(String),
}

fn at(place: &Option<Place>) -> String {
    place.map(|place| format!(" ({place})")).unwrap_or_default()
}

impl PolicyError {
    /// The kind of this error.
    #[must_use]
    pub const fn kind(&self) -> ErrorKind {
        match self {
            Self::TooLarge { .. } => ErrorKind::TooLarge,
            Self::Internal(_) => ErrorKind::Internal,
            _ => ErrorKind::Invalid,
        }
    }

    /// Where in the text, where that is known.
    #[must_use]
    pub const fn place(&self) -> Option<Place> {
        match self {
            Self::Syntax { place, .. } | Self::Invalid { place, .. } => *place,
            _ => None,
        }
    }

    pub(super) fn syntax(text: &str, error: &ParseErrors) -> Self {
        let (message, place) = found(text, &DetailedError::from(error));
        Self::Syntax { message, place }
    }

    pub(super) fn invalid(text: &str, policy: &PolicyId, error: &ValidationError) -> Self {
        let (message, place) = found(text, &DetailedError::from(error));
        Self::Invalid { policy: policy.to_string(), message, place }
    }

    pub(super) fn duplicate(error: &PolicySetError) -> Self {
        Self::Duplicate { message: error.to_string() }
    }

    pub(super) fn internal(error: impl Display) -> Self {
        Self::Internal(error.to_string())
    }
}

/// What was found, with what may help, and where it begins.
fn found(text: &str, error: &DetailedError) -> (String, Option<Place>) {
    let help = error.help.as_ref().map(|help| format!(" ({help})")).unwrap_or_default();
    let labels = error.source_locations.iter().chain(error.related.iter().flat_map(|more| &more.source_locations));
    let first = labels.map(|label| label.loc.start).min();
    (error.message.clone() + &help, first.map(|byte| Place::of(text, byte)))
}

/// A policy that could not be evaluated, which denied. For the administrator: it names policies and attributes, no
/// content.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PolicyFault {
    /// Which policy.
    pub policy: String,
    /// What went wrong.
    pub message: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_where_an_editor_would_go() {
        let text = "ab\ncäd\n";
        let place = |byte| (Place::of(text, byte).line, Place::of(text, byte).column);
        assert_eq!([place(0), place(2), place(3), place(6), place(99)], [(1, 1), (1, 3), (2, 1), (2, 3), (3, 1)]);
    }
}
