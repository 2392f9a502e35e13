//! Passes come by themselves, once each, and money controls work beside them.

use reconciled_sandbox::{FaultKind, Side};
use rustix::process::Signal;

use crate::service::{OFTEN, RARELY, Service, is_paid};
use crate::support::{DRIVE, Rig, wait_until};

#[test]
fn a_return_is_refunded_and_paid_without_anybody_asking() {
    let rig = Rig::empty(DRIVE);
    let service = Service::start(&rig, DRIVE, OFTEN);
    let (order, credit) = rig.returned(5000, 2000);
    wait_until("the credit invoice is paid", || is_paid(&rig, &order));
    assert_eq!(rig.pair(&order).refunded_under(&credit), 2000);
    assert_eq!(service.terminate(), 0);
    rig.audit();
}

#[test]
fn a_start_after_a_stop_does_not_repeat_a_pass_that_is_not_due() {
    let rig = Rig::empty(DRIVE);
    let service = Service::start(&rig, DRIVE, RARELY);
    service.passes_beyond(0);
    assert_eq!(service.terminate(), 0);
    let (order, _) = rig.returned(5000, 2000);
    rig.clear_log();
    let service = Service::start(&rig, DRIVE, RARELY);
    let (status, _) = service.ask("GET", "/healthz", &[], "");
    assert_eq!(status, 200);
    service.waits_for("the service is ready");
    assert_eq!(service.terminate(), 0);
    assert!(rig.log().is_empty(), "{:?}", rig.log());
    assert_eq!(rig.pair(&order).ours().count(), 0);
}

#[test]
fn a_pass_that_a_crash_cut_short_is_made_up() {
    let rig = Rig::empty(DRIVE);
    let (order, credit) = rig.returned(5000, 2000);
    rig.fault(Side::Klarna, "POST", "*/refunds", FaultKind::Hang, true);
    let mut service = Service::start(&rig, DRIVE, RARELY);
    wait_until("the refund was asked for", || rig.pair(&order).ours().count() == 1);
    service.signal(Signal::KILL);
    service = Service::start(&rig, DRIVE, RARELY);
    wait_until("the credit invoice is paid", || is_paid(&rig, &order));
    assert_eq!(rig.pair(&order).refunded_under(&credit), 2000);
    assert_eq!(service.terminate(), 0);
}

#[test]
fn the_kill_switch_works_beside_a_running_service() {
    let rig = Rig::empty(DRIVE);
    let service = Service::start(&rig, DRIVE, OFTEN);
    service.passes_beyond(0);
    rig.run(&["stop", "--note", "looking"]).ended(0);
    let (order, _) = rig.returned(5000, 2000);
    let before = service.figure("reconciled_passes_total").unwrap();
    service.passes_beyond(before + 2);
    assert_eq!(rig.pair(&order).ours().count(), 0);
    assert_eq!(service.figure("reconciled_stopped{shop=\"main\"}"), Some(1));
    rig.run(&["resume", "--note", "looked"]).ended(0);
    wait_until("the credit invoice is paid", || is_paid(&rig, &order));
    assert_eq!(service.terminate(), 0);
}

#[test]
fn two_services_on_one_store_refund_once() {
    let rig = Rig::empty(DRIVE);
    let first = Service::start(&rig, DRIVE, OFTEN);
    let second = Service::start(&rig, DRIVE, OFTEN);
    let orders: Vec<_> = (1..=5).map(|number| rig.returned(5000, 1000 * number)).collect();
    wait_until("every credit invoice is paid", || orders.iter().all(|(order, _)| is_paid(&rig, order)));
    for (order, _) in &orders {
        assert_eq!(rig.pair(order).ours().count(), 1);
    }
    assert_eq!((first.terminate(), second.terminate()), (0, 0));
    rig.audit();
}

#[test]
fn a_wrong_configuration_says_everything_at_once_and_is_no_crash() {
    let rig = Rig::empty(DRIVE);
    rig.configure_as("nl", "act = \"perhaps\"", "[schedule]\npoll = \"often\"\n[server]\nlisten = \"everywhere\"\n");
    let ran = rig.run(&["run"]);
    ran.ended(2);
    for key in ["policy.act", "schedule.poll", "server.listen"] {
        assert!(ran.err.contains(key), "{key} is not in:\n{}", ran.err);
    }
}
