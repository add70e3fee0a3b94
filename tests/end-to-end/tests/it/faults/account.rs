//! Counts accepted notifications and their ends.

use crate::command_line::run;
use end_to_end::{Company, Queue, Record, Stack};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;
use tokio::time::{Instant, sleep};
use uuid::Uuid;

const TERMINAL: [&str; 5] = ["processed", "superseded", "unparseable", "parked", "dead"];
/// Several visibility timeouts and back-offs in a row, on a busy machine. A killed redrive hides
/// its dead letters for three minutes.
const LONGEST: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_millis(500);

#[derive(Debug, Default)]
pub(super) struct Account {
    /// Notifications with at least one 2xx answer.
    accepted: usize,
    /// The number of ends by state.
    ends: BTreeMap<String, usize>,
    unaccounted: Vec<Uuid>,
    /// Notifications without an end because the last attempt was killed before it could write
    /// anything. They are among the dead letters.
    unheard: usize,
    /// Ended notifications with a feedback that is neither sent nor turned off, and the state in
    /// their record.
    unanswered: Vec<String>,
    /// Notifications with two different feedbacks at Visma Net.
    contradicted: Vec<Uuid>,
    /// Feedbacks that were repeated unchanged, after a lost answer or a killed sender.
    repeated: usize,
    /// Ended notifications whose last attempt was killed before it queued the feedback. A redrive
    /// answers them.
    owed: usize,
}

impl Account {
    /// Waits until every accepted notification has ended, or the time is up.
    pub(super) async fn settled(companies: &[Company], meanwhile: impl AsyncFnMut()) -> Self {
        Self::once(companies, meanwhile, Self::is_settled).await
    }

    /// Redrives what died, like an operator, and waits for another end. Also returns the number of
    /// redriven messages. The last of them reach their dead-letter queue only at their next
    /// receipt.
    pub(super) async fn redriven(companies: &[Company], mut meanwhile: impl AsyncFnMut()) -> (u64, Self) {
        let mut sent = 0;
        let redrive = async || {
            sent += redrive(&companies[0].stack);
            meanwhile().await;
        };
        let account = Self::once(companies, redrive, |account| account.is_settled() && account.is_redriven()).await;
        (sent, account)
    }

    async fn once(companies: &[Company], mut meanwhile: impl AsyncFnMut(), is_done: impl Fn(&Self) -> bool) -> Self {
        let deadline = Instant::now() + LONGEST;
        loop {
            let account = Self::take(companies).await;
            if is_done(&account) || Instant::now() > deadline {
                return account;
            }
            meanwhile().await;
            release(companies).await;
            sleep(POLL).await;
        }
    }

    async fn take(companies: &[Company]) -> Self {
        let mut account = Self::default();
        let letters = dead_letters(&companies[0].stack).await;
        for company in companies {
            let mut records = BTreeMap::<String, Vec<Record>>::new();
            for record in company.stack.records(&company.tenant).await {
                records.entry(record.id.clone()).or_default().push(record);
            }
            for notification in company.visma.notifications().await.expect("the stand-in answers") {
                let taken = |status: Option<u16>| status.is_some_and(|status| (200..300).contains(&status));
                if notification.deliveries.iter().any(|attempt| taken(attempt.status)) {
                    let id = notification.notification_id;
                    let told = notification.feedback.iter().map(|one| (one.is_success, one.description.as_deref()));
                    let is_dead_letter = letters.iter().any(|body| body.contains(&id.to_string()));
                    let records = records.get(&id.to_string()).map_or(&[][..], Vec::as_slice);
                    account.count(id, records, is_dead_letter, told.collect());
                }
            }
        }
        account
    }

    fn count(&mut self, id: Uuid, records: &[Record], is_dead_letter: bool, told: Vec<(Option<bool>, Option<&str>)>) {
        self.accepted += 1;
        let state = |record: &Record| record.state.split(':').next().unwrap_or_default().to_owned();
        match records {
            [record] if TERMINAL.contains(&state(record).as_str()) => {
                *self.ends.entry(state(record)).or_default() += 1;
                match record.feedback.as_str() {
                    "sent" if !told.is_empty() => {}
                    _ if is_dead_letter => self.owed += 1,
                    feedback => self.unanswered.push(format!("{id} ({}, feedback {feedback})", record.state)),
                }
            }
            [] | [_] if is_dead_letter => self.unheard += 1,
            // Each content has one record, and each of these notifications has one content.
            _ => self.unaccounted.push(id),
        }
        let distinct: BTreeSet<_> = told.iter().collect();
        self.repeated += told.len() - distinct.len();
        if distinct.len() > 1 {
            self.contradicted.push(id);
        }
    }

