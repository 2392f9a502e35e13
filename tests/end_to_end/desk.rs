//! Several operators at one desk: who works on what, many breaks at once, and refunds that need two of them.

use std::io::{Read as _, Write as _};

use reconciled_sandbox::{FaultKind, Side};
use serde_json::Value;

use crate::support::{DRIVE, Placed, Rig, terminal, text};

const NOTE: [&str; 2] = ["--note", "checked with the customer"];
const TWO: &str = "two_person_above = \"40.00\"";

#[track_caller]
fn listed(rig: &Rig, more: &[&str]) -> Vec<Value> {
    let list = rig.run(&[&["breaks", "list", "--json"], more].concat()).json();
    list["breaks"].as_array().unwrap().clone()
}

/// An order with a refund that somebody made by hand, so that a break about it opens.
fn by_hand(rig: &Rig, amount: i64) -> Placed {
    let (order, _) = rig.returned(5_000, 1_000);
    rig.with(|world| world.portal_refund(order.klarna.unwrap(), Some(amount), None)).unwrap();
    order
}

fn says_who(rig: &Rig, arguments: &[&str], who: &str) -> crate::support::Ran {
    rig.run(&[arguments, &NOTE, &["--as", who]].concat())
}

#[test]
fn a_list_is_narrowed_by_what_daily_work_asks() {
    let rig = Rig::empty(&format!("{DRIVE}\nrefund_limit_per_order = \"10.00\""));
    let (first, second) = (by_hand(&rig, 700), by_hand(&rig, 800));
    let (limited, credit) = rig.returned(5_000, 1_001);
    rig.pass();
    let all = listed(&rig, &[]);
    assert_eq!(all.len(), 3, "{all:#?}");
    let count = |more: &[&str]| listed(&rig, more).len();
    assert_eq!(count(&["--kind", "refund_unattributed"]), 2);
    assert_eq!(count(&["--kind", "refund_unattributed", "--kind", "limit_reached"]), 3);
    assert_eq!(count(&["--severity", "action"]), 1);
    assert_eq!((count(&["--order", &first.number]), count(&["--order", &credit])), (1, 1));
    assert_eq!((count(&["--older-than", "0 seconds"]), count(&["--older-than", "2 hours"])), (3, 0));
    let id = text(&listed(&rig, &["--order", &second.number])[0]["id"]);
    rig.run(&["breaks", "assign", &id, "--to", "operator-2", "--as", "operator-1"]).ended(0);
    says_who(&rig, &["breaks", "ack", &id], "operator-2").ended(0);
    assert_eq!((count(&["--assigned-to", "operator-2"]), count(&["--unassigned"])), (1, 2));
    assert_eq!(count(&["--status", "acknowledged"]), 1);
    says_who(&rig, &["breaks", "resolve", &id], "operator-2").ended(0);
    assert_eq!((count(&[]), count(&["--status", "resolved"]), count(&["--all"])), (2, 1, 3));
    rig.run(&["breaks", "list", "--status", "resolved"]).ended(0).says("operator-2");
    rig.run(&["breaks", "list", "--order", &limited.number]).ended(1).says("under a day: 1 (10.01 EUR)");
    rig.run(&["breaks", "list", "--kind", "refund_unatributed"]).ended(2).says("refund_unattributed");
    rig.run(&["breaks", "list", "--older-than", "soon"]).ended(2).says("3 days");
    let shown = rig.run(&["breaks", "show", &id]).ended(0).out.clone();
    for line in [
        "assigned to operator-2 by operator-1",
        "acknowledged by operator-2: checked",
        "resolved by operator-2: checked",
    ] {
        assert!(shown.contains(line), "{line} is missing:\n{shown}");
    }
    let told = rig.run(&["breaks", "show", &id, "--json"]).json();
    assert_eq!(told["history"].as_array().unwrap().len(), 4, "{told:#}");
    assert_eq!((text(&told["assigned_to"]), text(&told["status"])), ("operator-2".to_owned(), "resolved".to_owned()));
    rig.audit();
}

