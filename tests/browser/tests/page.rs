//! The operations page in a real Chromium: every page read in both schemes and two widths, judged by axe-core and an
//! HTML validator, and a decision made by keyboard that the journal then shows.
//!
//! Nothing is skipped: without the browser, its driver, or the checkers that `./test` installs, this fails.
#![allow(clippy::unwrap_used, reason = "a panic is a failed test")]

mod consent;
mod report;
mod stage;

use std::process::Command;

use serde_json::{Value, json};
use stage::{NAME, Stage, TOKEN};
use thirtyfour::TypingData;
use thirtyfour::prelude::*;

/// What axe-core finds on the page that is shown, as one line per violation.
async fn violations(driver: &WebDriver) -> Vec<String> {
    let found = driver
        .execute_async(
            "const done = arguments[arguments.length - 1];
             axe.run(document, {resultTypes: ['violations']}).then(it => done(it.violations), why => done([{id: String(why)}]));",
            Vec::new(),
        )
        .await
        .unwrap();
    let nodes = |it: &Value| {
        it["nodes"].as_array().into_iter().flatten().map(|node| node["html"].to_string()).collect::<Vec<_>>()
    };
    found.json().as_array().unwrap().iter().map(|it| format!("{}: {}", it["id"], nodes(it).join(" "))).collect()
}

async fn log_in(stage: &Stage, driver: &WebDriver) {
    driver.goto(stage.url("/")).await.unwrap();
    assert!(driver.current_url().await.unwrap().path().ends_with("/login"), "nobody is let in");
    driver.find(By::Id("operator")).await.unwrap().send_keys(NAME).await.unwrap();
    let token = driver.find(By::Id("token")).await.unwrap();
    token.send_keys("not the token" + Key::Enter).await.unwrap();
    let alert = driver.find(By::Css("[role=alert]")).await.unwrap().text().await.unwrap();
    assert!(alert.contains("This is not the token"), "{alert}");
    let name = driver.find(By::Id("operator")).await.unwrap().prop("value").await.unwrap();
    assert_eq!(name.as_deref(), Some(NAME), "the name is not typed twice");
    driver.find(By::Id("token")).await.unwrap().send_keys(TOKEN + Key::Enter).await.unwrap();
    stage.arrive(driver, "/").await;
    assert_eq!(driver.find_all(By::Css("tbody tr")).await.unwrap().len(), 2, "every shop is listed");
    driver.find(By::LinkText("main")).await.unwrap().click().await.unwrap();
    stage.arrive(driver, "/shops/main").await;
}

/// Every page there is, by its path.
async fn pages(stage: &Stage, driver: &WebDriver, proposed: &str) -> Vec<String> {
    let broken = link(stage, driver, "/shops/main/breaks", "no credit invoice explains").await;
    let order = link(stage, driver, &broken, "ORD").await;
    let further = [
        "",
        "/breaks",
        "/breaks?show=closed",
        "/credits",
        "/credits?show=all",
        "/passes",
        "/journal",
        "/reports",
        "/reports/download?period=never&format=csv",
    ];
    let mut pages: Vec<String> = further.iter().map(|path| format!("/shops/main{path}")).collect();
    pages.extend([
        "/".to_owned(),
        "/reports".to_owned(),
        "/reports/download?from=2026-11&to=2026-10".to_owned(),
        "/shops/main/journal?show=all".to_owned(),
        "/shops/main/switch".to_owned(),
        broken,
        order,
        link(stage, driver, "/shops/main/breaks?kind=limit_reached", "ceiling").await,
        link(stage, driver, "/shops/main", proposed).await.trim_end_matches("#decide").to_owned(),
    ]);
    pages
}

/// Where the first link of the page's content leads that says this.
async fn link(stage: &Stage, driver: &WebDriver, page: &str, text: &str) -> String {
    driver.goto(stage.url(page)).await.unwrap();
    for found in driver.find_all(By::Css("main a")).await.unwrap() {
        if found.text().await.unwrap().contains(text) {
            return found.attr("href").await.unwrap().unwrap();
        }
    }
    panic!("no link says `{text}` on {page}")
}

