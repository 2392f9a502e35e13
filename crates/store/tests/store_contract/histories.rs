//! Random histories: whatever is asked of a store in whatever order, its journal explains its state.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::TestCaseError;
use reconciled_core::breaks::BreakStep;
use reconciled_core::consent;
use reconciled_core::credit_invoice::{self, CreditInvoice, Proof};
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::id::{IntentId, InvoiceId, OrderId, PassId, RefundId};
use reconciled_core::intent::{self, Intent, State};
use reconciled_core::ledger::{Attribution, Ledger};
use reconciled_core::money::Minor;
use reconciled_core::order;
use reconciled_core::plan::Note;
use reconciled_store::sqlite::SqliteStore;
use reconciled_store::{Attempt, Claim, Decided, Difference, Guard, Operation, Step, Store, StoreError};

use crate::fixture::{
    HOUR, InMemory, Place, again, at, attempt, credit, guard, intact, klarna, minor, pass, quiet, shop_order,
};

/// One thing asked of the store; numbers choose among what exists.
#[derive(Clone, Debug)]
enum Ask {
    Pass,
    Observe { order: u64, credits: u8 },
    Decide { order: u64, order_event: usize, credit_event: usize, seen: bool, lags: bool },
    Intend { order: u64, credit: u64, amount: i64, generation: u32 },
    Claim { intent: usize, limit: i64 },
    Record { intent: usize, event: usize, uncounted: bool },
    Differ { order: u64, amount: i64, due: i64 },
    Operate { order: u64, which: usize, intent: usize },
}

fn asks() -> impl Strategy<Value = Ask> {
    let order = 1..=3_u64;
    prop_oneof![
        1 => Just(Ask::Pass),
        2 => (order.clone(), 0..3_u8).prop_map(|(order, credits)| Ask::Observe { order, credits }),
        5 => (order.clone(), 0..7_usize, 0..8_usize, any::<bool>(), any::<bool>()).prop_map(
            |(order, order_event, credit_event, seen, lags)| Ask::Decide {
                order, order_event, credit_event, seen, lags,
            }
        ),
        5 => (order.clone(), 0..3_u64, 1..6000_i64, 0..3_u32).prop_map(|(order, credit, amount, generation)| {
            Ask::Intend { order, credit, amount, generation }
        }),
        6 => (any::<usize>(), 1..9000_i64).prop_map(|(intent, limit)| Ask::Claim { intent, limit }),
        6 => (any::<usize>(), 0..5_usize, any::<bool>()).prop_map(|(intent, event, uncounted)| Ask::Record {
            intent, event, uncounted,
        }),
        2 => (order.clone(), 1..3_i64, 0..200_i64).prop_map(|(order, amount, due)| Ask::Differ { order, amount, due }),
        3 => (order, 0..12_usize, any::<usize>()).prop_map(|(order, which, intent)| Ask::Operate {
            order, which, intent,
        }),
    ]
}

struct History {
    store: SqliteStore,
    pass: PassId,
    now: i64,
    intents: Vec<Intent>,
    /// Who approved which intent under the threshold, and when: remembered here, not asked of the store.
    agreed: BTreeMap<IntentId, Vec<(&'static str, i64)>>,
}

/// Above it a refund needs two operators, wherever the history knows of it.
const TWO_ABOVE: i64 = 1000;

impl History {
    async fn begin() -> Self {
        let store = InMemory::fresh().open();
        store.begin_pass(pass(1), at(0)).await.unwrap();
        for order in 1..=3 {
            store.observe(vec![(OrderId(order), Some(shop_order(order, 0, &[])))], at(0)).await.unwrap();
        }
        Self { store, pass: pass(1), now: 0, intents: Vec::new(), agreed: BTreeMap::new() }
    }

    async fn ledger(&self, order: u64) -> Ledger {
        self.store.dossiers(vec![OrderId(order)]).await.unwrap().remove(0).ledger
    }

