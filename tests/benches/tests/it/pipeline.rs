//! The functions together, and their calls over the wire against the template's roles.

use benches::pipeline::{Bodies, Change, Pipeline, Wanted};
use roles::{Account, Judge, listed};
use std::collections::BTreeSet;
use std::mem;
use std::sync::{Arc, Mutex};

/// The endpoint's names of the template's resources.
const NAMES: [(&str, &str); 6] = [
    ("Table", aws_fake::TABLE),
    ("Settings", aws_fake::SECRET_ID),
    ("NotificationsQueue", "notifications"),
    ("EventsQueue", "events"),
    ("FeedbackQueue", "feedback"),
    ("FeedbackDeadLetterQueue", "feedback-dead"),
];

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

#[tokio::test]
async fn the_roles_allow_every_call_of_intake_processor_and_feedback() {
    let pipeline = Pipeline::start(Wanted { fetch: true, feedback: true }).await;
    let heard = Arc::new(Mutex::new(Vec::<(String, String, Vec<u8>)>::new()));
    let ear = heard.clone();
    pipeline.endpoint.watch(move |role, operation, body| {
        ear.lock().unwrap().push((role.to_owned(), operation.name.clone(), body.to_vec()));
    });
    let change = Change::of_account(Bodies::Bare);
    pipeline.change(change, 0..10).await;
    pipeline.deliver(change, 0..10).await;
    pipeline.process(10).await;
    pipeline.answer(10).await;

    let account =
        NAMES.into_iter().fold(Account::new("benches"), |account, (resource, name)| account.with_name(resource, name));
    let mut judge = Judge::new(account);
    let heard = mem::take(&mut *heard.lock().unwrap());
    for (role, operation, body) in &heard {
        judge.hear(role, operation, &serde_json::from_slice(body).unwrap());
    }
    let callers: BTreeSet<&str> = heard.iter().map(|(role, ..)| role.as_str()).collect();
    assert_eq!(callers, BTreeSet::from(["FeedbackRole", "IntakeRole", "ProcessorRole"]));
    assert_eq!(judge.refused(), Vec::<String>::new(), "AWS would refuse these");
    assert_eq!(judge.unlisted(&listed()), Vec::<String>::new(), "tests/roles/calls.json does not have these");
}
