//! The console in a browser, and the person of the local user pool who signs in.

use crate::browser::Browser;
use end_to_end::{Stack, until};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};
use serde_json::Value;

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
        until(&what, async || {
            // The page may be just about to be replaced by another.
            let rows = self.browser.driver.find_all("tbody tr").await.ok()?;
            (rows.len() == number).then_some(())
        })
        .await;
    }
}

/// The name and password of the person in the local user pool.
pub(crate) fn credentials(stack: &Stack) -> (&str, &str) {
    stack.output("OperationsConsoleUser").split_once(':').expect("a name and a password")
}

/// A token with every role, requested like the console does, but without a browser.
pub(crate) async fn token(stack: &Stack) -> String {
    let http = Client::builder().no_proxy().redirect(Policy::none()).build().expect("a plain client");
    let console = format!("{}/operations/console", stack.api_url);
    let config: Value = http.get(format!("{console}/config.json")).send().await.unwrap().json().await.unwrap();
    let text = |name: &str| config[name].as_str().unwrap().to_owned();
    let (client, scope) = (text("clientId"), text("scope"));
    let (name, password) = credentials(stack);
    let asked =
        [("client_id", client.as_str()), ("redirect_uri", &console), ("response_type", "code"), ("scope", &scope)];
    let signing_in = [&asked[..], &[("username", name), ("password", password)]].concat();
    let signed_in = post(&http, &format!("{}/login", stack.endpoint_url), &signing_in).await;
    let back = signed_in.headers()["location"].to_str().unwrap().to_owned();
    let (_, code) = Url::parse(&back).unwrap().query_pairs().into_owned().find(|(name, _)| name == "code").unwrap();
    let asked =
        [("grant_type", "authorization_code"), ("code", &code), ("redirect_uri", &console), ("client_id", &client)];
    let tokens: Value =
        post(&http, &format!("{}/oauth2/token", stack.endpoint_url), &asked).await.json().await.unwrap();
    tokens["access_token"].as_str().unwrap_or_else(|| panic!("no token: {tokens}")).to_owned()
}

async fn post(http: &Client, url: &str, form: &[(&str, &str)]) -> reqwest::Response {
    let encoded = Url::parse_with_params("http://form/", form).unwrap().query().unwrap_or_default().to_owned();
    let request = http.post(url).header("content-type", "application/x-www-form-urlencoded").body(encoded);
    request.send().await.expect("the user pool answers")
}
