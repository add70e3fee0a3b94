//! Who may use which route, and the example event of `infra/events`.

use crate::world::{World, processed, token};
use fixtures::TENANT;
use lambda_http::http::StatusCode;
use operations::Authorizer;
use serde_json::{Value, json};
use webhooks_model::feedback::FeedbackState;

const EVENT: &str = include_str!("../../../../infra/events/operations.json");

#[tokio::test]
async fn every_route_refuses_a_caller_without_an_authoriser() {
    let world = World::new().await;
    let iam = json!({"iam": {"userArn": "arn:aws:iam::1:user/x"}});
    for (path, operations) in paths() {
        for method in operations {
            for authorizer in [Value::Null, json!({"lambda": {"scope": "visma-webhooks/read"}}), iam.clone()] {
                let answer = world.ask(&method.to_uppercase(), &path, authorizer, Some(json!({}))).await;
                assert_eq!(answer.problem(), (401, "unauthenticated"), "{method} {path}");
            }
        }
    }
}

#[tokio::test]
async fn a_role_allows_only_its_own_routes() {
    let world = World::new().await;
    for (path, operations) in paths() {
        for method in operations {
            let needed = match (path.starts_with("/operations/raw/"), method.as_str()) {
                (true, _) => "raw",
                (false, "get") => "read",
                _ if path.starts_with("/operations/erasures") => "erase",
                _ => "repair",
            };
            for role in ["read", "raw", "repair", "erase"] {
                // A role counts only with its prefix and its whole name.
                let roles = format!("visma-webhooks/{role} {needed} other/{needed} visma-webhooks/{needed}s");
                let answer = world.ask(&method.to_uppercase(), &path, token(&roles), Some(json!({}))).await;
                let refused = answer.problem() == (403, "forbidden");
                assert_eq!(refused, role != needed, "{role} on {method} {path}: {}", answer.body);
                assert_ne!(answer.status, StatusCode::UNAUTHORIZED);
            }
        }
    }
}

/// Status and body of a request that requires the role `read`.
async fn status(world: &World, claims: Value) -> (u16, String) {
    let authorizer = json!({"jwt": {"claims": claims, "scopes": null}});
    let answer = world.ask("GET", "/operations/v1/counts", authorizer, None).await;
    (answer.status.as_u16(), answer.text)
}

#[tokio::test]
async fn reads_roles_in_every_form_of_api_gateway_and_emulators() {
    let world = World::new().await;
    for claims in [
        json!({"sub": "op-1", "iat": "1787992402", "scope": "openid visma-webhooks/read"}),
        json!({"sub": "op-1", "scope": "[visma-webhooks/raw visma-webhooks/read]"}),
        json!({"sub": "op-1", "scope": ["openid", "visma-webhooks/read"]}),
        json!({"sub": "op-1", "roles": "visma-webhooks/read"}),
        json!({"sub": "op-1", "roles": "[visma-webhooks/read visma-webhooks/repair]", "scope": "openid"}),
        json!({"sub": "op-1", "roles": ["viewer team", "visma-webhooks/read"], "iat": 1_787_992_402, "admin": null}),
    ] {
        assert_eq!(status(&world, claims.clone()).await.0, 200, "{claims}");
    }
}

#[tokio::test]
async fn a_role_with_a_blank_is_never_mistaken_for_another_role() {
    let world = World::new().await;
    for roles in [
        json!("[viewer visma-webhooks/read team]"),
        json!("visma-webhooks/read team"),
        json!(["visma-webhooks/read team"]),
        json!("[viewer,visma-webhooks/read]"),
        json!("[]"),
        json!([]),
        json!(null),
        json!({"visma-webhooks/read": true}),
        json!(7),
    ] {
        let (status, text) = status(&world, json!({"sub": "op-1", "roles": roles})).await;
        assert_eq!(status, 403, "{roles}: {text}");
        let is_explained = text.contains("The claim roles lists it with other names");
        assert_eq!(is_explained, roles == "[viewer visma-webhooks/read team]", "{text}");
    }
}

#[tokio::test]
async fn no_form_of_claims_makes_the_function_fail() {
    let world = World::new().await;
    for authorizer in [
        json!({"jwt": {"claims": null, "scopes": ["a"]}}),
        json!({"jwt": {"claims": [], "scopes": "a"}}),
        json!({"jwt": {"claims": {"sub": ["op-1"]}}}),
        json!({"jwt": {}}),
        json!({"jwt": null}),
        json!({"jwt": "a.b.c"}),
        json!({"jwt": [1]}),
    ] {
        let answer = world.ask("GET", "/operations/v1/counts", authorizer.clone(), None).await;
        let expected = if authorizer.pointer("/jwt/claims/sub").is_some() { 403 } else { 401 };
        assert_eq!(answer.status.as_u16(), expected, "{authorizer}: {}", answer.text);
    }
}

#[tokio::test]
async fn with_iam_policies_decide_and_the_arn_names_the_caller() {
    let world = World::with(Authorizer::Iam).await;
    world.order(1, time::Duration::ZERO, processed(FeedbackState::Sent)).await;
    let iam = json!({"iam": {"userArn": "arn:aws:iam::1:user/x"}});
    let answer = world.ask("GET", "/operations/v1/counts", iam, None).await;
    assert_eq!(answer.status, StatusCode::OK);
    let answer = world.ask("GET", "/operations/v1/counts", token("visma-webhooks/read"), None).await;
    assert_eq!(answer.problem(), (401, "unauthenticated"), "not the authoriser that is deployed");
}

