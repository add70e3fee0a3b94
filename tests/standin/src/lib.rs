#![doc = include_str!("../README.md")]
#![allow(clippy::disallowed_methods, reason = "it is the world outside, with a clock and ids of its own")]

mod catalogue;
mod change;
mod client;
mod clock;
mod collection;
mod control;
mod dialect;
mod dispatch;
mod emit;
mod erp;
mod fault;
mod gate;
mod listing;
mod message;
mod page;
mod protocol;
mod refusal;
mod sales_order;
mod server;
mod token;
mod world;

pub use catalogue::{Event, Kind, Publisher, events, find};
pub use client::{Client, Error, Result, TenantClient};
pub use clock::{from_ticks, ticks};
pub use collection::{Collection, Fields, STATUSES};
pub use dialect::{Dialect, Resent};
pub use emit::sign;
pub use message::{
    Attempt, Change, Changed, Channel, Delivery, Emit, Emitted, Feedback, Item, Notification, Retry, Sending, Status,
};
pub use protocol::{Calls, Count, Endpoint, Fault, Lists, NewTenant, Outage, RateBudget, Subscription, Tenant};
pub use server::{CLIENT_ID, CLIENT_SECRET, Options, Server};
