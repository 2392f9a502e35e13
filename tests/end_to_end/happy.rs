//! What a merchant does, with nothing going wrong.

use reconciled_sandbox::{KlarnaStart, NewLine, NewOrder};

use crate::support::{DAY, DRIVE, Rig};

#[test]
fn the_demonstration_shop_converges() {
    let rig = Rig::demo("act = true");
    // Everything has been waiting for hours, so the defaults act.
    rig.pass().ended(1);
    rig.money_is_safe();
    let of = |number: &str| rig.pair_of(number);
    assert_eq!(of("ORD00002").klarna.refunded_amount, 13_545);
    assert_eq!(of("ORD00003").klarna.refunded_amount, 1_995 + 2_500);
    assert_eq!(of("ORD00003").klarna.refunds.len(), 2);
    assert_eq!(of("ORD00004").klarna.status, "CANCELLED");
    assert_eq!(of("ORD00005").klarna.refunded_amount, of("ORD00005").klarna.captured_amount);
    assert_eq!(of("ORD00006").klarna.refunded_amount, 1_995);
    assert_eq!(of("ORD00006").klarna.remaining_authorized_amount, 0);
    for number in ["ORD00002", "ORD00003", "ORD00004", "ORD00005", "ORD00006"] {
        for credit in of(number).credits() {
            assert_eq!(credit.status, "paid", "{number} {}", credit.number);
        }
    }
    // The hand-made refund stops its order; the others need no money moved.
    assert_eq!(of("ORD00009").klarna.refunded_amount, 1_500);
    for number in ["ORD00001", "ORD00007", "ORD00008", "ORD00010", "ORD00011", "ORD00013"] {
        assert_eq!(of(number).klarna.refunded_amount, 0, "{number}");
    }
    rig.audit();
}

#[test]
fn a_second_pass_over_the_demonstration_shop_writes_nothing() {
    let rig = Rig::demo("act = true");
    rig.pass();
    rig.clear_log();
    let second = rig.pass();
    assert_eq!(rig.writes(), vec![], "{:#}", second.json);
    let third = rig.pass_with(&["--full"]);
    assert_eq!(rig.writes(), vec![], "{:#}", third.json);
    third.ended(1);
}

#[test]
fn what_follows_a_capture_follows_in_the_same_pass() {
    let rig = Rig::empty(DRIVE);
    let order = rig.order(5_000, KlarnaStart::Authorized, true);
    let credit = rig.credit(&order, 1_000);
    let pass = rig.pass();
    let truth = rig.pair(&order).klarna;
    assert_eq!((truth.captured_amount, truth.remaining_authorized_amount), (4_000, 0), "{:#}", pass.json);
    assert_eq!(truth.refunded_amount, 0, "it was never captured");
    assert_eq!(rig.invoice_status(&credit), "paid", "{:#}", pass.json);
    let kinds: Vec<_> = pass.effects_of(&order.number).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, ["capture", "mark_paid", "release"], "{:#}", pass.json);
    pass.ended(0);
    rig.audit();
}

#[test]
fn the_demonstration_shop_has_exactly_these_breaks() {
    let rig = Rig::demo("act = true");
    let first = rig.pass();
    let breaks = |number: &str| first.breaks_of(number);
    assert_eq!(breaks("ORD00008"), ["shipped_not_captured"]);
    assert_eq!(breaks("ORD00009"), ["refund_unattributed"]);
    assert_eq!(breaks("ORD00010"), ["credit_before_capture"]);
    assert_eq!(breaks("ORD00011"), ["authorization_expiring"]);
    assert_eq!(breaks("ORD00013"), ["paid_without_refund"]);
    assert_eq!(first.list("breaks").len(), 5, "{:#}", first.json);
    assert_eq!(first.effects_of("ORD00012"), vec![]);
}

