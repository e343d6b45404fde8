//! The first person of an installation: `admin`, who holds every role and may read nothing by it. The store makes them
//! with an empty state; whoever opens the control socket is them.

use access::{AccessError, Caller, Directory};

use crate::error::AppError;
use crate::people::LOCAL;

/// The user name and external id of the first person.
pub const ADMIN: &str = "admin";

/// The caller on the control socket, whose file only the installation's own user can open.
///
/// # Errors
/// The person `admin` is not active.
pub fn local_caller(directory: &Directory) -> Result<Caller, AppError> {
    let admin = directory.person_by_external(LOCAL, ADMIN).ok_or(AccessError::InvalidKey)?;
    Ok(Caller::on_control_socket(directory, admin.id)?)
}
