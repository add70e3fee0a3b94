//! The real client over HTTP against the stand-in for Visma Net, in each variant of the unknown
//! behaviour.

use serde_json::json;
use standin::{
    CLIENT_ID, CLIENT_SECRET, Collection as Kept, Endpoint, Fault, Lists, NewTenant, Options, Server, TenantClient,
};
use std::collections::HashSet;
use webhooks_host::{Host, SystemHost};
use webhooks_model::collection::{Collection, Row};
use webhooks_model::walk::{Walk, Window};
use webhooks_model::{Entity, ResourcePath};
use webhooks_settings::Visma as Settings;
use webhooks_visma::{Feedback, Fetched, Listing, Stage, Visma, VismaClient, VismaError};

const SCOPE: &str = "vismanet_erp_service_api:read vismanet_erp_service_api:create visma.net.erp.salesorder:read";

struct Bench {
    company: TenantClient,
    client: VismaClient<SystemHost>,
    settings: Settings,
    _server: Server,
}

impl Bench {
    async fn new(lists: Lists, max_page_size: usize) -> Self {
        Self::of(NewTenant { lists, max_page_size, ..NewTenant::default() }, SCOPE).await
    }

    async fn of(tenant: NewTenant, scope: &str) -> Self {
        let server = Server::start(Options::default()).await.unwrap();
        let url = server.url();
        let company = server.client().create_tenant(tenant).await.unwrap();
        let settings = serde_json::from_value(json!({
            "connect_url": url, "erp_url": format!("{url}/erp"), "sales_order_url": format!("{url}/salesorder"),
            "client_id": CLIENT_ID, "client_secret": CLIENT_SECRET, "scope": scope,
        }));
        let client = VismaClient::new(SystemHost).unwrap();
        Self { company, client, settings: settings.unwrap(), _server: server }
    }

    fn tenant(&self) -> String {
        self.company.id().to_string()
    }

    /// The keys and times of all rows changed within the last hour, and the number of calls.
    async fn read(&self, collection: Collection) -> (Vec<Row>, usize) {
        let since = SystemHost.now() - time::Duration::HOUR;
        let (mut walk, mut rows, mut calls) = (Walk::new(100), Vec::new(), 0);
        loop {
            let window = walk.window();
            calls += 1;
            assert!(calls < 100, "it never ends");
            match self.client.list(&self.settings, &self.tenant(), collection, since, window).await {
                Ok(page) => {
                    let taken = walk.take(window, &page);
                    rows.extend(page.rows.into_iter().skip(taken.new_from));
                    match taken.rest {
                        Some(rest) => walk = rest,
                        None => return (rows, calls),
                    }
                }
                Err(VismaError::ParameterRefused { parameter: "pageSize", most: Some(most), .. }) => {
                    walk = walk.with_size(most);
                }
                Err(error) => panic!("{error}"),
            }
        }
    }

    /// Why the first page of a list is refused.
    async fn refusal(&self, collection: Collection) -> Option<VismaError> {
        let (since, window) = (SystemHost.now() - time::Duration::HOUR, Window::first(100));
        self.client.list(&self.settings, &self.tenant(), collection, since, window).await.err()
    }

