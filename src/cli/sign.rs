//! Signing the journal as it is now: on demand, and by the service after a full sweep, once a day and at its stop.
//!
//! Nothing is signed that contradicts what was signed before: the chain is recomputed first, and the newest checkpoint
//! of the directory must hold. A service that cannot sign says so in its log and goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use secrecy::SecretString;

use super::context::{now, reading};
use super::error::{CliError, explain};
use super::init::files::shown;
use super::service::Shops;
use super::wire;
use crate::config::{Checkpoints, Loaded};
use crate::daemon::agenda::Job;
use reconciled_core::id::ShopName;
use reconciled_store::Store;
use reconciled_store::checkpoint::{Checkpoint, Held, Signer, folder};

/// At least so often while the service runs, whatever the schedule of the full sweep is.
const DAILY: SignedDuration = SignedDuration::from_hours(24);

/// How long a service that stops may take to sign; what it leaves is signed after the next start's first pass.
const LAST_SIGNATURES: Duration = Duration::from_secs(3);

/// What came of signing.
pub(super) enum Signed {
    /// The checkpoint lies there; `new` when it did not before.
    Placed { path: PathBuf, checkpoint: Checkpoint, note: String, new: bool },
    /// The journal is not what it was, or does not hold together; nothing was signed.
    Refused(String),
}

/// Recomputes the journal, holds the newest checkpoint against it, and signs what is there now.
pub(super) async fn sign<S: Store>(
    to: &Checkpoints, seed: &SecretString, shop: &ShopName, store: &S,
) -> Result<Signed, CliError> {
    let failed = |what: &str, why: String| CliError::Failed { attempt: what.to_owned(), why };
    let listing = |why: io::Error| failed(&format!("reading the directory {}", shown(&to.directory)), why.to_string());
    let newest = folder::newest(&to.directory, shop.as_str()).map_err(listing)?;
    let before = match &newest {
        Some(path) => Some((path, read(path)?)),
        None => None,
    };
    let sizes = before.iter().map(|(_, claim)| claim.size).collect::<BTreeSet<_>>();
    let chain = store.chain(sizes).await.map_err(reading("recomputing the journal"))?;
    if let Some((seq, why)) = chain.fault {
        return Ok(Signed::Refused(format!("the journal is broken at entry {seq}: {why}")));
    }
    if let Some((path, claim)) = &before {
        let held = claim.against(chain.size, chain.at.get(&claim.size).copied());
        if held != Held::Holds {
            return Ok(Signed::Refused(format!("{}: {}", shown(path), contradiction(claim, held))));
        }
    }
    let signer = Signer::new(&to.log(shop.as_str()), seed).map_err(|why| failed("signing", why.to_string()))?;
    let origin = signer.verifier().name().to_owned();
    let checkpoint = Checkpoint { origin, size: chain.size, root: chain.root };
    let path = folder::place(&to.directory, shop.as_str(), &checkpoint, signer.verifier());
    let note = checkpoint.signed(&signer);
    let writing = |why: io::Error| failed(&format!("writing {}", shown(&path)), why.to_string());
    let new = folder::write(&path, &note).map_err(writing)?;
    let signature = note.lines().last().unwrap_or_default();
    if new {
        let (log, size, root) = (&checkpoint.origin, checkpoint.size, checkpoint.root);
        tracing::info!(%shop, %log, size, %root, signature, "the journal is signed");
    }
    Ok(Signed::Placed { path, checkpoint, note, new })
}

/// What an earlier checkpoint claims. Its signature is not looked at: whoever may write here may also remove it.
fn read(path: &Path) -> Result<Checkpoint, CliError> {
    let attempt = || format!("reading the newest checkpoint {}", shown(path));
    let note = folder::read(path).map_err(|why| CliError::Failed { attempt: attempt(), why })?;
    Ok(note.claim().clone())
}

/// A checkpoint that the journal contradicts, for people.
pub(super) fn contradiction(claim: &Checkpoint, held: Held) -> String {
    let size = claim.size;
    match held {
        Held::Holds => format!("entries 1 to {size} are what was signed"),
        Held::Truncated { ends } => format!("{size} entries were signed, the journal holds together for {ends} only"),
        Held::Rewritten => format!("entries 1 to {size} are not what was signed; the journal was written anew"),
    }
}

/// When each shop was last signed for by this service.
#[derive(Default)]
pub(super) struct CheckpointSigning {
    last: Mutex<BTreeMap<ShopName, Timestamp>>,
}

impl CheckpointSigning {
    /// After a pass: a full sweep is signed, and otherwise the first pass since the start or of a day.
    pub(super) async fn after<S: Store>(&self, loaded: &Loaded, store: &S, job: Job) {
        let shop = &loaded.shop.name;
        let last = self.last.lock().unwrap_or_else(PoisonError::into_inner).get(shop).copied();
        let is_due = last.is_none_or(|last| now().duration_since(last) >= DAILY || now() < last);
        if job == Job::Full || is_due {
            self.attest(loaded, store).await;
        }
    }

    /// At the stop: every shop once more.
    pub(super) async fn last_time(&self, shops: &Shops) {
        let all = async {
            for loaded in shops.values().filter(|loaded| loaded.checkpoint_key.is_some()) {
                match wire::open(loaded) {
                    Ok(store) => self.attest(loaded, &store).await,
                    Err(error) => tracing::warn!(shop = %loaded.shop.name, "{}", explain(&error)),
                }
            }
        };
        if tokio::time::timeout(LAST_SIGNATURES, all).await.is_err() {
            tracing::warn!("not every journal could be signed before the stop; the next start's first pass does it");
        }
    }

    async fn attest<S: Store>(&self, loaded: &Loaded, store: &S) {
        let (Some(to), Some(seed)) = (&loaded.config.checkpoints, &loaded.checkpoint_key) else { return };
        let shop = &loaded.shop.name;
        match sign(to, seed, shop, store).await {
            Ok(Signed::Placed { .. }) => {}
            Ok(Signed::Refused(why)) => tracing::error!(
                %shop,
                "the journal is not signed, it contradicts what was signed before: {why}; stop, keep a copy of the \
                 store, and run `reconciled audit verify --checkpoint FILE`"
            ),
            Err(error) => tracing::error!(%shop, "the journal is not signed: {}", explain(&error)),
        }
        self.last.lock().unwrap_or_else(PoisonError::into_inner).insert(shop.clone(), now());
    }
}
