//! The credentials for the operations API, for both values of `OperationsAuthorizer`.

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
    pub(super) fn advice(&self, status: u16) -> &'static str {
        match (self, status) {
            (Self::Token(_), 401) => {
                "The token has ended or is another API's: get a new one (infra/DEPLOY.md, step 6)."
            }
            (Self::Token(_), _) => "The token lacks the role; functions/operations/README.md says which.",
            (Self::Aws, _) => {
                "Without VISMA_WEBHOOKS_TOKEN the AWS credentials signed the request, which must be allowed \
                 execute-api:Invoke where the API takes IAM. Where it takes tokens, set one (infra/DEPLOY.md, step 6)."
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
