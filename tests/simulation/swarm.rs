//! What one seed switches on: a random subset of faults, acts, switches and policies, so that seeds differ in kind and
//! not in luck alone.

use std::cell::Cell;
use std::sync::LazyLock;

use jiff::SignedDuration;
use reconciled_core::money::Minor;
use reconciled_core::policy::{CaptureOn, Mode, Policy};
use reconciled_sandbox::World;

use super::habits::{HABITS, Habit};
use super::rng::Rng;
use super::time::{DAY, HOUR, MINUTE, SECOND};

/// What may become of a request on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NetFault {
    NotSent,
    DropRequest,
    DropAnswer,
    /// It arrives after the client gave up.
    Late,
    /// The answer takes its time.
    Slow,
    ServerErrorBefore,
    ServerErrorAfter,
    Garbage,
    Truncated,
    CutBody,
    WrongType,
    MissingIds,
    Redirect,
    StaleRead,
    Throttled,
    Unauthorized,
    Forbidden,
    Conflict,
    Refused,
    ErrorIn200,
    Huge,
    EmptyPage,
    ShortPage,
    ShiftedPage,
    /// One read of the shop lacks every credit invoice.
    WithoutCredits,
    /// A success that names another order, or another refund or capture.
    OtherIds,
    /// Something on the way answers with what it answered last, and passes nothing on.
    EarlierAnswer,
}

impl NetFault {
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotSent => "not_sent",
            Self::DropRequest => "drop_request",
            Self::DropAnswer => "drop_answer",
            Self::Late => "late",
            Self::Slow => "slow",
            Self::ServerErrorBefore => "server_error_before",
            Self::ServerErrorAfter => "server_error_after",
            Self::Garbage => "garbage",
            Self::Truncated => "truncated",
            Self::CutBody => "cut_body",
            Self::WrongType => "wrong_type",
            Self::MissingIds => "missing_ids",
            Self::Redirect => "redirect",
            Self::StaleRead => "stale_read",
            Self::Throttled => "throttled",
            Self::Unauthorized => "unauthorized",
            Self::Forbidden => "forbidden",
            Self::Conflict => "conflict",
            Self::Refused => "refused",
            Self::ErrorIn200 => "error_in_200",
            Self::Huge => "huge",
            Self::EmptyPage => "empty_page",
            Self::ShortPage => "short_page",
            Self::ShiftedPage => "shifted_page",
            Self::WithoutCredits => "without_credits",
            Self::OtherIds => "other_ids",
            Self::EarlierAnswer => "earlier_answer",
        }
    }
}

pub const NET_FAULTS: [NetFault; 27] = [
    NetFault::NotSent,
    NetFault::DropRequest,
    NetFault::DropAnswer,
    NetFault::Late,
    NetFault::Slow,
    NetFault::ServerErrorBefore,
    NetFault::ServerErrorAfter,
    NetFault::Garbage,
    NetFault::Truncated,
    NetFault::CutBody,
    NetFault::WrongType,
    NetFault::MissingIds,
    NetFault::Redirect,
    NetFault::StaleRead,
    NetFault::Throttled,
    NetFault::Unauthorized,
    NetFault::Forbidden,
    NetFault::Conflict,
    NetFault::Refused,
    NetFault::ErrorIn200,
    NetFault::Huge,
    NetFault::EmptyPage,
    NetFault::ShortPage,
    NetFault::ShiftedPage,
    NetFault::WithoutCredits,
    NetFault::OtherIds,
    NetFault::EarlierAnswer,
];

/// What people and other programs do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    Order,
    Ship,
    ShipPart,
    Credit,
    CreditLines,
    CancelInShop,
    MarkPaidByHand,
    MarkUnpaid,
    EditCredit,
    PortalRefund,
    PortalRefundForCredit,
    PortalCapture,
    PortalCancel,
    PortalRelease,
    PortalExtend,
    Expire,
    Dispute,
    Fraud,
    Stop,
    Resume,
    Hold,
    Release,
    Adopt,
    RuleOut,
    Approve,
    TryIntent,
    TryRefund,
    TryOrder,
    TryBreak,
    FollowRemedy,
    Attempt,
    WrongId,
    StrangersId,
    SessionId,
    References,
    PaidOtherwise,
    GiftCard,
    CentApart,
    OtherAmount,
    LowerInShop,
    RaiseInShop,
    LowerInPortal,
    RaiseInPortal,
    EditSlip,
    PickUp,
    Download,
    Complete,
    Delete,
    CreditNothing,
    CreditBelowZero,
    CreditUnsent,
    EqualNumbers,
    PortalRefundForSeveral,
    PortalRefundOfPart,
    UndoRefund,
    Vanish,
    BulkEdit,
}

