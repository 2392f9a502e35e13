//! Each shipment is its own capture: an effect is named after what is due, and a name that was used stays with its effect.

use reconciled_core::intent::Kind;
use reconciled_core::order::Order;

use crate::common::{Ask, Scene, order};

/// One thing for 60.00 and one for 40.00, each in its own parcel; the first is captured.
fn two_parcels(first_changed: &str) -> Scene {
    order("100.00")
        .line(1, 1, "60.00")
        .line(2, 1, "40.00")
        .shipment("SHP1", first_changed, &[(1, 1)])
        .shipment("SHP2", "2h", &[(2, 1)])
        .captured_as("c1", "60.00", "24h", Some("SHP1"))
        .known_as(Order::PartlyPaid)
        .intended(&capture("SHP1", "60.00").confirmed("c1", "24h"))
}

/// Two of one thing for 100.00 on one slip, which said one of them when the first 50.00 were captured.
fn filled_up() -> Scene {
    order("100.00")
        .line(1, 2, "100.00")
        .shipment("SHP1", "1h", &[(1, 2)])
        .captured_as("c1", "50.00", "24h", Some("SHP1"))
        .known_as(Order::PartlyPaid)
}

fn capture(reference: &'static str, amount: &'static str) -> Ask {
    Ask::new(Kind::Capture, reference, amount)
}

cases! {
    the_second_parcel_is_captured_under_its_own_number:
        two_parcels("24h") => "
            capture SHP2 40.00 act
            look_again 480h";

    a_tracking_code_on_the_first_slip_changes_nothing:
        two_parcels("1h") => "
            capture SHP2 40.00 act
            look_again 480h";

    nor_does_it_rename_a_capture_that_is_planned:
        two_parcels("1h").intended(&capture("SHP2", "40.00")) => "
            capture SHP2 40.00 act again
            look_again 480h";

    nor_does_it_start_one_anew_whose_answer_was_lost:
        two_parcels("1h").intended(&capture("SHP2", "40.00").unknown("2s")) => "
            intent capture SHP2 absent
            look_again 5s";

    the_same_slip_filled_up_is_captured_under_a_name_of_its_own:
        filled_up().intended(&capture("SHP1", "50.00").confirmed("c1", "24h")) => "
            capture SHP1:2 50.00 act
            look_again 480h";

    what_only_klarna_knows_of_the_first_capture_is_enough_for_that:
        filled_up() => "
            capture SHP1:2 50.00 act
            look_again 480h";

    a_third_time_has_a_third_name:
        order("100.00").line(1, 3, "90.00").shipment("SHP1", "1h", &[(1, 3)])
            .captured_as("c1", "40.00", "24h", Some("SHP1")).captured_as("c2", "30.00", "12h", Some("SHP1:2")).known_as(Order::PartlyPaid)
            .intended(&capture("SHP1", "40.00").confirmed("c1", "24h")).intended(&capture("SHP1:2", "30.00").confirmed("c2", "12h")) => "
            capture SHP1:3 30.00 act
            look_again 480h";

    a_refused_capture_of_the_slip_still_waits_for_a_human:
        filled_up().klarna_says(|klarna| klarna.captures[0].reference = None)
            .intended(&capture("SHP1", "50.00").rejected("CAPTURE_NOT_ALLOWED", "1h")) => "
            break capture_rejected SHP1 50.00
            look_again 480h";

    without_a_slip_the_capture_has_the_number_of_the_order:
        order("100.00").all_shipped() => "
            capture ORD1 100.00 act
            look_again 480h";

    without_a_slip_the_next_one_has_a_name_of_its_own_too:
        order("100.00").all_shipped().captured_as("c1", "60.00", "24h", Some("ORD1")).known_as(Order::PartlyPaid) => "
            capture ORD1:2 40.00 act
            look_again 480h";
}
