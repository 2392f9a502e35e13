//! `reconciled store`: the durable state as a file.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::Status;
use super::context::Context;
use super::error::CliError;
use super::wire;

#[derive(Debug, Subcommand)]
pub enum StoreCommand {
    /// Bring the store's schema up to this version, after making a copy
    Migrate,
    /// Write a consistent copy, also while a pass runs
    Backup(Backup),
    /// Put a backup in the store's place; the old store is kept beside it
    Restore(Restore),
    /// Schema, size, shop, and what is open
    Info(Info),
}

#[derive(Debug, Args)]
pub struct Backup {
    /// The file to write; it must not exist
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A restored store does not know what was sent after the backup was made. The next pass reads both sides before it
writes; refunds that carry our reference are found again.")]
pub struct Restore {
    /// The backup
    #[arg(value_name = "FILE")]
    pub(super) file: PathBuf,
}

#[derive(Debug, Args)]
pub struct Info {
    /// One JSON object instead of text
    #[arg(long)]
    pub(super) json: bool,
}

impl StoreCommand {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        let loaded = context.config()?;
        match self {
            Self::Migrate => wire::migrate(context, &loaded).await?,
            Self::Backup(backup) => wire::backup(context, &loaded, &backup.file).await?,
            Self::Restore(restore) => wire::restore(context, &loaded, &restore.file).await?,
            Self::Info(info) => wire::info(context, &loaded, info.json).await?,
        }
        Ok(Status::AGREES)
    }
}
