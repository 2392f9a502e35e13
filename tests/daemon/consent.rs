//! Refunds that need two operators, decided in the browser: who proposed what until when, and who is the second.

use reconciled_sandbox::{FaultKind, Side};

use crate::service::RARELY;
use crate::support::{DRIVE, Placed, Rig, wait_until};
use crate::visitor::{Visitor, decisions, first_id, hidden, refusals, start_under, store};

const TWO: &str = "two_person_above = \"40.00\"";

/// The page of the break that holds the refund.
fn page_of_the_break(visitor: &Visitor<'_>) -> String {
    let id = first_id(&visitor.get("/shops/main/breaks?kind=limit_reached"), "/shops/main/breaks/");
    format!("/shops/main/breaks/{id}")
}

fn approve(visitor: &Visitor<'_>, page: &str, order: &Placed, amount: &str, note: &str) -> String {
    let intent = hidden(&visitor.get(page), "intent");
    let (order, from) = (order.id.to_string(), page.rsplit('/').next().unwrap());
    let fields = [("action", "approve"), ("order", &*order), ("intent", &intent), ("confirm", amount), ("note", note)];
    visitor.decide(page, &[&fields[..], &[("from", from)]].concat()).body
}

fn events(rig: &Rig) -> Vec<(String, String, String)> {
    let connection = store(rig);
    let mut find = connection
        .prepare(
            "SELECT event, actor, json_extract(detail, '$.note') FROM journal WHERE cause = 'operator' ORDER BY seq",
        )
        .unwrap();
    find.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).unwrap().map(Result::unwrap).collect()
}

fn event(event: &str, actor: &str, note: &str) -> (String, String, String) {
    (event.to_owned(), actor.to_owned(), note.to_owned())
}

#[test]
fn one_operator_proposes_and_another_agrees() {
    let policy = format!("{DRIVE}\n{TWO}");
    let rig = Rig::empty(&policy);
    let (order, credit) = rig.returned(9_000, 4_001);
    let service = start_under(&rig, &policy, RARELY);
    let (first, second) = (Visitor::enter(&service, "operator-1"), Visitor::enter(&service, "operator-2"));
    let again = Visitor::enter(&service, " OPERATOR-1 ");
    let page = page_of_the_break(&first);
    let shown = first.get(&page).body;
    assert!(shown.contains("Propose 40.01 EUR") && shown.contains("two_person_above (40.00 EUR)"), "{shown}");
    assert!(!shown.contains("Waits for a second operator"), "{shown}");
    assert!(shown.contains(">two_person_above (40.00 EUR) holds the refund"), "a setting keeps its name: {shown}");
    for wrong in ["", "40.00", "4001", "40.02"] {
        let said = approve(&first, &page, &order, wrong, "large return");
        assert!(said.contains("type the amount as it is shown: 40.01"), "{wrong}: {said}");
    }
    assert_eq!(decisions(&rig), 0);
    let said = approve(&first, &page, &order, "40.01", "parcel <b>seen</b>");
    assert!(said.contains("Proposed: another operator must approve it before"), "{said}");
    let order_page = format!("/shops/main/orders/{}", order.id);
    for path in [page.as_str(), &order_page, "/shops/main"] {
        let (theirs, yours) = (second.get(path).body, first.get(path).body);
        for told in ["Waits for a second operator", "proposed by operator-1 on", "holds until", "40.01 EUR"] {
            assert!(theirs.contains(told) && yours.contains(told), "{path}: {told} is missing: {theirs}");
        }
        assert!(theirs.contains("“parcel &#60;b&#62;seen&#60;/b&#62;”"), "{path}: {theirs}");
        assert!(yours.contains("proposed by you") && !theirs.contains("proposed by you"), "{path}");
    }
    // Whoever proposed it is offered no second voice, and has none.
    for one in [&first, &again] {
        let shown = one.get(&page).body;
        assert!(shown.contains("Waits for another operator: 40.01 EUR"), "{shown}");
        assert!(!shown.contains("value=\"approve\"") && shown.contains("Withdraw the proposal"), "{shown}");
        let said = approve(one, &page, &order, "40.01", "yes, again");
        assert!(
            said.contains("Nothing was changed: operator-1 proposed") && said.contains("another operator"),
            "{said}"
        );
    }
    assert_eq!((decisions(&rig), refusals(&service, "decision")), (1, 6));
    assert_eq!(rig.pair(&order).refunded_under(&credit), 0, "one operator is not two");
    let shown = second.get(&page).body;
    assert!(shown.contains("Agree to 40.01 EUR") && shown.contains("your agreement is the second"), "{shown}");
    assert!(approve(&second, &page, &order, "40.00", "x").contains("type the amount"));
    assert!(approve(&second, &page, &order, "40.01", "agreed").contains("Approved; the next pass carries it out."));
    wait_until("the refund was made", || rig.pair(&order).refunded_under(&credit) == 4_001);
    assert_eq!(
        events(&rig),
        [
            event("operator_propose", "operator-1", "parcel <b>seen</b>"),
            event("operator_approve", "operator-2", "agreed")
        ]
    );
    assert!(!second.get("/shops/main").body.contains("Waits for a second operator"));
    assert!(second.get(&order_page).body.contains("has a refund that one operator proposed"));
    assert_eq!(service.terminate(), 0);
    rig.audit();
}

