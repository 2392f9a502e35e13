//! Watches over what passes leave behind and tells people: one sender per way of telling, beside the loop of passes.
//!
//! A sender that fails, hangs or cannot read a store costs a message and a line in the log, never a pass. What was told
//! is kept in the shop's store, so that a restart tells nothing again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::Notify;

use super::context::{now, reading};
use super::error::{CliError, explain};
use super::service::{SharedShops, Shops, shops};
use super::wire;
use crate::config::Loaded;
use crate::daemon::alarm::{self, Rules, Source};
use crate::daemon::board::Board;
use crate::daemon::outbox::{Entry, Outbox};
use crate::notify::{self, Way, digest};
use crate::web::Site;
use reconciled_core::id::ShopName;
use reconciled_core::policy::KEY_LIFE;
use reconciled_sides::clock::{Clock as _, SystemClock};
use reconciled_sides::http::reqwest::ReqwestTransport;
use reconciled_store::sqlite::admin;
use reconciled_store::{Channel, Store, StoreError, Told};

/// How often a sender looks up although nobody called.
const LOOK: Duration = Duration::from_secs(15);

/// How often the kill switches are looked at: `stop` and `resume` are told without waiting for a pass.
const SWITCHES: Duration = Duration::from_secs(5);

pub(super) struct Watch {
    shops: SharedShops,
    transport: ReqwestTransport,
    site: Site,
    since: Timestamp,
    /// When the configuration was refused, while that is so.
    refused: Mutex<Option<Timestamp>>,
    senders: [Sender; 2],
    closing: AtomicBool,
}

struct Sender {
    channel: Channel,
    work: tokio::sync::Mutex<Work>,
    called: Notify,
}

#[derive(Default)]
struct Work {
    outbox: Outbox,
    /// Whether people were told that a shop is late, as far as that was read.
    late: BTreeMap<ShopName, Vec<Told>>,
    /// When the board was read last, in time since boot.
    board_read: Option<Duration>,
}

impl Watch {
    pub(super) fn new(shops: SharedShops, transport: ReqwestTransport, site: Site) -> Arc<Self> {
        let sender = |channel| Sender { channel, work: tokio::sync::Mutex::default(), called: Notify::new() };
        let senders = Channel::ALL.map(sender);
        Arc::new(Self {
            shops,
            transport,
            site,
            since: now(),
            refused: Mutex::default(),
            senders,
            closing: AtomicBool::new(false),
        })
    }

    /// A reload was refused, or was not.
    pub(super) fn reloaded(&self, is_refused: bool) {
        let mut refused = self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        *refused = is_refused.then(|| refused.unwrap_or_else(now));
        self.senders.iter().for_each(|sender| sender.called.notify_one());
    }

    /// A pass has ended: what it left in the store is compared with what people were told.
    pub(super) async fn looked<S: Store>(&self, loaded: &Loaded, store: &S, stopped: bool) {
        if loaded.config.notify.is_none() {
            return;
        }
        if let Err(error) = self.compare(loaded, store, stopped).await {
            tracing::warn!(shop = %loaded.shop.name, %error, "what to tell people could not be read");
        }
    }

    async fn compare<S: Store>(&self, loaded: &Loaded, store: &S, stopped: bool) -> Result<(), StoreError> {
        let (now, shop) = (now(), &loaded.shop.name);
        let breaks = store.breaks(false).await?;
        let overdue = store.overdue(now.checked_sub(KEY_LIFE).unwrap_or(Timestamp::MIN)).await?;
        let currency = store.shop().await?.map(|record| record.currency);
        let found = alarm::after_pass(stopped, &breaks, &overdue, now);
        for sender in &self.senders {
            let Some((_, rules)) = way(loaded, sender.channel) else { continue };
            let place = Some(shop.clone());
            // Held over reading and comparing, so that nothing is told meanwhile that this reading misses.
            let mut work = sender.work.lock().await;
            let told = work.outbox.told(&place, store.told(sender.channel).await?);
            let news = alarm::news(Source::Pass, &found, &told, rules, now);
            let is_news = !news.is_empty();
            work.outbox.put(&place, Source::Pass, currency, news);
            let late = told.into_iter().filter(|told| Source::Board.covers(&told.subject));
            work.late.insert(shop.clone(), late.collect());
            drop(work);
            if is_news {
                sender.called.notify_one();
            }
        }
        Ok(())
    }

