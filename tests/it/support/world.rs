//! The application's world in memory: real SQLite, a KV that may lag, a clock and chance that are set.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::task::Poll;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use edge_saml::app::config::Config;
use edge_saml::app::http::{Request, Response};
use edge_saml::app::ports::{
    Answer, Fetch, FetchFailure, Fetched, KeyPair, LogLine, Ports, Post, PrivateKey, Unavailable,
};
use edge_saml::app::rate_limit::{Limit, Verdict};
use edge_saml::app::registry::proofs::DomainProof;
use edge_saml::app::registry::publishing::{self, LedgerNews};
use edge_saml::app::sql::{Row, Sql, SqlError, Value};
use edge_saml::app::{App, ledger, registry};
use edge_saml::saml::id::ConnectionId;
use edge_saml::saml::service_keys::KeyId;
use edge_saml::saml::time::Timestamp;
use edge_saml::xmlenc::{self, RsaOaep, UnwrapFailed, UnwrapKey};
use rsa::pkcs8::{DecodePrivateKey, EncodePrivateKey, EncodePublicKey};
use serde_json::json;

use super::idp::{Idp, NOW};

/// The origin of the deployment under test.
pub(crate) const ORIGIN: &str = "https://sp.example";
/// Its admin token.
pub(crate) const ADMIN_TOKEN: &str = "an-admin-token-for-the-tests";

/// A SQLite database in memory.
pub(crate) struct MemorySql {
    connection: rusqlite::Connection,
    /// How many statements succeed before one fails.
    fails_after: Cell<Option<usize>>,
}

impl MemorySql {
    pub(crate) fn new() -> Self {
        Self {
            connection: rusqlite::Connection::open_in_memory().unwrap(),
            fails_after: Cell::new(None),
        }
    }
}

impl Sql for MemorySql {
    fn run(&self, statement: &str, values: &[Value]) -> Result<Vec<Row>, SqlError> {
        use rusqlite::types::{Value as V, ValueRef};
        let error = |e: rusqlite::Error| SqlError(e.to_string());
        match self.fails_after.get() {
            None => {}
            Some(0) => return Err(SqlError("disk I/O error".to_owned())),
            Some(more) => self.fails_after.set(Some(more - 1)),
        }
        let values = values.iter().map(|value| match value {
            Value::Integer(number) => V::Integer(*number),
            Value::Null => V::Null,
            Value::Text(text) => V::Text(text.clone()),
        });
        let mut statement = self.connection.prepare(statement).map_err(error)?;
        let columns = statement.column_count();
        let mut rows = statement.query(rusqlite::params_from_iter(values)).map_err(error)?;
        let mut all = Vec::new();
        while let Some(row) = rows.next().map_err(error)? {
            let column = |i| match row.get_ref(i).map_err(error)? {
                ValueRef::Integer(number) => Ok(Value::Integer(number)),
                ValueRef::Null => Ok(Value::Null),
                ValueRef::Text(text) => Ok(Value::Text(String::from_utf8_lossy(text).into_owned())),
                other => Err(SqlError(format!("unexpected {other:?}"))),
            };
            all.push((0..columns).map(column).collect::<Result<Row, SqlError>>()?);
        }
        Ok(all)
    }

    fn transaction(&self, work: &mut dyn FnMut() -> Result<(), SqlError>) -> Result<(), SqlError> {
        self.connection.execute_batch("SAVEPOINT work").unwrap();
        let done = work();
        if done.is_err() {
            self.connection.execute_batch("ROLLBACK TO work").unwrap();
        }
        self.connection.execute_batch("RELEASE work").unwrap();
        done
    }
}

/// All rows of all tables.
fn everything(sql: &MemorySql) -> String {
    let tables = sql.run("SELECT name FROM sqlite_master WHERE type = 'table'", &[]);
    let tables = tables.unwrap().into_iter().map(|row| match row.into_iter().next() {
        Some(Value::Text(table)) => table,
        other => panic!("a table without a name: {other:?}"),
    });
    let rows = |table: String| {
        let rows = sql.run(&format!("SELECT * FROM {table}"), &[]).unwrap();
        format!("{table}: {rows:?}")
    };
    tables.map(rows).collect::<Vec<_>>().join("\n")
}

