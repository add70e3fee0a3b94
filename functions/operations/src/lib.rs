#![doc = include_str!("../README.md")]

mod access;
mod answer;
mod api;
mod audit;
mod body;
mod claims;
mod conditional;
mod console;
mod cursor;
mod dead_letters;
mod erasures;
mod event;
mod examples;
mod jobs;
mod letters;
mod lists;
mod observed;
mod outcomes;
mod overview;
mod pauses;
mod ports;
mod problem;
mod query;
mod quotas;
mod reference;
mod repairs;
mod search;
mod tenants;
mod types;
pub mod wiring;

pub use access::{Access, Authorizer, Roles};
pub use answer::Answer;
pub use api::{document, router};
pub use console::{Console, with_console};
pub use event::{Event, with_sound_url};
pub use ports::{Operations, Ports};
