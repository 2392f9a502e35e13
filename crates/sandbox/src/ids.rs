//! Every id the sandbox hands out, from one seed and a counter.
//!
//! Equal seeds and equal requests give equal ids. Nothing here reads a clock or the system's
//! randomness.

use uuid::Uuid;

/// Counter-based generator: each draw hashes (seed, counter), so a clone repeats what follows.
#[derive(Clone, Debug)]
pub(crate) struct Ids {
    seed: u64,
    drawn: u64,
}

impl Ids {
    pub(crate) fn new(seed: u64) -> Self {
        Self { seed, drawn: 0 }
    }

    pub(crate) fn bits(&mut self) -> u64 {
        self.drawn = self.drawn.wrapping_add(1);
        mix(self.seed ^ mix(self.drawn))
    }

    pub(crate) fn uuid(&mut self) -> Uuid {
        let bits = (u128::from(self.bits()) << 64) | u128::from(self.bits());
        uuid::Builder::from_random_bytes(bits.to_be_bytes()).into_uuid()
    }

    /// Eight characters as in Klarna's short reference, such as `20S0XK4M`.
    pub(crate) fn short_reference(&mut self) -> String {
        const LETTERS: &[u8; 32] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
        let mut bits = self.bits();
        let mut text = String::with_capacity(8);
        for _ in 0..8 {
            let index = usize::try_from(bits & 31).unwrap_or(0);
            text.push(char::from(LETTERS.get(index).copied().unwrap_or(b'A')));
            bits >>= 5;
        }
        text
    }
}

/// The finaliser of `SplitMix64`: cheap, well mixed, the same on every platform.
pub(crate) fn mix(input: u64) -> u64 {
    let mut z = input.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
