//! Collects what messages show about the open questions (docs/visma-net.md#open-questions). The
//! batch writes it at its end.

use crate::ports::{Ports, Processor};
use webhooks_batch::Received;
use webhooks_host::Host;
use webhooks_model::notification::Directory;
use webhooks_model::retry::Next;
use webhooks_model::{Delivery, Notification, OpenQuestion, Reason, ResourcePath, observed};
use webhooks_settings::Settings;
use webhooks_store::Known;
use webhooks_visma::{Fetched, VismaError};

impl<P: Ports> Processor<P> {
    /// Observes a delivery once, however often its message arrives.
    pub(crate) fn observe(
        &self,
        delivery: &Delivery,
        all: &[Notification],
        directory: &impl Directory,
        received: &Received,
    ) {
        if received.receive_count > 1 {
            return;
        }
        let now = self.host.now();
        self.local.observer.note(observed::of_delivery(delivery, directory), now);
        for n in all {
            self.local.observer.note(observed::of_notification(n, delivery), now);
        }
    }

    /// Observes the zone of the resource's time, and whether the header's tenant gets answers. Both
    /// need to parse the delivery again, so it does this only now and then.
    pub(crate) fn observe_fetched(
        &self,
        n: &Notification,
        path: &ResourcePath,
        settings: &Settings,
        fetched: &Result<Fetched, VismaError>,
        received: &Received,
    ) {
        let now = self.host.now();
        let is_refused = matches!(fetched, Err(error) if is_about_the_tenant(error));
        let question = if is_refused { OpenQuestion::TenantId } else { OpenQuestion::TimeZone };
        if !self.local.observer.is_curious(question, now) {
            return;
        }
        let Ok(delivery) = Delivery::from_message(&received.body) else { return };
        let tenant = n.tenant.as_deref().unwrap_or_default();
        if let Ok(Fetched::Found(resource)) = fetched {
            let assumed = settings.visma.zone(path.api());
            self.local.observer.note(observed::of_stamp(path, resource, &delivery, assumed), now);
        }
        if fetched.is_ok() || is_refused {
            self.local.observer.note(observed::of_tenant(&delivery, tenant, fetched.is_ok()), now);
        }
    }

    /// Observes a notification that had ended and came again in another delivery.
    pub(crate) fn observe_repetition(&self, n: &Notification, known: Known, received: &Received) {
        if known.delivery == Some(n.delivery) || received.receive_count > 1 {
            return;
        }
        let (Some(first), Ok(delivery)) = (known.received_at, Delivery::from_message(&received.body)) else { return };
        self.local.observer.note(observed::of_repetition(&delivery, first), self.host.now());
    }

    /// Observes a notification that came after a newer one of its entity.
    pub(crate) fn observe_overtaken(&self, received: &Received) {
        let now = self.host.now();
        if !self.local.observer.is_curious(OpenQuestion::Ordering, now) {
            return;
        }
        let delivery = Delivery::from_message(&received.body).ok();
        self.local.observer.note(delivery.as_ref().and_then(observed::of_order), now);
    }
}

fn is_about_the_tenant(error: &VismaError) -> bool {
    matches!(error.next(), Next::Park(Reason::TokenRefused | Reason::CompanyTenantNeeded))
}
