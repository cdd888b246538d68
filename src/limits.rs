//! Every cap, in one place: the unit is in the name, the reason beside the number.
//!
//! The assertion consumer service is open to anyone, so each number bounds what one request may cost before a
//! signature has been checked. A value at the cap is accepted, one past it is refused; both are tested.

/// Octets of a decoded SAML message. A large real response (1,000 attributes, two signatures) is about 320 KB.
pub const MAX_SAML_MESSAGE_BYTES: usize = 512 * 1024;

/// Octets of one entity's or a small federation's metadata.
pub const MAX_METADATA_BYTES: usize = 5 * 1024 * 1024;

/// Octets of any other document; only the command-line tool reads such.
pub const MAX_DOCUMENT_BYTES: usize = 16 * 1024 * 1024;

/// Octets of a form body: base64 grows a message by a third and percent-encoding adds a little, so this holds the
/// largest message with room for `RelayState`.
pub const MAX_FORM_BYTES: usize = 1024 * 1024;

/// Octets that a redirect-binding message may inflate to; DEFLATE can grow its input a thousandfold.
pub const MAX_INFLATED_BYTES: usize = 512 * 1024;

/// Octets of a qualified name. The longest in the SAML, XML Signature and XML Encryption schemas has 33. It also keeps
/// the parser's 16-bit name length exact, which canonicalisation relies on.
pub const MAX_NAME_BYTES: usize = 256;

/// Octets of a namespace name. The longest in use have about 100. The parser compares the names of an element's
/// attributes pairwise, namespace names included and whole, so that a long one costs its length thousands of times.
pub const MAX_NAMESPACE_BYTES: usize = 256;

/// Tokens of a `PrefixList` (Exclusive XML Canonicalization 1.0, section 3). Real ones name two or three.
pub const MAX_PREFIX_LIST_TOKENS: usize = 32;

/// Canonical octets per octet of input. Entity references shrink or keep their size; only CDATA, quotes and repeated
/// namespace declarations grow.
pub const MAX_CANONICAL_GROWTH: usize = 4;

/// Canonical octets granted beyond the growth factor, so that small documents are never refused for it.
pub const MAX_CANONICAL_EXTRA_BYTES: usize = 64 * 1024;

/// Octets of an `xml:base` that Canonical XML 1.1 joins out of those around an element. Addresses have a few hundred.
pub const MAX_JOINED_BASE_BYTES: usize = 8 * 1024;

/// What one document may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct XmlLimits {
    /// Octets of input.
    pub max_bytes: usize,
    /// Elements inside each other.
    pub max_depth: usize,
    /// Elements in all.
    pub max_elements: usize,
    /// `<` characters, wherever they stand: the parser reserves about 100 octets for each before it parses.
    pub max_less_than_signs: usize,
    /// `=` characters, wherever they stand: the parser reserves about 80 octets for each before it parses.
    pub max_equals_signs: usize,
    /// Attributes of one element, namespace declarations apart. The parser compares each with all before it.
    pub max_attributes_per_element: usize,
    /// Namespace declarations of one element.
    pub max_declarations_per_element: usize,
    /// Namespace declarations in all. The parser keeps a sorted list of those that differ.
    pub max_declarations: usize,
    /// Prefixes in scope, summed over the elements that declare any: the parser copies the list to each of them, and
    /// compares each entry with all before it. 1,000 attributes with `xs` and `xsi` declared anew need 5,000.
    pub max_scope_copies: usize,
    /// Prefixes bound at once, the default namespace being one. The parser looks names up in a list of them.
    pub max_prefixes_in_scope: usize,
}

/// For SAML messages: what the largest real responses need, several times over.
pub const SAML_MESSAGE: XmlLimits = XmlLimits {
    max_bytes: MAX_SAML_MESSAGE_BYTES,
    max_depth: 64,
    max_elements: 20_000,
    max_less_than_signs: 48_000,
    max_equals_signs: 48_000,
    max_attributes_per_element: 64,
    max_declarations_per_element: 32,
    max_declarations: 8_192,
    max_scope_copies: 65_536,
    max_prefixes_in_scope: 48,
};

/// For metadata: ten times the size, so ten times the elements.
pub const METADATA: XmlLimits = XmlLimits {
    max_bytes: MAX_METADATA_BYTES,
    max_elements: 100_000,
    max_less_than_signs: 240_000,
    max_equals_signs: 240_000,
    max_declarations: 16_384,
    max_scope_copies: 131_072,
    ..SAML_MESSAGE
};

