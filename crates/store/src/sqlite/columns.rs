//! How values of the core stand in columns, in both directions.
//!
//! Never a default for what cannot be read: a value that is not exactly ours is an error, which becomes
//! [`StoreError::Damaged`].

use std::fmt;

use jiff::Timestamp;
use rusqlite::types::{FromSql, FromSqlError, FromSqlResult, ToSql, ToSqlOutput, ValueRef};
use uuid::Uuid;

use super::super::StoreError;
use super::super::codec::Coded;
use reconciled_core::id::OrderId;
use reconciled_core::money::Minor;

/// A time, as nanoseconds since 1970. What lies outside the years 1678 to 2262 is kept as the nearest of them: no
/// such time decides anything.
#[derive(Clone, Copy)]
pub(super) struct At(pub(super) Timestamp);

impl At {
    pub(super) fn nanos(self) -> i64 {
        let nanos = self.0.as_nanosecond();
        i64::try_from(nanos).unwrap_or(if nanos < 0 { i64::MIN } else { i64::MAX })
    }

    /// The whole hour that index expressions and the rolling ceiling use.
    pub(super) fn hour(self) -> i64 {
        self.nanos().checked_div(NANOS_PER_HOUR).unwrap_or(0)
    }
}

pub(super) const NANOS_PER_HOUR: i64 = 3_600_000_000_000;

impl ToSql for At {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.nanos().into())
    }
}

impl FromSql for At {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let nanos = i128::from(i64::column_result(value)?);
        Timestamp::from_nanosecond(nanos).map(Self).map_err(FromSqlError::other)
    }
}

/// An id that the other side numbers. Numbers above `i64::MAX` are refused: nobody counts that far.
#[derive(Clone, Copy)]
pub(super) struct Number(pub(super) u64);

impl ToSql for Number {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        let number = i64::try_from(self.0).map_err(|why| rusqlite::Error::ToSqlConversionFailure(Box::new(why)))?;
        Ok(number.into())
    }
}

impl FromSql for Number {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let number = i64::column_result(value)?;
        u64::try_from(number).map(Self).map_err(FromSqlError::other)
    }
}

/// An amount in minor units.
#[derive(Clone, Copy)]
pub(super) struct Cents(pub(super) Minor);

impl ToSql for Cents {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.get().into())
    }
}

impl FromSql for Cents {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Minor::new(i64::column_result(value)?).map(Self).map_err(FromSqlError::other)
    }
}

/// A value with a word in the codec.
pub(super) struct Code<T>(pub(super) T);

impl<T: Coded> ToSql for Code<T> {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(match self.0.encode() {
            std::borrow::Cow::Borrowed(word) => word.into(),
            std::borrow::Cow::Owned(word) => word.into(),
        })
    }
}

impl<T: Coded> FromSql for Code<T> {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        let word = value.as_str()?;
        T::decode(word).map(Self).ok_or_else(|| FromSqlError::other(NotAWord(word.chars().take(80).collect())))
    }
}

/// A UUID in its 36 characters.
#[derive(Clone, Copy)]
pub(super) struct Id(pub(super) Uuid);

impl ToSql for Id {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(self.0.to_string().into())
    }
}

impl FromSql for Id {
    fn column_result(value: ValueRef<'_>) -> FromSqlResult<Self> {
        Uuid::try_parse(value.as_str()?).map(Self).map_err(FromSqlError::other)
    }
}

#[derive(Debug)]
struct NotAWord(String);

impl fmt::Display for NotAWord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is not a word of this program", self.0)
    }
}

impl std::error::Error for NotAWord {}

pub(super) fn order(id: Number) -> OrderId {
    OrderId(id.0)
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        if matches!(
            error,
            rusqlite::Error::FromSqlConversionFailure(..)
                | rusqlite::Error::IntegralValueOutOfRange(..)
                | rusqlite::Error::InvalidColumnType(..)
        ) {
            Self::Damaged(error.to_string())
        } else {
            Self::Sql(error)
        }
    }
}

/// The state of a machine became a word that a `CHECK`, a trigger or a unique index refuses.
pub(super) fn is_constraint(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(rusqlite::ErrorCode::ConstraintViolation)
}