impl Act {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Order => "order",
            Self::Ship => "ship",
            Self::ShipPart => "ship_part",
            Self::Credit => "credit",
            Self::CreditLines => "credit_lines",
            Self::CancelInShop => "cancel_in_shop",
            Self::MarkPaidByHand => "mark_paid_by_hand",
            Self::MarkUnpaid => "mark_unpaid",
            Self::EditCredit => "edit_credit",
            Self::PortalRefund => "portal_refund",
            Self::PortalRefundForCredit => "portal_refund_for_credit",
            Self::PortalCapture => "portal_capture",
            Self::PortalCancel => "portal_cancel",
            Self::PortalRelease => "portal_release",
            Self::PortalExtend => "portal_extend",
            Self::Expire => "expire",
            Self::Dispute => "dispute",
            Self::Fraud => "fraud",
            Self::Stop => "stop",
            Self::Resume => "resume",
            Self::Hold => "hold",
            Self::Release => "release",
            Self::Adopt => "adopt",
            Self::RuleOut => "rule_out",
            Self::Approve => "approve",
            Self::TryIntent => "try_intent",
            Self::TryRefund => "try_refund",
            Self::TryOrder => "try_order",
            Self::TryBreak => "try_break",
            Self::FollowRemedy => "follow_remedy",
            Self::Attempt => "attempt",
            Self::WrongId => "wrong_id",
            Self::StrangersId => "strangers_id",
            Self::SessionId => "session_id",
            Self::References => "references",
            Self::PaidOtherwise => "paid_otherwise",
            Self::GiftCard => "gift_card",
            Self::CentApart => "cent_apart",
            Self::OtherAmount => "other_amount",
            Self::LowerInShop => "lower_in_shop",
            Self::RaiseInShop => "raise_in_shop",
            Self::LowerInPortal => "lower_in_portal",
            Self::RaiseInPortal => "raise_in_portal",
            Self::EditSlip => "edit_slip",
            Self::PickUp => "pick_up",
            Self::Download => "download",
            Self::Complete => "complete",
            Self::Delete => "delete",
            Self::CreditNothing => "credit_nothing",
            Self::CreditBelowZero => "credit_below_zero",
            Self::CreditUnsent => "credit_unsent",
            Self::EqualNumbers => "equal_numbers",
            Self::PortalRefundForSeveral => "portal_refund_for_several",
            Self::PortalRefundOfPart => "portal_refund_of_part",
            Self::UndoRefund => "undo_refund",
            Self::Vanish => "vanish",
            Self::BulkEdit => "bulk_edit",
        }
    }
}

/// What a shop sees every day; every seed has these.
pub const DAILY: [Act; 7] =
    [Act::Order, Act::Ship, Act::ShipPart, Act::Credit, Act::Credit, Act::CreditLines, Act::CancelInShop];

pub const RARE: [Act; 18] = [
    Act::MarkPaidByHand,
    Act::MarkUnpaid,
    Act::EditCredit,
    Act::PortalRefund,
    Act::PortalRefundForCredit,
    Act::PortalCapture,
    Act::PortalCancel,
    Act::PortalRelease,
    Act::PortalExtend,
    Act::Expire,
    Act::Dispute,
    Act::Fraud,
    Act::Stop,
    Act::Resume,
    Act::Hold,
    Act::Adopt,
    Act::RuleOut,
    Act::Approve,
];

/// People who try things.
pub const TRIED: [Act; 5] = [Act::TryIntent, Act::TryRefund, Act::TryOrder, Act::TryBreak, Act::FollowRemedy];

