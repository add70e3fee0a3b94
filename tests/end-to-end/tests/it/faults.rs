//! Everything that goes wrong, at once and on the real thing: nothing is lost, and nobody is answered in two ways.

mod account;
mod aws;
mod load;
mod plan;

use crate::company;
use account::Account;
use aws::Aws;
use end_to_end::Company;
use plan::{Act, Plan};
use standin::{Endpoint, Fault};
use std::env;
use std::time::Duration;
use tokio::time::{Instant, sleep_until};

/// `cargo xtask faults` says how long, and with which seed.
fn option(name: &str, usual: u64) -> u64 {
    env::var(name).map_or(usual, |text| text.parse().unwrap_or_else(|_| panic!("{name} is no number: {text}")))
}

#[tokio::test]
#[ignore = "it kills functions and restarts AWS, so it needs a stack of its own: cargo xtask faults"]
async fn under_load_and_every_fault_nothing_is_lost_and_nobody_is_answered_in_two_ways() {
    let (seed, length) = (option("FAULTS_SEED", 1), Duration::from_secs(option("FAULTS_SECONDS", 20)));
    println!("seed {seed}, {} s of load and faults", length.as_secs());
    let mut companies = vec![];
    for number in company::FAULTS {
        companies.push(Company::new(number).await);
    }
    let mut aws = Aws::new(&companies[0].stack, fastrand::Rng::with_seed(seed)).await;
    let (plan, began) = (Plan::new(seed, length, companies.len()), Instant::now());
    let until = began + length;
    let loads: Vec<_> = companies
        .iter()
        .zip(seed..)
        .map(|(company, seed)| tokio::spawn(load::run(company.clone(), fastrand::Rng::with_seed(seed), until)))
        .collect();
    carry_out(&plan, &companies, &mut aws).await;
    let mut sent = load::Sent::default();
    for load in loads {
        sent += load.await.expect("the load goes on");
    }
    let told = |what: &str| println!("{:5.1} s  {what}", began.elapsed().as_secs_f64());
    told(&format!("sent: {sent}"));
    told(&format!("faults: {plan}; processes killed: {}", aws.killed()));

    let account = Account::settled(&companies).await;
    told(&format!("ends: {account}"));
    account.check();
    let (redriven, account) = Account::redriven(&companies).await;
    told(&format!("after redriving {redriven} dead letters: {account}"));
    account.check();
    account.check_that_nothing_is_dead();
    account::check_events(&companies).await;
}

/// Does what the plan says when it says so. The load does not wait for it.
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
