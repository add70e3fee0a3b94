//! One conditional update, the only kind of write there is.

use crate::attributes::{Item, Update, string};
use crate::table::{StoreError, Table};

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
}