/// A month that is over, and in which nothing happened.
fn month_before() -> String {
    let date = Command::new("date").args(["--utc", "--date=40 days ago", "+%Y-%m"]).output().unwrap();
    String::from_utf8(date.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn every_page_is_well_formed_and_open_to_everybody() {
    let stage = Stage::set();
    let driver = stage.browser().await;
    stage.scheme(&driver, "light", 1280).await;
    log_in(&stage, &driver).await;
    let proposed = stage.proposed();
    stage.program(&["report", "close", &month_before(), "--as", NAME, "--note", "books are done"]);
    let paths = pages(&stage, &driver, &proposed).await;
    let axe = stage::axe();
    for scheme in ["light", "dark"] {
        for width in [1280, 390] {
            stage.scheme(&driver, scheme, width).await;
            for path in &paths {
                driver.goto(stage.url(path)).await.unwrap();
                let state = driver
                    .execute(
                        "document.querySelectorAll('details').forEach(it => it.open = true);
                         return {scripts: document.scripts.length, sheets: document.styleSheets.length,
                                 width: document.documentElement.scrollWidth,
                                 paper: getComputedStyle(document.body).backgroundColor};",
                        Vec::new(),
                    )
                    .await
                    .unwrap();
                let state = state.json();
                assert_eq!((&state["scripts"], &state["sheets"]), (&json!(0), &json!(1)), "{path}");
                assert!(state["width"].as_i64().unwrap() <= width, "{path} is wider than {width}: {state}");
                let paper = if scheme == "dark" { "rgb(20, 23, 26)" } else { "rgb(250, 249, 247)" };
                assert_eq!(state["paper"], json!(paper), "{path}");
                driver.execute(&axe, Vec::new()).await.unwrap();
                let found = violations(&driver).await;
                assert!(found.is_empty(), "{path}, {scheme}, {width}:\n{}", found.join("\n"));
            }
        }
    }
    let cookie = driver.get_named_cookie("reconciled_session").await.unwrap();
    for path in &paths {
        stage.keep(path, &stage.get(path, Some(&cookie.value)));
    }
    // What only a visitor without a session, or with a wrong address, gets to see.
    driver.delete_all_cookies().await.unwrap();
    for scheme in ["light", "dark"] {
        stage.scheme(&driver, scheme, 390).await;
        driver.goto(stage.url("/login")).await.unwrap();
        driver.execute(&axe, Vec::new()).await.unwrap();
        assert_eq!(violations(&driver).await, Vec::<String>::new(), "/login");
    }
    stage.keep("/login", &stage.get("/login", None));
    stage.keep("/shops/other", &stage.get("/shops/other", Some(&cookie.value)));
    stage::validate(&stage);
    driver.quit().await.unwrap();
}

#[tokio::test]
async fn a_decision_is_made_by_keyboard_and_stands_in_the_journal() {
    let stage = Stage::set();
    let driver = stage.browser().await;
    stage.scheme(&driver, "light", 1280).await;
    log_in(&stage, &driver).await;
    // The first key leads past the navigation.
    let press = |keys: TypingData| {
        let driver = driver.clone();
        async move { driver.action_chain().send_keys(keys).perform().await.unwrap() }
    };
    let focused = || {
        let driver = driver.clone();
        async move { driver.active_element().await.unwrap() }
    };
    press(Key::Tab.into()).await;
    assert_eq!(focused().await.text().await.unwrap(), "Skip to the content");
    press(Key::Enter.into()).await;
    stage
        .until("the content is reached", async || focused().await.id().await.unwrap().as_deref() == Some("main"))
        .await;

    let broken = link(&stage, &driver, "/shops/main/breaks", "no credit invoice explains").await;
    driver.goto(stage.url(&broken)).await.unwrap();
    let used = driver.find(By::Css("form.stack input[name=form]")).await.unwrap().attr("value").await.unwrap().unwrap();
    // To the first decision, by the keys alone; then open it, say why, and send it.
    for _ in 0..40 {
        press(Key::Tab.into()).await;
        if focused().await.text().await.unwrap() == "Acknowledge: I am working on it" {
            break;
        }
    }
    assert_eq!(focused().await.tag_name().await.unwrap(), "summary");
    press(Key::Enter.into()).await;
    press(Key::Tab.into()).await;
    assert_eq!(focused().await.attr("name").await.unwrap().as_deref(), Some("note"));
    press("asked the consumer <i>".to_owned() + Key::Enter).await;
    let told = driver.find(By::Css("[role=status]")).await.unwrap().text().await.unwrap();
    assert_eq!(told, "The break is acknowledged.");
    stage.arrive(&driver, &broken).await;

    driver.goto(stage.url("/shops/main/journal")).await.unwrap();
    let row = driver.find(By::Css("tbody tr")).await.unwrap().text().await.unwrap();
    for word in [NAME, "asked the consumer <i>", "is being worked on"] {
        assert!(row.contains(word), "`{word}` is not in {row}");
    }
    let shown = stage.program(&["breaks", "list", "--json"]);
    assert!(shown.contains("\"acknowledged\""), "{shown}");
    stage.program(&["audit", "verify"]);

    // The form that was used goes out once more.
    driver.goto(stage.url(&broken)).await.unwrap();
    driver
        .execute(
            "const form = document.querySelector('form.stack');
             form.querySelector('[name=form]').value = arguments[0];
             form.querySelector('[name=note]').value = 'again';
             form.requestSubmit();",
            vec![json!(used)],
        )
        .await
        .unwrap();
    stage
        .until("the refusal is shown", async || {
            driver.find(By::Css("h1")).await.unwrap().text().await.unwrap() == "This form was used before"
        })
        .await;
    assert!(stage.get("/metrics", None).contains("reconciled_page_refusals_total{reason=\"replayed\"} 1"));
    driver.goto(stage.url("/shops/main/journal")).await.unwrap();
    assert_eq!(driver.find_all(By::Css("tbody tr")).await.unwrap().len(), 1, "one decision was made");
    driver.quit().await.unwrap();
}
