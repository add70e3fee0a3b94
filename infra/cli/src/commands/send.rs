//! `send`: signs and posts a test notification as the Visma Webhook Dispatcher does
//! (docs/visma-net.md#delivery-request, docs/visma-net.md#bodies).

use crate::candidates;
use crate::error::{Exit, Failure};
use crate::output::{Outcome, Report, fields};
use crate::settings::{Documents, SecretsManager, edit};
use crate::stack::Stack;
use crate::text::secret_from_stdin;
use clap::Args;
use serde_json::{Map, Value, json};
use std::time::Duration;
use time::OffsetDateTime;
use url::Url;
use uuid::Uuid;
use webhooks_host::{Host, SystemHost};
use webhooks_model::{Channel, EventType, ResourcePath, Ticks, catalogue};
use webhooks_settings::{Settings, Subscription};
use webhooks_signature::Signature;

const TIMEOUT: Duration = Duration::from_secs(30);
const LONGEST_ANSWER: usize = 2000;

#[derive(Debug, Args)]
pub struct Options {
    /// The event to send, by its name in the catalogue (docs/visma-net-events.md)
    #[arg(long, default_value = "ACCOUNT_CHANGED", add = candidates::event())]
    event: String,
    /// The number of the changed entity: an account, SO/000123, ...
    #[arg(long, default_value = "1920")]
    key: String,
    /// The tenant; by default the subscription's only one, or the first in the settings
    #[arg(long, add = candidates::tenant_id())]
    tenant: Option<String>,
    /// The document's new status
    #[arg(long)]
    status: Option<String>,
    /// Sign as this subscription of the settings; the first one by default
    #[arg(long, value_name = "ID", add = candidates::subscription())]
    subscription: Option<String>,
    /// Read the secret from standard input, and do not read the settings document
    #[arg(long, requires = "url")]
    secret_stdin: bool,
    /// Post to this address instead of the stack's
    #[arg(long)]
    url: Option<Url>,
    /// Show the request without sending it
    #[arg(long)]
    dry_run: bool,
}

/// A test notification before it is signed.
#[derive(Debug, Clone)]
pub struct Test<'a> {
    pub event: &'static EventType,
    pub key: &'a str,
    pub tenant: Option<&'a str>,
    pub company: Option<&'a str>,
    pub status: Option<&'a str>,
    pub subscription: Option<&'a str>,
    pub id: Uuid,
    pub now: OffsetDateTime,
}

impl Test<'_> {
    /// One object in the shape of the captured item (docs/visma-net.md#legacy-message), since no
    /// current body is published (docs/visma-net.md#bodies).
    pub fn body(&self) -> String {
        let path = ResourcePath::for_entity(self.event.entity, self.key).map(|path| path.to_string());
        let path = path.map(|path| if path.starts_with("api/") { path } else { format!("api/{path}") });
        let pairs = [
            ("notificationId", Some(json!(self.id))),
            ("contextId", self.company.map(Value::from)),
            ("event", Some(json!(self.event.id))),
            // Events without a resource of their own name their subject by its number.
            ("number", path.is_none().then(|| json!(self.key))),
            ("relativeResourceUri", path.map(Value::from)),
            ("status", self.status.map(Value::from)),
            ("timeStamp", Some(json!(Ticks::from_datetime(self.now).get()))),
        ];
        let named = pairs.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
        Value::Object(named.collect::<Map<_, _>>()).to_string()
    }

    /// The dispatcher's headers. Only the body is signed.
    pub fn headers(&self, secret: &str, body: &str) -> Vec<(&'static str, String)> {
        let millis = (self.now.unix_timestamp_nanos() / 1_000_000).to_string();
        let mut headers = vec![
            ("content-type", "application/json".to_owned()),
            ("x-vwd-signature-v1", Signature::sign(secret, body.as_bytes()).to_string()),
            ("x-vwd-event-id", self.event.id.to_owned()),
            ("x-vwd-notification-id", self.id.to_string()),
            ("x-vwd-notification-timestamp", millis.clone()),
            ("x-vwd-webhook-timestamp", millis),
        ];
        headers.extend(self.subscription.map(|id| ("x-vwd-subscription-id", id.to_owned())));
        headers.extend(self.tenant.map(|tenant| ("x-vwd-tenant-id", tenant.to_owned())));
        headers
    }
}

/// The subscription that signs the test, and the address.
struct Sender {
    url: Url,
    secret: String,
    channel: Channel,
    subscription: Option<String>,
    tenant: Option<String>,
    company: Option<String>,
}

