use crate::world::{World, order, processed, token};
use fixtures::TENANT;
use lambda_http::http::StatusCode;
use serde_json::{Value, json};
use time::Duration;
use time::format_description::well_known::Rfc3339;
use webhooks_host::Host;
use webhooks_model::Notification;
use webhooks_model::feedback::FeedbackState;
use webhooks_store::Entry;

const ERASURES: &str = "/operations/erasures";

async fn ask(world: &World, path: &str, body: Value) -> crate::world::Answer {
    world.ask("POST", path, token("visma-webhooks/erase"), Some(body)).await
}

#[tokio::test]
async fn erases_a_fully_paused_tenant_by_a_job_after_a_plan() {
    let world = World::new().await;
    world.order(1, Duration::ZERO, processed(FeedbackState::Sent)).await;
    let request = json!({"tenant": TENANT, "confirm": TENANT, "note": "contract ended"});
    let plan = ask(&world, "/operations/erasures/plans", request.clone()).await;
    assert_eq!((plan.status, &plan.body["at_least"]), (StatusCode::OK, &json!(false)));
    assert!(plan.body["count"].as_u64().unwrap() >= 1, "{}", plan.body);
    assert_eq!(ask(&world, ERASURES, request.clone()).await.problem(), (409, "not_paused"));
    assert!(world.repairs.sent().is_empty());

    let some = json!({"tenant": TENANT, "events": "sales_order.*"});
    world.repair("PUT", "/operations/v1/pauses", some).await;
    assert_eq!(ask(&world, ERASURES, request.clone()).await.problem(), (409, "not_paused"));
    let until = (world.host.now() + Duration::DAY).format(&Rfc3339).unwrap();
    let ending = json!({"tenant": TENANT, "events": "*", "until": until});
    assert_eq!(world.repair("PUT", "/operations/v1/pauses", ending).await.status, StatusCode::NO_CONTENT);
    assert_eq!(ask(&world, ERASURES, request.clone()).await.problem(), (409, "not_paused"), "it may end too early");
    let all = json!({"tenant": TENANT, "events": "*"});
    world.repair("PUT", "/operations/v1/pauses", all).await;
    let begun = ask(&world, ERASURES, request).await;
    assert_eq!((begun.status, &begun.body["kind"]), (StatusCode::ACCEPTED, &json!("erase")));
    assert_eq!(world.repairs.sent().len(), 1);
    let audit = world.get("/operations/v1/audit").await.body;
    assert_eq!(
        (&audit["items"][0]["deed"], &audit["items"][0]["by"]),
        (&json!("erase_tenant"), &json!("op-1")),
        "{audit}"
    );
}

#[tokio::test]
async fn a_plan_of_an_erasure_that_reads_slowly_ends_early() {
    let world = World::new().await;
    // Four fit into a page of 1 MB, and the plan looks at the clock after 20 pages.
    for number in 1_u128..=85 {
        let n = Notification { raw: "x".repeat(250_000), ..order(number) };
        let entry = Entry { notification: &n, change: processed(FeedbackState::Sent), now: world.host.now() };
        assert!(world.table.table.record(&entry).await.unwrap());
    }
    world.host.step(Duration::seconds(10));
    let plan = ask(&world, "/operations/erasures/plans", json!({"tenant": TENANT, "confirm": TENANT})).await.body;
    assert_eq!((&plan["count"], &plan["at_least"]), (&json!(80), &json!(true)), "{plan}");
}

#[tokio::test]
async fn an_erasure_must_name_the_tenant_twice() {
    let world = World::new().await;
    for path in [ERASURES, "/operations/erasures/plans"] {
        for (body, field) in [
            (json!({"tenant": TENANT, "confirm": "another"}), "confirm"),
            (json!({"tenant": "a b", "confirm": "a b"}), "tenant"),
            (json!({"tenant": TENANT, "confirm": TENANT, "rate": 101}), "rate"),
        ] {
            let answer = ask(&world, path, body).await;
            assert_eq!(
                (answer.status, answer.body["field"].as_str()),
                (StatusCode::BAD_REQUEST, Some(field)),
                "{}",
                answer.body
            );
        }
    }
}

#[tokio::test]
async fn refuses_an_erasure_written_as_a_list() {
    let world = World::new().await;
    for path in [ERASURES, "/operations/erasures/plans"] {
        let answer = ask(&world, path, json!([TENANT, TENANT])).await;
        assert_eq!((answer.problem(), &answer.body["field"]), ((422, "field_type"), &Value::Null));
        assert_eq!(answer.body["detail"], "The body must be an object.");
    }
}