/// What a wider world sees: shops as they are.
pub const ODD: [Act; 26] = [
    Act::Attempt,
    Act::WrongId,
    Act::StrangersId,
    Act::SessionId,
    Act::References,
    Act::PaidOtherwise,
    Act::GiftCard,
    Act::CentApart,
    Act::OtherAmount,
    Act::LowerInShop,
    Act::RaiseInShop,
    Act::LowerInPortal,
    Act::RaiseInPortal,
    Act::EditSlip,
    Act::PickUp,
    Act::Download,
    Act::Complete,
    Act::Delete,
    Act::CreditNothing,
    Act::CreditBelowZero,
    Act::CreditUnsent,
    Act::EqualNumbers,
    Act::PortalRefundForSeveral,
    Act::PortalRefundOfPart,
    Act::UndoRefund,
    Act::Vanish,
];

/// The faults that came with the wider world are the last of [`NET_FAULTS`].
const FIRST_WIDE_FAULT: usize = 21;

/// What a wider world has besides faults, acts and habits.
pub const BESIDE: [&str; 5] = ["clocks_apart", "resolve", "two_names", "swap", "crowd"];

/// It belongs to the wider world of real shops.
fn is_wide(name: &str) -> bool {
    let faults = NET_FAULTS.iter().skip(FIRST_WIDE_FAULT).map(|it| it.name());
    let acts = TRIED.iter().chain(&ODD).map(|it| it.name());
    let habits = HABITS.iter().map(|it| it.name);
    faults.chain(acts).chain(habits).chain(BESIDE).any(|it| it == name)
}

/// What each seed has plenty of, by `SIM_WIDE`: names; with `none` nothing of the wider world is drawn.
static BESIDES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let named = std::env::var("SIM_WIDE").unwrap_or_default();
    named.split(',').map(str::to_owned).collect()
});

thread_local! {
    static PLENTY: Cell<&'static str> = const { Cell::new("") };
}

/// Each further seed of this thread has plenty of this too; of nothing more by the empty name.
#[cfg(reconciled_plants)]
pub fn ask_for(name: &'static str) {
    PLENTY.set(name);
}

fn is_asked_for(name: &str) -> bool {
    PLENTY.get() == name || BESIDES.iter().any(|it| it == name)
}

/// Whether seeds draw this.
pub fn is_drawn(name: &str) -> bool {
    !(is_asked_for("none") && is_wide(name))
}

/// Of a thousand seeds, so many have this, or each that is asked for it.
fn happens(rng: &mut Rng, of_a_thousand: u64, name: &str) -> bool {
    rng.chance(of_a_thousand) && is_drawn(name) || is_asked_for(name)
}

/// Everything that one seed decides before it begins.
#[expect(clippy::struct_excessive_bools, reason = "each is a draw of its own")]
#[derive(Clone, Debug)]
pub struct Swarm {
    pub net: Vec<NetFault>,
    /// Of a thousand requests.
    pub net_rate: u64,
    pub acts: Vec<Act>,
    /// How many acts there are at most while faults last.
    pub acts_left: u32,
    /// Of a thousand steps, in how many somebody acts.
    pub act_rate: u64,
    pub passes: u32,
    pub daemons: usize,
    /// How far Lightspeed's and Klarna's own clocks are ahead of the true time.
    pub apart: (i64, i64),
    /// Two daemons have a store each, made from one copy.
    pub copies: bool,
    /// Each of the two calls the shop by a name of its own.
    pub two_names: bool,
    /// What belongs together in this history.
    pub habit: Option<&'static Habit>,
    /// Nothing goes wrong, and the program does what it is for.
    pub is_at_peace: bool,
    /// How many orders there are that Klarna does not pay.
    pub crowd: u64,
    /// Of a thousand steps, in how many the credential comes to open another shop, or the right one again.
    pub swap: u64,
    pub crash: u64,
    pub freeze: u64,
    pub skew: u64,
    pub restore: u64,
    /// Of a thousand verbs of the store, how many let others run before and after.
    pub yields: u64,
    /// Of a thousand messages of the shop, how many set out; 0 where nobody asked for any.
    pub hints: u64,
    /// The store is audited after every verb, not only after every pass.
    pub audits: bool,
    /// The figures of Lightspeed's and Klarna's limits are enforced.
    pub limits: bool,
    pub policy: Policy,
    pub intervals: Vec<i64>,
}

