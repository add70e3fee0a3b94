//! A person without a mouse.

use crate::browser::Browser;
use crate::webdriver::{ENTER, Element, SHIFT, TAB};
use end_to_end::until;

/// More presses of Tab than any view needs.
const PRESSES: usize = 120;

/// Whether a person sees the focus: the element is in the window and has a ring. A bar of a chart
/// has a stroke instead.
const SEEN: &str = "
    const one = document.activeElement;
    const [bar, box, style] = [one.querySelector('.hit'), one.getBoundingClientRect(), getComputedStyle(one)];
    const hasRing = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;
    const isMarked = bar ? getComputedStyle(bar).stroke !== 'none' : hasRing;
    return one.matches(':focus-visible') && isMarked && box.width > 0 && box.top >= -1 && box.bottom <= innerHeight + 1;";

pub(crate) async fn focused(browser: &Browser) -> Element {
    browser.driver.active().await.expect("something has the focus")
}

/// The name of the element with the focus.
pub(crate) async fn at(browser: &Browser) -> String {
    browser.name(&focused(browser).await).await
}

/// Presses these keys one after the other.
pub(crate) async fn key(browser: &Browser, keys: &str) {
    browser.driver.press_keys(keys).await.unwrap();
}

/// Presses Tab until the control with this name has the focus.
pub(crate) async fn tab_to(browser: &Browser, name: &str) {
    tab_until(browser, name, |own| own == name).await;
}

/// Presses Tab until the name of the focused control fits.
pub(crate) async fn tab_until(browser: &Browser, what: &str, fits: impl Fn(&str) -> bool) {
    for _ in 0..PRESSES {
        key(browser, TAB).await;
        if fits(&at(browser).await) {
            return;
        }
    }
    panic!("{what:?} cannot be reached by the keyboard");
}

/// The same as `tab_to`, and the focus is visible.
pub(crate) async fn reach(browser: &Browser, name: &str) {
    tab_to(browser, name).await;
    is_seen(browser).await;
}

pub(crate) async fn is_seen(browser: &Browser) {
    let seen = browser.script(SEEN, vec![]).await;
    assert_eq!(seen, true, "the focus on {:?} is not visible", at(browser).await);
}

/// Goes back to the menu, opens a view, and waits for the focus on its heading.
pub(crate) async fn open(browser: &Browser, view: &str) {
    for _ in 0..PRESSES {
        browser.driver.press_with(SHIFT, TAB).await.unwrap();
        if at(browser).await == view {
            is_seen(browser).await;
            key(browser, ENTER).await;
            return arrives(browser, view).await;
        }
    }
    panic!("{view:?} of the menu cannot be reached by Shift and Tab");
}

/// Waits until the heading of a view, or another control, has the focus.
pub(crate) async fn arrives(browser: &Browser, name: &str) {
    until(&format!("the focus on {name:?}"), async || {
        let element = browser.driver.active().await.ok()?;
        (browser.name(&element).await == name).then_some(())
    })
    .await;
}
