//! Two operators in two browsers' worth of sessions: one proposes, and only another agrees.

use thirtyfour::prelude::*;

use crate::stage::{PROPOSER, Stage, TOKEN};
use crate::{link, violations};

async fn enter(stage: &Stage, driver: &WebDriver, name: &str) {
    driver.delete_all_cookies().await.unwrap();
    driver.goto(stage.url("/login")).await.unwrap();
    driver.find(By::Id("operator")).await.unwrap().send_keys(name).await.unwrap();
    driver.find(By::Id("token")).await.unwrap().send_keys(TOKEN + Key::Enter).await.unwrap();
    stage.arrive(driver, "/").await;
}

/// The summaries of what may be decided on this page.
async fn offered(stage: &Stage, driver: &WebDriver, page: &str) -> Vec<String> {
    driver.goto(stage.url(page)).await.unwrap();
    let mut texts = Vec::new();
    for found in driver.find_all(By::Css(".decision summary")).await.unwrap() {
        texts.push(found.text().await.unwrap());
    }
    texts
}

#[tokio::test]
async fn one_operator_proposes_and_only_another_agrees() {
    let stage = Stage::set();
    let driver = stage.browser().await;
    stage.scheme(&driver, "light", 1280).await;
    let order = stage.proposed();
    enter(&stage, &driver, PROPOSER).await;
    let page = link(&stage, &driver, "/shops/main", &order).await;
    let page = page.split('#').next().unwrap().to_owned();
    let theirs = offered(&stage, &driver, &page).await;
    assert!(theirs.iter().any(|it| it.starts_with("Waits for another operator: ")), "{theirs:?}");
    assert!(!theirs.iter().any(|it| it.starts_with("Agree to ")), "{theirs:?}");

    enter(&stage, &driver, "operator-2").await;
    let yours = offered(&stage, &driver, &page).await;
    let place = yours.iter().position(|it| it.starts_with("Agree to ")).unwrap_or_else(|| panic!("{yours:?}"));
    let decision = driver.find_all(By::Css(".decision")).await.unwrap().remove(place);
    decision.find(By::Css("summary")).await.unwrap().click().await.unwrap();
    let told = decision.find(By::Css("form p")).await.unwrap().text().await.unwrap();
    assert!(told.contains(&format!("{PROPOSER} proposed it; your agreement is the second")), "{told}");
    let amount = decision.find(By::Css("label strong")).await.unwrap().text().await.unwrap();
    decision.find(By::Name("note")).await.unwrap().send_keys("seen the parcel").await.unwrap();
    decision.find(By::Name("confirm")).await.unwrap().send_keys(amount + Key::Enter).await.unwrap();
    let status = driver.find(By::Css("[role=status]")).await.unwrap().text().await.unwrap();
    assert_eq!(status, "Approved; the next pass carries it out.");
    driver.execute(crate::stage::axe(), Vec::new()).await.unwrap();
    assert_eq!(violations(&driver).await, Vec::<String>::new());
    stage.program(&["reconcile"]);
    assert!(stage.program(&["show", &order]).contains("operator-2"), "the journal has both names");
    stage.program(&["audit", "verify"]);
    driver.quit().await.unwrap();
}
