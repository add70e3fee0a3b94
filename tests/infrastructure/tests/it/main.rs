//! The templates, alarms and dashboards, read from their files.

mod alarms;
mod dashboards;
mod drawn;
mod permissions;
mod template;

use infrastructure::Template;

const MAIN: &str = "template.yaml";
const ALARMS: &str = "observability.yaml";
const DASHBOARD: &str = "dashboards/cloudwatch.yaml";

/// What the names of everything deployed begin with, in whichever file.
fn without_stack(name: &str) -> String {
    ["${AWS::StackName}", "${ReceiverStackName}", "${stack}"]
        .iter()
        .fold(name.to_owned(), |name, stack| name.replace(stack, "@"))
}

/// The main template with everything that is optional.
fn with_options() -> Template {
    let options = [
        ("KmsKeyArn", "arn:aws:kms:eu-north-1:000000000000:key/1"),
        ("EventBusArn", "arn:aws:events:eu-north-1:000000000000:event-bus/1"),
        ("ReserveWorkerConcurrency", "true"),
    ];
    options.into_iter().fold(Template::read(MAIN), |template, (name, value)| template.with(name, value.into()))
}
