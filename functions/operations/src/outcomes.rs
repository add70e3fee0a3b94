//! The results of the notifications that a job put back on a queue. They are counted from the
//! records when an operator requests the job, a few pages at a time.

use crate::body::Json;
use crate::ports::{Operations, Ports, Shared};
use crate::problem::Problem;
use crate::query::{CLOCKS_DIFFER_BY, Cursor, LONGEST_LOOK, Parameters, list_of};
use crate::route::Asked;
use crate::types::{Notification, Notifications, left_out};
use time::format_description::well_known::Rfc3339;
use time::{Duration, OffsetDateTime};
use uuid::Uuid;
use webhooks_host::Host;
use webhooks_model::feedback::FeedbackState;
use webhooks_model::filter::Filter;
use webhooks_model::job::{Ending, Job, Status, Tally};
use webhooks_model::work::{ParkedFeedback, Work};
use webhooks_model::{Reason, State as NotificationState};
use webhooks_store::{Mark, Page, Position, Record, RecordPage, StoreError, place_in_feed, position_after};

const AT_ONCE: i32 = 100;
const AT_ONCE_MARKED: u8 = 100;
/// The most pages, of a hundred records each, that one request reads.
const STRETCHES: usize = 10;
/// The lists of feedback that Visma Net has refused: as it is, acknowledged, or held with its
/// notification. A resend's position is the name of a list, a blank, and the place in the list.
const REFUSED: [&str; 4] = ["feedback_parked", "acknowledged#feedback_parked", "parked", "acknowledged#parked"];
/// The shortest time for which a count is valid while some are under way. The later the count, the
/// longer it is valid.
const HOLDS: Duration = Duration::seconds(2);
/// The longest that an attempt can last. While it runs, its record already says `lost`, in case the
/// attempt dies without a trace.
const LONGEST_ATTEMPT: Duration = Duration::minutes(15);

/// Lists the notifications of a replay or a resend that need a person again.
#[utoipa::path(get, path = "/operations/v1/jobs/{id}/failed", tag = "read", params(("id" = Uuid, Path),
    ("limit" = Option<u8>, Query, minimum = 1, maximum = 100), ("cursor" = Option<String>, Query, max_length = 2048)),
    responses((status = 200, body = Notifications), Problem))]
pub(crate) async fn failed<P: Ports>(operations: Shared<P>, asked: Asked) -> Result<Json<Notifications>, Problem> {
    let parameters = Parameters::new(asked.query, &["limit", "cursor"])?;
    let job = operations.job(&asked.name).await?;
    let list = list_of_failed(job.id);
    let after = Cursor::read(list, parameters.get("cursor"))?.map(|cursor| place(&job, cursor.after)).transpose()?;
    let page = operations.failures(&job, after, parameters.limit()?.into()).await?;
    operations.introduce(&page.records).await;
    let items = page.records.into_iter().map(Notification::from).collect();
    let next = page.position.map(|next| cursor(list, &job, next));
    Ok(Json(Notifications { items, next, left_out: left_out(page.unread), from: None, to: None }))
}

impl<P: Ports> Operations<P> {
    /// Continues to count the results of the job, if they are not final. If two requests count at
    /// the same time, one count is saved; both are right.
    pub(crate) async fn counted(&self, job: Job) -> Result<Job, Problem> {
        let now = self.host.now();
        if !is_to_be_counted(&job, now) {
            return Ok(job);
        }
        let begun = job.counted().filter(|tally| !tally.is_whole).cloned();
        let mut tally = begun.unwrap_or_else(|| Tally::new(job.progress.done, now));
        for _ in 0..STRETCHES {
            let RecordPage { records, position, unread } = self.look_on(&job, tally.position.as_deref()).await?;
            self.add(&mut tally, &job, records).await?;
            tally.unread += unread as u64;
            tally.is_whole = position.is_none();
            tally.position = position;
            if tally.is_whole || self.host.now() >= now + LONGEST_LOOK {
                break;
            }
        }
        // Feedback that Visma Net accepted is not in the lists, so it is what remains. It is not known
        // of what cannot be read.
        if tally.is_whole && matches!(job.work, Work::Resend(_)) {
            // What came back on its way during the count is in none of the lists that were read since.
            // Without it the count would be final.
            if tally.under_way == 0 {
                let on_its_way = self.look_on(&job, None).await?;
                self.add(&mut tally, &job, on_its_way.records).await?;
            }
            tally.succeeded = tally.of.saturating_sub(tally.failed + tally.under_way + tally.unread);
        }
        tally.counted_at = now;
        self.store.note_tally(&job, &tally).await?;
        Ok(Job { tally: Some(tally), ..job })
    }