/// The resolver that a deployment asks by default.
pub(crate) const RESOLVER: &str = "https://cloudflare-dns.com/dns-query?name=";

/// What a DNS resolver answers with the code `status`: numbers of types of records, and data.
pub(crate) fn dns_answer(status: u16, records: &[(u16, &str)]) -> Fetched {
    let record = |(number, data): &(u16, &str)| json!({"name": "x", "type": number, "TTL": 300, "data": data});
    let answer: Vec<_> = records.iter().map(record).collect();
    let message = json!({"Status": status, "TC": false, "RD": true, "RA": true, "AD": true, "CD": false,
        "Question": [{"name": "x", "type": 1}], "Answer": answer, "Comment": []});
    Fetched {
        status: 200,
        location: None,
        content_type: Some("application/dns-json".to_owned()),
        body: message.to_string().into_bytes(),
    }
}

/// Whether what the registry publishes reaches KV.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Replication {
    /// At once.
    Immediate,
    /// Not yet; the ledger knows already.
    Lagging,
}

/// A private key that can do what WebCrypto can.
#[derive(Clone)]
pub(crate) struct DecryptionKey(Rc<xmlenc::PrivateKey>);

impl UnwrapKey for DecryptionKey {
    fn supports(&self, transport: &RsaOaep) -> bool {
        use edge_saml::dsig::DigestAlgorithm::{Sha1, Sha256};
        transport.digest == transport.mask_digest && matches!(transport.digest, Sha1 | Sha256)
    }

    async fn unwrap_key(&self, transport: &RsaOaep, wrapped: &[u8]) -> Result<Vec<u8>, UnwrapFailed> {
        self.0.unwrap(transport, wrapped)
    }
}

/// What was posted to a webhook.
#[derive(Clone, Debug)]
pub(crate) struct Posted {
    pub(crate) url: String,
    pub(crate) headers: BTreeMap<&'static str, String>,
    pub(crate) body: String,
    pub(crate) max_seconds: u32,
}

/// Something that happens while something else is under way.
pub(crate) type Meanwhile = Box<dyn FnOnce(&World)>;

/// The world. It lives longer than any one request.
pub(crate) struct World {
    pub(crate) registry: MemorySql,
    ledgers: RefCell<BTreeMap<ConnectionId, MemorySql>>,
    kv: RefCell<BTreeMap<String, String>>,
    now: Cell<i64>,
    drawn: Cell<u64>,
    pub(crate) replication: Cell<Replication>,
    /// The call, to the registry or to a ledger, of which a statement fails, and after how many that succeed.
    pub(crate) failing: Cell<Option<(&'static str, usize)>>,
    /// How many keys were made; there are three, which come round again.
    pub(crate) keys_made: Cell<usize>,
    /// The private keys that this isolate has imported.
    keys_kept: RefCell<BTreeMap<KeyId, rsa::PrivateKey>>,
    decryption_keys_kept: RefCell<BTreeMap<KeyId, DecryptionKey>>,
    /// The names of all calls to the registry.
    pub(crate) registry_calls: RefCell<Vec<&'static str>>,
    /// The keys of all reads of KV.
    pub(crate) config_reads: RefCell<Vec<String>>,
    /// The names of all calls to ledgers that were made for a request.
    pub(crate) ledger_calls: RefCell<Vec<&'static str>>,
    /// What is answered at each URL.
    pub(crate) answers: RefCell<BTreeMap<String, Result<Fetched, FetchFailure>>>,
    /// How many seconds each fetch takes.
    pub(crate) fetch_takes: Cell<i64>,
    /// What happens in the middle of the next fetch.
    pub(crate) meanwhile: RefCell<Option<Meanwhile>>,
    /// What was posted to webhooks, and how each address answers where not with 200.
    pub(crate) posts: RefCell<Vec<Posted>>,
    pub(crate) post_answers: RefCell<BTreeMap<String, Result<u16, FetchFailure>>>,
    /// How many seconds each address takes to answer, where not none.
    pub(crate) post_takes: RefCell<BTreeMap<String, i64>>,
    /// Where something is under way to just now, and the most that ever was at once.
    pub(crate) posting: RefCell<Vec<String>>,
    pub(crate) most_posting: Cell<usize>,
    /// The URLs that were fetched.
    pub(crate) fetched: RefCell<Vec<String>>,
    pub(crate) log: RefCell<Vec<String>>,
    /// Whether domains must be proven.
    pub(crate) domain_proof: Cell<DomainProof>,
    /// The variable `ALLOWED_RETURN_ORIGINS`.
    pub(crate) return_origins: Cell<&'static str>,
    /// `PRODUCT_NAME`.
    pub(crate) product_name: Cell<&'static str>,
    /// How many requests of a kind by one key are too many; none are, where nothing is said.
    pub(crate) max_requests: RefCell<BTreeMap<Limit, usize>>,
    /// All that was counted.
    pub(crate) counted: RefCell<Vec<(Limit, String)>>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self::drawing_from(0)
    }