#[test]
fn a_proposal_is_withdrawn_or_lapses() {
    let policy = format!("{DRIVE}\n{TWO}");
    let rig = Rig::empty(&policy);
    let (order, credit) = rig.returned(9_000, 4_001);
    let service = start_under(&rig, &policy, RARELY);
    let (first, second) = (Visitor::enter(&service, "operator-1"), Visitor::enter(&service, "operator-2"));
    let page = page_of_the_break(&first);
    approve(&first, &page, &order, "40.01", "large return");
    let intent = hidden(&first.get(&page), "intent");
    let number = order.id.to_string();
    let withdraw = [("action", "abandon"), ("order", &*number), ("intent", &*intent), ("note", "the parcel was empty")];
    assert!(second.decide(&page, &withdraw).body.contains("The proposal is withdrawn."));
    assert!(second.decide(&page, &withdraw).body.contains("the order has no such effect any more"));
    assert!(first.get(&page).body.contains("Propose 40.01 EUR"));
    approve(&first, &page, &order, "40.01", "found it");
    assert!(second.get(&page).body.contains("Agree to 40.01 EUR"));
    // A day goes by.
    store(&rig).execute("UPDATE proposal SET at = at - 86400000000000", []).unwrap();
    let shown = second.get(&page).body;
    assert!(shown.contains("Propose 40.01 EUR") && !shown.contains("Waits for a second operator"), "{shown}");
    assert!(approve(&second, &page, &order, "40.01", "looks right").contains("Proposed: another operator"));
    assert!(approve(&first, &page, &order, "40.01", "so it is").contains("Approved"));
    wait_until("the refund was made", || rig.pair(&order).refunded_under(&credit) == 4_001);
    let said: Vec<String> = events(&rig).into_iter().map(|(event, actor, _)| format!("{event} {actor}")).collect();
    let expected = [
        "operator_propose operator-1",
        "operator_withdraw operator-2",
        "operator_propose operator-1",
        "operator_propose operator-2",
        "operator_approve operator-1",
    ];
    assert_eq!(said, expected);
    assert_eq!(service.terminate(), 0);
    rig.audit();
}

#[test]
fn hostile_text_in_a_proposal_stays_text() {
    let policy = format!("{DRIVE}\n{TWO}");
    let rig = Rig::empty(&policy);
    let (order, _) = rig.returned(9_000, 4_001);
    let service = start_under(&rig, &policy, RARELY);
    let (first, second) = (Visitor::enter(&service, "operator-1"), Visitor::enter(&service, "operator-2"));
    let page = page_of_the_break(&first);
    approve(&first, &page, &order, "40.01", "large return");
    let bad = format!("<script>alert(1)</script>\"'>\u{202e}\u{1b}[2J\0\r\n{}", "x".repeat(1 << 20));
    assert_eq!(store(&rig).execute("UPDATE proposal SET actor = ?1, note = ?1", [&bad]).unwrap(), 1);
    for path in [page, format!("/shops/main/orders/{}", order.id), "/shops/main".to_owned()] {
        let shown = second.get(&path);
        assert_eq!(shown.status, 200, "{path}");
        assert!(shown.body.contains("&#60;script&#62;alert(1)"), "{path}: {}", shown.body);
        assert!(!shown.body.contains("<script") && !shown.body.contains("\"'>"), "{path}");
        assert!(!shown.body.contains(['\u{202e}', '\u{1b}', '\0', '\r']), "{path}");
        assert!(shown.body.len() < 60_000, "{path}: {}", shown.body.len());
    }
    assert_eq!(service.terminate(), 0);
}

#[test]
fn what_klarna_refused_is_started_anew_by_two() {
    let rig = Rig::empty(DRIVE);
    let (order, credit) = rig.returned(9_000, 4_001);
    let refusal = FaultKind::Refusal { code: 403, error_code: "REFUND_NOT_ALLOWED".into(), message: "No".into() };
    rig.fault(Side::Klarna, "POST", "*/refunds", refusal, false);
    rig.pass();
    let policy = format!("{DRIVE}\n{TWO}");
    let service = start_under(&rig, &policy, RARELY);
    let (first, second) = (Visitor::enter(&service, "operator-1"), Visitor::enter(&service, "operator-2"));
    let page = format!("/shops/main/orders/{}", order.id);
    let intent = hidden(&first.get(&page), "intent");
    let decide = |who: &Visitor<'_>, action: &str| {
        let number = order.id.to_string();
        let fields = [("action", action), ("order", &*number), ("intent", &*intent), ("note", "looked in the portal")];
        who.decide(&page, &[&fields[..], &[("confirm", "40.01")]].concat()).body
    };
    let what = format!("refund 40.01 EUR for {credit} once more");
    assert!(first.get(&page).body.contains(&format!("Propose {what}")));
    assert!(decide(&first, "approve").contains("Proposed: another operator"));
    let shown = second.get(&page).body;
    assert!(shown.contains(&format!("Agree to {what}")), "{shown}");
    assert!(shown.contains(&format!("Withdraw the proposal of {what}")), "{shown}");
    assert!(decide(&second, "abandon").contains("The proposal is withdrawn."));
    assert!(decide(&second, "abandon").contains("nothing is left to give up"));
    assert!(decide(&first, "approve").contains("Proposed: another operator"));
    assert!(decide(&first, "approve").contains("Nothing was changed: operator-1 proposed"));
    assert_eq!(rig.pair(&order).refunded_under(&credit), 0);
    assert!(decide(&second, "approve").contains("Approved; the next pass carries it out."));
    wait_until("the refund was made", || rig.pair(&order).refunded_under(&credit) == 4_001);
    assert_eq!(service.terminate(), 0);
    rig.audit();
}
