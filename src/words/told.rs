//! What to do about a difference whose sentence was composed where it was found: from its kind and the state it was found
//! in.
//!
//! Nothing is proposed that is set already, that would exceed what is left, that the back office does not let anybody
//! edit (an invoice's amount, a paid order's lines), or that may happen a second time beside a request of ours.

use jiff::Timestamp;

use super::{by_us, money, resolve};
use reconciled_core::discrepancy::{BreakKind, Discrepancy};
use reconciled_core::id::InvoiceNumber;
use reconciled_core::intent::Kind;
use reconciled_core::money::{Currency, Minor};
use reconciled_core::policy::Mode;
use reconciled_core::situation::{Again, Authorization, Situation};

pub(super) fn remedy(found: &Discrepancy, currency: Currency) -> String {
    use BreakKind as B;
    let Some(state) = &found.state else { return found.kind.explained().to_owned() };
    let amount = found.amount.unwrap_or_default();
    let no_credit = InvoiceNumber(String::new());
    let credit = found.credit_invoice.as_ref().unwrap_or(&no_credit);
    match found.kind {
        B::RefundMissing => refund_missing(state, amount, currency),
        B::RefundUnconfirmed => unconfirmed(state, "refund", "if the consumer is paid another way"),
        B::CaptureUnconfirmed => unconfirmed(state, "capture", "if it is captured in the portal"),
        B::RefundRejected => rejected(state, &give_back(state, amount, currency)),
        B::CancelRejected => rejected(state, &release(state, currency)),
        B::CaptureRejected | B::ShippedNotCaptured if !state.authorized.is_positive() => {
            nothing_authorized(amount, currency)
        }
        B::CaptureRejected => rejected(state, &capture(state, amount, currency)),
        B::ShippedNotCaptured => nobody_says_how_much(state, currency),
        B::RefundExceedsCredit => not_cancelled(state, &found.subject),
        B::CreditBeforeCapture if state.captured.is_positive() => perhaps_never_sent(state, amount, currency),
        B::CreditBeforeCapture => before_capture(state, amount, currency),
        B::CreditChanged => credit_changed(state, credit, currency),
        B::PaidWithoutRefund => paid_without_refund(state, credit, amount, currency),
        B::CreditNotMarkedPaid => not_marked(state, credit),
        B::CancelNotReleased => not_released(state, currency),
        B::CancelNotRefunded => not_refunded(state, amount, currency),
        B::CapturedNotShipped => not_shipped(state),
        B::AuthorizationExpiring => expiring(state),
        B::AuthorizationExpired => expired(state.is_given),
        B::CancelledAtKlarna => not_paid_for(state, "cancel the order in the back office, or arrange another payment"),
        B::FraudRejected => not_paid_for(state, "cancel the order in the back office"),
        B::FraudPending => format!(
            "Wait for Klarna's decision before shipping: `reconciled reconcile --order {}` asks again.",
            state.order
        ),
        B::CurrencyDiffers => format!(
            "Nothing is sent for this order, and nothing is converted. If that Klarna order is another one's, correct the id \
             in the shop, or {}. If it is its own, settle it in Klarna's portal, then {}.",
            linked_to_none(state, "another currency"),
            resolve("settled by hand")
        ),
        B::KlarnaOrderUnlinked => {
            "Where the shop keeps Klarna's order id, `klarna_order_id` of the configuration must say; \
                                   for one order, write the id into its memo in the back office."
                .to_owned()
        }
        B::KlarnaOrderNotFound => not_found(state),
        B::KlarnaOrderShared => shared(state),
        B::UnknownValue => unknown_value(),
        // Their findings are values, and say more than the kind.
        B::RefundAmountDiffers
        | B::RefundUnattributed
        | B::CreditExceedsRefundable
        | B::AmountDiffers
        | B::CapturedTooMuch
        | B::KlarnaOrderAmbiguous
        | B::KlarnaOrderMismatch
        | B::PaidOtherwise
        | B::AuthorizationStray
        | B::LimitReached
        | B::EffectVanished => found.kind.explained().to_owned(),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn day(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M UTC").to_string()
}

/// `, before its authorization lapses on …`; nothing where no lapse is known.
pub(super) fn before_it_lapses(state: &Situation) -> String {
    match state.authorization {
        Authorization::Living { until: Some(until) } => format!(" before its authorization lapses on {}", day(until)),
        Authorization::Living { until: None }
        | Authorization::Unread
        | Authorization::Lapsed
        | Authorization::Cancelled
        | Authorization::Used => String::new(),
    }
}

/// A request of ours may still happen: what is done by hand before that may be done twice.
pub(super) fn may_happen(state: &Situation) -> Option<String> {
    let Again::From(until) = state.effect.as_ref()?.again else { return None };
    Some(format!(
        "Do nothing by hand yet: what was asked for may still happen until {}. `reconciled reconcile --order {}` looks again, \
         and from then on says how to start it anew.",
        day(until),
        state.order
    ))
}

/// How the effect is started anew, where a human may.
fn anew(state: &Situation, note: &str) -> Option<String> {
    let effect = state.effect.as_ref().filter(|effect| effect.again == Again::Now)?;
    Some(format!("`reconciled approve {} --note '{note}'`", effect.intent))
}

/// `refund 25.00 EUR in Klarna's portal`, never more than is left there.
fn give_back(state: &Situation, amount: Minor, currency: Currency) -> String {
    let at_klarna = amount.min(state.refundable);
    let rest = money(amount.less(at_klarna), currency);
    if !at_klarna.is_positive() {
        format!("give {rest} back another way, since nothing of the order is left to refund at Klarna")
    } else if at_klarna < amount {
        let at_klarna = money(at_klarna, currency);
        format!(
            "refund {at_klarna} in Klarna's portal, which is all that is left there, and give {rest} back another way"
        )
    } else {
        format!("refund {} in Klarna's portal", money(amount, currency))
    }
}

fn refund_missing(state: &Situation, amount: Minor, currency: Currency) -> String {
    if let Some(wait) = may_happen(state) {
        return wait;
    }
    let again = anew(state, "refund it after all").map(|again| format!(" Or start it anew: {again}."));
    format!(
        "{}; the next pass finds that refund, and offers the command that says what it was for where it cannot tell.{}{} If \
         the consumer was paid another way: {}.",
        capital(&give_back(state, amount, currency)),
        again.unwrap_or_default(),
        by_us(&state.unset),
        resolve("paid another way")
    )
}

fn unconfirmed(state: &Situation, what: &str, otherwise: &str) -> String {
    let order = &state.order;
    let look = format!(
        "Look for the {what} in Klarna's portal. If it is there, the next read shows it: `reconciled reconcile --order \
         {order}`."
    );
    let again = match (state.effect.as_ref().map(|effect| effect.again), anew(state, "not in the portal, checked")) {
        (Some(Again::From(until)), _) => {
            format!(" It may still happen until {}; from then on it can be started anew.", day(until))
        }
        (_, Some(again)) => format!(" If it surely is not: {again}."),
        (_, None) => String::new(),
    };
    let give_up = state.effect.as_ref().filter(|effect| effect.may_be_given_up);
    let give_up = give_up.map(|effect| {
        format!(
            " It is not sent any more, {otherwise}, after `reconciled ignore {} --note 'done by hand'`.",
            effect.intent
        )
    });
    format!("{look}{again}{}", give_up.unwrap_or_default())
}

/// Klarna refused it, or a human gave it up.
fn rejected(state: &Situation, by_hand: &str) -> String {
    if let Some(wait) = may_happen(state) {
        return wait;
    }
    match anew(state, "the cause is removed") {
        Some(again) => format!("Remove the cause that Klarna names, then {again}; or {by_hand}."),
        None => format!("{}.", capital(by_hand)),
    }
}

fn nothing_authorized(amount: Minor, currency: Currency) -> String {
    let amount = if amount.is_positive() { format!(" of {}", money(amount, currency)) } else { String::new() };
    format!(
        "Klarna pays nothing of it any more: arrange another payment{amount} with the consumer, or ask Klarna to reopen the \
         order. Once it is settled: {}.",
        resolve("paid otherwise")
    )
}

/// What gives back what is authorized.
fn release(state: &Situation, currency: Currency) -> String {
    if state.captured.is_positive() {
        format!("release the {} that are still authorized in Klarna's portal", money(state.authorized, currency))
    } else {
        "cancel the order in Klarna's portal".to_owned()
    }
}

fn not_released(state: &Situation, currency: Currency) -> String {
    if let Some(wait) = may_happen(state) {
        return wait;
    }
    let again = anew(state, "not in the portal, checked").map(|again| format!(" Or start it anew: {again}."));
    format!("{}.{}{}", capital(&release(state, currency)), again.unwrap_or_default(), by_us(&state.unset))
}

fn before_capture(state: &Situation, amount: Minor, currency: Currency) -> String {
    let less = if state.captures == Mode::Drive {
        "What ships is captured without it".to_owned()
    } else {
        format!("Capture {} less than the order's total", money(amount, currency))
    };
    format!(
        "Nothing is captured, so nothing can be refunded. {less}. If nothing of order {} will ship, cancel it in the back \
         office.",
        state.order
    )
}

fn credit_changed(state: &Situation, credit: &InvoiceNumber, currency: Currency) -> String {
    let more = if state.refundable.is_positive() {
        format!("refund the difference in Klarna's portal, {} at most", money(state.refundable, currency))
    } else {
        "give the difference back another way, since nothing is left to refund at Klarna".to_owned()
    };
    format!(
        "An invoice's amount cannot be changed in the back office, so compare what is owed with what went back: `reconciled \
         show {credit}`. If more is owed, {more}; if less, reclaim it from the consumer or let it be. Then {}.",
        resolve("the difference is settled")
    )
}

fn paid_without_refund(state: &Situation, credit: &InvoiceNumber, amount: Minor, currency: Currency) -> String {
    if let Some(wait) = may_happen(state) {
        return wait;
    }
    let is_ours = state.refunds == Mode::Drive && amount <= state.refundable && state.effect.is_none();
    let again = if is_ours {
        format!(
            " Or set credit invoice {credit} back to not paid in the back office: then it is refunded like any other."
        )
    } else {
        String::new()
    };
    format!(
        "If the consumer was paid another way: {}. If not, {}; the next pass finds that refund, and offers the command that \
         says what it was for where it cannot tell.{again}",
        resolve("paid another way"),
        give_back(state, amount, currency)
    )
}

fn not_marked(state: &Situation, credit: &InvoiceNumber) -> String {
    let asked = state.effect.as_ref().filter(|effect| effect.kind == Kind::MarkPaid);
    let again = asked.and_then(|_| anew(state, "permission added"));
    let again = again.map(|again| format!(" Or, where the API key may not write invoices, let it, then {again}."));
    format!("Mark credit invoice {credit} paid in the back office.{}{}", again.unwrap_or_default(), by_us(&state.unset))
}

fn expiring(state: &Situation) -> String {
    let until = before_it_lapses(state);
    let again = anew(state, "the cause is removed").map(|again| format!(" Or have it extended once more: {again}."));
    format!(
        "Ship and capture{until}, or extend the authorization in Klarna's portal; cancel in the back office what will not \
         ship.{}{}",
        again.unwrap_or_default(),
        by_us(&state.unset)
    )
}

fn expired(is_given: bool) -> String {
    let settled = resolve("paid otherwise");
    if is_given {
        format!(
            "The goods left, and Klarna does not pay for them any more: ask Klarna to reopen the order, or arrange another \
             payment. Once it is settled: {settled}."
        )
    } else {
        format!(
            "Do not ship what is not captured: cancel the order in the back office, or arrange another payment. Once it is \
             settled: {settled}."
        )
    }
}

fn nobody_says_how_much(state: &Situation, currency: Currency) -> String {
    format!(
        "Capture in Klarna's portal what left, {} at most{}; the shop does not say how much it was, so this program cannot.",
        money(state.authorized, currency),
        before_it_lapses(state)
    )
}

fn capture(state: &Situation, amount: Minor, currency: Currency) -> String {
    format!("capture {} in Klarna's portal", money(amount.min(state.authorized), currency))
}

/// Refunded as if it were cancelled.
fn not_cancelled(state: &Situation, refund: &str) -> String {
    format!(
        "If the whole order is to go back, cancel it in the back office. If the refund was for something else: `reconciled \
         ignore {refund} --order {} --note 'goodwill'`.",
        state.order
    )
}

fn perhaps_never_sent(state: &Situation, amount: Minor, currency: Currency) -> String {
    format!(
        "If it takes back what was sent, {}; the next pass finds that refund and offers the command that says what it was \
         for. If it names what was never sent, nothing is owed: {}.",
        give_back(state, amount, currency),
        resolve("never sent")
    )
}

fn not_refunded(state: &Situation, amount: Minor, currency: Currency) -> String {
    format!(
        "{}; the next pass finds that refund and offers the command that says what it was for.{}",
        capital(&give_back(state, amount, currency)),
        by_us(&state.unset)
    )
}

fn not_shipped(state: &Situation) -> String {
    format!(
        "Ship the order and mark its shipment shipped; or add a credit invoice in the back office{}. If it was handed over \
         without a shipment: {}.",
        if state.refunds == Mode::Drive { ", which is refunded here" } else { "" },
        resolve("handed over in the shop")
    )
}

/// Klarna will not pay: `instead` is what to do as long as nothing left.
fn not_paid_for(state: &Situation, instead: &str) -> String {
    if state.is_given {
        let settled = resolve("paid otherwise");
        format!(
            "It left the shop, and Klarna does not pay for it: bring it back, or arrange another payment. Once it is \
             settled: {settled}."
        )
    } else {
        format!("Do not ship, since Klarna will not pay: {instead}.")
    }
}

fn linked_to_none(state: &Situation, note: &str) -> String {
    format!("`reconciled link {} --none --note '{note}'`", state.order)
}

fn not_found(state: &Situation) -> String {
    format!(
        "Where it is every order: the credentials, the environment and the region must be this shop's. Where it is this one, \
         correct the id in the shop, or say that none is its own: {}.",
        linked_to_none(state, "paid otherwise")
    )
}

fn shared(state: &Situation) -> String {
    format!(
        "Nothing is sent for either order. Correct the id in the shop, or say for the wrong one that it is not its own; if \
         that is this one: {}.",
        linked_to_none(state, "belongs to the other order")
    )
}

fn unknown_value() -> String {
    format!(
        "Nothing that depends on it is sent. If a newer version of this program is out, install it. Otherwise do by hand what \
         is due, then {}.",
        resolve("done by hand")
    )
}
