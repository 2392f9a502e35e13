//! One call to the shop's API, taken apart, and the ways it can fail.
//!
//! Also the error envelope: `{"error": {"code", "method", "request", "message"}}`.

use crate::json::{Dialect, J, obj};
use crate::wire::{Query, Request, Response};

/// A request past the language segment.
pub(crate) struct Call<'a> {
    pub(crate) request: &'a Request,
    pub(crate) parts: Vec<&'a str>,
    pub(crate) query: Query,
    /// `http://host/nl/`
    pub(crate) base: String,
    /// What webhooks registered by this call are signed with.
    pub(crate) secret: String,
    pub(crate) key: usize,
}

/// Why a call is answered with an error.
#[derive(Clone, Debug)]
pub(crate) enum Failure {
    NotFound,
    NoSuchVerb,
    /// A field holds something that is not taken.
    Invalid {
        field: String,
    },
    /// Refused, with a sentence.
    Refused {
        message: String,
    },
}

impl Call<'_> {
    pub(crate) fn id(&self, position: usize) -> Option<u64> {
        self.parts.get(position).and_then(|text| text.parse().ok())
    }

    /// The fields inside the envelope of a write.
    pub(crate) fn envelope(&self, name: &str) -> Result<serde_json::Value, Failure> {
        let invalid = || Failure::Invalid { field: name.to_owned() };
        let mut body: serde_json::Value = serde_json::from_slice(&self.request.body).map_err(|_| invalid())?;
        let inner = body.get_mut(name).ok_or_else(invalid)?;
        if inner.is_object() { Ok(inner.take()) } else { Err(invalid()) }
    }
}

/// The error envelope.
pub(crate) fn error(status: u16, request: &Request, message: &str) -> Response {
    Response::json(status, &error_body(status, request, message), Dialect::Php)
}

pub(crate) fn error_body(status: u16, request: &Request, message: &str) -> J {
    let method = match request.method.as_str() {
        "POST" => "CREATE",
        "PUT" => "UPDATE",
        "DELETE" => "DELETE",
        _ => "READ",
    };
    obj! {
        "error": obj! {
            "code": status,
            "method": method,
            "request": request.path().to_owned(),
            "message": message.to_owned(),
        },
    }
}

/// The answer to a failure; `validation` is the status refused input gets in this shop.
pub(crate) fn failure(failure: &Failure, request: &Request, validation: u16, verb: u16) -> Response {
    match failure {
        Failure::NotFound => error(404, request, "Resource not found."),
        Failure::NoSuchVerb => error(verb, request, "Method not allowed."),
        Failure::Invalid { field } => {
            let mut body = error_body(validation, request, "Invalid data input.");
            if validation == 422 {
                let text = vec![J::from("Invalid data input.")];
                let mut errors = obj! {};
                errors.set(field, J::Arr(text));
                body.set("errors", errors);
            }
            Response::json(validation, &body, Dialect::Php)
        }
        Failure::Refused { message } => error(validation, request, message),
    }
}
