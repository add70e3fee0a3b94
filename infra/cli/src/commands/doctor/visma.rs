//! Checks of Visma Net, tenant by tenant: a token, the ERP, and the tenant's approval.

use crate::commands::check::Check;
use crate::terminal::Progress;
use webhooks_host::SystemHost;
use webhooks_model::ResourcePath;
use webhooks_settings::Settings;
use webhooks_visma::{Fetched, Stage, Visma, VismaClient, VismaError};

/// Any account will do, even one that does not exist: the answer shows whether we may ask.
const ANY_ACCOUNT: &str = "v1/account/0";

pub(super) async fn check(settings: &Settings, only: &[String]) -> Vec<Check> {
    let client = match VismaClient::new(SystemHost) {
        Ok(client) => client,
        Err(error) => {
            return vec![Check::failed("Visma Net", error.to_string(), "Has this machine root certificates?")];
        }
    };
    let own: Vec<&str> = match only {
        [] => settings.tenants.iter().map(|tenant| tenant.id.as_str()).collect(),
        only => only.iter().map(String::as_str).collect(),
    };
    if own.is_empty() {
        let advice = "List them under `tenants`, and their changes are reconciled, too; or give --tenant.";
        return vec![Check::warning("Visma Net", "the settings name no tenant to ask for", advice)];
    }
    let (mut checks, mut progress) = (vec![], Progress::of(Some(own.len() as u64)));
    for (asked, tenant) in (0..).zip(&own) {
        if asked > 0 {
            progress.tell(asked, &format!("{asked} of {} tenants asked", own.len()));
        }
        checks.extend(approvals(&client, settings, tenant).await);
    }
    checks
}

/// Checks token, ERP and approval of a tenant with one call to the ERP.
pub async fn approvals(client: &impl Visma, settings: &Settings, tenant: &str) -> [Check; 3] {
    let path = ResourcePath::parse(ANY_ACCOUNT).expect("a path of a known resource");
    let [token, erp, approval] = ["token", "ERP", "approval"].map(|what| format!("{what} of {tenant}"));
    let error = match client.fetch(&settings.visma, tenant, &path).await {
        Ok(Fetched::Found(_) | Fetched::Gone) => {
            return [Check::ok(token, "given"), Check::ok(erp, "answers"), Check::ok(approval, "may read accounts")];
        }
        Err(error) => error,
    };
    let seen = error.to_string();
    let of_token = matches!(
        error,
        VismaError::RateLimited { stage: Stage::Token, .. }
            | VismaError::Unavailable { stage: Stage::Token, .. }
            | VismaError::TokenRefused { .. }
            | VismaError::Unexpected { stage: Stage::Token, .. }
    );
    match error {
        VismaError::TokenRefused { stage: Stage::Resource, .. }
        | VismaError::CompanyTenantNeeded { .. }
        | VismaError::NoLicense { .. } => {
            let seen = format!("{seen}: customer tenant, not company tenant?");
            let advice = "Visma Connect gives a token, and the ERP refuses it. So it does with the id of the \
                          customer. Put the id of the company in its place, under `tenants` or in the subscription \
                          (docs/visma-net.md#tenant-ids; infra/runbooks/notifications-parked.md).";
            [Check::ok(token, "given"), Check::failed(erp, seen, advice), Check::skipped(approval, "an answer")]
        }
        _ if of_token => {
            let advice = "Check client_id, client_secret, scope and connect_url in the settings, that the company \
                          has granted the application access, and that the id is the company's \
                          (docs/visma-net.md#tenant-ids; infra/DEPLOY.md, step 4.2).";
            [Check::failed(token, seen, advice), Check::skipped(erp, "a token"), Check::skipped(approval, "a token")]
        }
        VismaError::TenantNotApproved { .. } => {
            let advice = "The company's administrator approves the application's scopes in Visma App Store, at the \
                          bottom of its page; that also lets webhooks through \
                          (docs/visma-net.md#before-anything-arrives; infra/DEPLOY.md, steps 4.2 and 4.3).";
            [Check::ok(token, "given"), Check::ok(erp, "answers"), Check::failed(approval, seen, advice)]
        }
        VismaError::RateLimited { .. } => {
            let advice = "The tenant's calls are used up for now; try again later (infra/runbooks/feedback-quota.md).";
            [Check::ok(token, "given"), Check::warning(erp, seen, advice), Check::skipped(approval, "an answer")]
        }
        _ => {
            let advice = "Check erp_url in the settings, and whether Visma Net reports a disturbance.";
            [Check::ok(token, "given"), Check::failed(erp, seen, advice), Check::skipped(approval, "an answer")]
        }
    }
}
