//! The Durable Objects. Each runs the application's calls on its own SQLite, one at a time.

use core::time::Duration;

use futures_util::lock::Mutex;
use worker::{DurableObject, Env, Method, Request, RequestInit, Response, Result, State, durable_object};

use super::ports::{CONFIG_NAMESPACE, WorkerPorts, call_ledger, now};
use super::sql::ObjectSql;
use crate::app::config::{Config, domain_proof};
use crate::app::registry::publishing::{self, LedgerNews, Publication};
use crate::app::sql::SqlError;
use crate::app::{App, ledger, registry};
use crate::limits::MAX_PUBLICATIONS_AT_ONCE;

/// How long after a failed publication it is tried again.
const RETRY: Duration = Duration::from_secs(10);
/// How often a ledger drops what is no longer needed.
const SWEEP: Duration = Duration::from_hours(1);

/// The registry: one object.
#[durable_object(alarm)]
pub struct Registry {
    state: State,
    env: Env,
    sql: ObjectSql,
    /// Held while publishing, so that what is published later is also what arrives later.
    publishing: Mutex<()>,
}

impl DurableObject for Registry {
    fn new(state: State, env: Env) -> Self {
        let sql = ObjectSql::of(state.storage());
        Self {
            state,
            env,
            sql,
            publishing: Mutex::new(()),
        }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let (name, call) = (request.path(), request.text().await?);
        let name = name.trim_start_matches('/');
        registry::prepare(&self.sql).map_err(failed)?;
        let demanded = self.env.var("REQUIRE_DOMAIN_PROOF").ok().map(|value| value.to_string());
        // Whoever calls has refused any other value.
        if let Ok(proof) = domain_proof(demanded.as_deref()) {
            registry::proofs::set_policy(&self.sql, proof).map_err(failed)?;
        }
        let Some(reply) = registry::dispatch(name, &call, &self.sql, now()).map_err(failed)? else {
            return Response::error("no such call", 404);
        };
        let mut published = true;
        if registry::changes(name) {
            // Set in the same turn as the change, so that no end of this object can come between: it is published, or tried again.
            self.state.storage().set_alarm(RETRY).await?;
            self.publish_some().await;
            published = publishing::is_published(&self.sql).map_err(failed)?;
            self.set_next_alarm(Duration::ZERO).await?;
        } else if registry::sends(name) {
            self.wake_in_time().await?;
        }
        Response::ok(format!("{{\"reply\":{reply},\"published\":{published}}}"))
    }

    /// Publishes first, as that is what sign-ins go by.
    async fn alarm(&self) -> Result<Response> {
        registry::prepare(&self.sql).map_err(failed)?;
        self.publish_some().await;
        // What could not even be taken is still due now: it is not to be tried without a pause.
        let pause = if self.deliver().await { Duration::ZERO } else { RETRY };
        self.set_next_alarm(pause).await?;
        Response::empty()
    }
}

impl Registry {
    /// Sets the one alarm there is to when there is next something to do, if there is.
    async fn set_next_alarm(&self, pause: Duration) -> Result<()> {
        match self.next_wait(pause)? {
            Some(after) => self.state.storage().set_alarm(after).await,
            None => self.state.storage().delete_alarm().await,
        }
    }

    /// The same, but never later than the alarm that is set: what asks for it may come more often than anything is tried again.
    async fn wake_in_time(&self) -> Result<()> {
        let Some(after) = self.next_wait(Duration::ZERO)? else {
            return Ok(());
        };
        let seconds = i64::try_from(after.as_secs()).unwrap_or(i64::MAX);
        let wanted = now().plus(seconds).unix_seconds().saturating_mul(1000);
        match self.state.storage().get_alarm().await? {
            Some(set) if set <= wanted => Ok(()),
            _ => self.state.storage().set_alarm(after).await,
        }
    }

    /// How long there is nothing to do: until what is left is published, after a while where that failed, or something is sent to a
    /// webhook, which happens no earlier than after `pause`.
    fn next_wait(&self, pause: Duration) -> Result<Option<Duration>> {
        let now = now();
        let due = registry::outbox::next_due(&self.sql).map_err(failed)?;
        let due = due.map(|due| Duration::from_secs(u64::try_from(due.since(now)).unwrap_or(0)).max(pause));
        let publish = if publishing::is_ready_to_publish(&self.sql).map_err(failed)? {
            Some(Duration::ZERO)
        } else {
            (!publishing::is_published(&self.sql).map_err(failed)?).then_some(RETRY)
        };
        Ok([due, publish].into_iter().flatten().min())
    }