impl Swarm {
    pub fn of(rng: &mut Rng) -> Self {
        let calm = rng.chance(60);
        let net: Vec<_> = NET_FAULTS
            .into_iter()
            .filter(|it| is_asked_for(it.name()) || rng.chance(likely(*it)) && is_drawn(it.name()))
            .collect();
        let acts = acts(rng);
        let rate = |rng: &mut Rng, on: u64, most: u64| if rng.chance(on) { 1 + rng.below(most) } else { 0 };
        let mut swarm = Self {
            net_rate: if calm || net.is_empty() { 0 } else { rng.one(&[20, 60, 150, 300]) },
            net,
            acts,
            acts_left: u32::try_from(2 + rng.below(8)).unwrap(),
            act_rate: rng.one(&[40, 40, 40, 150]),
            passes: u32::try_from(2 + rng.below(5)).unwrap(),
            daemons: if rng.chance(350) || is_asked_for("two_names") { 2 } else { 1 },
            apart: if rng.chance(150) && is_drawn("clocks_apart") {
                let by = [-2 * MINUTE, -8 * SECOND, 0, 8 * SECOND, 2 * MINUTE];
                (rng.one(&by) / 2, rng.one(&by) / 2)
            } else {
                (0, 0)
            },
            copies: rng.chance(600),
            two_names: happens(rng, 400, "two_names"),
            habit: habit(rng),
            is_at_peace: false,
            crowd: if happens(rng, 20, "crowd") { 125 + rng.below(20) } else { 0 },
            swap: if happens(rng, 50, "swap") { 5 } else { 0 },
            crash: if calm { 0 } else { rate(rng, 350, 25) },
            freeze: if calm { 0 } else { rate(rng, 300, 20) },
            skew: rate(rng, 150, 10),
            restore: rate(rng, 120, 10),
            yields: if rng.chance(600) { 400 } else { 0 },
            hints: if rng.chance(250) { rng.one(&[300, 900, 1000]) } else { 0 },
            audits: rng.chance(20),
            limits: rng.chance(200),
            policy: policy(rng),
            intervals: (0..3)
                .map(|_| rng.one(&[20 * SECOND, 5 * MINUTE, 15 * MINUTE, 65 * MINUTE, 6 * HOUR, 26 * HOUR]))
                .collect(),
        };
        swarm.copies |= is_asked_for("two_names");
        swarm.copies &= swarm.daemons == 2;
        swarm.two_names &= swarm.copies;
        if swarm.swap > 0 {
            // The other shop's messages are signed with another secret.
            swarm.hints = 0;
        }
        if swarm.crowd > 0 {
            swarm.acts.extend([Act::BulkEdit; 8]);
            swarm.net.extend([NetFault::ShortPage; 3]);
            swarm.net_rate = swarm.net_rate.max(150);
        }
        if let Some(habit) = swarm.habit {
            (swarm.acts_left, swarm.act_rate) = (swarm.acts_left + 12, 150);
            if habit.is_plain && rng.chance(700) {
                swarm.is_at_peace = true;
                swarm.make_peace();
            }
        }
        if swarm.policy.two_person_above.is_some() {
            // It takes two, and something that waits for them.
            swarm.acts.extend([Act::Approve; 12]);
            (swarm.acts_left, swarm.act_rate) = (20, 150);
        }
        if swarm.copies || swarm.restore > 0 {
            // A store that does not know what was asked cannot notice that a credit invoice was changed since.
            swarm.acts.retain(|act| *act != Act::EditCredit);
        }
        swarm
    }

    /// Nothing goes wrong and nobody does anything by chance.
    pub fn calm() -> Self {
        let mut rng = Rng::new(0);
        let mut swarm = Self::of(&mut rng);
        swarm.make_peace();
        (swarm.acts_left, swarm.passes, swarm.habit, swarm.audits) = (0, 0, None, true);
        swarm
    }