/// For any document, on a machine of one's own: generous where the cost stays linear, the same where it does not.
pub const DOCUMENT: XmlLimits = XmlLimits {
    max_bytes: MAX_DOCUMENT_BYTES,
    max_depth: 512,
    max_elements: 500_000,
    max_less_than_signs: 1_200_000,
    max_equals_signs: 1_200_000,
    max_declarations: 16_384,
    max_scope_copies: 131_072,
    ..SAML_MESSAGE
};

/// Encrypted content keys that are tried for one piece of encrypted content. An identity provider that is changing our
/// key sends one for the old and one for the new.
pub const MAX_ENCRYPTED_KEYS: usize = 2;

/// Wrapped keys of one message, each of which may be unwrapped: of its assertion, its NameID, and attributes that are encrypted
/// one by one. Each takes about a millisecond, or two of them while a connection has two keys. All but the first two happen
/// after a signature held.
pub const MAX_KEY_UNWRAPS_PER_MESSAGE: usize = 32;

/// Seconds that an assertion may be presented after it was made, whatever it says: identity providers say minutes, some an
/// hour. Its ID is remembered as long.
pub const MAX_ASSERTION_SECONDS: i64 = 24 * 60 * 60;

/// Seconds that a logout message may be acted on after it was made, where it says nothing of it. A browser brings it at
/// once; this is what identity providers that do say something mostly say.
pub const LOGOUT_MESSAGE_SECONDS: i64 = 5 * 60;

/// Seconds that a logout request may be acted on after it was made, whatever it says: as long as a page that has to be
/// clicked may stay open, and no longer than its ID is worth remembering.
pub const MAX_LOGOUT_REQUEST_SECONDS: i64 = 60 * 60;

/// Octets of a `RelayState`. Ours have 43; the specification allows 80 (SAML Bindings 3.4.3), identity providers that
/// start a sign-in send URLs.
pub const MAX_RELAY_STATE_BYTES: usize = 2_048;

/// Octets of a body for the admin API: metadata, written as a JSON string.
pub const MAX_API_BODY_BYTES: usize = 6 * 1024 * 1024;

/// Octets of a document of connections that are imported: a connection takes 2 to 10 KB.
pub const MAX_IMPORT_BYTES: usize = 8 * 1024 * 1024;

/// Connections of one import. Each is published by a call to its ledger and one to KV, of the 1,000 that Cloudflare lets one call make.
pub const MAX_IMPORTED_CONNECTIONS: usize = 500;

/// Connections of one import that get a first decryption key: each is a key pair to be made, which takes about a tenth of a second.
pub const MAX_IMPORTED_DECRYPTION_KEYS: usize = 50;

/// Characters of a NameID, which becomes a user's key: as many as a persistent one may have (SAML Core 8.3.7).
pub const MAX_NAME_ID_CHARACTERS: usize = 256;

/// Signing certificates of one connection. Each is one more signature check; a rotation needs two or three.
pub const MAX_CERTIFICATES_PER_CONNECTION: usize = 8;

/// Octets of a certificate. With the largest keys that are accepted they have 3 KB; each version of a connection keeps them once more.
pub const MAX_CERTIFICATE_BYTES: usize = 16 * 1024;

/// Octets of the text of one certificate: the largest one as base64 of PEM, on short lines.
pub const MAX_CERTIFICATE_TEXT_BYTES: usize = 4 * MAX_CERTIFICATE_BYTES;

/// Different signing certificates of one identity provider that are looked at, usable or not: each costs up to a sixth of a
/// millisecond, and metadata has room for thousands.
pub const MAX_CERTIFICATES_LOOKED_AT: usize = 64;

/// Addresses of an identity provider for one purpose, sign-on or logout; the first are kept. Of each binding one is used.
pub const MAX_ENDPOINTS_PER_SERVICE: usize = 8;

/// Days before the end of a certificate at which it is told of, the last first. The first leaves time to ask the customer, the last
/// is for the vendor who has not.
pub const CERTIFICATE_NOTICE_DAYS: [i64; 5] = [1, 7, 14, 30, 60];

/// Seconds between two looks at all certificates, to tell webhooks of those that end.
pub const CERTIFICATE_TELL_SECONDS: i64 = 60 * 60;

/// Seconds between two looks at the metadata of one connection.
pub const REFRESH_SECONDS: i64 = 24 * 60 * 60;