#[test]
fn a_report_shows_the_money_as_it_is_after_the_pass() {
    let rig = Rig::demo("act = true");
    rig.pass();
    let second = rig.pass_with(&["--full"]);
    for order in second.list("orders") {
        let truth = rig.pair_of(order["number"].as_str().unwrap()).klarna;
        assert_eq!(order["captured_minor"], truth.captured_amount, "{order}");
        assert_eq!(order["refunded_minor"], truth.refunded_amount, "{order}");
        assert_eq!(order["klarna_order_id"], truth.order_id.to_string(), "{order}");
    }
    let credit = second.credit(&rig.pair_of("ORD00002").credits().next().unwrap().number);
    assert_eq!(credit["state"], "paid");
    assert_eq!(credit["refund_id"], rig.pair_of("ORD00002").klarna.refunds[0].id.to_string());
}

#[test]
fn a_shop_with_nothing_wrong_ends_with_zero_and_no_break() {
    let rig = Rig::empty(DRIVE);
    rig.order(5_000, KlarnaStart::Captured, true);
    rig.order(7_035, KlarnaStart::Captured, true);
    let pass = rig.pass();
    pass.ended(0);
    assert_eq!(pass.list("breaks").len() + pass.list("effects").len() + pass.list("not_checked").len(), 0);
    assert_eq!(pass.json["checked"]["orders"], 2);
    assert_eq!(pass.order("ORD00001")["state"], "paid");
    assert_eq!(rig.writes(), vec![]);
    rig.run(&["breaks", "list"]).ended(0);
}

#[test]
fn an_empty_shop_ends_with_zero() {
    let rig = Rig::empty(DRIVE);
    rig.pass().ended(0);
    rig.pass().ended(0);
}

#[test]
fn a_shipped_order_is_captured_whole() {
    let rig = Rig::empty(DRIVE);
    let order = rig.order(12_950, KlarnaStart::Authorized, true);
    rig.pass().ended(0);
    let klarna = rig.pair(&order).klarna;
    assert_eq!((klarna.captured_amount, klarna.captures.len()), (12_950, 1));
    rig.clear_log();
    rig.pass().ended(0);
    assert_eq!(rig.writes(), vec![]);
}

#[test]
fn part_shipments_capture_their_part_and_the_last_takes_what_remains() {
    let rig = Rig::empty(DRIVE);
    let lines = vec![NewLine::new("Linen shirt", 2, 3_333), NewLine::new("Cotton cap", 1, 1_001)];
    let order = rig.place(&NewOrder { lines, shipping_minor: 595, age_ms: 2 * DAY, ..NewOrder::default() });
    let total = 2 * 3_333 + 1_001 + 595;
    rig.pass().ended(0);
    assert_eq!(rig.pair(&order).klarna.captured_amount, 0);

    rig.with(|world| world.ship(order.id, Some(&[(0, 1)]))).unwrap();
    rig.pass();
    let first = rig.pair(&order).klarna.captured_amount;
    assert!((3_333..total).contains(&first), "{first}");
    assert_eq!(rig.pair(&order).klarna.captures.len(), 1);
    rig.pass();
    assert_eq!(rig.pair(&order).klarna.captured_amount, first, "the same shipment is captured once");

    rig.with(|world| world.ship(order.id, None)).unwrap();
    rig.pass().ended(0);
    let klarna = rig.pair(&order).klarna;
    assert_eq!((klarna.captured_amount, klarna.captures.len()), (total, 2), "{klarna:#?}");
    assert_eq!(klarna.remaining_authorized_amount, 0);
    rig.clear_log();
    rig.pass().ended(0);
    assert_eq!(rig.writes(), vec![]);
}

