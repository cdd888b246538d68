//! Metadata that is fetched again: by the schedule, and when a message may be signed with a key that nobody knows yet.

use super::App;
use super::ledger::{FindKey, KeySource};
use super::ports::{LogLine, Ports, Unavailable};
use super::registry::Actor;
use super::registry::refresh::{RefreshFailure, RefreshOutcome, SaveRefresh, TakeDueRefreshes};
use crate::limits::MAX_REFRESHES_PER_RUN;
use crate::saml::connection::Connection;
use crate::saml::id::ConnectionId;

impl<P: Ports> App<P> {
    /// Fetches the metadata again whose turn it is. One connection's trouble is not the next one's.
    pub(super) async fn refresh_due_metadata(&self) -> Result<(), Unavailable> {
        let due = TakeDueRefreshes {
            limit: MAX_REFRESHES_PER_RUN,
        };
        let mut failed = Ok(());
        for connection in self.ports.registry(due).await?.reply {
            if let Err(unavailable) = self.refresh_metadata(&connection, "schedule").await {
                failed = Err(unavailable);
            }
        }
        failed
    }

    /// The connection with keys that it has got since `used` was read, or that its metadata has got: no known one made the signature
    /// of a message. Nothing when there are none, and when somebody has just looked.
    pub(super) async fn with_new_keys(&self, used: &Connection) -> Option<Connection> {
        let found = self.look_for_keys(used).await.unwrap_or_else(|unavailable| {
            self.ports.log(&LogLine {
                connection: Some(&used.id),
                detail: Some(&unavailable.0),
                ..LogLine::of("keys_not_looked_for")
            });
            None
        });
        let certificates = |connection: &Connection| connection.identity_provider.clone().map(|idp| idp.certificates);
        found.filter(|found| certificates(found) != certificates(used))
    }

    async fn look_for_keys(&self, used: &Connection) -> Result<Option<Connection>, Unavailable> {
        let idp = used.identity_provider.as_ref();
        let find = FindKey {
            generation: used.generation,
            has_metadata_url: idp.is_some_and(|idp| idp.metadata_url.is_some()),
        };
        match self.ports.ledger(&used.id, find).await? {
            KeySource::Nowhere => Ok(None),
            KeySource::Registry => self.registered_connection(&used.id).await,
            KeySource::Metadata => match self.refresh_metadata(used, "sign-in").await? {
                RefreshOutcome::Taken(connection) => Ok(Some(*connection)),
                RefreshOutcome::Failed | RefreshOutcome::Gone | RefreshOutcome::Held => Ok(None),
            },
        }
    }

    /// Fetches the metadata of `connection` again and hands it to the registry.
    async fn refresh_metadata(&self, connection: &Connection, actor: &str) -> Result<RefreshOutcome, Unavailable> {
        let idp = connection.identity_provider.as_ref();
        let Some((idp, url)) = idp.and_then(|idp| Some((idp, idp.metadata_url.as_ref()?))) else {
            return Ok(RefreshOutcome::Gone);
        };
        let found = self.refetch_identity_provider(url, &idp.entity_id).await;
        let save = SaveRefresh {
            id: connection.id.clone(),
            generation: connection.generation,
            url: url.clone(),
            found: found.map(Box::new).map_err(|error| RefreshFailure {
                code: error.code.to_owned(),
                detail: error.message,
            }),
            actor: Actor::new(actor),
        };
        if let Err(failure) = &save.found {
            self.log_refresh("metadata_refresh_failed", &connection.id, Some(&failure.code));
        }
        let outcome = self.ports.registry(save).await?.reply;
        if outcome == RefreshOutcome::Held {
            self.log_refresh("metadata_held", &connection.id, None);
        }
        Ok(outcome)
    }

    fn log_refresh(&self, event: &str, connection: &ConnectionId, code: Option<&str>) {
        self.ports.log(&LogLine {
            connection: Some(connection),
            code,
            ..LogLine::of(event)
        });
    }
}
