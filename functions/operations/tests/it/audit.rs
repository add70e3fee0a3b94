use crate::world::{World, processed, token};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fixtures::TENANT;
use lambda_http::http::StatusCode;
use operations::Authorizer;
use serde_json::{Value, json};
use time::Duration;
use webhooks_model::Reason;
use webhooks_model::feedback::FeedbackState;
use webhooks_store::Change;
use webhooks_telemetry::{Captured, subscriber_for_tests};

/// Deed, role, kind, tenant and result of every record, oldest first.
async fn deeds(world: &World) -> Vec<[String; 5]> {
    let body = world.get("/operations/v1/audit?limit=100").await.body;
    let text = |item: &Value, name: &str| item[name].as_str().unwrap_or("-").to_owned();
    let items = body["items"].as_array().unwrap().iter();
    let shown = items.map(|item| ["deed", "role", "kind", "tenant", "result"].map(|name| text(item, name)));
    let mut shown: Vec<_> = shown.collect();
    shown.reverse();
    shown
}

fn deed(of: [&str; 5]) -> [String; 5] {
    of.map(str::to_owned)
}

#[tokio::test]
async fn records_who_did_what_on_what_with_which_result() {
    let world = World::new().await;
    world.order(1, Duration::hours(1), Change::Parked(Reason::TenantNotServed)).await;
    world.order(2, Duration::hours(1), processed(FeedbackState::Awaited)).await;
    let (parked, awaited) = (world.reference(1).await, world.reference(2).await);
    let of = |reference: &str, deed: &str| format!("/operations/v1/notifications/{reference}/{deed}");
    let next = || world.host.advance(Duration::seconds(1));
    for what in ["hold", "release", "replay", "feedback"] {
        world.repair("POST", &of(&parked, what), json!({"note": "canary"})).await;
        next();
    }
    let outcome = json!({"is_success": true, "description": "canary"});
    world.repair("POST", &of(&awaited, "outcome"), outcome).await;
    next();
    let pause = json!({"tenant": TENANT, "events": "sales_order.*", "note": "canary"});
    for method in ["PUT", "DELETE", "DELETE"] {
        world.repair(method, "/operations/v1/pauses", pause.clone()).await;
        next();
    }
    let filter = json!({"tenant": TENANT, "from": "2026-11-01T00:00:00Z", "to": "2026-11-02T00:00:00Z"});
    let job = world.repair("POST", "/operations/v1/jobs", filter).await.body["id"].as_str().unwrap().to_owned();
    next();
    for what in ["cancel", "resume"] {
        world.repair("POST", &format!("/operations/v1/jobs/{job}/{what}"), json!({})).await;
        next();
    }
    world.get(&format!("/operations/raw/notifications/{parked}")).await;
    let expected = [
        ["hold", "repair", "notification", TENANT, "done"],
        ["release", "repair", "notification", TENANT, "done"],
        ["replay", "repair", "notification", TENANT, "done"],
        ["resend_feedback", "repair", "notification", TENANT, "feedback_not_open"],
        ["outcome", "repair", "notification", TENANT, "done"],
        ["pause", "repair", "pause", TENANT, "done"],
        ["resume", "repair", "pause", TENANT, "done"],
        ["resume", "repair", "pause", TENANT, "unknown_pause"],
        ["begin_job", "repair", "job", TENANT, "done"],
        ["cancel_job", "repair", "job", TENANT, "done"],
        ["resume_job", "repair", "job", TENANT, "done"],
        ["read_raw", "raw", "notification", TENANT, "done"],
    ];
    assert_eq!(deeds(&world).await, expected.map(deed));
    let body = world.get("/operations/v1/audit").await.body;
    assert!(!body.to_string().contains("canary"), "neither notes nor bodies");
    assert_eq!((&body["items"][0]["by"], &body["items"][1]["name"]), (&"op-1".into(), &job.into()));
}

#[tokio::test]
async fn a_job_whose_message_is_refused_is_cancelled_and_can_be_resumed() {
    let world = World::new().await;
    world.repairs.refuse(true);
    let begun = world.repair("POST", "/operations/v1/feedback/resends", json!({})).await;
    assert_eq!(begun.problem(), (503, "unavailable"));
    world.repairs.refuse(false);
    let jobs = world.get("/operations/v1/jobs").await;
    assert_eq!(jobs.items("status"), ["cancelled"]);
    world.host.advance(Duration::seconds(1));
    let resume = format!("/operations/v1/jobs/{}/resume", jobs.items("id")[0]);
    assert_eq!(world.repair("POST", &resume, json!({})).await.status, StatusCode::ACCEPTED);
    assert_eq!(world.get("/operations/v1/jobs").await.items("status"), ["running"]);
    assert_eq!(world.repairs.sent().len(), 1);
    let expected =
        [["resend_parked_feedback", "repair", "job", "-", "unavailable"], ["resume_job", "repair", "job", "-", "done"]];
    assert_eq!(deeds(&world).await, expected.map(deed));
}

#[tokio::test]
async fn a_refused_request_leaves_no_audit_record() {
    let world = World::new().await;
    world.order(1, Duration::hours(1), Change::Parked(Reason::TenantNotServed)).await;
    let url = format!("/operations/v1/notifications/{}/hold", world.reference(1).await);
    world.ask("POST", &url, token("visma-webhooks/read"), Some(json!({}))).await;
    world.repair("POST", &url, json!({"unknown": 1})).await;
    world.repair("POST", "/operations/v1/notifications/nonsense/hold", json!({})).await;
    assert!(deeds(&world).await.is_empty());
}

