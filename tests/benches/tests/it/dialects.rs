//! The pipeline under each way in which Visma Net may write and send its deliveries
//! (docs/visma-net.md#open-questions).

use benches::pipeline::{Pipeline, Wanted};
use serde_json::json;
use standin::{Change, Collection, Dialect, Emit, Item, Resent, Sending};
use time::OffsetDateTime;
use time::macros::datetime;

async fn under(dialect: &Dialect, fetch: bool) -> Pipeline {
    let pipeline = Pipeline::start(Wanted { fetch, feedback: true }).await;
    pipeline.visma().set_dialect(dialect).await.unwrap();
    pipeline
}

/// Processes all messages. Returns the sentences that accountants read about them so far.
async fn told(pipeline: &Pipeline) -> Vec<String> {
    while pipeline.endpoint.depth("notifications") > 0 {
        pipeline.process(1).await;
    }
    while pipeline.endpoint.depth("feedback") > 0 {
        pipeline.answer(1).await;
    }
    let feedback = pipeline.visma().feedback().await.unwrap();
    feedback
        .into_iter()
        .map(|one| one.description.filter(|_| one.is_success == Some(true)).expect("a success with a text"))
        .collect()
}

#[tokio::test]
async fn a_resend_is_answered_again_only_if_it_has_a_new_id_in_its_body() {
    for (resent, answers) in [(Resent::Same, 1), (Resent::NewHeaderId, 1), (Resent::NewBodyId, 2), (Resent::NewId, 2)] {
        let pipeline = under(&Dialect { resent, ..Dialect::default() }, true).await;
        let change = Change::new("ACCOUNT_CHANGED", "1920");
        let changed = pipeline.visma().change_and_emit(&change).await.unwrap();
        assert_eq!(told(&pipeline).await.len(), 1, "{resent:?}");
        let id = changed.emitted.notification_ids[0];
        assert!(pipeline.visma().resend(id, &Sending::default()).await.unwrap().all_delivered());
        assert_eq!(told(&pipeline).await.len(), answers, "{resent:?}");
        let rows = pipeline.visma().notifications().await.unwrap();
        assert_eq!((rows.len(), rows[0].feedback.len()), (1, answers), "{resent:?}: Visma Net knows the id");
    }
}

/// Between these two the clocks of Oslo are set back: they show 02:50 and then 02:10.
const TWO: [OffsetDateTime; 2] = [datetime!(2025-10-26 0:50 UTC), datetime!(2025-10-26 1:10 UTC)];

#[tokio::test]
async fn no_zone_of_the_ticks_hides_the_second_of_two_changes() {
    let zones = [None, Some("Europe/Oslo"), Some("America/New_York")];
    for (zone, fetch) in zones.into_iter().flat_map(|zone| [(zone, true), (zone, false)]) {
        let pipeline = under(&Dialect { ticks_zone: zone.map(str::to_owned), ..Dialect::default() }, fetch).await;
        for at in TWO {
            let fields = json!({"description": at.to_string()});
            pipeline.visma().put(Collection::Account, "1920", fields).await.unwrap();
            let item = Item { time_stamp: Some(standin::ticks(at)), ..Item::new("ACCOUNT_CHANGED", "1920") };
            let emitted = pipeline.visma().emit(&Emit { items: vec![item], ..Emit::default() }).await.unwrap();
            assert!(emitted.all_delivered(), "{zone:?}, fetch: {fetch}");
            let sentences = told(&pipeline).await;
            let is_hidden = sentences.iter().any(|text| text.contains("newer change"));
            assert!(!is_hidden, "{zone:?}, fetch: {fetch}: {sentences:?}");
        }
        assert_eq!(pipeline.endpoint.depth("events"), 2, "{zone:?}, fetch: {fetch}");
    }
}