#[test]
fn many_breaks_are_decided_at_once_and_only_as_they_were_counted() {
    let rig = Rig::empty(DRIVE);
    by_hand(&rig, 700);
    by_hand(&rig, 825);
    rig.pass();
    let resolve = ["breaks", "resolve", "--kind", "refund_unattributed"];
    // Nobody is at a terminal, so the number must be given.
    says_who(&rig, &resolve, "operator-1").ended(2).says("2 breaks").says("15.25 EUR").says("--yes-count 2");
    by_hand(&rig, 100);
    rig.pass();
    says_who(&rig, &[&resolve[..], &["--yes-count", "2"]].concat(), "operator-1")
        .ended(2)
        .says("3 breaks")
        .says("16.25 EUR");
    assert_eq!(listed(&rig, &[]).len(), 3, "nothing was decided");
    let told = says_who(&rig, &[&resolve[..], &["--yes-count", "3", "--json"]].concat(), "operator-1").ended(0).json();
    assert_eq!((&told["breaks"], &told["amount_minor"]), (&3.into(), &1625.into()), "{told:#}");
    assert_eq!((text(&told["by"]), text(&told["outcome"])), ("operator-1".to_owned(), "done".to_owned()));
    assert_eq!(listed(&rig, &["--status", "resolved"]).len(), 3);
    says_who(&rig, &resolve, "operator-1").ended(0).says("no break of kind refund_unattributed waits for this");
    says_who(&rig, &["breaks", "resolve", "1", "--kind", "refund_unattributed"], "operator-1").ended(2);
    says_who(&rig, &["breaks", "resolve"], "operator-1").ended(2);
    rig.audit();
}

#[test]
fn every_decision_is_told_as_json() {
    let rig = Rig::empty(DRIVE);
    let order = by_hand(&rig, 700);
    let pass = rig.pass();
    let id = text(&pass.the_break("refund_unattributed")["id"]);
    for arguments in [
        &["hold", &order.number][..],
        &["release", &order.number],
        &["stop"],
        &["resume"],
        &["breaks", "note", &id],
        &["breaks", "assign", &id, "--nobody"],
    ] {
        let told = says_who(&rig, &[arguments, &["--json"]].concat(), "operator-1").ended(0).json();
        let decision = text(&told["decision"]);
        assert!(arguments.contains(&decision.as_str()), "{told:#}");
        assert_eq!((text(&told["by"]), text(&told["note"])), ("operator-1".to_owned(), NOTE[1].to_owned()));
        assert!(text(&told["at"]).parse::<jiff::Timestamp>().is_ok(), "{told:#}");
    }
}

#[test]
fn what_is_held_is_not_forgotten() {
    let rig = Rig::empty(DRIVE);
    let (order, credit) = rig.returned(5_000, 1_000);
    rig.run(&["reconcile", "--dry-run"]);
    rig.run(&["release", "--list"]).ended(0).says("No order is held");
    says_who(&rig, &["hold", &credit], "operator-1").ended(0);
    rig.run(&["release", "--list"]).ended(0).says(&order.number).says("operator-1").says(NOTE[1]);
    let held = rig.run(&["release", "--list", "--json"]).json()["held"].clone();
    assert_eq!((held.as_array().unwrap().len(), text(&held[0]["number"])), (1, order.number.clone()));
    rig.run(&["release", &order.number, "--list"]).ended(2);
    rig.run(&["release"]).ended(2);
    rig.run(&["release", &order.number]).ended(0);
    assert_eq!(rig.run(&["release", "--list", "--json"]).json()["held"], serde_json::json!([]));
}

