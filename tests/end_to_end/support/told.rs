//! What a run said, and how it is asked.

use serde_json::Value;

/// How one run ended and what it printed.
#[derive(Clone, Debug)]
pub struct Ran {
    pub status: i32,
    pub out: String,
    pub err: String,
}

impl Ran {
    /// The one JSON object on stdout.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|why| panic!("stdout is not one JSON object: {why}\n{self:?}"))
    }

    #[track_caller]
    pub fn ended(&self, status: i32) -> &Self {
        assert_eq!(self.status, status, "stdout:\n{}\nstderr:\n{}", self.out, self.err);
        self
    }

    /// Some word of the output, wherever it went.
    #[track_caller]
    pub fn says(&self, words: &str) -> &Self {
        let all = format!("{}\n{}", self.out, self.err);
        assert!(all.contains(words), "`{words}` is missing in:\n{all}");
        self
    }
}

/// One pass: how it ended, and its JSON.
#[derive(Clone, Debug)]
pub struct Pass {
    pub status: i32,
    pub json: Value,
    pub err: String,
}

impl Pass {
    pub fn list(&self, name: &str) -> &[Value] {
        self.json[name].as_array().map_or(&[], Vec::as_slice)
    }

    #[track_caller]
    pub fn ended(&self, status: i32) -> &Self {
        assert_eq!(self.status, status, "{:#}\n{}", self.json, self.err);
        self
    }

    /// (kind, outcome) of every effect of an order, sorted.
    pub fn effects_of(&self, order: &str) -> Vec<(String, String)> {
        let of = self.list("effects").iter().filter(|it| it["order"] == order);
        let mut found: Vec<_> = of.map(|it| (text(&it["kind"]), text(&it["outcome"]))).collect();
        found.sort();
        found
    }

    /// Kinds of the breaks of an order, sorted.
    pub fn breaks_of(&self, order: &str) -> Vec<String> {
        let of = self.list("breaks").iter().filter(|it| it["order"] == order);
        let mut found: Vec<String> = of.map(|it| text(&it["kind"])).collect();
        found.sort();
        found
    }

    /// The break of this kind.
    #[track_caller]
    pub fn the_break(&self, kind: &str) -> &Value {
        let found = self.list("breaks").iter().find(|it| it["kind"] == kind);
        found.unwrap_or_else(|| panic!("no break `{kind}` in {:#}", self.json))
    }

    #[track_caller]
    pub fn order(&self, number: &str) -> &Value {
        let found = self.list("orders").iter().find(|it| it["number"] == number);
        found.unwrap_or_else(|| panic!("no order {number} in {:#}", self.json))
    }

    #[track_caller]
    pub fn credit(&self, number: &str) -> &Value {
        let mut all = self.list("orders").iter().flat_map(|it| it["credit_invoices"].as_array().unwrap());
        all.find(|it| it["number"] == number).unwrap_or_else(|| panic!("no {number} in {:#}", self.json))
    }
}

pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
