//! Between the clients and the sandbox: every request becomes a flight, and every flight has a fate.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;

use reconciled_sandbox::{BodyFormat, Effect, FaultKind, FaultRule, Reply, Side};
use reconciled_sides::http::{Login, Method, Request, Response, Transport, TransportError};
use uuid::Uuid;

use super::sim::{Answer, Done, Flight, Sim, State, Waiting, Zombie};
use super::swarm::NetFault;
use super::time::{MINUTE, SECOND};

/// How long a request may be under way after its sender gave up.
pub const LATEST: i64 = 60 * SECOND;

pub const SHOP_URL: &str = "http://127.0.0.1:4010";
pub const KLARNA_URL: &str = "http://127.0.0.1:4020";

#[derive(Clone)]
pub struct SimTransport {
    pub sim: Sim,
    pub daemon: usize,
}

impl Transport for SimTransport {
    fn send(&self, request: Request) -> impl Future<Output = Answer> + Send {
        let this = self.clone();
        async move {
            let id = {
                let mut state = this.sim.lock();
                let flight = flight(&state, &request);
                state.take_off(this.daemon, &flight);
                state.draw_slot(this.daemon, Waiting::Net(Box::new(flight)))
            };
            match this.sim.wait(id).await {
                Done::Net(answer) => answer,
                Done::Went => Err(TransportError::Lost("nothing came".to_owned())),
            }
        }
    }
}

fn flight(state: &State, request: &Request) -> Flight {
    let side = if request.url.starts_with(SHOP_URL) { Side::Lightspeed } else { Side::Klarna };
    let path = request.url.strip_prefix(SHOP_URL).or_else(|| request.url.strip_prefix(KLARNA_URL)).unwrap();
    let method = match request.method {
        Method::Get => "GET",
        Method::Post => "POST",
        Method::Put => "PUT",
        Method::Delete => "DELETE",
    };
    let accounts = state.world.accounts();
    let authorization = match side {
        Side::Klarna => accounts.merchant_authorization(),
        Side::Lightspeed | Side::Control => accounts.shop_authorization(),
    };
    assert!(matches!(request.login, Login::Basic(_)), "a side is asked with its credential");
    let mut asked = reconciled_sandbox::Request::new(method, path).with_header("authorization", &authorization);
    for (name, value) in &request.headers {
        asked = asked.with_header(name, value);
    }
    if let Some(body) = &request.body {
        asked = asked.with_header("content-type", "application/json").with_body(body.clone());
    }
    Flight {
        side,
        request: asked,
        sent: state.now,
        timeout: i64::try_from(request.timeout.as_millis()).unwrap(),
        largest: request.largest_answer,
        answer: None,
    }
}

fn is_list(flight: &Flight) -> bool {
    let path = flight.request.path_and_query.split('?').next().unwrap_or_default();
    let lists = ["/orders.json", "/invoices.json", "/shipments.json"];
    flight.side == Side::Lightspeed && !flight.is_write() && lists.iter().any(|it| path.ends_with(it))
}

/// From how many rows on nobody takes a short page for the end of a list.
const LONG: usize = 125;

/// The answer lacks something that the shop holds, and nothing says so.
fn is_bent(fault: NetFault, answer: &Answer) -> bool {
    match fault {
        // A long list's end is asked for once more.
        NetFault::ShortPage => rows(answer) < LONG,
        NetFault::EmptyPage | NetFault::ShiftedPage | NetFault::WithoutCredits => true,
        _ => false,
    }
}

/// How many rows a page of a list has.
fn rows(answer: &Answer) -> usize {
    let Ok(response) = answer else { return 0 };
    let page: Option<BTreeMap<String, Vec<serde::de::IgnoredAny>>> = serde_json::from_slice(&response.body).ok();
    page.and_then(|page| page.into_values().map(|rows| rows.len()).max()).unwrap_or(0)
}

fn lost(why: &str) -> Answer {
    Err(TransportError::Lost(why.to_owned()))
}

impl State {
    fn take_off(&mut self, daemon: usize, flight: &Flight) {
        let number = u64::from(flight.is_write());
        let request = &flight.request;
        let body = || String::from_utf8_lossy(&request.body).into_owned();
        self.log.event(self.now, "send", number, || {
            format!("machine {daemon}: {} {} {}", request.method, request.path_and_query, body())
        });
        if flight.is_write() {
            super::oracle::sends::on_send(self, daemon, flight);
        } else {
            self.oracle.read_begins(daemon, &flight.request.path_and_query, self.now);
        }
    }

    /// A request arrives, or does not.
    pub fn arrive(&mut self, id: u64) {
        let Some(slot) = self.slots.get(&id) else { return };
        let daemon = slot.daemon;
        let Waiting::Net(flight) = &slot.waiting else { return };
        let mut flight = flight.clone();
        let fault = self.fault_of(daemon, &flight);
        let answer = match fault {
            None => (self.reach(daemon, &flight, None), self.now),
            Some(fault) => self.go_wrong(daemon, &flight, fault),
        };
        self.log.event(self.now, "arrive", id, || match (&fault, &answer) {
            (Some(fault), _) => format!("{fault:?} {} {}", flight.request.method, flight.request.path_and_query),
            (None, (Ok(response), _)) => {
                format!("{} {}: {}", flight.request.method, flight.request.path_and_query, response.status)
            }
            (None, _) => String::new(),
        });
        flight.answer = Some(answer);
        if let Some(slot) = self.slots.get_mut(&id) {
            slot.waiting = Waiting::Net(flight);
        }
    }

