//! Lost, cut, garbled and refused answers to every kind of write: nothing twice, nothing lost, nothing above captured.
//!
//! Each shop holds one order per fault, so that one pass meets them all; the shops run side by side.

use std::sync::{LazyLock, Mutex};
use std::thread;
use std::time::Duration;

use reconciled_sandbox::{BodyFormat, FaultKind, KlarnaStart, Side};

use crate::support::{DRIVE, DRIVE_PATIENTLY, Placed, Rig};

/// Which write goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Write {
    Refund,
    Cancel,
    Release,
    Capture,
    MarkPaid,
}

impl Write {
    /// An order for which this write is due, and the path it goes to.
    fn due(self, rig: &Rig) -> (Placed, String) {
        let order = match self {
            Self::Refund | Self::MarkPaid => rig.returned(5_035, 4_495).0,
            Self::Cancel => {
                let order = rig.order(5_035, KlarnaStart::Authorized, false);
                rig.cancel(&order);
                order
            }
            Self::Release => {
                let order = rig.order(5_035, KlarnaStart::PartCaptured(2_000), false);
                rig.cancel(&order);
                order
            }
            Self::Capture => rig.order(5_035, KlarnaStart::Authorized, true),
        };
        let klarna = order.klarna.unwrap();
        let path = match self {
            Self::Refund => format!("*/orders/{klarna}/refunds"),
            Self::Cancel => format!("*/orders/{klarna}/cancel"),
            Self::Release => format!("*/orders/{klarna}/release-remaining-authorization"),
            Self::Capture => format!("*/orders/{klarna}/captures"),
            Self::MarkPaid => {
                let pair = rig.pair(&order);
                let credit = pair.credits().next().unwrap().id;
                format!("*/invoices/{credit}.json")
            }
        };
        (order, path)
    }

    const fn side(self) -> Side {
        match self {
            Self::MarkPaid => Side::Lightspeed,
            Self::Refund | Self::Cancel | Self::Release | Self::Capture => Side::Klarna,
        }
    }
}

fn status(code: u16, format: BodyFormat) -> FaultKind {
    FaultKind::Status { code, format }
}

/// Faults after which the outcome is unknown, and whether the work was done; none of them touches the account.
fn uncertain() -> Vec<(FaultKind, bool)> {
    let conflict = || FaultKind::Refusal {
        code: 409,
        error_code: "CONFLICT".to_owned(),
        message: "Another request is being processed".to_owned(),
    };
    let elsewhere = || FaultKind::Redirect { code: 307, location: "http://127.0.0.1:1/elsewhere".to_owned() };
    let mut faults = Vec::new();
    for after in [false, true] {
        faults.push((FaultKind::Drop, after));
        for code in [500, 502, 503, 504] {
            faults.push((status(code, BodyFormat::Html), after));
        }
        faults.push((status(500, BodyFormat::Json), after));
        faults.push((conflict(), after));
        faults.push((elsewhere(), after));
        faults.push((status(404, BodyFormat::Html), after));
    }
    faults.push((FaultKind::Garbage, true));
    faults.push((FaultKind::CutBody { bytes: 3 }, true));
    faults.push((FaultKind::MissingIds, true));
    faults.push((FaultKind::OtherStatus { code: 200 }, true));
    faults.push((FaultKind::OtherStatus { code: 202 }, true));
    faults.push((FaultKind::ContentType { value: "text/html".to_owned() }, true));
    faults
}

/// What the services do besides.
#[derive(Clone, Copy, Debug, Default)]
pub struct Ways {
    no_reference: bool,
    no_refund_id: bool,
    read_lag_ms: u32,
    forgets_keys: bool,
}

impl Ways {
    fn apply(self, rig: &Rig) {
        if self.no_reference {
            rig.switch("klarna.reads_carry_reference", "false");
        }
        if self.no_refund_id {
            rig.switch("klarna.reads_carry_refund_id", "false");
        }
        rig.switch("klarna.read_lag_ms", &self.read_lag_ms.to_string());
        if self.forgets_keys {
            rig.switch("klarna.key_ttl_s", "0");
        }
    }
}

