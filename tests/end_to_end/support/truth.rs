//! What both sides really hold, against what the pages promise about money.
//!
//! Independent of anything the program says: it looks into the sandbox only.

use reconciled_sandbox::{InvoiceTruth, KlarnaTruth, MovementTruth, ShopTruth};

use super::{Placed, Rig};

/// One order, both sides.
#[derive(Clone, Debug)]
pub struct Pair {
    pub shop: ShopTruth,
    pub klarna: KlarnaTruth,
}

impl Pair {
    pub fn credits(&self) -> impl Iterator<Item = &InvoiceTruth> {
        self.shop.invoices.iter().filter(|it| it.is_credit)
    }

    pub fn is_cancelled(&self) -> bool {
        self.shop.status == "cancelled"
    }

    /// Refunds that this program asked for: nobody else sends a key.
    pub fn ours(&self) -> impl Iterator<Item = &MovementTruth> {
        self.klarna.refunds.iter().filter(|it| it.idempotency_key.is_some())
    }

    pub fn refunded_under(&self, reference: &str) -> i64 {
        let of = self.klarna.refunds.iter().filter(|it| it.reference.as_deref() == Some(reference));
        of.map(|it| it.amount).sum()
    }
}

/// Whole cents of an amount in ten-thousandths.
pub fn minor(units: i64) -> i64 {
    assert_eq!(units % 100, 0, "{units} is no whole number of cents");
    units / 100
}

impl Rig {
    /// Every order that Klarna pays.
    pub fn pairs(&self) -> Vec<Pair> {
        self.with(|world| {
            let shops = world.all_shop_truth();
            let linked = shops.into_iter().filter_map(|shop| Some((shop.klarna_order_id?, shop)));
            let linked: Vec<_> = linked.collect();
            linked.into_iter().map(|(id, shop)| Pair { shop, klarna: world.klarna_truth(id).unwrap() }).collect()
        })
    }

    #[track_caller]
    pub fn pair(&self, order: &Placed) -> Pair {
        self.pair_of(&order.number)
    }

    #[track_caller]
    pub fn pair_of(&self, number: &str) -> Pair {
        self.pairs().into_iter().find(|it| it.shop.number == number).unwrap_or_else(|| panic!("no {number}"))
    }

    pub fn invoice_status(&self, number: &str) -> String {
        let all = self.with(|world| world.all_shop_truth());
        let mut invoices = all.into_iter().flat_map(|it| it.invoices);
        invoices.find(|it| it.number == number).map(|it| it.status).unwrap_or_default()
    }

    /// The promises that hold at every moment, whatever was lost, delayed or killed.
    ///
    /// For every order: no more refunded than captured; every refund of ours under a reference of its own, once, and
    /// whole; all refunds together no more than what the shop's papers oblige, hand-made ones apart.
    #[track_caller]
    pub fn money_is_safe(&self) {
        for pair in self.pairs() {
            let (klarna, number) = (&pair.klarna, &pair.shop.number);
            assert!(klarna.refunded_amount <= klarna.captured_amount, "{number}: above captured: {pair:#?}");
            assert!(klarna.captured_amount <= klarna.order_amount, "{number}: captured too much: {pair:#?}");
            let mut seen = std::collections::BTreeSet::new();
            for refund in pair.ours() {
                let reference =
                    refund.reference.clone().unwrap_or_else(|| panic!("{number}: no reference: {refund:?}"));
                assert!(seen.insert(reference.clone()), "{number}: refunded twice under {reference}: {pair:#?}");
                if reference == format!("{number}:cancel") {
                    assert!(pair.is_cancelled(), "{number}: a cancel's refund without a cancel");
                } else {
                    let credit = pair.credits().find(|it| it.number == reference);
                    let credit = credit.unwrap_or_else(|| panic!("{number}: {reference} is no credit invoice"));
                    assert_eq!(refund.amount, minor(credit.total), "{number}: {reference} in part: {pair:#?}");
                }
            }
            let credits: i64 = pair.credits().map(|it| minor(it.total)).sum();
            let obliged = if pair.is_cancelled() { klarna.captured_amount.max(credits) } else { credits };
            let ours: i64 = pair.ours().map(|it| it.amount).sum();
            assert!(ours <= obliged, "{number}: {ours} refunded, {obliged} owed: {pair:#?}");
        }
    }

    /// What must hold once everything has come to rest and nothing was left to a human.
    #[track_caller]
    pub fn everything_is_settled(&self) {
        self.money_is_safe();
        for pair in self.pairs() {
            let (klarna, number) = (&pair.klarna, &pair.shop.number);
            let credits: i64 = pair.credits().map(|it| minor(it.total)).sum();
            if pair.is_cancelled() {
                assert_eq!(klarna.refunded_amount, klarna.captured_amount, "{number}: not all is back: {pair:#?}");
                assert_eq!(klarna.remaining_authorized_amount, 0, "{number}: still authorized: {pair:#?}");
            } else if klarna.captured_amount > 0 {
                assert_eq!(klarna.refunded_amount, credits, "{number}: {pair:#?}");
            }
            for credit in pair.credits() {
                assert_eq!(credit.status, "paid", "{number}: {}: {pair:#?}", credit.number);
            }
        }
    }
}
