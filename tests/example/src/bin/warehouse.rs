//! Consumes the events queue. After a failure the batch comes again, and repeated events have the
//! same effect as one.

use aws_lambda_events::sqs::SqsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let sqs = &aws_sdk_sqs::Client::new(&aws_config::load_from_env().await);
    #[expect(clippy::disallowed_methods, reason = "a team's own function reads its environment as it likes")]
    let queue = &std::env::var("FEEDBACK_QUEUE_URL")?;
    run(service_fn(|event: LambdaEvent<SqsEvent>| async move {
        for record in event.payload.records {
            let event = serde_json::from_str(record.body.as_deref().unwrap_or_default())?;
            if let Some(outcome) = example::outcome(&event) {
                sqs.send_message().queue_url(queue).message_body(outcome.to_string()).send().await?;
            }
        }
        Ok::<_, Error>(())
    }))
    .await
}
