//! Fetches a resource with the current settings.

use crate::failure::Failure;
use crate::ports::Ports;
use crate::processor::Processor;
use webhooks_model::ResourcePath;
use webhooks_settings::Settings;
use webhooks_visma::{Fetched, Visma, VismaError};

impl<P: Ports> Processor<P> {
    /// If Visma Connect refuses our credentials, a newer document may have better ones, such as a
    /// rotated client secret. So the settings are read again, at most once in half a minute, before
    /// the notification is parked.
    pub(crate) async fn fetch(
        &self,
        settings: &Settings,
        tenant: &str,
        path: &ResourcePath,
    ) -> Result<Result<Fetched, VismaError>, Failure> {
        let refused = match self.visma.fetch(&settings.visma, tenant, path).await {
            Err(error) if error.is_refused_by_connect() => error,
            fetched => return Ok(fetched),
        };
        let newer = self.settings.refreshed().await?;
        if newer.visma == settings.visma {
            return Ok(Err(refused));
        }
        Ok(self.visma.fetch(&newer.visma, tenant, path).await)
    }
}
