//! The stage that a scene is played on, and the judge of what came of it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use reconciled_sandbox::{KlarnaIdLocation, KlarnaStart, NewAttempt, NewLine, NewOrder};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::not_yet::NOT_YET;
use crate::remedies;
use crate::support::{DAY, DRIVE, Pass, Placed, Rig, text};

/// What a Klarna order must hold in the end, in cents.
#[derive(Clone, Copy, Debug)]
pub struct Money {
    /// The name that the scene gave it.
    pub of: &'static str,
    pub captured: i64,
    pub refunded: i64,
    /// What is still authorized.
    pub left: i64,
}

/// Short for a row of the table.
pub const fn money(of: &'static str, captured: i64, refunded: i64, left: i64) -> Money {
    Money { of, captured, refunded, left }
}

/// Which breaks must be open in the end.
#[derive(Clone, Copy, Debug)]
pub enum Breaks {
    /// Exactly these kinds.
    Only(&'static [&'static str]),
    /// This kind, whatever else.
    With(&'static str),
    /// One at least.
    Some,
    /// This scene is not about breaks.
    Any,
}

/// What must have come of a scene.
#[derive(Clone, Copy, Debug)]
pub struct Outcome {
    pub money: &'static [Money],
    /// The status of every credit invoice, in the order in which they were made.
    pub credits: &'static [&'static str],
    pub status: i32,
    pub breaks: Breaks,
    /// Words that the breaks must say between them; `A` and such in braces stand for Klarna's ids.
    pub says: &'static [&'static str],
}

