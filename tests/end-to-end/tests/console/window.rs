use crate::browser::Browser;
use crate::company;
use end_to_end::{Company, until};
use serde_json::Value;
use standin::Change;

#[tokio::test]
async fn the_accountants_window_fits_1280_pixels_with_its_feedback_and_leads_to_the_console() {
    let company = Company::new(company::IN_THE_WINDOW).await;
    for (event, key) in [("ACCOUNT_CREATED", "4901"), ("SALESORDER_UI_CUSTOMACTION", "SO/490002")] {
        let changed = company.visma.change_and_emit(&Change::new(event, key)).await.unwrap();
        company.answered(&changed.emitted).await;
    }
    let browser = Browser::open().await;
    browser.resize(1280, 800).await;
    browser.go(&format!("{}/?tenant={}", company.stack.standin.url(), company.tenant)).await;
    browser.reads("td", "Success: ").await;
    until("the window to fit", async || {
        let fits = "return document.documentElement.scrollWidth <= 1280 && innerWidth === 1280";
        (browser.script(fits, vec![]).await == Value::Bool(true)).then_some(())
    })
    .await;
    let link = browser.script("return document.querySelector('p a').href", vec![]).await;
    assert_eq!(link, format!("{}/operations/console", company.stack.api_url));
}
