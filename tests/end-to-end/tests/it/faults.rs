//! All faults at once on the deployed template while operators work: nothing is lost, no
//! notification gets two different answers, and no accepted command is swallowed.

mod account;
mod aws;
mod commands;
mod desk;
mod erasure;
mod load;
mod operator;
mod plan;

use crate::company;
use account::Account;
use aws::Aws;
use desk::Desk;
use end_to_end::Company;
use erasure::Forgotten;
use fastrand::Rng;
use plan::{Act, Plan};
use standin::{Endpoint, Fault};
use std::env;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// An option that `cargo xtask faults` sets, such as the duration or the seed.
fn option(name: &str, usual: u64) -> u64 {
    env::var(name).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

#[tokio::test]
#[ignore = "it kills functions and restarts AWS, so it needs a stack of its own: cargo xtask faults"]
async fn under_load_and_every_fault_nothing_is_lost_and_no_answer_contradicts_another() {
    let (seed, length) = (option("FAULTS_SEED", 1), Duration::from_secs(option("FAULTS_SECONDS", 20)));
    println!("seed {seed}, {} s of load and faults", length.as_secs());
    let mut companies = vec![];
    for number in company::FAULTS {
        companies.push(Company::new(number).await);
    }
    let stack = &companies[0].stack;
    let mut rng = Rng::with_seed(seed);
    let mut aws = Aws::new(stack, rng.fork()).await;
    let (mut desk, mut erasers) = (Desk::new(stack, aws.office()).await, Desk::new(stack, aws.office()).await);
    let forgotten = Forgotten::loaded(Company::new(company::FAULTS_ERASED).await, &desk).await;

    let (plan, began) = (Plan::new(seed, length, companies.len()), Instant::now());
    let until = began + length;
    let loads: Vec<_> = companies
        .iter()
        .zip(seed..)
        .map(|(company, seed)| tokio::spawn(load::run(company.clone(), Rng::with_seed(seed), until)))
        .collect();
    let erase_at = began + length.mul_f64(0.1 + 0.4 * rng.f64());
    tokio::join!(
        carry_out(&plan, &companies, &mut aws),
        operator::run(&mut desk, &companies, rng.fork(), until),
        forgotten.erased(&mut erasers, erase_at),
    );
    let mut sent = load::Sent::default();
    for load in loads {
        sent += load.await.expect("the load goes on");
    }
    desk.commands += erasers.commands;
    let told = |what: &str| println!("{:5.1} s  {what}", began.elapsed().as_secs_f64());
    told(&format!("sent: {sent}"));
    told(&format!("faults: {plan}; processes killed: {}", aws.killed()));

    let quiet = Instant::now();
    let account = Account::settled(&companies, async || operator::mend(&mut desk, &companies, quiet).await).await;
    told(&format!("ends: {account}"));
    account.check();
    let mend = async || operator::mend(&mut desk, &companies, quiet).await;
    let (redriven, account) = Account::redriven(&companies, mend).await;
    told(&format!("after redriving {redriven} dead letters: {account}"));
    account.check();
    account.check_that_nothing_is_dead();

    operator::see_to_the_end(&mut desk, &companies, quiet).await;
    told(&format!("operator: {}", desk.commands));
    desk.commands.check();
    forgotten.check().await;
    // The last replays have changed nothing.
    let account = Account::settled(&companies, async || ()).await;
    told(&format!("at the end: {account}"));
    account.check();
    account.check_that_nothing_is_dead();
    account::check_events(&companies).await;
}

/// Performs each act at its time. The load does not wait for it.
async fn carry_out(plan: &Plan, companies: &[Company], aws: &mut Aws) {
    let start = Instant::now();
    for (at, act) in &plan.acts {
        sleep_until(start + *at).await;
        match act {
            Act::Kill(function) => aws.kill_some_of(*function),
            Act::RestartAws => aws.restart().await,
            Act::Outage { company, outage } => companies[*company].visma.set_erp_outage(*outage).await.unwrap(),
            Act::Answers { company, endpoint, faults } => {
                companies[*company].visma.set_faults(*endpoint, faults).await.unwrap();
            }
            Act::RevokeTokens { company } => companies[*company].visma.revoke_tokens().await.unwrap(),
        }
    }
    for company in companies {
        company.visma.set_erp_outage(None).await.unwrap();
        for endpoint in [Endpoint::Token, Endpoint::Resource, Endpoint::Feedback] {
            company.visma.set_faults(endpoint, &[] as &[Fault]).await.unwrap();
        }
    }
}
