//! Names of things, one type each, so that an invoice number can never stand where an order number belongs.
//!
//! Ids that end up in a URL are checked when they are made; all others are kept as the other side wrote them.

use std::fmt;

use uuid::Uuid;

macro_rules! text_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    )+};
}

macro_rules! number_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub u64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}", self.0)
            }
        }
    )+};
}

text_ids!(
    /// The shop's name in the configuration, such as `main`.
    ShopName,
    /// Lightspeed's order number, such as `ORD00018`.
    OrderNumber,
    /// Lightspeed's invoice number, such as `INV00038`; credit invoices share the series.
    InvoiceNumber,
    /// One Klarna refund: its `refund_id`, or a name made of its time and amount where reads carry no id.
    RefundId,
    /// One Klarna capture, named like a refund.
    CaptureId,
    /// What a refund or capture of ours carries at Klarna as its `reference`.
    Reference,
);

/// Whose orders these are, in the services' own words; never a name that somebody chose in a configuration. Keys and ids
/// of effects are made of it, and the store's books are bound to it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Identity {
    /// Lightspeed's cluster, `eu1` or `us1`: each numbers its shops by itself. Empty in a store that an earlier version
    /// bound, until the next pass.
    pub cluster: String,
    /// `playground` or `production`.
    pub environment: String,
    /// Klarna's region, `eu`, `na` or `oc`.
    pub region: String,
    /// Lightspeed's shop id, as text.
    pub shop_id: String,
}

impl Identity {
    /// The same shop and account. What was bound before clusters were kept may be of either.
    pub fn is(&self, other: &Self) -> bool {
        let is_one_cluster = self.cluster == other.cluster || self.cluster.is_empty() || other.cluster.is_empty();
        is_one_cluster
            && self.shop_id == other.shop_id
            && self.environment == other.environment
            && self.region == other.region
    }
}

number_ids!(
    /// Lightspeed's internal id of an order.
    OrderId,
    /// Lightspeed's internal id of an invoice or credit invoice.
    InvoiceId,
    /// Lightspeed's internal id of a shipment.
    ShipmentId,
    /// Lightspeed's internal id of an order line.
    LineId,
);

/// Klarna's order id. Only letters, digits and dashes, so that it is safe inside a URL.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KlarnaOrderId(String);

impl KlarnaOrderId {
    pub fn new(text: &str) -> Option<Self> {
        let safe =
            !text.is_empty() && text.len() <= 255 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        safe.then(|| Self(text.to_owned()))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for KlarnaOrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One durable intent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntentId(pub Uuid);

impl fmt::Display for IntentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One run of the reconciler over a shop; ordered by time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PassId(pub Uuid);

impl fmt::Display for PassId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl RefundId {
    /// What begins the name of a movement that Klarna lists without an id.
    pub const MADE_UP: &str = "nameless:";

    /// A stable name for a refund that Klarna lists without an id.
    pub fn made_up(of: &str) -> Self {
        Self(format!("{}{of}", Self::MADE_UP))
    }

    /// The name of money that Klarna counts as refunded and lists no refund for.
    pub fn unlisted(minor: i64) -> Self {
        Self::made_up(&format!("unlisted:{minor}"))
    }

    pub fn is_unlisted(&self) -> bool {
        self.0.strip_prefix(Self::MADE_UP).is_some_and(|of| of.starts_with("unlisted:"))
    }

    pub fn is_made_up(&self) -> bool {
        self.0.starts_with(Self::MADE_UP)
    }
}

impl CaptureId {
    /// A stable name for a capture that Klarna lists without an id.
    pub fn made_up(of: &str) -> Self {
        Self(format!("{}{of}", RefundId::MADE_UP))
    }

    pub fn is_made_up(&self) -> bool {
        self.0.starts_with(RefundId::MADE_UP)
    }
}
