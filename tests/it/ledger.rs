//! What a ledger remembers, and what it costs: straight at its calls.

use std::cell::RefCell;

use edge_saml::app::ledger::{
    AnswerLogout, Answers, Asked, Begin, Call, Complete, Completion, Configure, Consume, EndUserSessions, Forget,
    ListAttempts, LogoutOutcome, Refusal, Step, User,
};
use edge_saml::app::sql::{Row, Sql, SqlError, Value};
use edge_saml::limits::{EXPIRED_REQUEST_SECONDS, MAX_PENDING_PER_CONNECTION, MAX_VOUCHED_ATTEMPTS};
use edge_saml::saml::connection::State;
use edge_saml::saml::id::{AssertionId, EmailAddress, EntityId, RequestId, ReturnPath};
use edge_saml::saml::identity::Identity;
use edge_saml::saml::settings::SessionSettings;
use edge_saml::saml::time::Timestamp;
use edge_saml::token::TokenHash;

use crate::support::idp::NOW;
use crate::support::world::MemorySql;

/// A database that notes each statement, and how it finds its rows.
pub(crate) struct Explained {
    pub(crate) sql: MemorySql,
    pub(crate) plans: RefCell<Vec<(String, String)>>,
}

impl Sql for Explained {
    fn run(&self, statement: &str, values: &[Value]) -> Result<Vec<Row>, SqlError> {
        for row in self.sql.run(&format!("EXPLAIN QUERY PLAN {statement}"), values)? {
            let Value::Text(plan) = &row[3] else {
                panic!("{row:?}");
            };
            self.plans.borrow_mut().push((statement.to_owned(), plan.clone()));
        }
        self.sql.run(statement, values)
    }

