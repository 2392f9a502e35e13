//! Every decision about an order through the page: what it has to be confirmed with, and what the store then holds.

use reconciled_sandbox::{FaultKind, Side};
use rusqlite::Connection;

use crate::service::{RARELY, Service};
use crate::support::{DRIVE, Placed, Rig, wait_until};
use crate::visitor::{Visitor, decisions, hidden, refusals, start, start_under, store};

const WHO: &str = "operator-1";
const WHY: &str = "asked the consumer";

/// The latest decision of this kind in the journal: who took it, and why.
#[track_caller]
fn said(rig: &Rig, event: &str) -> (String, String) {
    let find = "SELECT actor, coalesce(json_extract(detail, '$.note'), '') FROM journal
        WHERE cause = 'operator' AND event = ?1 ORDER BY seq DESC LIMIT 1";
    store(rig).query_row(find, [event], |row| Ok((row.get(0)?, row.get(1)?))).unwrap()
}

fn by_us(note: &str) -> (String, String) {
    (WHO.to_owned(), note.to_owned())
}

fn count(rig: &Rig, table: &str) -> i64 {
    let connection: Connection = store(rig);
    connection.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).unwrap()
}

fn page_of(order: &Placed) -> String {
    format!("/shops/main/orders/{}", order.id)
}

/// Somebody decides about one order.
struct Deciding<'a> {
    rig: &'a Rig,
    visitor: Visitor<'a>,
    order: Placed,
}

impl<'a> Deciding<'a> {
    fn of(rig: &'a Rig, service: &'a Service<'a>, order: Placed) -> Self {
        Self { rig, visitor: Visitor::enter(service, WHO), order }
    }

    fn decide(&self, fields: &[(&str, &str)]) -> String {
        let order = self.order.id.to_string();
        self.visitor.decide(&page_of(&self.order), &[&[("order", order.as_str())], fields].concat()).body
    }

    /// Each is refused for this reason, is counted, and leaves no trace.
    #[track_caller]
    fn refuses(&self, fields: &[(&str, &str)], name: &str, wrong: &[&str], said: &str) {
        let (before, counted) = (decisions(self.rig), refusals(self.visitor.service, "decision"));
        for value in wrong {
            let page = self.decide(&[fields, &[(name, value)]].concat());
            assert!(page.contains("Nothing was changed") && page.contains(said), "{name} = `{value}`: {page}");
        }
        assert_eq!(decisions(self.rig), before, "something was written");
        let refused = refusals(self.visitor.service, "decision") - counted;
        assert_eq!(refused, i64::try_from(wrong.len()).unwrap());
    }
}

#[test]
fn an_order_is_held_with_a_reason_and_released_for_exactly_what_waits() {
    let policy = format!("{DRIVE}\nrefund_limit_per_order = \"10.00\"");
    let rig = Rig::empty(&policy);
    let (order, credit) = rig.returned(5_000, 2_000);
    let service = start_under(&rig, &policy, RARELY);
    let deciding = Deciding::of(&rig, &service, order.clone());
    let long = "x".repeat(501);
    deciding.refuses(&[("action", "hold")], "note", &["", "  "], "say why");
    deciding.refuses(&[("action", "hold")], "note", &[&long, "two\nlines"], "a note is one line");
    assert!(deciding.decide(&[("action", "hold"), ("note", WHY)]).contains("The order is held"));
    assert_eq!((said(&rig, "operator_hold"), count(&rig, "hold")), (by_us(WHY), 1));
    let page = deciding.visitor.get(&page_of(&order)).body;
    assert!(page.contains(&format!("Held by an operator: “{WHY}”")) && page.contains("Release this order"), "{page}");
    assert!(!page.contains("value=\"hold\""), "it is held once");
    let wrong = ["", "2.00", "20.01", "2000", "10.00", "-20.00", "20.00 EUR", "20.0.0", "２０.00"];
    deciding.refuses(
        &[("action", "release"), ("note", WHY)],
        "confirm",
        &wrong,
        "type the amount as it is shown: 20.00",
    );
    assert_eq!(count(&rig, "hold"), 1);
    assert!(deciding.decide(&[("action", "release"), ("confirm", " 20,00 "), ("note", "")]).contains("is released"));
    assert_eq!((said(&rig, "operator_release"), count(&rig, "hold")), (by_us(""), 0));
    assert_eq!(rig.pair(&order).refunded_under(&credit), 0, "the ceiling still holds it");
    assert_eq!(service.terminate(), 0);
    rig.audit();
}

#[test]
fn an_order_without_open_credit_invoices_is_released_without_an_amount() {
    let rig = Rig::empty(DRIVE);
    let order = rig.order(5_000, reconciled_sandbox::KlarnaStart::Captured, true);
    let service = start(&rig, RARELY);
    let deciding = Deciding::of(&rig, &service, order);
    deciding.decide(&[("action", "hold"), ("note", WHY)]);
    assert!(deciding.decide(&[("action", "release"), ("note", "settled")]).contains("is released"));
    assert_eq!(said(&rig, "operator_release"), by_us("settled"));
    deciding.refuses(&[("action", "release"), ("note", WHY)], "confirm", &[""], "not held");
    assert_eq!(service.terminate(), 0);
    rig.audit();
}

