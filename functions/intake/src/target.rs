//! What a path stands for.

use lambda_http::http::Method;
use webhooks_settings::Settings;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    Health,
    Webhook(Entrance<'a>),
    Nothing,
}

/// The two ways in (reference 8.1, 8.2).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entrance<'a> {
    Dispatcher { route: &'a str },
    Legacy { token: &'a str },
}

impl<'a> Target<'a> {
    pub(crate) fn of(path: &'a str) -> Self {
        if path == "/health" {
            return Self::Health;
        }
        let Some(rest) = path.strip_prefix("/hooks/visma/") else { return Self::Nothing };
        match rest.split_once('/') {
            None if !rest.is_empty() => Self::Webhook(Entrance::Dispatcher { route: rest }),
            Some(("legacy", token)) if !token.is_empty() && !token.contains('/') => {
                Self::Webhook(Entrance::Legacy { token })
            }
            _ => Self::Nothing,
        }
    }

    /// The methods it answers, for `Allow`.
    pub(crate) fn allow(self) -> &'static str {
        match self {
            Self::Webhook(Entrance::Dispatcher { .. }) => "GET, HEAD, POST",
            Self::Webhook(Entrance::Legacy { .. }) => "POST",
            Self::Health | Self::Nothing => "GET, HEAD",
        }
    }

    pub(crate) fn allows(self, method: &Method) -> bool {
        self.allow().split(", ").any(|allowed| allowed == method.as_str())
    }
}

impl Entrance<'_> {
    /// The route's name for a log: never a text that a stranger made up.
    pub(crate) fn known_route(self, settings: &Settings) -> Option<&str> {
        match self {
            Self::Dispatcher { route } => {
                let routes = settings.subscriptions.iter().map(|subscription| subscription.route.as_str());
                routes.into_iter().find(|known| *known == route)
            }
            Self::Legacy { .. } => Some("legacy"),
        }
    }
}

/// Without the token.
impl std::fmt::Debug for Entrance<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Dispatcher { route } => write!(f, "Dispatcher({route:?})"),
            Self::Legacy { .. } => f.write_str("Legacy"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_a_route_a_legacy_token_health_or_nothing() {
        for (path, expected) in [
            ("/health", Target::Health),
            ("/hooks/visma/erp", Target::Webhook(Entrance::Dispatcher { route: "erp" })),
            ("/hooks/visma/legacy", Target::Webhook(Entrance::Dispatcher { route: "legacy" })),
            ("/hooks/visma/legacy/t0k", Target::Webhook(Entrance::Legacy { token: "t0k" })),
            ("/", Target::Nothing),
            ("/healthy", Target::Nothing),
            ("/hooks/visma", Target::Nothing),
            ("/hooks/visma/", Target::Nothing),
            ("/hooks/visma/erp/", Target::Nothing),
            ("/hooks/visma/erp/more", Target::Nothing),
            ("/hooks/visma/legacy/", Target::Nothing),
            ("/hooks/visma/legacy/t0k/more", Target::Nothing),
            ("/prod/hooks/visma/erp", Target::Nothing),
        ] {
            assert_eq!(Target::of(path), expected, "{path}");
        }
    }

    #[test]
    fn a_token_is_not_shown() {
        assert!(!format!("{:?}", Target::of("/hooks/visma/legacy/CANARY")).contains("CANARY"));
    }
}
