//! The names that the template takes, and the services that it uses.

/// The services, by the names in their addresses.
pub const SERVICES: [&str; 12] = [
    "apigateway",
    "cloudformation",
    "dynamodb",
    "lambda",
    "logs",
    "monitoring",
    "pipes",
    "scheduler",
    "secretsmanager",
    "sns",
    "sqs",
    "xray",
];
/// The most characters of a stack's name: a function's has 64 in all. All other names have more room.
pub const LONGEST_STACK: usize = 53;
const FUNCTIONS: [&str; 6] = ["intake", "processor", "feedback", "reconciler", "operations", "repair"];
const QUEUES: [&str; 4] = ["notifications", "events", "feedback", "repairs"];

pub fn functions(stack: &str) -> Vec<String> {
    FUNCTIONS.map(|name| format!("{stack}-{name}")).into()
}

pub fn queues(stack: &str) -> Vec<String> {
    let each = |name: &str| [format!("{stack}-{name}"), format!("{stack}-{name}-dead-letter")];
    QUEUES.into_iter().flat_map(each).collect()
}

pub fn log_groups(stack: &str) -> Vec<String> {
    let own = FUNCTIONS.into_iter().map(|name| format!("/aws/lambda/{stack}-{name}"));
    own.chain([format!("/aws/vendedlogs/apis/{stack}")]).collect()
}
