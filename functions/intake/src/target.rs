//! Maps a path to what it requests.

use webhooks_settings::Settings;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Target<'a> {
    Health,
    Webhook(Entrance<'a>),
    /// One of our paths behind an unknown prefix, of a mapping or a proxy.
    Prefixed,
    Nothing,
}

/// The two channels (docs/visma-net.md#current-webhooks, docs/visma-net.md#legacy-webhooks).
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entrance<'a> {
    Dispatcher { route: &'a str },
    Legacy { token: &'a str },
}

impl<'a> Target<'a> {
    /// The first of these paths that is known.
    pub(crate) fn of_any(paths: impl Iterator<Item = &'a str>) -> Self {
        let mut last = Self::Nothing;
        for path in paths {
            last = Self::of(path);
            if !matches!(last, Self::Prefixed | Self::Nothing) {
                break;
            }
        }
        last
    }

    /// Ignores doubled and trailing slashes, since no name is empty.
    fn of(path: &'a str) -> Self {
        let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
        match *names {
            ["health"] => Self::Health,
            ["hooks", "visma", route] => Self::Webhook(Entrance::Dispatcher { route }),
            ["hooks", "visma", "legacy", token] => Self::Webhook(Entrance::Legacy { token }),
            [.., "hooks", "visma", _] | [.., "hooks", "visma", "legacy", _] => Self::Prefixed,
            _ => Self::Nothing,
        }
    }

    /// The allowed methods, for `Allow`.
    pub(crate) fn allow(self) -> &'static str {
        match self {
            Self::Webhook(Entrance::Dispatcher { .. }) => "GET, HEAD, POST",
            Self::Webhook(Entrance::Legacy { .. }) => "POST",
            Self::Health | Self::Prefixed | Self::Nothing => "GET, HEAD",
        }
    }

    pub(crate) fn allows(self, method: &str) -> bool {
        self.allow().split(", ").any(|allowed| allowed == method)
    }
}

impl Entrance<'_> {
    /// The route's name for a log, if the settings have it. Text of a sender is never logged.
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

/// Hides the token.
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
    fn a_path_is_a_route_a_legacy_token_health_or_unknown() {
        for (path, expected) in [
            ("/health", Target::Health),
            ("/hooks/visma/erp", Target::Webhook(Entrance::Dispatcher { route: "erp" })),
            ("/hooks/visma/legacy", Target::Webhook(Entrance::Dispatcher { route: "legacy" })),
            ("/hooks/visma/legacy/t0k", Target::Webhook(Entrance::Legacy { token: "t0k" })),
            ("/", Target::Nothing),
            ("/healthy", Target::Nothing),
            ("/hooks/visma", Target::Nothing),
            ("/hooks/visma/", Target::Nothing),
            ("/hooks/visma/erp/", Target::Webhook(Entrance::Dispatcher { route: "erp" })),
            ("//hooks/visma//erp", Target::Webhook(Entrance::Dispatcher { route: "erp" })),
            ("/hooks/visma/legacy/t0k/", Target::Webhook(Entrance::Legacy { token: "t0k" })),
            ("/health/", Target::Health),
            ("/hooks/visma/erp/more", Target::Nothing),
            ("/hooks/visma/legacy/t0k/more", Target::Nothing),
            ("/prod/hooks/visma/erp", Target::Prefixed),
            ("/prod/hooks/visma/legacy/t0k", Target::Prefixed),
            ("/prod/health", Target::Nothing),
        ] {
            assert_eq!(Target::of(path), expected, "{path}");
        }
    }

    #[test]
    fn the_first_known_path_counts() {
        let of = |paths: &[&'static str]| Target::of_any(paths.iter().copied());
        assert_eq!(of(&["/x/health", "/health", "/hooks/visma/erp"]), Target::Health);
        assert_eq!(of(&["/x/hooks/visma/erp", "/hooks/visma/erp"]), Target::of("/hooks/visma/erp"));
        assert_eq!(of(&["/x/hooks/visma/erp"]), Target::Prefixed);
        assert_eq!(of(&[]), Target::Nothing);
    }

    #[test]
    fn a_token_is_not_shown() {
        assert!(!format!("{:?}", Target::of("/hooks/visma/legacy/CANARY")).contains("CANARY"));
    }
}
