//! Exact amounts: integers in minor units, and the currencies Klarna settles.
//!
//! Never a float, never a conversion, never a rounding: text that is not exactly a number of minor units is refused.

use std::fmt;
use std::str::FromStr;

use rust_decimal::Decimal;

/// No single amount may be larger, in minor units: five million times Klarna's own maximum of 200,000,000.
///
/// Bounding amounts where they enter makes every later sum of up to nine thousand of them exact in `i64`.
const LARGEST_MINOR: i64 = 1_000_000_000_000_000;

/// An amount in minor units (cents) of a currency known from the context.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Minor(i64);

impl Minor {
    pub const ZERO: Self = Self(0);

    /// # Errors
    /// Refuses an amount whose sums could no longer be exact.
    pub const fn new(minor: i64) -> Result<Self, BadAmount> {
        if minor > LARGEST_MINOR || minor < -LARGEST_MINOR { Err(BadAmount::TooLarge) } else { Ok(Self(minor)) }
    }

    pub const fn get(self) -> i64 {
        self.0
    }

    /// Sums stop at the largest integer instead of wrapping: a saturated sum exceeds every captured amount, so
    /// every guard refuses it.
    #[must_use]
    pub const fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0))
    }

    #[must_use]
    pub const fn minus(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }

    /// What is left after `other`, never below zero.
    #[must_use]
    pub fn less(self, other: Self) -> Self {
        self.minus(other).max(Self::ZERO)
    }

    #[must_use]
    pub const fn abs(self) -> Self {
        Self(self.0.saturating_abs())
    }

    pub const fn is_positive(self) -> bool {
        self.0 > 0
    }

    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// `self × part / whole`, rounded half up; used for the value of a part of an order line.
    #[must_use]
    pub fn share(self, part: u32, whole: u32) -> Self {
        if whole == 0 {
            return Self::ZERO;
        }
        let (value, part, whole) = (i128::from(self.0), i128::from(part), i128::from(whole));
        let doubled = value.saturating_mul(part).saturating_mul(2).saturating_add(whole);
        let rounded = doubled.div_euclid(whole.saturating_mul(2));
        Self(i64::try_from(rounded).unwrap_or(i64::MAX))
    }

    /// Reads decimal text, such as a JSON number or a configured limit, as minor units of `currency`.
    ///
    /// # Errors
    /// Exponents, signs other than a leading minus, more than 18 digits, and decimals the currency does not have.
    pub fn parse(text: &str, currency: Currency) -> Result<Self, BadAmount> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let plain = digits.split('.').all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()));
        if !plain || digits.matches('.').count() > 1 {
            return Err(BadAmount::NotANumber);
        }
        if digits.len() > 19 {
            return Err(BadAmount::TooLarge);
        }
        let exact = Decimal::from_str_exact(text).map_err(|_| BadAmount::NotANumber)?;
        let mut minor = exact.normalize();
        if minor.scale() > currency.exponent() {
            return Err(BadAmount::TooManyDecimals { currency });
        }
        minor.rescale(currency.exponent());
        Self::new(i64::try_from(minor.mantissa()).map_err(|_| BadAmount::TooLarge)?)
    }

    /// Decimal text in `currency`, such as `44.95`.
    pub fn decimal(self, currency: Currency) -> String {
        Decimal::new(self.0, currency.exponent()).to_string()
    }
}

impl FromIterator<Minor> for Minor {
    fn from_iter<I: IntoIterator<Item = Self>>(amounts: I) -> Self {
        amounts.into_iter().fold(Self::ZERO, Self::plus)
    }
}

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadAmount {
    #[error("is not a plain decimal number")]
    NotANumber,
    #[error("has more decimals than {currency} has")]
    TooManyDecimals { currency: Currency },
    #[error("is too large to be a price")]
    TooLarge,
}

