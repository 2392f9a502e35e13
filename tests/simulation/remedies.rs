//! Operators who do what they are told: they paste a command that a break shows them, to the letter.
//!
//! The command is read here by the words of the outside contract, not by the program's own parser; one that nobody could
//! paste is a breach.

use futures_util::FutureExt as _;
use reconciled_core::adoption::{self, Settles, Wish};
use reconciled_core::attribution::open_without;
use reconciled_core::breaks::BreakStatus;
use reconciled_core::id::{IntentId, InvoiceId, KlarnaOrderId, OrderId, RefundId};
use reconciled_core::ledger::Attribution;
use reconciled_core::link::Told;
use reconciled_core::money::Minor;
use reconciled_sandbox::{MovementTruth, ShopTruth};
use reconciled_store::{Break, Operation, Store as _};
use uuid::Uuid;

use super::sim::State;

/// The words of one command, without the program's name; quotes hold words together.
fn words(command: &str) -> Vec<String> {
    let (mut all, mut word, mut quote) = (Vec::new(), String::new(), None);
    for letter in command.chars() {
        match (quote, letter) {
            (None, '\'' | '"') => quote = Some(letter),
            (Some(open), _) if letter == open => quote = None,
            (None, ' ') => all.push(std::mem::take(&mut word)),
            _ => word.push(letter),
        }
    }
    all.push(word);
    all.retain(|it| !it.is_empty());
    all
}

/// The commands of this program that a text shows.
pub fn commands(text: &str) -> Vec<Vec<String>> {
    let quoted = text.split('`').skip(1).step_by(2);
    quoted.filter_map(|it| it.strip_prefix("reconciled ")).map(words).collect()
}

impl State {
    /// Pastes one of the commands that an open break shows.
    pub fn follow_a_remedy(&mut self) -> Option<String> {
        let breaks: Vec<Break> = self.stores[0].breaks(false).now_or_never().unwrap().ok()?;
        let shown: Vec<(Break, Vec<String>)> = breaks
            .into_iter()
            .filter(|it| it.status != BreakStatus::Resolved)
            .flat_map(|it| {
                let all = commands(it.remedy.as_deref().unwrap_or_default());
                all.into_iter().map(move |words| (it.clone(), words))
            })
            .collect();
        if shown.is_empty() {
            return None;
        }
        let (it, words) = shown[self.rng.index(shown.len())].clone();
        let what = words.join(" ");
        let order = it.order.as_ref().map(|number| number.0.clone());
        let shops = self.world.all_shop_truth();
        let shop = shops.into_iter().find(|shop| Some(&shop.number) == order.as_ref());
        let verb = words.first().map(String::as_str).unwrap_or_default();
        let target = words.get(1).cloned().unwrap_or_default();
        let done = match verb {
            "approve" => self.paste_approval(&target, &words, shop.as_ref()?),
            "adopt" => self.paste_adoption(&target, &words, shop.as_ref()?),
            "ignore" => Some(self.paste_refusal(&target, shop.as_ref()?)),
            "hold" | "release" | "breaks" | "show" | "reconcile" | "explain" | "resume" | "check" | "settle" => {
                Some(false)
            }
            "link" => self.paste_link(&words, shop.as_ref()?),
            "accept" => self.paste_acceptance(&words, shop.as_ref()?),
            _ => None,
        };
        if done.is_none() {
            self.oracle.fail("remedies_can_be_pasted", format!("{}: `reconciled {what}`", it.kind.name()));
        }
        done?.then(|| format!("{}: {what}", it.kind.name()))
    }

    /// `approve INTENT --note WHY`, by both operators where it takes two, over an amount where it names one.
    fn paste_approval(&mut self, target: &str, words: &[String], shop: &ShopTruth) -> Option<bool> {
        let intent = IntentId(Uuid::try_parse(target).ok()?);
        words.iter().position(|it| it == "--note")?;
        let amount = match words.iter().position(|it| it == "--amount") {
            Some(at) => Some(cents(words.get(at + 1)?)?),
            None => None,
        };
        let (order, two_person_above) = (OrderId(shop.id), self.swarm.policy.two_person_above);
        let mut took = false;
        if amount.is_some() {
            self.oracle.cut.insert(shop.id);
        }
        for who in ["operator-1", "operator-2"] {
            for (store, operated) in self.say_as(who, || Operation::Approve { order, intent, amount, two_person_above })
            {
                self.oracle.agreed.entry((store, intent)).or_default().push((who, self.now));
                self.oracle.consented = true;
                took |= operated == reconciled_store::Operated::Done;
            }
            if two_person_above.is_none() {
                break;
            }
        }
        Some(took)
    }