/// # Errors
/// There is no such event or subscription, no live secret, or no answer. An answer other than
/// intake's acceptance is a report with its exit code.
pub async fn run(stack: &Stack, options: Options) -> Outcome {
    let event = catalogue::find(&options.event).ok_or_else(|| {
        let advice = "Name an event of docs/visma-net-events.md, such as ACCOUNT_CHANGED, \
                      CUSTOMER_UPDATED or SALESORDER_CREATED.";
        Failure::usage(format!("no event of the catalogue is called {}", options.event), advice)
    })?;
    let now = SystemHost.now();
    let sender = sender(stack, &options, now).await?;
    let test = Test {
        event,
        key: &options.key,
        tenant: sender.tenant.as_deref(),
        company: sender.company.as_deref(),
        status: options.status.as_deref(),
        subscription: sender.subscription.as_deref(),
        id: Uuid::new_v4(),
        now,
    };
    let (body, headers) = match sender.channel {
        Channel::Dispatcher => (test.body(), test.headers(&sender.secret, &test.body())),
        Channel::Legacy => (format!("[{}]", test.body()), vec![("content-type", "application/json".to_owned())]),
    };
    if options.dry_run {
        return Ok(unsent(&sender, &headers, &body));
    }
    if sender.channel == Channel::Legacy {
        require_tls(&sender.url, "intake")?;
    }
    post(&sender, test.id, headers, body).await
}

async fn sender(stack: &Stack, options: &Options, now: OffsetDateTime) -> Result<Sender, Failure> {
    if let (true, Some(url)) = (options.secret_stdin, &options.url) {
        let Options { subscription, tenant, .. } = options;
        let (subscription, tenant) = (subscription.clone(), tenant.clone());
        let secret = secret_from_stdin()?;
        return Ok(Sender {
            url: url.clone(),
            secret,
            channel: Channel::Dispatcher,
            subscription,
            tenant,
            company: None,
        });
    }
    let client = aws_sdk_secretsmanager::Client::new(&stack.aws);
    let document = SecretsManager::new(client, stack.output("SettingsSecretArn").await?).read().await?;
    let settings = edit::valid(&document.text)?;
    let own = match &options.subscription {
        Some(id) => settings.subscription(id).ok_or_else(|| edit::unknown(id))?,
        None => settings.subscriptions.first().ok_or_else(|| {
            let advice = "Add one: visma-webhooks subscriptions add --help.";
            Failure::new(Exit::NotFound, "the settings have no subscription", advice)
        })?,
    };
    let (secret, path) = credentials(own, now)?;
    let url = match &options.url {
        Some(url) => url.clone(),
        None => address(&stack.output("ApiUrl").await?, &path)?,
    };
    let tenant = tenant(options, own, &settings);
    let company = settings.tenants.iter().find(|one| Some(&one.id) == tenant.as_ref());
    let company = company.and_then(|one| one.company_id.clone());
    Ok(Sender { url, secret, channel: own.channel, subscription: Some(own.id.clone()), tenant, company })
}

fn tenant(options: &Options, own: &Subscription, settings: &Settings) -> Option<String> {
    let first = || settings.tenants.iter().map(|one| one.id.as_str()).find(|id| own.serves(id));
    options.tenant.as_deref().or(own.sole_tenant()).or_else(first).map(str::to_owned)
}

/// The newest live secret, and the path to post to.
fn credentials(own: &Subscription, now: OffsetDateTime) -> Result<(String, String), Failure> {
    if let Some(token) = &own.path_token {
        return Ok((String::new(), format!("/hooks/visma/legacy/{}", token.reveal())));
    }
    let live = own.newest_secret(now).ok_or_else(|| {
        let advice = format!("If it is to deliver again: visma-webhooks subscriptions enable {}.", own.id);
        Failure::new(Exit::Refused, format!("{} has no live secret", own.id), advice)
    })?;
    Ok((live.value.reveal().to_owned(), format!("/hooks/visma/{}", own.route)))
}

/// # Errors
/// `base` is not a URL.
pub(crate) fn address(base: &str, path: &str) -> Result<Url, Failure> {
    let joined = format!("{}{path}", base.trim_end_matches('/'));
    // A name and a port would parse as a scheme.
    let url = Url::parse(&joined).ok().filter(|url| ["http", "https"].contains(&url.scheme()));
    url.ok_or_else(|| {
        let advice = "Give --local for the stack of cargo xtask up, or --set ApiUrl=https://...";
        Failure::usage(format!("the address of the API is not a URL: {base}"), advice)
    })
}

