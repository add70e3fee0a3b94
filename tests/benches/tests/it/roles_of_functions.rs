//! Checks the calls over the wire against the template's roles.

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
