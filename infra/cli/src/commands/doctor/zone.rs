//! Checks the time zones in the settings against the clocks of the ERP, one for each API. It
//! measures a clock by webhooks that came just after their change.

use crate::commands::check::Check;
use crate::stack::Stack;
use std::collections::HashSet;
use time::{Duration, OffsetDateTime, UtcOffset};
use webhooks_host::{Host, SystemHost};
use webhooks_model::resource_path::Api;
use webhooks_model::{ResourcePath, Zone, catalogue, zone_offset};
use webhooks_settings::{Settings, Visma as VismaSettings};
use webhooks_store::{Record, Table};
use webhooks_visma::{Fetched, Visma, VismaClient};

/// How far back it looks for webhooks, how many it reads, and for how many it asks each API.
const REACH: Duration = Duration::days(7);
const WEBHOOKS: u8 = 50;
const CALLS: usize = 5;
/// Zones to suggest for an offset, the likeliest first.
const LIKELY: [&str; 5] = ["UTC", "Europe/Oslo", "Europe/London", "Europe/Helsinki", "America/New_York"];

/// The offset of the clock that stamped a resource, and the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Observed {
    pub offset: UtcOffset,
    pub at: OffsetDateTime,
}

pub(super) async fn check(stack: &Stack, settings: &Settings, only: &[String]) -> Vec<Check> {
    // `visma.rs` reports why there is no client.
    let Ok(client) = VismaClient::new(SystemHost) else { return vec![] };
    let table = match stack.output("TableName").await {
        // The table is only read, so the retention has no effect.
        Ok(name) => Table::new(aws_sdk_dynamodb::Client::new(&stack.aws), name, REACH),
        Err(failure) => return vec![Check::of_failure("clock of the ERP", failure)],
    };
    let all = settings.tenants.iter().map(|tenant| &tenant.id);
    let tenants: Vec<&String> = if only.is_empty() { all.collect() } else { only.iter().collect() };
    let mut checks = vec![];
    for tenant in tenants {
        checks.extend(clocks(&table, &client, settings, tenant, SystemHost.now()).await);
    }
    checks
}

/// Checks one tenant's clocks with at most five calls to each API. It skips the clock of the sales
/// orders if there was no webhook about one.
pub async fn clocks(
    table: &Table,
    visma: &impl Visma,
    settings: &Settings,
    tenant: &str,
    now: OffsetDateTime,
) -> Vec<Check> {
    let name = format!("clock of {tenant}");
    let newest = match table.feed(&tenant.to_lowercase(), now - REACH, now, None, WEBHOOKS).await {
        Ok(page) => page.records,
        Err(error) => {
            let advice = "The measurement needs dynamodb:Query and dynamodb:BatchGetItem (infra/cli/README.md).";
            return vec![Check::warning(name, error.to_string(), advice)];
        }
    };
    let orders = format!("clock of the sales orders of {tenant}");
    let mut checks = vec![];
    for (api, name) in [(Api::Finance, name), (Api::SalesOrder, orders)] {
        let changed = changed(&newest, api);
        if api == Api::Finance || !changed.is_empty() {
            checks.push(clock(visma, settings, tenant, api, &changed).await.check(name));
        }
    }
    checks
}

/// The resources of an API with webhooks, newest first, and when each webhook came.
fn changed(newest: &[Record], api: Api) -> Vec<(OffsetDateTime, ResourcePath)> {
    let mut seen = HashSet::new();
    let newest = newest.iter().filter(|record| seen.insert(&record.key.entity));
    newest.filter_map(|record| Some((record.received_at, resource(record, api)?))).take(CALLS).collect()
}

/// The resource to fetch for a webhook about a change.
fn resource(record: &Record, api: Api) -> Option<ResourcePath> {
    let is_change = catalogue::find(&record.event).is_some_and(|event| event.kind.is_hint());
    let entity = &record.key.entity;
    let path = ResourcePath::for_entity(entity.entity, &entity.key).filter(|path| path.api() == api)?;
    (is_change && record.origin == "webhook").then_some(path)
}

/// The measurements of an API's clock.
struct Measured {
    api: Api,
    zone: Zone,
    observed: Vec<Observed>,
    /// Times with a zone.
    named: usize,
}

async fn clock(
    visma: &impl Visma,
    settings: &Settings,
    tenant: &str,
    api: Api,
    changed: &[(OffsetDateTime, ResourcePath)],
) -> Measured {
    let (mut observed, mut named) = (vec![], 0_usize);
    for (received_at, path) in changed {
        let Ok(Fetched::Found(resource)) = visma.fetch(&settings.visma, tenant, path).await else { continue };
        let Some(stamp) = resource.modified_text() else { continue };
        let offset = zone_offset::observed(&stamp, *received_at);
        observed.extend(offset.map(|offset| Observed { offset, at: *received_at }));
        named += usize::from(zone_offset::names_its_zone(&stamp));
    }
    Measured { api, zone: settings.visma.zone(api), observed, named }
}

impl Measured {
    fn check(self, name: String) -> Check {
        let setting = VismaSettings::zone_setting(self.api);
        if self.observed.is_empty() && self.named > 0 {
            return Check::ok(name, format!("its times name their zone, so {setting} does not matter"));
        }
        judged(name, setting, self.zone, &self.observed)
    }
}

/// Compares the measurements with the settings. A single measurement may be a change without a
/// webhook.
pub fn judged(name: String, setting: &str, zone: Zone, observed: &[Observed]) -> Check {
    let clock = zone.clock();
    let (right, wrong): (Vec<Observed>, Vec<Observed>) =
        observed.iter().copied().partition(|one| clock.offset_at(one.at) == one.offset);
    let Some(other) = wrong.first().filter(|_| wrong.len() > right.len()) else {
        return match right.first() {
            Some(one) => Check::ok(name, format!("at UTC{}, as in {}", text(one.offset), zone.name())),
            None => {
                Check::skipped(name, "a change of the last week by webhook, in a resource that has not changed since")
            }
        };
    };
    let seen = format!(
        "at UTC{}, but {setting} of the settings is {}, which is at UTC{}",
        text(other.offset),
        zone.name(),
        text(clock.offset_at(other.at))
    );
    let field = setting.trim_start_matches("visma.");
    let example = likely(*other).map(|zone| format!(", such as \"{field}\": \"{zone}\"")).unwrap_or_default();
    let advice = format!("Write a zone with this offset as {setting}{example} (shared/settings/README.md).");
    let agree = wrong.iter().filter(|one| one.offset == other.offset).count();
    match agree {
        1 => Check::warning(name, seen, format!("If it stays so: {advice}")),
        _ => Check::failed(name, seen, advice),
    }
}

fn likely(observed: Observed) -> Option<String> {
    let has_it =
        |name: &&str| Zone::named(name).is_some_and(|zone| zone.clock().offset_at(observed.at) == observed.offset);
    let of_whole_hours = observed.offset.whole_seconds() % 3600 == 0;
    // These names have the opposite sign.
    let other = || of_whole_hours.then(|| format!("Etc/GMT{:+}", -observed.offset.whole_hours()));
    LIKELY.into_iter().find(has_it).map(str::to_owned).or_else(other)
}

fn text(offset: UtcOffset) -> String {
    let (hours, minutes, _) = offset.as_hms();
    let sign = if offset.is_negative() { '-' } else { '+' };
    format!("{sign}{:02}:{:02}", hours.abs(), minutes.abs())
}