    async fn add(&self, tally: &mut Tally, job: &Job, records: Vec<Record>) -> Result<(), Problem> {
        for record in records {
            if let Some((ending, _)) = self.ending(job, record).await? {
                tally.add(ending);
            }
        }
        Ok(())
    }

    /// The next `most` records that failed again. If the last of them is within a page, what the page
    /// leaves out behind it counts again with the next ones.
    async fn failures(&self, job: &Job, mut position: Option<String>, most: usize) -> Result<RecordPage, Problem> {
        let (mut failed, mut unread, ends_at) = (vec![], 0, self.host.now() + LONGEST_LOOK);
        // Feedback on its way has not failed, so its list is skipped.
        if matches!(job.work, Work::Resend(_)) {
            position = position.or_else(|| Some(format!("{} ", REFUSED[0])));
        }
        for _ in 0..STRETCHES {
            let page = self.look_on(job, position.as_deref()).await?;
            unread += page.unread;
            for record in page.records {
                let here = record.position.clone();
                if let Some((Ending::Failed, record)) = self.ending(job, record).await? {
                    failed.push(record);
                }
                if failed.len() == most {
                    let position = place_of(job, position.as_deref().unwrap_or_default(), here);
                    return Ok(RecordPage { records: failed, position: Some(position), unread });
                }
            }
            position = page.position;
            if position.is_none() || self.host.now() >= ends_at {
                break;
            }
        }
        Ok(RecordPage { records: failed, position, unread })
    }

    /// The next records that the job may have put back.
    async fn look_on(&self, job: &Job, position: Option<&str>) -> Result<RecordPage, Problem> {
        match &job.work {
            Work::Replay(filter) => Ok(self.store.stand(filter, position, AT_ONCE).await?),
            Work::Resend(filter) => self.look_on_resent(job, filter, position.unwrap_or_default()).await,
            Work::Redrive(_) | Work::Release | Work::Erase { .. } => Ok(RecordPage::default()),
        }
    }

    /// Reads first the feedback on its way, then the feedback that waits for a quota, then the
    /// feedback refused since the job began, for any cause. Feedback that changes its list between two
    /// reads may count twice. If it goes from one of the later lists back on its way, it may be missed,
    /// and then counts as succeeded. The next count corrects both. There is none if nothing else is
    /// under way, so the count then looks at what is on its way once more.
    async fn look_on_resent(&self, job: &Job, filter: &ParkedFeedback, position: &str) -> Result<RecordPage, Problem> {
        let (from, to) = (job.created_at - CLOCKS_DIFFER_BY, self.host.now() + CLOCKS_DIFFER_BY);
        let since = ParkedFeedback { tenant: filter.tenant.clone(), reason: None, cause: None, from: Some(from), to };
        let (mark, place) = position.split_once(' ').unwrap_or((Mark::Queued.as_str(), ""));
        let place = Some(place).filter(|place| !place.is_empty());
        let page = if mark == Mark::Queued.as_str() {
            self.store.on_its_way(&since, place, AT_ONCE_MARKED).await?
        } else if mark == REFUSED[0] {
            self.store.parked(&since, place, AT_ONCE_MARKED).await?
        } else {
            let after: Option<Position> = place.and_then(|place| serde_json::from_str(place).ok());
            let Page { records, next, unread } = self.store.marked(mark, after.as_ref(), AT_ONCE_MARKED).await?;
            // What waits for a quota is listed by its time of receipt.
            let is_since = |next: &Position| {
                !REFUSED.contains(&mark) || OffsetDateTime::parse(&next.at, &Rfc3339).is_ok_and(|at| at >= from)
            };
            RecordPage { records, position: next.filter(is_since).as_ref().map(json), unread }
        };
        let position = match page.position {
            Some(next) => Some(format!("{mark} {next}")),
            None => self.behind(filter, mark).await?,
        };
        Ok(RecordPage { position, ..page })
    }

    /// The position at the start of the next list: that of the filter's first or next tenant without
    /// calls, then those of refused feedback.
    async fn behind(&self, filter: &ParkedFeedback, mark: &str) -> Result<Option<String>, Problem> {
        if let Some(at) = REFUSED.iter().position(|own| *own == mark) {
            return Ok(REFUSED.get(at + 1).map(|next| format!("{next} ")));
        }
        let last = mark.split_once('#').map(|(_, tenant)| tenant);
        let allowances = self.store.allowances().await?;
        let mut tenants = allowances.into_iter().map(|allowance| allowance.tenant);
        let is_next = |tenant: &String| {
            filter.tenant.as_ref().is_none_or(|own| own == tenant) && last.is_none_or(|last| tenant.as_str() > last)
        };
        let next = tenants.find(is_next).map(|tenant| Mark::LimitedFeedback.value(&tenant));
        Ok(Some(format!("{} ", next.as_deref().unwrap_or(REFUSED[0]))))
    }

