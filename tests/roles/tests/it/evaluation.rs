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
fn what_nothing_allows_is_refused() {
    assert_eq!(said(&[], "sqs:SendMessage", QUEUE), Decision::NotAllowed);
    let other = [allow("sqs:ReceiveMessage", QUEUE), allow("sqs:SendMessage", &format!("{QUEUE}-dead-letter"))];
    assert_eq!(said(&other, "sqs:SendMessage", QUEUE), Decision::NotAllowed);
}

#[test]
fn a_denial_is_stronger_than_all_that_allows_in_whichever_order() {
    let deny = json!({"Effect": "Deny", "Action": "sqs:*", "Resource": "*"});
    let allow = allow("sqs:SendMessage", QUEUE);
    assert_eq!(said(&[deny.clone(), allow.clone()], "sqs:SendMessage", QUEUE), Decision::Denied);
    assert_eq!(said(&[allow, deny], "sqs:SendMessage", QUEUE), Decision::Denied);
}

#[test]
fn actions_have_wildcards_and_no_case_and_resources_have_a_case() {
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
fn one_of_several_actions_and_resources_is_enough() {
    let several =
        json!({"Effect": "Allow", "Action": ["sqs:A", "sqs:SendMessage"], "Resource": ["arn:aws:sqs:::x", QUEUE]});
    assert_eq!(said(&[several], "sqs:SendMessage", QUEUE), Decision::Allowed);
}

#[test]
#[should_panic(expected = "NotAction is not understood here")]
fn a_statement_that_is_not_understood_is_no_answer() {
    Statement::read(&json!({"Effect": "Allow", "NotAction": "sqs:SendMessage", "Resource": QUEUE}));
}
