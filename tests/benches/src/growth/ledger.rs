//! Fills the ledger by writing items into the table directly.

use crate::growth::world::World;
use aws_fake::TABLE;
use dynoxide::{AttributeValue, ImportOptions, Item};
use std::ops::Range;

/// The ledger has no account from this number on.
pub(crate) const UNKNOWN: usize = 100_000_000;
/// The account whose items are the model for all others.
const MODEL: usize = UNKNOWN - 1;
/// Items per write, which bounds the memory of loading.
const AT_ONCE: usize = 20_000;

/// The items that one notification writes.
pub(crate) struct Model {
    items: Vec<Item>,
    tenant: String,
    content: String,
    id: String,
}

impl World {
    /// Sends one notification through the pipeline and keeps the items that it wrote.
    pub(crate) async fn model(&self) -> Model {
        self.run(MODEL..MODEL + 1).await;
        let scan = serde_json::from_value(serde_json::json!({ "TableName": TABLE })).expect("a scan");
        let items = self.endpoint.database().scan(scan).expect("the table answers").items.unwrap_or_default();
        let key = |item: &Item| match &item["sk"] {
            AttributeValue::S(text) => text.strip_prefix("N#").map(str::to_owned),
            _ => None,
        };
        let key = items.iter().find_map(key).expect("the notification is in the ledger");
        let (content, id) = key.split_once('.').expect("a key is content and id");
        let (content, id) = (content.to_owned(), id.to_owned());
        Model { items, tenant: self.tenant(MODEL), content, id }
    }
}

/// Writes the items of notifications about these accounts, as if they had been processed.
pub(crate) fn load(world: &World, model: &Model, accounts: Range<usize>) {
    let database = world.endpoint.database();
    database.enable_bulk_loading().expect("a database in memory");
    let mut accounts = accounts.peekable();
    while accounts.peek().is_some() {
        let some = accounts.by_ref().take(AT_ONCE / model.items.len());
        let items = some.flat_map(|account| model.about(account, &world.tenant(account))).collect();
        let imported = database.import_items(TABLE, items, ImportOptions::default());
        imported.expect("items like those that are there");
    }
    database.disable_bulk_loading().expect("a database in memory");
}

impl Model {
    fn about(&self, account: usize, tenant: &str) -> Vec<Item> {
        // Spreads the numbers like a hash.
        let spread = (account as u128 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15_F39C_C060_5CED_C835);
        let replaced = [
            (self.tenant.as_str(), tenant.to_owned()),
            (self.content.as_str(), format!("{spread:032x}")),
            (self.id.as_str(), uuid::Uuid::from_u128(spread).to_string()),
            (&MODEL.to_string(), account.to_string()),
        ];
        let of =
            |item: &Item| item.iter().map(|(name, value)| (name.clone(), with(value, &replaced))).collect::<Item>();
        self.items.iter().map(of).collect()
    }
}

fn with(value: &AttributeValue, replaced: &[(&str, String)]) -> AttributeValue {
    match value {
        AttributeValue::S(text) => {
            let replace = |text: String, (old, new): &(&str, String)| text.replace(old, new);
            AttributeValue::S(replaced.iter().fold(text.clone(), replace))
        }
        AttributeValue::L(values) => AttributeValue::L(values.iter().map(|value| with(value, replaced)).collect()),
        other => other.clone(),
    }
}
