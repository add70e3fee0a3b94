//! Checks of Visma Net, tenant by tenant: a token, the ERP, the tenant's approval, and the sales
//! orders, which are in an API with scopes of its own (docs/visma-net.md#tokens).

use crate::commands::check::{Check, Verdict};
use crate::terminal::Progress;
use time::OffsetDateTime;
use webhooks_host::{Host, SystemHost};
use webhooks_model::notification::Directory;
use webhooks_model::walk::Window;
use webhooks_model::{Collection, Entity, ResourcePath, catalogue};
use webhooks_settings::{Settings, Subscription};
use webhooks_visma::{Fetched, Listing, Stage, Visma, VismaClient, VismaError};

/// Any account will do, even one that does not exist: the answer shows whether we may ask.
const ANY_ACCOUNT: &str = "v1/account/0";
const OF_ACCOUNTS: &str = "vismanet_erp_service_api:read";
const OF_SALES_ORDERS: &str = "visma.net.erp.salesorder:read";
const UNUSED: &str = "If the company has no sales orders: take sales_order out of reconciliation.collections.";
const USED_UP: &str = "The tenant's calls are used up for now; try again later (infra/runbooks/feedback-quota.md).";

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
        let of_accounts = approvals(&client, settings, tenant).await;
        let [token, erp, _] = of_accounts.each_ref().map(|check| check.verdict);
        checks.extend(of_accounts);
        checks.extend(match (token, erp) {
            (Verdict::Ok, Verdict::Ok) => sales_orders(&client, settings, tenant, SystemHost.now()).await,
            _ => need_of_orders(settings, tenant).map(|_| Check::skipped(of_orders(tenant), "an answer")),
        });
    }
    checks
}

/// What needs the tenant's sales orders.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Need {
    /// A subscription's event. Without the scope each of its notifications is parked.
    Event,
    /// A list of the reconciler, which has it by default.
    List,
}

fn need_of_orders(settings: &Settings, tenant: &str) -> Option<Need> {
    let fetches = |own: &Subscription| {
        let named = |name| settings.event_alias(name).or_else(|| catalogue::find(name));
        let event = own.event.as_deref().and_then(named).filter(|event| event.entity == Entity::SalesOrder);
        event.is_some_and(|event| settings.route(event.entity, event.kind).fetch)
    };
    if settings.subscriptions.iter().any(|own| own.serves(tenant) && fetches(own)) {
        return Some(Need::Event);
    }
    settings.reconciliation.collections.contains(&Collection::SalesOrder).then_some(Need::List)
}

fn of_orders(tenant: &str) -> String {
    format!("sales orders of {tenant}")
}

/// Asks for an empty list of sales orders, if something needs them.
pub async fn sales_orders(
    client: &impl Listing,
    settings: &Settings,
    tenant: &str,
    now: OffsetDateTime,
) -> Option<Check> {
    let need = need_of_orders(settings, tenant)?;
    let name = of_orders(tenant);
    let asked = client.list(&settings.visma, tenant, Collection::SalesOrder, now, Window::first(1)).await;
    let Err(error) = asked else { return Some(Check::ok(name, "may read them")) };
    let seen = error.to_string();
    Some(match error {
        VismaError::RateLimited { .. } => Check::warning(name, seen, USED_UP),
        // Which of them a missing scope gets is unknown (docs/visma-net.md#tokens).
        VismaError::TenantNotApproved { .. }
        | VismaError::TokenRefused { .. }
        | VismaError::CompanyTenantNeeded { .. } => {
            let advice = approve(settings, OF_SALES_ORDERS);
            match need {
                Need::Event => Check::failed(name, seen, advice),
                Need::List => Check::warning(name, seen, format!("{advice} {UNUSED}")),
            }
        }
        _ => {
            let advice = "Check sales_order_url in the settings, and whether Visma Net reports a disturbance.";
            Check::failed(name, seen, advice)
        }
    })
}

fn approve(settings: &Settings, scope: &str) -> String {
    let is_asked_for = settings.visma.scope.split_whitespace().any(|own| own == scope);
    let first = match is_asked_for {
        true => String::new(),
        false => format!(
            "Add {scope} to scope in the settings (shared/settings/README.md), and to the application in the Developer \
             Portal. "
        ),
    };
    format!(
        "{first}The company's administrator approves the application's scopes, with {scope}, in Visma App Store, at \
         the bottom of its page; that also lets webhooks through (docs/visma-net.md#before-anything-arrives; \
         infra/DEPLOY.md, steps 4.2 and 4.3)."
    )
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
            let advice = approve(settings, OF_ACCOUNTS);
            [Check::ok(token, "given"), Check::ok(erp, "answers"), Check::failed(approval, seen, advice)]
        }
        VismaError::RateLimited { .. } => {
            [Check::ok(token, "given"), Check::warning(erp, seen, USED_UP), Check::skipped(approval, "an answer")]
        }
        _ => {
            let advice = "Check erp_url in the settings, and whether Visma Net reports a disturbance.";
            [Check::ok(token, "given"), Check::failed(erp, seen, advice), Check::skipped(approval, "an answer")]
        }
    }
}