/// Seconds after a look that failed until the next one: most outages are over by then.
pub const REFRESH_RETRY_SECONDS: i64 = 4 * 60 * 60;

/// Connections whose metadata is looked at in one run of the schedule. Each takes three fetches (two questions of DNS and the
/// metadata), and three more for each redirect; a Worker on Cloudflare's free plan may make 50 for one event.
pub const MAX_REFRESHES_PER_RUN: i64 = 10;

/// Seconds for which a signing certificate counts that the metadata does not list any more: some identity providers announce a
/// change before all of their servers have made it.
pub const MISSING_CERTIFICATE_SECONDS: i64 = 7 * 24 * 60 * 60;

/// Seconds between two looks at a connection's metadata because a response was signed with a key that is unknown. Anybody can
/// send such a response.
pub const UNKNOWN_KEY_REFETCH_SECONDS: i64 = 5 * 60;

/// Entity IDs, or endpoints, that an error lists.
pub const MAX_LISTED: usize = 10;

/// How many of the nested status codes of an answer are kept, from the outside. The specification has two, some vendors add one.
pub const MAX_STATUS_CODES: usize = 3;

/// The longest status code that is shown, in characters. Those of the specification have up to 60.
pub const MAX_STATUS_CODE_CHARACTERS: usize = 100;

/// The longest status message that is shown, in characters.
pub const MAX_STATUS_MESSAGE_CHARACTERS: usize = 500;

/// Characters of each of them that are shown.
pub const MAX_LISTED_CHARACTERS: usize = 200;

/// Domains of one connection. Each is one KV key that a change writes.
pub const MAX_DOMAINS_PER_CONNECTION: usize = 100;

/// Labels of a domain that a connection may have. Sign-in looks at no longer ones, so this bounds its reads of KV.
pub const MAX_DOMAIN_LABELS: usize = 8;

/// Domains of one connection of which it is known whether they are proven: its own, and as many that it is about to have.
pub const MAX_DOMAIN_PROOFS_PER_CONNECTION: usize = 2 * MAX_DOMAINS_PER_CONNECTION;

/// Seconds after which a domain that was proven is looked up again.
pub const DOMAIN_PROOF_CHECK_SECONDS: i64 = 24 * 60 * 60;

/// Seconds after which a domain that is not proven yet is looked up again, so that nobody has to press a button.
pub const DOMAIN_PROOF_TRY_SECONDS: i64 = 60 * 60;

/// Seconds for which that goes on after somebody asked: people who run DNS are seldom those who sit at the dashboard.
pub const DOMAIN_PROOF_WAIT_SECONDS: i64 = 7 * 24 * 60 * 60;

/// Domains that one run of the schedule looks up: one request each, of the 50 that a run may make on Cloudflare's free plan, beside those
/// for metadata.
pub const MAX_DOMAIN_CHECKS_PER_RUN: u32 = 15;

/// Connections that one domain or one organization leads to; any more are not offered.
pub const MAX_CHOICES: usize = 20;

/// A connection's place among those that are offered, unless it says otherwise.
pub const SIGN_IN_ORDER: u32 = 100;

/// The last place.
pub const MAX_SIGN_IN_ORDER: u32 = 1_000;

/// Connections of one deployment.
pub const MAX_CONNECTIONS: i64 = 10_000;

/// Connections that are read at once where all are needed: with the most certificates that each may have, 100 MB would be too many for
/// an object of 128 MB.
pub const CONNECTIONS_AT_ONCE: i64 = 100;

/// Characters of a name that people give.
pub const MAX_NAME_CHARACTERS: usize = 100;

/// Octets of a URI that people give: a NameID format, a class of authentication. Real ones have about 70.
pub const MAX_URI_BYTES: usize = 256;

/// Characters of an attribute's name that people give. The longest claim names have about 80.
pub const MAX_ATTRIBUTE_NAME_CHARACTERS: usize = 256;

/// Classes of authentication that one request may ask for.
pub const MAX_AUTHN_CONTEXT_CLASSES: usize = 10;

/// Redirects that are followed from a metadata URL.
pub const MAX_METADATA_REDIRECTS: usize = 3;

/// Seconds that a metadata URL has to answer.
pub const METADATA_FETCH_SECONDS: u32 = 8;

/// Octets of a DNS resolver's answer in JSON. A DNS message has at most 64 KiB.
pub const MAX_DNS_ANSWER_BYTES: usize = 256 * 1024;

/// Records of a DNS answer that are read. Apexes of large companies have about 60 TXT records.
pub const MAX_DNS_RECORDS: usize = 256;

