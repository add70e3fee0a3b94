use crate::console::{Console, token};
use crate::overview::put;
use end_to_end::{Stack, until};
use serde_json::Value;
use uuid::Uuid;

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
