//! Calls to the operations API, and the credentials for them, for both values of
//! `OperationsAuthorizer`.

use super::Access;
use crate::commands::send::{address, http_to, require_tls};
use crate::error::{Exit, Failure};
use crate::signer::Signer;
use crate::stack::Stack;
use crate::terminal::say;
use reqwest::{Method, Request, RequestBuilder};
use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use url::Url;

/// The API's own limit of items of a page.
const LONGEST_PAGE: usize = 100;
/// API Gateway ends a slow call after 30 seconds, with an answer of its own. A client that waits no
/// longer than that, the connection included, misses right answers.
const LONGEST_CALL: Duration = Duration::from_secs(40);

const LEFT_OUT: &str =
    "Some items are not shown: a newer version of the product wrote them. Deploy that version again.";

const TOKEN: &str = "VISMA_WEBHOOKS_TOKEN";

/// A token comes only from the environment: on the command line, every list of processes would show
/// it.
#[derive(Clone)]
pub enum Caller {
    /// A bearer token, for `jwt`.
    Token(String),
    /// The AWS credentials, which sign every request, for `iam`.
    Aws,
}

impl Caller {
    #[must_use]
    pub fn from_environment() -> Self {
        match std::env::var(TOKEN) {
            Ok(token) if !token.trim().is_empty() => Self::Token(token.trim().to_owned()),
            _ => Self::Aws,
        }
    }

    /// The advice for a 401 or 403 of API Gateway itself.
    fn advice(&self, status: u16) -> &'static str {
        match (self, status) {
            (Self::Token(_), 401) => {
                "The token has ended or is another API's: get a new one (infra/DEPLOY.md, step 6)."
            }
            (Self::Token(_), _) => "The token lacks the role; functions/operations/README.md says which.",
            (Self::Aws, _) => {
                "Without VISMA_WEBHOOKS_TOKEN the AWS credentials signed the request, which must be allowed \
                 execute-api:Invoke where the API takes IAM, and made by a right clock. Where it takes tokens, set one \
                 (infra/DEPLOY.md, step 6)."
            }
        }
    }
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Token(_) => "Token",
            Self::Aws => "Aws",
        })
    }
}

/// The first items of a list.
pub(super) struct Items {
    pub(super) found: Vec<Value>,
    /// Whether the list goes on.
    pub(super) is_cut: bool,
    /// Whether something was left out that only a newer version can read.
    pub(super) is_short: bool,
}

pub(super) struct Client<'a> {
    http: reqwest::Client,
    base: Url,
    caller: &'a Caller,
    signer: Signer,
    has_told: AtomicBool,
}

impl<'a> Client<'a> {
    pub(super) async fn new(stack: &Stack, caller: &'a Caller, access: &Access) -> Result<Self, Failure> {
        let base = match &access.api {
            Some(api) => api.clone(),
            None => stack.output("ApiUrl").await?,
        };
        let base = address(&base, "/")?;
        require_tls(&base, "the operations API")?;
        Ok(Self {
            http: http_to(&base)?,
            base,
            caller,
            signer: Signer::new(&stack.aws),
            has_told: AtomicBool::new(false),
        })
    }

    pub(super) async fn get(&self, path: &[&str], query: &[(&str, &str)]) -> Result<Value, Failure> {
        let mut url = self.url(path);
        if !query.is_empty() {
            url.query_pairs_mut().extend_pairs(query);
        }
        self.ask(self.http.get(url)).await
    }

    /// The first items of a list, over as many pages as needed. A filter may leave nothing of a
    /// page, so all further pages are as long as possible.
    pub(super) async fn pages(&self, path: &[&str], query: &[(&str, &str)], most: usize) -> Result<Items, Failure> {
        let (mut found, mut cursor, mut is_short) = (vec![], None::<String>, false);
        loop {
            let limit = if cursor.is_none() { most.clamp(1, LONGEST_PAGE) } else { LONGEST_PAGE }.to_string();
            let cursor_given = cursor.as_deref().map(|cursor| ("cursor", cursor));
            let query: Vec<_> = query.iter().copied().chain([("limit", limit.as_str())]).chain(cursor_given).collect();
            let mut page = self.get(path, &query).await?;
            found.extend(items(&mut page)?);
            is_short |= page["left_out"].is_u64();
            cursor = page["next"].as_str().map(str::to_owned);
            if cursor.is_none() || found.len() >= most {
                break;
            }
        }
        let is_cut = cursor.is_some() || found.len() > most;
        found.truncate(most);
        Ok(Items { found, is_cut, is_short })
    }

    pub(super) async fn post(&self, path: &[&str], body: &Value) -> Result<Value, Failure> {
        self.send(Method::POST, path, body).await
    }

    pub(super) async fn send(&self, method: Method, path: &[&str], body: &Value) -> Result<Value, Failure> {
        self.ask(self.http.request(method, self.url(path)).json(body)).await
    }