#[test]
fn a_refund_made_by_hand_is_ignored_for_exactly_its_amount() {
    let rig = Rig::empty(DRIVE);
    let (order, credit) = rig.returned(5_000, 1_000);
    rig.with(|world| world.portal_refund(order.klarna.unwrap(), Some(700), None)).unwrap();
    let service = start(&rig, RARELY);
    let deciding = Deciding::of(&rig, &service, order.clone());
    let page = deciding.visitor.get(&page_of(&order));
    assert!(page.body.contains("Ignore the refund of 7.00 EUR"), "{}", page.body);
    let refund = hidden(&page, "refund");
    let ignore = [("action", "ignore"), ("refund", refund.as_str()), ("note", WHY)];
    deciding.refuses(&ignore, "confirm", &["", "0", "7.01", "10.00", "700", "-7.00", "7.00€"], "as it is shown: 7.00");
    let other = [("action", "ignore"), ("confirm", "7.00"), ("note", WHY)];
    deciding.refuses(&other, "refund", &["", "none", "../x"], "the order has no such refund");
    let silent = [("action", "ignore"), ("refund", refund.as_str()), ("confirm", "7.00")];
    deciding.refuses(&silent, "note", &[""], "say why");
    assert_eq!((count(&rig, "attribution"), rig.pair(&order).refunded_under(&credit)), (0, 0));
    assert!(deciding.decide(&[&ignore[..], &[("confirm", "7.00")]].concat()).contains("The refund settles nothing"));
    assert_eq!(said(&rig, "operator_attribute"), by_us(WHY));
    let held: (String, String, String) = store(&rig)
        .query_row("SELECT refund, actor, note FROM attribution", [], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
        .unwrap();
    assert_eq!(held, (refund.clone(), WHO.to_owned(), WHY.to_owned()));
    wait_until("the refund that waited goes out", || rig.pair(&order).refunded_under(&credit) == 1_000);
    assert_eq!(service.terminate(), 0);
    rig.audit();
}

#[test]
fn an_effect_is_given_up_by_its_name_and_with_a_reason() {
    let rig = Rig::empty(DRIVE);
    let (order, credit) = rig.returned(5_000, 2_000);
    let (other, _) = rig.returned(5_000, 1_500);
    rig.fault_always(Side::Klarna, "POST", "*/refunds", FaultKind::Drop);
    let service = start(&rig, RARELY);
    let deciding = Deciding::of(&rig, &service, order.clone());
    let page = deciding.visitor.get(&page_of(&order));
    assert!(page.body.contains("Give up: refund 20.00 EUR"), "{}", page.body);
    let intent = hidden(&page, "intent");
    let others = hidden(&deciding.visitor.get(&page_of(&other)), "intent");
    let strange = ["", "x", "00000000-0000-0000-0000-000000000000", others.as_str()];
    deciding.refuses(&[("action", "abandon"), ("note", WHY)], "intent", &strange[..2], "the form names no effect");
    deciding.refuses(&[("action", "abandon"), ("note", WHY)], "intent", &strange[2..], "the order has no such effect");
    deciding.refuses(&[("action", "abandon"), ("intent", &intent)], "note", &[""], "say why");
    let state = || -> String {
        store(&rig).query_row("SELECT state FROM intent WHERE id = ?1", [&intent], |row| row.get(0)).unwrap()
    };
    assert_eq!(state(), "unknown");
    assert!(deciding.decide(&[("action", "abandon"), ("intent", &intent), ("note", WHY)]).contains("It is given up"));
    assert_eq!((state().as_str(), said(&rig, "abandoned")), ("abandoned", by_us(WHY)));
    // Giving up and approving must not do in two steps what is refused in one: the lost request may have landed.
    let anew = [("action", "approve"), ("intent", intent.as_str()), ("note", WHY)];
    rig.clear_faults();
    deciding.refuses(&anew, "confirm", &["", "15.00", "2000", "20.01"], "as it is shown: 20.00");
    deciding.refuses(&anew, "confirm", &["20.00"], "may still have happened");
    assert_eq!((count(&rig, "approval"), rig.pair(&order).refunded_under(&credit)), (0, 0));
    assert_eq!(service.terminate(), 0);
    rig.audit();
}

/// A credit invoice asks for more than is left: what is left is offered with its amount, and settles it.
#[test]
fn what_is_left_is_sent_for_exactly_its_amount() {
    let rig = Rig::empty(DRIVE);
    let (order, _) = rig.returned(9_000, 4_000);
    rig.pass();
    let credit = rig.credit(&order, 5_100);
    let service = start(&rig, RARELY);
    let deciding = Deciding::of(&rig, &service, order.clone());
    let page = deciding.visitor.get(&page_of(&order));
    assert!(page.body.contains("Approve refund 50.00 EUR, which is what is left, for"), "{}", page.body);
    let intent = hidden(&page, "intent");
    let approve = [("action", "approve"), ("intent", intent.as_str()), ("note", WHY)];
    deciding.refuses(&approve, "confirm", &["", "51.00", "49.99"], "type the amount as it is shown: 50.00");
    assert_eq!((count(&rig, "approval"), rig.pair(&order).refunded_under(&credit)), (0, 0));
    assert!(deciding.decide(&[&approve[..], &[("confirm", "50.00")]].concat()).contains("Approved"));
    wait_until("what is left goes out", || rig.pair(&order).refunded_under(&credit) == 5_000);
    assert_eq!(service.terminate(), 0);
    rig.audit();
}
