//! A notification's name in a URL.

use crate::problem::Problem;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use webhooks_model::{EntityId, LedgerKey};

/// Base64url of `{tenant}#{entity}#{key}#{notification key}`.
pub(crate) fn of(key: &LedgerKey) -> String {
    let EntityId { tenant, entity, key: number } = &key.entity;
    URL_SAFE_NO_PAD.encode(format!("{tenant}#{entity}#{number}#{}", key.notification))
}

/// # Errors
/// It is no reference.
pub(crate) fn parse(reference: &str) -> Result<LedgerKey, Problem> {
    let read = || {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(reference).ok()?).ok()?;
        let (tenant, rest) = text.split_once('#')?;
        let (entity, rest) = rest.split_once('#')?;
        let (key, notification) = rest.rsplit_once('#')?;
        let entity = serde_json::from_value(entity.into()).ok()?;
        let entity = EntityId { tenant: tenant.to_owned(), entity, key: key.to_owned() }.check().ok()?;
        Some(LedgerKey { entity, notification: notification.to_owned().try_into().ok()? })
    };
    read().ok_or_else(Problem::no_reference)
}
