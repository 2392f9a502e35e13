//! What this machine knows: the configuration, the schedule, where checkpoints go, the store.

use std::error::Error as _;
use std::fs;
use std::path::Path;

use rustix::fs::{Access, access};

use super::finding::Findings;
use crate::cli::Status;
use crate::cli::context::now;
use crate::cli::error::CliError;
use crate::cli::wire::{self, ShopStore};
use crate::config::Loaded;
use crate::report::text::plain;
use crate::schedule::ScheduleError;
use reconciled_store::checkpoint::folder;
use reconciled_store::{Identity, Store as _};

/// The file, what it allows, and whether the environment and the password agree.
pub(super) fn configuration(loaded: &Loaded, findings: &mut Findings) {
    let (shop, file) = (&loaded.shop, plain(&loaded.config.path.display().to_string()));
    let policy = &shop.policy;
    let acts = if policy.act { "act = true: writes to both sides" } else { "act = false: nothing is written" };
    let modes = [
        ("refunds", policy.refunds),
        ("mark_paid", policy.mark_paid),
        ("cancels", policy.cancels),
        ("captures", policy.captures),
    ];
    let modes: Vec<String> = modes.into_iter().map(|(family, mode)| format!("{family} {}", mode.word())).collect();
    findings.ok("configuration", format!("{file} is understood; {acts} ({})", modes.join(", ")));
    for warning in &loaded.warnings {
        findings.warning("configuration", warning, "correct it; it works all the same");
    }
    let environment = shop.klarna.environment;
    let region = shop.klarna.region.name();
    match loaded.secrets.as_ref().and_then(crate::config::Secrets::marked) {
        Some(marked) => findings.ok(
            "environment",
            format!("{}, {region}; the password is marked for it (`{}`)", environment.name(), marked.password_prefix()),
        ),
        None => findings.ok(
            "environment",
            format!("{}, {region}; the password carries no mark, so only Klarna's answer shows it", environment.name()),
        ),
    }
}

/// When the service's next passes come.
pub(super) fn schedule(loaded: &Loaded, findings: &mut Findings) {
    let schedule = &loaded.config.schedule;
    let at = now();
    let next: Result<Vec<_>, ScheduleError> =
        [&schedule.poll, &schedule.full].map(|it| it.next_after(at)).into_iter().collect();
    match next {
        Ok(next) => {
            let [poll, full] = [0, 1].map(|index| next.get(index).map_or_else(String::new, |it| format!("{it:.0}")));
            findings.ok("schedule", format!("started now, the service polls by {poll} and sweeps in full at {full}"));
        }
        Err(why) => findings.problem("schedule", Status::USAGE, why.to_string(), "correct [schedule]"),
    }
}

/// Whether signed checkpoints can be written, where they are asked for; that there is a key was seen before.
pub(super) fn checkpoints(loaded: &Loaded, findings: &mut Findings) {
    let Some(to) = &loaded.config.checkpoints else { return };
    let shown = plain(&to.directory.display().to_string());
    let nearest = to.directory.ancestors().find(|it| fs::metadata(it).is_ok()).unwrap_or(Path::new("."));
    let newest = folder::newest(&to.directory, loaded.shop.name.as_str());
    let newest = newest.map_err(|why| why.to_string());
    let newest = newest.and_then(|newest| newest.map(|path| folder::read(&path)).transpose());
    let writable = access(nearest, Access::WRITE_OK | Access::EXEC_OK).map_err(|why| why.to_string());
    match writable.and(newest) {
        Ok(Some(note)) => {
            let size = note.claim().size;
            findings.ok("checkpoints", format!("`{shown}` can be written; the newest one signs {size} entries"));
        }
        Ok(None) => findings.ok("checkpoints", format!("`{shown}` can be written; nothing is signed yet")),
        Err(why) => findings.problem(
            "checkpoints",
            Status::UNKNOWN,
            format!("no checkpoint can be written into `{shown}`: {why}"),
            "give the directory to the user that runs the service; move a file away that is no checkpoint",
        ),
    }
}

/// Whether the store can be written, and belongs to this shop and environment. A store that is not there is not made:
/// whoever checks need not be whoever runs the service.
pub(super) async fn store(loaded: &Loaded, shop_id: Option<&str>, findings: &mut Findings) -> Option<ShopStore> {
    let path = loaded.config.store.path();
    let shown = plain(&path.display().to_string());
    if fs::symlink_metadata(path).is_err() {
        absent(path, &shown, findings);
        return None;
    }
    let directory = path.parent().unwrap_or(path);
    let writable = access(path, Access::WRITE_OK).and_then(|()| access(directory, Access::WRITE_OK | Access::EXEC_OK));
    if let Err(why) = writable {
        let remedy = "check as the user that runs the passes, or give that user the file and its directory";
        findings.problem("store", Status::UNKNOWN, format!("`{shown}` cannot be written by this user: {why}"), remedy);
        return None;
    }
    let reading = |source| CliError::Store { attempt: "reading the shop's record".to_owned(), source };
    let opened = match wire::open(loaded) {
        Ok(store) => store.shop().await.map(|known| (store, known)).map_err(reading),
        Err(error) => Err(error),
    };
    let (store, known) = match opened {
        Ok(opened) => opened,
        Err(error) => {
            let why = error.source().map_or_else(|| error.to_string(), ToString::to_string);
            let remedy = "see `reconciled store info`; restore a backup if it is damaged";
            findings.problem("store", error.status(), format!("`{shown}`: {why}"), remedy);
            return None;
        }
    };
    let here = |id: &str| Identity {
        cluster: loaded.shop.lightspeed.cluster.name().to_owned(),
        environment: loaded.shop.klarna.environment.name().to_owned(),
        region: loaded.shop.klarna.region.name().to_owned(),
        shop_id: id.to_owned(),
    };
    match known {
        None => findings.ok("store", format!("`{shown}` can be written; the first pass binds it to this shop")),
        Some(record) if record.identity.is(&here(shop_id.unwrap_or(&record.identity.shop_id))) => {
            findings.ok("store", format!("`{shown}` can be written and belongs to this shop and environment"));
        }
        Some(record) => {
            let Identity { environment, region, shop_id, cluster: _ } = record.identity;
            let bound = format!("shop {shop_id} with Klarna {environment} ({region})");
            let remedy = "name the store of this shop and environment, or a new file, in [store] url; never mix two";
            findings.problem("store", Status::USAGE, format!("`{shown}` belongs to {bound}"), remedy);
            return None;
        }
    }
    Some(store)
}

fn absent(path: &Path, shown: &str, findings: &mut Findings) {
    // The nearest directory that is there is where the others would be made.
    let nearest = path.ancestors().skip(1).find(|it| fs::metadata(it).is_ok());
    let nearest = nearest.unwrap_or(Path::new("."));
    match access(nearest, Access::WRITE_OK | Access::EXEC_OK) {
        Ok(()) => findings.ok("store", format!("`{shown}` is not there yet; the first pass makes it")),
        Err(why) => findings.problem(
            "store",
            Status::UNKNOWN,
            format!("`{shown}` is not there, and this user may not make it: {why}"),
            "check as the user that runs the passes, or make the directory and give it to that user",
        ),
    }
}