    /// Escapes each segment, so that it cannot change the path.
    fn url(&self, path: &[&str]) -> Url {
        let mut url = self.base.clone();
        url.path_segments_mut().expect("an http address has a path").pop_if_empty().extend(path);
        url
    }

    async fn ask(&self, request: RequestBuilder) -> Result<Value, Failure> {
        let request = request.timeout(LONGEST_CALL).build();
        let request = request.map_err(|_| Failure::usage("the API's address is not a URL", "Check --api."))?;
        let is_read = request.method() == Method::GET;
        let answer = self.http.execute(self.authorized(request).await?).await;
        let answer = answer.map_err(|error| unanswered(&error, is_read))?;
        let status = answer.status().as_u16();
        let text = answer.text().await;
        let text = text.map_err(|error| Failure::http("read the answer of the operations API", &error))?;
        let body = serde_json::from_str::<Value>(&text);
        match (200..300).contains(&status) {
            true if is_read || !text.is_empty() => {
                let body = body.map_err(|_| no_json(status))?;
                self.tell_once(&body);
                Ok(body)
            }
            true => Ok(Value::Null),
            false => Err(refusal(status, &body.unwrap_or_default(), self.caller)),
        }
    }

    /// Says on standard error that a list leaves something out that only a newer version can read.
    fn tell_once(&self, answer: &Value) {
        if answer["left_out"].is_u64() && !self.has_told.swap(true, Ordering::Relaxed) {
            say(LEFT_OUT);
        }
    }

    async fn authorized(&self, mut request: Request) -> Result<Request, Failure> {
        match self.caller {
            Caller::Token(token) => {
                let unfit = |_| Failure::usage("the token is not valid", "Check VISMA_WEBHOOKS_TOKEN.");
                let mut bearer: reqwest::header::HeaderValue = format!("Bearer {token}").parse().map_err(unfit)?;
                bearer.set_sensitive(true);
                request.headers_mut().insert("authorization", bearer);
            }
            Caller::Aws => self.signer.sign(&mut request, "execute-api").await.map_err(or_a_token)?,
        }
        Ok(request)
    }
}

/// Without an answer, nobody knows whether a change was made, unless there was no connection.
fn unanswered(error: &reqwest::Error, is_read: bool) -> Failure {
    let failure = Failure::http("reach the operations API", error);
    if is_read || error.is_connect() {
        return failure;
    }
    let advice = "It may have been carried out all the same: look with get, jobs list or audit before you repeat it.";
    Failure { advice: advice.to_owned(), ..failure }
}

fn or_a_token(failure: Failure) -> Failure {
    Failure { advice: format!("{} Or set VISMA_WEBHOOKS_TOKEN.", failure.advice), ..failure }
}

/// The items of a list. An answer without them would look like an empty list.
pub(super) fn items(list: &mut Value) -> Result<Vec<Value>, Failure> {
    match list.get_mut("items").map(Value::take) {
        Some(Value::Array(items)) => Ok(items),
        _ => Err(foreign("the operations API answered without a list")),
    }
}

/// It would look like an empty list.
fn no_json(status: u16) -> Failure {
    foreign(format!("the operations API answered {status} without JSON"))
}

fn foreign(what: impl Into<String>) -> Failure {
    Failure::new(Exit::Failed, what, "Check --api: something else may answer at this address.")
}

/// A problem document has its own advice; API Gateway's answers have none.
fn refusal(status: u16, problem: &Value, caller: &Caller) -> Failure {
    let code = problem["code"].as_str().unwrap_or_default();
    let field = problem["field"].as_str().map(|field| format!(" ({field})")).unwrap_or_default();
    let what = format!("the operations API answered {status} {code}{field}");
    let (exit, usual) = match status {
        400 | 422 => (Exit::Usage, "Correct what it names."),
        401 | 403 => (Exit::Refused, caller.advice(status)),
        404 if code.is_empty() => (Exit::NotFound, "The API is not deployed: infra/DEPLOY.md, step 6."),
        404 => (Exit::NotFound, "Look for it with tail --once."),
        409 if code == "newer_version" => (Exit::Refused, "Deploy the newer version of the product again."),
        409 => (Exit::Refused, "See its state with get."),
        500 if code == "internal" => (Exit::Failed, "Report it: it is a bug."),
        429 | 500.. => (Exit::Unavailable, "Try again in a moment."),
        _ => (Exit::Failed, "See functions/operations/README.md."),
    };
    Failure::new(exit, what.trim_end(), problem["detail"].as_str().unwrap_or(usual))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_longer_for_an_answer_than_api_gateway_does() {
        let template = include_str!("../../../../template.yaml");
        let timeouts = template.lines().filter_map(|line| line.trim().strip_prefix("TimeoutInMillis: "));
        let longest = timeouts.filter_map(|millis| millis.parse::<u64>().ok()).max().map(Duration::from_millis);
        assert!(longest.is_some_and(|longest| longest < LONGEST_CALL), "{longest:?}");
    }
}