    /// Nothing goes wrong, and the program may do everything that it is for.
    fn make_peace(&mut self) {
        (self.net_rate, self.daemons, self.copies, self.two_names) = (0, 1, false, false);
        (self.crash, self.freeze, self.skew, self.restore, self.yields) = (0, 0, 0, 0, 0);
        (self.limits, self.hints, self.crowd, self.swap) = (false, 0, 0, 0);
        self.apart = (0, 0);
        self.acts = DAILY.to_vec();
        let drive = Mode::Drive;
        self.policy = Policy {
            act: true,
            refunds: drive,
            mark_paid: drive,
            cancels: drive,
            captures: drive,
            adopt_exact: false,
            two_person_above: None,
            refund_after: SignedDuration::from_mins(60),
            refund_limit_per_order: eur(1_000_000),
            refund_limit_per_pass: eur(1_000_000),
            refund_limit_per_day: eur(1_000_000),
            ..self.policy.clone()
        };
    }

    /// Clocks that jump, or a store that forgets: the rolling day and the pass are then not the true ones.
    pub fn keeps_time_and_memory(&self) -> bool {
        self.skew == 0 && self.restore == 0 && !self.copies
    }
}

/// What people do in this history.
fn acts(rng: &mut Rng) -> Vec<Act> {
    let mut acts: Vec<_> = DAILY.to_vec();
    for act in RARE.into_iter().filter(|act| rng.chance(often(*act))) {
        acts.extend(std::iter::repeat_n(act, weight(act)));
    }
    for act in TRIED.into_iter().chain(ODD).filter(|act| rng.chance(often(*act)) && is_drawn(act.name())) {
        acts.extend(std::iter::repeat_n(act, weight(act)));
    }
    for act in TRIED.iter().chain(&ODD).filter(|act| is_asked_for(act.name())) {
        acts.extend([*act; 8]);
    }
    if acts.contains(&Act::Stop) && !acts.contains(&Act::Resume) {
        acts.push(Act::Resume);
    }
    if acts.contains(&Act::Hold) {
        acts.extend([Act::Release; 4]);
    }
    if acts.contains(&Act::Adopt) || acts.contains(&Act::RuleOut) {
        // What is to be said about, somebody did.
        acts.extend([Act::PortalRefund; 5]);
        acts.extend([Act::Credit; 2]);
    }
    acts
}

/// Of a thousand seeds, how many have this fault; one that needs an answer from before finds one seldom.
fn likely(fault: NetFault) -> u64 {
    if fault == NetFault::EarlierAnswer { 350 } else { 250 }
}

/// Of a thousand seeds, how many have this; what seldom finds something to be about is drawn more often.
fn often(act: Act) -> u64 {
    match act {
        Act::Adopt => 380,
        Act::TryIntent => 200,
        Act::PortalRefundForSeveral | Act::LowerInShop | Act::LowerInPortal => 140,
        _ if RARE.contains(&act) => 200,
        _ => 110,
    }
}

/// What belongs together in this history, if anything does.
fn habit(rng: &mut Rng) -> Option<&'static Habit> {
    let asked = HABITS.iter().find(|it| is_asked_for(it.name));
    let all: Vec<_> = HABITS.iter().flat_map(|it| std::iter::repeat_n(it, it.weight)).collect();
    let drawn = rng.one(&all);
    asked.or_else(|| (rng.chance(400) && is_drawn(drawn.name)).then_some(drawn))
}

/// How often an act is chosen, where a seed has it. What needs something to be about is tried more often.
const fn weight(act: Act) -> usize {
    match act {
        Act::Adopt | Act::TryIntent => 14,
        Act::TryRefund => 8,
        Act::RuleOut | Act::TryBreak | Act::FollowRemedy | Act::PortalRefundForSeveral => 6,
        Act::PortalRefundOfPart | Act::UndoRefund | Act::EqualNumbers => 3,
        Act::Hold | Act::PortalRelease => 2,
        _ => 1,
    }
}

fn eur(minor: i64) -> Minor {
    Minor::new(minor).unwrap()
}

