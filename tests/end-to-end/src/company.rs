use crate::{Record, Stack, until};
use standin::{Emitted, NewTenant, Subscription, TenantClient};
use uuid::Uuid;

/// The values of `infra/local/settings.json`.
pub const ROUTE: &str = "erp";
pub const SUBSCRIPTION: &str = "local-erp";
pub const SIGNING_SECRET: &str = "local-erp-signing-secret";
pub const PATH_TOKEN: &str = "local-legacy-path-token-0123456789abcdef";
pub const CLIENT_SECRET: &str = "standin-secret";

/// A company in the stand-in for Visma Net, with all subscriptions.
#[derive(Debug, Clone)]
pub struct Company {
    pub stack: Stack,
    pub visma: TenantClient,
    pub tenant: String,
}

impl Company {
    /// The company with this number in the settings. Each number belongs to one test.
    pub async fn new(number: u32) -> Self {
        let stack = Stack::load().await;
        let tenant_id = Uuid::parse_str(&format!("10000000-0000-4000-8000-{number:012}")).expect("a UUID");
        let company_id = Some((7_000_000 + number).to_string());
        let visma = match stack.standin.tenant(tenant_id).await {
            Ok(visma) => visma,
            Err(_) => {
                let new = NewTenant { tenant_id, company_id, ..NewTenant::default() };
                stack.standin.create_tenant(new).await.expect("a new company")
            }
        };
        visma.reset().await.expect("a fresh company");
        let (id, secret, route) = (SUBSCRIPTION.to_owned(), SIGNING_SECRET.to_owned(), ROUTE.to_owned());
        visma.set_subscriptions(&[Subscription { id, secret, route, event: None }]).await.expect("a subscription");
        visma.set_legacy_token(Some(PATH_TOKEN)).await.expect("a path token");
        Self { stack, visma, tenant: tenant_id.to_string() }
    }

    /// The record of a notification, once its state and its feedback are as given.
    pub async fn ended(&self, id: Uuid, state: &str, feedback: &str) -> Record {
        until(&format!("notification {id} to be {state} with feedback {feedback}"), async || {
            let records = self.stack.records_of(&self.tenant, id).await;
            records.into_iter().find(|record| record.state == state && record.feedback == feedback)
        })
        .await
    }

    /// The record of an emission's only notification, processed and answered.
    pub async fn answered(&self, emitted: &Emitted) -> Record {
        assert!(emitted.all_delivered(), "not delivered: {emitted:?}");
        self.ended(emitted.notification_ids[0], "processed", "sent").await
    }

    /// The feedback on a notification at Visma Net: success and description.
    pub async fn feedback(&self, id: Uuid) -> Vec<(bool, String)> {
        let all = self.visma.feedback().await.expect("the stand-in answers");
        let own = all.into_iter().filter(|feedback| feedback.notification_id == id);
        own.map(|feedback| (feedback.is_success.unwrap_or_default(), feedback.description.unwrap_or_default()))
            .collect()
    }
}
