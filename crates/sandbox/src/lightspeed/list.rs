//! Lists: which ids a page holds, found by index and never by walking the whole shop.
//!
//! Paging, `since_id`, time windows and filters. Bodies are made elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use super::call::{Call, Failure};
use super::model::{Invoice, Order, Shipment, TimeIndex};
use crate::World;
use crate::fault::Bend;
use crate::switches::{FilterZone, ListOrder};
use crate::time::{SECOND, Zone, parse_filter};

/// A time window with fewer members than this is collected from its index; a larger one is met
/// often enough while walking by id.
const SPARSE: usize = 2_000;

/// Something with the two times of its life.
pub(crate) trait Timed {
    fn created(&self) -> i64;
    fn updated(&self) -> i64;
}

macro_rules! timed {
    ($($kind:ty),+) => {$(
        impl Timed for $kind {
            fn created(&self) -> i64 {
                self.created
            }
            fn updated(&self) -> i64 {
                self.updated
            }
        }
    )+};
}
timed!(Order, Invoice, Shipment);

/// Bounds in milliseconds, both ends belong to the window.
#[derive(Clone, Copy, Debug)]
struct Window {
    from: i64,
    to: i64,
}

impl Window {
    fn of(call: &Call<'_>, name: &str, zone: Zone, ahead: i64) -> Result<Option<Self>, Failure> {
        let read = |end: &str| {
            let key = format!("{name}_{end}");
            let Some(text) = call.query.get(&key) else { return Ok(None) };
            parse_filter(text, zone).map(Some).ok_or(Failure::Invalid { field: key })
        };
        let (from, to) = (read("min")?, read("max")?);
        if from.is_none() && to.is_none() {
            return Ok(None);
        }
        // The wire shows whole seconds, so the last one counts in full.
        let to = to.map_or(i64::MAX, |to| to.saturating_add(SECOND.saturating_sub(1)));
        // The wire speaks of the shop's own clock.
        let from = from.map_or(i64::MIN, |from| from.saturating_sub(ahead));
        Ok(Some(Self { from, to: to.saturating_sub(ahead) }))
    }

    const fn holds(self, at: i64) -> bool {
        at >= self.from && at <= self.to
    }
}

/// What a list call asked for.
pub(crate) struct Selection {
    created: Option<Window>,
    updated: Option<Window>,
    since: Option<u64>,
    skip: usize,
    limit: usize,
    descending: bool,
    beyond: bool,
    bend: Bend,
}

impl Selection {
    pub(crate) fn of(call: &Call<'_>, world: &World) -> Result<Self, Failure> {
        let switches = &world.switches;
        let zone = match switches.lightspeed_filter_zone {
            FilterZone::Utc => Zone::Utc,
            FilterZone::Local => world.shop_zone(),
        };
        let ahead = world.clocks.lightspeed_ms;
        let limit = call.query.number("limit").filter(|limit| *limit > 0).unwrap_or(50).min(250);
        let page = call.query.number("page").unwrap_or(1).max(1);
        let cap = u64::try_from(switches.lightspeed_max_page).unwrap_or(0);
        let skip = page.saturating_sub(1).saturating_mul(limit);
        let since = call.query.number("since_id");
        Ok(Self {
            created: Window::of(call, "created_at", zone, ahead)?,
            updated: Window::of(call, "updated_at", zone, ahead)?,
            since,
            skip: usize::try_from(skip).unwrap_or(usize::MAX),
            limit: usize::try_from(limit).unwrap_or(250),
            descending: since.is_none() && switches.lightspeed_list_order == ListOrder::Desc,
            beyond: (cap > 0 && page > cap) || world.bend.empty,
            bend: world.bend.clone(),
        })
    }

    /// The members of a narrow time window, or nothing when walking by id is as good.
    fn narrowed(&self, index: &TimeIndex) -> Option<Vec<u64>> {
        let collect = |set: &BTreeSet<(i64, u64)>, window: Window| {
            let range = set.range((window.from, 0)..=(window.to, u64::MAX));
            let ids: Vec<u64> = range.take(SPARSE.saturating_add(1)).map(|(_, id)| *id).collect();
            (ids.len() <= SPARSE).then_some(ids)
        };
        let updated = self.updated.and_then(|window| collect(&index.updated, window));
        updated.or_else(|| self.created.and_then(|window| collect(&index.created, window)))
    }

    /// Ids that match, in the order of the list and not yet cut into pages. `only` are candidates
    /// known from another index.
    fn matching<'m, T: Timed>(
        &self, map: &'m BTreeMap<u64, T>, index: &TimeIndex, only: Option<Vec<u64>>, keep: impl Fn(&T) -> bool + 'm,
    ) -> Box<dyn Iterator<Item = u64> + 'm>
    where
        Self: 'm,
    {
        let first = self.since.map_or(0, |since| since.saturating_add(1));
        let (created, updated) = (self.created, self.updated);
        let fits = move |item: &T| {
            created.is_none_or(|window| window.holds(item.created()))
                && updated.is_none_or(|window| window.holds(item.updated()))
                && keep(item)
        };
        if let Some(mut ids) = only.or_else(|| self.narrowed(index)) {
            ids.sort_unstable();
            if self.descending {
                ids.reverse();
            }
            let fitting = move |id: &u64| *id >= first && map.get(id).is_some_and(&fits);
            return Box::new(ids.into_iter().filter(fitting));
        }
        let range = map.range(first..);
        if self.descending {
            Box::new(range.rev().filter(move |(_, item)| fits(item)).map(|(id, _)| *id))
        } else {
            Box::new(range.filter(move |(_, item)| fits(item)).map(|(id, _)| *id))
        }
    }

    pub(crate) fn page<T: Timed>(
        &self, map: &BTreeMap<u64, T>, index: &TimeIndex, only: Option<Vec<u64>>, keep: impl Fn(&T) -> bool,
    ) -> Vec<u64> {
        if self.beyond {
            return Vec::new();
        }
        let skip = self.skip.saturating_add(self.bend.shift);
        let ids = self.matching(map, index, only, keep).filter(|id| !self.bend.without.contains(id));
        self.shortened(ids.skip(skip).take(self.limit).collect())
    }

    /// Leaves off what a scripted fault says is missing.
    fn shortened(&self, mut ids: Vec<u64>) -> Vec<u64> {
        ids.truncate(ids.len().saturating_sub(self.bend.missing));
        ids
    }

    pub(crate) fn count<T: Timed>(
        &self, map: &BTreeMap<u64, T>, index: &TimeIndex, only: Option<Vec<u64>>, keep: impl Fn(&T) -> bool,
    ) -> usize {
        self.matching(map, index, only, keep).count()
    }

    /// Cuts a page out of a short list of ids that is in ascending order.
    pub(crate) fn cut(&self, ids: impl DoubleEndedIterator<Item = u64>) -> Vec<u64> {
        if self.beyond {
            return Vec::new();
        }
        let first = self.since.map_or(0, |since| since.saturating_add(1));
        let ids = ids.filter(|id| *id >= first);
        let skip = self.skip.saturating_add(self.bend.shift);
        self.shortened(if self.descending {
            ids.rev().skip(skip).take(self.limit).collect()
        } else {
            ids.skip(skip).take(self.limit).collect()
        })
    }
}
