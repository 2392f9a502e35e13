//! Which Klarna order a shop order belongs to: a claim, until Klarna's own word agrees with it.
//!
//! Every id that the shop order names is a candidate. Klarna is asked about each, and what it says of amount, currency,
//! references and time is compared. One that agrees and holds money is the link; several, or none, are a doubt, and
//! nothing is sent or concluded while there is one. A human's word stands above all of it.

mod whose;

use jiff::Timestamp;

use super::facts::{Candidate, KlarnaOrder, KlarnaSide, KlarnaStatus, Place, ShopOrder, Word};
use super::id::{IntentId, KlarnaOrderId, OrderNumber};
use super::intent::Kind;
use super::money::{Currency, Minor};
use super::policy::{CANDIDATE_KNOWN_FOR, CANDIDATE_LAG};
use super::share;
use whose::{another, is_same_checkout};
pub use whose::{names, references};

/// A candidate and what Klarna said about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub candidate: Candidate,
    pub answer: Answer,
    /// A reference of it that is the number of another order of this shop.
    pub anothers: Option<String>,
}

/// What Klarna said about a candidate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    Read(KlarnaOrder),
    /// Klarna knows no such order; with its own words.
    NotFound {
        said: String,
    },
    /// More were named than are asked about.
    Unasked,
}

/// What a human said about the link, for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Told {
    To(KlarnaOrderId),
    /// The shop order belongs to no Klarna order.
    Nobody,
}

/// What the comparison of a named Klarna order with the shop order shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Likeness {
    /// Amount, currency, and a reference or the time.
    Agrees,
    /// It is this order's by reference or time, and its amount or currency is another.
    OtherAmount,
    /// Neither a reference nor the time shows whose it is.
    Unproven,
    /// A reference says that it is another order's: this one.
    Anothers(String),
    /// Klarna does not know it.
    Unknown,
    Unasked,
}

/// A Klarna order that a shop order names, as a finding tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    pub id: KlarnaOrderId,
    pub places: Vec<Place>,
    pub likeness: Likeness,
    /// What is captured, and what is still authorized and can be captured.
    pub captured: Minor,
    pub authorized: Minor,
    /// What Klarna says the order is worth.
    pub amount: Minor,
}

impl Named {
    /// The Klarna order that the shop order is taken for.
    pub fn linked(order: &KlarnaOrder, shop: &ShopOrder) -> Self {
        let places = shop.candidates.iter().find(|one| one.id == order.id).map(|one| one.places.clone());
        Self {
            id: order.id.clone(),
            places: places.unwrap_or_else(|| vec![Place::Operator]),
            likeness: Likeness::Agrees,
            captured: order.captured,
            authorized: authorized(order),
            amount: order.order_amount,
        }
    }

    /// It is this shop order's, whatever it is worth.
    pub const fn is_own(&self) -> bool {
        matches!(self.likeness, Likeness::Agrees | Likeness::OtherAmount)
    }
}

/// Why no Klarna order is taken for the shop order's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doubt {
    pub why: Why,
    /// Every Klarna order that was named.
    pub named: Vec<Named>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    /// Several hold or held money, or not all were asked about.
    Several,
    /// None is shown to be this order's.
    NoneAgrees,
    /// The shop says that it was paid, and none accounts for that.
    Unpaid,
}

/// What is found about a shop order's link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// No Klarna order is its own beyond doubt.
    Doubt { order: OrderNumber, doubt: Doubt },
    /// This was asked of another Klarna order than the one it is linked to now.
    Earlier {
        order: OrderNumber,
        /// None, where a human said so.
        now: Option<KlarnaOrderId>,
        before: KlarnaOrderId,
        kind: Kind,
        amount: Minor,
        intent: IntentId,
        /// Klarna confirmed it; otherwise its answer was lost.
        is_confirmed: bool,
        /// Nothing is sent until a human said more.
        holds: bool,
    },
    /// An authorization is open under another id, and nothing will come of it.
    Stray {
        order: OrderNumber,
        stray: Named,
        /// The order was not paid with Klarna at all, as the shop says.
        is_otherwise: bool,
    },
    /// The shop says that the order was paid otherwise, and Klarna has captured for it.
    PaidTwice { order: OrderNumber, named: Named },
}

