//! The application's ports on the Workers platform.

use core::pin::pin;
use core::time::Duration;

use futures_util::StreamExt;
use futures_util::future::{Either, select};
use worker::{AbortController, Date, Delay, Env, Fetch, Method, Request, RequestInit, RequestRedirect, Response, Stub};

use super::keys;
use super::objects::call_request;
use crate::app::ports::{Answer, FetchFailure, Fetched, KeyPair, LogLine, Ports, Post, PrivateKey, Unavailable};
use crate::app::rate_limit::{Limit, Verdict};
use crate::app::{ledger, ports, registry};
use crate::saml::id::ConnectionId;
use crate::saml::service_keys::KeyId;
use crate::saml::time::Timestamp;

/// The binding of the KV namespace with the replicated configuration.
pub(super) const CONFIG_NAMESPACE: &str = "CONFIG";
const LEDGER_NAMESPACE: &str = "LEDGER";
const REGISTRY_NAMESPACE: &str = "REGISTRY";
/// There is one registry, and this is its name.
const REGISTRY_NAME: &str = "registry";

/// The ports of one request.
#[derive(Debug)]
pub(super) struct WorkerPorts {
    env: Env,
    now: Timestamp,
}

impl WorkerPorts {
    /// The ports for a request that arrived now.
    pub(super) fn new(env: Env) -> Self {
        Self { env, now: now() }
    }
}

impl Ports for WorkerPorts {
    type DecryptionKey = keys::DecryptionKey;

    fn now(&self) -> Timestamp {
        self.now
    }

    fn clock(&self) -> Timestamp {
        now()
    }

    fn random(&self) -> Result<[u8; 32], Unavailable> {
        let mut octets = [0; 32];
        getrandom::fill(&mut octets).map_err(|e| Unavailable(e.to_string()))?;
        Ok(octets)
    }

    async fn read_config(&self, key: &str) -> Result<Option<String>, Unavailable> {
        let kv = self.env.kv(CONFIG_NAMESPACE).map_err(unavailable)?;
        kv.get(key).text().await.map_err(unavailable)
    }

    async fn ledger<C: ledger::Call>(&self, connection: &ConnectionId, call: C) -> Result<C::Reply, Unavailable> {
        call_ledger(&self.env, connection, call).await.map_err(unavailable)
    }

    async fn registry<C: registry::Call>(&self, call: C) -> Result<Answer<C::Reply>, Unavailable> {
        let ask = async {
            let stub = self
                .env
                .durable_object(REGISTRY_NAMESPACE)?
                .get_by_name(REGISTRY_NAME)?;
            ask(&stub, C::NAME, &call).await
        };
        ask.await.map_err(unavailable)
    }

    async fn generate_key(&self) -> Result<KeyPair, Unavailable> {
        keys::generate().await
    }

    async fn keep_key(&self, id: &KeyId, key: &PrivateKey) -> Result<(), Unavailable> {
        keys::keep(id, key).await
    }

    async fn sign_once(&self, key: &PrivateKey, octets: &[u8]) -> Result<Vec<u8>, Unavailable> {
        keys::sign_once(key, octets).await
    }

    async fn sign(&self, id: &KeyId, octets: &[u8]) -> Result<Option<Vec<u8>>, Unavailable> {
        keys::sign(id, octets).await
    }

    fn kept_decryption_key(&self, id: &KeyId) -> Option<Self::DecryptionKey> {
        keys::kept_for_decryption(id)
    }

    async fn keep_decryption_key(&self, id: &KeyId, key: &PrivateKey) -> Result<Self::DecryptionKey, Unavailable> {
        keys::keep_for_decryption(id, key).await
    }

    async fn fetch(&self, wanted: ports::Fetch<'_>) -> Result<Fetched, FetchFailure> {
        let abort = AbortController::default();
        let signal = abort.signal();
        let work = async {
            let mut init = RequestInit::new();
            init.with_redirect(RequestRedirect::Manual);
            let accepted = init.headers.set("accept", wanted.accept);
            accepted.map_err(|_| FetchFailure::Connection)?;
            let request = Request::new_with_init(wanted.url.as_str(), &init).map_err(|_| FetchFailure::Connection)?;
            let response = Fetch::Request(request).send_with_signal(&signal).await;
            read_response(response.map_err(|_| FetchFailure::Connection)?, wanted.max_bytes).await
        };
        let deadline = Delay::from(Duration::from_secs(wanted.max_seconds.into()));
        match select(pin!(work), pin!(deadline)).await {
            Either::Left((fetched, _)) => fetched,
            Either::Right(((), _)) => {
                abort.abort();
                Err(FetchFailure::Timeout)
            }
        }
    }

