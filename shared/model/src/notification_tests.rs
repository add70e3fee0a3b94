use super::*;
use crate::delivery::tests::delivery;
use crate::directory::tests::{OneCompany, TENANT};
use proptest::prelude::*;
use serde_json::json;

const OTHER: &str = "5a0e6f0e-32b4-4b5a-9e0e-8d8bb1a4a002";
const ID: &str = "3fa85f64-5717-4562-b3fc-2c963f66afa6";

fn read(body: &str, headers: &[(&str, &str)]) -> Notification {
    let mut delivery = delivery(body.as_bytes());
    delivery.meta.headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let items = delivery.items().unwrap();
    Notification::read(&delivery, items[0], &OneCompany)
}

#[test]
fn the_captured_legacy_item_is_understood_field_by_field() {
    let n = read(
        r#"[{"notificationId":"3fa85f64-5717-4562-b3fc-2c963f66afa6","contextId":"1234567","event":"salesorder_changed",
            "relativeResourceUri":"api/v1/salesorder/SO/000123",
            "resourceUri":"https://integration.visma.net/API/controller/api/v1/salesorder/SO/000123",
            "status":"Completed","timeStamp":637969430208130000}]"#,
        &[],
    );
    assert_eq!((n.entity, n.kind, n.event_name()), (Entity::SalesOrder, Kind::Changed, "SALES_ORDER_CHANGED"));
    assert_eq!(n.entity_key.as_deref(), Some("SO/000123"));
    assert_eq!(n.path.as_ref().unwrap().to_string(), "v1/salesorder/SO/000123");
    assert_eq!(n.status.as_deref(), Some("Completed"));
    assert_eq!((n.tenant.as_deref(), n.company.as_deref()), (Some(TENANT), Some("1234567")));
    assert_eq!(n.occurred_at.unwrap().get(), 637_969_430_208_130_000);
    assert_eq!(n.id_in_body.unwrap().to_string(), ID);
}

