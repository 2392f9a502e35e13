//! Differences between the two sides: the closed list of kinds, and one difference as a pass sees it.
//!
//! A discrepancy is a value of one pass and may vanish; the store turns it into a break once it is older than its
//! grace. Nothing here is durable.

use jiff::Timestamp;

use super::finding::Finding;
use super::id::InvoiceNumber;
use super::money::Minor;
use super::policy::Family;
use super::situation::Situation;

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
    ($($kind:ident $name:literal $severity:ident),+ $(,)?) => {
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

            /// Where everything about the kind stands, for whoever has no break of it at hand.
            pub const fn explained(self) -> &'static str {
                match self {
                    $(Self::$kind => concat!("`reconciled explain ", $name, "` says what it means and what to do.")),+
                }
            }
        }
    };
}

kinds!(
    RefundMissing "refund_missing" Money,
    RefundUnconfirmed "refund_unconfirmed" Money,
    RefundRejected "refund_rejected" Money,
    RefundAmountDiffers "refund_amount_differs" Money,
    RefundUnattributed "refund_unattributed" Money,
    RefundExceedsCredit "refund_exceeds_credit" Money,
    CreditExceedsRefundable "credit_exceeds_refundable" Money,
    CreditBeforeCapture "credit_before_capture" Action,
    CreditChanged "credit_changed" Money,
    PaidWithoutRefund "paid_without_refund" Money,
    CreditNotMarkedPaid "credit_not_marked_paid" Action,
    CancelNotReleased "cancel_not_released" Money,
    CancelNotRefunded "cancel_not_refunded" Money,
    CancelRejected "cancel_rejected" Money,
    CancelledAtKlarna "cancelled_at_klarna" Action,
    ShippedNotCaptured "shipped_not_captured" Money,
    CapturedNotShipped "captured_not_shipped" Action,
    CaptureRejected "capture_rejected" Money,
    CaptureUnconfirmed "capture_unconfirmed" Money,
    AmountDiffers "amount_differs" Money,
    CapturedTooMuch "captured_too_much" Money,
    CurrencyDiffers "currency_differs" Money,
    AuthorizationExpiring "authorization_expiring" Action,
    AuthorizationExpired "authorization_expired" Money,
    FraudPending "fraud_pending" Action,
    FraudRejected "fraud_rejected" Money,
    KlarnaOrderUnlinked "klarna_order_unlinked" Action,
    KlarnaOrderNotFound "klarna_order_not_found" Money,
    KlarnaOrderShared "klarna_order_shared" Money,
    KlarnaOrderAmbiguous "klarna_order_ambiguous" Money,
    KlarnaOrderMismatch "klarna_order_mismatch" Money,
    PaidOtherwise "paid_otherwise" Action,
    AuthorizationStray "authorization_stray" Action,
    LimitReached "limit_reached" Action,
    EffectVanished "effect_vanished" Money,
    UnknownValue "unknown_value" Action,
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
                | Self::CapturedTooMuch
                | Self::CurrencyDiffers
                | Self::KlarnaOrderShared
                | Self::KlarnaOrderAmbiguous
                | Self::KlarnaOrderMismatch
                | Self::CreditBeforeCapture
                | Self::LimitReached
                | Self::UnknownValue
        )
    }

    /// The effects that settle it, where they are this program's to make.
    pub const fn settled_by(self) -> Option<Family> {
        match self {
            Self::RefundMissing => Some(Family::Refunds),
            Self::CreditNotMarkedPaid => Some(Family::MarkPaid),
            Self::CancelNotReleased | Self::CancelNotRefunded => Some(Family::Cancels),
            Self::ShippedNotCaptured | Self::AuthorizationExpiring => Some(Family::Captures),
            Self::RefundUnconfirmed
            | Self::RefundRejected
            | Self::RefundAmountDiffers
            | Self::RefundUnattributed
            | Self::RefundExceedsCredit
            | Self::CreditExceedsRefundable
            | Self::CreditBeforeCapture
            | Self::CreditChanged
            | Self::PaidWithoutRefund
            | Self::CancelRejected
            | Self::CancelledAtKlarna
            | Self::CapturedNotShipped
            | Self::CaptureRejected
            | Self::CaptureUnconfirmed
            | Self::AmountDiffers
            | Self::CapturedTooMuch
            | Self::CurrencyDiffers
            | Self::AuthorizationExpired
            | Self::FraudPending
            | Self::FraudRejected
            | Self::KlarnaOrderUnlinked
            | Self::KlarnaOrderNotFound
            | Self::KlarnaOrderShared
            | Self::KlarnaOrderAmbiguous
            | Self::KlarnaOrderMismatch
            | Self::PaidOtherwise
            | Self::AuthorizationStray
            | Self::LimitReached
            | Self::EffectVanished
            | Self::UnknownValue => None,
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|kind| kind.name() == name)
    }
}

/// What stands in a remedy for the id of its break, which is known once the break is kept; who reads breaks fills it in.
pub const THIS_BREAK: &str = "{break}";

/// One difference, as one pass sees it on one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Discrepancy {
    pub kind: BreakKind,
    pub credit_invoice: Option<InvoiceNumber>,
    /// Tells two differences of one kind and order apart: an invoice number, a refund id, an intent.
    pub subject: String,
    pub amount: Option<Minor>,
    pub finding: Finding,
    /// The state it was found in; `None` where the finding says everything that bears on it.
    pub state: Option<Situation>,
    /// When it becomes a break; already past for what no timing explains.
    pub due: Timestamp,
}
