//! The metrics of a notification.

use crate::ports::Ports;
use crate::processor::Processor;
use webhooks_host::Host;
use webhooks_metrics::Metric;
use webhooks_model::{Notification, Reason, State};

impl<P: Ports> Processor<P> {
    pub(crate) fn count(&self, n: &Notification, metric: Metric) {
        self.metrics.record(n.tenant.as_deref(), [metric]);
    }

    pub(crate) fn count_end(&self, n: &Notification, state: State) {
        let ended = match state {
            State::Superseded => Metric::Superseded,
            State::Unparseable => Metric::Unparseable,
            _ => Metric::Processed,
        };
        let elapsed = self.host.now() - n.received_at;
        self.metrics.record(n.tenant.as_deref(), [ended, Metric::AcceptedToProcessed(elapsed)]);
    }

    pub(crate) fn count_failure(&self, tenant: Option<&str>, is_last: bool, reason: Reason) {
        let reason = reason.as_str();
        self.metrics.record(tenant, [if is_last { Metric::Dead { reason } } else { Metric::Retried { reason } }]);
    }
}
