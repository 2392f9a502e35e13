//! The digest of a report: what `report close` journals and `report verify` compares.
//!
//! Over the cells, not over a format's bytes, so that it is the same in all of them. Every field stands behind its kind
//! and its length: no two reports have one text.

use sha2::{Digest as _, Sha256};

use super::table::{Cell, Section};
use reconciled_store::period::Extent;

pub(super) struct Digest {
    hasher: Sha256,
}

impl Digest {
    pub(super) fn new() -> Self {
        let mut hasher = Sha256::new();
        hasher.update(b"reconciled-report-v1");
        Self { hasher }
    }

    pub(super) fn begin(&mut self, extent: &Extent) {
        self.field(b's', extent.shop.as_bytes());
        self.field(b'f', extent.from.to_string().as_bytes());
        self.field(b'u', extent.until.to_string().as_bytes());
        self.field(b'a', extent.as_of.to_string().as_bytes());
        let identity = extent.identity.as_ref();
        let of = |field: fn(&reconciled_store::Identity) -> &String| identity.map_or("", |it| field(it).as_str());
        self.field(b'e', of(|it| &it.environment).as_bytes());
        self.field(b'r', of(|it| &it.region).as_bytes());
        self.field(b'i', of(|it| &it.shop_id).as_bytes());
    }

    pub(super) fn row(&mut self, section: Section, row: &[Cell]) {
        self.field(b'#', section.key().as_bytes());
        for cell in row {
            match cell {
                Cell::Text(text) => self.field(b't', text.as_bytes()),
                Cell::Money(minor, currency) => {
                    self.field(b'm', &minor.to_be_bytes());
                    self.field(b'c', currency.map_or("", reconciled_core::money::Currency::code).as_bytes());
                }
                Cell::Time(at) => self.field(b'd', at.to_string().as_bytes()),
                Cell::Count(count) => self.field(b'n', &count.to_be_bytes()),
                Cell::Flag(flag) => self.field(b'b', &[u8::from(*flag)]),
                Cell::None => self.field(b'-', b""),
            }
        }
    }

    fn field(&mut self, kind: u8, bytes: &[u8]) {
        self.hasher.update([kind]);
        self.hasher.update(u64::try_from(bytes.len()).unwrap_or(u64::MAX).to_be_bytes());
        self.hasher.update(bytes);
    }

    pub(super) fn hex(self) -> String {
        let digest = self.hasher.finalize();
        let digit = |nibble: u8| char::from_digit(u32::from(nibble), 16).unwrap_or('?');
        digest.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
    }
}
