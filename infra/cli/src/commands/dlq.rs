//! `dlq`: shows and redrives dead letters. A redrive receives, sends and deletes one by one. So it
//! can be paced and stopped, and needs no move task.

mod reason;
mod redrive;

pub use reason::{Told, reason_told};
pub use redrive::{Pace, Redriven, redrive};

use crate::error::{Exit, Failure};
use crate::output::{Outcome, Report, fields, printable, table};
use crate::queue::{BATCH, Depth, Queue, Received, Sqs};
use crate::stack::Stack;
use crate::terminal::{Progress, listen};
use crate::text::{plural, when};
use clap::{Args, Subcommand, ValueEnum};
use futures::future::try_join_all;
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;
use webhooks_host::{Host, SystemHost};
use webhooks_model::QueueName;

/// How long messages stay hidden if the program is killed during a look.
const LOOK: Duration = Duration::from_secs(30);
const SAMPLE: usize = 5;
/// The most messages that a look goes through to find one.
const DEEPEST: usize = 1000;
/// Said where a queue counts letters, and none can be shown.
pub(crate) const LATE: &str = "A queue counts dead letters, but gave none. SQS counts with a delay of a minute or so, and \
                               somebody else may be reading them: look again in a minute.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Show dead letters and their causes, without taking them from the queue
    #[command(after_help = "Examples:
  visma-webhooks dlq list notifications
  visma-webhooks --local dlq list")]
    List(List),
    /// Show one dead letter, and what to do with it
    #[command(after_help = "Example:\n  visma-webhooks dlq show notifications 5f1e4a3c-7a51-4a3e-9d0a-0c5f3a0e2f11")]
    Show(Show),
    /// Send dead letters to their queue again, after their cause is removed
    ///
    /// Ctrl-C puts back the messages in hand. The same command continues with the rest.
    #[command(after_help = "Examples:
  visma-webhooks dlq redrive notifications --plan
  visma-webhooks dlq redrive notifications --rate 5
  visma-webhooks --local dlq redrive notifications --plan")]
    Redrive(Redrive),
}

#[derive(Debug, Args)]
pub struct List {
    /// The queue; all three by default
    queue: Option<Name>,
    /// The most to show of each queue
    #[arg(long, default_value_t = 20)]
    limit: usize,
}

#[derive(Debug, Args)]
pub struct Show {
    /// The queue
    queue: Name,
    /// The message's id, from `list`
    message: String,
    /// Also show its exact text, which may hold personal data
    #[arg(long)]
    body: bool,
}

#[derive(Debug, Args)]
pub struct Redrive {
    /// The queue
    queue: Name,
    /// The most to send
    #[arg(long, default_value_t = 1000)]
    limit: usize,
    /// Messages per second
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    rate: u32,
    /// Also send outcomes that the feedback function rejected. It rejects them again unless it has
    /// changed
    #[arg(long)]
    rejected: bool,
    /// Only count them, and show the first ones
    #[arg(long)]
    plan: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Name {
    Notifications,
    Feedback,
    Events,
}

impl Name {
    pub(crate) const ALL: [Self; 3] = [Self::Notifications, Self::Feedback, Self::Events];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Notifications => "notifications",
            Self::Feedback => "feedback",
            Self::Events => "events",
        }
    }

    pub(crate) async fn source(self, stack: &Stack) -> Result<Sqs, Failure> {
        let output = match self {
            Self::Notifications => "NotificationsQueueUrl",
            Self::Feedback => "FeedbackQueueUrl",
            Self::Events => "EventsQueueUrl",
        };
        open(stack, output).await
    }

    pub(crate) async fn dead_letters(self, stack: &Stack) -> Result<Sqs, Failure> {
        let output = match self {
            Self::Notifications => "NotificationsDeadLetterQueueUrl",
            Self::Feedback => "FeedbackDeadLetterQueueUrl",
            Self::Events => "EventsDeadLetterQueueUrl",
        };
        open(stack, output).await
    }
}

impl From<Name> for QueueName {
    fn from(name: Name) -> Self {
        match name {
            Name::Notifications => Self::Notifications,
            Name::Feedback => Self::Feedback,
            Name::Events => Self::Events,
        }
    }
}

pub(crate) async fn open(stack: &Stack, output: &str) -> Result<Sqs, Failure> {
    Ok(Sqs::new(aws_sdk_sqs::Client::new(&stack.aws), stack.output(output).await?))
}

