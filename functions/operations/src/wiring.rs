//! The function with its AWS clients.

use crate::access::Roles;
use crate::console::Console;
use crate::elsewhere::Elsewhere;
use crate::ports::{Operations, Ports};
use webhooks_host::{SystemHost, Variables};
use webhooks_queue::Queue;
use webhooks_store::Dynamo;
use webhooks_wiring::{Environment, prepared};

/// The effects on AWS.
pub struct AwsPorts;

impl Ports for AwsPorts {
    type Items = Dynamo;
    type Queue = Queue;
    type Host = SystemHost;
}

/// Builds the function from its environment variables.
///
/// # Errors
/// A variable is missing or wrong; the error names it.
pub fn operations() -> Result<Operations<AwsPorts>, lambda_http::Error> {
    let environment = Environment::load()?;
    Ok(Operations {
        store: environment.table()?,
        notifications: environment.queue("NOTIFICATIONS_QUEUE_URL")?,
        feedback: environment.queue("FEEDBACK_QUEUE_URL")?,
        repairs: environment.queue("REPAIRS_QUEUE_URL")?,
        dead_letters: environment.dead_letters()?,
        host: SystemHost,
        roles: Roles::from_environment()?,
    })
}

/// Opens connections before the first request. All queues share one, so any queue will do.
pub async fn prepare(operations: &Operations<AwsPorts>) {
    let queue = async {
        if let Some((_, queue)) = operations.dead_letters.first() {
            prepared("a queue", queue.connect()).await;
        }
    };
    tokio::join!(prepared("the table", operations.store.connect()), queue);
}

/// Builds the console from its environment variables. Without an issuer or a client, people paste
/// their tokens.
#[must_use]
pub fn console(roles: &Roles) -> Console {
    let variables = Variables::of_process();
    let text = |name| variables.text(name).unwrap_or_default();
    Console {
        issuer: text("CONSOLE_ISSUER"),
        client_id: text("CONSOLE_CLIENT_ID"),
        scope: text("CONSOLE_SCOPE"),
        token_origin: text("CONSOLE_TOKEN_ORIGIN"),
        role_claims: roles.claims.clone(),
        role_prefix: roles.prefix.clone(),
        aws: elsewhere(&variables),
    }
}

/// With an endpoint of its own, as on this machine, it is not AWS, and AWS's console shows nothing.
fn elsewhere<F: Fn(&'static str) -> Option<String>>(variables: &Variables<F>) -> Option<Elsewhere> {
    let text = |name| variables.text(name).ok();
    if text("AWS_ENDPOINT_URL").is_some() {
        return None;
    }
    Elsewhere::new(&text("CONSOLE_PARTITION")?, &text("AWS_REGION")?, &text("CONSOLE_LOG_GROUPS")?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployed(name: &'static str) -> Option<String> {
        let value = match name {
            "CONSOLE_PARTITION" => "aws",
            "AWS_REGION" => "eu-north-1",
            "CONSOLE_LOG_GROUPS" => "/aws/lambda/webhooks-intake",
            _ => return None,
        };
        Some(value.to_owned())
    }

    #[test]
    fn there_are_links_to_awss_console_only_on_aws() {
        assert!(elsewhere(&Variables::from_fn(deployed)).is_some());
        for missing in ["CONSOLE_PARTITION", "AWS_REGION", "CONSOLE_LOG_GROUPS"] {
            let variables = Variables::from_fn(|name| deployed(name).filter(|_| name != missing));
            assert_eq!(elsewhere(&variables), None, "{missing}");
        }
        let local = |name: &'static str| {
            if name == "AWS_ENDPOINT_URL" { Some("http://127.0.0.1".to_owned()) } else { deployed(name) }
        };
        assert_eq!(elsewhere(&Variables::from_fn(local)), None);
    }
}