/// Seconds that a DNS resolver has to answer. It gives up itself after about as long.
pub const DNS_SECONDS: u32 = 5;

/// Attempts in a connection's sign-in log for which its identity provider has signed something; older ones give way. Those of
/// logouts are counted for themselves. A row has 1 to 10 KB.
pub const MAX_VOUCHED_ATTEMPTS: i64 = 1_000;

/// The same for those that were begun, as anybody can, and to which no verified answer came.
pub const MAX_BEGUN_ATTEMPTS: i64 = 1_000;

/// The same for refusals of what nobody vouches for and that answers no request of ours.
pub const MAX_UNVERIFIED_ATTEMPTS: i64 = 200;

/// Seconds that an attempt is kept: long enough for a support case, as it names a person.
pub const ATTEMPT_SECONDS: i64 = 30 * 24 * 60 * 60;

/// Events of one attempt. A good one has three.
pub const MAX_EVENTS_PER_ATTEMPT: usize = 30;

/// Those of them for which nobody stands.
pub const MAX_UNVERIFIED_EVENTS_PER_ATTEMPT: usize = 10;

/// Characters of each text that says why something was refused; it may quote what anybody sent.
pub const MAX_DETAIL_CHARACTERS: usize = 1_000;

/// Minutes for which messages may be captured before somebody has to say so again.
pub const MAX_CAPTURE_MINUTES: u32 = 24 * 60;

/// Seconds that a captured message is kept: it says all that an identity provider says of a person.
pub const CAPTURED_MESSAGE_SECONDS: i64 = 24 * 60 * 60;

/// Captured messages of one connection that its identity provider signed; the oldest give way. Each has up to 700 KB.
pub const MAX_CAPTURED_MESSAGES: i64 = 50;

/// The same for those that may be anybody's.
pub const MAX_UNVERIFIED_CAPTURED_MESSAGES: i64 = 20;

/// Captured messages of one attempt, and of each of these kinds; those that follow are not captured.
pub const MAX_CAPTURED_PER_ATTEMPT: usize = 5;

/// Octets of a captured message that the dashboard shows; longer ones are files to be downloaded. Most have 10 KB.
pub const MAX_SHOWN_MESSAGE_BYTES: usize = 64 * 1024;

/// Connections on one page of the dashboard's list: each costs a call to its ledger.
pub const CONNECTIONS_SHOWN: i64 = 25;

/// Seconds over which a connection's health is counted.
pub const HEALTH_SECONDS: i64 = 24 * 60 * 60;

/// Attempts on one page of the log, unless another number is asked for.
pub const ATTEMPTS_PER_PAGE: i64 = 50;

/// Attempts on one page of the log at the most: some 100 KB, seldom more.
pub const MAX_ATTEMPTS_PER_PAGE: i64 = 100;

/// Minutes that a sign-in may take, from our request to its answer, unless the connection says otherwise.
pub const PENDING_REQUEST_MINUTES: u32 = 60;

/// The most that a connection may say: a day, as the ledger keeps that many requests.
pub const MAX_PENDING_REQUEST_MINUTES: u32 = 24 * 60;

/// Seconds for which a browser is known: as long as any request of its may take.
pub const BROWSER_SECONDS: i64 = 24 * 60 * 60;

/// Seconds that a request is remembered after it has expired, so that a sign-in that took too long can be begun anew where
/// it was going.
pub const EXPIRED_REQUEST_SECONDS: i64 = 24 * 60 * 60;

/// Seconds within which the browser that posted a response may post it once more and is answered the same: a second click,
/// a page that was loaded again.
pub const REPEATED_POST_SECONDS: i64 = 60;

/// Tickets that may be open for one request: those of the repeated posts.
pub const MAX_TICKETS_PER_REQUEST: i64 = 4;

/// Sign-ins that one browser may have in flight at one connection; the oldest gives way.
pub const MAX_PENDING_PER_BROWSER: i64 = 20;

/// Sign-ins that one connection remembers, whoever began them. One that was answered gives way first, then the oldest. Each is
/// a row of up to 2 KB.
pub const MAX_PENDING_PER_CONNECTION: i64 = 20_000;

/// Seconds that a logout may take, from our request to the answer: the identity provider may first end other sessions.
pub const PENDING_LOGOUT_SECONDS: i64 = 10 * 60;

