//! `reconciled store`: the durable state as a file.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Map, Value, json};

use super::Status;
use super::context::{Context, now, reading};
use super::error::CliError;
use crate::report::text::plain;
use crate::report::words::{effect, money};
use reconciled_store::sqlite::admin;

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
    file: PathBuf,
}

#[derive(Debug, Args)]
#[command(after_help = "\
A restored store does not know what was sent after the backup was made. It comes up stopped: passes read both sides and
find the refunds that carry our reference again, and nothing is written until `reconciled resume`. What the replaced
store sent since the backup is listed.")]
pub struct Restore {
    /// The backup
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

#[derive(Debug, Args)]
pub struct Info {
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
    /// Read the whole file for damage first
    #[arg(long)]
    check: bool,
}

impl StoreCommand {
    pub(super) fn run(self, context: &Context) -> Result<Status, CliError> {
        let loaded = context.config()?;
        let path = loaded.config.store.path();
        let failed = |what: &str| reading(format!("{what} the store {}", shown(path)));
        match self {
            Self::Migrate => match admin::migrate(path).map_err(failed("migrating"))? {
                Some((found, kept)) => {
                    context.say(&format!("migrated from schema {found}; a copy is kept at {}", shown(&kept)));
                }
                None => context.say("the store has this version's schema; nothing to do"),
            },
            Self::Backup(Backup { file }) => {
                admin::backup(path, &file).map_err(failed("backing up"))?;
                context.say(&format!("wrote {}", shown(&file)));
            }
            Self::Restore(Restore { file }) => {
                let operator = context.environment().operator();
                let restored = admin::restore(&file, path, &operator, now()).map_err(failed("restoring"))?;
                let kept = restored.kept.as_deref().map(shown);
                let kept = kept.map_or_else(String::new, |it| format!("; what was there is kept at {it}"));
                context.say(&format!("restored {}{kept}", shown(path)));
                restored.shops.iter().for_each(|shop| context.say(&forgotten(shop)));
            }
            Self::Info(Info { json, check }) => {
                let info = admin::info(path, check).map_err(failed("reading"))?;
                let mut out = context.stdout();
                if json {
                    print_json(&mut out, &info)?
                } else {
                    print_text(&mut out, &info)?
                }
                out.flush()?;
            }
        }
        Ok(Status::AGREES)
    }
}

/// What the restored store lost sight of, and what to do about it.
fn forgotten(it: &admin::Forgetful) -> String {
    let shop = plain(it.shop.as_str());
    let until = it.until.map_or_else(|| "before its first entry".to_owned(), |at| format!("at {at:.0}"));
    let mut text =
        format!("{shop}: stopped: the backup ends {until}, and what was sent after that is not known here\n");
    match &it.forgotten {
        None => text.push_str("  the replaced store does not tell what that was; look at both sides\n"),
        Some(forgotten) if forgotten.is_empty() => text.push_str("  the replaced store sent nothing since\n"),
        Some(forgotten) => {
            for it_was in forgotten {
                let (what, amount) = (effect(it_was.kind), money(it_was.amount, it.currency));
                let reference = plain(&it_was.reference);
                let _ = writeln!(text, "  sent since: {what} over {amount} under {reference}");
            }
        }
    }
    text + &format!(
        "  `reconciled reconcile --dry-run` reads both sides and sends nothing; then `reconciled resume --shop {shop}`"
    )
}

fn shown(path: &Path) -> String {
    format!("`{}`", plain(&path.display().to_string()))
}

fn print_json<W: Write>(out: &mut W, info: &admin::Info) -> io::Result<()> {
    let shops: Vec<Value> = info
        .shops
        .iter()
        .map(|shop| {
            let intents: Map<String, Value> =
                shop.intents.iter().map(|(state, count)| (state.name().to_owned(), json!(count))).collect();
            json!({
                "shop": shop.shop.as_str(),
                "journal_entries": shop.entries,
                "journal_head": shop.head,
                "intents": intents,
                "stopped": shop.stopped,
            })
        })
        .collect();
    let path = info.path.display().to_string();
    let (bytes, schema, sqlite) = (info.bytes, info.schema, info.sqlite);
    writeln!(out, "{}", json!({"path": path, "bytes": bytes, "schema": schema, "sqlite": sqlite, "shops": shops}))
}

fn print_text<W: Write>(out: &mut W, info: &admin::Info) -> io::Result<()> {
    writeln!(out, "{}: {} bytes, schema {}, SQLite {}", shown(&info.path), info.bytes, info.schema, info.sqlite)?;
    for shop in &info.shops {
        let stopped = if shop.stopped { ", stopped" } else { "" };
        writeln!(
            out,
            "  shop {}: {} journal entries, head {}{stopped}",
            plain(shop.shop.as_str()),
            shop.entries,
            shop.head
        )?;
        let intents: Vec<String> =
            shop.intents.iter().map(|(state, count)| format!("{count} {}", state.name())).collect();
        if !intents.is_empty() {
            writeln!(out, "    intents: {}", intents.join(", "))?;
        }
    }
    Ok(())
}
