//! What happens without anybody asking: a cron trigger calls it every few minutes.

use super::App;
use super::ports::{LogLine, Ports, Unavailable};
use super::registry::certificate_notices::TellCertificates;
use super::registry::publishing::Publish;

impl<P: Ports> App<P> {
    /// One run of the schedule. Each part is tried, whatever becomes of the others.
    pub async fn run_schedule(&self) {
        self.log_failure("publishing", self.publish_leftovers().await);
        self.log_failure("metadata refresh", self.refresh_due_metadata().await);
        self.log_failure("domain proofs", self.look_up_due_proofs().await);
        self.log_failure("ending certificates", self.tell_ending_certificates().await);
    }

    /// Publishes what a change left unpublished, should its own retries have ended.
    async fn publish_leftovers(&self) -> Result<(), Unavailable> {
        self.ports.registry(Publish {}).await.map(|_| ())
    }

    /// Tells webhooks of certificates that end soon.
    async fn tell_ending_certificates(&self) -> Result<(), Unavailable> {
        self.ports.registry(TellCertificates {}).await.map(|_| ())
    }

    fn log_failure(&self, part: &str, done: Result<(), Unavailable>) {
        if let Err(unavailable) = done {
            self.ports.log(&LogLine {
                detail: Some(&format!("{part}: {unavailable}")),
                ..LogLine::of("schedule_failed")
            });
        }
    }
}
