//! The sandbox: whatever is asked, it answers, and its control API answers in JSON.

use jiff::Timestamp;
use reconciled_sandbox::{Request, Seed, Side, World};

pub const WORDS: &[&str] = &[
    "GET /_control/truth",
    "POST /_control/act/credit",
    "POST /_control/act/create_order",
    "POST /_control/reset",
    "POST /_control/act/cancel_order",
    "POST /_control/act/portal_refund",
    "POST /_control/act/set_field",
    "POST /_control/faults",
    "POST /_control/switches",
    "POST /_control/clock",
    "POST /_control/limits",
    "POST /_control/keys",
    "?order=ORD00001",
    "\n\n",
    "{",
    "}",
    ",",
    "\"order\":\"ORD00001\"",
    "\"amount_minor\":",
    "1995",
    "-1",
    "9223372036854775807",
    "\"amount\":\"44.95\"",
    "\"kind\":\"drop\"",
    "\"klarna\":\"captured\"",
    "null",
    "\"advance_seconds\":9223372036854775807",
    "\"field\":\"priceIncl\"",
    "\"text\":\"1e400\"",
    "\n%%\n",
];

/// `METHOD /path`, an empty line, and the body; several of them, one after the other, on one small world.
pub fn sandbox_control(data: &[u8]) -> bool {
    let now = Timestamp::constant(1_780_315_200, 0);
    let mut world = World::seeded(Seed::Demo, 1, now);
    let mut is_obeyed = false;
    for call in String::from_utf8_lossy(data).split("\n%%\n") {
        let (head, body) = call.split_once("\n\n").unwrap_or((call, ""));
        let Some((method, path)) = head.trim().split_once(' ') else { continue };
        let reply = world.handle(Side::Lightspeed, &Request::new(method, path).with_body(body), now);
        let Some(response) = reply.response() else { continue };
        if path.starts_with("/_control/") {
            let answered = serde_json::from_slice::<&serde_json::value::RawValue>(&response.body);
            assert!(answered.is_ok(), "{path} answers {response:?}");
            is_obeyed |= response.status == 200;
        }
    }
    is_obeyed
}
