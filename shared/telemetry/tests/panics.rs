//! Runs in its own process, since a process has one panic hook.

use std::panic;
use tracing::info_span;
use webhooks_telemetry::{Captured, log_panics, subscriber_for_tests};

#[test]
fn a_panic_is_one_line_with_its_location_and_without_its_text() {
    let captured = Captured::default();
    let _default = tracing::subscriber::set_default(subscriber_for_tests(captured.clone()));
    let usual = panic::take_hook();
    log_panics();
    let _span = info_span!("item", notification = "n-1").entered();
    let line = line!() + 1;
    let caught = panic::catch_unwind(|| panic!("canary {}", "of a customer"));
    let expected = panic::catch_unwind(|| "canary".parse::<u8>().expect("canary"));
    panic::set_hook(usual);

    assert!(caught.is_err() && expected.is_err());
    assert!(!captured.text().contains("canary"), "{}", captured.text());
    let lines = captured.lines();
    assert_eq!((lines.len(), captured.text().lines().count()), (2, 2));
    assert_eq!((&lines[0]["level"], &lines[0]["message"]), (&"ERROR".into(), &"panicked".into()));
    assert_eq!(lines[0]["notification"], "n-1");
    let location = lines[0]["location"].as_str().unwrap();
    assert!(location.contains(&format!("panics.rs:{line}:")), "{location}");
}
