//! Whatever happened to the credit invoices of two months, the report's sums are those of its lines and of what was
//! done, to the cent, and November opens with what October closed with.

use proptest::prelude::*;
use reconciled_core::credit_invoice::{self, CreditInvoice, Proof};
use reconciled_core::id::RefundId;
use reconciled_store::Decided;
use serde_json::Value;

use crate::seed::{Shop, credit, credit_step, klarna, november, october, quiet, shown};

/// What becomes of one credit invoice.
#[derive(Clone, Copy, Debug)]
enum Fate {
    Open,
    /// Refunded by so much more or less than it credits.
    Refunded {
        off: i64,
    },
    Withdrawn,
}

#[derive(Clone, Copy, Debug)]
struct Case {
    amount: i64,
    /// The shop corrects it before anything happens.
    corrected: Option<i64>,
    fate: Fate,
    in_october: bool,
    settled_in_october: bool,
}

impl Case {
    fn credits(self) -> i64 {
        self.corrected.unwrap_or(self.amount)
    }

    fn back(self) -> i64 {
        match self.fate {
            Fate::Open => 0,
            Fate::Refunded { off } => self.credits() + off,
            Fate::Withdrawn => self.credits(),
        }
    }

    fn is_settled(self) -> bool {
        !matches!(self.fate, Fate::Open)
    }
}

fn cases() -> impl Strategy<Value = Vec<Case>> {
    let fate = prop_oneof![
        Just(Fate::Open),
        prop_oneof![Just(0_i64), -50..50_i64].prop_map(|off| Fate::Refunded { off }),
        Just(Fate::Withdrawn),
    ];
    let case = (100..9_000_i64, prop::option::of(100..9_000_i64), fate, any::<bool>(), any::<bool>());
    let case = case.prop_map(|(amount, corrected, fate, in_october, settled_in_october)| Case {
        amount,
        corrected,
        fate,
        in_october,
        settled_in_october: settled_in_october && in_october,
    });
    prop::collection::vec(case, 0..7)
}

const OCTOBER: [&str; 3] = ["2025-10-10T08:00:00Z", "2025-10-11T08:00:00Z", "2025-10-12T08:00:00Z"];
const NOVEMBER: [&str; 3] = ["2025-11-10T08:00:00Z", "2025-11-11T08:00:00Z", "2025-11-12T08:00:00Z"];

async fn played(cases: &[Case]) -> Shop {
    let mut shop = Shop::new().await;
    for (is_october, days) in [(true, OCTOBER), (false, NOVEMBER)] {
        shop.begin(days[0]).await;
        for (index, case) in cases.iter().enumerate() {
            let id = u64::try_from(index).unwrap() + 1;
            let number = format!("INV{id:05}");
            if case.in_october == is_october {
                shop.observe(id, &format!("ORD{id:05}"), days[0]).await;
                let first = Decided { credits: vec![credit(id, &number, case.amount, days[0])], ..quiet(id) };
                shop.decide(days[0], first).await;
                let second = Decided { credits: vec![credit(id, &number, case.credits(), days[0])], ..quiet(id) };
                shop.decide(days[1], second).await;
            }
            if case.is_settled() && case.settled_in_october == is_october {
                settle(&shop, id, *case, days[2]).await;
            }
        }
        shop.end(days[2], &[]).await;
    }
    shop
}

async fn settle(shop: &Shop, id: u64, case: Case, when: &str) {
    let refund = format!("refund-{id}");
    let decided = match case.fate {
        Fate::Open => return,
        Fate::Withdrawn => {
            let withdrawn = credit_invoice::Event::Withdrawn;
            Decided { steps: vec![credit_step(id, CreditInvoice::Pending, withdrawn)], ..quiet(id) }
        }
        Fate::Refunded { .. } => {
            let refunds = [(refund.as_str(), case.back(), None, when)];
            let proven = credit_invoice::Event::Refunded(Proof::Refund(RefundId(refund.clone())));
            let steps = vec![credit_step(id, CreditInvoice::Pending, proven)];
            Decided { steps, ..shown(id, klarna(id, when, &refunds), when) }
        }
    };
    shop.decide(when, decided).await;
}

fn line(report: &Value, name: &str) -> i64 {
    let rows = report["proof"].as_array().unwrap();
    rows.iter().find(|row| row["line"] == name).map_or(0, |row| row["amount_minor"].as_i64().unwrap())
}

fn sum(cases: &[Case], counts: impl Fn(&Case) -> bool, amount: impl Fn(&Case) -> i64) -> i64 {
    cases.iter().filter(|case| counts(case)).map(amount).sum()
}

/// The report's own lines, added up by somebody else.
fn of_lines(report: &Value) -> i64 {
    let rows = report["credit_invoices"].as_array().unwrap().iter();
    rows.filter(|row| row["is_open"] == true).map(|row| row["amount_minor"].as_i64().unwrap()).sum()
}

async fn holds(cases: &[Case]) {
    let shop = played(cases).await;
    let (october, november) = (shop.json(october()).await, shop.json(november()).await);
    let refunded = |case: &Case| matches!(case.fate, Fate::Refunded { .. });
    // A cent is the rounding that shops show, and settles.
    let off = |case: &Case| Some(case.credits() - case.back()).filter(|off| off.abs() > 1).unwrap_or(0);
    assert_eq!(line(&october, "credits_new"), sum(cases, |it| it.in_october, |it| it.amount));
    assert_eq!(line(&november, "credits_new"), sum(cases, |it| !it.in_october, |it| it.amount));
    let open = |case: &Case| case.in_october && !(case.is_settled() && case.settled_in_october);
    assert_eq!(line(&october, "credits_closing"), sum(cases, open, |it| it.credits()));
    assert_eq!(line(&november, "credits_opening"), line(&october, "credits_closing"));
    assert_eq!(line(&november, "credits_closing"), sum(cases, |it| !it.is_settled(), |it| it.credits()));
    for (report, is_october) in [(&october, true), (&november, false)] {
        let here = |case: &Case| refunded(case) && case.settled_in_october == is_october;
        assert_eq!(line(report, "credits_refunded"), sum(cases, here, |it| it.back()));
        assert_eq!(line(report, "refunded_for_credits"), sum(cases, here, |it| it.back()));
        assert_eq!(line(report, "refunded"), sum(cases, here, |it| it.back()));
        assert_eq!(line(report, "credits_difference"), sum(cases, here, off));
        assert_eq!(line(report, "credits_closing"), of_lines(report));
        let items = report["proof"].as_array().unwrap().iter().filter(|row| row["line"] == "item");
        let differing = cases.iter().filter(|it| here(it) && off(it) != 0).count();
        assert_eq!(items.count(), differing, "every difference is itemised");
        assert_eq!(report["adds_up"], differing == 0);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_sums_are_those_of_what_happened(cases in cases()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(holds(&cases));
    }
}
