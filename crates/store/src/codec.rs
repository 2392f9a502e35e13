//! The words in which machine states and events are written down, exactly reversible.
//!
//! A word is the machine's own name, followed by `:` and the payload where the variant carries one. The journal, the
//! state columns and the replay share these words, so a word once written is never renamed. Nothing is guessed:
//! what is not exactly a word of ours decodes to `None`.

use std::borrow::Cow;

use uuid::Uuid;

use reconciled_core::adoption::{Part, Settles};
use reconciled_core::breaks::{BreakEvent, BreakStatus};
use reconciled_core::credit_invoice::{self, CreditInvoice, Proof};
use reconciled_core::discrepancy::BreakKind;
use reconciled_core::facts::Place;
use reconciled_core::id::{IntentId, InvoiceId, RefundId};
use reconciled_core::intent::{self, Kind, State};
use reconciled_core::ledger::Attribution;
use reconciled_core::money::{Currency, Minor};
use reconciled_core::order::{self, Order, Stage};

/// A value with a durable word.
pub trait Coded: Sized {
    fn encode(&self) -> Cow<'static, str>;
    fn decode(word: &str) -> Option<Self>;
}

impl Coded for Order {
    fn encode(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::Held(Stage::Pending) => "held:pending",
            Self::Held(Stage::PartlyPaid) => "held:partly_paid",
            Self::Held(Stage::Paid) => "held:paid",
            Self::Held(Stage::RefundRequested) => "held:refund_requested",
            Self::Pending | Self::PartlyPaid | Self::Paid | Self::RefundRequested | Self::Cancelled | Self::Expired => {
                self.name()
            }
        })
    }

    fn decode(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.encode() == word)
    }
}

impl Coded for BreakStatus {
    fn encode(&self) -> Cow<'static, str> {
        Cow::Borrowed(self.name())
    }

    fn decode(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.name() == word)
    }
}

impl Coded for BreakEvent {
    fn encode(&self) -> Cow<'static, str> {
        Cow::Borrowed(self.name())
    }

    fn decode(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.name() == word)
    }
}

impl Coded for order::Event {
    fn encode(&self) -> Cow<'static, str> {
        Cow::Borrowed(self.name())
    }

    fn decode(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.name() == word)
    }
}

fn with_proof(name: &str, proof: &Proof) -> Cow<'static, str> {
    Cow::Owned(match proof {
        Proof::Refund(RefundId(id)) => format!("{name}:refund:{id}"),
        Proof::Reversal => format!("{name}:reversal"),
    })
}

fn proof(payload: &str) -> Option<Proof> {
    if payload == "reversal" {
        return Some(Proof::Reversal);
    }
    payload.strip_prefix("refund:").map(|id| Proof::Refund(RefundId(id.to_owned())))
}

fn intent_id(payload: &str) -> Option<IntentId> {
    let id = Uuid::try_parse(payload).ok()?;
    (id.to_string() == payload).then_some(IntentId(id))
}

impl Coded for CreditInvoice {
    fn encode(&self) -> Cow<'static, str> {
        match self {
            Self::Pending => Cow::Borrowed("pending"),
            Self::Held => Cow::Borrowed("held"),
            Self::RefundRequested(intent) => Cow::Owned(format!("refund_requested:{intent}")),
            Self::Refunded(proof) => with_proof("refunded", proof),
            Self::Paid(proof) => with_proof("paid", proof),
            Self::PaidByHand => Cow::Borrowed("paid_by_hand"),
            Self::Cancelled => Cow::Borrowed("cancelled"),
        }
    }

    fn decode(word: &str) -> Option<Self> {
        Some(match word.split_once(':') {
            None => match word {
                "pending" => Self::Pending,
                "held" => Self::Held,
                "paid_by_hand" => Self::PaidByHand,
                "cancelled" => Self::Cancelled,
                _ => return None,
            },
            Some(("refund_requested", payload)) => Self::RefundRequested(intent_id(payload)?),
            Some(("refunded", payload)) => Self::Refunded(proof(payload)?),
            Some(("paid", payload)) => Self::Paid(proof(payload)?),
            Some(_) => return None,
        })
    }
}

