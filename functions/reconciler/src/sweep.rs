//! One list of one tenant, from where the last sweep ended.

use crate::ahead;
use crate::gap;
use crate::ports::{Ports, Reconciler};
use crate::run::Run;
use time::OffsetDateTime;
use webhooks_host::Host;
use webhooks_model::catalogue;
use webhooks_model::collection::{Collection, Listed, Page, Paging};
use webhooks_model::retry::Next;
use webhooks_queue::{Message, QueueError, Sender};
use webhooks_settings::Settings;
use webhooks_store::{StoreError, Sweeps, Unfinished, Watermark};
use webhooks_visma::{Listing, PAGE_SIZE, VismaError};

/// What ended a sweep early.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SweepError {
    #[error(transparent)]
    Visma(#[from] VismaError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Queue(#[from] QueueError),
}

impl SweepError {
    pub(crate) fn next(&self) -> Next {
        match self {
            Self::Visma(error) => error.next(),
            Self::Store(error) => error.next(),
            Self::Queue(error) => error.next(),
        }
    }
}

/// How far a sweep came, also where it ended early.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Swept {
    pub(crate) gaps: usize,
    pub(crate) finished: bool,
}

impl<P: Ports> Reconciler<P> {
    /// Sweeps until the list or the budget ends. What was found stays found when the sweep ends early, and the next run goes on from
    /// the last page that was dealt with.
    pub(crate) async fn sweep(
        &self,
        settings: &Settings,
        tenant: &str,
        collection: Collection,
        run: &mut Run<'_>,
        swept: &mut Swept,
    ) -> Result<(), SweepError> {
        if run.is_spent(self.host.now()) {
            return Ok(());
        }
        let rules = &settings.reconciliation;
        let started = self.host.now();
        let last = self.sweeps.watermark(tenant, collection).await?;
        let swept_to = last.map_or(started - rules.first_lookback(), |watermark| watermark.swept_to);
        let mut at = last.and_then(|watermark| watermark.unfinished);
        while run.take_call(self.host.now()) {
            let here = at.unwrap_or(Unfinished { until: started - rules.grace(), page: 0, seen: 0 });
            let since = swept_to - rules.overlap();
            let page = self.listing.list(&settings.visma, tenant, collection, since, here.page).await?;
            let is_last = is_last(collection, &page, here.seen);
            ahead::warn(tenant, collection, &page.resources, self.host.now());
            let missing = self.missing(settings, tenant, collection, page.resources, here.until).await?;
            let filled = self.fill(tenant, collection, &missing, run, swept).await?;
            let (swept_to, unfinished) = match (filled, is_last) {
                // The next run finds on this page what this one had no room for.
                (false, _) => (swept_to, Some(here)),
                (true, false) => {
                    (swept_to, Some(Unfinished { page: here.page + 1, seen: here.seen + page.length, ..here }))
                }
                (true, true) => (here.until.max(swept_to), None),
            };
            let watermark = Watermark { swept_to, unfinished };
            self.sweeps.set_watermark(tenant, collection, &watermark, self.host.now()).await?;
            swept.finished = unfinished.is_none();
            if swept.finished || !filled {
                break;
            }
            at = unfinished;
        }
        Ok(())
    }

    /// What no head knows. Changes after `until` belong to the next sweep.
    async fn missing(
        &self,
        settings: &Settings,
        tenant: &str,
        collection: Collection,
        mut listed: Vec<Listed>,
        until: OffsetDateTime,
    ) -> Result<Vec<Listed>, SweepError> {
        listed.retain(|one| one.modified.at().to_datetime() <= until);
        let event = catalogue::find(collection.event());
        let fetched = event.is_none_or(|event| settings.route(event.entity, event.kind).fetch);
        Ok(self.sweeps.missing(&tenant.to_lowercase(), collection, listed, fetched).await?)
    }

    /// Queues what is missing, and says whether that was all.
    async fn fill(
        &self,
        tenant: &str,
        collection: Collection,
        missing: &[Listed],
        run: &mut Run<'_>,
        swept: &mut Swept,
    ) -> Result<bool, SweepError> {
        for gap in missing {
            if !run.take_gap() {
                return Ok(false);
            }
            let delivery = gap::delivery(tenant, collection, gap, self.host.new_id(), self.host.now());
            let message =
                Message { body: delivery.to_message(), group: Some(tenant), attributes: &[], trace: run.trace };
            self.queue.send(message).await?;
            swept.gaps += 1;
        }
        Ok(true)
    }
}

fn is_last(collection: Collection, page: &Page, seen_before: usize) -> bool {
    match (collection.paging(), page.total) {
        (Paging::None, _) => true,
        _ if page.length == 0 => true,
        (Paging::FromOne, Some(total)) => seen_before + page.length >= total,
        // Without a total only an empty page is the last: the ERP may have cut a page short.
        (Paging::FromOne, None) => false,
        (Paging::FromZero, _) => page.length < PAGE_SIZE,
    }
}
