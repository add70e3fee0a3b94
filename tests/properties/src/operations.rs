use crate::model::meta;
use crate::world::wait;
use axum::Router;
use axum::body::to_bytes;
use fixtures::{FakeQueue, TENANT, TestHost};
use lambda_http::{Context, LambdaEvent, Request};
use operations::{Authorizer, Event, Operations, Ports, Roles, router, with_sound_url};
use serde_json::{Value, json};
use simulation::ModelItems;
use std::collections::BTreeSet;
use time::Duration;
use tower::ServiceExt;
use webhooks_host::Host;
use webhooks_model::notification::NoDirectory;
use webhooks_model::{Channel, Delivery, Notification, Reason};
use webhooks_store::{Change, Entry};

const RECORDS: i64 = 5;
/// Each page of a list covers a month, and all pages cover 90 days at most.
const LONGEST_WALK: usize = 20;

struct Fakes;

impl Ports for Fakes {
    type Items = ModelItems;
    type Queue = FakeQueue;
    type Host = TestHost;
}

/// `@tenant` stands for the tenant of five parked orders, `@ref` for the `ref` of one of them, and
/// `@next` for the cursor after the first.
pub fn operations(input: &[u8]) {
    let Ok(url) = str::from_utf8(input) else { return };
    let api = Api::new();
    let url = url.replace("@tenant", TENANT);
    let url = if url.contains("@ref") { url.replace("@ref", &api.first("ref")) } else { url };
    let url = if url.contains("@next") { url.replace("@next", &api.first("next")) } else { url };
    let Some((status, mut page)) = api.get(&url) else { return };
    assert!([200, 400, 404, 405].contains(&status), "{status}: {page}");
    if status != 200 {
        assert!(page["code"].is_string() && page["status"] == status && page["detail"].is_string(), "{page}");
        return;
    }
    if url.contains("cursor=") {
        return;
    }
    let (mut seen, mut pages) = (BTreeSet::new(), 0);
    while let Some(next) = page["next"].as_str() {
        let refs = page["items"].as_array().into_iter().flatten().filter_map(|item| item["ref"].as_str());
        refs.for_each(|one| assert!(seen.insert(one.to_owned()), "listed twice"));
        let (path, query) = url.split_once('?').expect("a list is asked for with a query");
        let query = query.split('#').next().unwrap_or_default();
        let (status, following) = api.get(&format!("{path}?{query}&cursor={next}")).expect("as sound as before");
        assert_eq!(status, 200, "our own cursor is refused: {following}");
        (page, pages) = (following, pages + 1);
        assert!(pages < LONGEST_WALK, "a list without an end");
    }
}

struct Api(Router);

impl Api {
    fn new() -> Self {
        let (memory, host) = (ModelItems::default(), TestHost::default());
        wait(fill(&memory, &host));
        let roles = Roles { authorizer: Authorizer::Jwt, claims: vec!["scope".into()], prefix: String::new() };
        let queue = FakeQueue::default;
        let store = memory.table();
        let dead_letters = vec![];
        let (notifications, feedback, repairs) = (queue(), queue(), queue());
        let operations = Operations::<Fakes> { store, notifications, feedback, repairs, dead_letters, host, roles };
        Self(router(operations))
    }

    /// Returns status and body, or `None` for requests that API Gateway would reject.
    fn get(&self, url: &str) -> Option<(u16, Value)> {
        let (path, query) = url.split_once('?').unwrap_or((url, ""));
        let path = format!("/{}", path.trim_start_matches('/'));
        let event = json!({
            "version": "2.0", "rawPath": path, "rawQueryString": query, "headers": {"host": "api.example"},
            "requestContext": {
                "domainName": "api.example", "stage": "$default", "http": {"method": "GET", "path": path},
                "authorizer": {"jwt": {"claims": {"sub": "op-1", "scope": "read raw"}, "scopes": null}},
            },
            "isBase64Encoded": false,
        });
        let payload: Event = serde_json::from_value(event).ok()?;
        let request: Request = with_sound_url(LambdaEvent::new(payload, Context::default())).payload.into();
        let answer = wait(async {
            let response = self.0.clone().oneshot(request.map(axum::body::Body::new)).await.expect("an answer");
            let (parts, body) = response.into_parts();
            (parts, to_bytes(body, usize::MAX).await.expect("a body in memory"))
        });
        let (parts, body) = answer;
        assert_eq!(parts.headers["cache-control"], "no-store");
        Some((parts.status.as_u16(), serde_json::from_slice(&body).expect("JSON")))
    }

    /// A field of the first record of a list, or of the list itself.
    fn first(&self, field: &str) -> String {
        let url = format!("/operations/v1/attention?kind=parked&limit=1&tenant={TENANT}");
        let (_, page) = self.get(&url).expect("a sound URL");
        let value = if field == "next" { &page[field] } else { &page["items"][0][field] };
        value.as_str().expect("a text").to_owned()
    }
}

async fn fill(memory: &ModelItems, host: &TestHost) {
    for number in 1..=RECORDS {
        let body = json!({"event": "SALESORDER_UPDATED", "orderType": "SO", "orderId": number}).to_string();
        let mut meta = meta(Channel::Dispatcher);
        meta.tenant = Some(TENANT.to_owned());
        meta.received_at = host.now() - Duration::hours(20 * number);
        let delivery = Delivery { meta, body: body.clone().into_bytes() };
        let n = Notification::read(&delivery, &body, &NoDirectory);
        let change = Change::Parked(Reason::TenantNotServed);
        let entry = Entry { notification: &n, change, now: host.now() };
        assert!(memory.table().record(&entry).await.expect("a table in memory"));
    }
}