    /// Whose random octets are others than those of a world that draws from elsewhere.
    pub(crate) fn drawing_from(start: u64) -> Self {
        let registry = MemorySql::new();
        registry::prepare(&registry).unwrap();
        Self {
            registry,
            ledgers: RefCell::default(),
            kv: RefCell::default(),
            now: Cell::new(NOW),
            drawn: Cell::new(start),
            replication: Cell::new(Replication::Immediate),
            failing: Cell::new(None),
            keys_made: Cell::new(0),
            keys_kept: RefCell::default(),
            decryption_keys_kept: RefCell::default(),
            registry_calls: RefCell::default(),
            config_reads: RefCell::default(),
            ledger_calls: RefCell::default(),
            answers: RefCell::default(),
            fetch_takes: Cell::new(0),
            meanwhile: RefCell::default(),
            posts: RefCell::default(),
            post_answers: RefCell::default(),
            post_takes: RefCell::default(),
            posting: RefCell::default(),
            most_posting: Cell::new(0),
            fetched: RefCell::default(),
            log: RefCell::default(),
            domain_proof: Cell::new(DomainProof::Optional),
            return_origins: Cell::new(""),
            product_name: Cell::new(""),
            max_requests: RefCell::default(),
            counted: RefCell::default(),
        }
    }

    /// Starts a fresh isolate: nothing is kept in it.
    pub(crate) fn restart(&self) {
        self.keys_kept.borrow_mut().clear();
        self.decryption_keys_kept.borrow_mut().clear();
    }

    /// Everything that KV and the log hold.
    pub(crate) fn everything_public(&self) -> String {
        let kv = self.kv.borrow();
        let kv = kv.iter().map(|(key, value)| format!("{key}={value}\n"));
        kv.chain(self.log.borrow().iter().cloned()).collect()
    }

    /// What KV has under `key`.
    pub(crate) fn config(&self, key: &str) -> Option<String> {
        self.kv.borrow().get(key).cloned()
    }

    /// Lets KV have something else there, as where a part of it is older.
    pub(crate) fn set_config(&self, key: &str, value: String) {
        self.kv.borrow_mut().insert(key.to_owned(), value);
    }

    /// Everything that the registry's tables hold.
    pub(crate) fn everything_registered(&self) -> String {
        everything(&self.registry)
    }

    /// Lets `url` answer `body`.
    pub(crate) fn serve(&self, url: &str, body: &[u8], content_type: Option<&str>) {
        self.answer(url, 200, None, body, content_type);
    }

    /// Lets `url` answer in every detail.
    pub(crate) fn answer(
        &self,
        url: &str,
        status: u16,
        location: Option<&str>,
        body: &[u8],
        content_type: Option<&str>,
    ) {
        let fetched = Fetched {
            status,
            location: location.map(ToOwned::to_owned),
            content_type: content_type.map(ToOwned::to_owned),
            body: body.to_vec(),
        };
        self.answers.borrow_mut().insert(url.to_owned(), Ok(fetched));
    }

    /// Lets DNS answer questions for the records of `name` of a type, such as `A`.
    pub(crate) fn resolves(&self, name: &str, record_type: &str, answer: Result<Fetched, FetchFailure>) {
        let url = format!("{RESOLVER}{name}&type={record_type}");
        self.answers.borrow_mut().insert(url, answer);
    }

