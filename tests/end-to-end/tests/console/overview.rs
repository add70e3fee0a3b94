//! The overview: its counts, and the choice of a tenant.

use crate::console::{Console, token};
use aws_sdk_dynamodb::types::AttributeValue;
use end_to_end::{Stack, until};
use serde_json::{Value, json};
use std::collections::HashMap;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;

async fn put(stack: &Stack, texts: &[(&str, String)]) {
    let item: HashMap<String, AttributeValue> =
        texts.iter().map(|(name, text)| ((*name).to_owned(), AttributeValue::S(text.clone()))).collect();
    stack.dynamodb.put_item().table_name(stack.output("TableName")).set_item(Some(item)).send().await.unwrap();
}

/// A tenant with a counted hour, in the reconciler's form. The test does not wait for a real one.
pub(crate) async fn counted(stack: &Stack) -> String {
    let tenant = format!("counted-{}", Uuid::new_v4().simple());
    let rollup = json!({
        "received": 7, "answered": 4, "gaps": 1, "states": {"processed": 5, "parked": 2}, "parked": {"unmapped": 2},
        "entities": {"customer": 7}, "keys": {"customer#4711": 6}, "to_end": {"27": 5}, "to_feedback": {"47": 4},
    });
    let now = count(stack, &tenant, 2, &rollup).await;
    let summary = json!({"counted_to": now, "tenants": 1, "silent": 0}).to_string();
    // Without this entry, the console does not know the tenant.
    put(stack, &[("pk", "tenants".to_owned()), ("sk", tenant.clone())]).await;
    put(stack, &[("pk", "#rollups#".to_owned()), ("sk", "PLACE".to_owned()), ("summary", summary)]).await;
    tenant
}

/// Writes the roll-up of an hour, and returns up to when it is counted.
pub(crate) async fn count(stack: &Stack, tenant: &str, hours_ago: i64, rollup: &Value) -> String {
    let now = OffsetDateTime::now_utc().replace_nanosecond(0).unwrap();
    let [now, hour] = [now, now - Duration::hours(hours_ago)].map(|at| at.format(&Rfc3339).unwrap());
    let times = [("counted_to", now.clone()), ("made_at", now.clone())];
    let keys = [("pk", format!("{tenant}#rollups#")), ("sk", format!("HOUR#{}", &hour[..13]))];
    put(stack, &[&keys[..], &[("rollup", rollup.to_string())], &times[..]].concat()).await;
    now
}

#[tokio::test]
async fn an_operator_sees_the_counts_and_opens_the_list_of_a_bar() {
    let stack = Stack::load().await;
    let tenant = counted(&stack).await;
    let console = Console::open(&stack).await;
    console.sign_in(&token(&stack).await).await;
    let browser = &console.browser;
    browser.reads("h1", "Overview").await;
    browser.fill("Tenant", &tenant).await;
    browser.press("Show").await;
    for text in ["Received at most 7", "Processed at most 5", "Answered at most 4", "Failed at most 2"] {
        browser.reads("figcaption", text).await;
    }
    browser.reads(".lead", "Counted up to").await;
    let said = browser.texts(".lead").await;
    assert!(!said[0].contains(" ago"), "in a tab that stays open for a night, it would be wrong: {said:?}");
    browser.reads(".share", "Customer 4711").await;
    browser.reads(".share", "The event is not in the catalogue").await;
    browser.press("The charts as a table").await;
    browser.reads("tbody tr", "7").await;
    assert_eq!(browser.all("tbody tr").await.len(), 24, "every hour, also those in which nothing came");
    browser.script("document.querySelector('main .lead').id = 'former'", vec![]).await;
    browser.press("Read again").await;
    until("newer numbers", async || browser.all("#former").await.is_empty().then_some(())).await;
    assert_eq!(browser.all("main [open] table").await.len(), 1, "the table stays open");

    browser.sees(".bars.bad a").await.click().await.expect("a bar is a link");
    browser.reads("h1", "Notifications").await;
    browser.reads(".lead", "Only dead, parked or unreadable notifications.").await;
    let address = browser.address().await;
    let place = address.fragment().unwrap();
    assert!(place.contains(&tenant) && place.contains("is=failed") && place.contains("from="), "{place}");
    browser.fill("Event", "CUSTOMER_UPDATED").await;
    browser.press("Show").await;
    let narrowed = until("the address of the form", async || {
        browser.address().await.fragment().filter(|place| place.contains("event=")).map(str::to_owned)
    })
    .await;
    assert!(narrowed.contains("is=failed"), "{narrowed}");
    browser.was_content().await;
}

/// Two tenants of the directory in the reconciler's form: their ids and names.
async fn named(stack: &Stack) -> [(String, String); 2] {
    let own = Uuid::new_v4().simple().to_string();
    let tenants = ["Fjordfrukt", "Vestvind"].map(|name| (Uuid::new_v4().to_string(), format!("{name} {own}")));
    for (id, name) in &tenants {
        let entry = [("pk", "tenants".to_owned()), ("sk", id.clone()), ("tenant_name", name.clone())];
        put(stack, &entry).await;
    }
    tenants
}

#[tokio::test]
async fn chooses_a_tenant_by_name_and_suggests_the_nearest_for_an_unknown_one() {
    let stack = Stack::load().await;
    let [(id, name), _] = named(&stack).await;
    let console = Console::open(&stack).await;
    console.sign_in(&token(&stack).await).await;
    let browser = &console.browser;
    browser.reads("h1", "Overview").await;
    let suggested = "return [...document.querySelectorAll('datalist option')].map((one) => one.value)";
    until("the names to be suggested", async || {
        let values: Vec<String> = serde_json::from_value(browser.script(suggested, vec![]).await).unwrap();
        values.contains(&name).then_some(())
    })
    .await;

    let misspelt = name.replace("Fjordfrukt", "Fjordfruktt");
    browser.fill("Tenant", &misspelt).await;
    browser.press("Show").await;
    let told = browser.script("return document.querySelector('[name=tenant]').validationMessage", vec![]).await;
    assert!(told.as_str().unwrap().contains(&name), "{told}");
    assert!(!browser.address().await.as_str().contains("tenant="), "nothing was asked for");

    browser.fill("Tenant", &name.to_uppercase()).await;
    browser.press("Show").await;
    until("the address to have the id", async || {
        browser.address().await.fragment()?.contains(&format!("tenant={id}")).then_some(())
    })
    .await;
    until("the field to show the name", async || {
        let value = browser.script("return document.querySelector('[name=tenant]')?.value ?? null", vec![]).await;
        (value == Value::String(name.clone())).then_some(())
    })
    .await;
    browser.was_content().await;
}
