//! Sweeps all lists of all tenants in rounds, one page each, so that a long list does not delay the
//! others. The sweep of a list goes on from the end of the last one.

use crate::found::{self, Found};
use crate::ports::{Ports, Reconciler};
use crate::run::Run;
use time::OffsetDateTime;
use webhooks_host::Host;
use webhooks_model::collection::{Collection, Listed, Page, Paging, Row};
use webhooks_model::resource_path::Api;
use webhooks_model::retry::Next;
use webhooks_model::walk::{PAGE_SIZE, Taken, Walk, Window};
use webhooks_model::{Reason, catalogue};
use webhooks_queue::{Message, QueueError, Sender};
use webhooks_settings::Settings;
use webhooks_store::{Compared, StoreError, Unfinished, Watermark};
use webhooks_visma::{Fault, Listing, Quotas, Stage, VismaError};

/// Why a sweep ended early.
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

/// A tenant, and one of its collections.
type List = (String, Collection);

/// A list in a run. If the sweep ends early, its findings stay, and the next run continues after
/// the last finished page.
#[derive(Debug)]
pub(crate) struct Sweep<'s> {
    pub(crate) tenant: &'s str,
    pub(crate) collection: Collection,
    pub(crate) progress: Progress,
    pub(crate) found: Found,
    at: Option<At>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It had no turn in this run.
    Waiting,
    /// The list has more pages.
    Open,
    Finished,
    /// It continues in the next run.
    Stopped,
}

/// The progress of the sweep.
#[derive(Debug)]
struct At {
    swept_to: OffsetDateTime,
    page_size: Option<usize>,
    until: OffsetDateTime,
    walk: Walk,
}

impl<'s> Sweep<'s> {
    fn new(tenant: &'s str, collection: Collection) -> Self {
        Self { tenant, collection, progress: Progress::Waiting, found: Found::default(), at: None }
    }

    fn is_open(&self) -> bool {
        matches!(self.progress, Progress::Waiting | Progress::Open)
    }

    /// The tenant and the API that answers.
    fn asked(&self) -> (&'s str, Api) {
        (self.tenant, self.collection.api())
    }
}

impl At {
    /// `filled` is false if the page's changes did not all fit; the next run then reads it again.
    /// `rest` is the rest of the list.
    fn moved(self, filled: bool, rest: Option<Walk>) -> (Self, Progress) {
        match (filled, rest) {
            (false, _) => (self, Progress::Stopped),
            (true, Some(walk)) => (Self { walk, ..self }, Progress::Open),
            (true, None) => (Self { swept_to: self.until.max(self.swept_to), ..self }, Progress::Finished),
        }
    }

    fn watermark(&self, progress: Progress) -> Watermark {
        let rest = || Unfinished { until: self.until, walk: self.walk.clone() };
        let unfinished = (progress != Progress::Finished).then(rest);
        Watermark { swept_to: self.swept_to, page_size: self.page_size, unfinished }
    }

    /// The same with smaller pages; `None` if they cannot be smaller.
    fn with_smaller_pages(self, most: Option<usize>) -> Option<Self> {
        let size = self.walk.size();
        let smaller = most.filter(|most| (1..size).contains(most)).unwrap_or(size / 2);
        (smaller > 0).then(|| Self { page_size: Some(smaller), walk: self.walk.with_size(smaller), ..self })
    }
}

