use super::*;
use crate::clock::Clock;
use crate::delivery::tests::delivery;
use crate::notification::NoDirectory;
use time::macros::datetime;

const RECEIVED_MILLIS: i64 = 1_795_435_200_000;

/// A notification of an account with the documented headers, made a second before it arrived.
fn usual(body: &str) -> Delivery {
    let mut delivery = delivery(body.as_bytes());
    let made = (RECEIVED_MILLIS - 1000).to_string();
    let headers = [
        ("x-vwd-event-id", "ACCOUNT_UPDATED"),
        ("x-vwd-notification-id", "00000000-0000-0000-0000-000000000001"),
        ("x-vwd-notification-timestamp", &made),
        ("x-vwd-webhook-timestamp", &made),
        ("x-vwd-tenant-id", "10000000-0000-4000-8000-000000000001"),
        ("x-vwd-signature-v1", "L1kEC2O3IAWYREI52iyaTzq8XENCWbIxJtclFNq4zQk="),
        ("content-type", "application/json"),
    ];
    delivery.meta.headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
    delivery.meta.sent_from = Some(measure::address_digest(IpAddr::V4(PUBLISHED[1])));
    delivery
}

fn with_header(name: &str, value: &str) -> Delivery {
    let mut delivery = usual(BODY);
    delivery.meta.headers.insert(name.to_owned(), value.to_owned());
    delivery
}

const BODY: &str = r#"{"event": "ACCOUNT_UPDATED", "accountCd": "1920"}"#;

/// `question [subject]: value`, with `!` before a value that differs from the assumption.
fn told(sightings: &[Sighting]) -> Vec<String> {
    let one = |Sighting { fact, agrees }: &Sighting| {
        let (mark, subject) = (if *agrees { "" } else { "! " }, &fact.subject);
        let subject = if subject.is_empty() { String::new() } else { format!(" [{subject}]") };
        format!("{mark}{}{subject}: {}", fact.question, fact.value)
    };
    sightings.iter().map(one).collect()
}

fn of_notifications(delivery: &Delivery) -> Vec<String> {
    let all = Notification::all_of(delivery, &NoDirectory);
    told(&all.iter().flat_map(|n| of_notification(n, delivery)).collect::<Vec<_>>())
}

/// The observation of an account that was changed at this time.
fn stamped(stamp: &str, delivery: &Delivery, assumed: Zone) -> Option<Sighting> {
    stamped_on(&ResourcePath::for_entity(Entity::Account, "1920").unwrap(), stamp, delivery, assumed)
}

fn stamped_on(path: &ResourcePath, stamp: &str, delivery: &Delivery, assumed: Zone) -> Option<Sighting> {
    let clock = Clock::new(assumed, delivery.meta.received_at);
    let resource = Resource::parse(&serde_json::json!({ "lastModifiedDateTime": stamp }).to_string(), &clock).unwrap();
    of_stamp(path, &resource, delivery, assumed)
}

#[test]
fn a_documented_delivery_matches_all_assumptions() {
    let delivery = usual(BODY);
    assert_eq!(
        told(&of_delivery(&delivery, &NoDirectory)),
        [
            "body_form: an object",
            "body_size: at most 1 KiB",
            "header_names: event-id, notification-id, notification-timestamp, signature-v1, tenant-id, webhook-timestamp",
            "event_names [header]: ACCOUNT_UPDATED",
            "timestamp_unit [x-vwd-notification-timestamp]: milliseconds",
            "timestamp_unit [x-vwd-webhook-timestamp]: milliseconds",
            "retries [from a notification to its delivery]: under 10 seconds",
            "signature_form [x-vwd-signature-v1]: base64, 44 characters",
            "source_addresses: 34.242.104.102",
            "subscriptions [accounts]: delivers",
        ]
    );
    assert_eq!(of_notifications(&delivery), ["body_shape [ACCOUNT_UPDATED]: object /accountCd:string /event:string"]);
}

#[test]
fn a_signature_of_an_older_secret_is_seen_under_its_subscription() {
    let mut delivery = usual(BODY);
    let rotation = |delivery: &Delivery| -> Vec<String> {
        let seen = told(&of_delivery(delivery, &NoDirectory));
        seen.into_iter().filter(|one| one.starts_with("secret_rotation")).collect()
    };
    assert!(rotation(&delivery).is_empty());
    delivery.meta.secret = Some("2026-10".to_owned());
    assert_eq!(rotation(&delivery), ["secret_rotation [accounts]: old secret 2026-10 used"]);
}

