//! What real shops show beside the daily round: several attempts to pay, ids that are somebody else's, gift cards, orders
//! that change, goods that never left, papers of any sign and number, and what Klarna's portal lets people do.

use futures_util::FutureExt as _;
use reconciled_core::id::OrderId;
use reconciled_core::intent::Kind;
use reconciled_sandbox::{
    Concealed, Credit, InvoiceTruth, KlarnaIdLocation, KlarnaStart, KlarnaTruth, LineEdit, NewAttempt, NewLine,
    NewOrder, ShopTruth, SlipEdit,
};
use reconciled_store::Store as _;
use reconciled_store::sqlite::SqliteStore;
use uuid::Uuid;

use super::acts::ORDERS;
use super::oracle::minor;
use super::sim::State;
use super::swarm::Act;
use super::time::{DAY, MINUTE, START};

const PLACES: [KlarnaIdLocation; 4] =
    [KlarnaIdLocation::PaymentData, KlarnaIdLocation::Memo, KlarnaIdLocation::Event, KlarnaIdLocation::Metafield];

impl State {
    /// One thing that a wider world sees; none where it is impossible now.
    pub fn widely(&mut self, act: Act, shop: &ShopTruth) -> Option<String> {
        match act {
            Act::Attempt | Act::WrongId | Act::StrangersId | Act::SessionId | Act::References | Act::PaidOtherwise => {
                self.about_the_link(act, shop)
            }
            Act::LowerInShop
            | Act::RaiseInShop
            | Act::EditSlip
            | Act::PickUp
            | Act::Download
            | Act::Complete
            | Act::Delete => self.about_the_order(act, shop),
            Act::CreditNothing | Act::CreditBelowZero | Act::CreditUnsent | Act::EqualNumbers => {
                self.about_a_paper(act, shop)
            }
            _ => self.in_the_portal(act, shop),
        }
    }

    /// An order that is not what it usually is from the beginning.
    pub fn place_odd_order(&mut self, act: Act) -> Option<String> {
        if self.orders() >= ORDERS {
            return None;
        }
        let lines = vec![NewLine::new("Article", 1, 3_000), NewLine::new("Other", 2, 1_000)];
        let klarna = self.rng.one(&[KlarnaStart::Captured, KlarnaStart::Authorized]);
        let new = NewOrder {
            lines,
            klarna: Some(klarna),
            age_ms: if self.now == START { self.rng.one(&[0, 5 * MINUTE, 2 * DAY]) } else { 0 },
            shipped: klarna == KlarnaStart::Captured && self.rng.chance(700),
            gift_card_minor: if act == Act::GiftCard { self.rng.one(&[500, 1_500, 3_000]) } else { 0 },
            klarna_amount_minor: match act {
                Act::CentApart => Some(5_000 + self.rng.one(&[-1, 1])),
                Act::OtherAmount => Some(5_000 + self.rng.one(&[-1_500, -20, 20, 700])),
                _ => None,
            },
            ..NewOrder::default()
        };
        let made = self.world.create_order(&new);
        Some(format!(
            "{} {klarna:?} gift card {} at Klarna {:?}",
            made.number, new.gift_card_minor, new.klarna_amount_minor
        ))
    }

