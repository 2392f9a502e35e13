//! What is fulfilled is not always shipped: an order is picked up, downloaded or completed by hand, and its shipments go on
//! saying that nothing left.

use reconciled_core::facts::{ShopStatus, Word};
use reconciled_core::fulfilment::{CaptureOn, Fulfilled};
use reconciled_core::order::Order;
use reconciled_core::policy::Mode;

use crate::common::{Scene, ago, order};

/// An order over 100.00 that the shop gave this status two hours ago; its shipments say that nothing left.
fn ended(status: ShopStatus) -> Scene {
    order("100.00").shop_says(|shop| {
        shop.status = Word::Known(status);
        shop.updated_at = ago("2h");
    })
}

fn on(scene: Scene, words: &[Fulfilled]) -> Scene {
    scene.policy(|policy| policy.capture_on = words.iter().copied().collect::<CaptureOn>())
}

fn verified(scene: Scene) -> Scene {
    scene.policy(|policy| policy.captures = Mode::Verify)
}

cases! {
    what_was_picked_up_is_captured:
        ended(ShopStatus::PickedUp) => "
            capture ORD1 100.00 act
            look_again 480h";

    what_was_completed_by_hand_is_captured:
        ended(ShopStatus::Completed) => "
            capture ORD1 100.00 act
            look_again 480h";

    what_can_be_downloaded_is_captured:
        ended(ShopStatus::ReadyToDownload) => "
            capture ORD1 100.00 act
            look_again 480h";

    completed_as_shipped_beside_shipments_that_say_otherwise_is_captured:
        ended(ShopStatus::CompletedShipped) => "
            capture ORD1 100.00 act
            look_again 480h";

    a_merchant_who_captures_on_parcels_alone_is_followed:
        on(ended(ShopStatus::PickedUp), &[Fulfilled::Shipped]) => "look_again 480h";

    and_so_is_one_who_captures_on_pick_ups_alone:
        on(order("100.00").shipped("2h"), &[Fulfilled::PickedUp]) => "look_again 480h";

    what_was_picked_up_and_nobody_captured_is_reported:
        verified(ended(ShopStatus::PickedUp)) => "
            break shipped_not_captured 100.00
            look_again 480h";

    picked_up_and_captured_is_settled:
        ended(ShopStatus::PickedUp).captured("100.00", "1h").known_as(Order::Paid) => "";

    completed_and_captured_is_settled_whatever_makes_a_capture_due:
        on(ended(ShopStatus::Completed).captured("100.00", "1h").known_as(Order::Paid), &[Fulfilled::Shipped]) => "";

    picked_up_and_lapsed_is_said:
        ended(ShopStatus::PickedUp).expired() => "
            order pending→expired
            break authorization_expired 100.00";

    picked_up_after_a_part_was_captured_and_the_rest_lapsed_the_rest_is_lost:
        ended(ShopStatus::PickedUp).captured("60.00", "48h").known_as(Order::Paid).expired() => "
            break shipped_not_captured 40.00";

    completed_beside_a_part_that_shipped_is_captured_as_far_as_it_shipped_and_the_rest_is_said:
        ended(ShopStatus::Completed).line(1, 1, "60.00").line(2, 1, "40.00").shipment("SHP1", "24h", &[(1, 1)])
            .captured_as("c1", "60.00", "24h", Some("SHP1")).known_as(Order::PartlyPaid) => "
            break shipped_not_captured rest 40.00
            look_again 480h";

    completed_and_the_rest_was_credited_nothing_is_missing:
        ended(ShopStatus::Completed).line(1, 1, "60.00").line(2, 1, "40.00").shipment("SHP1", "24h", &[(1, 1)])
            .captured_as("c1", "60.00", "24h", Some("SHP1")).known_as(Order::PartlyPaid)
            .credit("INV1", "40.00", "2h").never_sent("INV1", "40.00") => "
            release ORD1:release 40.00 act
            look_again 480h";

    a_return_of_what_was_picked_up_is_refunded:
        ended(ShopStatus::PickedUp).captured("100.00", "24h").known_as(Order::Paid).credit("INV1", "25.00", "2h") => "
            refund INV1 25.00 act";
}

#[test]
fn the_words_that_make_a_capture_due_stay_in_their_order() {
    let words = |on: CaptureOn| on.words().map(Fulfilled::word).collect::<Vec<_>>();
    assert_eq!(words(CaptureOn::all()), ["shipped", "picked up", "completed", "ready to download"]);
    assert_eq!(words(CaptureOn::SHIPPED), ["shipped"]);
}
