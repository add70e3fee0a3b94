//! The Lambda function: the processor without business code.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    processor::wiring::serve(processor::Acknowledge).await
}
