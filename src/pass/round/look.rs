//! Klarna's side of the orders of a round.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use jiff::Timestamp;

use super::Rounds;
use crate::pass::Stop;
use crate::pass::act::read_is_fresh;
use crate::pass::candidates::{self, Asked};
use crate::pass::tally::{Tally, asked_to_end, reason};
use crate::report::Side;
use reconciled_core::answer::Unreadable;
use reconciled_core::id::{OrderId, OrderNumber};
use reconciled_sides::clock::Clock;
use reconciled_sides::http::Transport;
use reconciled_store::{Dossier, Store};

/// Klarna orders read at the same time. What keeps the pace inside the servers' limits is the budget; this bounds memory
/// and sockets.
const READS_AT_ONCE: usize = 64;

/// One order's Klarna side as this pass read it.
pub(super) struct Look {
    pub(super) asked: Asked,
    pub(super) read_at: Timestamp,
    pub(super) started: Duration,
}

impl<S: Store, T: Transport, C: Clock> Rounds<'_, S, T, C> {
    /// Reads the Klarna side of those orders that this batch has not read, or read too long ago.
    pub(super) async fn look(
        &self, dossiers: Vec<Dossier>, looks: &mut BTreeMap<OrderId, Look>, tally: &mut Tally<'_>,
    ) -> Vec<Dossier> {
        looks.retain(|_, look| read_is_fresh(&self.shop.clock, look.started));
        let (closed, stop) = (tally.account_is_closed(), &tally.stop);
        let unread = dossiers.iter().filter(|dossier| !looks.contains_key(&dossier.shop.id));
        let reads = stream::iter(unread)
            .map(|dossier| async move { (dossier.shop.id, self.read(dossier, closed, stop).await) });
        let reads: Vec<_> = reads.buffer_unordered(READS_AT_ONCE).collect().await;
        for (id, read) in reads {
            match read {
                Ok(look) => {
                    looks.insert(id, look);
                }
                Err(why) => {
                    let number =
                        dossiers.iter().find(|dossier| dossier.shop.id == id).map(|dossier| &dossier.shop.number);
                    Self::unread(number, &why, tally);
                }
            }
        }
        dossiers.into_iter().filter(|dossier| looks.contains_key(&dossier.shop.id)).collect()
    }

    async fn read(&self, dossier: &Dossier, closed: bool, stop: &Stop) -> Result<Look, Unreadable> {
        let (read_at, started) = (self.shop.clock.now(), self.shop.clock.boottime());
        if !dossier.candidates().is_empty() {
            if stop.is_asked() {
                return Err(asked_to_end());
            }
            if closed {
                let message = "the account pauses after the credential was refused".to_owned();
                return Err(Unreadable::Failed(reconciled_core::answer::Said { message, ..Default::default() }));
            }
        }
        let asked = candidates::ask(self.shop, dossier, self.currency, &self.learnt).await?;
        Ok(Look { asked, read_at, started })
    }

    fn unread(number: Option<&OrderNumber>, why: &Unreadable, tally: &mut Tally<'_>) {
        if let Unreadable::Refused(said) = why {
            tally.close_account(said);
        }
        let what = number.map_or_else(|| "an order".to_owned(), |number| format!("order {number}"));
        tally.unanswered(Side::Klarna, what, format!("Klarna: {}", reason(why)));
    }
}