/// Octets of a `RelayState` that is given back to its sender, who may not send more (SAML Bindings 3.4.3, 3.5.3).
pub const MAX_RETURNED_RELAY_STATE_BYTES: usize = 80;

/// Octets of a form on our own pages.
pub const MAX_OWN_FORM_BYTES: usize = 16 * 1024;

/// Octets of a body for the admin API, other than metadata.
pub const MAX_API_CALL_BYTES: usize = 64 * 1024;

/// Seconds between the answer and the browser's next request, which follows at once.
pub const TICKET_SECONDS: i64 = 60;

/// Seconds that somebody may think about whether to sign in with an answer that nobody asked for.
pub const UNSOLICITED_TICKET_SECONDS: i64 = 10 * 60;

/// Where the responses of one connection may lead by their `RelayState`.
pub const MAX_RELAY_STATE_TARGETS: usize = 100;

/// Characters of a reason that people give.
pub const MAX_REASON_CHARACTERS: usize = 500;

/// Seconds for which SHA-1 may be accepted before somebody has to say so again.
pub const MAX_SHA1_EXCEPTION_SECONDS: i64 = 366 * 24 * 60 * 60;

/// Versions of a connection that are kept of those that people with tokens made; older ones give way.
pub const MAX_VERSIONS_PER_CONNECTION: i64 = 100;

/// Versions of a connection that are kept of those that came by themselves, from metadata that was fetched again, and as many of those that were
/// made with setup links. Metadata that is one thing today and another tomorrow pushes out no version of a person's.
pub const MAX_VERSIONS_PER_CONNECTION_OF_OTHERS: i64 = 20;

/// Entries of the audit log that tell what people with tokens did; older ones give way. An entry is mostly smaller than 1 KB.
pub const MAX_AUDIT_ENTRIES: i64 = 10_000;

/// Those of exports, which a token can ask for that may change nothing: what people changed does not give way to them.
pub const MAX_AUDIT_ENTRIES_OF_EXPORTS: i64 = 2_000;

/// Those of what happened by itself: by the schedule, and because of a sign-in. Two for each connection that there may be.
pub const MAX_AUDIT_ENTRIES_OF_SCHEDULE: i64 = 10_000;

/// Those of what was done through setup links. A setup takes a handful.
pub const MAX_AUDIT_ENTRIES_OF_SETUP_LINKS: i64 = 2_000;

/// Entries of the audit log in one answer, unless it is asked for more or fewer.
pub const AUDIT_PAGE: i64 = 50;

/// The most that may be asked for.
pub const MAX_AUDIT_PAGE: i64 = 200;

/// Seconds within which a test run has to be answered.
pub const TEST_SECONDS: i64 = 60 * 60;

/// Test runs of a connection that are kept; older ones give way. A report has up to 250 KB.
pub const MAX_TESTS_PER_CONNECTION: i64 = 50;

/// Seconds that a test run is kept: what it tells of somebody is of no use once the connection works.
pub const TEST_KEPT_SECONDS: i64 = 7 * 24 * 60 * 60;

/// Configurations of a connection that are remembered to have passed a test.
pub const MAX_TESTED_CONFIGURATIONS: i64 = 20;

/// Attributes that the report of a test shows.
pub const MAX_SHOWN_ATTRIBUTES: usize = 100;

/// Values of each of them that are shown.
pub const MAX_SHOWN_VALUES: usize = 10;

/// Characters of each value that are shown.
pub const MAX_SHOWN_VALUE_CHARACTERS: usize = 200;

/// Characters of what a check of a test expected and found.
pub const MAX_SHOWN_CHARACTERS: usize = 1_000;

/// Hours that a session lasts at the most, unless its connection says otherwise.
pub const SESSION_HOURS: u32 = 7 * 24;

/// Hours without a request after which a session ends, unless its connection says otherwise.
pub const SESSION_IDLE_HOURS: u32 = 24;

/// Hours that a connection may give its sessions at the most: 90 days. Browsers forget cookies after 400.
pub const MAX_SESSION_HOURS: u32 = 90 * 24;

/// Characters of what the product is called, in `PRODUCT_NAME`: it stands in titles.
pub const MAX_PRODUCT_NAME_CHARACTERS: usize = 60;

/// Seconds between two notes that a session is still in use, so that reading it seldom writes.
pub const SESSION_TOUCH_SECONDS: i64 = 5 * 60;

/// Admin tokens that are in force at once. People have one for each of their programs.
pub const MAX_ADMIN_TOKENS: i64 = 100;

