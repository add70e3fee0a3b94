//! The real effects.

use crate::access::Roles;
use crate::console::Console;
use crate::ports::{Operations, Ports};
use webhooks_host::{SystemHost, Variables};
use webhooks_queue::Queue;
use webhooks_store::Table;
use webhooks_wiring::{Surroundings, prepared};

/// AWS.
pub struct Real;

impl Ports for Real {
    type Store = Table;
    type Queue = Queue;
    type Host = SystemHost;
}

/// The function as the environment describes it.
///
/// # Errors
/// Names the variable that is missing or wrong.
pub fn operations() -> Result<Operations<Real>, lambda_http::Error> {
    let surroundings = Surroundings::load()?;
    Ok(Operations {
        store: surroundings.table()?,
        notifications: surroundings.queue("NOTIFICATIONS_QUEUE_URL")?,
        feedback: surroundings.queue("FEEDBACK_QUEUE_URL")?,
        repairs: surroundings.queue("REPAIRS_QUEUE_URL")?,
        dead_letters: surroundings.dead_letters()?,
        host: SystemHost,
        roles: Roles::from_environment()?,
    })
}

/// Opens connections, so that the first request finds them open. Which queue is asked is all the same.
pub async fn prepare(operations: &Operations<Real>) {
    let queue = async {
        if let Some((_, queue)) = operations.dead_letters.first() {
            prepared("a queue", queue.connect()).await;
        }
    };
    tokio::join!(prepared("the table", operations.store.connect()), queue);
}

/// The console as the environment describes it. Without an issuer, or without a client, tokens are pasted.
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
    }
}