    fn about_the_link(&mut self, act: Act, shop: &ShopTruth) -> Option<String> {
        let (id, place) = (shop.id, self.rng.one(&PLACES));
        let said = match act {
            Act::Attempt => {
                let start = self.rng.one(&[
                    KlarnaStart::Authorized,
                    KlarnaStart::Captured,
                    KlarnaStart::Cancelled,
                    KlarnaStart::Expired,
                ]);
                let mut attempt = NewAttempt::of(start, place);
                attempt.pays = self.rng.chance(300);
                attempt.reference1 = self.rng.chance(300).then(String::new);
                // Who writes it down changes the order, and the shop's lists say so.
                attempt.shown.clear();
                let made = self.world.attempt(id, &attempt).ok()?;
                self.world.show_id(id, &made.to_string(), place, None);
                self.oracle.tried(made, start, place, self.now);
                format!("{made} {start:?} in {place:?}, pays {}", attempt.pays)
            }
            Act::StrangersId => {
                let others = self.world.all_shop_truth();
                let other = others.iter().find(|it| it.id != id)?.klarna_order_id?;
                self.maybe_instead(id);
                self.world.show_id(id, &other.to_string(), place, None);
                format!("{other} in {place:?}")
            }
            Act::WrongId | Act::SessionId => {
                let wrong = match (act, shop.klarna_order_id) {
                    (Act::WrongId, Some(right)) => Uuid::from_u128(right.as_u128() ^ 0x0f00).to_string(),
                    _ => Uuid::from_u64_pair(self.rng.next(), self.rng.next()).to_string(),
                };
                let is_instead = self.maybe_instead(id);
                self.world.show_id(id, &wrong, place, None);
                let is_text = matches!(place, KlarnaIdLocation::Memo | KlarnaIdLocation::Event);
                // What stood in the events stands there for ever.
                let in_events = self.world.switches().lightspeed_klarna_id_location == KlarnaIdLocation::Event;
                if is_text && is_instead && !in_events {
                    self.oracle.misnamed.insert(id);
                } else if !is_text {
                    self.oracle.misnamed.remove(&id);
                }
                format!("{wrong} in {place:?}")
            }
            Act::References => {
                let klarna = shop.klarna_order_id?;
                let word = self.rng.one(&["", "ORD00777", "checkout-17"]);
                // Of several, one that bears another's name is another's, for all that anybody can tell.
                if shop.attempts.len() > 1 {
                    return None;
                }
                self.world.set_references(klarna, Some(word), None).ok()?;
                format!("`{word}`")
            }
            _ => {
                self.world.pay_otherwise(id, "ideal", "iDEAL").ok()?;
                self.oracle.otherwise.insert(id);
                "iDEAL".to_owned()
            }
        };
        Some(format!("{} {said}", shop.number))
    }

    /// As often as not what is written stands instead of the right id, and not beside it.
    fn maybe_instead(&mut self, order: u64) -> bool {
        let is_instead = self.rng.chance(500);
        if is_instead {
            self.world.set_memo(order, "");
            self.world.clear_payment_data(order);
            self.world.clear_metafields(order);
            self.names_were_cleared(order);
        }
        is_instead
    }

    /// The ids that the order named are out of all places out of which they can be taken.
    pub fn names_were_cleared(&mut self, order: u64) {
        let place = self.world.switches().lightspeed_klarna_id_location;
        if let Some(shop) = self.world.shop_truth(order) {
            self.oracle.names_were_cleared(&shop, place);
        }
    }

    fn about_the_order(&mut self, act: Act, shop: &ShopTruth) -> Option<String> {
        let id = shop.id;
        match act {
            Act::LowerInShop | Act::RaiseInShop => {
                let line = self.rng.index(shop.lines.len());
                let unit = minor(shop.lines.get(line)?.unit);
                let by = self.rng.one(&[1, 19, 500]);
                let unit = if act == Act::LowerInShop { unit - by } else { unit + by };
                if unit <= 0 {
                    return None;
                }
                let edit = LineEdit { line, quantity: None, unit_minor: Some(unit) };
                self.world.edit_order(id, &[edit]).ok()?;
            }
            Act::EditSlip => {
                let slips = self.world.slips_of(id);
                if slips.is_empty() {
                    return None;
                }
                let slip = slips[self.rng.index(slips.len())].0;
                let add = if self.rng.chance(500) { vec![(self.rng.index(2), 1)] } else { Vec::new() };
                let edit = SlipEdit { tracking: Some("3SLATER".to_owned()), shipped: None, add };
                self.world.edit_slip(slip, &edit).ok()?;
            }
            Act::Delete => {
                self.oracle.deleted.push(shop.clone());
                self.world.delete_order(id).ok()?;
            }
            _ => {
                if shop.status == "cancelled" {
                    return None;
                }
                let word = match act {
                    Act::PickUp => "completed_picked_up",
                    Act::Download => "processing_ready_for_download",
                    _ => "completed",
                };
                self.world.set_order_status(id, Some(word), None, None).ok()?;
            }
        }
        Some(shop.number.clone())
    }