/// A dead letter without its body, which may hold personal data.
#[derive(Debug, Clone, serde::Serialize)]
struct Shown {
    queue: &'static str,
    id: String,
    sent_at: String,
    receive_count: u32,
    tenant: Option<String>,
    what: String,
    reason: String,
    /// Its `ref` in the operations API, if the ledger has it.
    #[serde(rename = "ref")]
    reference: Option<String>,
}

/// # Errors
/// A queue cannot be reached.
pub async fn run(stack: &Stack, command: Command) -> Outcome {
    match command {
        Command::List(options) => list(stack, &options).await,
        Command::Show(options) => show(stack, &options).await,
        Command::Redrive(options) if options.plan => plan(stack, &options).await,
        Command::Redrive(options) => send_again(stack, &options).await,
    }
}

async fn list(stack: &Stack, options: &List) -> Outcome {
    let names = options.queue.map_or(Name::ALL.to_vec(), |name| vec![name]);
    let looked = try_join_all(names.into_iter().map(|name| async move {
        let (depth, letters) = counted_look(&name.dead_letters(stack).await?, options.limit).await?;
        Ok::<_, Failure>((name, depth, shown(stack, name, &letters).await))
    }));
    let (mut letters, mut depths) = (vec![], vec![]);
    for (name, depth, found) in looked.await? {
        depths.push((name, depth));
        letters.extend(found);
    }
    let counts: Vec<Value> =
        depths.iter().map(|(name, depth)| json!({ "queue": name.as_str(), "depth": depth })).collect();
    let json = json!({ "queues": counts, "items": letters });
    let counted: Vec<String> = depths.iter().map(|(name, depth)| counted(*name, *depth)).collect();
    let mut text = match letters.is_empty() {
        true => counted.join("\n"),
        false => format!("{}\n\n{}", in_columns(&letters), counted.join("\n")),
    };
    let is_late = |(name, depth): &(Name, Depth)| {
        depth.waiting > 0 && !letters.iter().any(|letter| letter.queue == name.as_str())
    };
    if options.limit > 0 && depths.iter().any(is_late) {
        text.push_str(&format!("\n{LATE}"));
    }
    Ok(Report::new(json, text))
}

async fn show(stack: &Stack, options: &Show) -> Outcome {
    let seen = look(&options.queue.dead_letters(stack).await?, DEEPEST).await?;
    let found = seen.iter().find(|message| message.id == options.message).ok_or_else(|| {
        let received = plural(seen.len() as u64, "dead letter");
        let what = format!("{received} could be received, and none is {}", options.message);
        Failure::new(Exit::NotFound, what, "See which there are: visma-webhooks dlq list.")
    })?;
    let letter = shown(stack, options.queue, std::slice::from_ref(found)).await.remove(0);
    let attributes: BTreeMap<&String, &str> =
        found.attributes.keys().filter_map(|name| Some((name, found.attribute(name)?))).collect();
    let mut json = json!({ "letter": letter, "attributes": attributes, "trace": found.trace });
    let mut text = fields([
        ("queue", letter.queue.to_owned()),
        ("message", letter.id),
        ("first sent", letter.sent_at),
        ("receives", letter.receive_count.to_string()),
        ("tenant", letter.tenant.unwrap_or_default()),
        ("what", letter.what),
        ("reason", letter.reason),
        ("ref", letter.reference.unwrap_or_default()),
        ("trace", found.trace.clone().unwrap_or_default()),
    ]);
    text.push_str(&fields(attributes.into_iter().map(|(name, value)| (name.as_str(), value.to_owned()))));
    if options.body {
        json["body"] = json!(found.body);
        text.push_str(&format!("\n{}", found.body.lines().map(printable).collect::<Vec<_>>().join("\n")));
    }
    Ok(Report::new(json, text))
}

async fn plan(stack: &Stack, options: &Redrive) -> Outcome {
    let queue = options.queue.dead_letters(stack).await?;
    let (depth, letters) = counted_look(&queue, SAMPLE).await?;
    let sample = shown(stack, options.queue, &letters).await;
    let count = depth.waiting.min(options.limit as u64);
    let seconds = count.div_ceil(u64::from(options.rate));
    let json = json!({ "queue": options.queue.as_str(), "count": count, "seconds": seconds, "sample": sample });
    let about = fields([
        ("queue", options.queue.as_str().to_owned()),
        ("would send", format!("about {count} of {}", depth.waiting)),
        ("it would take", format!("{seconds} s at {} a second", options.rate)),
    ]);
    let text = if sample.is_empty() { about } else { format!("{about}\n{}", in_columns(&sample)) };
    Ok(Report::new(json, text))
}