    fn transaction(&self, work: &mut dyn FnMut() -> Result<(), SqlError>) -> Result<(), SqlError> {
        self.sql.transaction(work)
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix_seconds(NOW + seconds)
}

fn configured() -> MemorySql {
    let sql = MemorySql::new();
    let configure = Configure {
        generation: 1,
        state: State::Enabled,
        sessions: SessionSettings::default(),
    };
    configure.run(&sql, at(0)).unwrap();
    sql
}

fn begin(sql: &dyn Sql, id: &str, seconds: i64) {
    let begin = Begin {
        generation: 1,
        request_id: RequestId::parse(id).unwrap(),
        browser: TokenHash::of_octets(id.as_bytes()),
        return_target: ReturnPath::parse("/").unwrap().into(),
        lifetime_seconds: 3_600,
        asked: Asked::default(),
        reference: "00000-00000".to_owned(),
        bounced: false,
    };
    assert_eq!(begin.run(sql, at(seconds)).unwrap(), Ok(()));
}

/// Adds `count` requests of as many browsers, which expire one second after the other from now on.
fn add(sql: &dyn Sql, count: i64) {
    let rows = "WITH RECURSIVE number(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM number WHERE n < ?1) \
                INSERT INTO requests (id, browser, return_target, expires_at, asked) \
                SELECT '_' || n, 'browser' || n, '/', ?2 + n, '{}' FROM number";
    sql.run(rows, &[count.into(), NOW.into()]).unwrap();
}

/// The use of an assertion of Ada's, whose ticket is called as the assertion is.
fn consume(answers: Answers, assertion: &str) -> Consume {
    let user = User {
        id: "ada".to_owned(),
        subject_id: None,
        idp_entity_id: EntityId::parse("urn:idp").unwrap(),
        name_id: None,
        name_id_format: None,
        name_qualifier: None,
        sp_name_qualifier: None,
        session_indexes: Vec::new(),
        identity: Identity {
            email: EmailAddress::parse("ada@acme.test").unwrap(),
            first_name: None,
            last_name: None,
            groups: Vec::new(),
        },
    };
    Consume {
        generation: 1,
        answers,
        assertion_id: AssertionId::parse(assertion).unwrap(),
        remember_until: at(0),
        ticket: TokenHash::of_octets(assertion.as_bytes()),
        user,
        require_typed_email: false,
        just_in_time_sign_up: true,
        session_not_on_or_after: None,
        authn_instant: at(-10),
        reference: "00000-00000".to_owned(),
    }
}

fn number(sql: &dyn Sql, query: &str) -> i64 {
    match sql.run(query, &[]).unwrap()[0][0] {
        Value::Integer(number) => number,
        ref other => panic!("{other:?}"),
    }
}

fn is_remembered(sql: &dyn Sql, id: &str) -> bool {
    let found = sql.run("SELECT 1 FROM requests WHERE id = ?", &[id.into()]).unwrap();
    !found.is_empty()
}

#[test]
fn who_was_answered_gives_way_first_then_the_oldest() {
    let sql = configured();
    add(&sql, MAX_PENDING_PER_CONNECTION - 1);
    begin(&sql, "_a", 0);
    assert!(is_remembered(&sql, "_1"), "the last one that fits");
    let answer = "UPDATE requests SET answered_at = ? WHERE id IN ('_7000', '_9000')";
    sql.run(answer, &[NOW.into()]).unwrap();
    // By now `_1` to `_100` have expired.
    for (id, gone, kept) in [
        ("_b", "_7000", "_9000"),
        ("_c", "_9000", "_1"),
        ("_d", "_1", "_2"),
        ("_e", "_2", "_3"),
    ] {
        begin(&sql, id, 100);
        assert!(!is_remembered(&sql, gone), "{gone} for {id}");
        assert!(is_remembered(&sql, kept), "{kept} beside {id}");
        assert_eq!(
            number(&sql, "SELECT count(*) FROM requests"),
            MAX_PENDING_PER_CONNECTION
        );
    }
}

#[test]
fn requests_are_counted_whoever_forgets_them() {
    let sql = configured();
    let is_counted = |count: i64| {
        assert_eq!(number(&sql, "SELECT count(*) FROM requests"), count);
        assert_eq!(number(&sql, "SELECT number FROM request_count"), count);
    };
    add(&sql, 10);
    is_counted(10);
    // Half of them are swept, one was begun.
    begin(&sql, "_a", EXPIRED_REQUEST_SECONDS + 5);
    is_counted(6);
    // A ledger that is configured anew counts on.
    let configure = Configure {
        generation: 2,
        state: State::Enabled,
        sessions: SessionSettings::default(),
    };
    configure.run(&sql, at(0)).unwrap();
    is_counted(6);
    Forget {}.run(&sql, at(0)).unwrap();
    is_counted(0);
}

/// Anybody may begin sign-ins: each must not read all that were begun before.
#[test]
fn beginning_a_sign_in_reads_few_rows() {
    let sql = Explained {
        sql: configured(),
        plans: RefCell::default(),
    };
    begin(&sql, "_a", 0);
    let plans = sql.plans.borrow();
    let is_whole = |(statement, plan): &&(String, String)| {
        let finds_all = plan.starts_with("SCAN requests") && !statement.contains("LIMIT");
        // Those of one browser are few.
        let sorts_all = plan.contains("TEMP B-TREE") && !statement.contains("browser = ");
        finds_all || sorts_all || statement.contains("count(")
    };
    assert_eq!(plans.iter().find(is_whole), None);
    let in_order = "SCAN requests USING INDEX requests_by_worth";
    assert_eq!(
        plans.iter().filter(|(_, plan)| plan == in_order).count(),
        1,
        "{plans:#?}"
    );
}

/// A logout request for all sessions of a user, which could be shown again for so many seconds.
fn logout_request(seconds: i64) -> EndUserSessions {
    EndUserSessions {
        generation: 1,
        request_id: RequestId::parse("_logout").unwrap(),
        user_id: "ada".to_owned(),
        session_indexes: Vec::new(),
        issued_at: at(-10),
        remember_until: at(seconds),
        reference: "00000-00000".to_owned(),
    }
}

/// Identity providers may end many sessions at once: each must not read all that there are.
#[test]
fn ending_a_users_sessions_reads_those_alone() {
    let sql = Explained {
        sql: configured(),
        plans: RefCell::default(),
    };
    assert_eq!(logout_request(60).run(&sql, at(0)).unwrap(), Ok(Some(0)));
    let plans = sql.plans.borrow();
    for table in ["sessions", "tickets"] {
        let by_subject = format!("SEARCH {table} USING INDEX {table}_by_subject");
        let found = plans.iter().filter(|(_, plan)| plan.starts_with(&by_subject));
        // Their requests first, then they themselves.
        assert_eq!(found.count(), 2, "{plans:#?}");
    }
}

/// A record that was saved a moment ago comes from the registry, whose keys are the newest: nobody has to wait for the ledger to
/// hear of it before a session ends.
#[test]
fn logout_messages_are_verified_with_the_ledgers_record_or_a_newer_one() {
    let sql = configured();
    let configure = Configure {
        generation: 7,
        state: State::Enabled,
        sessions: SessionSettings::default(),
    };
    configure.run(&sql, at(0)).unwrap();
    let by = |generation| {
        let end = EndUserSessions {
            generation,
            request_id: RequestId::parse(&format!("_by{generation}")).unwrap(),
            user_id: "ada".to_owned(),
            session_indexes: Vec::new(),
            issued_at: at(0),
            remember_until: at(60),
            reference: "00000-00000".to_owned(),
        };
        let answer = AnswerLogout {
            generation,
            request_id: RequestId::parse("_ours").unwrap(),
            outcome: LogoutOutcome::Complete,
        };
        (end.run(&sql, at(0)).unwrap(), answer.run(&sql, at(0)).unwrap())
    };
    assert_eq!(by(6), (Err(Refusal::StaleGeneration), Err(Refusal::StaleGeneration)));
    for generation in [7, 8] {
        assert_eq!(by(generation), (Ok(Some(0)), Err(Refusal::RequestUnknown)));
    }
    Forget {}.run(&sql, at(0)).unwrap();
    assert_eq!(by(8), (Err(Refusal::Disabled), Err(Refusal::Disabled)));
}

#[test]
fn what_may_be_forgotten_is_not_accepted_however_long_it_was_on_its_way() {
    let unsolicited = Answers::Nothing {
        return_path: ReturnPath::parse("/").unwrap(),
    };
    let consume = |seconds: i64| {
        let consume = consume(unsolicited.clone(), "_once");
        consume.run(&configured(), at(seconds)).unwrap().map(|_| ())
    };
    assert_eq!(consume(0), Ok(()));
    assert_eq!(consume(1), Err(Refusal::Late { by_seconds: 1 }));

    let end = |sql: &dyn Sql, seconds: i64| logout_request(0).run(sql, at(seconds)).unwrap();
    let sql = configured();
    assert_eq!(end(&sql, 0), Ok(Some(0)));
    // It is remembered for as long as it is accepted.
    assert_eq!(end(&sql, 0), Ok(None));
    assert_eq!(number(&sql, "SELECT count(*) FROM ended_users"), 1);
    assert_eq!(end(&sql, 1), Err(Refusal::Late { by_seconds: 1 }));
}

#[test]
fn who_took_long_to_sign_in_is_in_the_log_all_the_same() {
    let sql = configured();
    let answer = |request: &str| {
        let answers = Answers::Request(RequestId::parse(request).unwrap());
        let consumed = consume(answers, &format!("_of{request}")).run(&sql, at(0));
        assert!(consumed.unwrap().is_ok());
    };
    begin(&sql, "_slow", 0);
    // Meanwhile others are quicker, as many as there is room for.
    for count in 0..MAX_VOUCHED_ATTEMPTS {
        begin(&sql, &format!("_{count}"), 0);
        answer(&format!("_{count}"));
    }
    answer("_slow");
    let complete = Complete {
        ticket: TokenHash::of_octets(b"_of_slow"),
        browser: TokenHash::of_octets(b"_slow"),
        present_session: None,
        confirmed: false,
        session: TokenHash::of_octets(b"session"),
    };
    let completed = complete.run(&sql, at(0)).unwrap();
    assert!(matches!(completed, Ok(Completion::Done(_))), "{completed:?}");
    let all = ListAttempts {
        limit: MAX_VOUCHED_ATTEMPTS,
        ..ListAttempts::default()
    };
    let log = all.run(&sql, at(0)).unwrap().attempts;
    let slow = log
        .iter()
        .filter(|a| a.request_id.as_ref().unwrap().as_str() == "_slow");
    let events = slow.flat_map(|attempt| &attempt.events);
    assert_eq!(
        events.map(|event| event.step).collect::<Vec<_>>(),
        [Step::RequestSent, Step::ResponseAccepted, Step::SignedIn]
    );
    // The oldest of the others made room, with all by which it was found.
    assert_eq!(number(&sql, "SELECT count(*) FROM attempts"), MAX_VOUCHED_ATTEMPTS);
    let keys = "SELECT count(*) FROM attempt_keys";
    assert_eq!(number(&sql, keys), 2 * MAX_VOUCHED_ATTEMPTS);
    let of_nothing = format!("{keys} WHERE sequence NOT IN (SELECT sequence FROM attempts)");
    assert_eq!(number(&sql, &of_nothing), 0);
}
