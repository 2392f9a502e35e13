//! The report as tables: its sections, their columns, and one value of a row.
//!
//! The one place that says what a report contains; every format writes these columns, and the published schema and the
//! documented columns are held against them by a test. No format knows what a line of the store is.

use jiff::Timestamp;

use reconciled_core::money::Currency;

/// What a column holds, and so how every format writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    /// Minor units.
    Money,
    /// UTC.
    Time,
    Count,
    Flag,
}

#[derive(Clone, Copy, Debug)]
pub struct Column {
    /// Its name in JSON, CSV and XLSX. Amounts are in minor units in JSON, which says so in the name.
    pub key: &'static str,
    /// Its heading for people.
    pub title: &'static str,
    pub kind: Kind,
    /// Shown to people; the others are for scripts and auditors and are left out of the narrow formats.
    pub shown: bool,
}

/// One value of a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    Text(String),
    /// Minor units of a currency; of one we do not know, its decimals are not known either.
    Money(i64, Option<Currency>),
    Time(Timestamp),
    Count(i64),
    Flag(bool),
    None,
}

impl Cell {
    pub fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    pub fn or_none<T>(value: Option<T>, cell: impl FnOnce(T) -> Self) -> Self {
        value.map_or(Self::None, cell)
    }

    pub fn count(count: u64) -> Self {
        Self::Count(i64::try_from(count).unwrap_or(i64::MAX))
    }
}

macro_rules! sections {
    ($($section:ident $key:literal $title:literal $about:literal {
        $($column:ident $heading:literal $kind:ident $seen:ident),+ $(,)?
    })+) => {
        /// A table of the report.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Section { $($section),+ }

        impl Section {
            pub const ALL: &'static [Self] = &[$(Self::$section),+];

            pub const fn key(self) -> &'static str {
                match self { $(Self::$section => $key),+ }
            }

            pub const fn title(self) -> &'static str {
                match self { $(Self::$section => $title),+ }
            }

            /// What its rows are, for people.
            pub const fn about(self) -> &'static str {
                match self { $(Self::$section => $about),+ }
            }

            pub const fn columns(self) -> &'static [Column] {
                match self { $(Self::$section => &[$(Column {
                    key: stringify!($column), title: $heading, kind: Kind::$kind, shown: $seen,
                }),+]),+ }
            }
        }
    };
}

sections! {
    Proof "proof" "Does it add up?"
        "Opening open items + new - resolved = closing, what moved at Klarna, and every difference by itself." {
        currency "currency" Text true, line "line" Text false, what "what" Text true, count "number" Count true,
        amount "amount" Money true,
    }
    Credits "credit_invoices" "Credit invoices and their refunds"
        "Every credit invoice that was open at the beginning or changed in the period, with the refund that settled it." {
        credit_invoice "credit invoice" Text true, order "order" Text true, amount "amount" Money true,
        created_at "made" Time true, first_seen_at "first seen" Time false, state "state" Text true,
        refund_id "Klarna refund" Text true, refund_amount "refunded" Money true, refunded_at "refunded at" Time true,
        refunded_by "by" Text true, proven_at "proven" Time false, paid_at "paid in the shop" Time true,
        correlation_id "correlation id" Text false, klarna_order_id "Klarna order" Text false, note "note" Text true,
        is_open "open" Flag false, is_late "late" Flag false,
    }
    Cancels "cancels" "Cancelled orders and what went back"
        "Every order that the shop cancelled in the period, or whose money was not all back when it began." {
        order "order" Text true, cancelled_at "cancel seen" Time true, reversed_at "all back" Time true,
        captured "captured" Money true, refunded "refunded" Money true, released "released" Money true,
        refund_ids "Klarna refunds" Text true, by "by" Text true, correlation_ids "correlation ids" Text false,
        klarna_order_id "Klarna order" Text false, note "note" Text true, is_open "open" Flag false,
        is_late "late" Flag false,
    }
    Refunds "other_refunds" "Refunds without a credit invoice"
        "Refunds at Klarna in the period that no credit invoice explains: for cancels, ruled out by a human, or by nobody." {
        refund_id "Klarna refund" Text true, order "order" Text true, currency "currency" Text false,
        amount "amount" Money true, refunded_at "refunded at" Time true, explained_by "explained by" Text true,
        by "by" Text true, reference "reference" Text true, klarna_order_id "Klarna order" Text false,
        is_late "late" Flag false,
    }
    Breaks "breaks" "Differences that needed a human"
        "Every break that was open at the beginning or changed in the period; the amount is what was at stake when it opened." {
        id "no." Text true, kind "kind" Text false, severity "severity" Text true, what "what" Text true,
        order "order" Text true, credit_invoice "credit invoice" Text true, subject "about" Text false,
        amount "amount" Money true, opened_at "opened" Time true, status "status" Text true,
        closed_at "closed" Time true, age_seconds "age in seconds" Count false, by "by" Text true, note "note" Text true,
        is_open "open" Flag false, is_late "late" Flag false,
    }
    Effects "effects" "What this program did"
        "Every effect that was planned, ended or under way in the period, with Klarna's correlation id." {
        kind "effect" Text true, order "order" Text true, credit_invoice "credit invoice" Text true,
        amount "amount" Money true, reference "reference" Text true, outcome "outcome" Text true,
        planned_at "planned" Time true, ended_at "ended" Time true, made "Klarna id" Text false,
        correlation_id "correlation id" Text true, code "Klarna code" Text true, intent "intent" Text false,
        idempotency_key "idempotency key" Text false,
    }
    Decisions "decisions" "What people decided"
        "Every decision of an operator, with who and why." {
        at "when" Time true, by "who" Text true, decision "decision" Text true, order "order" Text true,
        subject "about" Text true, note "why" Text true, seq "journal row" Count false, is_late "late" Flag false,
    }
    Coverage "coverage" "What was checked"
        "The passes of the period. A pass that is not complete names below what it could not check." {
        line "line" Text false, what "what" Text true, count "number" Count true, at "when" Time true,
    }
    Unchecked "not_checked" "What was not checked, and why"
        "What passes could not check; what a later pass of the period checked after all is not open any more." {
        what "what" Text true, why "why" Text true, passes "passes" Count true, first_at "first" Time true,
        last_at "last" Time true, is_open "still not checked" Flag true,
    }
    Policy "policy" "Limits and policy in force"
        "What the merchant allowed, from when on." {
        since "since" Time true, name "setting" Text true, value "value" Text true,
    }
    Weeks "weeks" "Captured and refunded per week"
        "What moved at Klarna, by the week in which it is booked; weeks begin on Monday, UTC." {
        week "week from" Time true, currency "currency" Text true, what "what" Text true, count "number" Count true,
        amount "amount" Money true,
    }
    Journal "journal" "Journal range"
        "The rows of the journal that this report rests on, and the hashes that bind them." {
        line "line" Text false, what "what" Text true, value "value" Text true,
    }
}
