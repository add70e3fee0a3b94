//! Sends commands to the operations API, and tracks accepted ones until their end is seen.

use super::commands::{Commands, End};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use end_to_end::{Operator, Record, Stack, until};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::Duration;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio::sync::Mutex;
use tokio::time::{Instant, sleep, timeout};

const NOTIFICATIONS: &str = "/operations/v1/notifications";
const PAUSES: &str = "/operations/v1/pauses";
/// Per second. Fast enough that a job ends soon, but still meets faults.
const RATE: u32 = 50;
/// A replay by filter covers only this time, so that it does not grow during a long run.
const LATELY: Duration = Duration::from_secs(15);
/// Longer than the operations function may run, so that no answer is missed.
const PATIENCE: Duration = Duration::from_secs(40);
/// Less than the hour that a token is valid.
const SIGNED_IN: Duration = Duration::from_secs(1800);
/// A job of a killed function continues after half a minute, unless it is killed again.
const LONGEST: Duration = Duration::from_secs(300);
const POLL: Duration = Duration::from_millis(500);

pub(super) struct Desk {
    stack: Stack,
    read: Operator,
    repair: Operator,
    erase: Operator,
    signed_in: Instant,
    /// Held during a restart of AWS.
    office: Arc<Mutex<()>>,
    pub(super) commands: Commands,
    notes: usize,
}

impl Desk {
    pub(super) async fn new(stack: &Stack, office: Arc<Mutex<()>>) -> Self {
        let [read, repair, erase] = operators(stack).await;
        Self {
            stack: stack.clone(),
            read,
            repair,
            erase,
            signed_in: Instant::now(),
            office,
            commands: Commands::default(),
            notes: 0,
        }
    }

    /// Gets new tokens before the old ones expire.
    pub(super) async fn stay_signed_in(&mut self) {
        if self.signed_in.elapsed() > SIGNED_IN {
            let _open = self.office.lock().await;
            [self.read, self.repair, self.erase] = operators(&self.stack).await;
            self.signed_in = Instant::now();
        }
    }

    /// The API's answer; `None` while it does not answer.
    pub(super) async fn look(&self, path: &str) -> Option<Value> {
        let _open = self.office.lock().await;
        let (status, shown) = ask(&self.read, ("GET", path), None).await?;
        (status == 200).then_some(shown)
    }

    /// Whether it was accepted with 2xx, and the id of its job if it has one.
    async fn command(
        &mut self,
        kind: &'static str,
        asked: (&str, &str),
        body: &Value,
        end: impl FnOnce(&Value) -> Option<End>,
    ) -> bool {
        let _open = self.office.lock().await;
        let operator = if kind == "erasure" { &self.erase } else { &self.repair };
        self.commands.give(kind);
        let answer = ask(operator, asked, Some(body)).await;
        let end = answer.filter(|(status, _)| (200..300).contains(status)).and_then(|(_, answer)| end(&answer));
        let is_accepted = end.is_some();
        if let Some(end) = end {
            self.commands.accept(kind, end);
        }
        is_accepted
    }

    /// Pauses all events of the tenant, or of all tenants, and looks for the pause in the list.
    pub(super) async fn pause(&mut self, tenant: Option<&str>) -> bool {
        let accepted = self.command("pause", ("PUT", PAUSES), &pause(tenant), |_| Some(End::NothingPaused)).await;
        assert!(!accepted || self.is_paused(tenant).await, "an accepted pause is not there: {tenant:?}");
        accepted
    }

    pub(super) async fn resume(&mut self, tenant: Option<&str>) -> bool {
        let body = pause(tenant);
        let accepted = self.command("end of a pause", ("DELETE", PAUSES), &body, |_| Some(End::NothingPaused)).await;
        assert!(!accepted || !self.is_paused(tenant).await, "a pause that was ended is still there: {tenant:?}");
        accepted
    }

    async fn is_paused(&self, tenant: Option<&str>) -> bool {
        let pauses = until("the list of pauses", async || self.look(PAUSES).await).await;
        let mut pauses = pauses["items"].as_array().expect("a list").iter();
        pauses.any(|own| own["tenant"].as_str() == tenant && own["events"] == "*")
    }

    /// Ends the pause if there is one. A refused pause may exist all the same.
    pub(super) async fn end_pause(&mut self, tenant: Option<&str>) {
        until("the pause to end", async || {
            let is_over = !self.is_paused(tenant).await || self.resume(tenant).await;
            is_over.then_some(())
        })
        .await;
    }

    pub(super) async fn redrive(&mut self, queue: &str) -> bool {
        let path = format!("/operations/v1/dead-letters/{queue}/redrives");
        self.command("redrive", ("POST", path.as_str()), &json!({"rate": RATE}), job).await
    }