    fn is_settled(&self) -> bool {
        self.unaccounted.is_empty() && self.unanswered.is_empty()
    }

    fn is_redriven(&self) -> bool {
        !self.ends.contains_key("dead") && (self.unheard, self.owed) == (0, 0)
    }

    pub(super) fn check(&self) {
        assert!(self.accepted > 0, "nothing was accepted, so nothing was tried");
        assert!(self.unaccounted.is_empty(), "without an end: {:?}", self.unaccounted);
        assert!(self.unanswered.is_empty(), "without an answer: {:?}", self.unanswered);
        assert!(self.contradicted.is_empty(), "answered in two ways: {:?}", self.contradicted);
    }

    pub(super) fn check_that_nothing_is_dead(&self) {
        assert!(self.is_redriven(), "a redrive processes what died: {self}");
    }
}

impl fmt::Display for Account {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ends: Vec<_> = self.ends.iter().map(|(state, count)| format!("{count} {state}")).collect();
        let terminal: usize = self.ends.values().sum();
        let (accepted, left) = (self.accepted, self.accepted - terminal - self.unheard);
        write!(
            f,
            "{accepted} accepted - {terminal} terminal - {} dead letters alone = {left} ({}); {} unanswered, {} to be answered by a \
             redrive, {} answered in two ways, {} answers repeated",
            self.unheard,
            ends.join(", "),
            self.unanswered.len(),
            self.owed,
            self.contradicted.len(),
            self.repeated,
        )
    }
}

/// The messages on the dead-letter queue, without removing them.
async fn dead_letters(stack: &Stack) -> Vec<String> {
    let (url, mut bodies) = (stack.queue_url(Queue::NotificationsDeadLetters), vec![]);
    loop {
        let call = stack.sqs.receive_message().queue_url(url).max_number_of_messages(10).visibility_timeout(1);
        let messages = call.send().await.expect("the queue answers").messages.unwrap_or_default();
        if messages.is_empty() {
            return bodies;
        }
        bodies.extend(messages.into_iter().filter_map(|message| message.body));
    }
}

/// Redrives dead letters and returns their number.
pub(super) fn redrive(stack: &Stack) -> u64 {
    let (code, redriven) = run(stack, &["dlq", "redrive", "notifications", "--rate", "50"]);
    assert_eq!(code, 0, "{redriven}");
    redriven["sent"].as_u64().expect("a count")
}

/// Checks that every processed notification has its event on the events queue.
pub(super) async fn check_events(companies: &[Company]) {
    let stack = &companies[0].stack;
    let (url, mut published) = (stack.queue_url(Queue::Events), BTreeSet::new());
    loop {
        let received = stack.sqs.receive_message().queue_url(url).max_number_of_messages(10).send().await;
        let messages = received.expect("the queue answers").messages.unwrap_or_default();
        if messages.is_empty() {
            break;
        }
        for message in messages {
            let event: Value = serde_json::from_str(message.body().expect("a body")).expect("a CloudEvent");
            published.insert(event["data"]["notification"]["id"].as_str().expect("a notification").to_owned());
        }
    }
    let mut silent = vec![];
    for company in companies {
        let records = company.stack.records(&company.tenant).await.into_iter();
        let processed = records.filter(|record| record.state == "processed");
        silent.extend(processed.map(|record| record.notification).filter(|id| !published.contains(id)));
    }
    println!("events: {} notifications published", published.len());
    assert!(silent.is_empty(), "processed without an event: {silent:?}");
}

/// Runs the reconciler for companies with notifications that wait for calls. Its schedule would do
/// this within a quarter of an hour.
pub(super) async fn release(companies: &[Company]) {
    for company in companies {
        let records = company.stack.records(&company.tenant).await;
        if records.iter().any(|record| record.state == "retrying: rate_limited") {
            company.stack.reconcile(Some(&company.tenant)).await;
        }
    }
}
