//! A shop order whose Klarna order is in doubt, or was another one before: nothing is sent and nothing is concluded.

use jiff::Timestamp;

use super::case::Case;
use crate::core::discrepancy::BreakKind;
use crate::core::facts::{Facts, KlarnaOrder};
use crate::core::intent::{Intent, State};
use crate::core::ledger::Ledger;
use crate::core::link::{Doubt, Finding, Why};
use crate::core::money::Minor;
use crate::core::plan::Plan;
use crate::core::policy::Policy;

/// Several Klarna orders may be this one's, or none is shown to be.
pub(super) fn doubtful(ledger: &Ledger, facts: &Facts, policy: &Policy, now: Timestamp, doubt: &Doubt) -> Plan {
    let mut case = Case::blind(ledger, facts, policy, now);
    let held: Minor = doubt.named.iter().map(|named| named.captured.plus(named.authorized)).collect();
    let kind = match doubt.why {
        Why::Several => BreakKind::KlarnaOrderAmbiguous,
        Why::NoneAgrees => BreakKind::KlarnaOrderMismatch,
    };
    let finding = Finding::Doubt { order: facts.shop.number.clone(), doubt: doubt.clone() };
    case.differs(kind, "", Some(held).filter(|held| held.is_positive()), now, finding);
    case.finish()
}

/// What was asked of another Klarna order than the one that this order is linked to now: until a human said what it
/// means, neither can be judged.
pub(super) fn earlier(
    ledger: &Ledger, facts: &Facts, policy: &Policy, now: Timestamp, klarna: &KlarnaOrder,
) -> Option<Plan> {
    let is_earlier = |intent: &&Intent| {
        let target = intent.target.klarna_order_id.as_ref();
        intent.effect.kind.is_klarna() && target.is_some_and(|target| *target != klarna.id) && may_have_moved(intent)
    };
    let moved: Vec<&Intent> = ledger.intents.iter().filter(is_earlier).collect();
    let first = moved.first()?;
    let mut case = Case::blind(ledger, facts, policy, now);
    let amount: Minor = moved.iter().map(|intent| intent.effect.amount).collect();
    let finding = Finding::Earlier {
        order: facts.shop.number.clone(),
        now: klarna.id.clone(),
        before: first.target.klarna_order_id.clone()?,
        kind: first.effect.kind,
        amount: first.effect.amount,
        intent: first.id,
        is_confirmed: first.state == State::Confirmed,
    };
    case.differs(BreakKind::KlarnaOrderMismatch, "earlier", Some(amount), now, finding);
    Some(case.finish())
}

fn may_have_moved(intent: &Intent) -> bool {
    match intent.state {
        State::Sending | State::Unknown | State::Confirmed => true,
        State::Planned | State::Rejected | State::Withdrawn | State::Abandoned => false,
    }
}
