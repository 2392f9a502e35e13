//! Words, amounts and texts that are none: each stops its own order, is shown harmlessly, and moves no wrong money.

use serde_json::{Value, json};

use crate::input::in_parallel;
use crate::support::{DRIVE, Pass, Placed, Rig, text};

/// A shop with one healthy return, and one more for every value that is spoilt.
struct Spoilt {
    rig: Rig,
    healthy: Placed,
}

impl Spoilt {
    fn new() -> Self {
        let rig = Rig::empty(DRIVE);
        let (healthy, _) = rig.returned(8_000, 1_250);
        Self { rig, healthy }
    }

    /// A return of which one field of one side says something else from now on.
    fn spoil(&self, whose: &str, field: &str, value: &Value) -> (Placed, String) {
        let (order, credit) = self.rig.returned(5_035, 4_495);
        let id = match whose {
            "invoice" => credit.clone(),
            "klarna_order" => order.klarna.unwrap().to_string(),
            _ => order.number.clone(),
        };
        let mut body = json!({"field": field, whose: id});
        body.as_object_mut().unwrap().extend(value.as_object().unwrap().clone());
        self.rig.control("act/set_field", &body);
        (order, credit)
    }

    /// The healthy order is refunded and marked, whatever stands beside it.
    #[track_caller]
    fn the_rest_is_done(&self, pass: &Pass, what: &str) {
        let healthy = self.rig.pair(&self.healthy);
        assert_eq!(healthy.klarna.refunded_amount, 1_250, "{what}: the healthy order waits: {:#}", pass.json);
        assert!(healthy.credits().all(|it| it.status == "paid"), "{what}");
    }

    /// Nothing was written for this order, and somebody is told.
    #[track_caller]
    fn is_told(&self, pass: &Pass, order: &Placed, what: &str) {
        let untouched = self.rig.pair(order);
        assert_eq!(untouched.klarna.refunded_amount, 0, "{what}: written on doubt: {untouched:#?}");
        assert!(untouched.credits().all(|it| it.status != "paid"), "{what}: marked on doubt");
        let (number, id) = (order.number.as_str(), order.id.to_string());
        let names = |it: &Value| text(&it["what"]).contains(number) || text(&it["what"]).contains(&id);
        let unchecked = pass.list("not_checked").iter().any(names);
        assert!(unchecked || !pass.breaks_of(number).is_empty(), "{what}: nothing is said: {:#}", pass.json);
    }
}

#[test]
fn words_that_nobody_knows_are_breaks_and_stop_the_order() {
    let shop = Spoilt::new();
    let words = [
        ("order", "status", "frobnicated"),
        ("klarna_order", "status", "FROBNICATED"),
        ("klarna_order", "fraud_status", "FROBNICATED"),
        ("invoice", "status", "frobnicated"),
    ];
    let orders = words.map(|(whose, field, word)| shop.spoil(whose, field, &json!({"json": word})).0);
    let pass = shop.rig.pass();
    pass.ended(1);
    shop.the_rest_is_done(&pass, "unknown words");
    for ((whose, field, word), order) in words.iter().zip(&orders) {
        shop.is_told(&pass, order, field);
        assert_eq!(pass.breaks_of(&order.number), ["unknown_value"], "{whose}.{field}");
        let found = pass.list("breaks").iter().find(|it| it["order"] == order.number.as_str()).unwrap();
        assert!(text(&found["message"]).contains(word), "{whose}.{field}: {found}");
    }
}

#[test]
fn an_amount_that_is_none_is_never_refunded() {
    let digits = "9".repeat(60);
    let shop = Spoilt::new();
    let amounts = ["1e400", "12.3456", "44.955", &digits, "\"12,50\"", "null", "false", "[]", "\"\""];
    let spoilt = amounts.map(|amount| (amount, shop.spoil("invoice", "priceIncl", &json!({"text": amount})).0));
    let pass = shop.rig.pass();
    shop.the_rest_is_done(&pass, "amounts");
    for (amount, order) in &spoilt {
        shop.is_told(&pass, order, amount);
    }
    shop.rig.audit();
}

#[test]
fn a_list_with_an_amount_that_is_no_json_is_not_read() {
    let shop = Spoilt::new();
    shop.spoil("invoice", "priceIncl", &json!({"text": "NaN"}));
    let pass = shop.rig.pass();
    pass.ended(3);
    assert_eq!(pass.json["complete"], false);
    assert_eq!(shop.rig.writes(), vec![]);
}

#[test]
fn amounts_at_klarna_that_are_none_stop_the_order() {
    let digits = "9".repeat(40);
    let shop = Spoilt::new();
    let mut spoilt = Vec::new();
    for field in ["captured_amount", "refunded_amount", "order_amount", "remaining_authorized_amount"] {
        for amount in ["NaN", "1e400", "-5", "12.5", &digits, "\"x\"", "null", "{}"] {
            // Klarna may leave the remaining amount out; it follows from the others.
            if (field, amount) != ("remaining_authorized_amount", "null") {
                let value = json!({"text": amount});
                spoilt.push((format!("{field} {amount}"), shop.spoil("klarna_order", field, &value).0));
            }
        }
    }
    let pass = shop.rig.pass();
    pass.ended(3);
    shop.the_rest_is_done(&pass, "amounts at Klarna");
    for (what, order) in &spoilt {
        shop.is_told(&pass, order, what);
    }
}

/// Text that would obey, mislead or overflow.
fn hostile() -> Vec<String> {
    let million = "x".repeat(1 << 20);
    [
        "\u{1b}[2J\u{1b}]0;owned\u{7}",
        "ORD\r\nSet-Cookie: a=b",
        "\u{202e}0001DRO\u{2066}",
        "<script>alert(1)</script>",
        "=HYPERLINK(\"http://127.0.0.1:1\")",
        "a\u{0}b",
        "\u{9b}31m",
        "../../../etc/passwd",
        "'; DROP TABLE intent; --",
        &million,
    ]
    .map(str::to_owned)
    .to_vec()
}

#[test]
fn hostile_text_in_any_field_is_shown_harmlessly_and_moves_no_wrong_money() {
    in_parallel(hostile(), |word| {
        let name: String = word.chars().take(20).collect();
        let shop = Spoilt::new();
        let fields = [
            ("order", "number"),
            ("order", "memo"),
            ("order", "status"),
            ("invoice", "number"),
            ("klarna_order", "status"),
            ("klarna_order", "order_id"),
            ("klarna_order", "merchant_reference1"),
        ];
        let spoilt = fields.map(|(whose, field)| (field, shop.spoil(whose, field, &json!({"json": word})).0));
        // Every run is checked for control characters in what it prints.
        let pass = shop.rig.pass();
        assert_ne!(pass.status, 2, "{name:?}: {}", pass.err);
        shop.the_rest_is_done(&pass, &name);
        for (field, order) in spoilt {
            let klarna = shop.rig.pair(&order).klarna;
            assert!([0, 4_495].contains(&klarna.refunded_amount), "{field} {name:?}: {klarna:#?}");
            assert!(klarna.refunds.len() <= 1, "{field} {name:?}: {klarna:#?}");
            shop.rig.run(&["show", &order.number]);
        }
        shop.rig.run(&["reconcile", "--full"]);
        shop.rig.run(&["breaks", "list"]);
        shop.rig.audit();
    });
}
