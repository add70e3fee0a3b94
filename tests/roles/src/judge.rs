//! Checks calls against the roles, and against the reviewed list of the calls that each role makes.

use crate::account::{Account, host};
use crate::call;
use crate::policy::{Decision, Effect, LEADING_KEYS, Request, Statement, VIA_SERVICE, decide};
use serde::Deserialize;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

#[derive(Debug)]
pub struct Judge {
    account: Account,
    roles: BTreeMap<String, Vec<Statement>>,
    queues: BTreeMap<String, Vec<Statement>>,
    /// Leading keys in the policies. All other keys are equivalent.
    named: BTreeSet<String>,
    made: BTreeMap<String, BTreeSet<String>>,
    refused: BTreeSet<String>,
}

/// A permission: one action on one resource.
#[derive(Debug)]
pub struct Grant {
    pub action: String,
    /// The resource's label.
    pub resource: String,
    pub statement: Statement,
}

impl Judge {
    pub fn new(account: Account) -> Self {
        let (roles, queues) = (account.roles(), account.queues());
        let conditions = roles.values().flatten().flat_map(|statement| &statement.conditions);
        let about_keys = conditions.filter(|condition| condition.key == LEADING_KEYS);
        let named = about_keys.flat_map(|condition| condition.values.iter().cloned()).collect();
        Self { account, roles, queues, named, made: BTreeMap::new(), refused: BTreeSet::new() }
    }

    pub fn roles(&self) -> impl Iterator<Item = &String> {
        self.roles.keys()
    }

    /// The logical name of a role, from the name that CloudFormation gave it.
    pub fn logical<'j>(&'j self, name: &str) -> Option<&'j str> {
        let is_it = |role: &&String| name.split('-').any(|part| part == role.as_str());
        self.roles.keys().find(is_it).map(String::as_str)
    }

    /// Records a call with the role's decision.
    ///
    /// # Panics
    /// There is no such role, or the operation is unknown.
    pub fn hear(&mut self, role: &str, operation: &str, body: &Value) {
        for request in call::requests(operation, body) {
            let keys = request.context.get(LEADING_KEYS).into_iter().flatten();
            let named: Vec<_> = keys.filter(|key| self.named.contains(*key)).map(|key| format!(" {key}")).collect();
            let made = format!("{operation} {}{}", self.account.label(&request.resource), named.concat());
            match self.decide(role, &request) {
                Decision::Allowed => {}
                refusal => {
                    self.refused.insert(format!("{role}: {made}: {refusal:?}"));
                }
            }
            self.made.entry(role.to_owned()).or_default().insert(made);
        }
    }

    /// Within one account a queue's own policy counts as much as the role's.
    ///
    /// # Panics
    /// There is no such role.
    pub fn decide(&self, role: &str, request: &Request) -> Decision {
        let of_role = self.roles.get(role).unwrap_or_else(|| panic!("no role {role}"));
        decide(of_role.iter().chain(self.queues.get(&request.resource).into_iter().flatten()), request)
    }

    /// The request of a listed call.
    ///
    /// # Panics
    /// Its operation or its resource is unknown.
    pub fn request(&self, listed: &str) -> Request {
        let mut words = listed.split(' ');
        let (operation, label) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (action, last) = (call::action(operation), words.next());
        let has_keys = action.starts_with("dynamodb:") && operation != "Scan";
        let keys = has_keys.then(|| vec![last.unwrap_or("some other").to_owned()]);
        let mut request = call::request(operation, &self.account.resource(label), keys);
        let service = last.filter(|_| action.starts_with("kms:"));
        request.context.extend(service.map(|service| (VIA_SERVICE.to_owned(), vec![host(service)])));
        request
    }

    /// The single permissions that a role is allowed or denied.
    pub fn grants(&self, role: &str, effect: Effect) -> Vec<Grant> {
        let statements = self.roles[role].iter().filter(|statement| statement.effect == effect);
        let single = statements.flat_map(Statement::grants);
        let told = |statement: Statement| Grant {
            action: statement.actions.concat(),
            resource: self.account.label(&statement.resources.concat()),
            statement,
        };
        single.map(told).collect()
    }

    /// Recorded calls that are not allowed.
    pub fn refused(&self) -> Vec<String> {
        self.refused.iter().cloned().collect()
    }

    /// Recorded calls that are not listed.
    pub fn unlisted(&self, list: &List) -> Vec<String> {
        let is_listed =
            |role: &String, call: &String| list.get(role).is_some_and(|calls| calls.own().any(|own| own == call));
        let made = self.made.iter().flat_map(|(role, calls)| calls.iter().map(move |call| (role, call)));
        made.filter(|(role, call)| !is_listed(role, call)).map(|(role, call)| format!("{role}: {call}")).collect()
    }

    /// Calls that every run should make, but that were not recorded.
    pub fn missed(&self, list: &List) -> Vec<String> {
        let was_made = |role: &String, call: &String| self.made.get(role).is_some_and(|made| made.contains(call));
        let wanted = list.iter().flat_map(|(role, calls)| calls.calls.iter().map(move |call| (role, call)));
        wanted.filter(|(role, call)| !was_made(role, call)).map(|(role, call)| format!("{role}: {call}")).collect()
    }
}

/// The reviewed list of the calls that each role makes, by the role's logical name.
pub type List = BTreeMap<String, Calls>;

/// A call is an operation and the resource's label, with the leading key if a policy names it, or
/// with the service that uses the key: `PutItem Table audit`, `Decrypt KmsKeyArn sqs`.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Calls {
    /// Calls of the function itself, made in every run of the end-to-end tests.
    pub calls: BTreeSet<String>,
    /// Calls of the function itself that not every run makes, with the occasion.
    pub seldom: BTreeMap<String, String>,
    /// Calls that AWS itself makes with the role.
    pub aws: BTreeSet<String>,
    /// Unused permissions, with the reason to keep them.
    pub spare: BTreeMap<String, String>,
}

impl Calls {
    /// Calls of the function itself.
    pub fn own(&self) -> impl Iterator<Item = &String> {
        self.calls.iter().chain(self.seldom.keys())
    }

    pub fn all(&self) -> impl Iterator<Item = &String> {
        self.own().chain(&self.aws)
    }
}

/// `calls.json`.
///
/// # Panics
/// The file is malformed.
pub fn listed() -> List {
    serde_json::from_str(include_str!("../calls.json"))
        .unwrap_or_else(|error| panic!("tests/roles/calls.json: {error}"))
}