/// A policy for `/operations/raw/*` covers these paths, but not the path that they lead to.
#[tokio::test]
async fn a_path_with_steps_leads_to_no_other_route() {
    let world = World::with(Authorizer::Iam).await;
    let iam = json!({"iam": {"userArn": "arn:aws:iam::1:user/x"}});
    for path in [
        "/operations/raw/../v1/counts",
        "/operations/raw/%2e%2E/v1/counts",
        "/operations/raw/.%2e/./v1/counts",
        "/operations/raw/.\t./v1/counts",
        r"/operations/raw/x\..\..\v1\counts",
    ] {
        let answer = world.ask("GET", path, iam.clone(), None).await;
        assert_eq!(answer.problem(), (404, "not_found"), "{path}: {}", answer.text);
    }
    assert_eq!(world.ask("GET", "/operations/v1/counts", iam, None).await.status, StatusCode::OK);
}

#[tokio::test]
async fn only_an_eraser_resumes_an_erasure_and_nobody_a_cancelled_one() {
    let world = World::new().await;
    let pause = json!({"tenant": TENANT, "events": "*", "new_tenant": true});
    let paused = async |method: &'static str| {
        assert_eq!(world.repair(method, "/operations/v1/pauses", pause.clone()).await.status, StatusCode::NO_CONTENT);
        world.host.advance(time::Duration::SECOND);
    };
    paused("PUT").await;
    let eraser = token("visma-webhooks/repair visma-webhooks/erase");
    let erasure = json!({"tenant": TENANT, "confirm": TENANT});
    let begun = world.ask("POST", "/operations/erasures", eraser.clone(), Some(erasure)).await;
    let job = format!("/operations/v1/jobs/{}", begun.body["id"].as_str().unwrap());
    let resume = async |by: Value| world.ask("POST", &format!("{job}/resume"), by, Some(json!({}))).await;
    let repairer = token("visma-webhooks/repair visma-webhooks/read");
    assert_eq!(resume(repairer).await.problem(), (403, "forbidden"));
    assert_eq!(resume(eraser.clone()).await.status, StatusCode::ACCEPTED, "its message may be lost");
    paused("DELETE").await;
    assert_eq!(resume(eraser.clone()).await.problem(), (409, "not_paused"));
    paused("PUT").await;
    for _ in 0..2 {
        let cancelled = world.repair("POST", &format!("{job}/cancel"), json!({})).await;
        assert_eq!(cancelled.status, StatusCode::OK, "also once more: {}", cancelled.text);
    }
    let sent = world.repairs.sent().len();
    let refused = resume(eraser).await;
    assert_eq!(refused.problem(), (409, "has_ended"));
    assert!(refused.body["detail"].as_str().unwrap().contains("Begin a new one"), "{}", refused.text);
    assert_eq!((&world.get(&job).await.body["status"], world.repairs.sent().len()), (&json!("cancelled"), sent));
}

#[tokio::test]
async fn answers_forbid_caching_and_guessing_of_the_type() {
    let world = World::new().await;
    for (answer, kind) in [
        (world.get("/operations/v1/counts").await, "application/json"),
        (world.get("/nowhere").await, "application/problem+json"),
    ] {
        assert_eq!(answer.headers["cache-control"], "no-store");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert_eq!(answer.headers["content-type"], kind);
    }
}

#[tokio::test]
async fn the_example_event_lists_the_notifications_of_a_tenant() {
    let answer = World::new().await.event(EVENT.as_bytes()).await;
    assert_eq!((answer.status.as_u16(), &answer.body["items"]), (200, &json!([])), "{}", answer.text);
}

#[tokio::test]
async fn the_example_event_without_its_role_is_refused() {
    let answer = World::new().await.event(EVENT.replace("visma-webhooks/read", "openid").as_bytes()).await;
    assert_eq!(answer.problem(), (403, "forbidden"));
}

/// API Gateway hands over a header with any bytes, and everybody may load the console.
#[tokio::test]
async fn an_event_that_cannot_be_read_is_answered_and_ends_no_invocation() {
    let world = World::new().await;
    let with = |agent: &[u8]| {
        let (before, after) = (br#"{"headers":{"user-agent":""#, br#""},"rawPath":"/operations/console","#);
        let rest = br#""requestContext":{"http":{"method":"GET"}},"isBase64Encoded":false}"#;
        [&before[..], agent, after, rest].concat()
    };
    assert_eq!(world.event(&with(b"Benoit")).await.status, StatusCode::OK);
    for agent in [&b"Beno\xeet"[..], br"Beno\xEEt", br"Beno\u0001t", b"\"}"] {
        let answer = world.event(&with(agent)).await;
        assert_eq!(answer.problem(), (404, "not_found"), "{}", agent.escape_ascii());
    }
}

/// Every path of the document, with its methods.
fn paths() -> Vec<(String, Vec<String>)> {
    let document = serde_json::to_value(operations::document()).unwrap();
    let paths = document["paths"].as_object().unwrap().iter();
    paths.map(|(path, methods)| (path.clone(), methods.as_object().unwrap().keys().cloned().collect())).collect()
}