macro_rules! currencies {
    ($($code:ident $exponent:literal),+ $(,)?) => {
        /// A currency in which Klarna settles. A code that is not listed here is refused, never guessed.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Currency { $($code),+ }

        impl Currency {
            pub const ALL: &'static [Self] = &[$(Self::$code),+];

            pub const fn code(self) -> &'static str {
                match self { $(Self::$code => stringify!($code)),+ }
            }

            /// Decimals of the minor unit.
            pub const fn exponent(self) -> u32 {
                match self { $(Self::$code => $exponent),+ }
            }
        }
    };
}

currencies!(
    EUR 2, USD 2, GBP 2, SEK 2, NOK 2, DKK 2, CHF 2, PLN 2, CZK 2, RON 2, HUF 2, AUD 2, NZD 2, CAD 2, MXN 2,
);

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A currency code this program does not know.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not a currency Klarna settles in")]
pub struct UnknownCurrency(pub String);

impl FromStr for Currency {
    type Err = UnknownCurrency;

    fn from_str(code: &str) -> Result<Self, UnknownCurrency> {
        let found = Self::ALL.iter().copied().find(|currency| currency.code().eq_ignore_ascii_case(code));
        found.ok_or_else(|| UnknownCurrency(code.chars().take(16).collect()))
    }
}

/// An amount with its currency, for people and for the outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    pub minor: Minor,
    pub currency: Currency,
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.minor.decimal(self.currency), self.currency)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_cent_up_to_twenty_thousand_survives_its_text() {
        for minor in 0..=2_000_000 {
            let amount = Minor::new(minor).unwrap();
            assert_eq!(Minor::parse(&amount.decimal(Currency::EUR), Currency::EUR), Ok(amount));
        }
    }

    #[test]
    fn text_is_read_exactly_or_refused() {
        let read = |text| Minor::parse(text, Currency::EUR).map(Minor::get);
        let decimals = Err(BadAmount::TooManyDecimals { currency: Currency::EUR });
        for (text, expected) in [
            ("0", Ok(0)),
            ("42", Ok(4200)),
            ("44.95", Ok(4495)),
            ("44.9500", Ok(4495)),
            ("0.2", Ok(20)),
            ("-44.95", Ok(-4495)),
            ("-0.00", Ok(0)),
            ("6.2475", decimals),
            ("24.950000000000003", decimals),
            ("1e400", Err(BadAmount::NotANumber)),
            ("4495e-2", Err(BadAmount::NotANumber)),
            ("NaN", Err(BadAmount::NotANumber)),
            ("", Err(BadAmount::NotANumber)),
            ("-", Err(BadAmount::NotANumber)),
            (".5", Err(BadAmount::NotANumber)),
            ("5.", Err(BadAmount::NotANumber)),
            ("+5", Err(BadAmount::NotANumber)),
            ("1_000", Err(BadAmount::NotANumber)),
            ("1.2.3", Err(BadAmount::NotANumber)),
            ("0000000000000044.95", Ok(4495)),
            ("00000000000000044.95", Err(BadAmount::TooLarge)),
            ("99999999999999999999", Err(BadAmount::TooLarge)),
            ("9999999999999999", Err(BadAmount::TooLarge)),
        ] {
            assert_eq!(read(text), expected, "{text}");
        }
    }

    #[test]
    fn a_share_rounds_half_up_and_the_whole_is_the_whole() {
        let share = |minor, part, whole| Minor::new(minor).unwrap().share(part, whole).get();
        assert_eq!((share(1000, 1, 3), share(1000, 2, 3), share(1000, 3, 3)), (333, 667, 1000));
        assert_eq!((share(5, 1, 2), share(0, 1, 2), share(7, 0, 2), share(7, 1, 0)), (3, 0, 0, 0));
    }

    #[test]
    fn sums_saturate_instead_of_wrapping() {
        let largest = Minor(i64::MAX);
        assert_eq!(largest.plus(Minor(1)), largest);
        assert_eq!(Minor(3).less(Minor(5)), Minor::ZERO);
    }
}
