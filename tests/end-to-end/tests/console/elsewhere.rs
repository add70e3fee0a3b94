use crate::console::Console;
use end_to_end::Stack;
use serde_json::{Value, json};

/// Gives `elsewhere` of detail.js addresses and a notification, and returns its links.
const LINKS: &str = "const [script, pages, item] = arguments;
    const read = (one) => ['href', 'target', 'rel'].map((name) => one.getAttribute(name));
    return import(script).then(({ elsewhere }) => elsewhere(pages, item).flat().filter((one) => one.href).map(read));";

/// The local AWS has no console of its own, so the test gives the page the addresses.
#[tokio::test]
async fn links_to_aws_name_the_notification_and_its_time_and_open_in_a_new_tab() {
    let console = Console::open(&Stack::load().await).await;
    console.browser.reads("h1", "Sign in").await;
    let pages = json!({"logs": "https://aws.example/#(~'@from~'@to~'@id~'@delivery)", "traces": "https://aws.example/#@from~@to"});
    let links = async |origin: &str, delivery: &str| -> Value {
        let item = json!({
            "id": "4413e0.7b1e-1", "delivery": delivery, "origin": origin, "received_at": "2026-11-23T12:00:00.5Z",
            "timeline": [{"at": "2026-11-23T12:00:00.5Z"}, {"at": "2026-11-23T12:05:00Z"}],
        });
        let script = format!("{}/detail.js", console.url);
        console.browser.script(LINKS, vec![script.into(), pages.clone(), item]).await
    };
    let logs = |delivery: &str| {
        let from_to = "2026-11-23T11*3A59*3A00.500Z~'2026-11-23T12*3A15*3A00.000Z";
        let url = format!("https://aws.example/#(~'{from_to}~'4413e0.7b1e-1~'{delivery})");
        json!([url, "_blank", "noreferrer"])
    };
    let traces = json!(["https://aws.example/#2026-11-23T11:59:55~2026-11-23T12:00:02", "_blank", "noreferrer"]);
    assert_eq!(links("webhook", "0199-7").await, json!([logs("0199-7"), traces]));
    assert_eq!(links("reconciliation", "a\" | x").await, json!([logs("a*22*20*7C*20x")]));
}
