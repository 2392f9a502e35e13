//! The HTML report as a bookkeeper has it: downloaded by a click, opened from a file, judged like the pages.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;
use thirtyfour::prelude::*;

use crate::stage::{self, Stage};
use crate::{log_in, violations};

/// Downloads what the page's form asks for, and returns the file once all of it is there.
async fn download(stage: &Stage, driver: &WebDriver, page: &str, fields: &[(&str, &str)]) -> PathBuf {
    let place = stage.place("downloads");
    let _ = fs::remove_dir_all(&place);
    fs::create_dir_all(&place).unwrap();
    let behaviour = json!({"behavior": "allow", "downloadPath": place.display().to_string()});
    driver.cdp().send_raw("Browser.setDownloadBehavior", behaviour).await.unwrap();
    driver.goto(stage.url(page)).await.unwrap();
    for (id, value) in fields {
        driver.find(By::Id(*id)).await.unwrap().send_keys(*value).await.unwrap();
    }
    driver.find(By::Css("form.stack button")).await.unwrap().click().await.unwrap();
    let arrived = || {
        let mut found = fs::read_dir(&place).unwrap().map(|it| it.unwrap().path());
        found.find(|path| path.extension().is_some_and(|it| it != "crdownload" && it != "tmp"))
    };
    stage.until("the report arrived", async || arrived().is_some()).await;
    assert_eq!(driver.current_url().await.unwrap().path(), page, "a download leaves the page as it is");
    arrived().unwrap()
}

/// Nothing of it runs, and it needs nothing else: the same picture with scripts switched off.
async fn needs_no_script(driver: &WebDriver, url: &str) {
    let tools = driver.cdp();
    let picture = async |is_off: bool| {
        tools.send_raw("Emulation.setScriptExecutionDisabled", json!({"value": is_off})).await.unwrap();
        driver.goto(url).await.unwrap();
        tools.send_raw("Page.captureScreenshot", json!({"captureBeyondViewport": true})).await.unwrap()["data"]
            .to_string()
    };
    let (without, with) = (picture(true).await, picture(false).await);
    assert!(without.len() > 10_000 && without == with, "{url} looks different without scripts");
}

async fn judged(stage: &Stage, driver: &WebDriver, file: &Path) {
    let url = format!("file://{}", file.display());
    for scheme in ["light", "dark"] {
        for width in [1280, 390] {
            stage.scheme(driver, scheme, width).await;
            driver.goto(&url).await.unwrap();
            let look = "return {scripts: document.scripts.length, width: document.documentElement.scrollWidth,
                                loaded: performance.getEntriesByType('resource').length,
                                paper: getComputedStyle(document.body).backgroundColor};";
            let state = driver.execute(look, Vec::new()).await.unwrap();
            let state = state.json();
            assert_eq!((&state["scripts"], &state["loaded"]), (&json!(0), &json!(0)), "{url}");
            assert!(state["width"].as_i64().unwrap() <= width, "the report is wider than {width}: {state}");
            let paper = if scheme == "dark" { "rgb(21, 24, 27)" } else { "rgb(255, 255, 255)" };
            assert_eq!(state["paper"], json!(paper));
            driver.execute(stage::axe(), Vec::new()).await.unwrap();
            let found = violations(driver).await;
            assert!(found.is_empty(), "{url}, {scheme}, {width}:\n{}", found.join("\n"));
        }
    }
    needs_no_script(driver, &url).await;
}

#[tokio::test]
async fn a_report_arrives_by_a_click_and_is_open_to_everybody() {
    let stage = Stage::set();
    let driver = stage.browser().await;
    stage.scheme(&driver, "light", 1280).await;
    log_in(&stage, &driver).await;
    // The second shop has no pass behind it yet, and so no report of both.
    stage.program_of("second", &["reconcile", "--json"]);
    for (page, shop) in [("/shops/main/reports", Some("main")), ("/reports", None)] {
        let file = download(&stage, &driver, page, &[]).await;
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        let begins = shop.map_or_else(|| "reconciled-2".to_owned(), |shop| format!("reconciled-{shop}-2"));
        assert!(name.starts_with(&begins) && name.ends_with(".html"), "{name}");
        let html = fs::read_to_string(&file).unwrap();
        let by_command = stage.place("by-command.html");
        stage.report(shop, &["--format", "html", "--output", &by_command.display().to_string()]);
        assert!(fs::read_to_string(by_command).unwrap() == html, "{page}: the command's report is another");
        judged(&stage, &driver, &file).await;
        stage.keep(&format!("/report-of-{}", shop.unwrap_or("all")), html.trim_end());
        driver.goto(stage.url("/")).await.unwrap();
    }
    stage::validate(&stage);
    driver.quit().await.unwrap();
}
