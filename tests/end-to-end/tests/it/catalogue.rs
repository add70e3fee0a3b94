use crate::company;
use end_to_end::{Company, catalogue};
use standin::Kind;

#[tokio::test]
async fn every_event_in_both_channels_is_processed_and_answered() {
    let company = Company::new(company::CATALOGUE).await;
    let rows = catalogue::run(&company, |_| ()).await;
    assert_eq!(rows.len(), standin::events().count());
    for row in &rows {
        assert_eq!(row.answer, Some(202), "{row:?}");
        assert_eq!(row.feedback, catalogue::expected_feedback(row.event), "{row:?}");
        assert_eq!(row.description.is_some(), row.feedback == "sent", "{row:?}");
    }
    for row in rows.iter().filter(|row| row.event.kind == Kind::Deleted) {
        let entity = row.event.entity.to_lowercase().replace(' ', "_");
        let (_, deleted) = company.stack.timeline(&company.tenant, &entity, &row.key).await;
        assert!(deleted, "{row:?}");
    }
    let feedback = company.visma.feedback().await.unwrap();
    assert_eq!(feedback.len(), rows.iter().filter(|row| row.feedback == "sent").count(), "one feedback each");
}
