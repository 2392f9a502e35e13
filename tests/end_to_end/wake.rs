//! What makes a pass look again at what nobody called changed: `--full`, and another policy.

use reconciled_sandbox::{KlarnaStart, LogEntry, Side};
use serde_json::json;

use crate::support::{DRIVE, Rig};

fn reads_of_orders(log: &[LogEntry]) -> Vec<String> {
    let reads = log.iter().filter(|it| it.side == Side::Lightspeed && it.method == "GET");
    let mut paths: Vec<String> = reads.filter(|it| it.path.contains("/orders/")).map(|it| it.path.clone()).collect();
    paths.sort();
    paths
}

#[test]
fn a_full_pass_reads_again_what_is_open_or_unlinked_and_nothing_else() {
    let rig = Rig::empty(DRIVE);
    let settled: Vec<_> = (0..3).map(|_| rig.order(4_000, KlarnaStart::Captured, true)).collect();
    let open = rig.order(5_000, KlarnaStart::Authorized, false);
    let (unlinked, credit) = rig.returned(6_000, 1_000);
    for (field, value) in [("paymentData", "klarna"), ("updatedAt", "2026-01-01T12:00:00+00:00")] {
        rig.control("act/set_field", &json!({"order": unlinked.number, "field": field, "json": value}));
    }
    let first = rig.pass();
    assert_eq!(first.breaks_of(&unlinked.number), ["klarna_order_unlinked"]);

    // The payment app writes the id, and the shop does not date it.
    let shown = json!({"field": "memo", "order": unlinked.number, "json": unlinked.klarna.unwrap().to_string()});
    rig.control("act/set_field", &shown);
    rig.clear_log();
    let quiet = rig.pass();
    assert_eq!(reads_of_orders(&rig.log()), Vec::<String>::new(), "nothing changed, as the shop dates it");
    quiet.ended(1);

    let full = rig.pass_with(&["--full"]);
    let read = reads_of_orders(&rig.log());
    for order in [&open, &unlinked] {
        assert!(read.iter().any(|path| path.contains(&format!("/orders/{}.json", order.id))), "{read:#?}");
    }
    for order in &settled {
        assert!(!read.iter().any(|path| path.contains(&format!("/orders/{}.json", order.id))), "{read:#?}");
    }
    assert_eq!(full.breaks_of(&unlinked.number), [""; 0], "{:#}", full.json);
    assert_eq!(rig.pair(&unlinked).klarna.refunded_amount, 1_000);
    assert_eq!(rig.invoice_status(&credit), "paid");
    rig.audit();
}

#[test]
fn another_policy_reaches_quiet_orders_with_the_next_pass_and_reads_only_those() {
    let hands_off = "act = true\nrefund_after = \"0 seconds\"\nrefunds = \"off\"\nmark_paid = \"off\"";
    let rig = Rig::empty(hands_off);
    let (order, credit) = rig.returned(5_035, 4_495);
    for _ in 0..3 {
        rig.order(4_000, KlarnaStart::Captured, true);
    }
    rig.pass().ended(0);
    rig.clear_log();
    rig.pass().ended(0);
    let klarna = |rig: &Rig| rig.log().into_iter().filter(|it| it.side == Side::Klarna).count();
    assert_eq!(klarna(&rig), 0, "a quiet pass asks Klarna nothing");

    rig.configure(DRIVE);
    rig.clear_log();
    let pass = rig.pass();
    pass.ended(0);
    assert_eq!(rig.invoice_status(&credit), "paid", "{:#}", pass.json);
    assert_eq!(pass.json["checked"]["orders"], 1, "the others are as quiet under this policy: {:#}", pass.json);
    assert_eq!(rig.pair(&order).klarna.refunded_amount, 4_495);
    rig.pass();
    rig.clear_log();
    rig.pass().ended(0);
    let asked: Vec<_> = rig.log().into_iter().filter(|it| it.side == Side::Klarna).collect();
    let own = order.klarna.unwrap().to_string();
    assert!(asked.iter().all(|it| it.path.contains(&own)), "the policy is known by now: {asked:#?}");
    rig.audit();
}