/// Admin tokens that are shown after they were revoked; older ones are forgotten.
pub const MAX_REVOKED_ADMIN_TOKENS: i64 = 100;

/// Seconds between two notes that an admin token is in use, so that a call seldom writes.
pub const ADMIN_TOKEN_TOUCH_SECONDS: i64 = 5 * 60;

/// Seconds that a session of the dashboard lasts: a working day.
pub const ADMIN_SESSION_SECONDS: i64 = 12 * 60 * 60;

/// Seconds that a setup link may be used.
pub const SETUP_LINK_SECONDS: i64 = 7 * 24 * 60 * 60;

/// Setup links of one connection at once; the oldest gives way.
pub const MAX_SETUP_LINKS_PER_CONNECTION: i64 = 20;

/// Sessions of the dashboard at once; the oldest gives way.
pub const MAX_ADMIN_SESSIONS: i64 = 100;

/// Of these, sessions that were opened with one token: who signs in again and again signs nobody else out.
pub const MAX_ADMIN_SESSIONS_PER_TOKEN: i64 = 10;

/// Webhook endpoints of one deployment. Each is one more request for each event.
pub const MAX_WEBHOOKS: usize = 10;

/// Deliveries to one endpoint that are kept of each class of events (of configurations, of sign-ins, of refusals); older ones give way.
pub const MAX_DELIVERIES_PER_CLASS: i64 = 1_000;

/// Seconds that an event is kept and can be sent again.
pub const WEBHOOK_KEPT_SECONDS: i64 = 14 * 24 * 60 * 60;

/// Seconds that an endpoint has to answer.
pub const WEBHOOK_SECONDS: u32 = 8;

/// Seconds after which an event is sent again, after its first, second, … attempt.
pub const WEBHOOK_RETRY_SECONDS: [i64; 7] = [5, 60, 5 * 60, 30 * 60, 2 * 60 * 60, 8 * 60 * 60, 24 * 60 * 60];

/// Seconds for which an endpoint is left alone that failed more than once.
pub const WEBHOOK_PAUSE_SECONDS: i64 = 60;

/// Seconds after which an endpoint is switched off that always failed.
pub const WEBHOOK_FAILING_SECONDS: i64 = 5 * 24 * 60 * 60;

/// Seconds for which the secret before the present one signs as well.
pub const WEBHOOK_SECRET_OVERLAP_SECONDS: i64 = 24 * 60 * 60;

/// Endpoints that are sent to at once: as many requests as a Worker has open at once.
pub const MAX_WEBHOOKS_AT_ONCE: usize = 6;

/// Events that one round sends to one endpoint, one after the other. With the look-ups of its name, each takes 3 of the 1,000 requests that
/// Cloudflare lets a call make; up to 32, as 32 octets of chance are drawn for them.
pub const MAX_DELIVERIES_PER_WEBHOOK_AND_ROUND: usize = 20;

/// Seconds of its turn in a round after which an endpoint is sent no more in it: one that is slow gets a single event, and the round ends soon.
pub const WEBHOOK_TURN_SECONDS: i64 = 4;

/// Deliveries in one answer, unless it is asked for more or fewer.
pub const DELIVERIES_PER_PAGE: i64 = 50;

/// The most that may be asked for.
pub const MAX_DELIVERIES_PER_PAGE: i64 = 100;

/// Connections in one answer of the admin API.
pub const MAX_CONNECTIONS_PER_PAGE: i64 = 100;

/// Characters of an `Idempotency-Key`.
pub const MAX_IDEMPOTENCY_KEY_CHARACTERS: usize = 255;

/// Seconds for which a call that is repeated with its `Idempotency-Key` gets the answer that it got.
pub const IDEMPOTENCY_SECONDS: i64 = 24 * 60 * 60;

/// Seconds over which requests are counted, as the limits in `wrangler.toml` say: after as many, the count has begun anew.
pub const RATE_LIMIT_SECONDS: u32 = 60;

/// How much the registry publishes at once: each is a write to KV and perhaps a call of a ledger, one run of an object may make 1,000
/// of these, and it sends to webhooks too. The rest follows by its alarm.
pub const MAX_PUBLICATIONS_AT_ONCE: i64 = 150;

/// Seconds for which reading the same once more is no entry of its own in the audit log.
pub const AUDIT_FOLD_SECONDS: i64 = 10 * 60;

/// How many of the newest entries are looked through for such a one.
pub const AUDIT_FOLD_ENTRIES: i64 = 200;
