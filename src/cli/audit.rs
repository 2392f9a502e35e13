//! `reconciled audit`: is the journal what was written, and the signatures by which others can tell.

mod verify;

use std::io::Write as _;
use std::path::PathBuf;

use clap::{Args, Subcommand};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;

use super::Status;
use super::context::Context;
use super::error::CliError;
use super::init::files::{put, shown};
use super::sign::{Signed, sign};
use crate::config::{self, Checkpoints, Config};
use crate::report::text::plain;
use reconciled_store::checkpoint::{Signer, key};

#[derive(Debug, Subcommand)]
pub enum Audit {
    /// Recompute the hash chain, replay every machine, and compare with the stored states
    Verify(verify::Verify),
    /// Sign what the journal is now, to be held against it later
    Checkpoint(Checkpoint),
    /// The key that checkpoints are checked with; `--new` makes one
    Key(Key),
}

#[derive(Debug, Args)]
#[command(after_help = "\
Writes one file into [checkpoints] directory, never over another, and prints it. Nothing is signed that contradicts the
newest checkpoint there. Under `reconciled run` this happens by itself after every full sweep, daily and at the stop.

Exit status 0 when it is signed, 1 when the journal contradicts itself or what was signed, 2 when no checkpoints are
configured, 3 when something could not be read or written.")]
pub struct Checkpoint {
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Prints one line per shop, in the form of signed notes: name+id+key. Give it to whoever checks; it is no secret.

Examples:
  reconciled audit key --new /etc/reconciled/checkpoint.key      then name it in [checkpoints] key_file
  reconciled audit key > verifier-keys")]
pub struct Key {
    /// Make a new key in this file, readable by its owner only; it must not exist
    #[arg(long, value_name = "FILE")]
    new: Option<PathBuf>,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

impl Audit {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        match self {
            Self::Verify(verify) => verify.run(context).await,
            Self::Checkpoint(checkpoint) => checkpoint.run(context).await,
            Self::Key(key) => key.run(context),
        }
    }
}

/// Where checkpoints go, and the seed that signs them.
fn signing<'c>(context: &Context, config: &'c Config) -> Result<(&'c Checkpoints, SecretString), CliError> {
    let seed = config::checkpoint_key(config, context.environment())?;
    config.checkpoints.as_ref().zip(seed).ok_or_else(|| {
        CliError::Usage("no checkpoints are configured; add a section [checkpoints] with a directory".to_owned())
    })
}

impl Checkpoint {
    async fn run(self, context: &Context) -> Result<Status, CliError> {
        let loaded = context.config()?;
        let (to, seed) = signing(context, &loaded.config)?;
        let store = context.store()?;
        let mut out = context.stdout();
        let status = match sign(to, &seed, &loaded.shop.name, &store).await? {
            Signed::Placed { path, checkpoint, note, new } => {
                if self.json {
                    let (file, root) = (path.display().to_string(), checkpoint.root.to_string());
                    let (log, size) = (checkpoint.origin, checkpoint.size);
                    let told = json!({"log": log, "size": size, "root": root, "file": file, "new": new, "note": note});
                    writeln!(out, "{told}")?;
                } else {
                    write!(out, "{note}")?;
                    let what = if new { "wrote" } else { "it is there already:" };
                    context.say(&format!("{what} {}", shown(&path)));
                }
                Status::AGREES
            }
            Signed::Refused(why) if self.json => {
                writeln!(out, "{}", json!({"signed": false, "why": why}))?;
                Status::OPEN
            }
            Signed::Refused(why) => {
                writeln!(out, "Nothing was signed: {}", plain(&why))?;
                writeln!(out, "Stop, keep a copy of the store, and compare with a backup.")?;
                Status::OPEN
            }
        };
        out.flush()?;
        Ok(status)
    }
}

impl Key {
    fn run(self, context: &Context) -> Result<Status, CliError> {
        let loaded = context.config()?;
        let mut to = loaded.config.checkpoints.as_ref();
        // The key is made before the section that names it.
        let standard = Checkpoints::standard();
        let seed = match &self.new {
            Some(file) => {
                to = to.or(Some(&standard));
                made(context, file)?
            }
            None => signing(context, &loaded.config)?.1,
        };
        let Some(to) = to else { return Err(CliError::Usage("no checkpoints are configured".to_owned())) };
        let mut keys = Vec::new();
        for shop in loaded.config.shops.keys() {
            let signer = Signer::new(&to.log(shop.as_str()), &seed);
            let signer = signer.map_err(|why| CliError::Usage(format!("the key of checkpoints: {why}")))?;
            keys.push((shop.as_str(), signer.verifier().to_string()));
        }
        let mut out = context.stdout();
        if self.json {
            let keys: Vec<_> = keys.iter().map(|(shop, key)| json!({"shop": shop, "key": key})).collect();
            writeln!(out, "{}", json!({"keys": keys}))?;
        } else {
            keys.iter().try_for_each(|(_, key)| writeln!(out, "{key}"))?;
        }
        out.flush()?;
        Ok(Status::AGREES)
    }
}

fn made(context: &Context, file: &std::path::Path) -> Result<SecretString, CliError> {
    let attempt = || format!("writing {}", shown(file));
    let seed = key::make().map_err(|why| CliError::Failed { attempt: attempt(), why: why.to_string() })?;
    let text = format!("{}\n", seed.expose_secret());
    put(file, &text, 0o600, None, false)
        .map_err(|why| CliError::Failed { attempt: attempt(), why: why.to_string() })?;
    context.say(&format!("wrote {}, readable by its owner only; name it in [checkpoints] key_file", shown(file)));
    Ok(seed)
}
