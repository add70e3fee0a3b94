#![doc = include_str!("../README.md")]

mod account;
mod answers;
mod attributes;
mod audit;
mod dynamo;
mod erasure;
mod error;
mod head;
#[cfg(test)]
mod hot_keys;
mod implied;
mod item;
mod jobs;
mod keys;
mod ledger;
mod pauses;
mod pending;
mod records;
mod repairs;
mod replays;
mod sweeps;
mod table;
mod timeline;
mod upkeep;
mod waits;

pub use answers::{Answer, Answered, Answers};
pub use attributes::Item;
pub use audit::{Audit, AuditPage, place_in_audit};
pub use dynamo::Dynamo;
pub use erasure::{Erasure, Kept};
pub use error::StoreError;
pub use head::{Advance, Head};
pub use item::{Items, Query, Write};
pub use jobs::{Found, Jobs, Stretch};
pub use ledger::{Answering, Change, Entry, Known, Ledger, Seen};
pub use pauses::Pauses;
pub use pending::{Arrived, Mark, Pending, Unended};
pub use records::{Line, Page, Position, Record, Records};
pub use repairs::{Action, Deed, Repairs};
pub use replays::Replays;
pub use sweeps::{Sweeps, Unfinished, Watermark};
pub use table::Table;
pub use upkeep::Upkeep;
pub use waits::Waits;