impl Coded for credit_invoice::Event {
    fn encode(&self) -> Cow<'static, str> {
        match self {
            Self::Intended(intent) => Cow::Owned(format!("{}:{intent}", self.name())),
            Self::Refunded(proof) => with_proof(self.name(), proof),
            Self::Held
            | Self::Released
            | Self::Refused
            | Self::PaidSeen
            | Self::UnpaidSeen
            | Self::Unsettled
            | Self::Withdrawn
            | Self::JudgedAnew
            | Self::Vanished
            | Self::Reappeared => Cow::Borrowed(self.name()),
        }
    }

    fn decode(word: &str) -> Option<Self> {
        Some(match word.split_once(':') {
            None => match word {
                "held" => Self::Held,
                "released" => Self::Released,
                "refund_refused" => Self::Refused,
                "paid_seen" => Self::PaidSeen,
                "unpaid_seen" => Self::UnpaidSeen,
                "unsettled" => Self::Unsettled,
                "withdrawn" => Self::Withdrawn,
                "judged_anew" => Self::JudgedAnew,
                "vanished" => Self::Vanished,
                "reappeared" => Self::Reappeared,
                _ => return None,
            },
            Some(("refund_intended", payload)) => Self::Intended(intent_id(payload)?),
            Some(("refunded", payload)) => Self::Refunded(proof(payload)?),
            Some(_) => return None,
        })
    }
}

impl Coded for State {
    fn encode(&self) -> Cow<'static, str> {
        Cow::Borrowed(self.name())
    }

    fn decode(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == word)
    }
}

impl Coded for intent::Event {
    fn encode(&self) -> Cow<'static, str> {
        Cow::Borrowed(self.name())
    }

    fn decode(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|event| event.name() == word)
    }
}

impl Coded for Kind {
    fn encode(&self) -> Cow<'static, str> {
        Cow::Borrowed(self.name())
    }

    fn decode(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == word)
    }
}

impl Coded for BreakKind {
    fn encode(&self) -> Cow<'static, str> {
        Cow::Borrowed(self.name())
    }

    fn decode(word: &str) -> Option<Self> {
        Self::from_name(word)
    }
}

impl Coded for Currency {
    fn encode(&self) -> Cow<'static, str> {
        Cow::Borrowed(self.code())
    }

    fn decode(word: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|currency| currency.code() == word)
    }
}

impl Coded for Attribution {
    fn encode(&self) -> Cow<'static, str> {
        match self {
            Self::CreditInvoice(id) => Cow::Owned(format!("credit_invoice:{id}")),
            Self::Cancel => Cow::Borrowed("cancel"),
            Self::RuledOut => Cow::Borrowed("ruled_out"),
            Self::Parts(parts) => {
                let words: Vec<String> = parts.iter().map(encode_part).collect();
                Cow::Owned(format!("parts:{}", words.join(",")))
            }
        }
    }

    fn decode(word: &str) -> Option<Self> {
        match word.split_once(':') {
            None if word == "cancel" => Some(Self::Cancel),
            None if word == "ruled_out" => Some(Self::RuledOut),
            Some(("credit_invoice", id)) => Some(Self::CreditInvoice(invoice_id(id)?)),
            Some(("parts", parts)) => parts.split(',').map(decode_part).collect::<Option<_>>().map(Self::Parts),
            None | Some(_) => None,
        }
    }
}

fn invoice_id(text: &str) -> Option<InvoiceId> {
    let number: u64 = text.parse().ok()?;
    (number.to_string() == text).then_some(InvoiceId(number))
}

/// `21=2500`, `cancel=2500` or `nothing=2500`, in minor units.
fn encode_part(part: &Part) -> String {
    let amount = part.amount.get();
    match part.settles {
        Settles::Credit(id) => format!("{id}={amount}"),
        Settles::Cancel => format!("cancel={amount}"),
        Settles::Nothing => format!("nothing={amount}"),
    }
}

