//! The outcomes of a job's notifications. They are read from the records, so that no notification
//! costs another write.

use crate::attributes::{Update, string};
use crate::error::StoreError;
use crate::item::Items;
use crate::jobs::PARTITION;
use crate::records::Record;
use crate::table::Table;
use webhooks_model::filter::Filter;
use webhooks_model::job::{Job, Tally};

impl<I: Items> Table<I> {
    /// Reads at most `most` notifications in the filter's range, after `position`. Returns those of
    /// the filter's entity and event as they are now, and the position of the next page, which is
    /// `None` at the end.
    pub async fn stand(
        &self,
        filter: &Filter,
        position: Option<&str>,
        most: i32,
    ) -> Result<(Vec<Record>, Option<String>), StoreError> {
        let (places, position) = self.places(filter, position, most).await?;
        let mut records = self.whole(places).await?;
        // The state may have changed, so it is not a condition.
        let any = Filter { states: vec![], ..filter.clone() };
        records.retain(|record| any.fits(record.state, record.key.entity.entity, &record.event));
        Ok((records, position))
    }

    /// Saves the tally, unless another request has saved one since the job was read.
    pub async fn note_tally(&self, job: &Job, tally: &Tally) -> Result<bool, StoreError> {
        let mut update = Update::default().set("tally", string(json(tally)));
        let [created, known] = ["created_at", "tally"].map(|name| update.name(name));
        let as_read = match &job.tally {
            Some(before) => format!("{known} = {}", update.value(string(json(before)))),
            None => format!("attribute_not_exists({known})"),
        };
        let condition = format!("attribute_exists({created}) AND {as_read}");
        self.update(PARTITION, &job.id.to_string(), update, Some(condition)).await
    }
}

fn json(tally: &Tally) -> String {
    serde_json::to_string(tally).expect("numbers and times always serialise")
}
