//! Visma Connect and the ERP at the level of HTTP. The functions' own client calls them, so its
//! tokens, limits and error handling take part in each run.

use crate::check::{Met, Told};
use crate::effect::Port;
use crate::faults::Fault;
use crate::model::erp::{LONG_RETRY_AFTER, Mood, RETRY_AFTER, TENANTS, TOKEN_LIFETIME};
use crate::planted::Sabotage;
use crate::world::World;
use lambda_http::http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use webhooks_model::ResourcePath;
use webhooks_model::collection::Collection;
use webhooks_visma::{Answer, Body, Exchange, Fault as Broken, Request, VismaClient};

/// After this time without a request, a server may close a connection.
const IDLE: Duration = Duration::seconds(60);
/// What an answer may say in an outage, in seconds.
const OUTAGE_RETRY_AFTER: [Option<u64>; 4] = [None, Some(0), Some(10), Some(600)];
/// What the gateway answers if it knows no such path.
const NO_PATH: &str = r#"{"statusCode": 404, "message": "Resource not found"}"#;

pub(crate) type Client = VismaClient<Port, Port>;

/// A request.
struct Asked {
    tenant: String,
    token: Option<String>,
    what: What,
}

enum What {
    Token,
    /// Its path.
    Resource(String),
    List {
        collection: Collection,
        since: OffsetDateTime,
        page: usize,
    },
    Feedback {
        id: Uuid,
        told: Told,
        decided: Option<String>,
    },
}

impl Asked {
    /// The calls that have a limit together: the tenant's, or those to its sales orders of version 1
    /// (docs/visma-net.md#rate-limits).
    fn window(&self) -> String {
        match &self.what {
            What::Resource(path) if path.contains("v1/salesorder/") => format!("{}, old orders", self.tenant),
            _ => self.tenant.clone(),
        }
    }
}

pub(crate) struct Answered {
    status: StatusCode,
    headers: HeaderMap,
    /// `None` if it is cut off.
    body: Option<String>,
}

impl Exchange for Port {
    type Answer = Answered;

    async fn send(&self, request: Request<'_>) -> Result<Answered, Broken> {
        let instance = self.instance;
        let asked = self.sim.world().reads_request(instance, &request);
        self.sim.world().sends_request(instance, &asked);
        let (tenant, window, token) = (asked.tenant.clone(), asked.window(), asked.token.clone());
        let (what, is_write) = (asked.what.name(), matches!(asked.what, What::Feedback { .. }));
        let ask = move |world: &mut World| world.visma_net_answers(instance, asked);
        let answer = self.call(what, is_write, broken, ask).await?;
        Ok(self.sim.world().hears(instance, (&tenant, &window), token.as_deref(), answer))
    }
}

fn broken(reason: &'static str) -> Broken {
    if reason == "refused" { Broken::Connection } else { Broken::Timeout }
}

impl Answer for Answered {
    fn status(&self) -> StatusCode {
        self.status
    }

    fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    async fn body(self, limit: usize) -> Result<Vec<u8>, Broken> {
        let body = self.body.ok_or(Broken::Unreadable)?;
        if body.len() > limit { Err(Broken::TooLarge) } else { Ok(body.into_bytes()) }
    }
}

impl Answered {
    fn new(status: StatusCode, body: String) -> Self {
        Self { status, headers: HeaderMap::new(), body: Some(body) }
    }

    fn empty(status: StatusCode) -> Self {
        Self::new(status, String::new())
    }

    fn token(token: &str) -> Self {
        let lifetime = TOKEN_LIFETIME.whole_seconds();
        let body = json!({"access_token": token, "expires_in": lifetime, "token_type": "Bearer"});
        Self::new(StatusCode::OK, body.to_string())
    }

    /// The calls are used up.
    fn limited(wait: std::time::Duration) -> Self {
        let mut answer = Self::empty(StatusCode::TOO_MANY_REQUESTS);
        let wait = wait.as_secs();
        let headers = [
            ("retry-after", wait),
            ("x-ratelimit-reset", wait),
            ("x-ratelimit-remaining", 0),
            ("x-ratelimit-limit", 500),
        ];
        for (name, value) in headers {
            answer.headers.insert(name, HeaderValue::from(value));
        }
        answer
    }
}

impl What {
    fn name(&self) -> &'static str {
        match self {
            Self::Token => "asks for a token",
            Self::Resource(_) => "fetches a resource",
            Self::List { .. } => "lists what changed",
            Self::Feedback { .. } => "sends feedback",
        }
    }

    /// A list by its path and its parameters.
    fn list(path: &str, query: &BTreeMap<String, String>) -> Option<Self> {
        let collection = Collection::ALL.into_iter().find(|one| one.path() == path)?;
        let since = query.get("modifiedSince").or_else(|| query.get("lastModifiedDateTime"))?;
        let since = OffsetDateTime::parse(&format!("{}Z", since.trim_end_matches('Z')), &Rfc3339).ok()?;
        let number = |name: &str| query.get(name).and_then(|text| text.parse::<usize>().ok());
        let from_one = number("pageNumber").map(|page| page.saturating_sub(1));
        let page = number("pageIndex").or(from_one).unwrap_or_default();
        Some(Self::List { collection, since, page })
    }
}