    async fn fetch(&self, path: &str) -> webhooks_model::Resource {
        let path = ResourcePath::parse(path).unwrap();
        match self.client.fetch(&self.settings, &self.tenant(), &path).await {
            Ok(Fetched::Found(resource)) => resource,
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn reads_all_sales_orders_once_in_every_variant() {
    for (bare, cuts, largest) in [
        (false, false, 100),
        (false, false, 50),
        (false, true, 50),
        (true, false, 50),
        (true, true, 50),
        (true, false, 100),
    ] {
        let bench = Bench::new(Lists { bare, cuts, largest, ..Lists::default() }, 1000).await;
        for n in 0..130 {
            bench.company.put(Kept::SalesOrderV3, &format!("SO/{n:06}"), json!({})).await.unwrap();
        }
        let (rows, calls) = bench.read(Collection::SalesOrder).await;
        let keys: HashSet<&str> = rows.iter().filter_map(Row::key).collect();
        assert_eq!((rows.len(), keys.len()), (130, 130), "{bare} {cuts} {largest}");
        assert!(rows.iter().all(|row| matches!(row, Row::Read(_))) && calls <= 7, "{calls}");
    }
}

#[tokio::test]
async fn reads_all_customers_once_in_every_variant() {
    for (counts, by_time, largest) in [(true, false, 1000), (false, false, 1000), (true, true, 50), (false, true, 50)] {
        let bench = Bench::new(Lists { counts, by_time, ..Lists::default() }, largest).await;
        for n in 0..130 {
            bench.company.put(Kept::Customer, &format!("{n:06}"), json!({})).await.unwrap();
        }
        let (rows, _) = bench.read(Collection::Customer).await;
        let keys: HashSet<&str> = rows.iter().filter_map(Row::key).collect();
        assert_eq!((rows.len(), keys.len()), (130, 130), "{counts} {by_time} {largest}");
    }
}

#[tokio::test]
async fn the_status_of_an_order_adds_cancelled_or_hold() {
    let bench = Bench::new(Lists::default(), 1000).await;
    for (fields, status) in [
        (json!({"status": "Open"}), "Open"),
        (json!({"status": "Completed"}), "Completed"),
        (json!({"status": "Open", "hold": true}), "Open (hold)"),
    ] {
        bench.company.put(Kept::SalesOrderV3, "SO/000101", fields).await.unwrap();
        let order = bench.fetch("api/v3/SalesOrders/SO/000101").await;
        assert_eq!(order.status(), Some(status));
        assert!(order.modified().is_some() && order.revision().etag.is_some());
    }
}

#[tokio::test]
async fn a_listed_customer_has_the_fetched_revision() {
    let bench = Bench::new(Lists::default(), 1000).await;
    bench.company.put(Kept::Customer, "10001", json!({"name": "A"})).await.unwrap();
    let fetched = bench.fetch("v1/customer/10001").await;
    let (rows, calls) = bench.read(Collection::Customer).await;
    let Row::Read(listed) = &rows[0] else { panic!("not read") };
    assert_eq!((&listed.revision, calls), (fetched.revision(), 1));
}

#[tokio::test]
async fn lists_and_fetches_an_item_with_odd_characters_in_its_number() {
    let numbers = ["ÅS 1", "A+B", "1/2", "50%", "19:20", "(7)~#"];
    let bench = Bench::new(Lists::default(), 1000).await;
    for number in numbers {
        bench.company.put(Kept::Inventory, number, json!({})).await.unwrap();
    }
    let (rows, _) = bench.read(Collection::Inventory).await;
    let listed: HashSet<&str> = rows.iter().filter_map(Row::key).collect();
    assert_eq!(listed, HashSet::from(numbers));
    for row in &rows {
        let Row::Read(listed) = row else { panic!("not read") };
        let path = ResourcePath::for_entity(Entity::InventoryItem, &listed.key).unwrap();
        let fetched = bench.fetch(&path.to_string()).await;
        assert_eq!(listed.revision.etag, fetched.revision().etag, "{}", listed.key);
    }
}

#[tokio::test]
async fn a_company_without_a_license_is_recognised_whatever_the_status() {
    let bench = Bench::new(Lists::default(), 1000).await;
    let path = ResourcePath::parse("v1/account/1920").unwrap();
    let feedback = Feedback { notification_id: uuid::Uuid::nil(), source: "User", description: "", is_success: true };
    for status in [200, 400, 403, 500] {
        let none = Fault::NoLicense { status };
        bench.company.set_faults(Endpoint::Resource, &[none.clone(), none.clone()]).await.unwrap();
        bench.company.set_faults(Endpoint::Feedback, &[none]).await.unwrap();
        let (settings, tenant) = (&bench.settings, bench.tenant());
        let refusals = [
            bench.client.fetch(settings, &tenant, &path).await.err(),
            bench.refusal(Collection::Account).await,
            bench.client.send_feedback(settings, &tenant, &feedback).await.err(),
        ];
        let stages = [Stage::Resource, Stage::List, Stage::Feedback];
        assert_eq!(refusals, stages.map(|stage| Some(VismaError::NoLicense { stage })), "{status}");
    }
}

/// It is unknown whether an error comes with 200 (docs/visma-net.md#errors).
#[tokio::test]
async fn no_feedback_counts_as_sent_that_visma_net_did_not_take() {
    let bench = Bench::new(Lists::default(), 1000).await;
    let feedback = Feedback { notification_id: uuid::Uuid::nil(), source: "User", description: "", is_success: true };
    let faults = [Fault::status(200), Fault::Page { status: 200 }];
    bench.company.set_faults(Endpoint::Feedback, &faults).await.unwrap();
    for told in ["feedback: refused (200)", "feedback: the answer cannot be read"] {
        let error = bench.client.send_feedback(&bench.settings, &bench.tenant(), &feedback).await.unwrap_err();
        assert_eq!(error.to_string(), told);
    }
    assert!(bench.company.feedback().await.unwrap().is_empty());
}

/// It is unknown which answer a call without the scope gets (docs/visma-net.md#tokens).
#[tokio::test]
async fn a_missing_scope_for_sales_orders_costs_the_other_lists_nothing() {
    for scope_status in [401, 403] {
        let company = NewTenant { scope_status, ..NewTenant::default() };
        let bench = Bench::of(company, "vismanet_erp_service_api:read").await;
        bench.company.put(Kept::Customer, "10001", json!({})).await.unwrap();
        for _ in 0..3 {
            assert!(bench.refusal(Collection::SalesOrder).await.is_some());
            assert_eq!(bench.read(Collection::Customer).await.0.len(), 1, "{scope_status}");
        }
        let calls = bench.company.calls().await.unwrap();
        assert_eq!((calls.of("customer list"), calls.answered("customer list", 200)), (3, 3), "{scope_status}");
        assert!(calls.of("token") <= 3, "{scope_status}: {calls:?}");
    }
}
