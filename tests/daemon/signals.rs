//! SIGTERM finishes what is under way; SIGHUP takes a new configuration, or keeps the old one.

use reconciled_sandbox::{FaultKind, Side};
use rustix::process::Signal;

use crate::service::{OFTEN, RARELY, Service, is_paid};
use crate::support::{DRIVE, Rig, wait_until};

#[test]
fn a_stop_in_the_middle_of_a_write_records_its_answer() {
    let rig = Rig::empty(DRIVE);
    let (order, credit) = rig.returned(5000, 2000);
    let fault = rig.fault(Side::Klarna, "POST", "*/refunds", FaultKind::Delay { ms: 1_500 }, true);
    let service = Service::start(&rig, DRIVE, RARELY);
    wait_until("the refund is under way", || rig.fired(fault) == 1);
    assert_eq!(service.terminate(), 0);
    assert_eq!(rig.pair(&order).refunded_under(&credit), 2000);
    rig.run(&["show", &credit]).ended(0).says("confirmed");
    rig.audit();
}

#[test]
fn a_pass_that_was_asked_to_end_is_made_up_after_the_next_start() {
    let rig = Rig::empty(DRIVE);
    let (order, credit) = rig.returned(5000, 2000);
    let fault = rig.fault(Side::Lightspeed, "GET", "*/orders.json", FaultKind::Delay { ms: 1_500 }, true);
    let service = Service::start(&rig, DRIVE, RARELY);
    wait_until("the list is asked for", || rig.fired(fault) == 1);
    assert_eq!(service.terminate(), 0);
    assert_eq!(rig.pair(&order).ours().count(), 0);
    let service = Service::start(&rig, DRIVE, RARELY);
    wait_until("the credit invoice is paid", || is_paid(&rig, &order));
    assert_eq!(rig.pair(&order).refunded_under(&credit), 2000);
    assert_eq!(service.terminate(), 0);
}

#[test]
fn a_wrong_configuration_is_refused_and_the_old_one_stays() {
    let rig = Rig::empty(DRIVE);
    let service = Service::start(&rig, DRIVE, OFTEN);
    service.passes_beyond(0);
    std::fs::write(rig.path("reconciled.toml"), "[shops.main.policy]\nact = \"perhaps\"\n").unwrap();
    service.signal(Signal::HUP);
    service.waits_for("the old one stays");
    let (order, _) = rig.returned(5000, 2000);
    wait_until("the credit invoice is paid", || is_paid(&rig, &order));
    assert_eq!(service.terminate(), 0);
}

#[test]
fn a_new_policy_holds_without_a_restart() {
    let rig = Rig::empty(DRIVE);
    let planning = DRIVE.replace("act = true", "act = false");
    let service = Service::start(&rig, &planning, OFTEN);
    let (order, _) = rig.returned(5000, 2000);
    service.passes_beyond(2);
    assert_eq!(rig.pair(&order).ours().count(), 0);
    rig.configure_as("nl", DRIVE, &format!("{OFTEN}\n[server]\nlisten = \"{}\"\n", service.address));
    service.signal(Signal::HUP);
    service.waits_for("the configuration was read again");
    wait_until("the credit invoice is paid", || is_paid(&rig, &order));
    assert_eq!(service.terminate(), 0);
}

#[test]
fn a_configuration_with_one_shop_that_cannot_be_worked_on_is_refused_whole() {
    let rig = Rig::empty(DRIVE);
    let planning = DRIVE.replace("act = true", "act = false");
    let service = Service::start(&rig, &planning, OFTEN);
    service.passes_beyond(0);
    // The policy would let money go, but the schedule is never due.
    let never = "[schedule]\npoll = \"0 0 31 2 * UTC\"\n";
    rig.configure_as("nl", DRIVE, &format!("{never}\n[server]\nlisten = \"{}\"\n", service.address));
    let (order, _) = rig.returned(5000, 2000);
    service.signal(Signal::HUP);
    service.waits_for("the old one stays");
    let before = service.figure("reconciled_passes_total").unwrap();
    service.passes_beyond(before + 2);
    assert_eq!(rig.pair(&order).ours().count(), 0);
    assert_eq!(service.terminate(), 0);
}

#[test]
fn a_service_signs_its_journal_after_its_first_pass_and_when_it_stops() {
    let rig = Rig::empty(DRIVE);
    rig.run(&["audit", "key", "--new", rig.path("checkpoint.key").to_str().unwrap()]).ended(0);
    let signs = format!("{RARELY}\n[checkpoints]\ndirectory = \"signed\"\nkey_file = \"checkpoint.key\"\n");
    let signed = || -> Vec<String> {
        let files = std::fs::read_dir(rig.path("signed")).into_iter().flatten();
        files.map(|file| file.unwrap().path().display().to_string()).filter(|it| it.ends_with(".checkpoint")).collect()
    };
    let (order, _) = rig.returned(5000, 2000);
    let service = Service::start(&rig, DRIVE, &signs);
    service.waits_for("the journal is signed");
    assert!(is_paid(&rig, &order));
    assert_eq!(signed().len(), 1);
    rig.run(&["hold", &order.number, "--note", "checking"]).ended(0);
    assert_eq!(service.terminate(), 0);
    let files = signed();
    assert_eq!(files.len(), 2, "{files:?}");
    let files: Vec<&str> = files.iter().map(String::as_str).collect();
    rig.run(&[&["audit", "verify", "--checkpoint"], &files[..]].concat()).ended(0);
}

#[test]
fn every_full_sweep_is_signed() {
    let rig = Rig::empty(DRIVE);
    rig.run(&["audit", "key", "--new", rig.path("checkpoint.key").to_str().unwrap()]).ended(0);
    let (order, _) = rig.returned(5000, 2000);
    let sweeps = "[schedule]\npoll = \"every 7 days\"\nfull = \"every 1 seconds\"\n[checkpoints]\ndirectory = \"signed\"\n\
                  key_file = \"checkpoint.key\"\n";
    let signed = || {
        let files = std::fs::read_dir(rig.path("signed")).into_iter().flatten();
        files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|it| it == "checkpoint")).count()
    };
    let service = Service::start(&rig, DRIVE, sweeps);
    wait_until("the journal is signed and nothing more happens", || signed() > 0 && is_paid(&rig, &order));
    let before = signed();
    rig.run(&["hold", &order.number, "--note", "checking"]).ended(0);
    wait_until("the next sweep signs what came since", || signed() > before);
    assert_eq!(service.terminate(), 0);
}