impl World {
    fn reads_request(&self, instance: usize, request: &Request<'_>) -> Asked {
        let token = request.token.map(|token| token.reveal().to_owned());
        let holder = token.as_deref().and_then(|token| self.erp.connect.holder(token));
        let tenant = holder.unwrap_or_default().to_owned();
        match &request.body {
            Some(Body::Form(form)) => {
                let tenant = form.rsplit_once("tenant_id=").map_or("", |(_, tenant)| tenant);
                Asked { tenant: tenant.to_owned(), token, what: What::Token }
            }
            Some(Body::Json(json)) => {
                let sent: Value = serde_json::from_slice(json).expect("the client sends JSON");
                let text = |name: &str| sent[name].as_str().unwrap_or_default().to_owned();
                let id = Uuid::try_parse(&text("notificationId")).unwrap_or_default();
                let is_success = sent["isSuccess"] == true;
                let told = Told { is_success, description: text("description"), source: text("source") };
                Asked { tenant, token, what: What::Feedback { id, told, decided: self.checks.decided(instance, id) } }
            }
            None => {
                let path = request.url.path().trim_start_matches('/');
                let query: BTreeMap<String, String> = request.url.query_pairs().into_owned().collect();
                let what = What::list(path, &query).unwrap_or_else(|| What::Resource(path.to_owned()));
                Asked { tenant, token, what }
            }
        }
    }

    /// Called before the request is on its way.
    fn sends_request(&mut self, instance: usize, asked: &Asked) {
        let now = self.now;
        let windows = [asked.tenant.clone(), asked.window()];
        self.checks.calls_visma_net(instance, &windows, asked.token.as_deref(), now);
    }

    /// Called when the client gets the answer. A request for a token has none.
    fn hears(
        &mut self,
        instance: usize,
        (tenant, window): (&str, &str),
        token: Option<&str>,
        mut answer: Answered,
    ) -> Answered {
        let now = self.now;
        match (answer.status.as_u16(), token) {
            (429, _) => {
                let wait = answer.headers.get("retry-after").and_then(|wait| wait.to_str().ok()?.parse().ok());
                let until = now + Duration::seconds(wait.unwrap_or_default());
                self.checks.pacing.limited(instance, window, until);
                if self.is(Sabotage::LimitIgnored) {
                    answer.headers.clear();
                }
            }
            (401, Some(token)) => self.checks.pacing.refused(instance, tenant, token, now),
            (200, None) => {
                let refused = self.checks.pacing.replaced(instance, tenant);
                if let Some(refused) = refused {
                    self.checks.meets(Met::TokenReplaced);
                    if self.is(Sabotage::RefusedTokenKept) {
                        answer = Answered::token(&refused);
                    }
                }
            }
            (_, Some(_)) => self.checks.pacing.accepted(instance),
            _ => {}
        }
        answer
    }

    fn visma_net_answers(&mut self, instance: usize, asked: Asked) -> Result<Answered, Broken> {
        if let What::Resource(path) = &asked.what {
            let hostile = self.is(Sabotage::FollowsPayloadUrl).then(|| self.hostile_uri()).flatten();
            self.checks.fetched(hostile.as_deref().unwrap_or(path));
        }
        if self.is_stale(instance, &asked.what) {
            return Err(Broken::Connection);
        }
        if let Some(refusal) = self.turns_away(instance, &asked) {
            return Ok(refusal);
        }
        let is_read = !matches!(asked.what, What::Feedback { .. });
        let mut answer = self.carries_out(instance, asked);
        if is_read && answer.status.is_success() && self.strikes(Fault::LostAnswer) {
            self.touch(instance);
            let who = self.name_of(instance);
            self.tell(&who, || "gets half an answer".to_owned());
            answer.body = None;
        }
        Ok(answer)
    }

    /// Whether the server has closed the connection meanwhile, so that the request does not arrive.
    fn is_stale(&mut self, instance: usize, what: &What) -> bool {
        let is_connect = matches!(what, What::Token);
        let last = self.connections.insert((instance, is_connect), self.now);
        let was_idle = last.is_some_and(|last| self.now - last >= IDLE);
        let is_stale = was_idle && self.strikes(Fault::Refusal);
        if is_stale {
            self.touch(instance);
            self.checks.meets(Met::StaleConnection);
            let who = self.name_of(instance);
            self.tell(&who, || "finds its connection closed".to_owned());
        }
        is_stale
    }