/// The Klarna order that a shop order is taken for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// The link; where there is a doubt, none.
    pub id: Option<KlarnaOrderId>,
    pub side: KlarnaSide,
    /// The others that were named.
    pub beside: Vec<Named>,
}

/// The Klarna orders to ask about: those that the shop order names, the one that a human named, the one that it was judged
/// under, and those that it named once and that held money of its own then ([`is_remembered`]): a text that somebody
/// changes moves no money, and releases none.
pub fn candidates(
    shop: &ShopOrder, told: Option<&Told>, before: Option<&KlarnaOrderId>, remembered: &[&Seen],
) -> Vec<Candidate> {
    let by_human = match told {
        Some(Told::Nobody) => return Vec::new(),
        Some(Told::To(id)) => Some(Candidate { id: id.clone(), places: vec![Place::Operator] }),
        None => None,
    };
    let mut all: Vec<Candidate> = by_human.into_iter().collect();
    let held = shop.klarna_order_id.as_ref();
    // The one it is held for is asked about first, then the others as they are named.
    let (first, rest): (Vec<_>, Vec<_>) = shop.candidates.iter().partition(|it| Some(&it.id) == held);
    for one in first.into_iter().chain(rest) {
        match all.iter_mut().find(|known| known.id == one.id) {
            Some(known) => known.places.extend(one.places.iter().cloned()),
            None => all.push(one.clone()),
        }
    }
    if let Some(before) = before.filter(|before| told.is_none() && all.iter().all(|it| it.id != **before)) {
        all.push(Candidate { id: before.clone(), places: vec![Place::Unsaid] });
    }
    for seen in remembered.iter().filter(|seen| is_remembered(seen, shop)) {
        if all.iter().all(|it| it.id != seen.candidate.id) {
            all.push(seen.candidate.clone());
        }
    }
    all
}

/// What the order named once goes on being asked about: when Klarna was asked, it held money, and a reference or the time
/// showed that it was this order's.
fn is_remembered(seen: &Seen, shop: &ShopOrder) -> bool {
    let Answer::Read(order) = &seen.answer else { return false };
    let is_own = references(order).any(|reference| names(reference, shop)) || is_same_checkout(order, shop);
    is_own && holds_money(order) && another(order, shop, seen.anothers.as_deref()).is_none()
}

/// Chooses the Klarna order of a shop order among the candidates that were asked about.
///
/// # Guarantees
/// A Klarna order is chosen only when nothing contradicts it: a single one that names this order, or was made within a
/// day of it; among several the only one that fits and holds money. With `demands_reference` time is no evidence.
pub fn choose(
    shop: &ShopOrder, currency: Currency, seen: &[Seen], told: Option<&Told>, demands_reference: bool,
) -> Chosen {
    let judged: Vec<Judged<'_>> = seen.iter().map(|seen| Judged::of(seen, shop, currency, demands_reference)).collect();
    match told {
        Some(Told::Nobody) => Chosen { id: None, side: KlarnaSide::Disowned, beside: others(&judged, None) },
        Some(Told::To(id)) => as_told(&judged, id),
        None => by_agreement(&judged),
    }
}

