//! Scenes whose rule the program does not follow yet.

/// Each must still come out wrong: one that is right leaves this list.
pub const NOT_YET: &[&str] = &[
    "one read of an order lacks the credit invoice that its list named",
    "two credit invoices with one number",
    "an order with an open return is deleted in the shop",
];