async fn send_again(stack: &Stack, options: &Redrive) -> Outcome {
    let (from, to) = (options.queue.dead_letters(stack).await?, options.queue.source(stack).await?);
    let Redrive { queue, limit, rate, rejected, .. } = *options;
    let pace = Pace { rate, limit, queue: queue.into(), rejected };
    let all = from.depth().await?.waiting.min(options.limit as u64);
    let shown = RefCell::new(Progress::of(Some(all)));
    let progress = |sent: usize| {
        if sent.is_multiple_of(BATCH) {
            shown.borrow_mut().tell(sent as u64, &format!("{sent} sent"));
        }
    };
    let done = redrive(&from, &to, &pace, SystemHost.now(), listen(), progress).await;
    drop(shown);
    let done = done?;
    Ok(redriven(&done, from.depth().await?))
}

/// The report of a redrive. A letter is hidden if SQS's answer with it was lost, or if another
/// program has received it.
#[must_use]
pub fn redriven(done: &Redriven, left: Depth) -> Report {
    let Depth { waiting, in_flight } = left;
    let json = json!({
        "sent": done.sent, "rejected_left": done.rejected, "dead_again": done.dead_again,
        "interrupted": done.interrupted, "waiting": waiting, "in_flight": in_flight,
    });
    let some = |number: usize| if number == 0 { String::new() } else { number.to_string() };
    let next = match (done.interrupted, in_flight) {
        (true, _) => "the same command",
        (false, 0) => "",
        (false, _) => "the same command in a minute, when the hidden ones are visible",
    };
    let text = fields([
        ("sent", done.sent.to_string()),
        ("rejected, left", some(done.rejected)),
        ("dead again, left", some(done.dead_again)),
        ("still waiting", waiting.to_string()),
        ("hidden", if in_flight == 0 { String::new() } else { in_flight.to_string() }),
        ("to continue", next.to_owned()),
    ]);
    let exit = if done.interrupted { Exit::Interrupted } else { Exit::Ok };
    Report::new(json, text).with_exit(exit)
}

/// The depth of the queue and the first messages. It does not wait for more messages than there
/// are.
///
/// # Errors
/// As [`look`].
pub async fn counted_look(queue: &impl Queue, limit: usize) -> Result<(Depth, Vec<Received>), Failure> {
    let depth = queue.depth().await?;
    let waiting = usize::try_from(depth.waiting).unwrap_or(limit);
    Ok((depth, look(queue, limit.min(waiting)).await?))
}

/// Receives the first messages of a queue, each once, and puts them back at the end.
///
/// # Errors
/// The queue cannot be reached. Messages received until then become visible again by themselves.
pub async fn look(queue: &impl Queue, limit: usize) -> Result<Vec<Received>, Failure> {
    let mut seen: Vec<Received> = vec![];
    while seen.len() < limit {
        let before = seen.len();
        for message in queue.receive(limit - before, LOOK, Duration::from_secs(1)).await? {
            // A message that became visible again has a new receipt.
            match seen.iter_mut().find(|other| other.id == message.id) {
                Some(other) => *other = message,
                None => seen.push(message),
            }
        }
        // If the queue returns only messages that were seen, it has no more.
        if seen.len() == before {
            break;
        }
    }
    for message in &seen {
        queue.show(message).await?;
    }
    Ok(seen)
}

async fn shown(stack: &Stack, name: Name, messages: &[Received]) -> Vec<Shown> {
    let mut shown = vec![];
    for message in messages {
        let Told { what, reason, reference } = match name {
            Name::Notifications => reason::of_notification(stack, message).await,
            Name::Feedback | Name::Events => reason_told(name, message),
        };
        shown.push(Shown {
            queue: name.as_str(),
            id: message.id.clone(),
            sent_at: when(message.sent_at),
            receive_count: message.receive_count,
            tenant: message.group.clone(),
            what,
            reason,
            reference,
        });
    }
    shown
}

fn counted(name: Name, depth: Depth) -> String {
    format!("{}: {} waiting, {} in flight", name.as_str(), depth.waiting, depth.in_flight)
}

fn in_columns(letters: &[Shown]) -> String {
    let rows = letters.iter().cloned().map(|letter| {
        let Shown { queue, id, sent_at, tenant, what, reason, .. } = letter;
        [queue.to_owned(), sent_at, tenant.unwrap_or_default(), what, reason, id]
    });
    table(["queue", "first sent (utc)", "tenant", "what", "reason", "message"], rows)
}
