//! The kill switch: whether anything is written at all.

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::PageContext;
use super::frame::{Frame, Section, When, html, maybe_when, plain};
use super::refusal::Refusal;
use super::visit::Visit;
use reconciled_store::Store as _;
use reconciled_store::pages::Pages as _;

#[derive(Template)]
#[template(path = "page/switch.html")]
struct SwitchPage {
    frame: Frame,
    shop: String,
    stopped: bool,
    since: Option<When>,
    actor: String,
    note: String,
    under_way: u64,
}

pub(super) async fn show(State(context): State<PageContext>, visit: Visit) -> Result<Response, Refusal> {
    let frame = Frame::around(&context, &visit, "Kill switch", Section::Switch).await?;
    let switch = visit.store.switch().await?;
    let sending = visit.store.standing().await?.intents.get("sending").copied();
    let text = |text: Option<String>| plain(&text.unwrap_or_default());
    html(&SwitchPage {
        frame,
        shop: visit.shop.to_string(),
        stopped: switch.stopped,
        since: maybe_when(switch.since),
        actor: text(switch.actor),
        note: text(switch.note),
        under_way: sending.unwrap_or(0),
    })
}
