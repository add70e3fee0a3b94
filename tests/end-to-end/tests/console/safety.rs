use crate::console::{Console, token};
use aws_sdk_dynamodb::types::AttributeValue;
use end_to_end::{Stack, until};
use std::collections::HashMap;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use uuid::Uuid;

const HOSTILE: &str =
    r#"<img src=x onerror="document.title='broken'">'"`${1}</td><script>document.title='broken'</script>"#;

/// A notification of its own tenant, with hostile text wherever text is possible.
async fn plant(stack: &Stack) -> String {
    let tenant = Uuid::new_v4().to_string();
    let now = OffsetDateTime::now_utc().replace_nanosecond(123_000_000).unwrap().format(&Rfc3339).unwrap();
    let key = format!("{}.{}", "0".repeat(32), Uuid::new_v4());
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let hostile =
        ["event", "channel", "origin", "subscription", "delivery", "source", "status", "feedback_description", "raw"];
    let mut item: HashMap<String, AttributeValue> =
        hostile.into_iter().map(|name| (name.to_owned(), text(HOSTILE))).collect();
    for (name, value) in [
        ("pk", format!("{tenant}#customer#{HOSTILE}")),
        ("sk", format!("N#{key}")),
        ("tenant", tenant.clone()),
        ("state", "processed".into()),
        ("feedback", "sent".into()),
        ("updated_at", now.clone()),
        ("ended_at", now.clone()),
        ("feed", format!("{tenant}#{}", &now[..10])),
        ("feed_at", format!("{now}#{key}")),
    ] {
        item.insert(name.to_owned(), AttributeValue::S(value));
    }
    stack.dynamodb.put_item().table_name(stack.output("TableName")).set_item(Some(item)).send().await.unwrap();
    tenant
}

#[tokio::test]
async fn hostile_text_is_shown_as_text() {
    let stack = Stack::load().await;
    let tenant = plant(&stack).await;
    let console = Console::open(&stack).await;
    console.sign_in(&token(&stack).await).await;
    let browser = &console.browser;

    console.view(&format!("#/notifications?tenant={tenant}"), "Notifications").await;
    console.rows(1).await;
    browser.reads("tbody a.key", "<img src=x onerror=").await;
    browser.press(&format!("View notification feedback of Customer {HOSTILE}")).await;
    browser.reads("dialog .quote", HOSTILE).await;
    browser.press("Close").await;
    browser.press(&format!("Customer {HOSTILE}: open")).await;
    browser.reads("h1", HOSTILE).await;
    browser.press("Show the body").await;
    browser.reads("pre", HOSTILE).await;
    let entity = browser.sees("dd a").await.attribute("href").await.unwrap();
    console.view(entity.split_once('#').unwrap().1, HOSTILE).await;
    console.view(&format!("#/replay?tenant={tenant}&states=processed"), "Replays").await;
    browser.press("Plan").await;
    browser.reads(".sample", HOSTILE).await;
    browser.was_content().await;
    // The address of a page can be hostile too.
    console.view(&format!("#/entity?tenant={tenant}&entity={HOSTILE}&key={HOSTILE}"), "<img src=x").await;
    browser.reads("main", "It must be an entity, such as sales_order.").await;
    let harmed =
        "return [document.querySelectorAll('main img, main script').length, document.title.includes('broken')]";
    assert_eq!(browser.script(harmed, vec![]).await, serde_json::json!([0, false]));

    console.view(&format!("#/search?q={}", "x".repeat(200)), "Search").await;
    browser.fits("a long number", 320, 640).await;
}

#[tokio::test]
async fn the_page_blocks_foreign_scripts_styles_and_requests() {
    let stack = Stack::load().await;
    let console = Console::open(&stack).await;
    let browser = &console.browser;
    browser.reads("h1", "Sign in").await;
    browser.was_content().await;
    browser.script("window.breaches = []; addEventListener('securitypolicyviolation', (one) => breaches.push(one.effectiveDirective))", vec![]).await;
    let attempts = [
        (
            "script-src-elem",
            "document.head.append(Object.assign(document.createElement('link'), {rel: 'preload', as: 'script', href: 'https://elsewhere.example/x.js'}))",
        ),
        ("style-src-attr", "document.body.setAttribute('style', 'color: red')"),
        ("img-src", "document.body.append(Object.assign(new Image(), {src: 'https://elsewhere.example/x.png'}))"),
        ("connect-src", "fetch('https://elsewhere.example/').catch(() => {})"),
        ("require-trusted-types-for", "try { document.body.innerHTML = '<b>' } catch {}"),
        (
            "base-uri",
            "document.head.append(Object.assign(document.createElement('base'), {href: 'https://elsewhere.example/'}))",
        ),
        (
            "form-action",
            "const one = document.createElement('form'); one.action = 'https://elsewhere.example/'; document.body.append(one); one.submit()",
        ),
    ];
    for (directive, attempt) in attempts {
        browser.script(attempt, vec![]).await;
        until(&format!("a breach of {directive}"), async || {
            let seen = browser.script("return breaches", vec![]).await;
            seen.as_array().unwrap().contains(&directive.into()).then_some(())
        })
        .await;
    }
}
