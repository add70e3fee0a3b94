use benches::pipeline::{Bodies, Change, Pipeline, Wanted};

#[tokio::test]
async fn bodies_have_the_stated_length() {
    let pipeline = Pipeline::start(Wanted { fetch: false, feedback: false }).await;
    for (bodies, lengths) in [(Bodies::Bare, 250..=350), (Bodies::Padded, 512..=1024)] {
        pipeline.deliver(Change::of_account(bodies), 0..20).await;
        for message in pipeline.process(20).await {
            let (_, body) = message.body.split_once('\n').unwrap();
            assert!(lengths.contains(&body.len()), "{} {bodies:?}", body.len());
        }
    }
}

#[tokio::test]
async fn a_notification_passes_through_the_whole_pipeline() {
    let pipeline = Pipeline::start(Wanted { fetch: true, feedback: true }).await;
    let change = Change::of_account(Bodies::Padded);
    pipeline.change(change, [1]).await;
    pipeline.deliver(change, [1]).await;
    pipeline.process(1).await;
    assert_eq!(["events", "feedback"].map(|queue| pipeline.endpoint.depth(queue)), [1, 1]);
    pipeline.answer(1).await;
    let visma = pipeline.visma_calls().await;
    assert_eq!((visma.of("account"), visma.answered("feedback", 201)), (1, 1));
    assert_eq!(pipeline.log.complaints(), Vec::<String>::new());
}
