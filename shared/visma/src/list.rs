//! Asking a list of the ERP for what changed (reference 4.4).

use crate::client::VismaClient;
use crate::error::{Stage, VismaError};
use crate::join::join;
use crate::{Listing, answer};
use reqwest::header::ACCEPT;
use time::OffsetDateTime;
use time::macros::format_description;
use url::Url;
use webhooks_host::Host;
use webhooks_model::collection::{Collection, Page, Paging};
use webhooks_model::resource_path::Api;
use webhooks_model::{Clock, Zone};
use webhooks_settings as settings;

/// How many resources a page is asked for. The ERP cuts it where that is too many.
pub const PAGE_SIZE: usize = 100;
const LARGEST_LIST: usize = 32 * 1024 * 1024;

impl<H: Host> Listing for VismaClient<H> {
    async fn list(
        &self,
        visma: &settings::Visma,
        tenant: &str,
        collection: Collection,
        since: OffsetDateTime,
        page: u32,
    ) -> Result<Page, VismaError> {
        let stage = Stage::List;
        let base = match collection.api() {
            Api::Finance => &visma.erp_url,
            Api::SalesOrder => &visma.sales_order_url,
        };
        let zone = visma.zone(collection.api());
        let url = list_url(base, collection, zone, since, page);
        let request = || self.http.get(url.clone()).header(ACCEPT, "application/json");
        let response = self.call(visma, tenant, stage, request).await?;
        if !response.status().is_success() {
            return Err(VismaError::Unexpected { stage, status: response.status().as_u16() });
        }
        let json = answer::text(response, stage, LARGEST_LIST).await?;
        collection.parse(&json, &Clock::new(zone, self.host.now())).map_err(|_| VismaError::unreadable(stage))
    }
}

/// `page` counts from 0, whatever the list counts from. The ERP compares with what its own clock
/// showed, so `since` is written by that clock. In the hour before it is turned back, `since` is
/// early enough for what is stamped after the turn.
fn list_url(base: &Url, collection: Collection, zone: Zone, since: OffsetDateTime, page: u32) -> Url {
    let mut url = join(base, collection.path());
    let since = zone.clock().least_from(since);
    let format = format_description!(version = 2, "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]");
    let since = since.format(&format).expect("a time of this era always formats");
    let mut query = url.query_pairs_mut();
    match collection.paging() {
        Paging::FromZero => query.append_pair("modifiedSince", &since),
        Paging::None | Paging::FromOne => {
            query.append_pair("lastModifiedDateTime", &since).append_pair("lastModifiedDateTimeCondition", ">")
        }
    };
    match collection.paging() {
        Paging::None => &mut query,
        Paging::FromOne => query.append_pair("pageNumber", &(page + 1).to_string()),
        Paging::FromZero => query.append_pair("pageIndex", &page.to_string()),
    };
    if collection.paging() != Paging::None {
        query.append_pair("pageSize", &PAGE_SIZE.to_string());
    }
    drop(query);
    url
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    fn url(collection: Collection) -> String {
        let base = Url::parse("https://erp.example/erp").unwrap();
        list_url(&base, collection, Zone::UTC, datetime!(2026-11-23 12:00:00.5 UTC), 2).into()
    }

    #[test]
    fn the_filter_is_what_the_clock_of_the_erp_shows() {
        let base = Url::parse("https://erp.example").unwrap();
        let since = |zone, at| {
            let url = list_url(&base, Collection::Account, Zone::named(zone).unwrap(), at, 0);
            url.query_pairs().next().unwrap().1.into_owned()
        };
        let at = datetime!(2026-07-01 12:00 UTC);
        assert_eq!(since("UTC", at), "2026-07-01T12:00:00.000");
        assert_eq!(since("Europe/Oslo", at), "2026-07-01T14:00:00.000");
        assert_eq!(since("America/New_York", at), "2026-07-01T08:00:00.000");
        // 02:50 in Oslo, and 20 minutes later it is 02:10.
        assert_eq!(since("Europe/Oslo", datetime!(2026-10-25 0:50 UTC)), "2026-10-25T01:50:00.000");
        assert_eq!(since("Europe/Oslo", datetime!(2026-10-25 1:10 UTC)), "2026-10-25T02:10:00.000");
    }

    #[test]
    fn each_way_of_paging_is_asked_for_as_the_reference_says() {
        let filter = "lastModifiedDateTime=2026-11-23T12%3A00%3A00.500&lastModifiedDateTimeCondition=%3E";
        assert_eq!(url(Collection::Account), format!("https://erp.example/erp/v1/account?{filter}"));
        assert_eq!(
            url(Collection::Customer),
            format!("https://erp.example/erp/v1/customer?{filter}&pageNumber=3&pageSize=100")
        );
        assert_eq!(
            url(Collection::SalesOrder),
            "https://erp.example/erp/api/v3/SalesOrders?modifiedSince=2026-11-23T12%3A00%3A00.500&pageIndex=2&pageSize=100"
        );
    }
}
