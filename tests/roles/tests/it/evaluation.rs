//! *Policy evaluation logic* and *IAM JSON policy elements* of the IAM User Guide.

use roles::{Decision, Request, Statement, decide};
use serde_json::{Value, json};

const QUEUE: &str = "arn:aws:sqs:eu-north-1:000000000000:events";

fn said(statements: &[Value], action: &str, resource: &str) -> Decision {
    let statements: Vec<_> = statements.iter().map(Statement::read).collect();
    decide(&statements, &Request { action: action.into(), resource: resource.into(), context: Default::default() })
}

fn allow(action: &str, resource: &str) -> Value {
    json!({"Effect": "Allow", "Action": action, "Resource": resource})
}

#[test]
fn refuses_without_a_statement_that_allows() {
    assert_eq!(said(&[], "sqs:SendMessage", QUEUE), Decision::NotAllowed);
    let other = [allow("sqs:ReceiveMessage", QUEUE), allow("sqs:SendMessage", &format!("{QUEUE}-dead-letter"))];
    assert_eq!(said(&other, "sqs:SendMessage", QUEUE), Decision::NotAllowed);
}

#[test]
fn a_denial_always_wins() {
    let deny = json!({"Effect": "Deny", "Action": "sqs:*", "Resource": "*"});
    let allow = allow("sqs:SendMessage", QUEUE);
    assert_eq!(said(&[deny.clone(), allow.clone()], "sqs:SendMessage", QUEUE), Decision::Denied);
    assert_eq!(said(&[allow, deny], "sqs:SendMessage", QUEUE), Decision::Denied);
}

#[test]
fn only_actions_are_case_insensitive() {
    for action in ["sqs:SendMessage", "SQS:sendmessage", "sqs:Send*", "sqs:*", "*", "sqs:SendMessag?"] {
        assert_eq!(said(&[allow(action, QUEUE)], "sqs:SendMessage", QUEUE), Decision::Allowed, "{action}");
    }
    for action in ["sqs:Send", "sqs:SendMessageBatch", "sns:*"] {
        assert_eq!(said(&[allow(action, QUEUE)], "sqs:SendMessage", QUEUE), Decision::NotAllowed, "{action}");
    }
    let capital = QUEUE.replace("events", "Events");
    assert_eq!(said(&[allow("sqs:*", &capital)], "sqs:SendMessage", QUEUE), Decision::NotAllowed);
}

#[test]
fn one_matching_action_and_resource_are_enough() {
    let several =
        json!({"Effect": "Allow", "Action": ["sqs:A", "sqs:SendMessage"], "Resource": ["arn:aws:sqs:::x", QUEUE]});
    assert_eq!(said(&[several], "sqs:SendMessage", QUEUE), Decision::Allowed);
}

#[test]
#[should_panic(expected = "NotAction is not understood here")]
fn rejects_unknown_statements() {
    Statement::read(&json!({"Effect": "Allow", "NotAction": "sqs:SendMessage", "Resource": QUEUE}));
}