    /// The result of one record, and the record that shows it: this one, or the one that replaces
    /// it. `None` if the job did not put the notification back.
    async fn ending(&self, job: &Job, record: Record) -> Result<Option<(Ending, Record)>, Problem> {
        let Some(put_back) = record.actions.iter().find(|action| job.has_written(&action.text)) else {
            return Ok(None);
        };
        let (since, now) = (put_back.at, self.host.now());
        if matches!(job.work, Work::Resend(_)) {
            return Ok(Some((answered_since(since, &record), record)));
        }
        let Some(moved) = record.moved_to.clone() else {
            return Ok(Some((ending_since(since, &record, now), record)));
        };
        let own = match self.store.record_of(&moved).await {
            // Only a newer version knows its end. It counts as unread, in its own place of the feed.
            Err(StoreError::Newer(_)) => return Ok(None),
            own => own?,
        };
        // The record that replaces it may have ended before this job.
        Ok(Some(match own {
            Some(own) => (ending_since(OffsetDateTime::UNIX_EPOCH, &own, now), own),
            None => (Ending::UnderWay, record),
        }))
    }
}

/// The result of a notification that was put back at `since`. The repetition of an ended
/// notification leaves a trace only if it succeeds.
fn ending_since(since: OffsetDateTime, record: &Record, now: OffsetDateTime) -> Ending {
    let is_later = |at: Option<OffsetDateTime>| at.is_some_and(|at| at >= since);
    let is_repeated = record.moments.iter().any(|moment| moment.what == "replayed" && moment.at >= since);
    let has_ended = is_repeated || is_later(record.ended_at);
    let is_tried = record.reason == Some(Reason::Lost)
        && record.updated_at.is_some_and(|begun_at| now - begun_at < LONGEST_ATTEMPT);
    match record.state {
        NotificationState::Processed | NotificationState::Superseded if has_ended => Ending::Succeeded,
        NotificationState::Unparseable if has_ended => Ending::Failed,
        NotificationState::Dead | NotificationState::Parked if is_later(record.updated_at) && !is_tried => {
            Ending::Failed
        }
        _ => Ending::UnderWay,
    }
}

/// The result of feedback that was resent at `since`.
fn answered_since(since: OffsetDateTime, record: &Record) -> Ending {
    match record.feedback {
        Some(FeedbackState::Sent) => Ending::Succeeded,
        Some(FeedbackState::Parked) if record.feedback_at.is_some_and(|at| at >= since) => Ending::Failed,
        _ => Ending::UnderWay,
    }
}

fn is_to_be_counted(job: &Job, now: OffsetDateTime) -> bool {
    let is_countable = matches!(job.work, Work::Replay(_) | Work::Resend(_)) && job.progress.status != Status::Running;
    let holds = |tally: &Tally| {
        let waits = HOLDS.max((tally.counted_at - job.progress.updated_at) / 2);
        tally.is_whole && (tally.under_way == 0 || now - tally.counted_at < waits)
    };
    is_countable && !job.counted().is_some_and(holds)
}

fn list_of_failed(id: Uuid) -> u64 {
    list_of(("failed", id))
}

/// The position after that record of a look, in the form that the job's kind uses.
fn place_of(job: &Job, look: &str, position: Position) -> String {
    match &job.work {
        Work::Resend(_) => format!("{} {}", look.split(' ').next().unwrap_or_default(), json(&position)),
        Work::Replay(filter) => position_after(filter, &position),
        Work::Redrive(_) | Work::Release | Work::Erase { .. } => position.at,
    }
}

fn json(position: &Position) -> String {
    serde_json::to_string(position).expect("texts always serialise")
}

/// Only a place in a list of a resend has keys of the table. A replay's position is a place in the
/// feed.
fn cursor(list: u64, job: &Job, place: String) -> String {
    let (mark, rest) = place.split_once(' ').unwrap_or_default();
    match serde_json::from_str::<Position>(rest) {
        Ok(Position { at, pk, sk }) => Cursor::write(list, None, Position { at: format!("{mark} {at}"), pk, sk }),
        Err(_) => {
            Cursor::write(list, Some(job.created_at), Position { at: place, pk: String::new(), sk: String::new() })
        }
    }
}

fn place(job: &Job, after: Position) -> Result<String, Problem> {
    match &job.work {
        Work::Replay(filter) if is_within(filter, &after.at) => Ok(after.at),
        Work::Resend(_) => {
            let listed = after.at.split_once(' ').filter(|(mark, _)| REFUSED.contains(mark));
            let (mark, at) = listed.ok_or_else(Problem::unknown_cursor)?;
            // DynamoDB refuses an empty key.
            if at.is_empty() || after.pk.is_empty() {
                return Ok(format!("{mark} "));
            }
            Ok(format!("{mark} {}", json(&Position { at: at.to_owned(), pk: after.pk, sk: after.sk })))
        }
        _ => Err(Problem::unknown_cursor()),
    }
}

