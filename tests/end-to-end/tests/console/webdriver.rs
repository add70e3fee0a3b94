//! The WebDriver commands (<https://www.w3.org/TR/webdriver2/>) of these tests, and some of
//! ChromeDriver's own.

use reqwest::{Client, Method};
use serde_json::{Value, json};
use std::time::Duration;

/// The key of an element in an answer (WebDriver, section 12.1).
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
/// The time limit of a command.
const LIMIT: Duration = Duration::from_secs(120);

/// Keys that write no text (WebDriver, section 17.4.2).
pub(crate) const TAB: &str = "\u{E004}";
pub(crate) const ENTER: &str = "\u{E007}";
pub(crate) const ESCAPE: &str = "\u{E00C}";
pub(crate) const LEFT: &str = "\u{E012}";
pub(crate) const RIGHT: &str = "\u{E014}";
pub(crate) const SHIFT: &str = "\u{E008}";
pub(crate) const SPACE: &str = " ";

/// A value, or an error of the driver or the connection.
pub(crate) type Result<T> = std::result::Result<T, String>;

/// A browser, while its driver runs.
#[derive(Debug, Clone)]
pub(crate) struct Session {
    http: Client,
    url: String,
}

#[derive(Debug, Clone)]
pub(crate) struct Element {
    session: Session,
    path: String,
}

impl Session {
    pub(crate) async fn open(driver: &str, capabilities: Value) -> Result<Self> {
        let http = Client::builder().no_proxy().timeout(LIMIT).build().map_err(|error| error.to_string())?;
        let mut session = Self { http, url: format!("{driver}/session") };
        let opened = session.command(Method::POST, "", json!({"capabilities": {"alwaysMatch": capabilities}})).await?;
        session.url = format!("{}/{}", session.url, opened["sessionId"].as_str().ok_or("a session without an id")?);
        Ok(session)
    }

    pub(crate) async fn get(&self, path: &str) -> Result<Value> {
        self.command(Method::GET, &format!("/{path}"), Value::Null).await
    }

    pub(crate) async fn post(&self, path: &str, parameters: Value) -> Result<Value> {
        self.command(Method::POST, &format!("/{path}"), parameters).await
    }

    async fn command(&self, method: Method, path: &str, parameters: Value) -> Result<Value> {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        if !parameters.is_null() {
            request = request.json(&parameters);
        }
        let answer = request.send().await.map_err(|error| error.to_string())?;
        let is_taken = answer.status().is_success();
        let mut answer: Value = answer.json().await.map_err(|error| error.to_string())?;
        let value = answer["value"].take();
        if is_taken { Ok(value) } else { Err(format!("{path}: {} {}", value["error"], value["message"])) }
    }

    /// The result of a script. Promises are awaited.
    pub(crate) async fn execute(&self, script: &str, arguments: Vec<Value>) -> Result<Value> {
        self.post("execute/sync", json!({"script": script, "args": arguments})).await
    }

    /// All elements of a CSS selector.
    pub(crate) async fn find_all(&self, selector: &str) -> Result<Vec<Element>> {
        Ok(self.elements(&self.post("elements", json!({"using": "css selector", "value": selector})).await?))
    }

    /// The element with the focus.
    pub(crate) async fn active(&self) -> Result<Element> {
        let found = self.get("element/active").await?;
        self.element(&found).ok_or_else(|| "nothing has the focus".to_owned())
    }

    /// The elements of a list.
    pub(crate) fn elements(&self, list: &Value) -> Vec<Element> {
        list.as_array().into_iter().flatten().filter_map(|one| self.element(one)).collect()
    }

    fn element(&self, value: &Value) -> Option<Element> {
        Some(Element { session: self.clone(), path: format!("element/{}", value[ELEMENT].as_str()?) })
    }

    /// Presses and releases each of these keys at the current focus.
    pub(crate) async fn press_keys(&self, keys: &str) -> Result<()> {
        let strokes = keys.chars().flat_map(|key| [("keyDown", key.to_string()), ("keyUp", key.to_string())]);
        self.strike(strokes.collect()).await
    }

    /// Presses a key while another one is held down.
    pub(crate) async fn press_with(&self, held: &str, key: &str) -> Result<()> {
        let strokes = [("keyDown", held), ("keyDown", key), ("keyUp", key), ("keyUp", held)];
        self.strike(strokes.map(|(kind, key)| (kind, key.to_owned())).into()).await
    }

    async fn strike(&self, strokes: Vec<(&str, String)>) -> Result<()> {
        let actions: Vec<Value> = strokes.into_iter().map(|(kind, key)| json!({"type": kind, "value": key})).collect();
        let keyboard = json!({"type": "key", "id": "keyboard", "actions": actions});
        self.post("actions", json!({"actions": [keyboard]})).await.map(drop)
    }
}

impl Element {
    async fn get(&self, what: &str) -> Result<Value> {
        self.session.get(&format!("{}/{what}", self.path)).await
    }

    async fn text(&self, what: &str) -> Result<String> {
        Ok(self.get(what).await?.as_str().unwrap_or_default().to_owned())
    }

    async fn post(&self, what: &str, parameters: Value) -> Result<()> {
        self.session.post(&format!("{}/{what}", self.path), parameters).await.map(drop)
    }

    pub(crate) async fn is_displayed(&self) -> Result<bool> {
        Ok(self.get("displayed").await? == true)
    }

    /// The name for a screen reader.
    pub(crate) async fn label(&self) -> Result<String> {
        self.text("computedlabel").await
    }

    /// The name of the tag in lower case.
    pub(crate) async fn tag(&self) -> Result<String> {
        self.text("name").await
    }

    /// The attribute's value; empty if there is none.
    pub(crate) async fn attribute(&self, name: &str) -> Result<String> {
        self.text(&format!("attribute/{name}")).await
    }

    pub(crate) async fn html(&self) -> Result<String> {
        self.text("property/outerHTML").await
    }

    pub(crate) async fn click(&self) -> Result<()> {
        self.post("click", json!({})).await
    }

    pub(crate) async fn clear(&self) -> Result<()> {
        self.post("clear", json!({})).await
    }

    pub(crate) async fn send_keys(&self, text: &str) -> Result<()> {
        self.post("value", json!({"text": text})).await
    }
}