/// What a human said, whatever anybody else says; the amounts are still compared before anything is sent.
fn as_told(judged: &[Judged<'_>], id: &KlarnaOrderId) -> Chosen {
    let side = match judged.iter().find(|it| it.seen.candidate.id == *id).map(|it| &it.seen.answer) {
        Some(Answer::Read(order)) => KlarnaSide::Read(order.clone()),
        Some(Answer::NotFound { said }) => KlarnaSide::NotFound { said: said.clone() },
        Some(Answer::Unasked) | None => KlarnaSide::NotFound { said: "it was not asked about".to_owned() },
    };
    Chosen { id: Some(id.clone()), side, beside: others(judged, Some(id)) }
}

fn by_agreement(judged: &[Judged<'_>]) -> Chosen {
    let known: Vec<&Judged<'_>> = judged.iter().filter(|it| it.order().is_some()).collect();
    if known.is_empty() {
        return unknown(judged);
    }
    let is_own = |it: &&&Judged<'_>| matches!(it.likeness, Likeness::Agrees | Likeness::OtherAmount);
    let own: Vec<&Judged<'_>> = known.iter().filter(is_own).copied().collect();
    let living: Vec<&Judged<'_>> = own.iter().filter(|it| it.holds_money()).copied().collect();
    let agreeing: Vec<&Judged<'_>> = living.iter().filter(|it| it.likeness == Likeness::Agrees).copied().collect();
    let only = match (agreeing.as_slice(), living.as_slice()) {
        ([only], _) | ([], [only]) => *only,
        // An attempt that came to nothing says only that the money is elsewhere, and this may be where.
        ([], []) => match newest(&own) {
            Some(spent) if !known.iter().any(|it| it.may_hold_its_money()) => spent,
            Some(_) | None => return doubt(judged, Why::NoneAgrees),
        },
        _ => return doubt(judged, Why::Several),
    };
    // Money was taken under another id as well, and nothing shows that it was another order's consumer's. Where none was
    // taken under its own, a text that looks like a number does not show it either: a capture may be the second one.
    let is_free = only.captured().is_zero();
    let is_taken = |it: &&Judged<'_>| {
        let is_anothers = matches!(it.likeness, Likeness::Anothers(_)) && !(is_free && it.may_hold_its_money());
        !is_anothers && it.captured().is_positive()
    };
    let is_taken_twice = known.iter().copied().filter(is_taken).any(|it| it.id() != only.id());
    // One that was not asked about may hold money too, whatever the others say.
    let is_unasked = judged.iter().any(|it| it.likeness == Likeness::Unasked);
    if is_taken_twice || is_unasked {
        return doubt(judged, Why::Several);
    }
    only.chosen(judged)
}

/// None is known at Klarna: the first one stands for all.
fn unknown(judged: &[Judged<'_>]) -> Chosen {
    let Some(first) = judged.first() else {
        return Chosen { id: None, side: KlarnaSide::Unlinked, beside: Vec::new() };
    };
    first.chosen(judged)
}

/// Of those that hold no money any more the one that fits, and of several the youngest; of one age the one that is
/// named first, as the one is that it is held for.
fn newest<'s, 'a>(own: &[&'s Judged<'a>]) -> Option<&'s Judged<'a>> {
    let age = |it: &&&Judged<'_>| {
        let made = it.order().and_then(|order| order.created_at).unwrap_or(Timestamp::MIN);
        (it.likeness == Likeness::Agrees, made)
    };
    own.iter().rev().max_by_key(age).copied()
}

fn doubt(judged: &[Judged<'_>], why: Why) -> Chosen {
    let named = others(judged, None);
    Chosen { id: None, side: KlarnaSide::Doubtful(Doubt { why, named }), beside: Vec::new() }
}

fn others(judged: &[Judged<'_>], but: Option<&KlarnaOrderId>) -> Vec<Named> {
    judged.iter().filter(|it| Some(it.id()) != but).map(Judged::named).collect()
}

/// A candidate with what the comparison shows.
struct Judged<'a> {
    seen: &'a Seen,
    likeness: Likeness,
}

impl<'a> Judged<'a> {
    fn of(seen: &'a Seen, shop: &ShopOrder, currency: Currency, demands_reference: bool) -> Self {
        let order = match &seen.answer {
            Answer::Read(order) => order,
            Answer::NotFound { .. } => return Self { seen, likeness: Likeness::Unknown },
            Answer::Unasked => return Self { seen, likeness: Likeness::Unasked },
        };
        let is_named = references(order).any(|reference| names(reference, shop));
        let another =
            if planted!("no_reference_check") { None } else { another(order, shop, seen.anothers.as_deref()) };
        let is_near = is_same_checkout(order, shop) && !demands_reference;
        let likeness = match another {
            Some(another) => Likeness::Anothers(another),
            None if !is_named && !is_near => Likeness::Unproven,
            None if order.currency.is(&currency) && share::may_be_all_of(shop, order) => Likeness::Agrees,
            None => Likeness::OtherAmount,
        };
        Self { seen, likeness }
    }

    fn id(&self) -> &'a KlarnaOrderId {
        &self.seen.candidate.id
    }

    fn order(&self) -> Option<&'a KlarnaOrder> {
        match &self.seen.answer {
            Answer::Read(order) => Some(order),
            Answer::NotFound { .. } | Answer::Unasked => None,
        }
    }

    fn captured(&self) -> Minor {
        self.order().map_or(Minor::ZERO, |order| order.captured)
    }

    fn holds_money(&self) -> bool {
        self.order().is_some_and(holds_money)
    }

    /// It holds money, and nothing shows whose that is: neither is it this order's by what it says, nor does its reference
    /// name another order that this shop is known to have. A text that looks like a number is no owner.
    fn may_hold_its_money(&self) -> bool {
        let is_open = match &self.likeness {
            Likeness::Unproven => true,
            Likeness::Anothers(_) => self.seen.anothers.is_none(),
            Likeness::Agrees | Likeness::OtherAmount | Likeness::Unknown | Likeness::Unasked => false,
        };
        is_open && self.holds_money()
    }

    fn named(&self) -> Named {
        Named {
            id: self.id().clone(),
            places: self.seen.candidate.places.clone(),
            likeness: self.likeness.clone(),
            captured: self.captured(),
            authorized: self.order().map_or(Minor::ZERO, authorized),
            amount: self.order().map_or(Minor::ZERO, |order| order.order_amount),
        }
    }

    fn chosen(&self, judged: &[Judged<'_>]) -> Chosen {
        let side = match &self.seen.answer {
            Answer::Read(order) => KlarnaSide::Read(order.clone()),
            Answer::NotFound { said } => KlarnaSide::NotFound { said: said.clone() },
            Answer::Unasked => KlarnaSide::Unlinked,
        };
        Chosen { id: Some(self.id().clone()), side, beside: others(judged, Some(self.id())) }
    }
}

/// What of a Klarna order can still be captured. A status that has no word here is no proof that nothing can.
fn authorized(order: &KlarnaOrder) -> Minor {
    match &order.status {
        Word::Known(KlarnaStatus::Authorized | KlarnaStatus::PartCaptured) | Word::Unknown(_) => order.remaining,
        Word::Known(
            KlarnaStatus::Captured | KlarnaStatus::Cancelled | KlarnaStatus::Expired | KlarnaStatus::Closed,
        ) => Minor::ZERO,
    }
}

/// A Klarna order that holds or held money: something is captured, or can be.
fn holds_money(order: &KlarnaOrder) -> bool {
    let is_unclear = order.status.unknown().is_some();
    is_unclear || order.captured.is_positive() || authorized(order).is_positive()
}

/// Whether what Klarna said of a candidate beside the link may be remembered instead of asked again: it holds no money
/// and cannot any more, it is another order's, or Klarna does not know it and no read lags that long.
pub fn is_settled(seen: &Seen, read_at: Timestamp, shop: &ShopOrder, now: Timestamp) -> bool {
    let age = now.duration_since(read_at);
    if age >= CANDIDATE_KNOWN_FOR || age.is_negative() {
        return false;
    }
    match &seen.answer {
        Answer::Read(order) => !holds_money(order) || another(order, shop, seen.anothers.as_deref()).is_some(),
        Answer::NotFound { .. } => read_at.duration_since(shop.created_at) > CANDIDATE_LAG,
        Answer::Unasked => false,
    }
}
