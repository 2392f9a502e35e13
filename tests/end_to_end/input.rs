//! What neither side should ever say: read without harm, named clearly, and nothing written on doubt.

use std::thread;

use reconciled_sandbox::{BodyFormat, FaultKind, Side};

use crate::support::{DRIVE, Pass, Placed, Rig, text};

/// A shop with one healthy return beside whatever a test does to another order.
struct Doubt {
    rig: Rig,
    doubtful: Placed,
    healthy: Placed,
}

impl Doubt {
    fn new() -> Self {
        let rig = Rig::empty(DRIVE);
        let (doubtful, _) = rig.returned(5_035, 4_495);
        let (healthy, _) = rig.returned(8_000, 1_250);
        Self { rig, doubtful, healthy }
    }

    /// One pass: the healthy order is refunded and marked, the doubtful one untouched, and the doubt is told.
    #[track_caller]
    fn is_told(&self, what: &str) -> Pass {
        let pass = self.rig.pass();
        assert!([1, 3].contains(&pass.status), "{what}: status {}: {:#}", pass.status, pass.json);
        self.rig.money_is_safe();
        let untouched = self.rig.pair(&self.doubtful);
        assert_eq!(untouched.klarna.refunded_amount, 0, "{what}: written on doubt: {untouched:#?}");
        let healthy = self.rig.pair(&self.healthy);
        assert_eq!(healthy.klarna.refunded_amount, 1_250, "{what}: the healthy order waits: {:#}", pass.json);
        assert!(healthy.credits().all(|it| it.status == "paid"), "{what}");
        let told = pass.list("not_checked").len() + pass.list("breaks").len();
        assert!(told > 0, "{what}: nothing is said: {:#}", pass.json);
        if pass.status == 3 {
            assert_eq!(pass.json["complete"], false, "{what}");
        }
        pass
    }

    fn klarna_path(&self) -> String {
        format!("*/orders/{}", self.doubtful.klarna.unwrap())
    }
}

/// A case per thread; the cases wait for retries, not for the machine.
pub fn in_parallel<T: Send>(cases: Vec<T>, test: impl Fn(T) + Sync) {
    thread::scope(|scope| {
        for case in cases {
            scope.spawn(|| test(case));
        }
    });
}

/// Answers that are no answer.
fn nonsense() -> Vec<FaultKind> {
    let body = |text: &str| FaultKind::Body { text: text.to_owned() };
    vec![
        FaultKind::Garbage,
        FaultKind::TruncatedJson,
        FaultKind::HugeBody { bytes: 32 << 20 },
        FaultKind::CutBody { bytes: 20 },
        FaultKind::Drop,
        FaultKind::Redirect { code: 307, location: "http://127.0.0.1:1/".to_owned() },
        FaultKind::Status { code: 503, format: BodyFormat::Html },
        body(""),
        body("[]"),
        body("null"),
        body("\"order\""),
        body("{}"),
        body("{\"order\": false, \"orders\": 7, \"invoices\": {}, \"order_id\": []}"),
        body(&"[".repeat(100_000)),
        body("<html>\u{1b}]0;owned\u{7}</html>"),
    ]
}

#[test]
fn nonsense_from_klarna_about_one_order_leaves_it_unchecked_and_the_rest_is_done() {
    in_parallel(nonsense(), |kind| {
        let shop = Doubt::new();
        let name = format!("{kind:?}").chars().take(60).collect::<String>();
        shop.rig.fault_always(Side::Klarna, "GET", &shop.klarna_path(), kind);
        let pass = shop.is_told(&name);
        pass.ended(3);
        let told = pass.list("not_checked").iter().any(|it| text(&it["what"]).contains(&shop.doubtful.number));
        assert!(told, "{name}: {:#}", pass.json["not_checked"]);
        shop.rig.clear_faults();
        shop.rig.passes_until_quiet(3).ended(0);
        shop.rig.everything_is_settled();
    });
}

#[test]
fn nonsense_from_the_shop_about_one_order_leaves_it_unchecked_and_the_rest_is_done() {
    let mut kinds = nonsense();
    kinds.push(FaultKind::ErrorIn200 { message: "try later".to_owned() });
    kinds.push(FaultKind::Refusal { code: 404, error_code: "404".to_owned(), message: "Not found".to_owned() });
    in_parallel(kinds, |kind| {
        let shop = Doubt::new();
        let name = format!("{kind:?}").chars().take(60).collect::<String>();
        shop.rig.fault_always(Side::Lightspeed, "GET", &format!("*/orders/{}.json", shop.doubtful.id), kind);
        shop.is_told(&name).ended(3);
        shop.rig.clear_faults();
        shop.rig.passes_until_quiet(3).ended(0);
        shop.rig.everything_is_settled();
    });
}

#[test]
fn a_list_that_cannot_be_read_means_that_nothing_was_checked() {
    let mut kinds = nonsense();
    kinds.push(FaultKind::ErrorIn200 { message: "try later".to_owned() });
    kinds.push(FaultKind::Refusal { code: 404, error_code: "404".to_owned(), message: "Not found".to_owned() });
    let mut cases = Vec::new();
    for list in ["*/orders.json", "*/invoices.json", "*/shop.json"] {
        let wanted = |kind: &&FaultKind| list == "*/orders.json" || !matches!(kind, FaultKind::HugeBody { .. });
        cases.extend(kinds.iter().filter(wanted).map(|kind| (list, kind.clone())));
    }
    in_parallel(cases, |(list, kind)| {
        let rig = Rig::empty(DRIVE);
        rig.returned(5_035, 4_495);
        let name = format!("{list} {kind:?}").chars().take(80).collect::<String>();
        rig.fault_always(Side::Lightspeed, "GET", list, kind);
        let pass = rig.pass();
        assert_eq!(pass.status, 3, "{name}: {:#}", pass.json);
        assert_eq!(pass.json["complete"], false, "{name}");
        assert!(!pass.list("not_checked").is_empty(), "{name}");
        assert_eq!(rig.writes(), vec![], "{name}");
        rig.clear_faults();
        rig.passes_until_quiet(3).ended(0);
        rig.everything_is_settled();
    });
}

#[test]
fn a_transient_404_at_klarna_is_a_break_that_closes_by_itself() {
    let shop = Doubt::new();
    let kind =
        FaultKind::Refusal { code: 404, error_code: "NO_SUCH_ORDER".to_owned(), message: "No such order".to_owned() };
    shop.rig.fault_always(Side::Klarna, "GET", &shop.klarna_path(), kind);
    let pass = shop.is_told("404");
    assert_eq!(pass.breaks_of(&shop.doubtful.number), ["klarna_order_not_found"]);
    shop.rig.clear_faults();
    let last = shop.rig.passes_until_quiet(3);
    last.ended(0);
    assert_eq!(last.breaks_of(&shop.doubtful.number), [""; 0]);
    shop.rig.everything_is_settled();
}