fn policy(rng: &mut Rng) -> Policy {
    let mostly = |rng: &mut Rng| {
        if rng.chance(850) { Mode::Drive } else { rng.one(&[Mode::Verify, Mode::Off]) }
    };
    let low = rng.chance(250);
    Policy {
        act: !rng.chance(30),
        refunds: mostly(rng),
        mark_paid: mostly(rng),
        cancels: mostly(rng),
        captures: mostly(rng),
        capture_on: CaptureOn::all(),
        extend_authorization: rng.chance(300),
        adopt_exact: rng.chance(150),
        refund_after: SignedDuration::from_mins(rng.one(&[0, 0, 60, 60, 90])),
        grace: SignedDuration::from_mins(30),
        refund_limit_per_order: eur(if low { rng.one(&[3_000, 8_000, 100_000]) } else { 1_000_000 }),
        refund_limit_per_pass: eur(if low { rng.one(&[5_000, 12_000, 100_000]) } else { 5_000_000 }),
        refund_limit_per_day: eur(if low { rng.one(&[6_000, 15_000, 100_000]) } else { 20_000_000 }),
        two_person_above: rng.chance(150).then(|| eur(rng.one(&[500, 2_000, 4_000]))),
        expiry_warning: SignedDuration::from_hours(120),
    }
}

/// Every switch of the sandbox with the values that a client must survive, the default first. `klarna.key_ttl_s` stays
/// at 23 hours or more: that a key lives so long is an assumption of the promise.
pub const SWITCHES: &[(&str, &[&str])] = &[
    ("klarna.reads_carry_reference", &["true", "false"]),
    ("klarna.reads_carry_refund_id", &["true", "false"]),
    ("klarna.read_lag_ms", &["0", "3000", "60000", "600000"]),
    ("klarna.rate_headers", &["all", "documented", "none"]),
    ("klarna.retry_after", &["absent", "seconds", "date"]),
    ("klarna.key_ttl_s", &["86400", "82800", "172800"]),
    ("klarna.key_scope", &["merchant", "order", "endpoint"]),
    ("klarna.replay_4xx", &["false", "true"]),
    ("klarna.concurrent_key", &["conflict", "replay"]),
    ("klarna.second_cancel", &["refuse", "accept"]),
    ("klarna.cancel_expired", &["refuse", "accept"]),
    ("klarna.release_expired", &["refuse", "accept"]),
    ("klarna.refund_zero", &["refuse", "accept"]),
    ("klarna.capture_zero", &["refuse", "accept"]),
    ("klarna.refund_expired", &["accept", "refuse"]),
    ("klarna.pending_capture", &["refuse", "accept"]),
    ("klarna.rejected_cancel_after_s", &["14400", "0"]),
    ("klarna.extend_captured", &["refuse", "accept"]),
    ("klarna.references_expired", &["refuse", "accept"]),
    ("klarna.remaining_after_close", &["zero", "kept"]),
    ("klarna.amount_after_close", &["kept", "lowered"]),
    ("klarna.part_captured_expiry", &["expired", "part_captured", "captured"]),
    ("klarna.empty_text", &["omitted", "empty"]),
    ("klarna.unset_references", &["omitted", "empty"]),
    ("klarna.unknown_order_refund", &["not_found", "no_such_order"]),
    ("klarna.invalid_id_status", &["400", "404"]),
    ("klarna.unauthorized", &["html", "json"]),
    ("klarna.created_status", &["201", "200"]),
    ("klarna.disputes", &["hidden", "amount", "refund"]),
    ("klarna.authorization_days", &["28", "60", "3"]),
    ("lightspeed.dates", &["eu1", "us1"]),
    ("lightspeed.filter_zone", &["utc", "local"]),
    ("lightspeed.credit_note_sign", &["positive", "negative"]),
    ("lightspeed.credit_item_sign", &["positive", "quantity", "price"]),
    ("lightspeed.credit_note_link", &["latest", "first", "false"]),
    ("lightspeed.retry_after", &["absent", "seconds", "date"]),
    ("lightspeed.embedded_in_lists", &["false", "true"]),
    ("lightspeed.events_envelope", &["ordersEvents", "orderEvents"]),
    ("lightspeed.klarna_id_location", &["paymentData", "memo", "event", "metafield", "none"]),
    ("lightspeed.cancel_makes_credit_notes", &["true", "false"]),
    ("lightspeed.api_cancel_makes_credit_notes", &["true", "false"]),
    ("lightspeed.cancel_payment_status", &["true", "false"]),
    ("lightspeed.credit_initial_status", &["not_paid", "paid"]),
    ("lightspeed.cancel_credit_status", &["not_paid", "paid"]),
    ("lightspeed.credit_paid_order_event", &["false", "true"]),
    ("lightspeed.put_status_code_validation", &["400", "422"]),
    ("lightspeed.put_unknown_status", &["refuse", "accept"]),
    ("lightspeed.post_credit_answer", &["invoice", "credit", "empty"]),
    ("lightspeed.post_status", &["201", "200"]),
    ("lightspeed.missing_permission", &["403", "401"]),
    ("lightspeed.method_not_allowed", &["405", "404"]),
    ("lightspeed.list_order", &["desc", "asc"]),
    ("lightspeed.max_page", &["0", "1"]),
    ("lightspeed.invoice_filters", &["true", "false"]),
    ("lightspeed.invoice_moment", &["direct", "paid", "manual"]),
    ("lightspeed.paid_when", &["captured", "authorized"]),
    ("lightspeed.currency_case", &["upper", "lower"]),
    ("lightspeed.unpaid_expire_after_s", &["43200", "0"]),
    ("lightspeed.gift_cards", &["list", "map", "line", "hidden"]),
    ("lightspeed.edit_moves_invoice", &["true", "false"]),
    ("lightspeed.credited_line", &["stays", "leaves"]),
    ("lightspeed.webhook_copies", &["1", "2"]),
    ("lightspeed.webhook_reorder", &["false", "true"]),
    ("vendor.refunds", &["false", "true"]),
    ("vendor.refunds_paid", &["false", "true"]),
    ("vendor.captures", &["false", "true"]),
    ("vendor.cancels", &["false", "true"]),
    ("vendor.marks_paid", &["true", "false"]),
    ("vendor.delay_ms", &["120000", "1200000", "10800000"]),
];

