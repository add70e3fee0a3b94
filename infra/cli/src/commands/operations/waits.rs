//! Why a job or its notifications do not get on.

use super::Client;
use super::shown::{second, text};
use crate::text::moment;
use serde_json::Value;
use time::Duration;
use webhooks_host::{Host, SystemHost};

/// Longer than every regular wait of a job between two slices (functions/repair/README.md).
const STILL_FOR: Duration = Duration::minutes(15);

/// Since when a job that runs has not moved, if that is too long.
pub(super) fn still_since(job: &Value) -> Option<String> {
    let at = job["updated_at"].as_str().filter(|_| job["status"] == "running")?;
    let is_still = SystemHost.now() - moment(at).ok()? > STILL_FOR;
    is_still.then(|| second(at))
}

/// What to do about a job that has not moved for too long.
pub(super) fn advice_for(job: &Value) -> Option<String> {
    let (since, id) = (still_since(job)?, text(&job["id"]));
    Some(format!(
        "It has not moved since {since}. Its message may be a dead letter, or the repair function fails: see \
         visma-webhooks dead-letters list repairs, and the function's log. Then: visma-webhooks jobs resume {id} (it \
         does no harm to a job that runs)."
    ))
}

/// What waits of all tenants, if something does. A caller without the role `read` is told nothing.
pub(super) async fn of_all_tenants(client: &Client<'_>) -> Option<String> {
    let counts = client.get(&["operations", "v1", "counts"], &[]).await.ok()?;
    let each = [
        ("paused", "for the end of a pause (visma-webhooks pauses list)"),
        ("rate_limited", "for calls to Visma Net (visma-webhooks quotas)"),
    ];
    let count = |name: &str| counts[name].as_u64().filter(|count| *count > 0);
    let waits: Vec<String> =
        each.into_iter().filter_map(|(name, what)| Some(format!("{} {what}", count(name)?))).collect();
    (!waits.is_empty()).then(|| format!("Of all notifications there wait: {}.", waits.join(", ")))
}