#[test]
fn a_refund_above_the_threshold_leaves_when_two_operators_agreed_and_not_before() {
    let rig = Rig::empty(&format!("{DRIVE}\n{TWO}"));
    let (order, credit) = rig.returned(9_000, 4_001);
    let (small, _) = rig.returned(9_000, 4_000);
    let pass = rig.pass();
    pass.ended(1);
    let refunded = || rig.pair(&order).klarna.refunded_amount;
    assert_eq!((refunded(), rig.pair(&small).klarna.refunded_amount), (0, 4_000));
    assert_eq!(pass.breaks_of(&order.number), ["limit_reached"]);
    assert!(text(&pass.the_break("limit_reached")["message"]).contains("two operators"), "{:#}", pass.json);
    let told = says_who(&rig, &["approve", &order.number, "--json"], "operator-1").ended(0).json();
    assert_eq!(text(&told["outcome"]), "proposed", "{told:#}");
    let intent = text(&told["intent"]);
    says_who(&rig, &["approve", &intent], "Operator-1").ended(2).says("another operator");
    // Whoever changes their mind takes the proposal back.
    says_who(&rig, &["ignore", &intent], "operator-1").ended(0);
    assert!(listed(&rig, &[])[0].get("proposal").is_none());
    says_who(&rig, &["approve", &intent], "operator-1").ended(0).says("is proposed");
    rig.pass().ended(1);
    assert_eq!(refunded(), 0, "one operator is not two");
    let proposal = listed(&rig, &[])[0]["proposal"].clone();
    assert_eq!((text(&proposal["by"]), &proposal["amount_minor"]), ("operator-1".to_owned(), &4_001.into()));
    rig.run(&["breaks", "list"]).says("proposed by operator-1");
    rig.run(&["show", &credit]).says("proposed by operator-1, 40.01 EUR, waits for another operator until");
    // Whoever holds, releases or rules out something does not get around it.
    says_who(&rig, &["hold", &order.number], "operator-1").ended(0);
    says_who(&rig, &["release", &order.number], "operator-1").ended(0);
    rig.pass_with(&["--full"]).ended(1);
    assert_eq!(refunded(), 0);
    says_who(&rig, &["approve", &intent], "operator-2").ended(0).says("is approved");
    rig.pass().ended(0);
    assert_eq!(refunded(), 4_001);
    rig.run(&["show", &order.number])
        .says("operator_propose")
        .says("operator_approve")
        .says("operator-1")
        .says("operator-2");
    rig.money_is_safe();
    rig.audit();
}

#[test]
fn a_changed_credit_invoice_voids_what_one_operator_proposed() {
    let rig = Rig::empty(&format!("{DRIVE}\n{TWO}"));
    let (order, credit) = rig.returned(9_000, 4_001);
    rig.pass();
    let first = text(&says_who(&rig, &["approve", &order.number, "--json"], "operator-1").ended(0).json()["intent"]);
    rig.control("act/edit_invoice", &serde_json::json!({"invoice": credit, "amount": "45.00"}));
    rig.pass_with(&["--full"]).ended(1);
    let told = says_who(&rig, &["approve", &order.number, "--json"], "operator-2").ended(0).json();
    assert_eq!(text(&told["outcome"]), "proposed", "what operator-1 proposed was another refund: {told:#}");
    assert_ne!(text(&told["intent"]), first);
    // The old one is not what is due any more, whoever agrees to it.
    says_who(&rig, &["approve", &first], "operator-2");
    rig.pass_with(&["--full"]).ended(1);
    assert_eq!(rig.pair(&order).klarna.refunded_amount, 0);
    says_who(&rig, &["approve", &order.number], "operator-1").ended(0);
    rig.pass().ended(0);
    assert_eq!(rig.pair(&order).klarna.refunded_amount, 4_500);
    rig.money_is_safe();
}

#[test]
fn an_approval_by_one_counts_for_nothing_once_there_is_a_threshold() {
    let rig = Rig::empty(&format!("{DRIVE}\nrefund_limit_per_order = \"40.00\""));
    let (order, _) = rig.returned(9_000, 4_001);
    rig.pass().ended(1);
    says_who(&rig, &["approve", &order.number], "operator-1").ended(0).says("is approved");
    rig.configure(&format!("{DRIVE}\nrefund_limit_per_order = \"40.00\"\n{TWO}"));
    rig.pass().ended(1);
    assert_eq!(rig.pair(&order).klarna.refunded_amount, 0);
    says_who(&rig, &["approve", &order.number], "operator-1").ended(0).says("is proposed");
    says_who(&rig, &["approve", &order.number], "operator-2").ended(0).says("is approved");
    rig.pass().ended(0);
    assert_eq!(rig.pair(&order).klarna.refunded_amount, 4_001);
    rig.audit();
}