    /// Sends what is to be sent to webhooks now. What fails is noted where it was to be sent, and keeps nothing else back.
    /// Whether what was due could be read at all.
    async fn deliver(&self) -> bool {
        let config = Config::read(|name| self.env.var(name).ok().map(|value| value.to_string()));
        let delivered = match config {
            Ok(config) => {
                App::new(config, WorkerPorts::new(self.env.clone()))
                    .deliver_due(&self.sql)
                    .await
            }
            Err(error) => Err(SqlError(error.to_string())),
        };
        if let Err(error) = &delivered {
            worker::console_error!("{{\"event\":\"deliver_failed\",\"detail\":{:?}}}", error.to_string());
        }
        delivered.is_ok()
    }

    /// Publishes what is not published yet, or some of it where it is much. What fails keeps nothing else back, is logged and tried
    /// again.
    async fn publish_some(&self) {
        if let Err(error) = self.try_publish_some().await {
            worker::console_error!("{{\"event\":\"publish_failed\",\"detail\":{:?}}}", error.to_string());
        }
    }

    async fn try_publish_some(&self) -> Result<()> {
        let _turn = self.publishing.lock().await;
        let (mut left, mut outcome) = (MAX_PUBLICATIONS_AT_ONCE, Ok(()));
        // What is changed meanwhile is taken along, so that whoever changed something is not told of others' changes.
        while outcome.is_ok() && left > 0 {
            let publications = publishing::unpublished(&self.sql, left).map_err(failed)?;
            if publications.is_empty() {
                break;
            }
            for publication in publications {
                left = left.saturating_sub(1);
                let noted = match self.publish(&publication).await {
                    Ok(()) => publishing::published(&self.sql, &publication),
                    Err(error) => {
                        outcome = Err(error);
                        publishing::not_published(&self.sql, &publication)
                    }
                };
                noted.map_err(failed)?;
            }
        }
        outcome
    }

    /// The ledger first: it decides. KV only tells.
    async fn publish(&self, publication: &Publication) -> Result<()> {
        match &publication.ledger {
            Some((id, LedgerNews::Configure(news))) => call_ledger(&self.env, id, news.clone()).await?,
            Some((id, LedgerNews::Forget(news))) => call_ledger(&self.env, id, news.clone()).await?,
            None => {}
        }
        let kv = self.env.kv(CONFIG_NAMESPACE)?;
        match &publication.value {
            Some(value) => kv.put(&publication.key, value)?.execute().await?,
            None => kv.delete(&publication.key).await?,
        }
        Ok(())
    }
}

/// The ledger of one connection: one object each, named by the connection.
#[durable_object(alarm)]
pub struct Ledger {
    state: State,
    sql: ObjectSql,
}

impl DurableObject for Ledger {
    fn new(state: State, _env: Env) -> Self {
        let sql = ObjectSql::of(state.storage());
        Self { state, sql }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        let (name, call) = (request.path(), request.text().await?);
        let name = name.trim_start_matches('/');
        let Some(reply) = ledger::dispatch(name, &call, &self.sql, now()).map_err(failed)? else {
            return Response::error("no such call", 404);
        };
        if ledger::leaves_something(name) && self.state.storage().get_alarm().await?.is_none() {
            self.state.storage().set_alarm(SWEEP).await?;
        }
        Response::ok(reply)
    }

    async fn alarm(&self) -> Result<Response> {
        if ledger::sweep(&self.sql, now()).map_err(failed)? == ledger::Swept::SomethingIsLeft {
            self.state.storage().set_alarm(SWEEP).await?;
        }
        Response::empty()
    }
}

/// The request that carries a call to an object.
pub(super) fn call_request(name: &str, call: &str) -> Result<Request> {
    let mut init = RequestInit::new();
    init.with_method(Method::Post).with_body(Some(call.into()));
    Request::new_with_init(&format!("https://object/{name}"), &init)
}

#[expect(clippy::needless_pass_by_value, reason = "it is what `map_err` has")]
fn failed(error: SqlError) -> worker::Error {
    worker::Error::RustError(error.to_string())
}
