//! Tests the deployed template on the local AWS. Each test has its own company; the numbers are
//! listed here.

#![allow(clippy::disallowed_methods, reason = "it stands outside of what it drives")]
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod at_the_end;
mod command_line;
mod deliveries;
mod failures;
mod faults;
mod feedback;
mod operations;
mod reconciliation;
mod rejections;
mod telemetry;

/// The company of each test.
mod company {
    pub(crate) const CATALOGUE: u32 = 2;
    pub(crate) const DUPLICATES: u32 = 3;
    pub(crate) const REORDERED: u32 = 4;
    pub(crate) const LEGACY_BATCH: u32 = 5;
    pub(crate) const POISON: u32 = 6;
    pub(crate) const BAD_SIGNATURE: u32 = 7;
    pub(crate) const OVERSIZE: u32 = 8;
    pub(crate) const QUEUE_REFUSED: u32 = 9;
    pub(crate) const ERP_DOWN_AND_UP: u32 = 10;
    pub(crate) const ERP_DOWN_FOR_GOOD: u32 = 11;
    pub(crate) const OUTCOMES: u32 = 12;
    pub(crate) const FEEDBACK_TROUBLE: u32 = 13;
    pub(crate) const FALLBACK_ID: u32 = 14;
    pub(crate) const UNPARSEABLE: u32 = 15;
    pub(crate) const PRIVACY: u32 = 16;
    pub(crate) const BURST: u32 = 17;
    pub(crate) const REPLAYED: u32 = 18;
    pub(crate) const RESENT: u32 = 19;
    pub(crate) const METRICS: u32 = 20;
    pub(crate) const RECONCILED: u32 = 21;
    pub(crate) const OPERATORS: u32 = 22;
    pub(crate) const PAUSED: u32 = 23;
    pub(crate) const COMMAND_LINE: u32 = 24;
    pub(crate) const COMMAND_LINE_OPERATIONS: u32 = 28;
    pub(crate) const COMMAND_LINE_JOBS: u32 = 29;
    pub(crate) const COMMAND_LINE_DEAD_LETTERS: u32 = 30;
    pub(crate) const FIVE_THOUSAND: u32 = 31;
    pub(crate) const ERASED: u32 = 32;
    pub(crate) const CUSTOMER: u32 = 40;
    /// Not in the settings: only the header names its tenant.
    pub(crate) const LEARNT: u32 = 41;
    pub(crate) const FOREIGN: u32 = 42;
    /// On a stack of their own.
    pub(crate) const FAULTS: [u32; 3] = [28, 29, 30];
    pub(crate) const FAULTS_ERASED: u32 = 31;
}
