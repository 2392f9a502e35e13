//! `reconciled audit verify`: recomputes the journal, and holds checkpoints against it.
//!
//! Two questions that fail differently: a journal that contradicts itself or what was signed is broken (1); a
//! checkpoint that cannot be read or is not signed by the right key proves nothing (3, which wins).

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value, json};

use super::signing;
use crate::cli::Status;
use crate::cli::context::{Context, reading};
use crate::cli::error::CliError;
use crate::cli::init::files::shown;
use crate::cli::sign::contradiction;
use crate::report::text::plain;
use reconciled_store::checkpoint::{BadNote, Checkpoint, Held, Signer, Verifier, folder};
use reconciled_store::{Audit, Store};

#[derive(Debug, Args)]
#[command(after_help = "\
Exit status 0 when the journal is intact and every checkpoint holds; 1 when it is broken, shorter than a checkpoint, or
not what was signed; 3 when the journal or a checkpoint could not be read, or a checkpoint is not signed with the key.

Example:
  reconciled audit verify --checkpoint /mnt/elsewhere/main-*.checkpoint")]
pub struct Verify {
    /// Signed checkpoints that must hold
    #[arg(long, value_name = "FILE", num_args = 1..)]
    checkpoint: Vec<PathBuf>,
    /// The key they must be signed with, as `audit key` printed it [default: the configured one]
    #[arg(long, value_name = "NAME+ID+KEY", requires = "checkpoint")]
    key: Option<Verifier>,
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// What became of one checkpoint.
enum Finding {
    Held(Checkpoint, Held),
    /// It proves nothing, neither that the journal is what it was nor that it is not.
    Nothing(&'static str, String),
}

impl Verify {
    pub(super) async fn run(self, context: &Context) -> Result<Status, CliError> {
        let store = context.store()?;
        let verifier = self.verifier(context)?;
        let found = store.audit().await.map_err(reading("verifying the journal"))?;
        let findings = match &verifier {
            Some(verifier) => self.compared(&store, verifier).await?,
            None => Vec::new(),
        };
        let mut out = context.stdout();
        if self.json {
            self.print_json(&mut out, &found, &findings)?;
        } else {
            print(&mut out, &found, &findings)?;
        }
        out.flush()?;
        Ok(status(&found, &findings))
    }

    /// `None` when nothing is to be compared.
    fn verifier(&self, context: &Context) -> Result<Option<Verifier>, CliError> {
        if self.checkpoint.is_empty() || self.key.is_some() {
            return Ok(self.key.clone());
        }
        let loaded = context.config()?;
        if loaded.config.checkpoints.is_none() {
            let why = "a checkpoint proves something under its key only: give --key, as `audit key` printed it";
            return Err(CliError::Usage(why.to_owned()));
        }
        let (to, seed) = signing(context, &loaded.config)?;
        let signer = Signer::new(&to.log(loaded.shop.name.as_str()), &seed);
        let signer = signer.map_err(|why| CliError::Usage(format!("the key of checkpoints: {why}")))?;
        Ok(Some(signer.verifier().clone()))
    }

    async fn compared<S: Store>(&self, store: &S, verifier: &Verifier) -> Result<Vec<(PathBuf, Finding)>, CliError> {
        let read: Vec<_> = self.checkpoint.iter().map(|path| (path, claim(path, verifier))).collect();
        let sizes: BTreeSet<u64> = read.iter().filter_map(|(_, claim)| Some(claim.as_ref().ok()?.size)).collect();
        let chain = store.chain(sizes).await.map_err(reading("recomputing the journal"))?;
        let finding = |claim: Result<Checkpoint, Finding>| match claim {
            Ok(claim) => {
                let held = claim.against(chain.size, chain.at.get(&claim.size).copied());
                Finding::Held(claim, held)
            }
            Err(nothing) => nothing,
        };
        Ok(read.into_iter().map(|(path, claim)| (path.clone(), finding(claim))).collect())
    }

    fn print_json<W: Write>(&self, out: &mut W, found: &Audit, findings: &[(PathBuf, Finding)]) -> io::Result<()> {
        let mut told = match found {
            Audit::Intact { entries, head } => json!({"intact": true, "entries": entries, "head": head}),
            Audit::Broken { seq, why } => json!({"intact": false, "seq": seq, "why": why}),
        };
        if !self.checkpoint.is_empty() {
            told["checkpoints"] = findings.iter().map(view).collect();
        }
        writeln!(out, "{told}")
    }
}

/// What the file says, once it is known to be signed.
fn claim(path: &std::path::Path, verifier: &Verifier) -> Result<Checkpoint, Finding> {
    let note = folder::read(path).map_err(|why| Finding::Nothing("unreadable", why))?;
    let word = |why: &BadNote| match why {
        BadNote::Form(_) => "unreadable",
        BadNote::OtherLog { .. } => "other_log",
        BadNote::NotSigned(_) => "not_signed",
        BadNote::False(_) => "false_signature",
    };
    note.verified(verifier).cloned().map_err(|why| Finding::Nothing(word(&why), why.to_string()))
}

fn status(found: &Audit, findings: &[(PathBuf, Finding)]) -> Status {
    let broken = matches!(found, Audit::Broken { .. });
    let contradicted =
        |(_, finding): &(PathBuf, Finding)| matches!(finding, Finding::Held(_, held) if *held != Held::Holds);
    if findings.iter().any(|(_, finding)| matches!(finding, Finding::Nothing(..))) {
        Status::UNKNOWN
    } else if broken || findings.iter().any(contradicted) {
        Status::OPEN
    } else {
        Status::AGREES
    }
}

fn view((path, finding): &(PathBuf, Finding)) -> Value {
    let file = path.display().to_string();
    match finding {
        Finding::Held(claim, held) => {
            let status = match held {
                Held::Holds => "holds",
                Held::Truncated { .. } => "truncated",
                Held::Rewritten => "rewritten",
            };
            json!({"file": file, "status": status, "size": claim.size, "why": contradiction(claim, *held)})
        }
        Finding::Nothing(status, why) => json!({"file": file, "status": status, "size": null, "why": why}),
    }
}

fn print<W: Write>(out: &mut W, found: &Audit, findings: &[(PathBuf, Finding)]) -> io::Result<()> {
    let is_broken = match found {
        Audit::Intact { entries, head } => {
            writeln!(out, "The journal is intact: {entries} entries, head {head}.")?;
            false
        }
        Audit::Broken { seq, why } => {
            writeln!(out, "The journal is broken at entry {seq}: {}", plain(why))?;
            true
        }
    };
    let mut is_contradicted = false;
    for (path, finding) in findings {
        let (word, why) = match finding {
            Finding::Held(claim, held) => {
                is_contradicted |= *held != Held::Holds;
                let word = if *held == Held::Holds { "holds" } else { "broken" };
                (word, contradiction(claim, *held))
            }
            Finding::Nothing(_, why) => ("proves nothing", why.clone()),
        };
        writeln!(out, "{} {word}: {}", shown(path), plain(&why))?;
    }
    if is_broken || is_contradicted {
        writeln!(out, "Stop, keep a copy of the store, and compare with a backup.")?;
    }
    Ok(())
}
