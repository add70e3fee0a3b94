//! Tests the console of the deployed template in a real browser.

#![allow(clippy::disallowed_methods, reason = "it stands outside of what it drives")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod appearance;
mod attention;
mod axe;
mod browser;
mod console;
mod counted;
mod keyboard;
mod keys;
mod letters;
mod lists;
mod live;
mod overview;
mod repairs;
mod safety;
mod sign_in;
mod tasks;
mod webdriver;

/// The company of each test.
mod company {
    pub(crate) const BROWSED: u32 = 25;
    pub(crate) const REPAIRED: u32 = 26;
    pub(crate) const PICTURED: u32 = 27;
    pub(crate) const OBSERVED: u32 = 43;
    pub(crate) const OUT_OF_CALLS: u32 = 44;
    pub(crate) const SEARCHED: u32 = 45;
    pub(crate) const IN_THE_WINDOW: u32 = 49;
    pub(crate) const ATTENDED: u32 = 51;
    pub(crate) const UNANSWERED: u32 = 52;
    pub(crate) const FOLLOWED: u32 = 53;
    pub(crate) const IN_A_ZONE: u32 = 54;
    pub(crate) const ACKNOWLEDGED: u32 = 55;
    pub(crate) const OF_TASKS: u32 = 56;
}
