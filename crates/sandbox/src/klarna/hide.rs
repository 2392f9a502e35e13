//! What reads no longer show although it happened, and refunds that were taken back.
//!
//! Concealing changes what GETs show and nothing else: Klarna still judges by what is true. Undoing changes the truth.

use std::borrow::Cow;

use uuid::Uuid;

use super::model::{Refusal, State, Status};
use crate::World;

/// How much of an effect reads leave out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Concealed {
    #[default]
    Nothing,
    /// The list lacks it, the order's sums keep it.
    Listed,
    /// Neither the list nor the sums know of it.
    All,
}

impl State {
    /// The state as reads show it.
    pub(crate) fn shown(&self) -> Cow<'_, Self> {
        let seen = |concealed: Concealed| concealed == Concealed::Nothing;
        let whole = self.captures.iter().all(|one| seen(one.concealed))
            && self.refunds.iter().all(|one| seen(one.concealed))
            && !self.cancel_concealed;
        if whole {
            return Cow::Borrowed(self);
        }
        let mut shown = self.clone();
        let gone = |concealed: Concealed, amount: i64| if concealed == Concealed::All { amount } else { 0 };
        let captured = self.captures.iter().map(|one| gone(one.concealed, one.amount)).fold(0_i64, i64::saturating_add);
        let refunded = self.refunds.iter().map(|one| gone(one.concealed, one.amount)).fold(0_i64, i64::saturating_add);
        shown.captures.retain(|one| seen(one.concealed));
        shown.refunds.retain(|one| seen(one.concealed));
        shown.refunded = self.refunded.saturating_sub(refunded);
        if captured > 0 {
            shown.captured = self.captured.saturating_sub(captured);
            shown.remaining = self.remaining.saturating_add(captured);
            let open = if shown.captured == 0 { Status::Authorized } else { Status::PartCaptured };
            if self.status == Status::Captured || self.status == Status::PartCaptured {
                shown.status = open;
            }
        }
        if self.cancel_concealed && self.status == Status::Cancelled {
            shown.status = Status::Authorized;
            shown.remaining = self.order_amount.saturating_sub(self.captured);
        }
        Cow::Owned(shown)
    }
}

impl World {
    /// Reads show this capture or refund less, or again.
    pub fn conceal(&mut self, order: Uuid, effect: Uuid, how: Concealed) -> Result<(), String> {
        let now = self.now_ms;
        let missing = |_: Refusal| format!("no Klarna order is called `{order}`");
        let state = self.klarna_order(order).map_err(missing)?.change(now);
        let capture = state.captures.iter_mut().find(|one| one.id == effect).map(|one| &mut one.concealed);
        let refund = state.refunds.iter_mut().find(|one| one.id == effect).map(|one| &mut one.concealed);
        let slot = capture.or(refund).ok_or_else(|| format!("no capture or refund is called `{effect}`"))?;
        *slot = how;
        Ok(())
    }

    /// Reads show a cancelled order as if it were still authorized, or as it is again.
    pub fn conceal_cancel(&mut self, order: Uuid, concealed: bool) -> Result<(), String> {
        let now = self.now_ms;
        let missing = |_: Refusal| format!("no Klarna order is called `{order}`");
        self.klarna_order(order).map_err(missing)?.change(now).cancel_concealed = concealed;
        Ok(())
    }

    /// Takes a refund back in the portal: the consumer owes the money again.
    pub fn undo_refund(&mut self, order: Uuid, refund: Uuid) -> Result<(), String> {
        let now = self.now_ms;
        let missing = |_: Refusal| format!("no Klarna order is called `{order}`");
        let state = self.klarna_order(order).map_err(missing)?.change(now);
        let at = state.refunds.iter().position(|one| one.id == refund);
        let at = at.ok_or_else(|| format!("no refund is called `{refund}`"))?;
        let taken = state.refunds.remove(at);
        state.refunded = state.refunded.saturating_sub(taken.amount);
        let capture = state.captures.iter_mut().find(|one| taken.allocated && one.refunded >= taken.amount);
        if let Some(capture) = capture {
            capture.refunded = capture.refunded.saturating_sub(taken.amount);
        }
        self.effect();
        Ok(())
    }
}