#[tokio::test]
async fn lists_the_audit_by_time_and_tenant_page_by_page() {
    let world = World::new().await;
    for number in 0..150 {
        let tenant = if number % 30 == 0 { "rare" } else { "common" };
        let pause = json!({"tenant": tenant, "events": "*", "new_tenant": true});
        world.repair("PUT", "/operations/v1/pauses", pause).await;
        world.host.advance(Duration::seconds(1));
    }
    for (filter, limit, expected) in [
        ("", 100, 150),
        ("&tenant=rare", 2, 5),
        ("&tenant=rare", 5, 5),
        ("&tenant=RARE", 100, 5),
        ("&tenant=other", 10, 0),
    ] {
        let (mut ids, mut cursor) = (vec![], String::new());
        loop {
            let answer = world.get(&format!("/operations/v1/audit?limit={limit}{filter}{cursor}")).await;
            assert_eq!(answer.status.as_u16(), 200, "{}", answer.body);
            assert!(answer.items("id").len() <= limit);
            ids.extend(answer.items("id"));
            let Some(next) = answer.body["next"].as_str() else { break };
            cursor = format!("&cursor={next}");
            world.host.advance(Duration::seconds(1));
        }
        assert_eq!(ids.len(), expected, "{filter} {limit}");
        ids.sort();
        ids.dedup();
        assert_eq!(ids.len(), expected, "each once");
    }
    let span = "/operations/v1/audit?limit=100&from=2026-11-23T12:00:00Z&to=2026-11-23T12:00:10Z";
    assert_eq!(world.get(span).await.items("id").len(), 10);
}

#[tokio::test]
async fn a_full_page_of_the_audit_is_the_last_if_nothing_follows() {
    let world = World::new().await;
    for tenant in ["one", "two", "three"] {
        let pause = json!({"tenant": tenant, "events": "*", "new_tenant": true});
        world.repair("PUT", "/operations/v1/pauses", pause).await;
        world.host.advance(Duration::seconds(1));
    }
    for (limit, is_last) in [(2, false), (3, true), (4, true)] {
        let page = world.get(&format!("/operations/v1/audit?limit={limit}")).await.body;
        assert_eq!(page["next"].is_null(), is_last, "{limit}: {page}");
    }
}

#[tokio::test]
async fn names_the_wrong_parameter_of_an_audit_query() {
    let world = World::new().await;
    for number in 0..3 {
        let pause = json!({"tenant": format!("t{number}"), "events": "*", "new_tenant": true});
        world.repair("PUT", "/operations/v1/pauses", pause).await;
    }
    let next = world.get("/operations/v1/audit?limit=1").await.body["next"].as_str().unwrap().to_owned();
    for (query, code, field) in [
        ("tenant=a%20b", "invalid_parameter", "tenant"),
        ("from=yesterday", "invalid_parameter", "from"),
        ("from=2026-11-24T00:00:00Z&to=2026-11-23T00:00:00Z", "invalid_parameter", "from"),
        ("limit=101", "invalid_parameter", "limit"),
        ("by=op", "invalid_parameter", "by"),
        ("cursor=nonsense", "unknown_cursor", "cursor"),
        (&format!("tenant=t1&cursor={next}"), "unknown_cursor", "cursor"),
    ] {
        let answer = world.get(&format!("/operations/v1/audit?{query}")).await;
        assert_eq!((answer.problem(), &answer.body["field"]), ((400, code), &field.into()), "{query}");
    }
}

#[tokio::test]
async fn refuses_a_forged_cursor_of_the_audit() {
    let world = World::new().await;
    for number in 0..3 {
        let pause = json!({"tenant": format!("t{number}"), "events": "*", "new_tenant": true});
        world.repair("PUT", "/operations/v1/pauses", pause).await;
    }
    let next = world.get("/operations/v1/audit?limit=1").await.body["next"].as_str().unwrap().to_owned();
    let cursor: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(next).unwrap()).unwrap();
    for (name, value) in [("pk", "pauses"), ("sk", "1999-01-01T00:00:00.000Z#1"), ("sk", "z")] {
        let mut forged = cursor.clone();
        forged["after"][name] = value.into();
        let forged = URL_SAFE_NO_PAD.encode(forged.to_string());
        let answer = world.get(&format!("/operations/v1/audit?limit=1&cursor={forged}")).await;
        assert_eq!(answer.problem(), (400, "unknown_cursor"), "{name} {value}: {}", answer.text);
    }
}

/// With IAM, the name of a session is often an e-mail address.
#[tokio::test]
async fn no_line_names_the_operator() {
    let world = World::with(Authorizer::Iam).await;
    let captured = Captured::default();
    let _guard = tracing::subscriber::set_default(subscriber_for_tests(captured.clone()));
    let by = json!({"iam": {"userArn": "arn:aws:sts::1:assumed-role/operators/anna@example.com"}});
    let pause = json!({"tenant": TENANT, "events": "*", "new_tenant": true});
    let answer = world.ask("PUT", "/operations/v1/pauses", by, Some(pause)).await;
    assert_eq!(answer.status, StatusCode::NO_CONTENT, "{}", answer.text);
    let lines = captured.lines();
    let line = lines.iter().find(|line| line["message"] == "audited").expect("each action has a line");
    assert!(!line.to_string().contains("anna"), "{line}");
}