#[test]
fn a_refund_carries_the_credit_invoices_number_its_amount_and_a_key() {
    let rig = Rig::empty(DRIVE);
    let (order, credit) = rig.returned(5_035, 4_495);
    rig.pass().ended(0);
    let refund = rig.pair(&order).klarna.refunds.remove(0);
    assert_eq!(refund.amount, 4_495);
    assert_eq!(refund.reference.as_deref(), Some(credit.as_str()));
    assert!(refund.description.is_some_and(|it| !it.is_empty()));
    assert!(refund.idempotency_key.is_some());
    assert_eq!(rig.invoice_status(&credit), "paid");
    let put = rig.writes().into_iter().find(|it| it.method == "PUT").unwrap();
    let body: serde_json::Value = serde_json::from_str(put.body.as_deref().unwrap()).unwrap();
    assert_eq!(body, serde_json::json!({"invoice": {"status": "paid"}}));
}

#[test]
fn verify_and_off_write_nothing_of_their_family() {
    for mode in ["verify", "off"] {
        let modes = ["refunds", "mark_paid", "cancels", "captures"].map(|family| format!("{family} = \"{mode}\"\n"));
        let rig = Rig::demo(&format!("act = true\nrefund_after = \"0 seconds\"\n{}", modes.concat()));
        let pass = rig.pass();
        rig.pass();
        assert_eq!(rig.writes(), vec![], "{mode}");
        let kinds: Vec<_> = pass.list("breaks").iter().map(|it| it["kind"].as_str().unwrap()).collect();
        let expected = ["refund_missing", "cancel_not_released", "cancel_not_refunded", "shipped_not_captured"];
        for kind in expected {
            assert_eq!(kinds.contains(&kind), mode == "verify", "{mode}: {kind}: {kinds:?}");
        }
    }
}

#[test]
fn one_family_that_is_driven_leaves_the_verified_ones_alone() {
    let rig = Rig::demo(
        "act = true\nrefunds = \"verify\"\ncancels = \"verify\"\ncaptures = \"drive\"\ngrace = \"0 seconds\"",
    );
    rig.pass();
    rig.pass();
    let writes = rig.writes();
    assert!(writes.iter().all(|it| it.path.contains("/captures")), "{writes:#?}");
    assert_eq!(rig.pair_of("ORD00008").klarna.captured_amount, 13_545);
}

#[test]
fn without_permission_to_act_nothing_is_written_and_everything_due_is_planned() {
    for (policy, flag) in [("act = false", None), ("", None), ("act = true", Some("--dry-run"))] {
        let rig = Rig::demo(policy);
        let before = rig.pairs();
        let more: Vec<&str> = flag.into_iter().collect();
        let pass = rig.pass_with(&more);
        pass.ended(1);
        assert_eq!(pass.json["dry_run"], flag.is_some());
        assert_eq!(pass.effects_of("ORD00002"), [("refund".to_owned(), "planned".to_owned())]);
        assert!(pass.list("effects").iter().all(|it| it["outcome"] == "planned" || it["outcome"] == "held"));
        assert_eq!(rig.writes(), vec![], "{policy} {flag:?}");
        assert_eq!(format!("{before:?}"), format!("{:?}", rig.pairs()));
        // The same intent and the same key as the pass that acts: what was shown is what is done.
        let planned = pass.list("effects").iter().find(|it| it["order"] == "ORD00002").unwrap().clone();
        rig.configure("act = true");
        let acted = rig.pass();
        let done = acted.list("effects").iter().find(|it| it["intent"] == planned["intent"]).unwrap();
        assert_eq!(done["idempotency_key"], planned["idempotency_key"]);
        assert_eq!(done["outcome"], "confirmed");
        let sent = rig.pair_of("ORD00002").klarna.refunds.remove(0).idempotency_key;
        assert_eq!(sent.as_deref(), planned["idempotency_key"].as_str());
    }
}

#[test]
fn one_order_alone_is_looked_at_and_acted_on() {
    let rig = Rig::demo("act = true");
    let pass = rig.pass_with(&["--order", "ORD00003"]);
    assert_eq!(pass.list("orders").len(), 1);
    assert_eq!(rig.pair_of("ORD00003").klarna.refunds.len(), 2);
    assert_eq!(rig.pair_of("ORD00002").klarna.refunds.len(), 0);
    assert!(rig.writes().len() == 4, "{:#?}", rig.writes());
    // The others are not forgotten.
    rig.pass();
    assert_eq!(rig.pair_of("ORD00002").klarna.refunds.len(), 1);
}

