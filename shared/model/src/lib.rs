#![doc = include_str!("../README.md")]

pub mod audit;
pub mod catalogue;
pub mod cloud_event;
pub mod collection;
pub mod delivery;
pub mod feedback;
mod fields;
pub mod filter;
pub mod head;
pub mod identity;
pub mod job;
pub mod ledger;
mod names;
pub mod notification;
pub mod pattern;
pub mod pause;
pub mod replay;
pub mod resource;
pub mod resource_path;
pub mod retry;
pub mod ticks;
pub mod work;

pub use catalogue::{Entity, EventType, Kind, NotificationType};
pub use collection::Collection;
pub use delivery::{Channel, Delivery, Origin};
pub use head::{EntityId, HeadChange, Versions};
pub use identity::NotificationKey;
pub use ledger::{LedgerKey, Reason, State};
pub use notification::Notification;
pub use pause::Pause;
pub use resource::Resource;
pub use resource_path::ResourcePath;
pub use ticks::Ticks;
pub use work::{QueueName, Work};
