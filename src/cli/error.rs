//! Why a command could not do what was asked, and how that is told: once, at the top, with its causes.

use std::error::Error;
use std::io;

use super::Status;
use crate::config::ConfigError;
use crate::report::json::RenderError;
use crate::report::text::plain;
use crate::words::refused;
use reconciled_store::StoreError;

#[derive(Debug, thiserror::Error)]
pub enum CliError {
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error("{0}")]
    Usage(String),
    /// `attempt` says what was tried, and on which order.
    #[error("{attempt} failed")]
    Store {
        attempt: String,
        #[source]
        source: StoreError,
    },
    #[error("{attempt} failed")]
    Render {
        attempt: &'static str,
        #[source]
        source: RenderError,
    },
    #[error("the output could not be written")]
    Output(#[from] io::Error),
    #[error("{attempt} failed: {why}")]
    Failed { attempt: String, why: String },
}

impl CliError {
    pub const fn status(&self) -> Status {
        match self {
            Self::Config(_) | Self::Usage(_) => Status::USAGE,
            Self::Store { source, .. } => match source {
                StoreError::NotFound(_)
                | StoreError::Refused(_)
                | StoreError::OtherIdentity { .. }
                | StoreError::OtherName { .. } => Status::USAGE,
                StoreError::Open { .. }
                | StoreError::Newer { .. }
                | StoreError::Locked
                | StoreError::Moved(_)
                | StoreError::Guard(_)
                | StoreError::Damaged(_)
                | StoreError::Sql(_)
                | StoreError::Io(_)
                | StoreError::Gone => Status::UNKNOWN,
            },
            Self::Render { .. } | Self::Output(_) | Self::Failed { .. } => Status::UNKNOWN,
        }
    }

    /// What to do now, where there is something to do.
    const fn remedy(&self) -> Option<&'static str> {
        match self {
            Self::Store { source, .. } => store_remedy(source),
            Self::Config(ConfigError::NoFile) => Some("make one with `reconciled init`, or try `reconciled demo`"),
            Self::Config(ConfigError::Unreadable { .. } | ConfigError::Problems(_))
            | Self::Usage(_)
            | Self::Render { .. }
            | Self::Output(_)
            | Self::Failed { .. } => None,
        }
    }
}

const fn store_remedy(error: &StoreError) -> Option<&'static str> {
    match error {
        StoreError::Open { .. } | StoreError::Io(_) => {
            Some("check [store] url, that its directory exists, and that this user may write there")
        }
        StoreError::Newer { .. } => Some("install the newer version again; an older one must not touch its store"),
        StoreError::OtherIdentity { .. } => {
            Some("use the store of this shop and environment, or name a new file in [store] url; never mix two")
        }
        StoreError::OtherName { .. } => Some("call the shop by the name that its books are kept under"),
        StoreError::Locked => Some("wait until the other pass has ended, then try again"),
        StoreError::Moved(_) => Some("try again"),
        StoreError::Guard(_) => Some("nothing was written; look at the order with `reconciled show`"),
        StoreError::Damaged(_) => {
            Some("stop, keep a copy of the store, and run `reconciled audit verify`; then restore a backup")
        }
        StoreError::Sql(_) | StoreError::Gone => {
            Some("check the disk's space and health; nothing is lost, the next pass goes on")
        }
        StoreError::NotFound(_) | StoreError::Refused(_) => None,
    }
}

/// The error, its causes one per line, and what to do now.
pub fn explain(error: &CliError) -> String {
    let mut text = format!("error: {error}");
    let mut cause = error.source();
    // A transparent error hands its own source on; the chain never repeats a line.
    while let Some(next) = cause {
        text.push_str("\n  because ");
        text.push_str(&plain(&refused::said(next)));
        cause = next.source();
    }
    if let Some(remedy) = error.remedy() {
        text.push_str("\n  now: ");
        text.push_str(remedy);
    }
    text
}
