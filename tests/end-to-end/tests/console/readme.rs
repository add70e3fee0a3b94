use crate::console::{Console, token};
use end_to_end::{Stack, until};
use serde_json::Value;
use std::path::Path;

/// The company of the demo.
const TENANT: &str = "10000000-0000-4000-8000-000000000001";

#[tokio::test]
#[ignore = "writes the pictures of README.md after a demo: cargo xtask screenshot"]
async fn the_readme_shows_the_console() {
    let stack = Stack::load().await;
    let console = Console::open(&stack).await;
    console.sign_in(&token(&stack).await).await;
    let browser = &console.browser;
    browser.resize(1280, 800).await;
    console.view(&format!("#/notifications?tenant={TENANT}"), "Notifications").await;
    browser.sees("tbody tr").await;
    until("the tenant to have its name", async || {
        let value = browser.script("return document.querySelector('[name=tenant]').value", vec![]).await;
        (value == Value::String("Nordfjord Trading".to_owned())).then_some(())
    })
    .await;
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs");
    for scheme in ["light", "dark"] {
        browser.prefer(scheme).await;
        browser.picture_in(&docs, &format!("console-{scheme}")).await;
    }
    browser.was_content().await;
}