#[test]
fn every_event_of_the_catalogue_is_recognised_in_the_body_the_subscription_and_the_header() {
    for event in catalogue::CATALOGUE {
        let body = r#"{"type":"SO","number":"7","segmentId":"SO/7"}"#;
        let in_body = read(&format!(r#"{{"event":"{}",{}"#, event.id, &body[1..]), &[]);
        let in_header = read(body, &[("x-vwd-event-id", event.id)]);
        let mut subscribed = delivery(body.as_bytes());
        subscribed.meta.event = Some(event.id.to_owned());
        let in_subscription = Notification::read(&subscribed, body, &OneCompany);
        let key = if matches!(event.entity, Entity::SalesOrder | Entity::Segment) { "SO/7" } else { "7" };
        for (n, is_proven) in [(in_body, true), (in_header, false), (in_subscription, true)] {
            assert_eq!((n.entity, n.kind, n.event_is_proven), (event.entity, event.kind, is_proven), "{}", event.id);
            assert_eq!(n.entity_key.as_deref(), Some(key), "{}", event.id);
        }
    }
}

#[test]
fn the_signed_body_outranks_the_unsigned_headers() {
    let body = format!(r#"{{"notificationId":"{ID}","contextId":"1234567","event":"CUSTOMER_CHANGED"}}"#);
    let forged = [
        ("x-vwd-event-id", "ACCOUNT_DELETED"),
        ("x-vwd-tenant-id", OTHER),
        ("x-vwd-notification-id", "00000000-0000-0000-0000-000000000009"),
    ];
    let (plain, forged) = (read(&body, &[]), read(&body, &forged));
    assert_eq!(forged.ledger_key(), plain.ledger_key());
    assert_eq!((forged.entity, forged.tenant.as_deref()), (Entity::Customer, Some(TENANT)));
}

#[test]
fn headers_fill_in_what_the_body_leaves_out() {
    let n = read(
        r#"{"accountCd":"1920"}"#,
        &[("x-vwd-event-id", "Account Changed"), ("x-vwd-tenant-id", OTHER), ("x-vwd-notification-id", ID)],
    );
    assert_eq!((n.entity, n.tenant.as_deref()), (Entity::Account, Some(OTHER)));
    assert!(n.key.as_str().ends_with(ID));
    assert_eq!(n.path.unwrap().to_string(), "v1/account/1920");
}

#[test]
fn marks_what_only_a_header_says() {
    let signed = r#"{"contextId":"1234567","event":"ACCOUNT_DELETED","accountCd":"1"}"#;
    assert_eq!(read(signed, &[]).proof, Proof::Signed);
    let event_in_header = r#"{"contextId":"1234567","accountCd":"1"}"#;
    assert_eq!(read(event_in_header, &[("x-vwd-event-id", "ACCOUNT_DELETED")]).proof, Proof::Headers);
    let tenant_in_header = r#"{"event":"ACCOUNT_DELETED","accountCd":"1"}"#;
    assert_eq!(read(tenant_in_header, &[("x-vwd-tenant-id", TENANT)]).proof, Proof::Headers);

    let only = |header: &str| {
        let mut delivery = delivery(b"");
        delivery.meta.tenant = Some(TENANT.to_owned());
        delivery.meta.headers.insert("x-vwd-tenant-id".into(), header.into());
        let n = Notification::read(&delivery, tenant_in_header, &OneCompany);
        assert_eq!(n.tenant.as_deref(), Some(TENANT));
        n.proof
    };
    assert_eq!([TENANT, &TENANT.to_uppercase(), "no name"].map(only), [Proof::Signed; 3]);
    assert_eq!(only(OTHER), Proof::Headers, "another tenant");

    let mut legacy = delivery(signed.as_bytes());
    legacy.meta.channel = Channel::Legacy;
    assert_eq!(Notification::read(&legacy, signed, &OneCompany).proof, Proof::Nothing);
}

#[test]
fn an_unknown_event_is_unmapped_and_keeps_its_text() {
    let n = read(r#"{"event":"PAYROLL_RUN","x":1}"#, &[]);
    assert_eq!((n.entity, n.kind, n.event_name()), (Entity::Unmapped, Kind::Unknown, "PAYROLL_RUN"));
    assert_eq!(n.raw, r#"{"event":"PAYROLL_RUN","x":1}"#);
    assert!(n.ledger_key().entity.key.starts_with('~'));
}

#[test]
fn a_body_that_names_only_a_verb_leaves_the_event_to_the_subscription() {
    let order = r#"{"tableIdentifier":"Order","customerNo":0,"companyNo":7654321,"primaryKeys":[{"OrderNo":9223372036854775807}],"event":"INSERT","timestamp":"2024-05-07T08:17:38.3221987Z"}"#;
    for (body, key) in
        [(order, None), (r#"{"event":"Updated","entityId":9223372036854775807}"#, Some("9223372036854775807"))]
    {
        let mut delivery = delivery(body.as_bytes());
        delivery.meta.event = Some("ACCOUNT_CHANGED".to_owned());
        let n = Notification::read(&delivery, body, &OneCompany);
        assert_eq!((n.event_name(), n.event_is_proven), ("ACCOUNT_CHANGED", true), "{body}");
        assert_eq!((n.entity_key.as_deref(), n.unusable.is_some()), (key, key.is_none()), "{body}");
    }
}

#[test]
fn the_settings_can_add_names_of_events() {
    assert_eq!(read(r#"{"event":"konto_endret"}"#, &[]).entity, Entity::Account);
}

#[test]
fn empty_settings_know_no_company_and_no_alias() {
    let body = r#"{"event":"konto_endret","contextId":"1234567"}"#;
    let n = Notification::read(&delivery(body.as_bytes()), body, &NoDirectory);
    assert_eq!((n.entity, n.tenant, n.company.as_deref()), (Entity::Unmapped, None, Some("1234567")));
}

#[test]
fn a_path_of_another_entity_or_another_host_is_not_followed() {
    for path in ["api/v1/customer/5", "https://evil.example/v1/account/1", "v1/account/../background/1"] {
        let n = read(&format!(r#"{{"event":"ACCOUNT_CHANGED","relativeResourceUri":"{path}"}}"#), &[]);
        assert_eq!((n.path, n.entity_key, n.unusable), (None, None, Some(Reason::InvalidPath)), "{path}");
    }
}

#[test]
fn a_version_three_sales_order_is_keyed_by_type_and_number() {
    let n = read(r#"{"event":"SALESORDER_UPDATED","orderType":"SO","orderId":"42"}"#, &[]);
    assert_eq!(n.entity_key.as_deref(), Some("SO/42"));
    assert_eq!(n.path.unwrap().to_string(), "api/v3/SalesOrders/SO/42");
}

#[test]
fn an_action_carries_its_parameter() {
    let n = read(r#"{"event":"SHIPMENT_ACTION_TRIGGERED","number":"8","webhookParameter":"print label"}"#, &[]);
    assert_eq!((n.kind, n.parameter.as_deref()), (Kind::Action, Some("print label")));
}

#[test]
fn a_round_trip_timestamp_keeps_seven_digits() {
    let n = read(r#"{"event":"ACCOUNT_CHANGED","timestamp":"2024-05-27T18:12:55.7720784Z"}"#, &[]);
    assert_eq!(n.occurred_at.unwrap().get() % 10_000_000, 7_720_784);
}

#[test]
fn reads_a_time_without_a_zone_by_the_clock_of_its_api() {
    let at = |body: &str| read(body, &[]).occurred_at.unwrap().to_datetime();
    let expected = time::macros::datetime!(2026-07-01 12:00 UTC);
    assert_eq!(at(r#"{"event":"ACCOUNT_CHANGED","accountCd":"1920","timestamp":"2026-07-01T14:00:00"}"#), expected);
    assert_eq!(at(r#"{"event":"SALESORDER_UPDATED","orderId":"SO/1","timestamp":"2026-07-01T12:00:00"}"#), expected);
    assert_eq!(at(r#"{"event":"ACCOUNT_CHANGED","accountCd":"1920","timestamp":"2026-07-01T12:00:00Z"}"#), expected);
}

#[test]
fn a_changed_identity_has_the_previous_key() {
    let n = read(r#"{"event":"ACCOUNT_IDENTITY_CHANGED","accountCd":"1921","previousAccountCd":"1920"}"#, &[]);
    assert_eq!((n.entity_key.as_deref(), n.previous_key.as_deref()), (Some("1921"), Some("1920")));
}

#[test]
fn a_previous_key_that_is_too_long_is_left_out() {
    let of = |length| {
        let body = json!({"event": "ACCOUNT_IDENTITY_CHANGED", "accountCd": "1", "oldKey": "9".repeat(length)});
        read(&body.to_string(), &[]).previous_key
    };
    assert_eq!((of(256), of(257)), (Some("9".repeat(256)), None));
}

#[test]
fn the_type_follows_the_user_help_and_an_unknown_event_has_none() {
    let n = read(r#"{"event":"SALESORDER_UPDATED","orderType":"SO","orderId":"42"}"#, &[]);
    assert_eq!(n.notification_type(), Some(NotificationType::Document));
    let n = read(r#"{"event":"PAYROLL_RUN"}"#, &[]);
    assert_eq!(n.notification_type(), None);
}

#[test]
fn a_name_has_1_to_64_letters_digits_hyphens_or_underscores() {
    for (text, expected) in [
        ("a", true),
        ("Az09-_", true),
        (&"x".repeat(64), true),
        (&"x".repeat(65), false),
        ("", false),
        ("a b", false),
        ("a/b", false),
        ("å", false),
    ] {
        assert_eq!(is_name(text), expected, "{text}");
    }
}

#[test]
fn a_proof_is_read_from_the_name_it_is_written_under() {
    for (proof, name) in [(Proof::Signed, "signed"), (Proof::Headers, "headers"), (Proof::Nothing, "nothing")] {
        assert_eq!((proof.as_str(), Proof::parse(name)), (name, Some(proof)));
    }
    assert_eq!(Proof::parse("word"), None);
}

#[test]
fn each_entity_is_identified_by_the_number_in_its_events() {
    for (event, field) in [
        ("CUSTOMER_CHANGED", "customerCd"),
        ("EMPLOYEE_CHANGED", "employeeNumber"),
        ("INVENTORY_ITEM_CHANGED", "inventoryNumber"),
        ("SUPPLIER_CHANGED", "supplierCd"),
        ("PROJECT_CHANGED", "projectCd"),
        ("PURCHASE_ORDER_CHANGED", "orderNbr"),
        ("AR_INVOICE_CHANGED", "invoiceNumber"),
        ("AP_INVOICE_STATUS_CHANGED", "invoiceNumber"),
        ("SHIPMENT_CHANGED", "shipmentNbr"),
        ("VOUCHER_RECEIVED", "voucherNumber"),
        ("BACKGROUND_API_RESPONSE", "reference"),
    ] {
        let n = read(&format!(r#"{{"event":"{event}","{field}":"own","entityId":"other"}}"#), &[]);
        assert_eq!(n.entity_key.as_deref(), Some("own"), "{event}");
    }
}

#[test]
fn texts_lose_invisible_characters() {
    let n = read(r#"{"event":"AR_INVOICE_STATUS_CHANGED","status":"On\u0000 hold\r\n","source":"erp\u0007"}"#, &[]);
    assert_eq!((n.status.as_deref(), n.source.as_deref()), (Some("On hold"), Some("erp")));
}

#[test]
fn an_element_that_is_not_an_object_is_unparseable() {
    let n = read("[5]", &[("x-vwd-tenant-id", TENANT)]);
    assert_eq!((n.entity, n.tenant.as_deref(), n.raw.as_str()), (Entity::Unparseable, Some(TENANT), "5"));
    assert_eq!(n.proof, Proof::Headers);
}

proptest! {
    #[test]
    fn whatever_stands_in_the_known_fields_reading_neither_panics_nor_loses_the_text(
        event in ".{0,20}", path in ".{0,40}", context in ".{0,70}", stamp in any::<i64>(), id in ".{0,40}", order in ".{0,300}",
    ) {
        let body = json!({
            "event": event, "relativeResourceUri": path, "contextId": context, "timeStamp": stamp, "notificationId": id, "number": order,
        }).to_string();
        let n = read(&body, &[("x-vwd-tenant-id", &context), ("x-vwd-notification-id", &id)]);
        prop_assert_eq!(&n.raw, &body);
        prop_assert_eq!(n.ledger_key().notification, n.key);
    }
}

#[test]
fn a_body_with_invalid_bytes_stays_unparseable_when_replayed() {
    let mut delivery = delivery(b"{\"event\":\"ACCOUNT_CHANGED\xff\"}");
    let [n] = Notification::all_of(&delivery, &NoDirectory).try_into().unwrap();
    assert_eq!(n.entity, Entity::Unparseable);
    delivery.body = n.raw.clone().into_bytes();
    let [again] = Notification::all_of(&delivery, &NoDirectory).try_into().unwrap();
    assert_eq!((again.entity, again.raw), (Entity::Unparseable, n.raw));
}

#[test]
fn ignores_a_tenant_with_an_invalid_name() {
    let mut delivery = delivery(br#"{"event":"ACCOUNT_CHANGED"}"#);
    delivery.meta.tenant = Some("t -1".to_owned());
    assert_eq!(Notification::all_of(&delivery, &NoDirectory)[0].tenant, None);
}

#[test]
fn an_unsigned_body_has_no_status_previous_key_or_parameter() {
    let body = r#"{"event":"ACCOUNT_IDENTITY_CHANGED","accountCd":"1921","previousAccountCd":"1920","status":"Open","parameter":"x"}"#;
    let told = |n: &Notification| [&n.status, &n.previous_key, &n.parameter].map(Option::is_some);
    assert_eq!(told(&read(body, &[])), [true; 3]);
    let mut legacy = delivery(body.as_bytes());
    legacy.meta.channel = Channel::Legacy;
    let n = Notification::read(&legacy, body, &OneCompany);
    assert_eq!((told(&n), n.event_is_proven), ([false; 3], false));
}

#[test]
fn the_event_is_part_of_the_identity() {
    let body = r#"{"entityId":"PO1053"}"#;
    let subscribed = |event: &str, shared_secret| {
        let mut delivery = delivery(body.as_bytes());
        delivery.meta.event = Some(event.to_owned());
        delivery.meta.shared_secret = shared_secret;
        delivery.meta.headers.insert("x-vwd-notification-id".into(), ID.into());
        Notification::read(&delivery, body, &OneCompany)
    };
    let (status, action) = ("PURCHASE_ORDER_STATUS_CHANGED", "PURCHASE_ORDER_ACTION_TRIGGERED");
    assert_ne!(subscribed(status, false).key, subscribed(action, false).key);
    assert_eq!(subscribed(status, false).key.content(), subscribed(action, false).key.content());
    assert_eq!([false, true].map(|shared| subscribed(action, shared).event_is_proven), [true, false]);
    assert_eq!([false, true].map(|shared| subscribed(action, shared).proof), [Proof::Headers; 2]);
}

#[test]
fn a_shared_secret_proves_neither_event_nor_tenant() {
    let mut delivery = delivery(br#"{"accountCd":"1920"}"#);
    (delivery.meta.event, delivery.meta.tenant) = (Some("ACCOUNT_CHANGED".into()), Some(TENANT.into()));
    let read = |delivery: &Delivery| Notification::all_of(delivery, &OneCompany)[0].clone();
    assert_eq!((read(&delivery).proof, read(&delivery).event_is_proven), (Proof::Signed, true));
    delivery.meta.shared_secret = true;
    let n = read(&delivery);
    assert_eq!((n.proof, n.event_is_proven, n.tenant.as_deref()), (Proof::Headers, false, Some(TENANT)));
}

#[test]
fn an_id_that_is_not_a_uuid_also_distinguishes_deliveries() {
    let key = |id| read(r#"{"event":"ACCOUNT_CHANGED","accountCd":"1"}"#, &[("x-vwd-notification-id", id)]).key;
    assert_ne!(key("4711"), key("4712"));
    assert_eq!(key("4711"), key(" 4711 "));
    let in_body = |id| read(&format!(r#"{{"event":"ACCOUNT_CHANGED","accountCd":"1","notificationId":"{id}"}}"#), &[]);
    assert_eq!(in_body("evt_1").sender_id().unwrap().uuid(), None);
}
