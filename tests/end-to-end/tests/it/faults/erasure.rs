//! Erases a company while the load and faults of the others go on. Its own load ends first, since a
//! message after the erasure would be recorded again.

use super::account::Account;
use super::desk::{Desk, reference};
use aws_sdk_sqs::types::QueueAttributeName;
use end_to_end::{Company, Operator, Queue, Stack, until};
use standin::{Channel, Emit, Item, Sending};
use tokio::time::{Instant, sleep_until};

const NOTIFICATIONS: u32 = 6;
const EVENT: &str = "SUPPLIER_CREATED";
const ENTITY: &str = "supplier";

pub(super) struct Forgotten {
    company: Company,
    /// The references of its notifications.
    references: Vec<String>,
}

impl Forgotten {
    /// Runs its load to the end. Every notification is accounted for, and no message is left.
    pub(super) async fn loaded(company: Company, desk: &Desk) -> Self {
        let items = (1..=NOTIFICATIONS).map(|number| Item::new(EVENT, &number.to_string())).collect();
        let sending = Sending { concurrency: 4, channel: Some(Channel::Dispatcher), ..Sending::default() };
        let emitted = company.visma.emit(&Emit { items, sending }).await.expect("the stand-in answers");
        assert!(emitted.all_delivered(), "not delivered: {emitted:?}");
        for id in emitted.notification_ids {
            company.ended(id, "processed", "sent").await;
        }
        for queue in [Queue::Notifications, Queue::Feedback] {
            until("the queue to be empty", async || is_empty(&company.stack, queue).await.then_some(())).await;
        }
        let account = Account::settled(std::slice::from_ref(&company), async || ()).await;
        println!("to be erased: {account}");
        account.check();
        let references: Vec<String> = desk.newest(&company.tenant).await.iter().map(reference).collect();
        assert_eq!(references.len(), NOTIFICATIONS as usize, "the API lists all of it");
        let forgotten = Self { company, references };
        forgotten.check_that_each_answers(200).await;
        forgotten
    }

    async fn check_that_each_answers(&self, expected: u16) {
        let (stack, tenant) = (&self.company.stack, &self.company.tenant);
        let (read, raw) = (Operator::new(stack, "Read").await, Operator::new(stack, "Raw").await);
        for (number, reference) in (1..=NOTIFICATIONS).zip(&self.references) {
            let entity = format!("/operations/v1/entities?tenant={tenant}&entity={ENTITY}&key={number}");
            let text = format!("/operations/raw/notifications/{reference}");
            let notification = format!("/operations/v1/notifications/{reference}");
            for (operator, path) in [(&read, entity), (&raw, text), (&read, notification)] {
                let (status, shown) = operator.ask("GET", &path, None).await;
                assert_eq!(status, expected, "{path}: {shown}");
            }
            let path = format!("/operations/v1/search?q={reference}");
            let (status, found) = read.ask("GET", &path, None).await;
            assert_eq!(status, 200, "{found}");
            assert_eq!(found.to_string().contains(tenant.as_str()), expected == 200, "{found}");
        }
    }

    /// Pauses it, erases it, and ends the pause.
    pub(super) async fn erased(&self, desk: &mut Desk, at: Instant) {
        let tenant = self.company.tenant.as_str();
        sleep_until(at).await;
        desk.stay_signed_in().await;
        until("the pause to be accepted", async || desk.pause(Some(tenant)).await.then_some(())).await;
        let job = until("the erasure to be accepted", async || desk.erase(tenant).await).await;
        desk.ended(&job).await;
        desk.end_pause(Some(tenant)).await;
    }

    /// Checks that the API and the table have nothing of it.
    pub(super) async fn check(&self) {
        let (stack, tenant) = (&self.company.stack, &self.company.tenant);
        let list = format!("/operations/v1/notifications?tenant={tenant}&limit=100");
        let (status, list) = Operator::new(stack, "Read").await.ask("GET", &list, None).await;
        assert_eq!((status, list["items"].as_array().map(Vec::len)), (200, Some(0)), "{list}");
        self.check_that_each_answers(404).await;
        let kept = stack.kept_of(tenant).await;
        assert!(kept.is_empty(), "in the table: {kept:?}");
        println!("erased: {} notifications, of which nothing is left", self.references.len());
    }
}

async fn is_empty(stack: &Stack, queue: Queue) -> bool {
    let counts =
        [QueueAttributeName::ApproximateNumberOfMessages, QueueAttributeName::ApproximateNumberOfMessagesNotVisible];
    let asked = stack.sqs.get_queue_attributes().queue_url(stack.queue_url(queue));
    let asked = asked.set_attribute_names(Some(counts.to_vec())).send().await.expect("the queue answers");
    let told = asked.attributes.unwrap_or_default();
    counts.iter().all(|name| told.get(name).is_some_and(|count| count == "0"))
}
