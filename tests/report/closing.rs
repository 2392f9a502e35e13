//! `report close` of the built program: what keeps a month open, and that it then stays as it is.

use std::path::Path;
use std::process::Command;

use reconciled_core::facts::ListedOrder;
use reconciled_core::id::{OrderId, OrderNumber};
use reconciled_store::Store as _;

use crate::seed::{Refunding, Shop, at, november_begins, october_of};

/// A configuration and its store.
struct Place {
    directory: tempfile::TempDir,
}

impl Place {
    fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let text = "[store]\nurl = \"sqlite:reconciled.db\"\n[shops.main.lightspeed]\ncluster = \"eu1\"\nlanguage = \
                    \"nl\"\napi_key_file = \"key\"\napi_secret_file = \"secret\"\n[shops.main.klarna]\nenvironment = \
                    \"playground\"\nregion = \"eu\"\nusername_file = \"username\"\npassword_file = \"password\"\n";
        std::fs::write(directory.path().join("reconciled.toml"), text).unwrap();
        Self { directory }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// The month is made, and its store is free for the program.
    async fn shop(&self) -> Shop {
        Shop::at(&self.path().join("reconciled.db")).await
    }

    /// How the run ended, and all it said.
    fn run(&self, arguments: &[&str]) -> (i32, String) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_reconciled"));
        command.env_clear().env("USER", "tester").current_dir(self.path()).args(["--config", "reconciled.toml"]);
        let output = command.args(arguments).output().unwrap();
        let text = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
        (output.status.code().unwrap(), text)
    }
}

#[track_caller]
fn ended(ran: &(i32, String), status: i32, why: &str) {
    assert!(ran.0 == status && ran.1.contains(why), "{status}, `{why}`: {ran:?}");
}

#[tokio::test]
async fn an_open_break_about_money_keeps_a_month_open_until_it_is_accepted() {
    let place = Place::new();
    let mut shop = october_of(place.shop().await).await;
    november_begins(&mut shop).await;
    drop(shop);
    ended(&place.run(&["report", "close", "2025-10"]), 1, "break 2 is open");
    ended(&place.run(&["report", "close", "2025-10", "--accept", "1=x"]), 1, "break 2 is open");
    ended(&place.run(&["report", "close", "2025-11"]), 2, "close that month first");
    let closed =
        place.run(&["report", "close", "2025-10", "--accept", "2=repaid by bank", "--as", "operator-1", "--json"]);
    ended(&closed, 0, "\"closed\":true");
    for format in ["json", "csv", "html", "xlsx", "text"] {
        let made = ["report", "--from", "2025-10", "--to", "2025-11", "--format", format, "--output", "october"];
        assert_eq!(place.run(&made).0, 1, "a break is open");
        ended(&place.run(&["report", "verify", "october"]), 0, "a closed period, agrees");
    }
    let next = place.run(&["report", "--from", "2025-11", "--json"]).1;
    assert!(next.contains("closed a period"), "{next}");
    ended(&place.run(&["audit", "verify"]), 0, "intact");
}

#[tokio::test]
async fn a_month_after_which_no_complete_pass_began_ended() {
    let place = Place::new();
    let mut shop = october_of(place.shop().await).await;
    ended(&place.run(&["report", "close", "2025-10", "--accept", "2=x"]), 3, "no complete pass began after its end");
    shop.begin("2025-11-01T06:00:00Z").await;
    shop.end("2025-11-01T06:00:01Z", &[("order ORD00001", "no answer")]).await;
    ended(&place.run(&["report", "close", "2025-10", "--accept", "2=x"]), 3, "no complete pass began after its end");
    november_begins(&mut shop).await;
    ended(&place.run(&["report", "close", "2025-10", "--accept", "2=x"]), 0, "is closed");
}

#[tokio::test]
async fn an_order_that_was_listed_and_not_read_keeps_a_month_open() {
    let place = Place::new();
    let mut shop = october_of(place.shop().await).await;
    november_begins(&mut shop).await;
    let listed = ListedOrder {
        id: OrderId(9),
        number: OrderNumber("ORD00009".into()),
        updated_at: at("2025-10-30T08:00:00Z"),
        is_klarna: true,
        names: Vec::new(),
    };
    shop.store.listed(vec![listed], Vec::new()).await.unwrap();
    ended(&place.run(&["report", "close", "2025-10", "--accept", "2=x"]), 3, "1 order the shop named");
}

#[tokio::test]
async fn a_request_whose_outcome_is_unknown_keeps_a_month_open() {
    let place = Place::new();
    let mut shop = october_of(place.shop().await).await;
    shop.begin("2025-10-28T08:00:00Z").await;
    let it = Refunding { order: 4, credit: 42, number: "INV00042", amount: 990, refund: "lost" };
    let intent = shop.send("2025-10-28T08:00:01Z", &it).await;
    // The process died; the next pass finds its request under way.
    november_begins(&mut shop).await;
    let why = format!("the outcome of intent {} is unknown", intent.id);
    ended(&place.run(&["report", "close", "2025-10", "--accept", "2=x"]), 3, &why);
}

#[tokio::test]
async fn several_shops_are_in_one_report_unless_one_is_named() {
    let place = Place::new();
    drop(october_of(place.shop().await).await);
    let config = place.path().join("reconciled.toml");
    let one = std::fs::read_to_string(&config).unwrap();
    let other = one.split_once("[shops.main.lightspeed]").map(|(_, shop)| format!("[shops.main.lightspeed]{shop}"));
    std::fs::write(&config, format!("{one}\n{}", other.unwrap().replace("main", "other").replace("\"eu\"", "\"na\"")))
        .unwrap();
    for format in ["json", "csv", "html", "xlsx", "text"] {
        let made = ["report", "--from", "2025-10", "--to", "2025-11", "--format", format, "--output", "both"];
        assert_eq!(place.run(&made).0, 1, "a break of one of them is open");
        ended(&place.run(&["report", "verify", "both"]), 0, "agrees with the store");
    }
    let both: serde_json::Value =
        serde_json::from_str(&place.run(&["report", "--from", "2025-10", "--to", "2025-11", "--json"]).1).unwrap();
    let names: Vec<&str> = both["shops"].as_array().unwrap().iter().map(|it| it["shop"].as_str().unwrap()).collect();
    assert_eq!(names, ["main", "other"]);
    let alone = place.run(&["--shop", "other", "report", "--from", "2025-10", "--to", "2025-11"]);
    ended(&alone, 0, "Shop other");
    std::fs::write(&config, one).unwrap();
    ended(&place.run(&["report", "verify", "both"]), 2, "not configured here");
}

#[tokio::test]
async fn what_is_no_report_is_not_verified() {
    let place = Place::new();
    drop(place.shop().await);
    let forged = r#"{"shops":[],"mark":{"reconciled_report":1,"format":"json","from":"2025-10-01T00:00:00Z","until":"2025-11-01T00:00:00Z","shops":[]}}"#;
    for text in ["", "PK\u{3}\u{4}", "{\"reconciled_report\":1,", forged, &"x".repeat(3 << 20)] {
        std::fs::write(place.path().join("file"), text).unwrap();
        ended(&place.run(&["report", "verify", "file"]), 2, "is no report");
    }
}
