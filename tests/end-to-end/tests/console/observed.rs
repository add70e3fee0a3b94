use crate::company;
use crate::console::{Console, token};
use end_to_end::{Company, until};
use standin::Change;

#[tokio::test]
async fn an_operator_reads_which_assumptions_about_visma_net_were_observed() {
    let company = Company::new(company::OBSERVED).await;
    let changed = company.visma.change_and_emit(&Change::new("ACCOUNT_CHANGED", "2901")).await.unwrap();
    company.answered(&changed.emitted).await;
    let console = Console::open(&company.stack).await;
    console.sign_in(&token(&company.stack).await).await;
    let browser = &console.browser;
    console.view("#/observed", "Observed").await;
    let names = "tr[data-question=event_names]";
    browser.sees(names).await;
    // Observations are written at the end of the batch, which may be after the answer.
    until("the event's name to be seen", async || {
        browser.script(&format!("document.querySelector('{names}').title = 'old'"), vec![]).await;
        browser.press("Read again").await;
        browser.sees(&format!("{names}:not([title])")).await;
        let seen = browser.texts(names).await;
        seen.first().is_some_and(|text| text.contains("seen")).then_some(())
    })
    .await;
    if browser.all(&format!("{names} details[open]")).await.is_empty() {
        browser.sees(&format!("{names} summary")).await.click().await.expect("a summary");
    }
    browser.reads(&format!("{names} ul"), "ACCOUNT_CHANGED").await;
    browser.reads("tr[data-question=handshake]", "A receiver cannot observe it.").await;
    browser.press("Assumed").await;
    browser.reads("[aria-current=page]", "Assumed").await;
    browser.reads("tr[data-question=handshake] .chip", "Assumed").await;
    browser.was_content().await;
}