    /// The time, in Unix seconds.
    pub(crate) fn time(&self) -> i64 {
        self.now.get()
    }

    /// Lets `seconds` pass.
    pub(crate) fn pass(&self, seconds: i64) {
        self.now.set(self.now.get() + seconds);
    }

    /// Publishes what is not published, to KV as well if it does not lag.
    pub(crate) fn publish(&self) {
        for publication in publishing::unpublished(&self.registry, i64::MAX).unwrap() {
            if let Some((id, news)) = &publication.ledger {
                match news {
                    LedgerNews::Configure(news) => self.on_ledger(id, news).unwrap(),
                    LedgerNews::Forget(news) => self.on_ledger(id, news).unwrap(),
                }
            }
            if self.replication.get() == Replication::Immediate {
                match &publication.value {
                    Some(value) => self.kv.borrow_mut().insert(publication.key.clone(), value.clone()),
                    None => self.kv.borrow_mut().remove(&publication.key),
                };
                publishing::published(&self.registry, &publication).unwrap();
            }
        }
    }

    /// How many ledgers were ever written to.
    pub(crate) fn ledgers_with_tables(&self) -> usize {
        let tables = |sql: &MemorySql| !sql.run("SELECT 1 FROM sqlite_master", &[]).unwrap().is_empty();
        self.ledgers.borrow().values().filter(|sql| tables(sql)).count()
    }

    /// What the ledger of `id` answers to `call`.
    pub(crate) fn ask_ledger<C: ledger::Call>(&self, id: &str, call: &C) -> C::Reply {
        self.on_ledger(&ConnectionId::parse(id).unwrap(), call).unwrap()
    }

    /// How many rows a table of the ledger of `id` has.
    pub(crate) fn rows_of_ledger(&self, id: &str, table: &str) -> usize {
        let ledgers = self.ledgers.borrow();
        let sql = &ledgers[&ConnectionId::parse(id).unwrap()];
        sql.run(&format!("SELECT 1 FROM {table}"), &[]).unwrap().len()
    }

    fn on_ledger<C: ledger::Call>(&self, id: &ConnectionId, call: &C) -> Result<C::Reply, Unavailable> {
        let mut ledgers = self.ledgers.borrow_mut();
        let sql = ledgers.entry(id.clone()).or_insert_with(MemorySql::new);
        let call = serde_json::to_string(call).unwrap();
        let now = Timestamp::from_unix_seconds(self.now.get());
        let reply = self.run_on(sql, C::NAME, || ledger::dispatch(C::NAME, &call, sql, now))?;
        Ok(serde_json::from_str(&reply).unwrap())
    }

    /// What waits to be published, and the number of what was ever to be sent to webhooks.
    fn waiting(&self) -> (Vec<Row>, Vec<Row>) {
        let rows = |statement: &str| self.registry.run(statement, &[]).unwrap();
        (
            rows("SELECT kind, name, version FROM unpublished ORDER BY kind, name"),
            rows("SELECT max(sequence) FROM webhook_deliveries"),
        )
    }

    /// A call of the registry.
    pub(crate) fn on_registry<C: registry::Call>(&self, call: &C) -> Result<Answer<C::Reply>, Unavailable> {
        registry::proofs::set_policy(&self.registry, self.domain_proof.get()).unwrap();
        let call = serde_json::to_string(call).unwrap();
        let now = Timestamp::from_unix_seconds(self.now.get());
        let sql = &self.registry;
        let before = self.waiting();
        let reply = self.run_on(sql, C::NAME, || registry::dispatch(C::NAME, &call, sql, now))?;
        let (unpublished, unsent) = self.waiting();
        // The object publishes, and wakes to send, after these calls alone.
        assert!(
            unpublished == before.0 || registry::changes(C::NAME),
            "{} changes",
            C::NAME
        );
        let wakes = registry::changes(C::NAME) || registry::sends(C::NAME);
        assert!(unsent == before.1 || wakes, "{} sends", C::NAME);
        self.publish();
        let published = publishing::is_published(&self.registry).unwrap();
        Ok(Answer {
            reply: serde_json::from_str(&reply).unwrap(),
            published,
        })
    }