fn decode_part(word: &str) -> Option<Part> {
    let (settles, amount) = word.split_once('=')?;
    let minor: i64 = amount.parse().ok()?;
    let amount = (minor.to_string() == amount).then(|| Minor::new(minor).ok())??;
    let settles = match settles {
        "cancel" => Settles::Cancel,
        "nothing" => Settles::Nothing,
        id => Settles::Credit(invoice_id(id)?),
    };
    Some(Part { settles, amount })
}

impl Coded for Place {
    fn encode(&self) -> Cow<'static, str> {
        Cow::Borrowed(match self {
            Self::PaymentData => "paymentData",
            Self::PaymentText => "paymentText",
            Self::Metafield(key) => return Cow::Owned(format!("metafield:{key}")),
            Self::Memo => "memo",
            Self::Events => "events",
            Self::Operator => "operator",
            Self::Unsaid => "unsaid",
        })
    }

    fn decode(word: &str) -> Option<Self> {
        Some(match word {
            "paymentData" => Self::PaymentData,
            "paymentText" => Self::PaymentText,
            "memo" => Self::Memo,
            "events" => Self::Events,
            "operator" => Self::Operator,
            "unsaid" => Self::Unsaid,
            _ => Self::Metafield(word.strip_prefix("metafield:")?.to_owned()),
        })
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Debug;

    use proptest::prelude::*;

    use super::*;

    fn survives<T: Coded + PartialEq + Debug>(value: &T) {
        assert_eq!(T::decode(&value.encode()).as_ref(), Some(value), "{}", value.encode());
    }

    #[test]
    fn every_plain_word_survives() {
        Order::ALL.iter().for_each(survives);
        order::Event::ALL.iter().for_each(survives);
        State::ALL.iter().for_each(survives);
        intent::Event::ALL.iter().for_each(survives);
        Kind::ALL.iter().for_each(survives);
        BreakKind::ALL.iter().for_each(survives);
        Currency::ALL.iter().for_each(survives);
    }

    fn proofs() -> impl Strategy<Value = Proof> {
        prop_oneof![
            Just(Proof::Reversal),
            ".*".prop_map(|id| Proof::Refund(RefundId(id))),
            "(refund:|reversal|:)+".prop_map(|id| Proof::Refund(RefundId(id))),
        ]
    }

    fn intents() -> impl Strategy<Value = IntentId> {
        any::<u128>().prop_map(|id| IntentId(Uuid::from_u128(id)))
    }

    proptest! {
        #[test]
        fn every_credit_invoice_word_survives(proof in proofs(), intent in intents()) {
            use credit_invoice::Event as E;
            for state in [
                CreditInvoice::Pending, CreditInvoice::Held, CreditInvoice::RefundRequested(intent),
                CreditInvoice::Refunded(proof.clone()), CreditInvoice::Paid(proof.clone()),
                CreditInvoice::PaidByHand, CreditInvoice::Cancelled,
            ] {
                survives(&state);
            }
            for event in [
                E::Held, E::Released, E::Intended(intent), E::Refused, E::Refunded(proof.clone()),
                E::PaidSeen, E::UnpaidSeen, E::Withdrawn, E::Vanished, E::Reappeared,
            ] {
                survives(&event);
            }
        }

        #[test]
        fn every_attribution_survives(id in any::<u64>()) {
            survives(&Attribution::CreditInvoice(InvoiceId(id)));
            survives(&Attribution::Cancel);
            survives(&Attribution::RuledOut);
            survives(&Attribution::Parts(vec![
                Part { settles: Settles::Credit(InvoiceId(id)), amount: Minor::new(2500).unwrap() },
                Part { settles: Settles::Cancel, amount: Minor::new(1).unwrap() },
                Part { settles: Settles::Nothing, amount: Minor::new(300).unwrap() },
            ]));
        }

        #[test]
        fn a_decoded_word_encodes_to_itself(word in ".*") {
            if let Some(state) = CreditInvoice::decode(&word) {
                prop_assert_eq!(state.encode(), word.as_str());
            }
            if let Some(target) = Attribution::decode(&word) {
                prop_assert_eq!(target.encode(), word.as_str());
            }
        }
    }
}