    async fn ask(&mut self, ask: Ask) -> Result<(), StoreError> {
        // Long steps now and then, so that keys expire and days end.
        self.now = self.now.saturating_add(if self.now % 7 == 3 { 40_000 } else { 10 });
        match ask {
            Ask::Pass => {
                self.pass = pass(u128::try_from(self.now).unwrap());
                self.store.begin_pass(self.pass, at(self.now)).await.map(|_| ())
            }
            Ask::Observe { order, credits } => {
                let credits: Vec<_> = (0..u64::from(credits)).map(|n| (credit_id(order, n), 100)).collect();
                let order = shop_order(order, self.now, &credits);
                self.store.observe(vec![(order.id, Some(order))], at(self.now)).await
            }
            Ask::Decide { order, order_event, credit_event, seen, lags } => {
                let decided = self.decided(order, order_event, credit_event, seen, lags).await;
                self.decide(decided).await
            }
            Ask::Intend { order, credit, amount, generation } => {
                self.intend(order, credit_id(order, credit), amount, generation).await
            }
            Ask::Claim { intent, limit } => {
                let Some(picked) = self.pick(intent).cloned() else { return Ok(()) };
                let limit_per_day = minor(limit.saturating_mul(2));
                let guard = Guard { limit_per_day, two_person_above: Some(minor(TWO_ABOVE)), ..guard(self.now) };
                let claim = self.store.claim(self.pass, picked.id, guard).await?;
                if let Claim::Granted(sent) = claim {
                    let is_first = sent.first_sent_at == sent.last_sent_at;
                    let large = picked.effect.amount > minor(TWO_ABOVE);
                    assert!(!(is_first && large) || self.two_agreed(&picked), "one operator was enough for {picked:?}");
                }
                Ok(())
            }
            Ask::Record { intent, event, uncounted } => self.record(intent, event, uncounted).await,
            Ask::Differ { order, amount, due } => {
                let difference = Difference {
                    kind: BreakKind::RefundMissing,
                    credit_invoice: None,
                    subject: "it".into(),
                    amount: Some(minor(amount)),
                    message: String::new(),
                    remedy: None,
                    offer: None,
                    due: at(self.now.saturating_add(due).saturating_sub(100)),
                };
                self.decide(Decided { discrepancies: vec![difference], ..quiet(order) }).await
            }
            Ask::Operate { order, which, intent } => self.operate(order, which, intent).await,
        }
    }

    /// Two people said so about this intent or the one it starts anew, the second within a day of the first.
    fn two_agreed(&self, intent: &Intent) -> bool {
        let order = intent.target.order;
        let of_order: Vec<Intent> = self.intents.iter().filter(|it| it.target.order == order).cloned().collect();
        let before = consent::before(&intent.effect, &of_order).map(|it| it.id);
        let said = [Some(intent.id), before].into_iter().flatten().filter_map(|id| self.agreed.get(&id));
        said.into_iter().any(|said| {
            let later = |(who, at): &(&str, i64)| {
                said.iter().any(|(other, when)| other != who && (*at..at.saturating_add(24 * HOUR)).contains(when))
            };
            said.iter().any(later)
        })
    }

    fn pick(&self, intent: usize) -> Option<&Intent> {
        self.intents.get(intent.checked_rem(self.intents.len())?)
    }

    async fn decide(&self, decided: Decided) -> Result<(), StoreError> {
        self.store.decide(self.pass, at(self.now), vec![decided]).await?.remove(0)
    }

    /// A decision with whatever steps are legal now; an event that is not is left out.
    async fn decided(&self, order: u64, event: usize, credit_event: usize, seen: bool, lags: bool) -> Decided {
        let ledger = self.ledger(order).await;
        let mut steps = Vec::new();
        let event = order::Event::ALL[event];
        if let Ok(after) = ledger.order.apply(event) {
            steps.push(Step::Order { before: ledger.order, event, after });
        }
        let all = [
            credit_invoice::Event::Held,
            credit_invoice::Event::Released,
            credit_invoice::Event::Refused,
            credit_invoice::Event::Refunded(Proof::Reversal),
            credit_invoice::Event::Refunded(Proof::Refund(RefundId("a:b".into()))),
            credit_invoice::Event::PaidSeen,
            credit_invoice::Event::UnpaidSeen,
            credit_invoice::Event::Withdrawn,
        ];
        for (id, held) in &ledger.credits {
            let event = all[credit_event].clone();
            if let Ok(after) = held.state.clone().apply(event.clone()) {
                steps.push(Step::Credit { id: *id, before: held.state.clone(), event, after });
            }
        }
        let open = ledger.intents.iter().find(|intent| intent.state == State::Unknown);
        if let Some(found) = open.filter(|_| seen) {
            let note = Some(Note::Seen { made: Some(RefundId(found.id.to_string())) });
            let (before, event, after) = (State::Unknown, intent::Event::Seen, State::Confirmed);
            steps.push(Step::Intent { id: found.id, before, event, after, note });
        }
        // A read that lags shows nothing of what Klarna did; one in which an intent was seen does not lag.
        let lags = lags && !seen;
        let is_shown = |intent: &&Intent| {
            let is_seen = seen && open.is_some_and(|found| found.id == intent.id);
            !lags && (is_seen || intent.state == State::Confirmed)
        };
        let shown = ledger.intents.iter().filter(is_shown);
        let shown: Vec<_> = shown.map(|intent| (intent.id.to_string(), intent.effect.amount.get())).collect();
        let shown: Vec<_> = shown.iter().map(|(name, amount)| (name.as_str(), *amount)).collect();
        let answer = klarna(order, 10_000, &shown);
        let refunded = answer.refunded;
        let absent = ledger.intents.iter().map(|intent| (intent.id, at(self.now))).collect();
        Decided { klarna: Some((answer, at(self.now))), steps, absent, refunded, changed: seen, ..quiet(order) }
    }

