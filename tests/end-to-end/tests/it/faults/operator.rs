//! The operator's work during load and faults, and after them.

use super::account::{redrive, release};
use super::desk::{Desk, reference, whole_name};
use end_to_end::Company;
use fastrand::Rng;
use serde_json::Value;
use std::time::Duration;
use tokio::time::{Instant, sleep, sleep_until};

const KINDS: u32 = 12;
/// After this time an operator replays, or resends, what a killed process changed but did not send.
/// The reconciler does so too, but only after `stuck_hours`.
const STANDS_STILL: Duration = Duration::from_secs(120);
/// A killed redrive hides its messages for three minutes.
const LONGEST: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_millis(500);

/// A pause of the operator, and its end.
struct Paused {
    tenant: Option<String>,
    until: Instant,
}

/// Gives commands until the time is up, and leaves no pause of these companies.
pub(super) async fn run(desk: &mut Desk, companies: &[Company], mut rng: Rng, until: Instant) {
    let (mut next, mut deck, mut paused) = (Instant::now(), vec![], None::<Paused>);
    loop {
        next = Instant::now().max(next) + Duration::from_millis(rng.u64(200..700));
        if next >= until {
            break;
        }
        sleep_until(next).await;
        desk.stay_signed_in().await;
        if let Some(pause) = paused.take_if(|pause| pause.until <= next) {
            desk.end_pause(pause.tenant.as_deref()).await;
        }
        // Draws cards instead of dice, like the plan.
        if deck.is_empty() {
            deck.extend(0..KINDS);
            rng.shuffle(&mut deck);
        }
        let card = deck.pop().expect("it was filled");
        let tenant = companies[rng.usize(..companies.len())].tenant.clone();
        match card {
            0..3 if paused.is_none() => paused = Some(pause(desk, &mut rng, card, tenant).await),
            // One pause at a time, or most of the load would wait.
            0..3 => {}
            _ => command(desk, &mut rng, card, &tenant).await,
        }
    }
    sleep_until(until).await;
    for tenant in [None].into_iter().chain(companies.iter().map(|company| Some(company.tenant.as_str()))) {
        desk.end_pause(tenant).await;
    }
}

/// A refused pause may exist, so it is ended too.
async fn pause(desk: &mut Desk, rng: &mut Rng, card: u32, tenant: String) -> Paused {
    let (tenant, lasts) = (Some(tenant).filter(|_| card > 0), Duration::from_millis(rng.u64(1000..6000)));
    desk.pause(tenant.as_deref()).await;
    Paused { tenant, until: Instant::now() + lasts }
}

async fn command(desk: &mut Desk, rng: &mut Rng, card: u32, tenant: &str) {
    match card {
        3..5 => {
            let queue = ["notifications", "feedback"][rng.usize(..2)];
            desk.redrive(queue).await;
        }
        5..8 => {
            let newest = desk.newest(tenant).await;
            if let Some(one) = rng.choice(&newest) {
                desk.replay(&reference(one)).await;
            }
        }
        8..10 => {
            let state = [None, Some("processed"), Some("retrying"), Some("paused")][rng.usize(..4)];
            desk.replay_by_filter(tenant, state).await;
        }
        _ => {
            let newest = desk.newest(tenant).await;
            let is_open = |one: &&Value| ["queued", "parked"].iter().any(|state| one["feedback"]["state"] == *state);
            let open: Vec<&Value> = newest.iter().filter(is_open).collect();
            if let Some(one) = rng.choice(&open) {
                desk.resend(&reference(one)).await;
            }
        }
    }
}

/// Repairs what is stuck, like an operator: resends refused feedback, and repeats what a killed
/// process began.
pub(super) async fn mend(desk: &mut Desk, companies: &[Company], quiet_since: Instant) {
    desk.stay_signed_in().await;
    for reference in desk.with_parked_feedback().await {
        desk.resend(&reference).await;
    }
    if quiet_since.elapsed() < STANDS_STILL {
        return;
    }
    for company in companies {
        let records = company.stack.records(&company.tenant).await;
        for record in &records {
            let name = whole_name(&company.tenant, record);
            // A failed attempt would have left its reason.
            if record.state == "retrying" {
                desk.replay(&name).await;
            }
            // The resend was killed before it sent its message.
            if record.feedback == "queued" {
                desk.resend(&name).await;
            }
        }
    }
}

/// Waits until each accepted command has ended, or the time is up.
pub(super) async fn see_to_the_end(desk: &mut Desk, companies: &[Company], quiet_since: Instant) {
    let mut deadline = None;
    while desk.has_open_commands().await {
        // The first look takes minutes after a long run.
        if Instant::now() > *deadline.get_or_insert_with(|| Instant::now() + LONGEST) {
            return;
        }
        redrive(&companies[0].stack);
        release(companies).await;
        mend(desk, companies, quiet_since).await;
        sleep(POLL).await;
    }
}
