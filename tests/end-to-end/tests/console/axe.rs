//! Runs axe-core, which looks for breaches of WCAG 2.1, A and AA, and of good practice.

use crate::browser::Browser;
use serde_json::json;
use std::fs;

/// tests/end-to-end/axe pins it, and `cargo xtask test` installs it.
const PROGRAM: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../.local/axe/node_modules/axe-core/axe.min.js");

/// Each violation: its rule, help and element. A colour scheme changes nothing but colours, so their
/// rules are enough for the second one.
const RUN: &str = "
    const tags = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'];
    const runOnly = arguments[0] ? ['color-contrast', 'link-in-text-block'] : tags;
    return axe.run(document, { runOnly, resultTypes: ['violations'] }).then(({ violations }) =>
        violations.flatMap(({ id, help, nodes }) => nodes.map(({ target }) => `${id}: ${help}: ${target.join(' ')}`)));";

/// Fails if axe finds a violation, in light and dark, at 1280 and 375 pixels.
pub(crate) async fn finds_nothing(browser: &Browser, name: &str) {
    if browser.script("return typeof axe", vec![]).await == "undefined" {
        let program = fs::read_to_string(PROGRAM)
            .unwrap_or_else(|error| panic!("{PROGRAM}: {error}; `cargo xtask test` installs it"));
        // The page's policy would refuse a script element, but not what the driver runs.
        browser.driver.execute(&program, vec![]).await.expect("axe-core is loaded");
    }
    for (width, height) in [(1280, 800), (375, 667)] {
        browser.fits(name, width, height).await;
        for scheme in ["light", "dark"] {
            browser.prefer(scheme).await;
            let found = browser.script(RUN, vec![(scheme == "dark").into()]).await;
            assert_eq!(found, json!([]), "{name}, {width} pixels, {scheme}");
        }
    }
    browser.prefer("light").await;
    browser.devtools("Emulation.clearDeviceMetricsOverride", json!({})).await;
}
