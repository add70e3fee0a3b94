//! `forward`: passes the CloudEvents of the events queue to a server on this machine.

use crate::commands::dlq;
use crate::commands::send::{direct_http, is_here};
use crate::error::{Exit, Failure};
use crate::output::{Outcome, Report};
use crate::queue::{BATCH, Queue, Received};
use crate::stack::Stack;
use crate::terminal::{Stop, listen, requested, say};
use clap::Args;
use serde_json::json;
use std::collections::BTreeSet;
use std::time::Duration;
use url::Url;

const HIDDEN: Duration = Duration::from_secs(60);
const WAIT: Duration = Duration::from_secs(10);

#[derive(Debug, Args)]
pub struct Options {
    /// The local server, such as http://localhost:3000/events
    #[arg(long, value_parser = local)]
    to: Url,
    /// Stop when the queue has no more. The exit code is 1 if the server did not take each event
    #[arg(long)]
    once: bool,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Forwarded {
    pub taken: usize,
    /// The ids of events that were refused or not answered, and not taken since. Each comes again
    /// after its visibility timeout.
    pub left: BTreeSet<String>,
}

/// # Errors
/// The queue cannot be reached.
pub async fn run(stack: &Stack, options: Options) -> Outcome {
    let queue = dlq::open(stack, "EventsQueueUrl").await?;
    say(&format!("Events go to {}. No other consumer gets those that it takes. Ctrl-C ends.", options.to));
    let (mut done, http, stop) = (Forwarded::default(), direct_http()?, listen());
    let wait = if options.once { Duration::from_secs(1) } else { WAIT };
    loop {
        let received = forward(&queue, &http, &options.to, wait, &stop, &mut done).await?;
        if *stop.borrow() || (options.once && received == 0) {
            break;
        }
    }
    Ok(report(&done, *stop.borrow()))
}

/// It fails if events were left, unless Ctrl-C ended it. Nothing else says so to a script.
pub fn report(done: &Forwarded, is_stopped: bool) -> Report {
    let (taken, left) = (done.taken, done.left.len());
    let exit = match (is_stopped, left) {
        (true, _) => Exit::Interrupted,
        (false, 0) => Exit::Ok,
        (false, _) => Exit::Failed,
    };
    let again = if left == 0 { "" } else { "; they come again within a minute" };
    let text = format!("{taken} taken, {left} left on the queue{again}");
    Report::new(json!({ "taken": taken, "left": left }), text).with_exit(exit)
}

/// Posts each event of a batch, and deletes it if the answer is a 2xx. After a stop, it puts the
/// rest back. Returns how many events it received.
///
/// # Errors
/// The queue cannot be reached. A missing server is not an error.
pub async fn forward(
    queue: &impl Queue,
    http: &reqwest::Client,
    to: &Url,
    wait: Duration,
    stop: &Stop,
    done: &mut Forwarded,
) -> Result<usize, Failure> {
    let batch = tokio::select! {
        biased;
        () = requested(stop) => return Ok(0),
        batch = queue.receive(BATCH, HIDDEN, wait) => batch?,
    };
    for message in &batch {
        if *stop.borrow() {
            queue.show(message).await?;
            done.left.insert(message.id.clone());
            continue;
        }
        let request = http.post(to.clone()).header("content-type", "application/cloudevents+json; charset=utf-8");
        let answer = request.body(message.body.clone()).send().await;
        let said = match &answer {
            Ok(answer) => answer.status().to_string(),
            Err(_) => "no answer".to_owned(),
        };
        say(&format!("{said}  {}", about(message)));
        if answer.is_ok_and(|answer| answer.status().is_success()) {
            queue.delete(message).await?;
            done.taken += 1;
            done.left.remove(&message.id);
        } else {
            done.left.insert(message.id.clone());
        }
    }
    Ok(batch.len())
}

fn about(message: &Received) -> String {
    crate::output::printable(&dlq::reason_told(dlq::Name::Events, message).what)
}

/// Events hold business data, so they may go only to this machine.
fn local(text: &str) -> Result<Url, String> {
    let url = Url::parse(text).map_err(|error| error.to_string())?;
    if is_here(&url) {
        Ok(url)
    } else {
        Err("it must be an address of this machine, such as http://localhost:3000".into())
    }
}