    /// The senders end what they are at and begin nothing more; what is not told then is told after the next start.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
        self.senders.iter().for_each(|sender| sender.called.notify_one());
    }

    /// Tells people, until it is closed.
    pub(super) async fn attend(self: Arc<Self>, board: Board) {
        let [first, second] = &self.senders;
        let running = async { tokio::join!(self.run(first, &board), self.run(second, &board)) };
        tokio::select! {
            _ = running => {}
            () = self.heed() => {}
        }
    }

    /// Looks at the kill switches of all shops together, and compares a shop whose switch was turned as after a pass.
    async fn heed(&self) {
        let mut known = BTreeSet::new();
        loop {
            tokio::time::sleep(SWITCHES).await;
            let shops = shops(&self.shops);
            let Some(loaded) = shops.values().next().filter(|loaded| loaded.config.notify.is_some()) else { continue };
            let path = loaded.config.store.path().to_owned();
            // A store that cannot be read is its passes' trouble.
            let Ok(Ok(stopped)) = tokio::task::spawn_blocking(move || admin::stopped(&path)).await else { continue };
            for loaded in known.symmetric_difference(&stopped).filter_map(|shop| shops.get(shop)) {
                if let Ok(store) = wire::open(loaded) {
                    self.looked(loaded, &store, stopped.contains(&loaded.shop.name)).await;
                }
            }
            known = stopped;
        }
    }

    async fn run(&self, sender: &Sender, board: &Board) {
        loop {
            // A missed call costs one look's delay.
            let _ = tokio::time::timeout(LOOK, sender.called.notified()).await;
            if self.closing.load(Ordering::Relaxed) {
                return;
            }
            let shops = shops(&self.shops);
            let Some((way, rules)) = shops.values().next().and_then(|loaded| way(loaded, sender.channel)) else {
                continue;
            };
            self.look(sender, board, &shops, rules).await;
            keep(sender, &shops).await;
            let due = sender.work.lock().await.outbox.due(SystemClock.boottime());
            if let Some(entries) = due {
                self.tell(sender, &way, &entries).await;
                keep(sender, &shops).await;
            }
        }
    }

    /// What no pass says: that passes do not complete, and that a reload was refused.
    async fn look(&self, sender: &Sender, board: &Board, shops: &Shops, rules: Rules) {
        let (now, boot) = (now(), SystemClock.boottime());
        let mut work = sender.work.lock().await;
        work.outbox.keep_places(|place| place.as_ref().is_none_or(|shop| shops.contains_key(shop)));
        let refused = *self.refused.lock().unwrap_or_else(PoisonError::into_inner);
        let told = work.outbox.told(&None, Vec::new());
        let news = alarm::news(Source::Reload, &alarm::reload(refused), &told, rules, now);
        work.outbox.put(&None, Source::Reload, None, news);
        if work.board_read.is_some_and(|read| boot.saturating_sub(read) < LOOK) {
            return;
        }
        work.board_read = Some(boot);
        for (shop, line) in board.lines() {
            let Some(found) = alarm::lateness(line.last_complete, |at| line.deadline(at), self.since, now) else {
                continue;
            };
            let Some(loaded) = shops.get(&shop) else { continue };
            if found.is_empty() && work.late.get(&shop).is_none_or(Vec::is_empty) {
                work.outbox.put(&Some(shop), Source::Board, None, Vec::new());
                continue;
            }
            if !work.late.contains_key(&shop) {
                // The store may be what keeps the passes from completing; then nobody was told, as far as we know.
                let kept = read_told(loaded, sender.channel).await.unwrap_or_default();
                work.late.insert(shop.clone(), kept);
            }
            let told = work.late.get(&shop).cloned().unwrap_or_default();
            let news = alarm::news(Source::Board, &found, &told, rules, now);
            work.outbox.put(&Some(shop), Source::Board, None, news);
        }
    }

    async fn tell(&self, sender: &Sender, way: &Way, entries: &[Entry]) {
        let (at, channel) = (now(), sender.channel.name());
        let ended = notify::deliver(&self.transport, way, digest::json(entries, at)).await;
        self.site.notified(sender.channel, ended.is_ok());
        let mut work = sender.work.lock().await;
        match ended {
            Ok(()) => {
                tracing::info!(channel, items = entries.len(), "people were told");
                work.outbox.sent(entries, SystemClock.boottime(), at);
                for entry in entries.iter().filter(|entry| Source::Board.covers(&entry.news.item.subject)) {
                    let is_over = entry.news.change == alarm::Change::Over;
                    let told = (!is_over).then(|| entry.news.item.told(at));
                    if let Some(shop) = &entry.place {
                        work.late.insert(shop.clone(), told.into_iter().collect());
                    }
                }
            }
            Err(error) => {
                tracing::warn!(channel, items = entries.len(), "people could not be told, they will be later: {error}");
                work.outbox.failed(SystemClock.boottime());
            }
        }
    }
}

/// How the configuration wants people told through `channel`.
fn way(loaded: &Loaded, channel: Channel) -> Option<(Way, Rules)> {
    let notify = loaded.config.notify.as_ref()?;
    let way = match channel {
        Channel::Command => Way::Command(notify.command.clone()?),
        Channel::Post => Way::Post { url: notify.url.clone()?, token: loaded.notify_token.clone() },
    };
    Some((way, Rules { repeat: notify.repeat, min_severity: notify.min_severity }))
}

/// Brings what was told into the stores; what cannot be kept now is kept later.
async fn keep(sender: &Sender, shops: &Shops) {
    let mut work = sender.work.lock().await;
    for (shop, told, over) in work.outbox.unkept() {
        let Some(loaded) = shops.get(&shop) else { continue };
        match keep_told(loaded, sender.channel, told, over).await {
            Ok(()) => work.outbox.kept(&shop),
            Err(error) => {
                tracing::warn!(%shop, "what people were told could not be kept yet: {}", explain(&error));
            }
        }
    }
}

async fn keep_told(loaded: &Loaded, channel: Channel, told: Vec<Told>, over: Vec<String>) -> Result<(), CliError> {
    let kept = wire::open(loaded)?.keep_told(channel, told, over).await;
    kept.map_err(reading("keeping what people were told"))
}

async fn read_told(loaded: &Loaded, channel: Channel) -> Result<Vec<Told>, CliError> {
    let told = wire::open(loaded)?.told(channel).await.map_err(reading("reading what people were told"))?;
    Ok(told.into_iter().filter(|told| Source::Board.covers(&told.subject)).collect())
}
