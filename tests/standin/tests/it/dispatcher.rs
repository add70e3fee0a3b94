use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use serde_json::json;
use uuid::Uuid;

use crate::support::{Receiver, SECRET, Stage};
use standin::{
    Change, Channel, Collection, Dialect, Emit, Error, Item, Resent, Retry, Sending, Status, Subscription, sign,
};

fn quick() -> Retry {
    Retry { base_ms: 1, ..Retry::default() }
}

fn sending(change: impl FnOnce(&mut Sending)) -> Sending {
    let mut sending = Sending { retry: quick(), ..Sending::default() };
    change(&mut sending);
    sending
}

fn one(sending: Sending) -> Emit {
    Emit { items: vec![Item::new("ACCOUNT_CHANGED", "1920")], sending }
}

fn refused(error: Error) -> u16 {
    match error {
        Error::Refused { status, .. } => status,
        Error::Unreachable(error) => panic!("{error}"),
    }
}

fn paths_of(receiver: &Receiver) -> Vec<String> {
    receiver.received().into_iter().map(|one| one.path).collect()
}

#[tokio::test]
async fn a_delivery_is_signed_and_described_by_its_headers() {
    let (stage, receiver) = Stage::with_receiver(&[]).await;
    let emitted = stage.tenant.emit(&one(sending(|_| {}))).await.unwrap();
    assert!(emitted.all_delivered());

    let received = &receiver.received()[0];
    let id = emitted.notification_ids[0].to_string();
    let tenant = stage.tenant.id().to_string();
    assert_eq!(received.path, "/hooks/visma/erp");
    assert_eq!(received.header("content-type"), Some("application/json"));
    assert_eq!(received.header("x-vwd-signature-v1").unwrap(), sign(SECRET, &received.body));
    assert_eq!(STANDARD.decode(received.header("x-vwd-signature-v1").unwrap()).unwrap().len(), 32);
    for (name, value) in [
        ("x-vwd-event-id", "ACCOUNT_CHANGED"),
        ("x-vwd-notification-id", &id),
        ("x-vwd-subscription-id", "sub-1"),
        ("x-vwd-tenant-id", &tenant),
        ("x-vwd-application-version", "1.0"),
    ] {
        assert_eq!(received.header(name), Some(value), "{name}");
    }
    for name in ["x-vwd-notification-timestamp", "x-vwd-webhook-timestamp"] {
        assert_eq!(received.header(name).unwrap().len(), 13, "{name}: epoch milliseconds");
    }
    let item = received.json();
    assert_eq!(item["notificationId"], id);
    assert_eq!(item["contextId"], stage.tenant.company_id());
    assert_eq!(item["relativeResourceUri"], "api/v1/account/1920");
    assert_eq!(item["resourceUri"], "https://integration.visma.net/API/controller/api/v1/account/1920");
    assert!(item["timeStamp"].as_i64().unwrap() > 637_969_430_208_130_000);
    assert!(item.get("status").is_none());
}

#[tokio::test]
async fn a_foreign_dialect_is_signed_and_has_other_names_ids_times_and_units() {
    let (stage, receiver) = Stage::with_receiver(&[]).await;
    stage.tenant.set_dialect(&Dialect::foreign()).await.unwrap();
    let emitted = stage.tenant.emit(&one(sending(|_| {}))).await.unwrap();
    assert!(emitted.all_delivered());

    let received = &receiver.received()[0];
    assert_eq!(received.header("x-vwd-signature-v1").unwrap(), sign(SECRET, &received.body));
    assert_eq!(received.header("x-vwd-event-id"), Some("erp.account.changed"));
    for name in ["x-vwd-notification-timestamp", "x-vwd-webhook-timestamp"] {
        assert_eq!(received.header(name).unwrap().len(), 10, "{name}: epoch seconds");
    }
    let item = received.json();
    assert_eq!((&item["what"], &item["record"]["no"]), (&json!("erp.account.changed"), &json!("1920")));
    assert_eq!((&item["event"], &item["relativeResourceUri"]), (&json!(null), &json!(null)));
    let (in_header, in_body) = (received.header("x-vwd-notification-id").unwrap(), item["messageId"].as_str().unwrap());
    assert_eq!(in_header, emitted.notification_ids[0].to_string());
    assert_ne!(in_header, in_body, "the feedback knows the header's only");
    stage.tenant.reset().await.unwrap();
    stage.tenant.emit(&one(sending(|_| {}))).await.unwrap();
    assert_eq!(receiver.received()[1].json()["event"], "ACCOUNT_CHANGED");
}