impl<P: Ports> Reconciler<P> {
    /// Sweeps from `first` on until the lists or the budget end. Returns the first list without a
    /// turn, where the next run begins. So each list gets its turn after a number of runs, however
    /// small the budget.
    pub(crate) async fn sweep_all<'s>(
        &self,
        settings: &Settings,
        tenants: &[&'s str],
        first: Option<&List>,
        run: &mut Run<'_>,
    ) -> (Vec<Sweep<'s>>, Option<List>) {
        let mut lists = in_order(tenants, &settings.reconciliation.collections, first);
        let mut refused = Vec::new();
        let mut has_moved = true;
        'rounds: while has_moved {
            has_moved = false;
            for at in 0..lists.len() {
                let sweep = &lists[at];
                if !sweep.is_open() || refused.contains(&sweep.asked()) || !run.may_ask(sweep.tenant) {
                    continue;
                }
                let waits = |other: &Sweep<'_>| other.progress == Progress::Waiting;
                run.others_wait = lists[at + 1..].iter().any(waits);
                let sweep = &mut lists[at];
                if run.is_spent(self.host.now()) {
                    break 'rounds;
                }
                has_moved = true;
                if let Err(error) = self.take_turn(settings, sweep, run).await {
                    sweep.progress = Progress::Stopped;
                    warn(sweep, &error);
                    refused.extend(concerned(sweep.collection, &error).into_iter().map(|api| (sweep.tenant, api)));
                }
            }
        }
        let waits = |sweep: &&Sweep<'_>| sweep.progress == Progress::Waiting && !refused.contains(&sweep.asked());
        let next = lists.iter().find(waits).map(|sweep| (sweep.tenant.to_owned(), sweep.collection));
        (lists, next)
    }

    /// Handles one page.
    async fn take_turn(&self, settings: &Settings, sweep: &mut Sweep<'_>, run: &mut Run<'_>) -> Result<(), SweepError> {
        let (tenant, collection) = (sweep.tenant, sweep.collection);
        let at = match sweep.at.take() {
            Some(at) => at,
            None => self.begin(settings, tenant, collection).await?,
        };
        let (window, since) = (at.walk.window(), at.swept_to - settings.reconciliation.overlap());
        run.take_call(tenant);
        let list = self.listing.list(&settings.visma, tenant, collection, since, window);
        let answered = match tokio::time::timeout(run.time_for_lists(self.host.now()), list).await {
            Ok(answered) => answered,
            Err(_) => Err(VismaError::Unavailable { stage: Stage::List, fault: Fault::Timeout, after: None }),
        };
        if let Some(quota) = self.listing.quota_left(tenant) {
            run.note_quota(tenant, quota.remaining);
        }
        let page = match answered {
            Err(VismaError::ParameterRefused { stage, parameter: "pageSize", most }) => {
                let error = VismaError::ParameterRefused { stage, parameter: "pageSize", most };
                let page_size = window.size;
                tracing::warn!(tenant, collection = %collection, page_size, "a page is too large: {error}");
                sweep.at = Some(at.with_smaller_pages(most).ok_or(error)?);
                sweep.progress = Progress::Open;
                return Ok(());
            }
            answered => answered?,
        };
        let Taken { new_from, rest } = taken(collection, &at.walk, window, &page);
        if collection.paging() == Paging::None {
            sweep.found.absent += page.total.unwrap_or_default().saturating_sub(page.rows.len());
        }
        let rows: Vec<Row> = page.rows.into_iter().skip(new_from).collect();
        found::warn_if_ahead(tenant, collection, &rows, self.host.now());
        sweep.found.see_rows(&rows);
        let compared = self.compare(settings, tenant, collection, rows, at.until).await?;
        sweep.found.touched += compared.touched;
        let filled = self.fill(sweep, &compared.missing, run).await?;
        let (at, progress) = at.moved(filled, rest);
        self.sweeps.set_watermark(tenant, collection, &at.watermark(progress), self.host.now()).await?;
        sweep.at = Some(at);
        sweep.progress = progress;
        Ok(())
    }

    async fn begin(&self, settings: &Settings, tenant: &str, collection: Collection) -> Result<At, SweepError> {
        let (rules, now) = (&settings.reconciliation, self.host.now());
        let last = self.sweeps.watermark(tenant, collection).await?;
        let fresh = Watermark { swept_to: now - rules.first_lookback(), page_size: None, unfinished: None };
        let Watermark { swept_to, page_size, unfinished } = last.unwrap_or(fresh);
        let (until, walk) = match unfinished {
            Some(rest) => (rest.until, rest.walk),
            None => (now - rules.grace(), Walk::new(page_size.unwrap_or(PAGE_SIZE))),
        };
        Ok(At { swept_to, page_size, until, walk })
    }

    /// Compares the rows with the heads. Changes after `until` belong to the next sweep.
    async fn compare(
        &self,
        settings: &Settings,
        tenant: &str,
        collection: Collection,
        rows: Vec<Row>,
        until: OffsetDateTime,
    ) -> Result<Compared, SweepError> {
        let due = |row| match row {
            Row::Read(listed) => Some(listed).filter(|one: &Listed| one.modified.at().to_datetime() <= until),
            Row::NoKey | Row::NoTime { .. } => None,
        };
        let listed = rows.into_iter().filter_map(due).collect();
        let event = catalogue::find(collection.event());
        let fetched = event.is_none_or(|event| settings.route(event.entity, event.kind).fetch);
        Ok(self.sweeps.compare(&tenant.to_lowercase(), collection, listed, fetched, self.host.now()).await?)
    }

    /// Queues missing changes, as long as there is time. Returns whether all fitted.
    async fn fill(&self, sweep: &mut Sweep<'_>, missing: &[Listed], run: &mut Run<'_>) -> Result<bool, SweepError> {
        let (tenant, collection) = (sweep.tenant, sweep.collection);
        missing.iter().for_each(|gap| sweep.found.see_gap(gap.modified.at()));
        let room = run.room(tenant);
        for gap in missing.iter().take(room) {
            if !run.has_time(self.host.now()) {
                return Ok(false);
            }
            run.take_gap(tenant);
            let delivery = found::delivery(tenant, collection, gap, self.host.new_id(), self.host.now());
            let message =
                Message { body: delivery.to_message(), group: Some(tenant), attributes: &[], trace: run.trace };
            self.queue.send(message).await?;
            sweep.found.queue_gap(gap.modified.at());
        }
        Ok(missing.len() <= room)
    }
}

