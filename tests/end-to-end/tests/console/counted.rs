//! The clicks, the filled fields and the time that a task takes.

use crate::browser::Browser;
use crate::console::Console;
use crate::keys::{focused, key};
use crate::webdriver::ENTER;
use end_to_end::until;
use std::cell::Cell;
use std::time::Instant;

/// Its table says how many clicks and fields each task takes.
const README: &str = include_str!("../../../../functions/operations/README.md");

/// The buttons and links with a text, within the first element of a selector that has another text.
const WITHIN: &str = "
    const [selector, text, name] = arguments;
    const outer = [...document.querySelectorAll(selector)].find((one) => one.innerText.includes(text));
    const inner = outer ? [...outer.querySelectorAll('button, a')] : [];
    return inner.filter((one) => one.checkVisibility() && one.textContent.trim() === name);";

/// A task of an operator in the console. A key in place of a click counts as a click.
pub(crate) struct Task<'c> {
    pub(crate) browser: &'c Browser,
    name: &'static str,
    began: Instant,
    clicks: Cell<u32>,
    fields: Cell<u32>,
}

impl<'c> Task<'c> {
    /// Begins where the console opens.
    pub(crate) async fn begin(console: &'c Console, name: &'static str) -> Self {
        console.view("#/overview", "Overview").await;
        let (began, clicks, fields) = (Instant::now(), Cell::new(0), Cell::new(0));
        Self { browser: &console.browser, name, began, clicks, fields }
    }

    /// Prints the task's row, and compares it with the table in README.md.
    pub(crate) fn end(self) {
        let row = format!("| {} | {} | {} |", self.name, self.clicks.get(), self.fields.get());
        println!("{row} {:.1} |", self.began.elapsed().as_secs_f64());
        assert!(README.contains(&row), "the table of functions/operations/README.md lacks {row}");
    }

    fn clicked(&self) {
        self.clicks.set(self.clicks.get() + 1);
    }

    fn filled(&self) {
        self.fields.set(self.fields.get() + 1);
    }

    /// Presses the button or follows the link with this name.
    pub(crate) async fn press(&self, name: &str) {
        self.browser.press(name).await;
        self.clicked();
    }

    /// The same for an element of a selector.
    pub(crate) async fn click(&self, selector: &str) {
        until(&format!("{selector} to be clicked"), async || self.browser.sees(selector).await.click().await.ok())
            .await;
        self.clicked();
    }

    /// The same within the element of a selector that has this text.
    pub(crate) async fn press_in(&self, selector: &str, text: &str, name: &str) {
        let driver = &self.browser.driver;
        until(&format!("{name:?} of {text:?} to be pressed"), async || {
            let found = driver.execute(WITHIN, vec![selector.into(), text.into(), name.into()]).await.ok()?;
            driver.elements(&found).first()?.click().await.ok()
        })
        .await;
        self.clicked();
    }

    pub(crate) async fn fill(&self, label: &str, text: &str) {
        self.browser.fill(label, text).await;
        self.filled();
    }

    /// Fills in a time by a script, since the browser's language decides how a person types it.
    pub(crate) async fn fill_time(&self, selector: &str, time: &str) {
        let fill = "document.querySelector(arguments[0]).value = arguments[1]";
        self.browser.script(fill, vec![selector.into(), time.into()]).await;
        self.filled();
    }

    /// Pastes an address.
    pub(crate) async fn go(&self, url: &str) {
        self.browser.go(url).await;
        self.filled();
    }

    /// Searches with the box of the frame.
    pub(crate) async fn search(&self, text: &str) {
        key(self.browser, "/").await;
        self.clicked();
        focused(self.browser).await.send_keys(text).await.unwrap();
        self.filled();
        key(self.browser, ENTER).await;
        self.clicked();
    }

    /// Waits until no element of the selector has the text.
    pub(crate) async fn loses(&self, selector: &str, text: &str) {
        until(&format!("{text:?} to leave {selector}"), async || {
            self.browser.texts(selector).await.iter().all(|one| !one.contains(text)).then_some(())
        })
        .await;
    }
}