    async fn post(&self, wanted: Post<'_>) -> Result<u16, FetchFailure> {
        let abort = AbortController::default();
        let signal = abort.signal();
        let work = async {
            let mut init = RequestInit::new();
            init.with_method(Method::Post)
                .with_redirect(RequestRedirect::Manual)
                .with_body(Some(wanted.body.into()));
            for (name, value) in wanted.headers {
                let set = init.headers.set(name, value);
                set.map_err(|_| FetchFailure::Connection)?;
            }
            let request = Request::new_with_init(wanted.url.as_str(), &init).map_err(|_| FetchFailure::Connection)?;
            let response = Fetch::Request(request).send_with_signal(&signal).await;
            Ok(response.map_err(|_| FetchFailure::Connection)?.status_code())
        };
        let deadline = Delay::from(Duration::from_secs(wanted.max_seconds.into()));
        let ended = match select(pin!(work), pin!(deadline)).await {
            Either::Left((status, _)) => status,
            Either::Right(((), _)) => Err(FetchFailure::Timeout),
        };
        // Whatever the body is, it is not read.
        abort.abort();
        ended
    }

    async fn limit(&self, limit: Limit, key: &str) -> Verdict {
        let Ok(limiter) = self.env.rate_limiter(limit.binding()) else {
            return Verdict::Allowed;
        };
        match limiter.limit(key.to_owned()).await {
            Ok(outcome) if !outcome.success => Verdict::Limited,
            Ok(_) => Verdict::Allowed,
            Err(error) => {
                // Sign-in goes on without a count rather than not at all.
                worker::console_error!("{{\"event\":\"limit_failed\",\"detail\":{:?}}}", error.to_string());
                Verdict::Allowed
            }
        }
    }

    fn log(&self, line: &LogLine<'_>) {
        if let Ok(json) = serde_json::to_string(line) {
            worker::console_log!("{json}");
        }
    }
}

/// One call to the ledger of `connection`.
pub(super) async fn call_ledger<C: ledger::Call>(
    env: &Env,
    connection: &ConnectionId,
    call: C,
) -> worker::Result<C::Reply> {
    let stub = env.durable_object(LEDGER_NAMESPACE)?.get_by_name(connection.as_str())?;
    ask(&stub, C::NAME, &call).await
}

async fn ask<C: serde::Serialize, R: serde::de::DeserializeOwned>(
    stub: &Stub,
    name: &str,
    call: &C,
) -> worker::Result<R> {
    let call = serde_json::to_string(call)?;
    let mut response = stub.fetch_with_request(call_request(name, &call)?).await?;
    let text = response.text().await?;
    if response.status_code() != 200 {
        return Err(worker::Error::RustError(format!(
            "{name}: the object answered {}",
            response.status_code()
        )));
    }
    Ok(serde_json::from_str(&text)?)
}

async fn read_response(mut response: Response, max_bytes: usize) -> Result<Fetched, FetchFailure> {
    let mut body = Vec::new();
    if let Ok(mut stream) = response.stream() {
        while let Some(chunk) = stream.next().await {
            let chunk = chunk.map_err(|_| FetchFailure::Connection)?;
            if body.len().saturating_add(chunk.len()) > max_bytes {
                return Err(FetchFailure::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
    }
    let header = |name: &str| response.headers().get(name).ok().flatten();
    Ok(Fetched {
        status: response.status_code(),
        location: header("location"),
        content_type: header("content-type"),
        body,
    })
}

/// The platform's clock; it stands still while a request computes.
pub(super) fn now() -> Timestamp {
    Timestamp::from_unix_seconds(i64::try_from(Date::now().as_millis() / 1000).unwrap_or(i64::MAX))
}

fn unavailable(error: impl core::fmt::Display) -> Unavailable {
    Unavailable(error.to_string())
}
