//! A message that is verified with a connection's record, which KV may have older than the ledger.

use super::App;
use super::ledger::{About, Refusal};
use super::ports::{Ports, Unavailable};
use crate::code::Code;
use crate::saml::connection::Connection;
use crate::saml::reject::Reject;

/// Why nothing was done for a message.
pub(super) enum Failure {
    /// The ledger refuses it.
    Ledger(Refusal, About),
    /// It is refused.
    Rejected(Reject, About),
    /// Something does not answer.
    Unavailable(Unavailable),
}

impl Failure {
    /// The same of a message of which `about` is known.
    pub(super) fn about(self, about: &About) -> Self {
        match self {
            Self::Ledger(refusal, _) => Self::Ledger(refusal, about.clone()),
            Self::Rejected(reject, _) => Self::Rejected(reject, about.clone()),
            Self::Unavailable(unavailable) => Self::Unavailable(unavailable),
        }
    }
}

impl From<Reject> for Failure {
    fn from(reject: Reject) -> Self {
        Self::Rejected(reject, About::Unknown)
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Ledger(refusal, About::Unknown)
    }
}

impl From<Unavailable> for Failure {
    fn from(unavailable: Unavailable) -> Self {
        Self::Unavailable(unavailable)
    }
}

/// Whether new keys were looked for.
#[derive(PartialEq, Eq)]
enum Keys {
    Known,
    LookedFor,
}

impl<P: Ports> App<P> {
    /// Makes `attempt` with a record out of KV; once more with the registry's, when the ledger says that it was older, and once
    /// more when no known key made the message's signature and there are new ones.
    pub(super) async fn with_current<T>(
        &self,
        replicated: Connection,
        attempt: impl AsyncFn(&Connection) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let mut connection = replicated;
        let mut keys = Keys::Known;
        for _ in 0..3 {
            match attempt(&connection).await {
                Err(Failure::Rejected(reject, about)) if keys == Keys::Known && may_be_of_new_key(&reject) => {
                    keys = Keys::LookedFor;
                    let found = self.with_new_keys(&connection).await;
                    connection = found.ok_or(Failure::Rejected(reject, about))?;
                }
                Err(Failure::Ledger(Refusal::StaleGeneration, _)) => {
                    let registered = self.registered_connection(&connection.id).await?;
                    connection = registered.ok_or(Reject::ConnectionUnknown)?;
                }
                Err(Failure::Ledger(Refusal::NotYetKnown, _)) => {
                    return Err(Unavailable("the ledger is behind".to_owned()).into());
                }
                done => return done,
            }
        }
        Err(Unavailable("the connection changes faster than it can be read".to_owned()).into())
    }
}

/// Whether a signature may be of a key that is not known yet. Where no certificate comes with it, as with no query, nothing tells
/// it from one that does not hold.
fn may_be_of_new_key(reject: &Reject) -> bool {
    matches!(reject.code(), Code::SignatureInvalid | Code::SignatureKeyUnknown)
}
