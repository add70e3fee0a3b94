//! Errors of calls to Visma Net. They hold no text from outside.

use std::fmt;
use std::time::Duration;
use webhooks_model::Reason;
use webhooks_model::resource_path::Api;
use webhooks_model::retry::Next;

/// The call that failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Token,
    Resource,
    Feedback,
    List,
}

impl Stage {
    /// What the ERP's main API wants a token for (docs/visma-net.md#tokens).
    fn scope(self) -> &'static str {
        if self == Self::Feedback { "vismanet_erp_service_api:create" } else { "vismanet_erp_service_api:read" }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Token => "token",
            Self::Resource => "resource",
            Self::Feedback => "feedback",
            Self::List => "list",
        })
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum VismaError {
    #[error("{stage}: rate limited")]
    RateLimited { stage: Stage, after: Option<Duration> },
    #[error("{stage}: {fault}")]
    Unavailable { stage: Stage, fault: Fault, after: Option<Duration> },
    /// The tenant has not approved the application, or not this scope (docs/visma-net.md#errors,
    /// docs/visma-net.md#notification-feedback).
    #[error("{stage}: not approved by the tenant (403)")]
    TenantNotApproved { stage: Stage },
    /// Visma Connect gave no token, or the ERP refused even a new one.
    #[error("{stage}: no valid token ({status})")]
    TokenRefused { stage: Stage, status: u16, after: Option<Duration> },
    /// The ERP refuses each token of the tenant, though Visma Connect gives them
    /// (docs/visma-net.md#tenant-ids). It may answer so to a missing scope, too
    /// (docs/visma-net.md#tokens).
    #[error(
        "{stage}: customer tenant, not company tenant, or the scope {} is missing: Visma Connect gives \
         tokens for it, and the ERP refuses each (401)",
        .stage.scope()
    )]
    CompanyTenantNeeded { stage: Stage },
    /// The Sales Order service refuses each token of the tenant. The tenant id may be right: it
    /// is unknown which answer a missing scope gets (docs/visma-net.md#tokens).
    #[error(
        "{stage}: sales orders refuse each token (401): visma.net.erp.salesorder:read is missing or not \
         approved, or it is a customer tenant, not a company tenant"
    )]
    SalesOrdersRefused { stage: Stage },
    /// The ERP knows no license of the tenant (docs/visma-net.md#tenant-ids).
    #[error("{stage}: no license (12027): customer tenant, not company tenant, or the license has ended")]
    NoLicense { stage: Stage },
    /// The ERP refuses this feedback under this id.
    #[error("feedback: refused ({status})")]
    Refused { status: u16 },
    #[error("{stage}: unexpected answer ({status})")]
    Unexpected { stage: Stage, status: u16 },
    /// The ERP refuses one of our parameters. `most` is the largest number that it says it accepts.
    #[error("{stage}: the parameter {parameter} is refused (400){}", at_most(.most.as_ref()))]
    ParameterRefused { stage: Stage, parameter: &'static str, most: Option<usize> },
}

fn at_most(most: Option<&usize>) -> String {
    most.map(|most| format!(", at most {most} is taken")).unwrap_or_default()
}

/// Why there is no usable answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    #[error("unavailable ({0})")]
    Status(u16),
    #[error("no answer in time")]
    Timeout,
    #[error("no connection")]
    Connection,
    #[error("the answer cannot be read")]
    Unreadable,
    #[error("the answer is too large")]
    TooLarge,
}

