use crate::browser::Browser;
use end_to_end::{Stack, until};

/// The console in a browser.
pub(crate) struct Console {
    pub(crate) browser: Browser,
    pub(crate) url: String,
}

impl Console {
    /// Opens it without signing in.
    pub(crate) async fn open(stack: &Stack) -> Self {
        let browser = Browser::open().await;
        let url = format!("{}/operations/console", stack.api_url);
        browser.prefer("light").await;
        browser.go(&url).await;
        Self { browser, url }
    }

    pub(crate) async fn sign_in(&self, token: &str) {
        let summary = self.browser.sees("summary").await;
        if self.browser.all("details[open]").await.is_empty() {
            summary.click().await.expect("a summary opens");
        }
        self.browser.fill("Token", token).await;
        self.browser.press("Use this token").await;
        self.browser.sees("#header").await;
    }

    /// Opens a view by its address and waits for its heading.
    pub(crate) async fn view(&self, hash: &str, heading: &str) {
        self.browser.script("location.hash = arguments[0]", vec![hash.into()]).await;
        self.browser.reads("h1", heading).await;
    }

    /// Waits until a list has this many rows.
    pub(crate) async fn rows(&self, number: usize) {
        let what = format!("{number} rows");
        until(&what, async || (self.browser.all("tbody tr").await.len() == number).then_some(())).await;
    }
}