/// One shop with an order per fault: passes until it is at rest, watched at every step.
fn survives(write: Write, ways: Ways) {
    let rig = Rig::empty(&format!(
        "{DRIVE_PATIENTLY}\nrefund_limit_per_pass = \"50000.00\"\nrefund_limit_per_day = \"50000.00\""
    ));
    ways.apply(&rig);
    let faults: Vec<u64> = uncertain()
        .into_iter()
        .map(|(kind, after)| {
            let (_, path) = write.due(&rig);
            rig.fault(write.side(), "POST,PATCH,PUT", &path, kind, after)
        })
        .collect();
    let mut last = rig.pass();
    for fault in &faults {
        assert_eq!(rig.fired(*fault), 1, "{write:?}: fault {fault} met nothing");
    }
    for _ in 0..4 {
        rig.money_is_safe();
        // As long as an outcome is unknown, the pass must say so.
        let unknown = last.list("effects").iter().any(|it| it["outcome"] == "unknown");
        assert!(!unknown || last.status == 3, "{write:?} {ways:?}: {:#}", last.json);
        if last.status == 0 {
            break;
        }
        last = rig.pass();
    }
    if write == Write::Release && ways.read_lag_ms > 0 {
        // What the release settles is paid once a read shows it.
        thread::sleep(Duration::from_millis(ways.read_lag_ms.into()));
        last = rig.pass();
    }
    assert_eq!(last.status, 0, "{write:?} {ways:?}: {:#}", last.json);
    rig.everything_is_settled();
    if write == Write::Capture {
        assert!(rig.pairs().iter().all(|it| it.klarna.captured_amount == 5_035 && it.klarna.captures.len() == 1));
    }
    rig.clear_log();
    rig.pass_with(&["--full"]).ended(0);
    assert_eq!(rig.writes(), vec![], "{write:?} {ways:?}");
    rig.audit();
}

const PLAIN: Ways = Ways { no_reference: false, no_refund_id: false, read_lag_ms: 0, forgets_keys: false };

/// Every way in which each write is tried.
fn cases() -> Vec<(Write, Ways)> {
    let (unnamed, lags) = (Ways { no_reference: true, ..PLAIN }, Ways { read_lag_ms: 3_000, ..PLAIN });
    let forgets = Ways { forgets_keys: true, ..PLAIN };
    let worst = Ways { read_lag_ms: 3_000, forgets_keys: true, ..PLAIN };
    let unnamed_worst = Ways { no_reference: true, ..worst };
    let bare = Ways { no_refund_id: true, ..PLAIN };
    let bare_unnamed = Ways { no_reference: true, ..bare };
    let bare_worst = Ways { no_refund_id: true, ..unnamed_worst };
    let of = |write, ways: &[Ways]| ways.iter().map(|it| (write, *it)).collect::<Vec<_>>();
    [
        of(Write::Refund, &[PLAIN, unnamed, lags, forgets, worst, unnamed_worst, bare, bare_unnamed, bare_worst]),
        of(Write::Capture, &[PLAIN, unnamed, worst]),
        of(Write::Cancel, &[PLAIN, worst]),
        of(Write::Release, &[PLAIN, worst]),
        of(Write::MarkPaid, &[PLAIN]),
    ]
    .concat()
}

fn survives_in_all(write: Write) {
    finish(|case| case.0 == write && !case.1.no_refund_id);
}

/// All cases begin together, since they mostly wait; each test takes the end of its own.
fn finish(own: impl Fn(&(Write, Ways)) -> bool) {
    type Started = Vec<((Write, Ways), Option<thread::JoinHandle<()>>)>;
    static ALL: LazyLock<Mutex<Started>> = LazyLock::new(|| {
        let test = |(write, ways): (Write, Ways)| {
            if ways.no_refund_id { is_safe_without_ids(ways) } else { survives(write, ways) }
        };
        let start = |case| (case, Some(thread::spawn(move || test(case))));
        Mutex::new(cases().into_iter().map(start).collect())
    });
    let started: Vec<_> = ALL.lock().unwrap().iter_mut().filter(|it| own(&it.0)).filter_map(|it| it.1.take()).collect();
    assert!(!started.is_empty());
    for one in started {
        one.join().expect("a case failed; its message is above");
    }
}

#[test]
fn a_lost_answer_to_a_refund_never_doubles_and_never_loses_it() {
    survives_in_all(Write::Refund);
}