    /// The answer reaches the client.
    pub fn come_back(&mut self, id: u64) {
        let Some(slot) = self.slots.get_mut(&id) else { return };
        let daemon = slot.daemon;
        let Waiting::Net(flight) = &mut slot.waiting else { return };
        let Some((answer, _)) = flight.answer.take() else { return };
        let (is_write, path) = (flight.is_write(), flight.request.path_and_query.clone());
        if !is_write {
            let side = flight.side;
            let store = self.machines[daemon].store;
            let now = self.now;
            self.oracle.read_ended((daemon, store), &path, now, side, &answer);
        }
        if is_write
            && let Ok(response) = &answer
            && response.status / 100 == 2
        {
            self.answered.insert((self.machines[daemon].store, path.clone()), response.clone());
        }
        self.log.event(self.now, "back", id, || match &answer {
            Ok(response) => format!("{} {path}", response.status),
            Err(error) => format!("{error} {path}"),
        });
        self.finish(id, Done::Net(answer));
    }

    /// A request that nobody waits for any more arrives after all.
    pub fn haunt(&mut self, index: usize) {
        let zombie = self.zombies.swap_remove(index);
        self.log.count("zombie");
        self.log.event(self.now, "late", 0, || {
            format!("{} {}", zombie.flight.request.method, zombie.flight.request.path_and_query)
        });
        let _ = self.reach(zombie.daemon, &zombie.flight, None);
    }

    fn fault_of(&mut self, daemon: usize, flight: &Flight) -> Option<NetFault> {
        if flight.is_write() && !self.forced.is_empty() {
            return Some(self.forced.remove(0));
        }
        let rate = self.swarm.net_rate;
        if !self.faults || rate == 0 {
            return None;
        }
        // A history is decided by its writes: they meet more.
        let rate = if flight.is_write() { (rate * 4).min(600) } else { rate };
        if !self.rng.chance(rate) {
            return None;
        }
        // What answers for the service at all does so often, where it has an answer.
        let is_known = self.answered_before(daemon, flight).is_some();
        let echoes =
            flight.is_write() && is_known && self.swarm.net.contains(&NetFault::EarlierAnswer) && self.rng.chance(900);
        let fault = if echoes { NetFault::EarlierAnswer } else { self.rng.one(&self.swarm.net) };
        let fits = match fault {
            NetFault::StaleRead => flight.side == Side::Klarna && !flight.is_write(),
            NetFault::MissingIds => flight.side == Side::Klarna && flight.is_write(),
            NetFault::ErrorIn200 => flight.side == Side::Lightspeed,
            NetFault::EmptyPage | NetFault::ShortPage | NetFault::ShiftedPage => is_list(flight),
            NetFault::WithoutCredits => flight.side == Side::Lightspeed && !flight.is_write(),
            NetFault::OtherIds => flight.side == Side::Klarna && flight.is_write(),
            NetFault::EarlierAnswer => is_known,
            _ => true,
        };
        if fits {
            self.log.count(fault.name());
        }
        fits.then_some(fault)
    }

    /// What stands on the way of one program answered last.
    fn answered_before(&self, daemon: usize, flight: &Flight) -> Option<&Response> {
        self.answered.get(&(self.machines[daemon].store, flight.request.path_and_query.clone()))
    }

