//! `tail`: shows notifications as they arrive and change.

use super::client::items;
use super::{Access, Caller, Client, shown, tenant};
use crate::candidates;
use crate::error::{Exit, Failure};
use crate::output::{Format, Outcome, Report, escaped, line, printable};
use crate::stack::Stack;
use crate::terminal::{listen, requested, say};
use crate::text::{canonical_event, duration, moment, unknown_event};
use clap::Args;
use serde_json::Value;
use std::collections::HashMap;
use time::{Duration, OffsetDateTime};

const KNOWN: usize = 10_000;
/// The API's longest page.
const PAGE: &str = "100";
/// Pages of one look while it follows. Each covers a bounded part of the table.
const PAGES: usize = 20;

#[derive(Debug, Args)]
pub struct Tail {
    /// The tenant: a name, a company number or an id
    #[arg(long, value_name = "TENANT", add = candidates::tenant())]
    tenant: String,
    /// Only of this entity, such as sales_order
    #[arg(long)]
    entity: Option<String>,
    /// Only of this event, such as ACCOUNT_CHANGED
    #[arg(long, add = candidates::event())]
    event: Option<String>,
    /// Only in this state, such as dead
    #[arg(long)]
    state: Option<String>,
    /// Show the newest ones of the last seven days and stop
    #[arg(long)]
    once: bool,
    /// The most to show at first
    #[arg(long, default_value_t = 20, value_name = "NUMBER")]
    limit: usize,
    /// How often to ask
    #[arg(long, default_value = "2s", value_parser = duration)]
    every: Duration,
    #[command(flatten)]
    access: Access,
}

/// # Errors
/// As [`super::get()`]. It continues until Ctrl-C, even if the API does not answer for a while.
pub async fn tail(stack: &Stack, caller: &Caller, options: Tail, format: Format) -> Outcome {
    let client = Client::new(stack, caller, &options.access).await?;
    let event = options.event.as_deref().map(canonical_event);
    let given = [("entity", &options.entity), ("event", &event), ("state", &options.state)];
    let tenant = tenant::resolve(&client, &options.tenant).await?;
    let mut query = vec![("tenant", tenant.as_str()), ("limit", PAGE)];
    query.extend(given.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?))));
    // Without a look at every page, an empty list could be false.
    let pages = if options.once { usize::MAX } else { PAGES };
    let (first, mut is_cut) = newest(&client, &query, pages, |found| found.len() < options.limit).await?;
    if let Some((what, advice)) = event.as_deref().filter(|_| first.is_empty()).and_then(unknown_event) {
        if options.once {
            return Err(Failure::usage(format!("{what}, and none came under this name"), advice));
        }
        say(&format!("{what}, and none came under this name so far. {advice}"));
    }
    if options.once {
        is_cut |= first.len() > options.limit;
        let first = &first[..first.len().min(options.limit)];
        return Ok(Report::new(first, shown::list(first)).limited(is_cut));
    }
    // Before the first line, so that Ctrl-C after it ends this properly.
    let (stop, every) = (listen(), options.every.unsigned_abs());
    let (mut news, first) = News::begin(&first, options.limit);
    print(&first, format)?;
    loop {
        let look = async {
            tokio::time::sleep(every).await;
            // A page with nothing that the filter takes does not end the list.
            newest(&client, &query, PAGES, |found| found.last().is_none_or(|item| !news.knows(item))).await
        };
        let looked = tokio::select! {
            biased;
            () = requested(&stop) => return Ok(Report::new(Value::Null, "").with_exit(Exit::Interrupted)),
            looked = look => looked,
        };
        match looked {
            Ok((list, _)) => print(&news.of(&list), format)?,
            Err(failure) if failure.exit == Exit::Unavailable => {
                say(&format!("{}; asking again", printable(&failure.what)));
            }
            Err(failure) => return Err(failure),
        }
    }
}

/// The list from its newest end, as long as `more` of it is wanted. A page may be short or empty
/// although the list continues. Returns whether there may be more.
async fn newest(
    client: &Client<'_>,
    query: &[(&str, &str)],
    pages: usize,
    more: impl Fn(&[Value]) -> bool,
) -> Result<(Vec<Value>, bool), Failure> {
    let (mut found, mut cursor) = (vec![], None::<String>);
    for _ in 0..pages {
        let cursor_given = cursor.as_deref().map(|cursor| ("cursor", cursor));
        let query: Vec<_> = query.iter().copied().chain(cursor_given).collect();
        let mut page = client.get(&["operations", "v1", "notifications"], &query).await?;
        found.extend(items(&mut page)?);
        cursor = page["next"].as_str().map(str::to_owned);
        if cursor.is_none() || !more(&found) {
            break;
        }
    }
    Ok((found, cursor.is_some()))
}

/// What was shown, which tells what is new.
#[derive(Debug)]
pub struct News {
    versions: HashMap<String, String>,
    /// An unknown notification received before this was left out at the start, and stays out.
    since: Option<OffsetDateTime>,
}

impl News {
    /// Takes a list, newest first. Returns what to show, oldest first. The rest counts as shown.
    pub fn begin(list: &[Value], limit: usize) -> (Self, Vec<Value>) {
        let since = list.last().and_then(received);
        let versions = list.iter().map(|item| (shown::text(&item["ref"]), version(item))).collect();
        (Self { versions, since }, list.iter().take(limit).rev().cloned().collect())
    }

    fn knows(&self, item: &Value) -> bool {
        self.versions.contains_key(&shown::text(&item["ref"]))
    }

    /// Takes a list, newest first. Returns what is new or has changed, oldest first.
    pub fn of(&mut self, list: &[Value]) -> Vec<Value> {
        if self.versions.len() > KNOWN {
            self.versions.retain(|name, _| list.iter().any(|item| item["ref"] == *name));
        }
        let mut news = vec![];
        for item in list.iter().rev() {
            let is_news = match self.versions.insert(shown::text(&item["ref"]), version(item)) {
                Some(before) => before != version(item),
                None => self.since.is_none_or(|since| received(item).is_none_or(|at| at >= since)),
            };
            if is_news {
                news.push(item.clone());
            }
        }
        news
    }
}

fn version(item: &Value) -> String {
    format!("{}{}{}", item["state"], item["reason"], item["feedback"])
}

fn received(item: &Value) -> Option<OffsetDateTime> {
    moment(item["received_at"].as_str()?).ok()
}

fn print(news: &[Value], format: Format) -> Result<(), Failure> {
    for item in news {
        line(&match format {
            Format::Json => escaped(&item.to_string()),
            Format::Table => shown::line(item),
        })?;
    }
    Ok(())
}
