//! One conditional update, the only kind of write there is.

use crate::attributes::{Item, Update, string};
use crate::table::{StoreError, Table};
use aws_sdk_dynamodb::types::KeysAndAttributes;
use std::collections::HashMap;

impl Table {
    /// Applies the update if the condition holds. Says whether it did.
    pub(crate) async fn update(
        &self,
        pk: &str,
        sk: &str,
        update: Update,
        condition: Option<String>,
    ) -> Result<bool, StoreError> {
        let expression = update.expression();
        let (names, values) = update.into_maps();
        let answer = self
            .client
            .update_item()
            .table_name(&self.name)
            .key("pk", string(pk))
            .key("sk", string(sk))
            .update_expression(expression)
            .set_condition_expression(condition)
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(values))
            .send()
            .await;
        match answer {
            Ok(_) => Ok(true),
            Err(error) if error.as_service_error().is_some_and(|e| e.is_conditional_check_failed_exception()) => {
                Ok(false)
            }
            Err(error) => Err(StoreError::from_sdk(&error)),
        }
    }

    pub(crate) async fn get(&self, pk: &str, sk: &str) -> Result<Option<Item>, StoreError> {
        let answer = self
            .client
            .get_item()
            .table_name(&self.name)
            .key("pk", string(pk))
            .key("sk", string(sk))
            .consistent_read(true)
            .send()
            .await
            .map_err(|error| StoreError::from_sdk(&error))?;
        Ok(answer.item)
    }

    /// The items under these keys, as `(pk, sk)`, at most 100, with these of their attributes.
    pub(crate) async fn get_many(
        &self,
        keys: impl Iterator<Item = (String, String)>,
        attributes: &[&str],
        consistent: bool,
    ) -> Result<Vec<Item>, StoreError> {
        let keys = keys.map(|(pk, sk)| HashMap::from([("pk".into(), string(pk)), ("sk".into(), string(sk))]));
        let placeholders: Vec<String> = (0..attributes.len()).map(|at| format!("#a{at}")).collect();
        let names = placeholders.iter().cloned().zip(attributes.iter().map(|name| (*name).to_owned()));
        let request = KeysAndAttributes::builder()
            .set_keys(Some(keys.collect()))
            .projection_expression(placeholders.join(", "))
            .set_expression_attribute_names(Some(names.collect()))
            .consistent_read(consistent)
            .build()
            .map_err(|_| StoreError::Mismatch("request not built".into()))?;
        let answer = self.client.batch_get_item().request_items(&self.name, request).send().await;
        let answer = answer.map_err(|error| StoreError::from_sdk(&error))?;
        if answer.unprocessed_keys.is_some_and(|left| !left.is_empty()) {
            return Err(StoreError::Unavailable("throttled".into()));
        }
        Ok(answer.responses.unwrap_or_default().remove(&self.name).unwrap_or_default())
    }
}
