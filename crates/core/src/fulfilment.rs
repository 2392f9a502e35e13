//! Whether an order was given to the consumer, by what the shop says of the order and of its shipments together.
//!
//! Pure. A parcel is one way among several: an order is picked up, downloaded, or completed by hand, and its shipments
//! then go on saying "not shipped". Status and shipments are one fact, with the word it rests on.

use super::facts::{Shipped, ShopOrder, ShopStatus, Word};

/// How an order was given to the consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fulfilled {
    Shipped,
    PickedUp,
    /// The merchant completed it, and nothing says how.
    Completed,
    ReadyToDownload,
}

impl Fulfilled {
    pub const ALL: [Self; 4] = [Self::Shipped, Self::PickedUp, Self::Completed, Self::ReadyToDownload];

    /// The word of the configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Shipped => "shipped",
            Self::PickedUp => "picked up",
            Self::Completed => "completed",
            Self::ReadyToDownload => "ready to download",
        }
    }

    const fn bit(self) -> u8 {
        match self {
            Self::Shipped => 1,
            Self::PickedUp => 2,
            Self::Completed => 4,
            Self::ReadyToDownload => 8,
        }
    }
}

/// Which of the shop's words make a capture due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CaptureOn(u8);

impl CaptureOn {
    /// Parcels alone.
    pub const SHIPPED: Self = Self(Fulfilled::Shipped.bit());

    pub fn all() -> Self {
        Fulfilled::ALL.into_iter().collect()
    }

    /// The words, in their fixed order.
    pub fn words(self) -> impl Iterator<Item = Fulfilled> {
        Fulfilled::ALL.into_iter().filter(move |word| self.includes(*word))
    }

    pub const fn includes(self, word: Fulfilled) -> bool {
        self.0 & word.bit() != 0
    }
}

impl FromIterator<Fulfilled> for CaptureOn {
    fn from_iter<I: IntoIterator<Item = Fulfilled>>(words: I) -> Self {
        Self(words.into_iter().fold(0, |all, word| all | word.bit()))
    }
}

/// How much of an order was given to the consumer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given {
    Nothing,
    /// The shipments say which part.
    Partly,
    Wholly(Fulfilled),
}

/// What the order's own status says, whatever its shipments say.
pub fn by_status(shop: &ShopOrder) -> Option<Fulfilled> {
    match shop.status {
        Word::Known(ShopStatus::Completed) => Some(Fulfilled::Completed),
        Word::Known(ShopStatus::CompletedShipped) => Some(Fulfilled::Shipped),
        Word::Known(ShopStatus::PickedUp) => Some(Fulfilled::PickedUp),
        Word::Known(ShopStatus::ReadyToDownload) => Some(Fulfilled::ReadyToDownload),
        Word::Known(ShopStatus::Open | ShopStatus::AwaitingPayment | ShopStatus::Cancelled) | Word::Unknown(_) => None,
    }
}

/// What makes a capture due; `None` where a word of the shop is not known, or its shipments were cancelled. Shipments that
/// say "partly" are believed beside any status: they name the part.
pub fn given(shop: &ShopOrder, on: CaptureOn) -> Option<Given> {
    let by_status = by_status(shop).filter(|word| on.includes(*word));
    let parcels = on.includes(Fulfilled::Shipped);
    match shop.shipped {
        Word::Known(Shipped::Fully) if parcels => Some(Given::Wholly(Fulfilled::Shipped)),
        Word::Known(Shipped::Partly) if parcels => Some(Given::Partly),
        Word::Known(Shipped::Fully | Shipped::Partly | Shipped::No) => {
            Some(by_status.map_or(Given::Nothing, Given::Wholly))
        }
        Word::Known(Shipped::Cancelled) | Word::Unknown(_) => None,
    }
}
