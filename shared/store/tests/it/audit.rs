use crate::support::{Fixture, NOW, TENANT};
use time::Duration;
use uuid::Uuid;
use webhooks_model::audit::{AuditRecord, AuditResult, Target};
use webhooks_store::{Position, is_in_audit, place_in_audit};

fn deed(number: u128, age: Duration) -> AuditRecord {
    AuditRecord {
        id: Uuid::from_u128(number),
        at: NOW - age,
        by: "op".into(),
        role: "repair".into(),
        deed: "hold".into(),
        on: Target { tenant: Some(TENANT.into()), kind: "notification".into(), name: "n".into() },
        result: None,
    }
}

fn done() -> AuditResult {
    AuditResult { at: NOW, code: "done".into() }
}

#[tokio::test]
async fn lists_each_action_once_newest_first_with_its_result() {
    let Fixture { table, .. } = Fixture::new().await;
    // Several have the same time. Every third has no result.
    let mut expected = vec![];
    for number in 1..=25_u128 {
        let record = deed(number, Duration::minutes(number as i64 / 4));
        assert!(table.note(&record).await.unwrap());
        let result = (!number.is_multiple_of(3)).then(done);
        if let Some(result) = &result {
            assert!(table.note_result(&record, result).await.unwrap());
        }
        expected.push(AuditRecord { result, ..record });
    }
    expected.sort_by_key(|record| std::cmp::Reverse((record.at, record.id)));
    for (most, count) in [(1, 25), (2, 13), (7, 4), (25, 1), (100, 1)] {
        let (mut all, mut after, mut pages) = (vec![], None, 0);
        loop {
            let page =
                table.audited(NOW - Duration::days(1), NOW + Duration::days(1), after.as_ref(), most).await.unwrap();
            all.extend(page.records);
            after = page.next;
            pages += 1;
            assert!(pages <= count, "{most}: another page behind the last record");
            if after.is_none() {
                break;
            }
        }
        assert_eq!((&all, pages), (&expected, count), "{most}");
    }
    let span = table.audited(NOW - Duration::minutes(2), NOW - Duration::minutes(1), None, 100).await.unwrap();
    assert_eq!(span.records.len(), 4, "`from` is taken in, `to` is not");
}

#[test]
fn a_position_is_in_the_list_of_a_span_if_its_record_is() {
    let minutes_ago = |minutes| NOW - Duration::minutes(minutes);
    let place = place_in_audit(&deed(1, Duration::MINUTE));
    assert!(is_in_audit(&place, minutes_ago(1), NOW));
    assert!(!is_in_audit(&place, minutes_ago(2), minutes_ago(1)), "the end is not in it");
    assert!(!is_in_audit(&place, NOW, NOW + Duration::MINUTE));
    let elsewhere = Position { pk: "jobs".to_owned(), ..place };
    assert!(!is_in_audit(&elsewhere, minutes_ago(1), NOW));
}

#[tokio::test]
async fn an_audit_record_never_changes() {
    let fixture = Fixture::new().await;
    let record = deed(1, Duration::ZERO);
    assert!(fixture.table.note(&record).await.unwrap());
    assert!(fixture.table.note_result(&record, &done()).await.unwrap());
    let forged = AuditRecord { by: "somebody else".into(), ..record.clone() };
    let otherwise = AuditResult { code: "unavailable".into(), ..done() };
    assert!(!fixture.table.note(&forged).await.unwrap());
    assert!(!fixture.table.note_result(&record, &otherwise).await.unwrap());
    let page = fixture.table.audited(NOW - Duration::days(1), NOW + Duration::days(1), None, 10).await.unwrap();
    assert_eq!(page.records, [AuditRecord { result: Some(done()), ..record }]);
}

#[tokio::test]
async fn audit_records_have_their_own_retention() {
    let fixture = Fixture::new().await;
    let table = fixture.table.clone().with_audit_retention(Duration::days(1000));
    table.note(&deed(1, Duration::ZERO)).await.unwrap();
    let expires_at = fixture.items().await[0]["expires_at"].as_n().unwrap().clone();
    assert_eq!(expires_at, (NOW + Duration::days(1000)).unix_timestamp().to_string());
}
