//! Asks a list of the ERP for changes (docs/visma-net.md#lists).

use crate::client::VismaClient;
use crate::error::{Stage, VismaError};
use crate::exchange::{Answer, Exchange, join};
use crate::{Listing, answer};
use time::OffsetDateTime;
use time::macros::format_description;
use url::Url;
use webhooks_host::Host;
use webhooks_model::collection::{Collection, Page, Paging};
use webhooks_model::resource_path::Api;
use webhooks_model::walk::Window;
use webhooks_model::{Clock, Zone};
use webhooks_settings as settings;

const LARGEST_LIST: usize = 32 * 1024 * 1024;
/// The parameters of a list request.
const PARAMETERS: [&str; 7] = [
    "pageSize",
    "pageIndex",
    "pageNumber",
    "orderBy",
    "modifiedSince",
    "lastModifiedDateTimeCondition",
    "lastModifiedDateTime",
];

impl<H: Host, X: Exchange> Listing for VismaClient<H, X> {
    async fn list(
        &self,
        visma: &settings::Visma,
        tenant: &str,
        collection: Collection,
        since: OffsetDateTime,
        window: Window,
    ) -> Result<Page, VismaError> {
        let stage = Stage::List;
        let base = match collection.api() {
            Api::Finance => &visma.erp_url,
            Api::SalesOrder => &visma.sales_order_url,
        };
        let zone = visma.zone(collection.api());
        let url = list_url(base, collection, zone, since, window);
        let response = self.call(visma, tenant, (collection.api(), stage), &url, || None).await?;
        match response.status().as_u16() {
            // .NET answers so for a list that is null.
            204 => return Ok(Page::default()),
            200..=299 => {}
            400 => return Err(refused(response, stage).await),
            status => return Err(answer::refusal(response, stage, VismaError::Unexpected { stage, status }).await),
        }
        let json = answer::text(response, stage, LARGEST_LIST).await?;
        collection.read_page(&json, &Clock::new(zone, self.host.now())).map_err(|_| answer::unreadable(&json, stage))
    }
}

/// The parameter that the ERP refuses, if its answer names one.
async fn refused(response: impl Answer, stage: Stage) -> VismaError {
    let Ok(json) = answer::problem(response, stage).await else {
        return VismaError::Unexpected { stage, status: 400 };
    };
    if answer::says_no_license(&json) {
        return VismaError::NoLicense { stage };
    }
    match answer::parameter(&json, &PARAMETERS) {
        Some((parameter, most)) => VismaError::ParameterRefused { stage, parameter, most },
        None => VismaError::Unexpected { stage, status: 400 },
    }
}

/// The URL of a page of changes since `since`. Where the API cannot sort, rows come in the ERP's
/// order.
fn list_url(base: &Url, collection: Collection, zone: Zone, since: OffsetDateTime, window: Window) -> Url {
    let mut url = join(base, collection.path());
    let (page, size) = (window.page, window.size.to_string());
    let mut query = url.query_pairs_mut();
    match collection.paging() {
        // This filter has its own zone, whatever the zone of the answers
        // (docs/visma-net.md#sales-orders-version-3).
        Paging::FromZero => query
            .append_pair("modifiedSince", &format!("{}Z", moment(Zone::UTC, since)))
            .append_pair("orderBy", "lastModified asc")
            .append_pair("pageIndex", &page.to_string())
            .append_pair("pageSize", &size),
        Paging::FromOne => query
            .append_pair("lastModifiedDateTime", &moment(zone, since))
            .append_pair("lastModifiedDateTimeCondition", ">")
            .append_pair("pageNumber", &page.saturating_add(1).to_string())
            .append_pair("pageSize", &size),
        Paging::None => query
            .append_pair("lastModifiedDateTime", &moment(zone, since))
            .append_pair("lastModifiedDateTimeCondition", ">"),
    };
    drop(query);
    url
}

/// A time in the form of the ERP's filter. The ERP compares it with its own clock, so it is written
/// by that clock. In the hour before that clock is turned back, the earlier reading is used, so
/// that no change after the turn is missed. The clock may differ by endpoint, and be UTC
/// (docs/visma-net.md#times-and-zones), so the earlier of the two is used.
fn moment(zone: Zone, at: OffsetDateTime) -> String {
    let format = format_description!(version = 2, "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]");
    let [here, utc] = [zone, Zone::UTC].map(|zone| zone.clock().least_from(at));
    here.min(utc).format(&format).expect("a time of this era always formats")
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn url(collection: Collection) -> String {
        let window = Window { page: 2, size: 99 };
        let base = Url::parse("https://erp.example/erp").unwrap();
        list_url(&base, collection, Zone::UTC, datetime!(2026-11-23 12:00:00.5 UTC), window).into()
    }

    #[test]
    fn the_filter_uses_the_erps_clock() {
        let base = Url::parse("https://erp.example").unwrap();
        let filter = |collection, zone, at| {
            let url = list_url(&base, collection, Zone::named(zone).unwrap(), at, Window::first(100));
            url.query_pairs().next().unwrap().1.into_owned()
        };
        let since = |zone, at| filter(Collection::Account, zone, at);
        let at = datetime!(2026-07-01 12:00 UTC);
        assert_eq!(since("UTC", at), "2026-07-01T12:00:00.000");
        assert_eq!(since("Europe/Oslo", at), "2026-07-01T12:00:00.000", "this endpoint may show UTC");
        assert_eq!(since("America/New_York", at), "2026-07-01T08:00:00.000");
        let orders = filter(Collection::SalesOrder, "America/New_York", at);
        assert_eq!(orders, "2026-07-01T12:00:00.000Z", "this one names its zone");
        // 01:50 in New York; 20 minutes later it is 01:10.
        assert_eq!(since("America/New_York", datetime!(2026-11-01 5:50 UTC)), "2026-11-01T00:50:00.000");
        assert_eq!(since("America/New_York", datetime!(2026-11-01 6:10 UTC)), "2026-11-01T01:10:00.000");
    }

    #[test]
    fn asks_for_pages_as_documented() {
        let filter = "lastModifiedDateTime=2026-11-23T12%3A00%3A00.500&lastModifiedDateTimeCondition=%3E";
        assert_eq!(url(Collection::Account), format!("https://erp.example/erp/v1/account?{filter}"));
        assert_eq!(
            url(Collection::Customer),
            format!("https://erp.example/erp/v1/customer?{filter}&pageNumber=3&pageSize=99")
        );
        assert_eq!(
            url(Collection::SalesOrder),
            "https://erp.example/erp/api/v3/SalesOrders?modifiedSince=2026-11-23T12%3A00%3A00.500Z\
             &orderBy=lastModified+asc&pageIndex=2&pageSize=99"
        );
    }
}
