//! Differences between the two sides: the closed list of kinds, and one difference as a pass sees it.
//!
//! A discrepancy is a value of one pass and may vanish; the store turns it into a break once it is older than its
//! grace. Nothing here is durable.

use jiff::Timestamp;

use super::finding::Finding;
use super::id::InvoiceNumber;
use super::money::Minor;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    Money,
    Action,
}

impl Severity {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Money => "money",
            Self::Action => "action",
        }
    }
}

macro_rules! kinds {
    ($($kind:ident $name:literal $severity:ident $remedy:literal),+ $(,)?) => {
        /// The kinds of break of the outside contract: a closed list.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum BreakKind { $($kind),+ }

        impl BreakKind {
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];

            pub const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name),+ }
            }

            pub const fn severity(self) -> Severity {
                match self { $(Self::$kind => Severity::$severity),+ }
            }

            /// What a human does about it.
            pub const fn remedy(self) -> &'static str {
                match self { $(Self::$kind => $remedy),+ }
            }
        }
    };
}

kinds!(
    RefundMissing "refund_missing" Money
        "See `reconciled show` for why no refund was made; refund in Klarna's portal, or let this program do it (policy refunds = \"drive\", act = true).",
    RefundUnconfirmed "refund_unconfirmed" Money
        "Look the refund up in Klarna's portal. If it is there: `reconciled adopt`. If it surely is not: `reconciled approve INTENT` starts it anew.",
    RefundRejected "refund_rejected" Money
        "Read Klarna's code above. Refund in the portal and `reconciled adopt` it, or remove the cause and `reconciled approve INTENT`.",
    RefundAmountDiffers "refund_amount_differs" Money
        "Compare the refund at Klarna with the credit invoice and correct the difference by hand.",
    RefundUnattributed "refund_unattributed" Money
        "Say what the refund was for: `reconciled adopt REFUND CREDIT-INVOICE`, or `reconciled ignore REFUND` when it belongs to none.",
    RefundExceedsCredit "refund_exceeds_credit" Money
        "More went back than the shop's documents oblige. Reclaim the difference from the consumer; or hold the order, add the missing credit invoice, and `reconciled adopt` the refund for it before you release the order.",
    CreditExceedsRefundable "credit_exceeds_refundable" Money
        "The credit invoice asks for more than is left. Correct it in the shop, or pay the rest another way.",
    CreditBeforeCapture "credit_before_capture" Action
        "Nothing is captured, so nothing can be refunded: capture less, or cancel the order.",
    CreditChanged "credit_changed" Money
        "The credit invoice changed after its refund was intended. Compare both, and settle the difference by hand.",
    PaidWithoutRefund "paid_without_refund" Money
        "Refund the consumer in Klarna's portal, or set the credit invoice back to not paid to have it refunded.",
    CreditNotMarkedPaid "credit_not_marked_paid" Action
        "The refund is proven: mark the credit invoice paid in the shop, or check the API key's permission to write invoices.",
    CancelNotReleased "cancel_not_released" Money
        "Cancel the order in Klarna's portal, or let this program do it (policy cancels = \"drive\", act = true).",
    CancelNotRefunded "cancel_not_refunded" Money
        "Refund the captured amount in Klarna's portal, or let this program do it (policy cancels = \"drive\", act = true).",
    CancelRejected "cancel_rejected" Money
        "Read Klarna's code above, look at the order in the portal, then `reconciled approve INTENT` to try anew.",
    CancelledAtKlarna "cancelled_at_klarna" Action
        "Do not ship: Klarna will not pay. Cancel the order in the shop or arrange another payment.",
    ShippedNotCaptured "shipped_not_captured" Money
        "Capture the order in Klarna's portal before its authorization lapses, or let this program do it (policy captures = \"drive\").",
    CapturedNotShipped "captured_not_shipped" Action
        "Ship the order and mark the shipment shipped, or refund it.",
    CaptureRejected "capture_rejected" Money
        "Read Klarna's code above, look at the order in the portal, then `reconciled approve INTENT` to try anew.",
    CaptureUnconfirmed "capture_unconfirmed" Money
        "Look at the captures in Klarna's portal. If it surely is not there: `reconciled approve INTENT` starts it anew.",
    AmountDiffers "amount_differs" Money
        "Compare the order's total in the shop with Klarna's; nothing is sent for this order until they agree.",
    CapturedTooMuch "captured_too_much" Money
        "Refund in Klarna's portal what was captured beyond the order's worth, then say so with `reconciled ignore`; or raise the order in the shop.",
    CurrencyDiffers "currency_differs" Money
        "The shop and Klarna disagree on the currency; nothing is sent for this order. Check that the Klarna order belongs to this shop.",
    AuthorizationExpiring "authorization_expiring" Action
        "Ship and capture, or extend the authorization in Klarna's portal, or let this program do it (policy captures = \"drive\", extend_authorization = true).",
    AuthorizationExpired "authorization_expired" Money
        "Do not ship what is not captured: ask Klarna to reopen the order, or arrange another payment. If it was captured after all, check the amount in the portal, then `reconciled breaks resolve`.",
    FraudPending "fraud_pending" Action
        "Wait for Klarna's decision before shipping.",
    FraudRejected "fraud_rejected" Money
        "Klarna rejected the order: do not ship; cancel it in the shop.",
    KlarnaOrderUnlinked "klarna_order_unlinked" Action
        "The order names Klarna as its payment and no Klarna order id was found: check `klarna_order_id` in the configuration.",
    KlarnaOrderNotFound "klarna_order_not_found" Money
        "Klarna does not know this order: check that the credentials, the environment and the region are this shop's.",
    KlarnaOrderShared "klarna_order_shared" Money
        "Two shop orders name one Klarna order; nothing is sent for either. Correct the Klarna order id in the shop.",
    KlarnaOrderAmbiguous "klarna_order_ambiguous" Money
        "Several Klarna orders are named for this order and hold money; nothing is sent for it. See in Klarna's portal which one the consumer paid, then `reconciled link NUMBER KLARNA-ID`; give back what the others took.",
    KlarnaOrderMismatch "klarna_order_mismatch" Money
        "Klarna's own word says that the Klarna order belongs to another order; nothing is sent for this one. Correct the Klarna order id in the shop, or say which one is right: `reconciled link NUMBER KLARNA-ID`, or `reconciled link NUMBER --none`.",
    PaidOtherwise "paid_otherwise" Action
        "Give the rest back by the means it was paid with, then resolve the break or mark the credit invoice paid in the back office.",
    AuthorizationStray "authorization_stray" Action
        "An authorization is open at Klarna for an order that was paid otherwise, or through another Klarna order: cancel it in Klarna's portal.",
    LimitReached "limit_reached" Action
        "A money ceiling holds this effect: `reconciled approve INTENT` (above two_person_above by two operators), or raise the limit in the configuration.",
    EffectVanished "effect_vanished" Money
        "Look it up in Klarna's portal and ask Klarna what became of it: `reconciled show` has the answer that confirmed it, with its correlation id. Once the money is where it belongs, `reconciled breaks resolve`.",
    UnknownValue "unknown_value" Action
        "A side said something this program has no word for; nothing that depends on it is sent. Look at the order, then report it.",
);

impl BreakKind {
    /// Effects that are due wait while it is found (`plan::HoldReason`), whatever a human says about the break: it ends
    /// with what it is about.
    pub const fn withholds(self) -> bool {
        matches!(
            self,
            Self::RefundUnattributed
                | Self::RefundAmountDiffers
                | Self::RefundExceedsCredit
                | Self::CreditChanged
                | Self::AmountDiffers
                | Self::CurrencyDiffers
                | Self::KlarnaOrderShared
                | Self::KlarnaOrderAmbiguous
                | Self::KlarnaOrderMismatch
                | Self::CreditBeforeCapture
                | Self::LimitReached
                | Self::UnknownValue
        )
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

/// One difference, as one pass sees it on one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discrepancy {
    pub kind: BreakKind,
    pub credit_invoice: Option<InvoiceNumber>,
    /// Tells two differences of one kind and order apart: an invoice number, a refund id, an intent.
    pub subject: String,
    pub amount: Option<Minor>,
    pub finding: Finding,
    /// When it becomes a break; already past for what no timing explains.
    pub due: Timestamp,
}
