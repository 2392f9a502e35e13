//! What every store promises, one function per promise, run on each store there is; and what only SQLite promises.

#[cfg(test)]
#[path = "store_contract/acting.rs"]
mod acting;
#[cfg(test)]
#[path = "store_contract/admin.rs"]
mod admin;
#[cfg(test)]
#[path = "store_contract/adopting.rs"]
mod adopting;
#[cfg(test)]
#[path = "store_contract/approving.rs"]
mod approving;
#[cfg(test)]
#[path = "store_contract/breaking.rs"]
mod breaking;
#[cfg(test)]
#[path = "store_contract/checkpoints.rs"]
mod checkpoints;
#[cfg(test)]
#[path = "store_contract/deciding.rs"]
mod deciding;
#[cfg(test)]
#[path = "store_contract/desk.rs"]
mod desk;
#[cfg(test)]
#[path = "store_contract/fixture.rs"]
mod fixture;
#[cfg(test)]
#[path = "store_contract/histories.rs"]
mod histories;
#[cfg(test)]
#[path = "store_contract/linking.rs"]
mod linking;
#[cfg(test)]
#[path = "store_contract/operating.rs"]
mod operating;
#[cfg(test)]
#[path = "store_contract/paging.rs"]
mod paging;
#[cfg(test)]
#[path = "store_contract/reading.rs"]
mod reading;
#[cfg(test)]
#[path = "store_contract/sqlite.rs"]
mod sqlite;
#[cfg(test)]
#[path = "store_contract/standing.rs"]
mod standing;
#[cfg(test)]
#[path = "store_contract/tampering.rs"]
mod tampering;
#[cfg(test)]
#[path = "store_contract/telling.rs"]
mod telling;

/// Runs every promise on one kind of store.
macro_rules! contract {
    ($store:ident on $place:ty: $($module:ident { $($promise:ident),+ $(,)? })+) => {
        #[cfg(test)]
        mod $store {
            $(mod $module {
                $(#[tokio::test]
                async fn $promise() {
                    let place = <$place as crate::fixture::Place>::fresh();
                    crate::$module::$promise(&place).await;
                })+
            })+
        }
    };
}