#[test]
fn an_unknown_dialect_is_seen_to_differ() {
    let mut delivery = usual(r#"{"type": "acct/upd", "data": {"no": "1920", "secret": "canary"}}"#);
    let seconds = (RECEIVED_MILLIS / 1000 - 700).to_string();
    let now = (RECEIVED_MILLIS / 1000).to_string();
    for (name, value) in [
        ("x-vwd-event-id", "AccountWasChanged"),
        ("x-vwd-notification-timestamp", &seconds),
        ("x-vwd-webhook-timestamp", &now),
        ("x-vwd-signature-v2", "sha512=00ff00"),
    ] {
        delivery.meta.headers.insert(name.to_owned(), value.to_owned());
    }
    delivery.meta.headers.remove("x-vwd-tenant-id");
    delivery.meta.sent_from = Some(7);
    let seen = told(&of_delivery(&delivery, &NoDirectory));
    for expected in [
        "! event_names [header]: AccountWasChanged",
        "! timestamp_unit [x-vwd-webhook-timestamp]: seconds",
        "retries [from a notification to its delivery]: under an hour",
        "! signature_form [x-vwd-signature-v2]: hex, 6 characters, after sha512",
        "! source_addresses: another (0007)",
    ] {
        assert!(seen.iter().any(|one| one == expected), "{expected} in {seen:#?}");
    }
    assert!(seen.iter().any(|one| one.starts_with("! header_names")), "{seen:#?}");
    let seen = of_notifications(&delivery);
    let shape =
        "! body_shape [AccountWasChanged]: object /data:object /data/no:string /data/secret:string /type:string";
    assert_eq!(seen, [shape]);
}

#[test]
fn learns_nothing_from_unsigned_or_our_own_deliveries() {
    let made: [fn(&mut Delivery); 3] = [
        |one| one.meta.channel = Channel::Legacy,
        |one| one.meta.origin = Origin::Replay,
        |one| one.meta.origin = Origin::Reconciliation,
    ];
    for change in made {
        let mut delivery = usual(BODY);
        change(&mut delivery);
        let n = Notification::all_of(&delivery, &NoDirectory).remove(0);
        let first = delivery.meta.received_at - Duration::HOUR;
        let tenant = "10000000-0000-4000-8000-000000000001";
        let seen = [
            of_delivery(&delivery, &NoDirectory),
            of_notification(&n, &delivery),
            of_repetition(&delivery, first),
            stamped("2026-11-23T12:59:58", &delivery, Zone::UTC).into_iter().collect(),
            of_tenant(&delivery, tenant, true).into_iter().collect(),
            of_order(&delivery).into_iter().collect(),
        ];
        assert!(seen.concat().is_empty(), "{seen:?}");
    }
}

#[test]
fn a_value_is_never_part_of_a_fact() {
    let body = r#"[{"event": "Kari Ås 17031999", "accountCd": "canary", "1920": {"a@b.se": "canary"}}, 5]"#;
    let mut delivery = with_header("x-vwd-event-id", "canary.å@b.se");
    delivery.body = body.as_bytes().to_vec();
    delivery.meta.headers.insert("x-vwd-kari@b.se".to_owned(), "canary".to_owned());
    let mut seen = told(&of_delivery(&delivery, &NoDirectory));
    seen.extend(of_notifications(&delivery));
    seen.extend(told(&of_feedback(Taken::Body, true, Some("Kari Ås"), 10)));
    for word in ["canary", "Kari", "1703", "1920", "b.se"] {
        assert!(!seen.iter().any(|one| one.contains(word)), "{word} in {seen:#?}");
    }
    assert!(seen.contains(&"! event_names [header]: ?".to_owned()), "{seen:#?}");
}

#[test]
fn a_fresh_change_shows_the_zone_of_its_stamp() {
    let of = |stamp, assumed| told(&stamped(stamp, &usual(BODY), assumed).into_iter().collect::<Vec<_>>());
    assert_eq!(of("2026-11-23T12:59:58", Zone::UTC), ["! time_zone [finance]: +01:00"]);
    assert_eq!(of("2026-11-23T12:59:58", Zone::named("Europe/Oslo").unwrap()), ["time_zone [finance]: +01:00"]);
    assert_eq!(of("2026-11-23T11:59:58Z", Zone::UTC), ["time_zone [finance]: the time names its zone"]);
    let order = ResourcePath::for_entity(Entity::SalesOrder, "SO/1").unwrap();
    let order = stamped_on(&order, "2026-11-23T12:59:58", &usual(BODY), Zone::UTC);
    assert_eq!(told(&order.into_iter().collect::<Vec<_>>()), ["! time_zone [sales order]: +01:00"]);
    let made = |millis: i64| with_header("x-vwd-notification-timestamp", &millis.to_string());
    let old = stamped("2026-11-23T12:59:58", &made(RECEIVED_MILLIS - 3_600_000), Zone::UTC);
    assert_eq!(old, None);
}

#[test]
fn the_headers_tenant_is_judged_by_calls_with_its_token() {
    let of = |tenant, is_answered| told(&of_tenant(&usual(BODY), tenant, is_answered).into_iter().collect::<Vec<_>>());
    let tenant = "10000000-0000-4000-8000-000000000001";
    assert_eq!(of(tenant, true), ["tenant_id: calls with its token are answered"]);
    assert_eq!(of(tenant, false), ["! tenant_id: no token, or one that is refused"]);
    assert_eq!(of("another", true), <[&str; 0]>::default());
}

#[test]
fn a_repetition_shows_the_time_since_the_first() {
    let delivery = usual(BODY);
    assert_eq!(
        told(&of_repetition(&delivery, datetime!(2026-11-23 11:59:30 UTC))),
        [
            "repetitions: the same notification came again",
            "retries [between deliveries of one notification]: under a minute"
        ]
    );
}

#[test]
fn a_refused_delivery_shows_the_time_until_its_next_try() {
    let after_refusal = |at| {
        let mut delivery = usual(BODY);
        delivery.meta.refused_at = at;
        let mut seen = told(&of_delivery(&delivery, &NoDirectory));
        seen.retain(|one| one.starts_with("retries [between a refusal"));
        seen
    };
    for (at, span) in [
        (datetime!(2026-11-23 11:55 UTC), "under 10 minutes"),
        (datetime!(2026-11-23 12:00:01 UTC), "under 10 seconds"),
    ] {
        assert_eq!(after_refusal(Some(at)), [format!("retries [between a refusal (503) and the next try]: {span}")]);
    }
    assert_eq!(after_refusal(None), <[&str; 0]>::default());
}

#[test]
fn a_feedback_shows_the_accepted_id_source_and_length() {
    assert_eq!(
        told(&of_feedback(Taken::Header, false, Some("User"), 70)),
        [
            "! feedback_id: the header's",
            "feedback_source: as it came: User",
            "description_length: at most 128 characters"
        ]
    );
    assert_eq!(told(&of_feedback(Taken::Only, true, None, 1))[1], "feedback_source: the configured name");
    assert_eq!(told(&of_feedback(Taken::Neither, true, None, 1)), ["! feedback_id: none of those that came"]);
}

#[test]
fn an_action_shows_whether_its_parameter_was_found() {
    let seen = |body| of_notifications(&usual(body));
    let found = seen(r#"{"event": "CUSTOMER_ACTION_TRIGGERED", "customerCd": "1", "parameter": "x"}"#);
    assert!(found.contains(&"action_parameter: in a known field".to_owned()), "{found:?}");
    let lost = seen(r#"{"event": "CUSTOMER_ACTION_TRIGGERED", "customerCd": "1", "webhookArgument": "x"}"#);
    assert!(lost.contains(&"! action_parameter: in no known field".to_owned()), "{lost:?}");
}

#[test]
fn a_body_that_is_not_json_shows_only_its_form() {
    let form = |body: &str| told(&of_delivery(&usual(body), &NoDirectory)).remove(0);
    assert_eq!(form(" [{}]"), "body_form: an array");
    assert_eq!(form("\u{feff}{}"), "body_form: an object");
    assert_eq!(form("<xml/>"), "! body_form: neither an object nor an array");
    assert_eq!(form(" "), "! body_form: nothing");
    assert_eq!(of_notifications(&usual("<xml/>")), <[&str; 0]>::default());
}

#[test]
fn a_fact_is_never_long() {
    let fields: serde_json::Map<_, _> = (0..64).map(|at| (format!("{}{at}", "field".repeat(8)), at.into())).collect();
    let body = serde_json::json!({ "event": "x".repeat(5000), "data": fields }).to_string();
    let delivery = usual(&body);
    let n = Notification::all_of(&delivery, &NoDirectory).remove(0);
    for Sighting { fact, .. } in of_notification(&n, &delivery) {
        assert!(fact.value.len() <= LONGEST_VALUE && fact.subject.len() <= LONGEST_SUBJECT, "{fact:?}");
    }
}