/// # Errors
/// A token in a request to this address would go to another machine without TLS.
pub(crate) fn require_tls(url: &Url, what: &str) -> Result<(), Failure> {
    if url.scheme() == "https" || is_here(url) {
        return Ok(());
    }
    let advice = "Anybody on the way could read the token and the answers. Give the address with https. If it has \
                  none, forward a port of this machine to it and name that: http://localhost:PORT.";
    let host = url.host_str().unwrap_or_default();
    Err(Failure::usage(format!("{what} at {host} would be called without TLS"), advice))
}

/// # Errors
/// TLS cannot be set up.
pub(crate) fn http() -> Result<reqwest::Client, Failure> {
    built(client())
}

/// The same for this address. No proxy reaches a server on this machine.
///
/// # Errors
/// As [`http`].
pub(crate) fn http_to(url: &Url) -> Result<reqwest::Client, Failure> {
    if is_here(url) { direct_http() } else { http() }
}

/// Whether it is an address of this machine.
pub(crate) fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// The same without the proxies of the environment.
///
/// # Errors
/// As [`http`].
pub(crate) fn direct_http() -> Result<reqwest::Client, Failure> {
    built(client().no_proxy())
}

fn client() -> reqwest::ClientBuilder {
    reqwest::Client::builder().timeout(TIMEOUT).redirect(reqwest::redirect::Policy::none())
}

fn built(client: reqwest::ClientBuilder) -> Result<reqwest::Client, Failure> {
    client.build().map_err(|error| Failure::http("set up TLS", &error))
}

fn unsent(sender: &Sender, headers: &[(&str, String)], body: &str) -> Report {
    let lines: String = headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
    let named = headers.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect::<Map<_, _>>();
    let url = shown(sender);
    let json = json!({ "sent": false, "url": url, "headers": named, "body": body });
    Report::new(json, format!("POST {url}\n{lines}\n{body}"))
}

/// The address without the legacy channel's token.
fn shown(sender: &Sender) -> String {
    match sender.channel {
        Channel::Dispatcher => sender.url.to_string(),
        Channel::Legacy => format!("{}/hooks/visma/legacy/[secret]", sender.url.origin().ascii_serialization()),
    }
}

async fn post(sender: &Sender, id: Uuid, headers: Vec<(&'static str, String)>, body: String) -> Outcome {
    let request = headers
        .into_iter()
        .fold(http_to(&sender.url)?.post(sender.url.clone()), |request, (name, value)| request.header(name, value));
    let answer = request.body(body).send().await.map_err(|error| Failure::http("post the notification", &error))?;
    let status = answer.status().as_u16();
    let text = answer.text().await.map_err(|error| Failure::http("read the answer", &error))?;
    let text: String = text.chars().take(LONGEST_ANSWER).collect();
    let body: Value = serde_json::from_str(&text).unwrap_or_else(|_| Value::String(text.clone()));
    let delivery = body["delivery"].as_str().unwrap_or_default().to_owned();
    let (exit, advice) = verdict(status, &body);
    let json = json!({ "status": status, "answer": body, "notification": id, "delivery": delivery, "advice": advice });
    let text = fields([
        ("status", status.to_string()),
        ("answer", text),
        ("notification", id.to_string()),
        ("delivery", delivery),
        ("advice", advice.to_owned()),
    ]);
    Ok(Report::new(json, text).with_exit(exit))
}

fn is_acceptance(answer: &Value) -> bool {
    answer["accepted"] == true && answer["delivery"].as_str().is_some_and(|id| Uuid::try_parse(id).is_ok())
}

/// The exit code and advice for an answer of intake (functions/intake/README.md).
pub fn verdict(status: u16, answer: &Value) -> (Exit, &'static str) {
    match (status, answer["code"].as_str().unwrap_or_default()) {
        (202, _) if is_acceptance(answer) => (Exit::Ok, ""),
        (200..300, _) => (
            Exit::Failed,
            "Intake answers 202 with the id of the delivery, so something else answered and nothing is accepted: \
             use the API's own address.",
        ),
        (401, "signature_mismatch") => {
            (Exit::Refused, "No live secret of this route made the signature: see subscriptions list.")
        }
        (401, _) => {
            (Exit::Refused, "Something between here and intake changes the headers: use the API's own address.")
        }
        (403, _) => (Exit::Refused, "source_ips is enforced in the settings, and this machine is not listed."),
        (404, _) => {
            (Exit::NotFound, "The settings have no such route, or the address is another one: see subscriptions list.")
        }
        (429 | 500.., _) => {
            (Exit::Unavailable, "The receiver cannot take it now: run doctor, and look at intake's log.")
        }
        _ => (Exit::Failed, "See the answer; the codes are explained in functions/intake/README.md."),
    }
}