/// The same list of all tenants, then the next list, so that tenants also take turns.
fn in_order<'s>(tenants: &[&'s str], collections: &[Collection], first: Option<&List>) -> Vec<Sweep<'s>> {
    let of_all = |collection: &Collection| {
        let collection = *collection;
        tenants.iter().map(move |&tenant| Sweep::new(tenant, collection))
    };
    let mut lists: Vec<Sweep<'s>> = collections.iter().flat_map(of_all).collect();
    let is_first = |sweep: &Sweep<'_>| {
        first.is_some_and(|(tenant, collection)| sweep.tenant == tenant && sweep.collection == *collection)
    };
    let begin = lists.iter().position(is_first).unwrap_or(0);
    lists.rotate_left(begin);
    lists
}

fn warn(sweep: &Sweep<'_>, error: &SweepError) {
    let (tenant, collection, reason) = (sweep.tenant, sweep.collection, error.next().reason());
    tracing::warn!(tenant, collection = %collection, reason = reason.as_str(), "sweep ended early: {error}");
}

/// The APIs whose other lists of the tenant would fail as well. Each API has scopes of its own
/// (docs/visma-net.md#tokens), so a tenant may have approved only one.
fn concerned(collection: Collection, error: &SweepError) -> Vec<Api> {
    let SweepError::Visma(error) = error else { return vec![] };
    match error.next().reason() {
        Reason::RateLimited => vec![Api::Finance, Api::SalesOrder],
        Reason::TokenRefused if error.is_refused_by_connect() => vec![Api::Finance, Api::SalesOrder],
        Reason::TenantNotApproved | Reason::TokenRefused | Reason::CompanyTenantNeeded => vec![collection.api()],
        _ => vec![],
    }
}

fn taken(collection: Collection, walk: &Walk, window: Window, page: &Page) -> Taken {
    match collection.paging() {
        Paging::None => Taken { new_from: 0, rest: None },
        Paging::FromOne | Paging::FromZero => walk.clone().take(window, page),
    }
}
