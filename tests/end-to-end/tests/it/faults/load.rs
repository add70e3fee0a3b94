//! The deliveries of Visma Net meanwhile: changes, duplicates, arrays and resent notifications.

use end_to_end::Company;
use fastrand::Rng;
use standin::{Channel, Emit, Emitted, Item, Retry, Sending, Status};
use std::time::Duration;
use std::{fmt, ops};
use tokio::time::{Instant, sleep_until};
use uuid::Uuid;

const EVENTS: [&str; 5] =
    ["ACCOUNT_CHANGED", "CUSTOMER_UPDATED", "CUSTOMER_CREATED", "SUPPLIER_CREATED", "PURCHASE_ORDER_STATUS_CHANGED"];
/// Few keys, so that many notifications are about the same entity.
const KEYS: u32 = 8;
/// Retries for longer than any fault lasts.
const PATIENT: Retry = Retry { attempts: 200, base_ms: 100, max_delay_ms: 1000, timeout_ms: 10_000 };
/// The pace of one company, so that one machine can keep up with the queue.
const BETWEEN: Duration = Duration::from_millis(700);

#[derive(Debug, Default)]
pub(super) struct Sent {
    notifications: usize,
    copies: usize,
    resent: usize,
    /// Attempts without a 2xx answer.
    refused: usize,
}

impl Sent {
    fn count(&mut self, emitted: &Emitted) {
        assert!(emitted.all_delivered(), "Visma Net gave up: {emitted:?}");
        self.refused += emitted.deliveries.iter().map(|delivery| delivery.attempts.len() - 1).sum::<usize>();
    }
}

impl ops::AddAssign for Sent {
    fn add_assign(&mut self, other: Self) {
        self.notifications += other.notifications;
        self.copies += other.copies;
        self.resent += other.resent;
        self.refused += other.refused;
    }
}

impl fmt::Display for Sent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { notifications, copies, resent, refused } = self;
        write!(
            f,
            "{notifications} notifications, {copies} more copies of them, {resent} sent again; {refused} attempts refused"
        )
    }
}

/// Delivers until the time is up, and waits for the end of every delivery.
pub(super) async fn run(company: Company, mut rng: Rng, until: Instant) -> Sent {
    let (mut sent, mut next, mut ids) = (Sent::default(), Instant::now(), vec![]);
    while next < until {
        sleep_until(next).await;
        next += BETWEEN;
        if rng.u32(..6) == 0 && resend(&company, &mut rng, &ids, &mut sent).await {
            continue;
        }
        let emit = emission(&mut rng);
        let emitted = company.visma.emit(&emit).await.expect("the stand-in answers");
        sent.notifications += emit.items.len();
        sent.copies += emit.items.len() * (emit.sending.copies - 1);
        sent.count(&emitted);
        ids.extend(emitted.notification_ids);
    }
    sent
}

fn emission(rng: &mut Rng) -> Emit {
    let item = |rng: &mut Rng| Item::new(EVENTS[rng.usize(..EVENTS.len())], &rng.u32(1..=KEYS).to_string());
    let items: Vec<Item> = (0..rng.usize(1..=4)).map(|_| item(rng)).collect();
    let mut order: Vec<usize> = (0..items.len()).collect();
    rng.shuffle(&mut order);
    let batch = rng.u32(..5) == 0;
    let sending = Sending {
        copies: if rng.u32(..4) == 0 { 3 } else { 1 },
        order: if batch { vec![] } else { order },
        batch,
        concurrency: 4,
        channel: Some(Channel::Dispatcher),
        retry: PATIENT,
        ..Sending::default()
    };
    Emit { items, sending }
}

/// Uses the window's "Resend notification" on an accepted one. Returns whether there was one.
async fn resend(company: &Company, rng: &mut Rng, ids: &[Uuid], sent: &mut Sent) -> bool {
    let Some(id) = rng.choice(ids) else { return false };
    let all = company.visma.notifications().await.expect("the stand-in answers");
    if !all.iter().any(|one| one.notification_id == *id && one.status == Status::Sent) {
        return false;
    }
    let sending = Sending { retry: PATIENT, ..Sending::default() };
    let emitted = company.visma.resend(*id, &sending).await.expect("the stand-in answers");
    sent.resent += 1;
    sent.count(&emitted);
    true
}
