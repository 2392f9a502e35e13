//! Walking a list whose rows change while it is walked.
//!
//! By `since_id` as long as the answers show that it works: ids greater than the last one, ascending. Numbered
//! pages otherwise, as a union of what came.

use std::ops::ControlFlow;

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::convert::{list_in, parse};
use super::error::{Stumble, failed};
use super::exchange::{PAUSE_AFTER_FAILURE, encode};
use super::{Client, dto};
use crate::clock::Clock;
use crate::http::json::{id, instant};
use crate::http::{PAGE_ANSWER, SINGLE_ANSWER, Transport};
use reconciled_core::answer::Unreadable;

/// The largest `limit` the shop accepts.
pub const LARGEST_PAGE: u32 = 250;

/// After a page that timed out: half, and half of that.
const SMALLER_PAGES: [u32; 2] = [125, 62];

/// The longest listing, in pages: at the largest page a million rows. A list that goes on is not this shop's.
pub const LONGEST_LISTING: u32 = 4_000;

/// How far before the asked time a listing begins. In which zone the shop reads a time without one is not
/// documented, and its answers carry Dutch local time in summer: two hours, and one for clocks that differ.
pub const OVERLAP: SignedDuration = SignedDuration::from_hours(3);

/// The shop's default page size. A server that caps `limit` answers with a multiple of it.
const DEFAULT_PAGE: usize = 50;

/// A row of a list that is not what it must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadRow {
    /// Its id, if that much can be read; otherwise its place is all there is to name it by.
    pub id: Option<u64>,
    /// Its page in this listing and its place there, both counted from one.
    pub page: u32,
    pub row: usize,
    /// When it changed, if that can be read.
    pub updated_at: Option<Timestamp>,
    pub why: Unreadable,
}

/// What one page of a list gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPage<R> {
    pub rows: Vec<R>,
    /// Rows that are not what they must be; the others are as good without them.
    pub bad: Vec<BadRow>,
    /// The ids that could be read, of whatever row.
    pub ids: Vec<u64>,
    /// `None`: this was the last page.
    pub next: Option<Page>,
}

/// A place in a listing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    place: Place,
    limit: u32,
    number: u32,
    /// The page before it was short: this one is asked for to be sure that the list ends there.
    is_second_look: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Rows with an id greater than this.
    After(u64),
    /// `since_id` has no effect: rows after so many.
    Offset(u32),
}

impl Page {
    pub const fn first() -> Self {
        Self { place: Place::After(0), limit: LARGEST_PAGE, number: 1, is_second_look: false }
    }

    fn query(&self, since: Option<Timestamp>) -> String {
        let place = match self.place {
            Place::After(id) => format!("since_id={id}"),
            Place::Offset(rows) => {
                let page = rows.checked_div(self.limit).unwrap_or(0).saturating_add(1);
                format!("page={page}")
            }
        };
        let changed = since
            .map_or_else(String::new, |since| format!("&updated_at_min={}", encode(&utc_text(less_overlap(since)))));
        format!("?limit={}&{place}{changed}", self.limit)
    }

    /// The same place with a smaller page, if there is one left to try. Numbers of smaller pages mean other rows, so
    /// numbered pages begin anew.
    fn smaller(self) -> Option<Self> {
        let limit = SMALLER_PAGES.into_iter().find(|limit| *limit < self.limit)?;
        let place = match self.place {
            Place::After(id) => Place::After(id),
            Place::Offset(_) => Place::Offset(0),
        };
        Some(Self { place, limit, ..self })
    }

    fn at(self, place: Place, is_second_look: bool) -> Option<Self> {
        let number = self.number.checked_add(1).filter(|number| *number <= LONGEST_LISTING)?;
        Some(Self { place, number, is_second_look, ..self })
    }

    /// A short page ends a list, and a list that ends there by mistake would never show the rest: where it is longer than
    /// what changes between two passes, its end is asked for once more.
    fn doubts_its_end(self, rows: usize, ids: &[u64]) -> bool {
        let half = usize::try_from(self.limit.checked_div(2).unwrap_or(0)).unwrap_or(usize::MAX);
        let is_long = self.number > 1 || rows >= half;
        // Rows without a readable id lead nowhere: a second look that finds no others has found the end.
        let was_confirmed = self.is_second_look && (ids.is_empty() || matches!(self.place, Place::Offset(_)));
        is_long && !was_confirmed && !planted!("a_short_page_is_believed")
    }

