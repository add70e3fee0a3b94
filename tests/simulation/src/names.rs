//! Names that the settings explain: an event outside the catalogue, by an alias, and a tenant, by its
//! company number. Operators write both again during a run. What a notification then becomes depends
//! on the settings that the processor could have read.

use crate::check::{Invariant, Met};
use crate::model::secrets::KNOWN_FOR;
use crate::model::table::text;
use crate::world::World;
use crate::writes::text_of;
use std::sync::LazyLock;
use time::Duration;
use webhooks_model::NotificationKey;
use webhooks_store::Write;

/// The name that Visma Net uses.
pub(crate) const SENT: &str = "SOMETHING_NEW";
/// The event that the alias means. No other notification of the simulation is one.
pub(crate) const MEANT: &str = "CUSTOMER_CREATED";
/// Before it parks for want of a name, the processor reads settings that are older than half a
/// minute again. The attempt may take another minute.
const READ_AGAIN_WITHIN: Duration = Duration::minutes(2);
/// The place of the event's digits in a sort key.
const EVENT: std::ops::Range<usize> = 26..34;

static DIGITS: LazyLock<[String; 2]> =
    LazyLock::new(|| [SENT, MEANT].map(|event| NotificationKey::new(&[], event, None).event().to_owned()));

/// Whether the sort key has the event that the alias means.
fn is_meant(sort_key: &str) -> bool {
    sort_key.starts_with("N#") && sort_key.get(EVENT).is_some_and(|event| event == DIGITS[1].as_str())
}

/// The sort key under the name that Visma Net uses.
pub(crate) fn as_sent(sort_key: &str) -> String {
    if !is_meant(sort_key) {
        return sort_key.to_owned();
    }
    format!("{}{}{}", &sort_key[..EVENT.start], DIGITS[0], &sort_key[EVENT.end..])
}

/// Whether an item with the first sort key is about the notification with the second.
pub(crate) fn is_about(sort_key: &str, notification: &str) -> bool {
    sort_key == notification || (is_meant(sort_key) && as_sent(sort_key) == notification)
}

impl World {
    /// Called with each write of a notification by the processor.
    pub(crate) fn names_fit(&mut self, instance: usize, write: &Write) {
        let now = self.now;
        let parks = |reason| text_of(write, "state") == Some("parked") && text_of(write, "reason") == Some(reason);
        let within = if self.unread.contains(&instance) { KNOWN_FOR } else { READ_AGAIN_WITHIN };
        // A replay keeps the event of its record, perhaps now under a known tenant.
        let is_new = !self.table.items().any(|item| text(item, "sk") == Some(&write.sk));
        let (fits, what) = if is_meant(&write.sk) && is_new {
            self.checks.meets(Met::AliasUsed);
            (self.secrets.had(now, KNOWN_FOR, |names| names.has_alias), "identified by an alias")
        } else if parks("unmapped") {
            (self.secrets.had(now, within, |names| !names.has_alias), "parked for want of an alias")
        } else if parks("tenant_unknown") {
            self.checks.meets(Met::CompanyUnknown);
            (self.secrets.had(now, within, |names| !names.has_company), "parked for want of a company number")
        } else {
            return;
        };
        self.checks.require(fits, Invariant::IdentifyOrPark, || {
            format!("a notification is {what}, by settings that were replaced long ago")
        });
    }
}