    fn about_a_paper(&mut self, act: Act, shop: &ShopTruth) -> Option<String> {
        let credit = match act {
            Act::EqualNumbers => {
                let credits: Vec<_> = shop.invoices.iter().filter(|it| it.is_credit).collect();
                let (first, second) = (credits.first()?, credits.get(1)?);
                self.world.set_invoice_number(second.id, &first.number).ok()?;
                return Some(format!("{} twice on {}", first.number, shop.number));
            }
            Act::CreditNothing => Credit::Amount(0),
            // One alone may be how this shop writes credit invoices; beside another it is a contradiction.
            Act::CreditBelowZero if shop.invoices.iter().all(|it| !it.is_credit || it.total <= 0) => return None,
            Act::CreditBelowZero => Credit::Amount(-100 * self.rng.one(&[500, 1_000])),
            _ => {
                let unsent = shop.lines.iter().position(|line| line.sent == 0 && line.quantity > 0)?;
                Credit::Lines(vec![(unsent, 1)], false)
            }
        };
        let made = self.world.add_credit_invoice(shop.id, &credit).ok()?;
        Some(format!("{} {credit:?} on {}", made.1, shop.number))
    }

    /// A copy of a store never saw what reads conceal since.
    pub fn forget_what_is_hidden(&mut self) {
        for shop in self.world.all_shop_truth() {
            for id in shop.attempts.clone() {
                let truth = self.world.klarna_truth(id).filter(|_| self.oracle.vanished.contains(&id));
                if truth.is_some_and(|truth| !self.was_shown(&shop, &truth)) {
                    self.oracle.never_shown.insert(id);
                }
            }
        }
    }

    /// Every store has read, or was told, all that happened at Klarna.
    fn was_shown(&self, shop: &ShopTruth, truth: &KlarnaTruth) -> bool {
        let held = |store: &SqliteStore| store.dossiers(vec![OrderId(shop.id)]).now_or_never().unwrap().ok()?.pop();
        self.stores.iter().all(|store| {
            let Some(dossier) = held(store) else { return false };
            let told = |kind| -> i64 {
                let ours = dossier.ledger.intents.iter().filter(|it| it.effect.kind == kind && it.made.is_some());
                ours.map(|it| it.effect.amount.get()).sum()
            };
            let read = dossier.klarna.as_ref().map_or((0, 0), |(it, _)| (it.captured.get(), it.refunded.get()));
            read.0.max(told(Kind::Capture)) >= truth.captured_amount
                && read.1.max(told(Kind::Refund)) >= truth.refunded_amount
        })
    }

    fn in_the_portal(&mut self, act: Act, shop: &ShopTruth) -> Option<String> {
        let id = shop.klarna_order_id?;
        let truth = self.world.klarna_truth(id)?;
        let credits: Vec<i64> = shop.invoices.iter().filter(|it| it.is_credit).map(|it| minor(it.total)).collect();
        match act {
            Act::PortalRefundForSeveral => {
                let sum: i64 = credits.get(..2)?.iter().sum();
                self.world.portal_refund(id, Some(sum), None).ok()?;
            }
            Act::PortalRefundOfPart => {
                let part = credits.first()? / 2;
                self.world.portal_refund(id, Some(part), None).ok()?;
            }
            Act::UndoRefund => {
                let last = truth.refunds.last()?.id;
                self.world.undo_refund(id, last).ok()?;
                self.oracle.undone.insert(id);
            }
            Act::Vanish => {
                let movement = truth.refunds.last().or(truth.captures.last())?.clone();
                let last = movement.id;
                let how = self.rng.one(&[Concealed::All, Concealed::Listed]);
                self.world.conceal(id, last, how).ok()?;
                self.oracle.vanished.insert(id);
                // A refund of nobody's that is gone has been taken back, for all that anybody can tell.
                let names = |it: &InvoiceTruth| movement.reference.as_deref() == Some(&*it.number);
                let is_nobodys = !truth.refunds.is_empty()
                    && movement.idempotency_key.is_none()
                    && !shop.invoices.iter().any(names)
                    && !self.oracle.words.contains_key(&last);
                if is_nobodys || !self.was_shown(shop, &truth) {
                    self.oracle.never_shown.insert(id);
                }
            }
            Act::LowerInPortal => {
                let amount = truth.order_amount - self.rng.one(&[1, 500, 2_000]);
                self.world.portal_update(id, amount).ok()?;
            }
            _ => {
                let amount = truth.order_amount + self.rng.one(&[1, 500, 2_000]);
                self.world.portal_update(id, amount).ok()?;
            }
        }
        Some(shop.number.clone())
    }
}