/// Whether the position is within the days of the filter, or at the start of a tenant.
fn is_within(filter: &Filter, position: &str) -> bool {
    let place = place_in_feed(filter, position);
    if place.is_empty() {
        return true;
    }
    let day = place.get(..10).and_then(|day| OffsetDateTime::parse(&format!("{day}T00:00:00Z"), &Rfc3339).ok());
    day.is_some_and(|day| day < filter.to && filter.from - day < Duration::DAY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use time::macros::datetime;

    const NOON: OffsetDateTime = datetime!(2026-11-23 12:00 UTC);

    fn filter(from: OffsetDateTime, to: OffsetDateTime) -> Filter {
        Filter { tenant: Some("t-1".into()), states: vec![], entity: None, event: None, from, to }
    }

    fn job(work: impl Into<Work>) -> Job {
        Job::new(Uuid::nil(), work, 10, "op", "why", NOON)
    }

    #[test]
    fn a_count_with_some_under_way_is_valid_for_half_of_the_jobs_rest_and_two_seconds_at_least() {
        let mut job = job(filter(NOON - Duration::DAY, NOON));
        assert!(!is_to_be_counted(&job, NOON), "it is running");
        job.progress.status = Status::Finished;
        assert!(is_to_be_counted(&job, NOON), "nobody has counted it");
        for (is_whole, under_way, rest, age, expected) in [
            (true, 1, 60, 29, false),
            (true, 1, 60, 30, true),
            (true, 1, 1, 1, false),
            (true, 1, 1, 2, true),
            (true, 0, 60, 3600, false),
            (false, 1, 60, 29, true),
            (false, 0, 60, 29, true),
        ] {
            let counted_at = NOON + Duration::seconds(rest);
            job.tally = Some(Tally { is_whole, under_way, ..Tally::new(0, counted_at) });
            let now = counted_at + Duration::seconds(age);
            assert_eq!(is_to_be_counted(&job, now), expected, "{is_whole} {under_way} {rest} {age}");
        }
        let release = Job { work: Work::Release, tally: None, ..job };
        assert!(!is_to_be_counted(&release, NOON), "a release has no outcomes");
    }

    #[test]
    fn a_place_is_within_the_days_of_the_filter() {
        let at_noon = filter(datetime!(2026-11-20 12:00 UTC), datetime!(2026-11-22 00:00 UTC));
        let at_midnight = filter(datetime!(2026-11-20 00:00 UTC), datetime!(2026-11-22 00:01 UTC));
        for (day, from_noon, from_midnight) in [
            ("2026-11-19", false, false),
            ("2026-11-20", true, true),
            ("2026-11-21", true, true),
            ("2026-11-22", false, true),
            ("2026-11-23", false, false),
        ] {
            let place = format!("{day}T10:00:00.000Z#key");
            let is_there = [&at_noon, &at_midnight].map(|filter| is_within(filter, &place));
            assert_eq!(is_there, [from_noon, from_midnight], "{day}");
        }
        assert!(is_within(&at_noon, "") && !is_within(&at_noon, "yesterday"));
    }

    #[test]
    fn a_cursor_names_a_place_of_its_own_job() {
        assert_ne!(list_of_failed(Uuid::nil()), list_of_failed(Uuid::from_u128(1)));
        let position = |at: &str, key: &str| Position { at: at.into(), pk: key.into(), sk: key.into() };
        let replay = job(filter(NOON - Duration::DAY, NOON));
        let resend = ParkedFeedback { tenant: None, reason: None, cause: None, from: None, to: NOON };
        let resend = job(Work::Resend(resend));
        let (at, earlier) = ("2026-11-22T13:00:00.000Z#key", "2026-11-01T13:00:00.000Z#key");
        assert_eq!(place(&replay, position(at, "")), Ok(at.to_owned()));
        for list in REFUSED {
            let kept = format!(r#"{list} {{"at":"{at}","pk":"k","sk":"k"}}"#);
            assert_eq!(place(&resend, position(&format!("{list} {at}"), "k")), Ok(kept));
            for (at, key) in [("", ""), ("", "k"), (at, "")] {
                assert_eq!(place(&resend, position(&format!("{list} {at}"), key)), Ok(format!("{list} ")));
            }
        }
        for (job, position) in [
            (&replay, position(earlier, "")),
            (&resend, position(at, "k")),
            (&resend, position(&format!("dead {at}"), "k")),
            (&job(Work::Release), position(at, "k")),
        ] {
            assert_eq!(place(job, position), Err(Problem::unknown_cursor()), "{}", job.work.as_str());
        }
    }
}