macro_rules! every_promise {
    ($store:ident on $place:ty) => {
        contract! { $store on $place:
            reading {
                a_listed_order_is_unread_until_it_is_observed,
                an_order_read_in_the_second_of_its_change_is_read_again,
                the_oldest_change_is_read_first,
                what_consumers_wait_for_is_read_first_and_the_newest_of_it,
                an_order_is_gone_once_the_shop_did_not_find_it_twice,
                what_a_list_named_is_owed_a_read_that_contains_it,
                an_order_that_is_not_klarnas_is_never_read,
                an_invoice_marks_its_order,
                an_older_version_never_overwrites_a_newer_one,
                cursors_move_each_by_itself,
                only_orders_with_something_open_are_read_again,
                due_orders_come_by_id_page_by_page,
                an_unread_order_is_not_due,
                a_quiet_order_is_woken,
                a_policy_is_kept,
                a_shop_is_bound_once,
                budgets_survive_a_restart,
                an_order_is_found_by_any_of_its_numbers,
            }
            standing {
                a_shop_at_rest_stands_at_nothing,
                what_is_open_is_counted,
                next_times_survive_a_restart,
            }
            paging {
                open_breaks_come_page_by_page,
                closed_breaks_come_latest_first,
                a_break_is_found_by_its_id_and_by_its_order,
                credit_invoices_come_page_by_page,
                passes_come_latest_first,
                the_journal_comes_latest_first_and_names_what_it_is_about,
                the_switch_says_who_moved_it,
            }
            telling {
                what_was_told_survives_a_restart,
                an_old_unknown_outcome_is_overdue_until_a_break_names_it,
            }
            deciding {
                a_first_decision_begins_every_history,
                a_step_from_elsewhere_fails_its_decision_alone,
                an_impossible_step_is_refused,
                one_open_intent_per_effect,
                refunds_never_exceed_what_is_captured,
                a_confirmed_refund_counts_until_a_read_shows_it,
                the_amount_of_a_credit_invoice_stands_once_it_is_intended,
                a_seen_intent_is_confirmed_with_what_was_made,
                a_withdrawn_intent_says_why,
                absence_is_remembered_from_its_first_read,
                an_older_answer_of_klarnas_is_not_kept,
                quiet_ends_with_a_change,
                a_pass_knows_what_it_looked_at,
                orders_that_share_a_klarna_order_know_each_other,
            }
            acting {
                a_claim_is_granted_once,
                a_stopped_shop_grants_nothing,
                a_held_order_grants_nothing,
                a_claim_stays_within_what_is_captured,
                a_lagging_read_does_not_make_room,
                the_daily_ceiling_rolls,
                a_refused_refund_leaves_the_ceiling,
                a_ceiling_survives_a_restart,
                an_approved_effect_passes_the_ceiling,
                a_lost_handle_leaves_its_claims_unknown,
                a_recorded_answer_is_kept,
                an_attempt_without_trace_is_taken_back,
                an_order_with_a_lost_payment_is_read_again,
                what_was_marked_paid_outdates_what_the_shop_said_before,
                an_answer_to_another_state_is_refused,
                one_effect_answers_one_request,
                spent_counts_what_was_planned,
                an_unknown_pass_decides_nothing,
            }
            checkpoints {
                what_was_signed_stays_true_while_the_journal_grows,
            }
            linking {
                a_chosen_link_stays_while_it_is_named_and_gives_way_to_a_human,
                a_state_rests_on_the_klarna_order_that_was_read_and_is_taken_back_under_another,
                what_was_paid_otherwise_is_kept_while_it_names_or_named_a_klarna_order,
                what_held_money_of_its_own_is_asked_about_whatever_the_order_names_now,
                an_order_that_was_only_listed_shares_what_its_row_names,
                what_references_show_is_learnt_once_an_order_and_latest_orders_first,
                what_klarna_said_of_several_is_kept_whatever_is_named_later,
                nothing_is_claimed_for_a_klarna_order_that_the_order_is_not_linked_to_any_more,
            }
            operating {
                a_stop_survives_a_restart,
                holds_and_attributions_reach_the_ledger,
                what_klarnas_share_is_reaches_the_ledger,
                what_went_back_by_other_means_reaches_the_ledger,
                approving_an_unknown_intent_waits_for_its_key,
                giving_up_opens_no_second_door,
                what_was_started_anew_is_approved_no_more,
                what_was_never_sent_is_kept_with_its_amount,
                what_a_capture_left_out_is_kept_with_it,
                abandoning_holds_the_credit_invoice,
                what_fits_no_state_is_refused,
                what_a_human_did_meanwhile_keeps_the_order_due,
            }
            approving {
                a_refund_above_the_threshold_is_proposed_and_let_go_by_another,
                a_proposal_about_a_refused_refund_is_shown_beside_its_break,
                nobody_is_two,
                a_proposal_lives_for_a_day,
                one_consent_or_none_leaves_nothing,
                what_gives_no_money_away_needs_one,
                an_effect_that_no_pass_has_found_is_not_approved_under_a_threshold,
                two_who_agreed_agreed_to_starting_anew,
                giving_up_takes_every_consent_back,
                a_part_is_named_with_its_amount_and_needs_two_above_the_threshold,
                below_the_threshold_one_may_let_a_part_go,
            }
            adopting {
                parts_reach_the_ledger_and_the_last_word_counts,
                parts_that_do_not_add_up_are_refused_and_change_nothing,
                a_word_spoken_since_the_dossier_was_read_is_heard_first,
            }
            desk {
                a_break_is_assigned_and_noted_with_who_and_why,
                a_kind_is_decided_at_once_and_only_as_it_was_counted,
                a_step_in_bulk_is_about_what_it_fits,
            }
            breaking {
                a_difference_becomes_a_break_when_it_is_due,
                a_break_follows_its_difference_and_clears_with_it,
                a_resolved_break_stays_so_while_nothing_changes,
                while_effects_are_withheld_what_withholds_them_is_an_open_break,
                acknowledged_stays_open_and_reopened_opens,
                a_reopened_break_lives_on_without_its_difference,
                a_break_says_what_to_do_in_the_state_it_was_last_found_in,
            }
        }
    };
}

every_promise!(on_disk on crate::fixture::OnDisk);
every_promise!(in_memory on crate::fixture::InMemory);
