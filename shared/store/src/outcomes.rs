//! What became of what a job put back on a queue: read from the records, so that no notification costs a write more for it.

use crate::attributes::{Update, string};
use crate::error::StoreError;
use crate::item::Items;
use crate::jobs::PARTITION;
use crate::records::Record;
use crate::table::Table;
use webhooks_model::filter::Filter;
use webhooks_model::job::{Job, Tally};

pub trait Outcomes: Send + Sync {
    /// Looks at no more than `most` notifications that were received in the filter's span, after `position`: all that is of its entity and
    /// event, as it stands now. And where to go on; `None` at the end.
    fn stand(
        &self,
        filter: &Filter,
        position: Option<&str>,
        most: i32,
    ) -> impl Future<Output = Result<(Vec<Record>, Option<String>), StoreError>> + Send;

    /// Writes down what has been counted, unless somebody else has since the job was read.
    fn note_tally(&self, job: &Job, tally: &Tally) -> impl Future<Output = Result<bool, StoreError>> + Send;
}

impl<I: Items> Outcomes for Table<I> {
    async fn stand(
        &self,
        filter: &Filter,
        position: Option<&str>,
        most: i32,
    ) -> Result<(Vec<Record>, Option<String>), StoreError> {
        let (places, position) = self.places(filter, position, most).await?;
        let mut records = self.whole(places).await?;
        // The state is another by now.
        let any = Filter { states: vec![], ..filter.clone() };
        records.retain(|record| any.fits(record.state, record.key.entity.entity, &record.event));
        Ok((records, position))
    }

    async fn note_tally(&self, job: &Job, tally: &Tally) -> Result<bool, StoreError> {
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
