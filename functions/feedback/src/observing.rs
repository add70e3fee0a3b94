//! Collects what answers of Visma Net show about the open questions
//! (docs/visma-net.md#open-questions). The batch writes it at its end.

use crate::feedback::Feedback;
use crate::ports::Ports;
use uuid::Uuid;
use webhooks_host::Host;
use webhooks_model::feedback::{Address, Verdict};
use webhooks_model::observed::{self, Taken};
use webhooks_settings::{FeedbackId, Settings};

impl<P: Ports> Feedback<P> {
    /// Observes that a feedback was accepted under this id, or refused under every one.
    pub(crate) fn observe(&self, address: &Address, verdict: &Verdict, id: Option<Uuid>, settings: &Settings) {
        let is_first = address.ids.first() == id.as_ref();
        let is_header_first = settings.visma.feedback_id == FeedbackId::HeaderFirst;
        let taken = match id {
            None => Taken::Neither,
            Some(_) if address.ids.len() == 1 => Taken::Only,
            Some(_) if is_first == is_header_first => Taken::Header,
            Some(_) => Taken::Body,
        };
        let length = verdict.description.as_str().encode_utf16().count();
        let seen = observed::of_feedback(taken, is_first, address.source.as_deref(), length);
        self.observer.note(seen, self.host.now());
    }
}