    /// `adopt REFUND INVOICE...`, each with its amount or all of them without; what the command refuses is not said.
    fn paste_adoption(&mut self, target: &str, words: &[String], shop: &ShopTruth) -> Option<bool> {
        let named: Vec<_> = words.iter().skip(2).take_while(|it| !it.starts_with("--")).collect();
        named.first()?;
        let Some(refund) = self.refund_called(shop, target) else { return Some(false) };
        let Some(held) = self.held(shop.id) else { return Some(false) };
        let Some((klarna, _)) = &held.klarna else { return Some(false) };
        let open = open_without(&RefundId(target.to_owned()), &held.ledger, &held.shop, klarna);
        let wishes: Option<Vec<_>> = named.into_iter().map(|text| wish(text, shop)).collect();
        let Ok(parts) = adoption::parts(Minor::new(refund.amount).ok()?, &wishes?, &open) else { return Some(false) };
        Some(self.attribute_to(shop, &refund, &Attribution::Parts(parts)))
    }

    /// `link ORDER KLARNA-ORDER --note WHY`, of those shown the one that the portal shows as this consumer's; that none is,
    /// nobody says who does not know it.
    fn paste_link(&mut self, words: &[String], shop: &ShopTruth) -> Option<bool> {
        words.iter().position(|it| it == "--note")?;
        let [_, order, to, ..] = words else { return None };
        if *order != shop.number {
            return None;
        }
        let Some(klarna) = Uuid::try_parse(to).ok().filter(|id| Some(*id) == shop.klarna_order_id) else {
            return Some(false);
        };
        Some(self.link(shop, klarna))
    }

    /// Somebody says which Klarna order is the shop order's. Whether any store took it.
    pub fn link(&mut self, shop: &ShopTruth, klarna: Uuid) -> bool {
        let Some(id) = KlarnaOrderId::new(&klarna.to_string()) else { return false };
        let (order, to) = (OrderId(shop.id), Told::To(id));
        let took = !self.say_as("operator", || Operation::Link { order, to: to.clone() }).is_empty();
        if took {
            self.oracle.linked.insert(shop.id, klarna);
        }
        took
    }

    /// `accept ORDER --amount AMOUNT --note WHY`: the consumer pays the rest otherwise.
    fn paste_acceptance(&mut self, words: &[String], shop: &ShopTruth) -> Option<bool> {
        words.iter().position(|it| it == "--note")?;
        let at = words.iter().position(|it| it == "--amount")?;
        let amount = cents(words.get(at + 1)?)?;
        Some(self.accept(shop, amount))
    }

    /// Somebody says how much of the order Klarna is to take. Whether any store took it.
    pub fn accept(&mut self, shop: &ShopTruth, amount: Minor) -> bool {
        let order = OrderId(shop.id);
        let took = !self.say_as("operator", || Operation::Accept { order, amount }).is_empty();
        if took {
            self.oracle.cut.insert(shop.id);
        }
        took
    }

    /// `ignore REFUND` or `ignore INTENT`
    fn paste_refusal(&mut self, target: &str, shop: &ShopTruth) -> bool {
        if let Some(refund) = self.refund_called(shop, target) {
            return self.attribute_to(shop, &refund, &Attribution::RuledOut);
        }
        // Where reads carry no ids, a refund has a name of the program's own.
        let Ok(id) = Uuid::try_parse(target) else { return false };
        let intent = IntentId(id);
        !self.say_as("operator", || Operation::Abandon(intent)).is_empty()
    }

    fn refund_called(&mut self, shop: &ShopTruth, name: &str) -> Option<MovementTruth> {
        let ids = shop.attempts.clone();
        let mut refunds = ids.into_iter().filter_map(|id| self.world.klarna_truth(id)).flat_map(|it| it.refunds);
        refunds.find(|it| it.id.to_string() == name)
    }
}

/// An amount of a currency with two places.
fn cents(text: &str) -> Option<Minor> {
    Minor::new(text.replace('.', "").parse().ok()?).ok()
}

/// `INV00025`, `INV00025=25.00`, `ORD00018:cancel` or `nothing=5.00`
fn wish(text: &str, shop: &ShopTruth) -> Option<Wish> {
    let (what, amount) = text.split_once('=').map_or((text, None), |(what, amount)| (what, Some(amount)));
    let settles = match what {
        "nothing" => Settles::Nothing,
        _ if what.ends_with(":cancel") => Settles::Cancel,
        number => Settles::Credit(InvoiceId(shop.invoices.iter().find(|it| it.is_credit && it.number == *number)?.id)),
    };
    match amount {
        Some(text) => Some(Wish { settles, amount: Some(cents(text)?) }),
        None => Some(Wish { settles, amount: None }),
    }
}

#[test]
fn commands_are_found_in_a_text() {
    let text = "Let it go with `reconciled approve 1 --note 'it is right'`, or read `docs/runbook.md`.";
    assert_eq!(commands(text), vec![vec!["approve", "1", "--note", "it is right"]]);
}