#[tokio::test]
async fn retries_until_the_receiver_takes_it() {
    let (stage, receiver) = Stage::with_receiver(&[500, 401, 302, 503]).await;
    // The receiver's Retry-After of 0 must override this, or the test takes minutes.
    let retry = Retry { base_ms: 30_000, ..Retry::default() };
    let emitted = stage.tenant.emit(&one(sending(|one| one.retry = retry))).await.unwrap();
    let statuses: Vec<_> = emitted.deliveries[0].attempts.iter().map(|attempt| attempt.status.unwrap()).collect();
    assert_eq!(statuses, [500, 401, 302, 503, 202]);
    assert_eq!(emitted.deliveries[0].attempts[4].answer.as_deref(), Some(r#"{"accepted":1}"#));
    let bodies: Vec<_> = receiver.received().into_iter().map(|one| one.body).collect();
    assert!(bodies.iter().all(|body| *body == bodies[0]));
    let row = &stage.tenant.notifications().await.unwrap()[0];
    assert_eq!((row.status, row.success, row.deliveries.len()), (Status::Sent, true, 5));
}

#[tokio::test]
async fn a_4xx_may_end_a_delivery() {
    for (status, tries) in [(401, 1), (429, 1), (302, 2), (503, 2)] {
        let (stage, receiver) = Stage::with_receiver(&[status]).await;
        stage.tenant.set_dialect(&Dialect { gives_up_at_4xx: true, ..Dialect::default() }).await.unwrap();
        let emitted = stage.tenant.emit(&one(sending(|_| {}))).await.unwrap();
        assert_eq!((receiver.received().len(), emitted.all_delivered()), (tries, tries == 2), "{status}");
    }
}

#[tokio::test]
async fn deliveries_that_were_given_up_may_disable_their_subscription() {
    let (stage, receiver) = Stage::with_receiver(&[500, 202, 500, 500]).await;
    stage.tenant.set_dialect(&Dialect { disables_after: Some(2), ..Dialect::default() }).await.unwrap();
    let once = |count| {
        let items = vec![Item::new("ACCOUNT_CHANGED", "1920"); count];
        Emit { items, sending: sending(|one| one.retry = Retry::once()) }
    };
    stage.tenant.emit(&once(2)).await.unwrap();
    let emitted = stage.tenant.emit(&once(3)).await.unwrap();
    let attempts: Vec<_> = emitted.deliveries.iter().map(|delivery| delivery.attempts.len()).collect();
    assert_eq!(attempts, [1, 1, 0], "the second in a row disabled it");
    assert_eq!(refused(stage.tenant.emit(&once(1)).await.unwrap_err()), 409);
    assert_eq!(receiver.received().len(), 4);

    let (id, secret, route) = ("sub-1".to_owned(), SECRET.to_owned(), "erp".to_owned());
    stage.tenant.set_subscriptions(&[Subscription { id, secret, route, event: None }]).await.unwrap();
    assert!(stage.tenant.emit(&once(1)).await.unwrap().all_delivered());
}

#[tokio::test]
async fn a_resend_has_the_ids_of_its_dialect() {
    for (resent, new_header, new_body) in [
        (Resent::Same, false, false),
        (Resent::NewHeaderId, true, false),
        (Resent::NewBodyId, false, true),
        (Resent::NewId, true, true),
    ] {
        let (stage, receiver) = Stage::with_receiver(&[]).await;
        stage.tenant.set_dialect(&Dialect { resent, ..Dialect::default() }).await.unwrap();
        let id = stage.tenant.emit(&one(sending(|_| {}))).await.unwrap().notification_ids[0];
        let again = stage.tenant.resend(id, &Sending::default()).await.unwrap();
        assert_eq!(again.notification_ids, [id]);

        let received = receiver.received();
        let [first, second] = [&received[0], &received[1]];
        let header = |one: &crate::support::Received| one.header("x-vwd-notification-id").unwrap().to_owned();
        assert_eq!(header(first) != header(second), new_header, "{resent:?}");
        assert_eq!(first.body != second.body, new_body, "{resent:?}");
        assert_eq!(second.header("x-vwd-signature-v1").unwrap(), sign(SECRET, &second.body));
        let in_body = second.json()["notificationId"].as_str().unwrap().to_owned();
        assert_eq!(header(second) == in_body, new_header == new_body, "{resent:?}");

        let token = stage.token().await;
        for id in [header(second), in_body] {
            let feedback = json!({"notificationId": id, "source": "User", "description": "Booked.", "isSuccess": true});
            let url = format!("{}/erp/v1/webhooknotificationfeedback", stage.server.url());
            let taken = stage.http.post(url).bearer_auth(&token).json(&feedback).send().await.unwrap();
            assert_eq!(taken.status(), 201, "{resent:?}");
        }
        let rows = stage.tenant.notifications().await.unwrap();
        assert_eq!((rows.len(), rows[0].deliveries.len(), rows[0].feedback.len()), (1, 2, 2), "{resent:?}");
    }
}

#[tokio::test]
async fn ticks_may_be_by_a_local_clock() {
    let (stage, receiver) = Stage::with_receiver(&[]).await;
    let ticks_zone = |zone: &str| Dialect { ticks_zone: Some(zone.to_owned()), ..Dialect::default() };
    assert_eq!(refused(stage.tenant.set_dialect(&ticks_zone("Oslo")).await.unwrap_err()), 400);
    stage.tenant.set_dialect(&ticks_zone("Europe/Oslo")).await.unwrap();
    let mut emit = one(sending(|_| {}));
    emit.items[0].time_stamp = Some(637_969_430_208_130_000);
    stage.tenant.emit(&emit).await.unwrap();
    assert_eq!(receiver.received()[0].json()["timeStamp"], json!(637_969_430_208_130_000_i64 + 72_000_000_000));
}

#[tokio::test]
async fn gives_up_after_its_attempts() {
    let (stage, receiver) = Stage::with_receiver(&[500; 9]).await;
    let retry = Retry { attempts: 3, ..quick() };
    let emitted = stage.tenant.emit(&one(sending(|one| one.retry = retry))).await.unwrap();
    assert!(!emitted.all_delivered());
    assert_eq!((receiver.received().len(), emitted.deliveries[0].status()), (3, Some(500)));
    let row = &stage.tenant.notifications().await.unwrap()[0];
    assert_eq!((row.status, row.success), (Status::Failed, false));

    drop(receiver);
    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    stage.control.set_api_url(&format!("http://{closed}")).await.unwrap();
    let emitted = stage.tenant.emit(&one(sending(|one| one.retry = Retry::once()))).await.unwrap();
    let attempt = &emitted.deliveries[0].attempts[0];
    assert!(attempt.status.is_none() && attempt.error.is_some());
}

#[tokio::test]
async fn copies_share_everything_and_resends_share_the_content() {
    let (stage, receiver) = Stage::with_receiver(&[]).await;
    let emitted = stage.tenant.emit(&one(sending(|one| one.copies = 3))).await.unwrap();
    assert_eq!((emitted.notification_ids.len(), emitted.deliveries.len()), (1, 3));
    let again = stage.tenant.resend(emitted.notification_ids[0], &Sending::default()).await.unwrap();
    assert_eq!(again.notification_ids, emitted.notification_ids);

    let received = receiver.received();
    assert_eq!(received.len(), 4);
    for other in &received[1..] {
        assert_eq!(other.body, received[0].body);
        assert_eq!(other.header("x-vwd-notification-id"), received[0].header("x-vwd-notification-id"));
    }
    assert_eq!(stage.tenant.notifications().await.unwrap().len(), 1);
    assert_eq!(refused(stage.tenant.resend(Uuid::new_v4(), &Sending::default()).await.unwrap_err()), 404);
}

#[tokio::test]
async fn only_what_was_sent_can_be_resent() {
    let (stage, _receiver) = Stage::with_receiver(&[500]).await;
    let failed = stage.tenant.emit(&one(sending(|one| one.retry = Retry::once()))).await.unwrap();
    let error = stage.tenant.resend(failed.notification_ids[0], &Sending::default()).await.unwrap_err();
    assert_eq!(refused(error), 409);
}

#[tokio::test]
async fn items_can_be_batched_or_sent_out_of_order() {
    let (stage, receiver) = Stage::with_receiver(&[]).await;
    let items: Vec<_> = ["1", "2", "3"].map(|key| Item::new("CUSTOMER_CHANGED", key)).into();
    let batched = Emit { items: items.clone(), sending: sending(|one| one.batch = true) };
    let emitted = stage.tenant.emit(&batched).await.unwrap();
    let body = receiver.received()[0].json();
    let ids: Vec<_> = body.as_array().unwrap().iter().map(|item| item["notificationId"].clone()).collect();
    assert_eq!(json!(ids), json!(emitted.notification_ids));

    let reversed = Emit { items, sending: sending(|one| one.order = vec![2, 1, 0]) };
    stage.tenant.emit(&reversed).await.unwrap();
    let stamps: Vec<_> = receiver.received()[1..].iter().map(|one| one.json()["timeStamp"].as_i64().unwrap()).collect();
    assert!(stamps[0] > stamps[1] && stamps[1] > stamps[2], "{stamps:?}");
}

#[tokio::test]
async fn every_part_of_a_delivery_can_be_broken() {
    let (stage, receiver) = Stage::with_receiver(&[]).await;
    let spoiled = sending(|one| {
        one.headers = BTreeMap::from([
            ("X-VWD-Tenant-Id".to_owned(), Some("somebody-else".to_owned())),
            ("x-vwd-event-id".to_owned(), None),
            ("x-vwd-webhook-timestamp".to_owned(), None),
        ]);
        one.secret = Some("wrong".to_owned());
        one.body = Some("not JSON".to_owned());
    });
    stage.tenant.emit(&one(spoiled)).await.unwrap();
    stage.tenant.emit(&one(sending(|one| one.omit_notification_id = true))).await.unwrap();

    let received = receiver.received();
    assert_eq!(received[0].header("x-vwd-tenant-id"), Some("somebody-else"));
    assert_eq!(received[0].header("x-vwd-event-id"), None);
    assert_eq!(received[0].header("x-vwd-webhook-timestamp"), None);
    assert_eq!(&received[0].body[..], b"not JSON");
    assert_eq!(received[0].header("x-vwd-signature-v1").unwrap(), sign("wrong", b"not JSON"));
    assert!(received[1].json().get("notificationId").is_none());
    assert!(received[1].header("x-vwd-notification-id").is_some());
}

#[tokio::test]
async fn legacy_messages_are_unsigned_arrays_behind_the_path_token() {
    let (stage, receiver) = Stage::with_receiver(&[]).await;
    let change = Change::new("salesorder_changed", "SO/000123");
    assert_eq!(refused(stage.tenant.change_and_emit(&change).await.unwrap_err()), 409);
    stage.tenant.set_legacy_token(Some("unguessable")).await.unwrap();
    stage.tenant.change_and_emit(&change).await.unwrap();
    let current = one(sending(|one| one.channel = Some(Channel::Legacy)));
    stage.tenant.emit(&current).await.unwrap();

    assert_eq!(paths_of(&receiver), ["/hooks/visma/legacy/unguessable"; 2]);
    let received = &receiver.received()[0];
    assert!(received.headers.keys().all(|name| !name.as_str().starts_with("x-vwd-")));
    let item = &received.json()[0];
    assert_eq!((&item["event"], &item["status"]), (&json!("salesorder_changed"), &json!("Open")));
    assert_eq!(item["relativeResourceUri"], "api/v1/salesorder/SO/000123");
}

#[tokio::test]
async fn a_subscription_for_the_event_comes_before_one_for_all() {
    let (stage, receiver) = Stage::with_receiver(&[]).await;
    let subscription = |id: &str, event: Option<&str>| Subscription {
        id: id.to_owned(),
        secret: id.to_owned(),
        route: id.to_owned(),
        event: event.map(str::to_owned),
    };
    let orders = subscription("orders", Some("SALESORDER_CREATED"));
    stage.tenant.set_subscriptions(std::slice::from_ref(&orders)).await.unwrap();
    assert_eq!(refused(stage.tenant.emit(&one(sending(|_| {}))).await.unwrap_err()), 409);

    stage.tenant.set_subscriptions(&[subscription("all", None), orders]).await.unwrap();
    stage.tenant.emit(&one(sending(|_| {}))).await.unwrap();
    stage.tenant.emit_one(Item::new("SALESORDER_CREATED", "SO/1")).await.unwrap();
    let by_name = one(sending(|one| one.subscription = Some("orders".to_owned())));
    stage.tenant.emit(&by_name).await.unwrap();
    let expected = ["all", "orders", "orders"].map(|route| format!("/hooks/visma/{route}"));
    assert_eq!(paths_of(&receiver), expected);
}

#[tokio::test]
async fn simultaneous_changes_are_notified_in_order() {
    let (stage, receiver) = Stage::with_receiver(&[]).await;
    let changes = (0..40).map(|_| {
        let tenant = stage.tenant.clone();
        tokio::spawn(async move { tenant.change_and_emit(&Change::new("ACCOUNT_UPDATED", "1920")).await.unwrap() })
    });
    let mut versions = Vec::new();
    for change in changes.collect::<Vec<_>>() {
        let changed = change.await.unwrap();
        let id = changed.emitted.notification_ids[0].to_string();
        let version = STANDARD.decode(changed.resource.unwrap()["timeStamp"].as_str().unwrap()).unwrap();
        let received = receiver.received();
        let delivery = received.iter().find(|one| one.header("x-vwd-notification-id") == Some(&id)).unwrap();
        versions.push((version, delivery.json()["timeStamp"].as_i64().unwrap()));
    }
    versions.sort_unstable();
    assert!(versions.windows(2).all(|pair| pair[0].0 < pair[1].0 && pair[0].1 < pair[1].1));
    assert_eq!(stage.tenant.list(Collection::Account).await.unwrap().len(), 1);
}