    /// `reference` is a short name or a full one.
    pub(super) async fn replay(&mut self, reference: &str) -> bool {
        self.notes += 1;
        let (reference, note) = (reference.to_owned(), format!("faults, number {}.", self.notes));
        let (path, body) = (format!("{NOTIFICATIONS}/{reference}/replay"), json!({"note": note}));
        self.command("replay", ("POST", path.as_str()), &body, |_| Some(End::Replayed { reference, note })).await
    }

    /// Replays what the tenant received lately, in this state or in any.
    pub(super) async fn replay_by_filter(&mut self, tenant: &str, state: Option<&str>) -> bool {
        let now = OffsetDateTime::now_utc();
        let text = |at: OffsetDateTime| at.format(&Rfc3339).expect("a time of this era formats");
        let states: Vec<&str> = state.into_iter().collect();
        let body =
            json!({"tenant": tenant, "states": states, "from": text(now - LATELY), "to": text(now), "rate": RATE});
        self.command("replay by filter", ("POST", "/operations/v1/jobs"), &body, job).await
    }

    pub(super) async fn resend(&mut self, reference: &str) -> bool {
        let (path, reference) = (format!("{NOTIFICATIONS}/{reference}/feedback"), reference.to_owned());
        self.command("resend", ("POST", path.as_str()), &json!({}), |_| Some(End::Answered { reference })).await
    }

    /// Erases the tenant. Returns the job if it was accepted.
    pub(super) async fn erase(&mut self, tenant: &str) -> Option<End> {
        let body = json!({"tenant": tenant, "confirm": tenant, "rate": RATE});
        let accepted = self.command("erasure", ("POST", "/operations/erasures"), &body, job).await;
        accepted.then(|| self.commands.open.last().expect("it was just accepted").clone())
    }

    /// The tenant's newest notifications.
    pub(super) async fn newest(&self, tenant: &str) -> Vec<Value> {
        self.items(&format!("{NOTIFICATIONS}?tenant={tenant}&limit=100")).await
    }

    /// References of notifications whose feedback was refused.
    pub(super) async fn with_parked_feedback(&self) -> Vec<String> {
        let marked = self.items("/operations/v1/attention?kind=feedback_parked&limit=100").await;
        // The mark stays until the feedback is sent.
        marked.iter().filter(|one| one["feedback"]["state"] == "parked").map(reference).collect()
    }

    async fn items(&self, path: &str) -> Vec<Value> {
        let shown = self.look(path).await.unwrap_or_default();
        shown["items"].as_array().cloned().unwrap_or_default()
    }

    /// Waits for the end of one command.
    pub(super) async fn ended(&mut self, end: &End) {
        let deadline = Instant::now() + LONGEST;
        while !self.has_ended(end).await {
            assert!(Instant::now() < deadline, "accepted and swallowed: {end:?}");
            sleep(POLL).await;
        }
        self.commands.end(end);
    }

    /// Looks for the end of each open command. Returns whether some are still open.
    pub(super) async fn has_open_commands(&mut self) -> bool {
        for end in self.commands.open.clone() {
            if self.has_ended(&end).await {
                self.commands.end(&end);
            }
        }
        !self.commands.open.is_empty()
    }

    async fn has_ended(&self, end: &End) -> bool {
        self.look(&end.path()).await.is_some_and(|shown| end.is_in(&shown))
    }
}

/// `None` if the answer is missing or late.
async fn ask(operator: &Operator, (method, path): (&str, &str), body: Option<&Value>) -> Option<(u16, Value)> {
    timeout(PATIENCE, operator.try_ask(method, path, body)).await.ok()?.ok()
}

async fn operators(stack: &Stack) -> [Operator; 3] {
    let operator = async |role| Operator::new(stack, role).await;
    [operator("Read").await, operator("Repair").await, operator("Erase").await]
}

fn pause(tenant: Option<&str>) -> Value {
    json!({"tenant": tenant, "events": "*", "note": "faults"})
}

fn job(answer: &Value) -> Option<End> {
    Some(End::Finished { job: answer["id"].as_str()?.to_owned() })
}

/// The reference of a notification in a list.
pub(super) fn reference(shown: &Value) -> String {
    shown["ref"].as_str().expect("a name").to_owned()
}

/// The full name of a record, in the API's form.
pub(super) fn whole_name(tenant: &str, record: &Record) -> String {
    let Record { entity, key, notification, .. } = record;
    URL_SAFE_NO_PAD.encode(format!("{tenant}#{entity}#{key}#{notification}"))
}