    /// Runs a call on `sql`, of which a statement fails if it is to.
    fn run_on(
        &self,
        sql: &MemorySql,
        name: &str,
        run: impl FnOnce() -> Result<Option<String>, SqlError>,
    ) -> Result<String, Unavailable> {
        let failing = self.failing.get().filter(|(call, _)| *call == name);
        sql.fails_after.set(failing.map(|(_, statements)| statements));
        let ran = run();
        sql.fails_after.set(None);
        Ok(ran.map_err(|e| Unavailable(e.to_string()))?.unwrap())
    }

    /// Everything that the ledger of `id` holds.
    pub(crate) fn everything_in_ledger(&self, id: &str) -> String {
        everything(&self.ledgers.borrow()[&ConnectionId::parse(id).unwrap()])
    }

    /// Answers `request` as a fresh isolate would.
    pub(crate) fn handle(&self, mut request: Request) -> Response {
        let app = self.app();
        futures_executor::block_on(async {
            let response = match app.refuse_by_head(&mut request).await {
                Some(refusal) => refusal,
                None => app.handle(request).await,
            };
            if app.is_unfinished() {
                app.finish().await;
            }
            response
        })
    }

    /// Lets the registry's alarm send what is to be sent.
    pub(crate) fn deliver(&self) {
        futures_executor::block_on(self.app().deliver_due(&self.registry)).unwrap();
    }

    /// One run of the schedule.
    pub(crate) fn run_schedule(&self) {
        futures_executor::block_on(self.app().run_schedule());
    }

    /// The application, in a fresh isolate.
    pub(crate) fn app(&self) -> App<&Self> {
        let proof = match self.domain_proof.get() {
            DomainProof::Optional => "",
            DomainProof::Required => "on",
        };
        let variables = [
            ("PUBLIC_ORIGIN", ORIGIN),
            ("ADMIN_TOKEN", ADMIN_TOKEN),
            ("REQUIRE_DOMAIN_PROOF", proof),
            ("ALLOWED_RETURN_ORIGINS", self.return_origins.get()),
            ("PRODUCT_NAME", self.product_name.get()),
        ];
        let variable = |name: &str| variables.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        App::new(Config::read(variable).unwrap(), self)
    }