/// Everything agrees, with this money moved.
pub const fn agreed(money: &'static [Money], credits: &'static [&'static str]) -> Outcome {
    Outcome { money, credits, status: 0, breaks: Breaks::Only(&[]), says: &[] }
}

/// Held, with these breaks.
pub const fn held(
    money: &'static [Money], credits: &'static [&'static str], breaks: Breaks, says: &'static [&'static str],
) -> Outcome {
    Outcome { money, credits, status: 1, breaks, says }
}

/// One row of the table.
pub struct Scene {
    pub name: &'static str,
    pub policy: &'static str,
    pub play: fn(&Stage),
    /// Any of these is right.
    pub right: &'static [Outcome],
}

impl Scene {
    pub const fn new(name: &'static str, play: fn(&Stage), right: &'static [Outcome]) -> Self {
        Self { name, policy: DRIVE, play, right }
    }
}

/// Where a scene is played.
pub struct Stage {
    pub rig: Rig,
    klarna: RefCell<BTreeMap<&'static str, Uuid>>,
    credits: RefCell<Vec<u64>>,
    last: RefCell<Option<Pass>>,
    trouble: RefCell<Vec<String>>,
}

impl Stage {
    pub fn new(policy: &str) -> Self {
        Self {
            rig: Rig::empty(policy),
            klarna: RefCell::default(),
            credits: RefCell::default(),
            last: RefCell::default(),
            trouble: RefCell::default(),
        }
    }

    /// An order of ten days ago, paid by `A`, whose id stands in the memo.
    pub fn order(&self, amount: i64, start: KlarnaStart) -> Placed {
        self.place("A", NewOrder { klarna_id: Some(KlarnaIdLocation::Memo), ..NewOrder::of(amount, start) })
    }

    /// The same, shipped.
    pub fn shipped(&self, amount: i64, start: KlarnaStart) -> Placed {
        let new = NewOrder { klarna_id: Some(KlarnaIdLocation::Memo), shipped: true, ..NewOrder::of(amount, start) };
        self.place("A", new)
    }

    /// An order of several lines of one piece each.
    pub fn lines(&self, prices: &[i64], start: KlarnaStart) -> Placed {
        let lines = prices.iter().map(|price| NewLine::new("Article", 1, *price)).collect();
        self.place("A", NewOrder { lines, klarna: Some(start), ..NewOrder::default() })
    }

    pub fn place(&self, name: &'static str, new: NewOrder) -> Placed {
        let age_ms = if new.age_ms == 0 { 10 * DAY } else { new.age_ms };
        let order = self.rig.place(&NewOrder { age_ms, ..new });
        if let Some(id) = order.klarna {
            self.klarna.borrow_mut().insert(name, id);
        }
        order
    }

    /// One more attempt for an order, of the same day, in the memo.
    pub fn attempt(&self, name: &'static str, order: &Placed, start: KlarnaStart) -> Uuid {
        let attempt = NewAttempt { age_ms: 10 * DAY, ..NewAttempt::of(start, KlarnaIdLocation::Memo) };
        self.attempt_as(name, order, &attempt)
    }

    pub fn attempt_as(&self, name: &'static str, order: &Placed, attempt: &NewAttempt) -> Uuid {
        let id = self.rig.with(|world| world.attempt(order.id, attempt)).unwrap();
        self.klarna.borrow_mut().insert(name, id);
        id
    }

    pub fn id(&self, name: &str) -> Uuid {
        self.klarna.borrow()[name]
    }

    /// A credit invoice of two hours ago; its number.
    pub fn credit(&self, order: &Placed, amount: i64) -> String {
        self.credit_as(order, &json!({"amount_minor": amount}))
    }

    pub fn credit_lines(&self, order: &Placed, lines: &[usize]) -> String {
        let lines: Vec<Value> = lines.iter().map(|line| json!({"line": line})).collect();
        self.credit_as(order, &json!({ "lines": lines }))
    }

    pub fn credit_as(&self, order: &Placed, fields: &Value) -> String {
        let mut body = json!({"order": order.number, "age_seconds": 7_200});
        body.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
        let made = self.rig.control("act/credit", &body);
        self.credits.borrow_mut().push(made["invoice"].as_u64().unwrap());
        text(&made["number"])
    }

    pub fn act(&self, name: &str, body: &Value) -> Value {
        self.rig.control(&format!("act/{name}"), body)
    }

    pub fn refund_in_portal(&self, name: &str, amount: i64) -> String {
        let id = self.id(name);
        self.rig.with(|world| world.portal_refund(id, Some(amount), None)).unwrap().to_string()
    }

    /// One pass.
    pub fn pass(&self) -> Pass {
        let pass = self.rig.pass();
        *self.last.borrow_mut() = Some(pass.clone());
        pass
    }

    /// Passes until one sends nothing and knows every outcome, five at most; the last is what the scene ends with.
    pub fn settle(&self) -> Pass {
        for _ in 0..5 {
            let before = self.rig.writes().len();
            let pass = self.pass();
            if pass.status != 3 && self.rig.writes().len() == before {
                break;
            }
        }
        self.last.borrow().clone().unwrap()
    }

    /// A command that must be taken; what it says otherwise is told with the scene.
    pub fn command(&self, arguments: &[&str]) {
        let ran = self.rig.run(arguments);
        if ran.status == 2 || ran.status == 3 {
            self.complain(format!("`{}` ended with {}: {}{}", arguments.join(" "), ran.status, ran.out, ran.err));
        }
    }

    pub fn complain(&self, what: String) {
        self.trouble.borrow_mut().push(what);
    }

    pub fn check(&self, is_so: bool, what: &str) {
        if !is_so {
            self.complain(what.to_owned());
        }
    }

    /// The intent of the only effect with this outcome in the last pass.
    pub fn intent(&self, outcome: &str) -> String {
        let last = self.last.borrow().clone().unwrap();
        let found = last.list("effects").iter().find(|it| it["outcome"] == outcome);
        found.map_or_else(|| panic!("no effect is {outcome}: {:#}", last.json), |it| text(&it["intent"]))
    }

    pub fn last(&self) -> Option<Pass> {
        self.last.borrow().clone()
    }

    fn statuses(&self) -> Vec<String> {
        let all = self.rig.with(|world| world.all_shop_truth());
        let status = |id: &u64| {
            let mut invoices = all.iter().flat_map(|order| &order.invoices);
            invoices.find(|one| one.id == *id).map_or("gone".to_owned(), |one| one.status.clone())
        };
        self.credits.borrow().iter().map(status).collect()
    }

    /// What is not as it must be.
    fn differences(&self, right: &Outcome) -> Vec<String> {
        let mut found = Vec::new();
        for want in right.money {
            let id = self.id(want.of);
            let is = self.rig.with(|world| world.klarna_truth(id)).unwrap();
            let is = (is.captured_amount, is.refunded_amount, is.remaining_authorized_amount);
            let must = (want.captured, want.refunded, want.left);
            if is != must {
                found.push(format!("{}: captured, refunded, left are {is:?}, not {must:?}", want.of));
            }
        }
        let statuses = self.statuses();
        if statuses != right.credits {
            found.push(format!("credit invoices are {statuses:?}, not {:?}", right.credits));
        }
        let Some(last) = self.last() else { return found };
        if last.status != right.status {
            found.push(format!("exit status {}, not {}", last.status, right.status));
        }
        let kinds: Vec<String> = last.list("breaks").iter().map(|it| text(&it["kind"])).collect();
        let fits = match right.breaks {
            Breaks::Only(wanted) => kinds == wanted,
            Breaks::With(wanted) => kinds.iter().any(|kind| kind == wanted),
            Breaks::Some => !kinds.is_empty(),
            Breaks::Any => true,
        };
        if !fits {
            found.push(format!("breaks are {kinds:?}, not {:?}", right.breaks));
        }
        let said: Vec<String> = last.list("breaks").iter().map(|it| text(&it["message"])).collect();
        let said = said.join("\n");
        for words in right.says {
            let words =
                self.klarna.borrow().iter().fold((*words).to_owned(), |words, (name, id)| {
                    words.replace(&format!("{{{name}}}"), &id.to_string())
                });
            if !said.contains(&words) {
                found.push(format!("no break says `{words}`: {said}"));
            }
        }
        found
    }
}

/// Plays a scene once: the stage as it was left, or why it broke off.
pub fn played(scene: &Scene) -> Result<Stage, String> {
    catch_unwind(AssertUnwindSafe(|| {
        let stage = Stage::new(scene.policy);
        (scene.play)(&stage);
        stage
    }))
    .map_err(|why| {
        let text = why.downcast_ref::<String>().cloned();
        text.or_else(|| why.downcast_ref::<&str>().map(|text| (*text).to_owned())).unwrap_or_default()
    })
}

/// What a pass had to tell, in short.
fn told(pass: &Pass) -> String {
    let rows = |list: &str, fields: [&str; 3]| -> String {
        let row = |it: &Value| fields.map(|field| text(&it[field])).join(" | ");
        pass.list(list).iter().map(|it| format!("\n    {list}: {}", row(it))).collect()
    };
    let breaks = rows("breaks", ["kind", "message", "remedy"]);
    let effects = rows("effects", ["kind", "outcome", "why"]);
    format!("the last pass:{breaks}{effects}{}", rows("not_checked", ["what", "why", ""]))
}

/// Everything wrong with a scene; nothing when it is right.
fn wrong(scene: &Scene) -> Vec<String> {
    let stage = match played(scene) {
        Ok(stage) => stage,
        Err(why) => return vec![format!("broke off: {why}")],
    };
    let mut found = stage.trouble.take();
    let tries: Vec<Vec<String>> = scene.right.iter().map(|right| stage.differences(right)).collect();
    let nearest = tries.into_iter().min_by_key(Vec::len).unwrap_or_default();
    if !nearest.is_empty() {
        found.extend(nearest);
        found.extend(stage.last().map(|pass| told(&pass)));
    }
    found.extend(remedies::followed(scene, stage));
    found
}

/// Plays every scene of a part; those whose rule is still missing must be wrong.
#[track_caller]
pub fn all(scenes: &[Scene]) {
    let mut failed = Vec::new();
    for scene in scenes {
        let found = wrong(scene);
        match (NOT_YET.contains(&scene.name), found.is_empty()) {
            (false, true) | (true, false) => {}
            (true, true) => failed.push(format!("{}: right now, so it leaves the list NOT_YET", scene.name)),
            (false, false) => failed.push(format!("{}:\n  {}", scene.name, found.join("\n  "))),
        }
    }
    assert!(failed.is_empty(), "{} of {} scenes:\n{}", failed.len(), scenes.len(), failed.join("\n"));
}