#[test]
fn a_lost_answer_to_a_cancel_is_settled() {
    survives_in_all(Write::Cancel);
}

#[test]
fn a_lost_answer_to_a_release_is_settled() {
    survives_in_all(Write::Release);
}

#[test]
fn a_lost_answer_to_a_capture_never_captures_twice() {
    survives_in_all(Write::Capture);
}

#[test]
fn a_lost_answer_to_mark_paid_is_asked_again() {
    survives_in_all(Write::MarkPaid);
}

/// Reads without refund ids: nothing in them tells one refund from another, so a human may be needed. The money must
/// be safe, and nothing may be lost in silence.
fn is_safe_without_ids(ways: Ways) {
    let rig = Rig::empty(DRIVE);
    ways.apply(&rig);
    for (kind, after) in uncertain() {
        let (_, path) = Write::Refund.due(&rig);
        rig.fault(Side::Klarna, "POST", &path, kind, after);
    }
    for _ in 0..3 {
        rig.pass();
        rig.money_is_safe();
    }
    let last = rig.pass();
    for pair in rig.pairs() {
        let number = &pair.shop.number;
        let refunded = pair.klarna.refunded_amount == 4_495;
        let reported = !last.breaks_of(number).is_empty();
        let waits = last.effects_of(number).iter().any(|(_, it)| it != "confirmed");
        assert!(refunded || reported || waits, "{ways:?}: {number} is lost: {:#}", last.json);
        let paid = pair.credits().all(|it| it.status == "paid");
        assert!(!paid || refunded, "{ways:?}: {number} paid, not refunded");
    }
    rig.audit();
}

#[test]
fn without_refund_ids_and_references_a_lost_refund_is_never_doubled() {
    finish(|case| case.1.no_refund_id);
}

#[test]
fn what_stays_unknown_ends_with_three_until_it_is_known() {
    let rig = Rig::empty(DRIVE);
    let (order, credit) = rig.returned(5_035, 4_495);
    rig.fault_always(Side::Klarna, "POST", "*/refunds", FaultKind::Drop);
    let pass = rig.pass();
    pass.ended(3);
    assert_eq!(pass.effects_of(&order.number), [("refund".to_owned(), "unknown".to_owned())]);
    assert_eq!(pass.credit(&credit)["state"], "refund_requested");
    // The next attempt waits for its time: nothing is sent meanwhile.
    rig.clear_log();
    rig.pass().ended(3);
    assert_eq!(rig.writes(), vec![]);
    rig.clear_faults();
    // Somebody sees it happen late: the read settles it.
    let klarna = order.klarna.unwrap();
    rig.with(|world| world.portal_refund(klarna, Some(4_495), Some(&credit))).unwrap();
    rig.pass().ended(0);
    assert_eq!(rig.invoice_status(&credit), "paid");
    assert_eq!(rig.pair(&order).klarna.refunds.len(), 1);
}

/// A payment that never arrived changes nothing that a list would name: the order is read before it is sent again.
#[test]
fn a_lost_payment_is_repeated_only_after_the_shop_was_asked_again() {
    let rig = Rig::empty(DRIVE_PATIENTLY);
    let (order, credit) = rig.returned(5_035, 4_495);
    rig.fault(Side::Lightspeed, "PUT", "*/invoices/*", FaultKind::Drop, false);
    rig.pass().ended(3);
    // The lists overlap by some seconds; this is how the next pass finds the shop when more time has gone by.
    for list in ["orders", "invoices"] {
        let nothing = FaultKind::Body { text: format!("{{\"{list}\": []}}") };
        rig.fault_always(Side::Lightspeed, "GET", &format!("*/{list}.json"), nothing);
    }
    rig.clear_log();
    rig.pass().ended(0);
    let log = rig.log();
    let at = |method: &str, part: &str| {
        let found = log.iter().find(|it| it.side == Side::Lightspeed && it.method == method && it.path.contains(part));
        found.map(|it| it.sequence)
    };
    let (read, paid) = (at("GET", &format!("/orders/{}.json", order.id)), at("PUT", "/invoices/"));
    assert!(read.is_some() && read < paid, "read {read:?}, paid {paid:?}");
    assert_eq!(rig.invoice_status(&credit), "paid");
}
