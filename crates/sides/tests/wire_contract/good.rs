//! What the real services answer when all is well. Every row breaks this and nothing else, so that a reader who
//! believes too much would call it a success.

use super::probe::Probe;
use super::wire_support::fixture;

#[derive(Clone)]
pub(crate) struct Good {
    pub(crate) status: &'static str,
    /// The header that names what was made, whole with its line end; empty where there is none.
    pub(crate) id: &'static str,
    pub(crate) body: String,
    /// A refusal in this side's own words.
    pub(crate) refusal: &'static str,
    /// The address of a server that must never be called.
    pub(crate) elsewhere: String,
}

impl Good {
    pub(crate) fn of(probe: Probe) -> Self {
        let klarna = r#"{"error_code":"NOT_ALLOWED","error_messages":["no"],"correlation_id":"c-1"}"#;
        let shop = r#"{"error":{"code":400,"method":"UPDATE","request":"x","message":"Invalid data input."}}"#;
        let (status, id, body, refusal) = match probe {
            Probe::Refund => ("201 Created", "Refund-Id: r-1\r\n", "{}".to_owned(), klarna),
            Probe::Cancel => ("204 No Content", "", String::new(), klarna),
            Probe::MarkPaid => ("200 OK", "", fixture("lightspeed/invoice_paid.json"), shop),
            Probe::KlarnaOrder => ("200 OK", "", fixture("klarna/order.json"), klarna),
            Probe::ShopOrder => ("200 OK", "", fixture("lightspeed/order.json"), shop),
        };
        Self { status, id, body, refusal, elsewhere: String::new() }
    }

    /// The status line, the id and these further header lines, without the empty line at the end.
    pub(crate) fn head(&self, headers: &str) -> String {
        format!("HTTP/1.1 {}\r\n{}{headers}", self.status, self.id)
    }

    /// A head with these further header lines and no length, and a body.
    pub(crate) fn with(&self, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
        [format!("{}\r\n", self.head(headers)).as_bytes(), body.as_ref()].concat()
    }

    /// The answer with another body, framed right.
    pub(crate) fn saying(&self, body: impl AsRef<[u8]>) -> Vec<u8> {
        self.with(&format!("Content-Length: {}\r\n", body.as_ref().len()), body)
    }

    pub(crate) fn whole(&self) -> Vec<u8> {
        // A 204 has no length (RFC 9110 §8.6).
        if self.status.starts_with("204") { self.with("", "") } else { self.saying(&self.body) }
    }

    /// Everything right but the status line.
    pub(crate) fn under(&self, status: &str) -> Vec<u8> {
        let length = self.body.len();
        format!("HTTP/1.1 {status}\r\n{}Content-Length: {length}\r\n\r\n{}", self.id, self.body).into_bytes()
    }

    /// In chunks, each of one part of the body; `end` is what stands where the last chunk should be.
    pub(crate) fn chunked(&self, end: &str) -> Vec<u8> {
        let (first, second) = self.body.split_at(self.body.len() / 2);
        let chunks: String = [first, second]
            .iter()
            .filter(|part| !part.is_empty())
            .map(|p| format!("{:x}\r\n{p}\r\n", p.len()))
            .collect();
        self.with("Transfer-Encoding: chunked\r\n", format!("{chunks}{end}"))
    }

    pub(crate) fn half(&self) -> &str {
        &self.body[..self.body.len() / 2]
    }
}

/// A whole answer of any kind.
pub(crate) fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len()).into_bytes()
}