#[test]
fn an_order_that_the_shop_does_not_have_was_not_checked() {
    let rig = Rig::demo("act = true");
    let pass = rig.pass_with(&["--order", "ORD99999"]);
    pass.ended(3);
    assert!(pass.list("not_checked")[0]["what"].as_str().unwrap().contains("ORD99999"));
    assert_eq!(rig.writes(), vec![]);
}

#[test]
fn since_lists_what_changed_from_then_on() {
    let rig = Rig::demo("act = false");
    let today = rig.with(|world| world.now()).as_second() - 4 * 3_600 - 1_800;
    let since = jiff::Timestamp::from_second(today).unwrap().to_string();
    let pass = rig.pass_with(&["--since", &since]);
    let numbers: Vec<_> = pass.list("orders").iter().map(|it| it["number"].as_str().unwrap()).collect();
    // Credited four hours ago, cancelled three, three and two hours ago; the rest is older.
    for number in ["ORD00003", "ORD00004", "ORD00005", "ORD00006"] {
        assert!(numbers.contains(&number), "{number}: {numbers:?}");
    }
    for number in ["ORD00001", "ORD00007", "ORD00008"] {
        assert!(!numbers.contains(&number), "{number}: {numbers:?}");
    }
    // A look back moves no cursor over what it did not list.
    assert_eq!(rig.pass().list("orders").len(), 12);
}

#[test]
fn full_looks_at_every_order_again() {
    let rig = Rig::empty(DRIVE);
    for _ in 0..3 {
        rig.order(4_000, KlarnaStart::Captured, true);
    }
    assert_eq!(rig.pass().list("orders").len(), 3);
    assert_eq!(rig.pass().list("orders").len(), 0);
    assert_eq!(rig.pass_with(&["--full"]).list("orders").len(), 3);
}

#[test]
fn a_credit_invoice_younger_than_refund_after_is_left_alone() {
    let rig = Rig::empty("act = true");
    let order = rig.order(5_000, KlarnaStart::Captured, true);
    rig.credit_aged(&order, 1_000, 59 * 60);
    let pass = rig.pass();
    pass.ended(0);
    assert_eq!(rig.writes(), vec![], "{:#}", pass.json);
    rig.credit_aged(&order, 2_000, 61 * 60);
    rig.pass().ended(0);
    let klarna = rig.pair(&order).klarna;
    assert_eq!(klarna.refunds.iter().map(|it| it.amount).collect::<Vec<_>>(), [2_000]);
}

/// The shop dates changes by whole seconds: two changes with a pass between them may bear one date.
#[test]
fn a_change_in_the_same_second_as_the_one_before_is_not_overlooked() {
    let rig = Rig::empty(DRIVE);
    for attempt in 0..3 {
        let order = rig.order(5_000, KlarnaStart::Authorized, false);
        rig.with(|world| world.ship(order.id, None)).unwrap();
        rig.pass();
        assert_eq!(rig.pair(&order).klarna.captured_amount, 5_000, "attempt {attempt}");
        rig.cancel(&order);
        rig.pass();
        assert_eq!(rig.pair(&order).klarna.refunded_amount, 5_000, "attempt {attempt}");
    }
}

/// The example of the README, as it is printed there.
#[test]
fn the_commands_of_the_readme_work() {
    let rig = Rig::empty(DRIVE);
    let readme = include_str!("../../README.md");
    let commands = readme.lines().filter_map(|it| it.strip_prefix("cargo run -- "));
    let commands: Vec<Vec<&str>> = commands.map(|it| it.split_whitespace().collect()).collect();
    assert!(commands.len() >= 4, "{commands:?}");
    for arguments in commands {
        let ran = rig.plain(&arguments);
        assert!([0, 1].contains(&ran.status), "{arguments:?}: {ran:?}");
    }
}