    /// Where the listing goes on after so many rows, of which these ids could be read; `Break` when it is over.
    fn after(self, rows: usize, ids: &[u64]) -> ControlFlow<(), (Place, bool)> {
        let limit = usize::try_from(self.limit).unwrap_or(usize::MAX);
        let may_be_capped = rows > 0 && rows.checked_rem(DEFAULT_PAGE) == Some(0);
        let is_last = rows < limit && !may_be_capped;
        match self.place {
            Place::After(last) if !ids.iter().all(|id| *id > last) => START_OVER,
            Place::After(_) | Place::Offset(_) if is_last && !self.doubts_its_end(rows, ids) => ControlFlow::Break(()),
            Place::After(last) if is_last && ids.is_sorted() => {
                ControlFlow::Continue((Place::After(ids.last().copied().unwrap_or(last)), true))
            }
            Place::Offset(rows) if is_last => ControlFlow::Continue((Place::Offset(rows), true)),
            // The newest row says nothing about the rows before it unless they came in order.
            Place::After(_) if ids.is_empty() || !ids.is_sorted() => START_OVER,
            // Where the shop may cap its pages, the page after a short one is the second look.
            Place::After(last) => {
                ControlFlow::Continue((Place::After(ids.last().copied().unwrap_or(last)), rows < limit))
            }
            Place::Offset(rows) => ControlFlow::Continue((Place::Offset(rows.saturating_add(self.limit)), false)),
        }
    }
}

/// `since_id` had no effect: numbered pages from the first one. Rows come twice, and none is missed.
const START_OVER: ControlFlow<(), (Place, bool)> = ControlFlow::Continue((Place::Offset(0), false));

impl<T: Transport, C: Clock> Client<T, C> {
    /// One page of a list. `convert` gives `None` for a row that is nobody's.
    pub(super) async fn page<R>(
        &self, list: &str, since: Option<Timestamp>, page: &Page,
        convert: impl Fn(&RawValue) -> Result<Option<R>, Unreadable>,
    ) -> Result<ListPage<R>, Unreadable> {
        let mut page = *page;
        let answer = loop {
            match self.get_once(list, &page.query(since), PAGE_ANSWER).await {
                Ok(answer) => break answer,
                Err(Stumble::Failure(why)) => {
                    page = page.smaller().ok_or(why)?;
                    self.clock.sleep(PAUSE_AFTER_FAILURE).await;
                }
                Err(stumble) => return Err(stumble.into_unreadable()),
            }
        };
        let rows = list_in(&answer.body, list)?;
        let ids: Vec<u64> = rows.iter().filter_map(|row| row_id(row)).collect();
        let next = match page.after(rows.len(), &ids) {
            ControlFlow::Break(()) => None,
            ControlFlow::Continue((place, is_second_look)) => {
                let endless = || failed(&format!("the list of {list} does not end"));
                Some(page.at(place, is_second_look).ok_or_else(endless)?)
            }
        };
        let (mut good, mut bad) = (Vec::with_capacity(rows.len()), Vec::new());
        for (place, row) in (1..).zip(rows) {
            match convert(row) {
                Ok(row) => good.extend(row),
                Err(why) => {
                    let (id, updated_at) = (row_id(row), row_date(row));
                    bad.push(BadRow { id, page: page.number, row: place, updated_at, why });
                }
            }
        }
        Ok(ListPage { rows: good, bad, ids, next })
    }
}

/// What a count answers.
#[derive(Deserialize)]
struct Counted {
    count: u64,
}

impl<T: Transport, C: Clock> Client<T, C> {
    /// How many rows the whole list has; `None` where the shop does not say. Whether a count heeds the filters of its list is
    /// not documented, so it is asked of no part of one.
    pub async fn count(&self, list: &str) -> Option<u64> {
        let answer = self.get_once(&format!("{list}/count"), "", SINGLE_ANSWER).await.ok()?;
        serde_json::from_str(&answer.body).ok().map(|it: Counted| it.count)
    }
}

fn row_id(row: &RawValue) -> Option<u64> {
    let row: dto::Row<'_> = parse(row, "a row").ok()?;
    id(row.id)
}

fn row_date(row: &RawValue) -> Option<Timestamp> {
    let row: dto::Dated<'_> = parse(row, "a row").ok()?;
    instant(row.updated_at)
}

fn less_overlap(since: Timestamp) -> Timestamp {
    since.checked_sub(OVERLAP).unwrap_or(Timestamp::MIN)
}

pub(super) fn utc_text(at: Timestamp) -> String {
    at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%d %H:%M:%S").to_string()
}
