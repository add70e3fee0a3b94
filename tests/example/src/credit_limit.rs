use processor::{Handler, HandlerError};
use serde_json::Value;
use webhooks_model::feedback::Verdict;
use webhooks_model::{Entity, Notification, Resource};

pub struct CreditLimit;

impl Handler for CreditLimit {
    async fn handle(&self, n: &Notification, resource: Option<&Resource>) -> Result<Option<Verdict>, HandlerError> {
        let (Entity::Customer, Some(resource)) = (n.entity, resource) else { return Ok(None) };
        let customer: Value = serde_json::from_str(resource.json().get())
            .map_err(|error| HandlerError::NeedsPerson(format!("the customer cannot be read: {error}")))?;
        Ok(match customer["creditLimit"]["value"].as_f64() {
            Some(_) => None,
            None => Some(Verdict::failure("The customer has no credit limit, so the shop will not sell on account.")),
        })
    }
}