    async fn intend(&mut self, order: u64, id: u64, amount: i64, generation: u32) -> Result<(), StoreError> {
        let ledger = self.ledger(order).await;
        let mut intent = again(order, id, amount, generation);
        intent.planned_at = at(self.now);
        let held = ledger.credits.get(&InvoiceId(id)).map_or(CreditInvoice::Pending, |held| held.state.clone());
        let event = credit_invoice::Event::Intended(intent.id);
        let Ok(after) = held.clone().apply(event.clone()) else { return Ok(()) };
        let steps = vec![Step::Credit { id: InvoiceId(id), before: held, event, after }];
        let intents = vec![intent.clone()];
        self.decide(Decided { credits: vec![credit(id, amount)], steps, intents, ..quiet(order) }).await?;
        self.intents.push(intent);
        Ok(())
    }

    async fn record(&self, intent: usize, event: usize, uncounted: bool) -> Result<(), StoreError> {
        let Some(picked) = self.pick(intent) else { return Ok(()) };
        let events = [
            intent::Event::Confirmed,
            intent::Event::Rejected,
            intent::Event::Throttled,
            intent::Event::NotSent,
            intent::Event::Lost,
        ];
        let event = events[event];
        let made = (event == intent::Event::Confirmed).then(|| RefundId(picked.id.to_string()));
        let mut answer = Attempt {
            order: picked.target.order,
            made,
            uncounted: uncounted && !matches!(event, intent::Event::Confirmed | intent::Event::Rejected),
            ..attempt(picked.id, event)
        };
        let credits = self.ledger(picked.target.order.0).await.credits;
        let held =
            picked.effect.credit_invoice.as_ref().and_then(|(id, _)| Some((*id, credits.get(id)?.state.clone())));
        if let Some((id, before)) = held
            && event == intent::Event::Rejected
            && let Ok(after) = before.clone().apply(credit_invoice::Event::Refused)
        {
            answer.steps.push(Step::Credit { id, before, event: credit_invoice::Event::Refused, after });
        }
        self.store.record(self.pass, answer, at(self.now)).await
    }

    async fn operate(&mut self, order: u64, which: usize, intent: usize) -> Result<(), StoreError> {
        let order = OrderId(order);
        let number = i64::try_from(intent % 4).unwrap();
        // Now and then somebody approves who does not know of the threshold.
        let two_person_above = (!intent.is_multiple_of(5)).then(|| minor(TWO_ABOVE));
        let picked = self.pick(intent).map(|intent| (intent.id, intent.target.order));
        let operation = match (which, picked) {
            (0, _) => Operation::Stop,
            (1, _) => Operation::Resume,
            (2, _) => Operation::Hold(order),
            (3, _) => Operation::Release(order),
            (4, Some((intent, order))) => Operation::Approve { order, intent, amount: None, two_person_above },
            (5, Some((intent, _))) => Operation::Abandon(intent),
            (6, _) => Operation::Attribute { order, refund: RefundId("x".into()), to: Attribution::Cancel },
            (7, _) => Operation::Break(number, BreakStep::Acknowledge),
            (8, _) => Operation::Break(number, BreakStep::Resolve),
            (9, _) => Operation::Break(number, BreakStep::Reopen),
            (10, _) => {
                Operation::Break(number, BreakStep::Assign((!intent.is_multiple_of(3)).then(|| "operator-1".into())))
            }
            _ => Operation::Remark(number),
        };
        let who = if intent.is_multiple_of(2) { "operator-1" } else { "operator-2" };
        let mut approved = None;
        if let Operation::Approve { intent, two_person_above: Some(_), .. } = &operation {
            approved = Some(*intent);
        }
        self.store.operate(operation, who.into(), "n\"ote".into(), at(self.now)).await?;
        if let Some(id) = approved {
            self.agreed.entry(id).or_default().push((who, self.now));
        }
        Ok(())
    }

    /// What no history may bring about.
    async fn invariants(&self) -> Result<(), TestCaseError> {
        for order in 1..=3 {
            let ledger = self.ledger(order).await;
            let counted =
                |intent: &&Intent| !matches!(intent.state, State::Rejected | State::Withdrawn | State::Abandoned);
            let out: Minor = ledger.intents.iter().filter(counted).map(|intent| intent.effect.amount).collect();
            prop_assert!(out <= minor(10_000), "refunds_never_exceed_captures: {out:?}");
        }
        Ok(())
    }
}

fn credit_id(order: u64, credit: u64) -> u64 {
    order.saturating_mul(10).saturating_add(credit)
}

async fn live(asks: Vec<Ask>) -> Result<(), TestCaseError> {
    let mut history = History::begin().await;
    for ask in asks {
        let said = format!("{ask:?}");
        match history.ask(ask).await {
            Ok(())
            | Err(StoreError::Guard(_) | StoreError::Moved(_) | StoreError::Refused(_) | StoreError::NotFound(_)) => {}
            Err(other) => prop_assert!(false, "{said}: {other:?}"),
        }
        history.invariants().await?;
    }
    intact(&history.store).await;
    Ok(())
}

proptest! {
    #[test]
    fn the_journal_explains_every_history(asks in prop::collection::vec(asks(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(live(asks))?;
    }
}
