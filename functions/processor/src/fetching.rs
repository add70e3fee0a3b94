//! Fetching a resource by what the settings say now.

use crate::failure::Failure;
use crate::ports::Ports;
use crate::processor::Processor;
use webhooks_model::ResourcePath;
use webhooks_settings::Settings;
use webhooks_visma::{Fetched, Visma, VismaError};

impl<P: Ports> Processor<P> {
    /// What Visma Connect refuses may be right in a newer document, such as a rotated client secret. That is read, once in half a minute at
    /// most, before anybody has to look.
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