#[test]
fn what_was_approved_and_then_given_up_is_not_sent_again() {
    let rig = Rig::empty(&format!("{DRIVE}\nrefund_limit_per_order = \"40.00\""));
    let (order, _) = rig.returned(9_000, 4_001);
    rig.pass().ended(1);
    says_who(&rig, &["approve", &order.number], "operator-1").ended(0);
    rig.fault_always(Side::Klarna, "POST", "*/refunds", FaultKind::Drop);
    let lost = rig.pass();
    let intent = text(&lost.list("effects").iter().find(|it| it["outcome"] == "unknown").unwrap()["intent"]);
    says_who(&rig, &["ignore", &intent], "operator-2").ended(0);
    rig.clear_faults();
    // No ceiling is in the way any more; the approval must not start it anew either.
    rig.configure(DRIVE);
    rig.pass_with(&["--full"]);
    assert_eq!(rig.pair(&order).klarna.refunded_amount, 0, "an operator gave it up for good");
    rig.run(&["show", &order.number]).says("operator_withdraw");
    // Giving it up and approving it must not do in two steps what is refused in one: it may have landed.
    says_who(&rig, &["approve", &intent], "operator-2").ended(2);
    rig.pass();
    assert_eq!(rig.pair(&order).klarna.refunded_amount, 0, "Klarna may still carry the first request out");
    rig.audit();
}

/// Runs `arguments` with a terminal for its input, where a person types `answer` once they are asked.
fn typed(rig: &Rig, arguments: &[&str], answer: &str) -> (i32, String) {
    let (mut keyboard, terminal) = terminal();
    let mut command = rig.command(arguments);
    let mut child = command.stdin(terminal).spawn().unwrap();
    let mut screen = child.stderr.take().unwrap();
    let (mut said, mut byte) = (Vec::new(), [0]);
    while !said.ends_with(b"to go on: ") && screen.read(&mut byte).unwrap() == 1 {
        said.push(byte[0]);
    }
    keyboard.write_all(format!("{answer}\n").as_bytes()).unwrap();
    screen.read_to_end(&mut said).unwrap();
    (child.wait().unwrap().code().unwrap(), String::from_utf8(said).unwrap())
}

#[test]
fn a_person_types_the_number_of_what_they_decide_about() {
    let rig = Rig::empty(DRIVE);
    by_hand(&rig, 700);
    by_hand(&rig, 825);
    rig.pass();
    let ack = ["breaks", "ack", "--kind", "refund_unattributed", NOTE[0], NOTE[1]];
    for wrong in ["", "y", "yes", "3"] {
        let (status, said) = typed(&rig, &ack, wrong);
        assert!(status == 0 && said.contains("nothing was decided"), "{wrong}: {said}");
    }
    assert_eq!(listed(&rig, &["--status", "open"]).len(), 2);
    let (status, said) = typed(&rig, &ack, "2");
    assert!(status == 0 && said.contains("2 breaks of kind refund_unattributed, together 15.25 EUR"), "{said}");
    assert_eq!(listed(&rig, &["--status", "acknowledged"]).len(), 2);
}

/// What a break means and what to do about it: the runbook's page by its kind, or with the break's own ids.
#[test]
fn a_break_is_explained_with_its_own_ids() {
    let rig = Rig::empty(DRIVE);
    let (order, credit) = rig.returned(5_000, 2_000);
    let refund = rig.with(|world| world.portal_refund(order.klarna.unwrap(), Some(2_000), None)).unwrap().to_string();
    let id = text(&rig.pass().the_break("refund_unattributed")["id"]);
    let number = &order.number;
    let command = format!("reconciled adopt {refund} {credit}=20.00 --order {number} --note 'refunded in the portal'");
    let told = rig.run(&["explain", &id, "--json"]);
    let told = told.ended(0).json();
    assert_eq!((&told["kind"], &told["order"]), (&"refund_unattributed".into(), &number.as_str().into()));
    assert_eq!(told["commands"][0], command.as_str());
    let page = text(&told["page"]);
    assert!(page.contains(&format!("`reconciled adopt {refund} {credit} --note '")), "{page}");
    assert!(!page.contains("ORD00018") || number == "ORD00018", "an example's order: {page}");
    rig.run(&["explain", &id]).ended(0).says(&command).says("**Call Klarna**");
    rig.run(&["explain", "refund_missing"]).ended(0).says("**Means** (money)").says("INV00038");
    let kind = rig.run(&["explain", "refund_missing", "--json"]);
    assert_eq!(kind.ended(0).json()["break"], serde_json::Value::Null);
    rig.run(&["explain", "refund_forgotten"]).ended(2).says("is no break's id and no kind");
    rig.run(&["explain", "999"]).ended(2).says("no break 999 is known");
}