impl VismaError {
    /// What to do about it. Before this, a refused feedback is tried under the other id.
    pub fn next(&self) -> Next {
        match *self {
            Self::RateLimited { after, .. } => Next::Retry { reason: Reason::RateLimited, after },
            Self::Unavailable { after, .. } => Next::Retry { reason: Reason::Unavailable, after },
            Self::TenantNotApproved { .. } | Self::SalesOrdersRefused { .. } => Next::Park(Reason::TenantNotApproved),
            Self::TokenRefused { stage: Stage::Token, .. } => Next::Park(Reason::TokenRefused),
            Self::CompanyTenantNeeded { .. } | Self::NoLicense { .. } => Next::Park(Reason::CompanyTenantNeeded),
            // Visma Connect has just given the token, so a person has nothing to correct yet.
            Self::TokenRefused { after, .. } => Next::Retry { reason: Reason::TokenRefused, after },
            Self::Refused { .. } | Self::Unexpected { .. } | Self::ParameterRefused { .. } => Next::Bug,
        }
    }

    /// Whether Visma Connect refused our credentials. A newer settings document may have others.
    pub fn is_refused_by_connect(&self) -> bool {
        matches!(self, Self::TokenRefused { stage: Stage::Token, .. })
    }

    /// The error of a tenant whose new tokens this API refuses each time (401).
    pub fn each_token_refused(api: Api, stage: Stage) -> Self {
        match api {
            Api::Finance => Self::CompanyTenantNeeded { stage },
            Api::SalesOrder => Self::SalesOrdersRefused { stage },
        }
    }

    pub(crate) fn unreadable(stage: Stage) -> Self {
        Self::broken(stage, Fault::Unreadable)
    }

    pub(crate) fn broken(stage: Stage, fault: Fault) -> Self {
        Self::Unavailable { stage, fault, after: None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_error_says_what_to_do_next() {
        let (stage, after) = (Stage::Resource, Some(Duration::from_secs(7)));
        for (error, next) in [
            (VismaError::RateLimited { stage, after }, Next::Retry { reason: Reason::RateLimited, after }),
            (
                VismaError::Unavailable { stage, fault: Fault::Timeout, after },
                Next::Retry { reason: Reason::Unavailable, after },
            ),
            (VismaError::TenantNotApproved { stage }, Next::Park(Reason::TenantNotApproved)),
            (
                VismaError::TokenRefused { stage: Stage::Token, status: 401, after: None },
                Next::Park(Reason::TokenRefused),
            ),
            (
                VismaError::TokenRefused { stage, status: 401, after },
                Next::Retry { reason: Reason::TokenRefused, after },
            ),
            (VismaError::CompanyTenantNeeded { stage }, Next::Park(Reason::CompanyTenantNeeded)),
            (VismaError::SalesOrdersRefused { stage }, Next::Park(Reason::TenantNotApproved)),
            (VismaError::NoLicense { stage }, Next::Park(Reason::CompanyTenantNeeded)),
            (VismaError::Refused { status: 404 }, Next::Bug),
            (VismaError::Unexpected { stage, status: 400 }, Next::Bug),
            (VismaError::ParameterRefused { stage, parameter: "orderBy", most: None }, Next::Bug),
        ] {
            assert_eq!(error.next(), next, "{error}");
        }
    }

    #[test]
    fn an_error_names_its_stage_and_status() {
        let fault = Fault::Status(503);
        let error = VismaError::Unavailable { stage: Stage::Feedback, fault, after: None };
        assert_eq!(error.to_string(), "feedback: unavailable (503)");
        assert_eq!(
            VismaError::TokenRefused { stage: Stage::Token, status: 400, after: None }.to_string(),
            "token: no valid token (400)"
        );
        for (stage, scope) in [(Stage::Feedback, "api:create is missing"), (Stage::List, "api:read is missing")] {
            let text = VismaError::CompanyTenantNeeded { stage }.to_string();
            assert!(text.contains("customer tenant, not company tenant") && text.contains(scope), "{text}");
        }
        let (stage, parameter) = (Stage::List, "pageSize");
        for (most, text) in [(None, ""), (Some(50), ", at most 50 is taken")] {
            let error = VismaError::ParameterRefused { stage, parameter, most };
            assert_eq!(error.to_string(), format!("list: the parameter pageSize is refused (400){text}"));
        }
    }
}
