//! Reading the body of a control call, with errors that name the field.

use serde_json::Value;

/// A JSON object; an empty body is an empty object.
pub(crate) struct Fields(Value);

impl Fields {
    pub(crate) fn read(body: &[u8]) -> Result<Self, String> {
        if body.is_empty() {
            return Ok(Self(Value::Object(serde_json::Map::new())));
        }
        let value: Value = serde_json::from_slice(body).map_err(|error| format!("the body is not JSON: {error}"))?;
        if value.is_object() { Ok(Self(value)) } else { Err("the body is not an object".to_owned()) }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name).filter(|value| !value.is_null())
    }

    /// Whether the field is there at all, null included.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.get(name).is_some()
    }

    pub(crate) fn entries(&self) -> impl Iterator<Item = (&String, &Value)> {
        self.0.as_object().into_iter().flatten()
    }

    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, String> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(format!("`{name}` must be text")),
        }
    }

    pub(crate) fn number(&self, name: &str) -> Result<Option<i64>, String> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => value.as_i64().map(Some).ok_or_else(|| format!("`{name}` must be a whole number")),
        }
    }

    pub(crate) fn unsigned(&self, name: &str) -> Result<Option<u64>, String> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => {
                value.as_u64().map(Some).ok_or_else(|| format!("`{name}` must be a whole number, 0 or more"))
            }
        }
    }

    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, String> {
        match self.get(name) {
            None => Ok(None),
            Some(value) => value.as_bool().map(Some).ok_or_else(|| format!("`{name}` must be true or false")),
        }
    }

    pub(crate) fn list(&self, name: &str) -> Result<Option<&[Value]>, String> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::Array(items)) => Ok(Some(items)),
            Some(_) => Err(format!("`{name}` must be a list")),
        }
    }
}

/// Decimal text (`12.3456`, `0.05`) as an integer of so many decimals; more decimals are refused.
pub(crate) fn decimal(text: &str, decimals: usize) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !plain(whole) || !plain(part) || part.len() > decimals {
        return None;
    }
    let number: i64 = format!("{whole}{part:0<decimals$}").parse().ok()?;
    Some(if negative { number.saturating_neg() } else { number })
}
