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
        let url = list_url(base, collection, since, page);
        let request = || self.http.get(url.clone()).header(ACCEPT, "application/json");
        let response = self.call(visma, tenant, stage, request).await?;
        if !response.status().is_success() {
            return Err(VismaError::Unexpected { stage, status: response.status().as_u16() });
        }
        let json = answer::text(response, stage, LARGEST_LIST).await?;
        collection.parse(&json).map_err(|_| VismaError::unreadable(stage))
    }
}

/// `page` counts from 0, whatever the list counts from.
fn list_url(base: &Url, collection: Collection, since: OffsetDateTime, page: u32) -> Url {
    let mut url = join(base, collection.path());
    let since = since.to_offset(time::UtcOffset::UTC);
    let format = format_description!(version = 2, "[year]-[month]-[day]T[hour]:[minute]:[second].[subsecond digits:3]");
    let since = since.format(&format).expect("a UTC time of this era always formats");
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
        list_url(&Url::parse("https://erp.example/erp").unwrap(), collection, datetime!(2026-11-23 12:00:00.5 UTC), 2)
            .into()
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