    /// A call of the admin API.
    pub(crate) fn api(&self, method: &str, path: &str, body: &serde_json::Value) -> (u16, serde_json::Value) {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("/sso/api/v1{path}"))
            .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
            .header("content-type", "application/json")
            .body(serde_json::to_vec(body).unwrap());
        let response = self.handle(request.unwrap());
        let status = response.status().as_u16();
        (
            status,
            serde_json::from_slice(response.body()).unwrap_or(serde_json::Value::Null),
        )
    }

    /// An enabled connection for `acme.test`; its id.
    pub(crate) fn connection(&self, idp: &Idp) -> String {
        self.connection_for("acme.test", idp)
    }

    /// An enabled connection for `domain`; its id.
    pub(crate) fn connection_for(&self, domain: &str, idp: &Idp) -> String {
        self.connection_with(&json!({"domains": [domain]}), idp)
    }

    /// An enabled connection with these `fields`, and others by default; its id.
    pub(crate) fn connection_with(&self, fields: &serde_json::Value, idp: &Idp) -> String {
        let mut body = json!({"name": "Acme", "provider": "okta", "domains": ["acme.test"]});
        body.as_object_mut()
            .unwrap()
            .extend(fields.as_object().unwrap().clone());
        let (status, created) = self.api("POST", "/connections", &body);
        assert_eq!(status, 201, "{created}");
        let id = created["id"].as_str().unwrap().to_owned();
        let (status, saved) = self.api(
            "POST",
            &format!("/connections/{id}/metadata"),
            &json!({"xml": idp.metadata()}),
        );
        assert_eq!(status, 200, "{saved}");
        self.enable(&id);
        id
    }

    /// Our metadata for the connection `id`.
    pub(crate) fn metadata(&self, id: &str) -> String {
        let request = http::Request::builder().uri(format!("/sso/saml/{id}/metadata"));
        let response = self.handle(request.body(Vec::new()).unwrap());
        assert_eq!(response.status(), 200);
        String::from_utf8(response.body().clone()).unwrap()
    }

    /// Enables the connection `id` without a test of it.
    pub(crate) fn enable(&self, id: &str) {
        let reason = json!({"override_reason": "a test of something else"});
        let (status, enabled) = self.api("POST", &format!("/connections/{id}/enable"), &reason);
        assert_eq!((status, &enabled["state"]), (200, &json!("enabled")), "{enabled}");
    }

    /// Changes the connection `id`; it as it is then.
    pub(crate) fn patch(&self, id: &str, fields: &serde_json::Value) -> serde_json::Value {
        let (status, changed) = self.api("PATCH", &format!("/connections/{id}"), fields);
        assert_eq!(status, 200, "{changed}");
        changed
    }

    /// The sign-in log of `id`, newest first; `query` as the API takes it.
    pub(crate) fn sign_ins(&self, id: &str, query: &str) -> Vec<serde_json::Value> {
        let (status, body) = self.api("GET", &format!("/connections/{id}/sign-ins{query}"), &json!({}));
        assert_eq!(status, 200, "{body}");
        body["sign_ins"].as_array().unwrap().clone()
    }

    /// What was refused at `id`, newest first: the events of the sign-in log, each found by the reference that was shown.
    pub(crate) fn refusals(&self, id: &str) -> Vec<serde_json::Value> {
        let lines = self.log.borrow();
        let lines = lines.iter().map(|line| serde_json::from_str(line).unwrap());
        let shown = lines.filter(|line: &serde_json::Value| {
            line["connection"] == id && line["event"].as_str().unwrap().ends_with("_refused")
        });
        let shown: Vec<_> = shown.collect();
        let found = shown.into_iter().rev().map(|line| {
            let reference = line["reference"].as_str().unwrap();
            let attempt = self.sign_ins(id, &format!("?reference={reference}")).remove(0);
            let events = attempt["events"].as_array().unwrap().iter();
            let mut event = events
                .rev()
                .find(|event| event["code"] == line["code"])
                .unwrap()
                .clone();
            event["reference"] = line["reference"].clone();
            event
        });
        found.collect()
    }

    /// The codes of what was refused at `id`, newest first.
    pub(crate) fn refusal_codes(&self, id: &str) -> Vec<String> {
        let refusals = self.refusals(id);
        refusals
            .iter()
            .map(|refusal| refusal["code"].as_str().unwrap().to_owned())
            .collect()
    }
}

impl Ports for &World {
    type DecryptionKey = DecryptionKey;

    fn now(&self) -> Timestamp {
        Timestamp::from_unix_seconds(self.now.get())
    }

    fn clock(&self) -> Timestamp {
        self.now()
    }

    fn random(&self) -> Result<[u8; 32], Unavailable> {
        use sha2::Digest;
        self.drawn.set(self.drawn.get() + 1);
        Ok(sha2::Sha256::digest(self.drawn.get().to_be_bytes()).into())
    }

    async fn read_config(&self, key: &str) -> Result<Option<String>, Unavailable> {
        self.config_reads.borrow_mut().push(key.to_owned());
        Ok(self.kv.borrow().get(key).cloned())
    }

    async fn ledger<C: ledger::Call>(&self, connection: &ConnectionId, call: C) -> Result<C::Reply, Unavailable> {
        self.ledger_calls.borrow_mut().push(C::NAME);
        self.on_ledger(connection, &call)
    }

    async fn registry<C: registry::Call>(&self, call: C) -> Result<Answer<C::Reply>, Unavailable> {
        self.registry_calls.borrow_mut().push(C::NAME);
        self.on_registry(&call)
    }

    async fn generate_key(&self) -> Result<KeyPair, Unavailable> {
        let key = [
            include_str!("../../vectors/keys/sp-1.key.pem"),
            include_str!("../../vectors/keys/sp-2.key.pem"),
            include_str!("../../vectors/keys/sp-3.key.pem"),
        ][self.keys_made.replace(self.keys_made.get() + 1) % 3];
        let key = rsa::PrivateKey::from_pkcs8_pem(key).unwrap();
        Ok(KeyPair {
            private_key: PrivateKey::new(STANDARD.encode(key.to_pkcs8_der().unwrap().as_bytes())),
            spki: key.to_public_key().to_public_key_der().unwrap().into_vec(),
        })
    }

