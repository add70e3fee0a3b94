#![doc = include_str!("../README.md")]

mod access;
mod api;
mod audit;
mod body;
mod console;
mod dead_letters;
mod elsewhere;
mod erasures;
mod gateway;
mod jobs;
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
mod resends;
mod route;
mod search;
mod tenants;
mod types;
pub mod wiring;

pub use access::{Access, Authorizer, Roles};
pub use api::{document, router};
pub use console::{Console, with_console};
pub use elsewhere::Elsewhere;
pub use gateway::{Answer, Event, with_sound_url};
pub use ports::{Operations, Ports};
