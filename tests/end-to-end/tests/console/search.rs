use crate::company;
use crate::console::{Console, token};
use crate::keys::{focused, key, tab_to};
use crate::webdriver::ENTER;
use end_to_end::{Company, Operator};
use standin::Change;

#[tokio::test]
async fn finds_a_notification_by_number_or_id_with_the_keyboard() {
    let company = Company::new(company::SEARCHED).await;
    let changed = company.visma.change_and_emit(&Change::new("CUSTOMER_UPDATED", "C451013")).await.unwrap();
    company.answered(&changed.emitted).await;
    // The schedule would also add the tenant; the test does not wait for it.
    let read = Operator::new(&company.stack, "Read").await;
    let list = format!("/operations/v1/notifications?tenant={}", company.tenant);
    assert_eq!(read.ask("GET", &list, None).await.0, 200);

    let console = Console::open(&company.stack).await;
    console.sign_in(&token(&company.stack).await).await;
    let browser = &console.browser;
    browser.reads("h1", "Overview").await;
    // A part of the number in lower case, without a tenant.
    key(browser, "/").await;
    assert_eq!(browser.name(&focused(browser).await).await, "Search");
    focused(browser).await.send_keys("c45101").await.unwrap();
    key(browser, ENTER).await;
    browser.reads("h1", "Search").await;
    console.rows(1).await;
    browser.reads(".told", "Searched back to").await;
    tab_to(browser, "Customer C451013: open").await;
    key(browser, ENTER).await;
    browser.reads("h1", "Customer C451013").await;
    let address = browser.address().await;
    let reference = address.fragment().unwrap().trim_start_matches("/notification/").to_owned();
    assert_eq!(reference.len(), 26, "{address}");

    // A unique match opens its notification.
    for held in [reference, changed.emitted.notification_ids[0].to_string()] {
        console.view("#/pauses", "Pauses").await;
        key(browser, "/").await;
        focused(browser).await.send_keys(&held).await.unwrap();
        key(browser, ENTER).await;
        browser.reads("h1", "Customer C451013").await;
    }
    browser.was_content().await;
}