    async fn keep_key(&self, id: &KeyId, key: &PrivateKey) -> Result<(), Unavailable> {
        let key = rsa::PrivateKey::from_pkcs8_der(&STANDARD.decode(key.reveal()).unwrap()).unwrap();
        self.keys_kept.borrow_mut().insert(id.clone(), key);
        Ok(())
    }

    async fn sign_once(&self, key: &PrivateKey, octets: &[u8]) -> Result<Vec<u8>, Unavailable> {
        let key = rsa::PrivateKey::from_pkcs8_der(&STANDARD.decode(key.reveal()).unwrap()).unwrap();
        Ok(key.pkcs1v15_sign::<sha2::Sha256>(octets).unwrap())
    }

    async fn sign(&self, id: &KeyId, octets: &[u8]) -> Result<Option<Vec<u8>>, Unavailable> {
        let kept = self.keys_kept.borrow();
        Ok(kept
            .get(id)
            .map(|key| key.pkcs1v15_sign::<sha2::Sha256>(octets).unwrap()))
    }

    fn kept_decryption_key(&self, id: &KeyId) -> Option<DecryptionKey> {
        self.decryption_keys_kept.borrow().get(id).cloned()
    }

    async fn keep_decryption_key(&self, id: &KeyId, key: &PrivateKey) -> Result<DecryptionKey, Unavailable> {
        let key = xmlenc::PrivateKey::read(&STANDARD.decode(key.reveal()).unwrap()).unwrap();
        let key = DecryptionKey(Rc::new(key));
        self.decryption_keys_kept.borrow_mut().insert(id.clone(), key.clone());
        Ok(key)
    }

    async fn fetch(&self, wanted: Fetch<'_>) -> Result<Fetched, FetchFailure> {
        self.fetched.borrow_mut().push(wanted.url.to_string());
        self.pass(self.fetch_takes.get());
        if let Some(meanwhile) = self.meanwhile.take() {
            meanwhile(self);
        }
        let answer = self.answers.borrow().get(wanted.url.as_str()).cloned();
        answer.unwrap_or_else(|| match wanted.url.as_str().strip_prefix(RESOLVER) {
            // Any other name is that of a public host.
            Some(question) if question.ends_with("&type=A") => Ok(dns_answer(0, &[(1, "8.8.8.8")])),
            Some(_) => Ok(dns_answer(0, &[])),
            None => Err(FetchFailure::Connection),
        })
    }

