//! Deployed in place of `processor`.

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), lambda_runtime::Error> {
    processor::wiring::serve(example::CreditLimit).await
}
