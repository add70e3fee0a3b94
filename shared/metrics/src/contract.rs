//! All metrics, with their meaning: the rows of `contract!`. Dashboards and alarms rely on these
//! names.

use time::Duration;

/// The namespace if the environment names no other. The template's is `VismaNetWebhooks/{stack}`.
pub const NAMESPACE: &str = "VismaNetWebhooks";
/// The dimension that every metric has.
pub const SERVICE: &str = "service";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Service {
    Intake,
    Processor,
    Feedback,
    Reconciler,
    Repair,
}

impl Service {
    pub const ALL: [Self; 5] = [Self::Intake, Self::Processor, Self::Feedback, Self::Reconciler, Self::Repair];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Intake => "intake",
            Self::Processor => "processor",
            Self::Feedback => "feedback",
            Self::Reconciler => "reconciler",
            Self::Repair => "repair",
        }
    }
}

/// Units, named as in CloudWatch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    Count,
    Milliseconds,
    Bytes,
}

impl Unit {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Count => "Count",
            Self::Milliseconds => "Milliseconds",
            Self::Bytes => "Bytes",
        }
    }
}

/// One row of the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Definition {
    /// The functions that emit it.
    pub services: &'static [Service],
    pub name: &'static str,
    pub unit: Unit,
    /// The second dimension, beside `service`. CloudWatch then has the metric under both sets:
    /// `service` alone, and both.
    pub dimension: Option<&'static str>,
    pub meaning: &'static str,
}

/// One event to count, or one value to record.
pub(crate) struct Sample {
    pub(crate) name: &'static str,
    pub(crate) unit: Unit,
    pub(crate) dimension: Option<(&'static str, &'static str)>,
    /// `None` adds one to a counter; values are kept one by one.
    pub(crate) value: Option<u64>,
}

/// Each row: the functions that emit it, the metric with its second dimension or its value, its
/// unit and its meaning.
macro_rules! contract {
    ($([$($service:ident),+] $name:ident $({ $dimension:ident })? $(($value:ident: $type:ty))?, $unit:ident, $meaning:literal;)+) => {
        /// What can be recorded. The values of a dimension are constants of the code, so a sender
        /// cannot add series to the bill.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Metric {
            $(#[doc = $meaning] $name $({ $dimension: &'static str })? $(($type))?,)+
        }

        pub const DEFINITIONS: &[Definition] = &[$(Definition {
            services: &[$(Service::$service),+],
            name: stringify!($name),
            unit: Unit::$unit,
            dimension: only(&[$(stringify!($dimension))?]),
            meaning: $meaning,
        }),+];

        impl Metric {
            pub(crate) fn sample(self) -> Sample {
                match self {
                    $(Self::$name $({ $dimension })? $(($value))? => Sample {
                        name: stringify!($name),
                        unit: Unit::$unit,
                        dimension: only(&[$((stringify!($dimension), $dimension))?]),
                        value: only(&[$($value.whole())?]),
                    },)+
                }
            }
        }
    };
}

contract! {
    [Intake] Accepted, Count, "deliveries made durable and answered 202";
    [Intake] Rejected { code }, Count, "requests refused (4xx), by problem code";
    [Intake] Unavailable { code }, Count, "requests answered 503: our own fault";
    [Intake] AckDuration(elapsed: Duration), Milliseconds, "from an accepted request to its answer";
    [Intake] BodySize(bytes: usize), Bytes, "size of accepted bodies";
    [Processor] Processed, Count, "notifications that ended as processed";
    [Processor] Superseded, Count, "ended as superseded";
    [Processor] Unparseable, Count, "ended as unparseable";
    [Processor] Parked { reason }, Count, "parked for a person";
    [Processor] Dead { reason }, Count, "given up after the last attempt";
    [Processor] Retried { reason }, Count, "attempts that failed and will be repeated";
    [Processor] Duplicates, Count, "notifications that had ended before";
    [Processor] Replayed, Count, "ended before, and processed again for an operator's replay";
    [Processor] Paused, Count, "put aside until a pause ends";
    [Processor] AcceptedToProcessed(elapsed: Duration), Milliseconds, "from intake's acceptance to the end";
    [Feedback] FeedbackSent, Count, "accepted by Visma Net";
    [Feedback] FeedbackRetried { reason }, Count, "tries that failed and will be repeated";
    [Feedback] FeedbackParked { reason }, Count, "parked for a person";
    [Feedback] OutcomesRejected { code }, Count, "unusable messages on the feedback queue";
    [Feedback] AcceptedToFeedback(elapsed: Duration), Milliseconds, "from intake's acceptance until Visma Net accepts the feedback";
    [Feedback] FeedbackQuotaLeft(calls: u64), Count, "the smallest X-RateLimit-Remaining of a batch's tenants";
    [Reconciler] GapsFound { collection }, Count, "changes whose webhook never arrived, by the ERP's list";
    [Reconciler] MassChanges { collection }, Count, "lists where many rows changed all at once, or got only a new time";
    [Reconciler] RowsUnreadable { collection }, Count, "rows of a list without a readable key or time, and lists that came without all rows";
    [Reconciler] ListsSwept, Count, "lists swept to their end";
    [Reconciler] ListsUnfinished, Count, "lists left to the next run";
    [Reconciler] SilentTenants(tenants: usize), Count, "tenants silent for longer than the settings allow, even those never heard of";
    [Reconciler] SilentSubscriptions(subscriptions: usize), Count, "subscriptions that have delivered nothing for longer than the settings allow";
    [Reconciler] OutcomesExpired, Count, "deferred outcomes that missed their deadline; the accountant reads this";
    [Reconciler] StuckRequeued { kind }, Count, "stuck work that was queued again: notification or feedback";
    [Repair] ReplaysQueued, Count, "notifications put back on the queue by a job";
    [Repair] DeadLettersRedriven { kind }, Count, "dead letters sent to their queue again by a job, by queue";
    [Intake, Processor, Feedback, Reconciler, Repair] ColdStart, Count, "processes started; on a line of its own";
}

const fn only<T: Copy>(all: &[T]) -> Option<T> {
    match all {
        [one, ..] => Some(*one),
        [] => None,
    }
}

trait Whole {
    fn whole(self) -> u64;
}

impl Whole for u64 {
    fn whole(self) -> u64 {
        self
    }
}

impl Whole for usize {
    fn whole(self) -> u64 {
        self as u64
    }
}

impl Whole for Duration {
    /// The clocks of two machines may differ, so a negative duration counts as zero.
    fn whole(self) -> u64 {
        u64::try_from(self.whole_milliseconds()).unwrap_or(0)
    }
}