    async fn post(&self, wanted: Post<'_>) -> Result<u16, FetchFailure> {
        let headers = wanted.headers.iter().map(|(name, value)| (*name, (*value).to_owned()));
        self.posts.borrow_mut().push(Posted {
            url: wanted.url.to_string(),
            headers: headers.collect(),
            body: wanted.body.to_owned(),
            max_seconds: wanted.max_seconds,
        });
        let url = wanted.url.to_string();
        assert!(!self.posting.borrow().contains(&url), "one at a time");
        self.posting.borrow_mut().push(url.clone());
        self.most_posting
            .set(self.most_posting.get().max(self.posting.borrow().len()));
        // Others have their turn meanwhile, and many where it takes long.
        let takes = self.post_takes.borrow().get(&url).copied().unwrap_or_default();
        let mut turns = if takes == 0 { 1 } else { 1_000 };
        std::future::poll_fn(|context| {
            context.waker().wake_by_ref();
            turns -= 1;
            if turns < 0 { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        self.posting.borrow_mut().retain(|other| *other != url);
        self.pass(takes);
        let answers = self.post_answers.borrow();
        answers.get(wanted.url.as_str()).copied().unwrap_or(Ok(200))
    }

    async fn limit(&self, limit: Limit, key: &str) -> Verdict {
        let counted = (limit, key.to_owned());
        self.counted.borrow_mut().push(counted.clone());
        let so_far = self.counted.borrow().iter().filter(|other| **other == counted).count();
        match self.max_requests.borrow().get(&limit) {
            Some(max) if so_far > *max => Verdict::Limited,
            _ => Verdict::Allowed,
        }
    }

    fn log(&self, line: &LogLine<'_>) {
        self.log.borrow_mut().push(serde_json::to_string(line).unwrap());
    }
}

/// A browser: it keeps cookies, and follows nothing by itself.
#[derive(Clone, Default)]
pub(crate) struct Browser {
    cookies: BTreeMap<String, String>,
}

impl Browser {
    pub(crate) fn get(&mut self, world: &World, uri: &str) -> Response {
        self.send(
            world,
            http::Request::builder()
                .method("GET")
                .uri(uri)
                .body(Vec::new())
                .unwrap(),
        )
    }

    /// The values of its cookies.
    pub(crate) fn cookies(&self) -> impl Iterator<Item = &str> {
        self.cookies.values().map(String::as_str)
    }

    /// A form on one of our own pages.
    pub(crate) fn post(&mut self, world: &World, uri: &str, form: &str) -> Response {
        let request = http::Request::builder()
            .method("POST")
            .uri(uri)
            .header("origin", ORIGIN)
            .header("sec-fetch-site", "same-origin")
            .header("content-type", "application/x-www-form-urlencoded");
        self.send(world, request.body(form.as_bytes().to_vec()).unwrap())
    }

    /// Sends `request` with the cookies that this browser has.
    pub(crate) fn send(&mut self, world: &World, mut request: Request) -> Response {
        let line = self
            .cookies
            .iter()
            .map(|(n, v)| format!("{n}={v}"))
            .collect::<Vec<_>>()
            .join("; ");
        if !line.is_empty() {
            request.headers_mut().insert("cookie", line.parse().unwrap());
        }
        let response = world.handle(request);
        for cookie in response.headers().get_all("set-cookie") {
            let cookie = cookie::Cookie::parse(cookie.to_str().unwrap().to_owned()).unwrap();
            if cookie.max_age().is_some_and(cookie::time::SignedDuration::is_zero) {
                self.cookies.remove(cookie.name());
            } else {
                self.cookies.insert(cookie.name().to_owned(), cookie.value().to_owned());
            }
        }
        response
    }

    /// Begins a sign-in at the form; the ID of the request that was sent.
    pub(crate) fn begin(&mut self, world: &World, email: &str, return_to: &str) -> String {
        let form = form_urlencoded::Serializer::new(String::new())
            .append_pair("email", email)
            .append_pair("return_to", return_to)
            .finish();
        let response = self.post(world, "/sso/sign-in", &form);
        assert_eq!(response.status(), 303, "{}", String::from_utf8_lossy(response.body()));
        request_id(&location(&response))
    }

    /// Posts a response as the identity provider's page does: from another site, without cookies.
    pub(crate) fn deliver(world: &World, id: &str, xml: &str) -> Response {
        Self::deliver_with(world, id, xml, "")
    }

    /// The same with more fields in the form, encoded.
    pub(crate) fn deliver_with(world: &World, id: &str, xml: &str, more: &str) -> Response {
        let request = http::Request::builder()
            .method("POST")
            .uri(format!("/sso/saml/{id}/acs"))
            .header("origin", "https://acme.okta.example")
            .header("sec-fetch-site", "cross-site")
            .header("content-type", "application/x-www-form-urlencoded");
        let form = format!("{}{more}", super::idp::post_form(xml));
        world.handle(request.body(form.into_bytes()).unwrap())
    }
}

/// Where a redirect leads.
pub(crate) fn location(response: &Response) -> String {
    response.headers()["location"].to_str().unwrap().to_owned()
}

/// The AuthnRequest in a redirect.
pub(crate) fn authn_request(url: &str) -> String {
    use base64::Engine;
    let url = url::Url::parse(url).unwrap();
    let (_, request) = url.query_pairs().find(|(name, _)| name == "SAMLRequest").unwrap();
    let deflated = base64::engine::general_purpose::STANDARD
        .decode(request.as_bytes())
        .unwrap();
    String::from_utf8(miniz_oxide::inflate::decompress_to_vec(&deflated).unwrap()).unwrap()
}

/// The `ID` of the AuthnRequest in a redirect.
pub(crate) fn request_id(url: &str) -> String {
    let xml = authn_request(url);
    let start = xml.find(" ID=\"").unwrap() + 5;
    xml[start..].split('"').next().unwrap().to_owned()
}