/// Switches that no seed draws, each with its reason.
pub const LEFT_ALONE: &[(&str, &str)] = &[
    ("lightspeed.app_signs_with", "an app's installation is no part of a pass"),
    ("lightspeed.app_reinstall_revokes", "an app's installation is no part of a pass"),
    ("lightspeed.app_tells_removal", "an app's installation is no part of a pass"),
    ("klarna.readable_days", "no history is three years long"),
    ("lightspeed.currency_is_default", "a setting of the shop's, judged before any pass"),
    ("klarna.max_amount", "a promise of Klarna's, held against boundaries elsewhere"),
    ("lightspeed.klarna_id_key", "a word of the merchant's configuration"),
    ("lightspeed.download_status", "an open word: what a client takes for it is its merchant's configuration"),
    ("lightspeed.payment_id", "a word of the merchant's configuration"),
    ("lightspeed.payment_title", "a word of the merchant's configuration"),
];

/// What differs from shop to shop and is nobody's fault.
pub fn set_switches_of_peace(rng: &mut Rng, world: &mut World) {
    let harmless = ["lightspeed.gift_cards", "lightspeed.credit_note_sign", "lightspeed.max_page", "lightspeed.dates"];
    for (name, values) in SWITCHES.iter().filter(|(name, _)| harmless.contains(name)) {
        let shown: Vec<_> = values.iter().filter(|it| **it != "hidden").copied().collect();
        world.set_switch(name, rng.one(&shown)).unwrap();
    }
}

/// Draws every switch: in most seeds a few differ from the default, so that one odd behaviour does not hide another.
pub fn set_switches(rng: &mut Rng, world: &mut World) {
    let boldness = rng.one(&[0, 60, 150, 300]);
    for (name, values) in SWITCHES {
        if rng.chance(boldness) {
            let value = rng.pick(&values[1..]);
            world.set_switch(name, value).unwrap();
        }
    }
}

/// What a longest pause may be.
pub const FREEZES: [i64; 8] =
    [10 * SECOND, 40 * SECOND, 5 * MINUTE, HOUR, 6 * HOUR, 23 * HOUR + 30 * MINUTE, 25 * HOUR, 3 * DAY];

pub const SKEWS: [i64; 8] = [0, 90 * SECOND, -90 * SECOND, HOUR, -HOUR, 25 * HOUR, -25 * HOUR, 40 * DAY];