    fn go_wrong(&mut self, daemon: usize, flight: &Flight, fault: NetFault) -> (Answer, i64) {
        let now = self.now;
        let status = |code, format| FaultKind::Status { code, format };
        let refusal =
            |code, error: &str| FaultKind::Refusal { code, error_code: error.to_owned(), message: "No.".to_owned() };
        let code = self.rng.one(&[500, 502, 503, 504]);
        let format = self.rng.one(&[BodyFormat::Json, BodyFormat::Html, BodyFormat::Empty]);
        let either = self.rng.one(&[Effect::Before, Effect::After]);
        let (kind, effect) = match fault {
            NetFault::NotSent => return (Err(TransportError::NotSent("no connection".to_owned())), now),
            NetFault::DropRequest => return (lost("reset"), now),
            NetFault::DropAnswer => {
                let _ = self.reach(daemon, flight, None);
                return (lost("reset"), now);
            }
            NetFault::Late => {
                let until = flight.sent + flight.timeout + LATEST;
                self.zombies.push(Zombie { flight: flight.clone(), until, daemon });
                return (lost("timed out"), flight.sent + flight.timeout);
            }
            NetFault::EarlierAnswer => {
                return (self.answered_before(daemon, flight).cloned().map_or_else(|| lost("reset"), Ok), now);
            }
            NetFault::Slow => {
                let answer = self.reach(daemon, flight, None);
                let later = self.rng.ms(SECOND, 2 * MINUTE);
                let gives_up = flight.sent + flight.timeout;
                return if now + later >= gives_up { (lost("timed out"), gives_up) } else { (answer, now + later) };
            }
            NetFault::ServerErrorBefore => (status(code, format), Effect::Before),
            NetFault::ServerErrorAfter => (status(code, format), Effect::After),
            NetFault::Garbage => (FaultKind::Garbage, Effect::After),
            NetFault::Truncated => (FaultKind::TruncatedJson, Effect::After),
            NetFault::CutBody => (FaultKind::CutBody { bytes: 10 }, Effect::After),
            NetFault::WrongType => (FaultKind::ContentType { value: "text/html".to_owned() }, Effect::After),
            NetFault::MissingIds => (FaultKind::MissingIds, Effect::After),
            NetFault::Redirect => {
                (FaultKind::Redirect { code: 307, location: "https://example.com/".to_owned() }, either)
            }
            NetFault::StaleRead => (FaultKind::StaleRead { ms: self.rng.ms(SECOND, 10 * MINUTE) }, Effect::After),
            NetFault::Throttled => {
                let reset = self.rng.one(&[None, Some(2), Some(60)]);
                (FaultKind::RateLimited { reset_seconds: reset }, Effect::Before)
            }
            NetFault::Unauthorized => (status(401, format), either),
            NetFault::Forbidden => (status(403, BodyFormat::Html), either),
            NetFault::Conflict => (refusal(409, "CONFLICT"), either),
            NetFault::Refused => (refusal(403, "NOT_ALLOWED"), Effect::Before),
            NetFault::ErrorIn200 => (FaultKind::ErrorIn200 { message: "No.".to_owned() }, Effect::Before),
            NetFault::EmptyPage => (FaultKind::EmptyPage, Effect::After),
            NetFault::ShortPage => (FaultKind::ShortPage { missing: 1 }, Effect::After),
            NetFault::ShiftedPage => (FaultKind::ShiftedPage { by: 1 }, Effect::After),
            NetFault::WithoutCredits => (FaultKind::WithoutDocuments { ids: self.credit_ids() }, Effect::After),
            NetFault::OtherIds => {
                let (order, id) = self.rng.one(&[(true, false), (true, true)]);
                let mut other = |is: bool| is.then(|| Uuid::from_u64_pair(self.rng.next(), self.rng.next()));
                (FaultKind::OtherIds { order: other(order), id: other(id) }, Effect::After)
            }
            NetFault::Huge => (FaultKind::HugeBody { bytes: flight.largest + 1 }, Effect::After),
        };
        if matches!(fault, NetFault::Huge) {
            // What does not fit is not received whole; eight million bytes need not be made to show it.
            let _ = self.reach(daemon, flight, None);
            return (lost("more than the largest answer"), now);
        }
        let answer = self.reach(daemon, flight, Some((kind, effect)));
        if is_bent(fault, &answer) {
            self.oracle.bent.insert(daemon);
            self.oracle.was_bent.insert(self.machines[daemon].store);
            self.oracle.lacks.insert(self.machines[daemon].store);
        }
        (answer, now)
    }

    fn credit_ids(&self) -> BTreeSet<u64> {
        let all = self.world.all_shop_truth();
        all.iter().flat_map(|shop| &shop.invoices).filter(|it| it.is_credit).map(|it| it.id).collect()
    }

    /// The request is at the service: what happens there happens now.
    pub fn reach(&mut self, daemon: usize, flight: &Flight, fault: Option<(FaultKind, Effect)>) -> Answer {
        if let Some((kind, effect)) = fault {
            if let FaultKind::StaleRead { ms } = kind {
                self.oracle.stale_by = ms;
            }
            let mut rule = FaultRule::once(flight.side, &flight.request.method, "*", kind);
            rule.effect = effect;
            self.world.add_fault(rule);
        }
        let at = self.at();
        let before = flight.is_write().then(|| super::oracle::effects::before(self, flight));
        let reply = self.world.handle(flight.side, &flight.request, at);
        self.world.clear_faults();
        if let Some(before) = before {
            super::oracle::effects::after(self, daemon, flight, &before);
        } else if flight.side == Side::Klarna {
            self.oracle.saw_klarna(daemon, &flight.request.path_and_query, at, &mut self.world);
        }
        self.oracle.stale_by = 0;
        answer(reply, flight.largest)
    }
}

fn answer(reply: Reply, largest: usize) -> Answer {
    match reply {
        Reply::Respond(response) if response.body.len() > largest => lost("more than the largest answer"),
        Reply::Respond(response) => Ok(Response {
            status: response.status,
            headers: response.headers.into_iter().map(|(name, value)| (name.to_ascii_lowercase(), value)).collect(),
            body: response.body,
        }),
        Reply::After { reply, .. } => answer(*reply, largest),
        Reply::Hang => lost("timed out"),
        Reply::DropConnection => lost("reset"),
        Reply::CutBody { .. } => lost("the body broke off"),
    }
}
