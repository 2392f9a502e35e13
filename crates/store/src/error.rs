//! Why the store did not do what it was asked.

use reconciled_core::id::OrderId;

use crate::refusal::Refusal;

#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the store `{path}` could not be opened: {why}")]
    Open { path: String, why: String },
    #[error("the store has schema {found}, this program knows {known}: it was written by a newer version")]
    Newer { found: i64, known: i64 },
    #[error("the store belongs to {bound}, the configuration says {given}")]
    OtherIdentity { bound: String, given: String },
    /// The shop is the one whose books are kept under `known`; `given` has none.
    #[error("this shop's books are kept under the name `{known}`, and the configuration calls it `{given}`")]
    OtherName { known: String, given: String },
    #[error("another pass is running on this store")]
    Locked,
    #[error("order {0} moved while it was decided")]
    Moved(OrderId),
    #[error("the store refused a write that would break its guard: {0}")]
    Guard(String),
    #[error("a row of the store cannot be understood: {0}")]
    Damaged(String),
    #[error("{0} is not known")]
    NotFound(String),
    #[error(transparent)]
    Refused(Refusal),
    #[error("the store failed")]
    Sql(#[source] rusqlite::Error),
    #[error("the store's files: {0}")]
    Io(String),
    #[error("the store's writer has ended")]
    Gone,
}

impl StoreError {
    pub(crate) fn refused(why: impl Into<String>) -> Self {
        Self::Refused(Refusal::Said(why.into()))
    }
}