    /// An answer that does not depend on the content of the request.
    fn turns_away(&mut self, instance: usize, asked: &Asked) -> Option<Answered> {
        let (mood, now, is_token) = (self.erp.mood, self.now, matches!(asked.what, What::Token));
        if mood != Mood::Fine {
            self.touch(instance);
        }
        let who = self.name_of(instance);
        self.tell(&who, || format!("{}: Visma Net is {mood:?}", asked.what.name()));
        let is_first = asked.tenant == TENANTS[0].0;
        let is_valid = asked.token.as_deref().is_some_and(|token| self.erp.connect.is_valid(token, now));
        let status = match mood {
            Mood::Outage => return Some(self.fails_for_all(&who, &asked.what)),
            Mood::ConnectRefuses if is_token && is_first => StatusCode::BAD_REQUEST,
            _ if is_token => return None,
            Mood::RateLimited => {
                let is_feedback = matches!(asked.what, What::Feedback { .. });
                let is_dropped = is_feedback && self.is(Sabotage::FeedbackDroppedWhenLimited);
                let is_long = is_feedback && self.choices.below(2) == 1;
                let wait = if is_long { LONG_RETRY_AFTER } else { RETRY_AFTER };
                return Some(if is_dropped { Answered::empty(StatusCode::OK) } else { Answered::limited(wait) });
            }
            _ if !is_valid => {
                self.touch(instance);
                self.refused_tokens.insert(instance, self.now);
                self.tell(&who, || "is told that its token is not valid".to_owned());
                StatusCode::UNAUTHORIZED
            }
            Mood::Forbidden if is_first => StatusCode::FORBIDDEN,
            _ => return None,
        };
        Some(Answered::empty(status))
    }

    /// The answer in an outage. In front of the API it may be a 404 (docs/visma-net.md#errors). Half of
    /// the others have a Retry-After.
    fn fails_for_all(&mut self, who: &str, what: &What) -> Answered {
        let statuses = [StatusCode::SERVICE_UNAVAILABLE, StatusCode::INTERNAL_SERVER_ERROR, StatusCode::BAD_GATEWAY];
        let is_behind_gateway = matches!(what, What::Resource(_) | What::Feedback { .. });
        let chosen = self.choices.below(statuses.len() + usize::from(is_behind_gateway));
        let Some(status) = statuses.get(chosen) else {
            self.tell(who, || "is told 404 by the gateway".to_owned());
            return Answered::new(StatusCode::NOT_FOUND, NO_PATH.to_owned());
        };
        let mut answer = Answered::empty(*status);
        if let Some(wait) = OUTAGE_RETRY_AFTER[self.choices.pick_aside(&[3, 1, 1, 1])] {
            self.checks.meets(Met::OutageWithRetryAfter);
            self.tell(who, || format!("is told to wait {wait} s"));
            answer.headers.insert("retry-after", HeaderValue::from(wait));
        }
        answer
    }

    fn carries_out(&mut self, instance: usize, asked: Asked) -> Answered {
        let tenant = asked.tenant;
        match asked.what {
            What::Token => Answered::token(&self.erp.connect.issue(&tenant, self.now)),
            What::Resource(path) => match self.resource(&tenant, &path) {
                Some(json) => Answered::new(StatusCode::OK, json),
                None => Answered::empty(StatusCode::NOT_FOUND),
            },
            What::List { collection, since, page } => {
                Answered::new(StatusCode::OK, self.erp.list(&tenant, collection, since, page))
            }
            What::Feedback { id, told, decided } => {
                Answered::empty(self.takes_feedback(instance, id, told, decided.as_deref()))
            }
        }
    }

    fn resource(&self, tenant: &str, path: &str) -> Option<String> {
        let path = ResourcePath::parse(path).ok()?;
        let record = self.erp.find(tenant, path.entity(), &path.key().unwrap_or_default())?;
        Some(record.json())
    }

    fn takes_feedback(&mut self, instance: usize, id: Uuid, mut told: Told, decided: Option<&str>) -> StatusCode {
        if !self.erp.sent.values().any(|sent| sent.id == Some(id)) {
            return StatusCode::NOT_FOUND;
        }
        if let Some(status) = self.refuses_feedback(instance, id) {
            return status;
        }
        if self.is(Sabotage::FeedbackChangesItsMind) {
            told.description.push_str(&format!(" (call {})", self.calls_made));
        }
        self.retells(&mut told.description);
        let who = self.name_of(instance);
        self.tell(&who, || format!("feedback taken for {id}: {}", told.description));
        self.checks.told_as_decided(id, decided, &told.description);
        let World { checks, table, erp, .. } = &mut *self;
        checks.told_together(id, &told, table, erp);
        self.checks.told(id, told);
        StatusCode::OK
    }
}
