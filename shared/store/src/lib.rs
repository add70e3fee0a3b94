#![doc = include_str!("../README.md")]

mod account;
mod answers;
mod attributes;
mod head;
mod item;
mod ledger;
mod sweeps;
mod table;

pub use answers::{Answer, Answered, Answers};
pub use head::Head;
pub use ledger::{Advance, Answering, Change, Entry, Known, Ledger, Seen};
pub use sweeps::{Sweeps, Unfinished, Watermark};
pub use table::{StoreError, Table};
