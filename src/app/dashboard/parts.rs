//! What several pages show: words for states, times and providers.

use crate::app::ledger::test::TestState;
use crate::app::registry::proofs::ProofState;
use crate::saml::connection::{Binding, Connection, Provider, State};
use crate::saml::id::Domain;
use crate::saml::mapping::Field;
use crate::saml::report::{CheckResult, Rule};
use crate::saml::time::Timestamp;

const DAY: i64 = 24 * 60 * 60;

/// A mark of a state: its words and its tone.
#[derive(Clone, Copy)]
pub(super) struct Pill {
    pub(super) words: &'static str,
    /// The class that gives its colour: `good`, `quiet`, `warn` or `bad`.
    pub(super) tone: &'static str,
}

/// A connection's state.
pub(super) const fn state(connection: &Connection) -> Pill {
    match (connection.state, &connection.identity_provider) {
        (State::Enabled, _) => Pill {
            words: "Enabled",
            tone: "good",
        },
        (State::Disabled, Some(_)) => Pill {
            words: "Disabled",
            tone: "quiet",
        },
        (State::Disabled, None) => Pill {
            words: "Setup not finished",
            tone: "warn",
        },
    }
}

/// Whether a domain is proven to be the customer's.
pub(super) const fn proof_state(state: ProofState) -> Pill {
    match state {
        ProofState::Lost => Pill {
            words: "Proof lost",
            tone: "warn",
        },
        ProofState::Proven => Pill {
            words: "Proven",
            tone: "good",
        },
        ProofState::Unproven => Pill {
            words: "Not proven",
            tone: "quiet",
        },
    }
}

/// A point in time as a date.
pub(super) fn day(at: Timestamp) -> String {
    at.to_rfc3339().chars().take(10).collect()
}

/// A point in time to the minute, in UTC.
pub(super) fn minute(at: Timestamp) -> String {
    let text = at.to_rfc3339().replace('T', " ");
    let minute: String = text.chars().take(16).collect();
    format!("{minute} UTC")
}

/// A point in time to the second, in UTC.
pub(super) fn second(at: Timestamp) -> String {
    let text = at.to_rfc3339().replace('T', " ");
    let second: String = text.chars().take(19).collect();
    format!("{second} UTC")
}

/// How long something took.
pub(super) fn duration(seconds: i64) -> String {
    let seconds = seconds.max(0);
    let (hours, minutes) = (seconds.div_euclid(60 * 60), seconds.div_euclid(60));
    match seconds {
        0 => "under 1 s".to_owned(),
        1..=119 => format!("{seconds} s"),
        120..=7_199 => format!("{minutes} min {} s", seconds.rem_euclid(60)),
        _ => format!("{hours} h {} min", minutes.rem_euclid(60)),
    }
}

/// How long ago something was.
pub(super) fn ago(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.since(at).max(0);
    let (minutes, hours, days) = (
        seconds.div_euclid(60),
        seconds.div_euclid(60 * 60),
        seconds.div_euclid(DAY),
    );
    let plural = |n: i64| if n == 1 { "" } else { "s" };
    match (minutes, hours, days) {
        (0, ..) => "just now".to_owned(),
        (1..=59, ..) => format!("{minutes} minute{} ago", plural(minutes)),
        (_, 1..=23, _) => format!("{hours} hour{} ago", plural(hours)),
        _ => format!("{days} day{} ago", plural(days)),
    }
}

/// How a test stands.
pub(super) const fn test_state(state: TestState) -> Pill {
    match state {
        TestState::Expired => Pill {
            words: "Not finished",
            tone: "quiet",
        },
        TestState::Failed => Pill {
            words: "Failed",
            tone: "bad",
        },
        TestState::Passed => Pill {
            words: "Passed",
            tone: "good",
        },
        TestState::Waiting => Pill {
            words: "Waiting",
            tone: "warn",
        },
    }
}

/// How a check went.
pub(super) const fn check_result(result: CheckResult) -> Pill {
    match result {
        CheckResult::Failed => Pill {
            words: "Failed",
            tone: "bad",
        },
        CheckResult::NotReached => Pill {
            words: "Not reached",
            tone: "quiet",
        },
        CheckResult::Passed => Pill {
            words: "Passed",
            tone: "good",
        },
    }
}

/// What a rule is called.
pub(super) const fn rule_words(rule: Rule) -> &'static str {
    match rule {
        Rule::Audience => "Audience",
        Rule::Authentication => "Fresh authentication",
        Rule::Destination => "Destination",
        Rule::Email => "E-mail address",
        Rule::EmailDomain => "Domain of the address",
        Rule::Encryption => "Encryption",
        Rule::InResponseTo => "Answers this test",
        Rule::Issuer => "Issuer",
        Rule::NameId => "User key",
        Rule::Recipient => "Recipient",
        Rule::RequiredAttributes => "Required attributes",
        Rule::Response => "Can be read",
        Rule::Session => "Session",
        Rule::Signature => "Signature",
        Rule::Status => "Status",
        Rule::Time => "Time",
    }
}

/// What one of our fields is called.
pub(super) const fn field_words(field: Field) -> &'static str {
    match field {
        Field::Email => "E-mail address",
        Field::FirstName => "First name",
        Field::Groups => "Groups",
        Field::LastName => "Last name",
    }
}

/// What a binding is called.
pub(super) const fn binding_words(binding: Binding) -> &'static str {
    match binding {
        Binding::Post => "HTTP-POST",
        Binding::Redirect => "HTTP-Redirect",
    }
}

/// How near the end of a certificate is, by the last notice that was due.
pub(super) const fn notice(days: i64) -> Pill {
    let (words, tone) = match days {
        i64::MIN..=0 => ("Expired", "bad"),
        1 => ("Within a day", "bad"),
        2..=7 => ("Within 7 days", "bad"),
        8..=14 => ("Within 14 days", "warn"),
        15..=30 => ("Within 30 days", "warn"),
        _ => ("Within 60 days", "quiet"),
    };
    Pill { words, tone }
}

/// All domains of a connection, as a sentence names them.
pub(super) fn all_domains(connection: &Connection) -> String {
    let domains: Vec<&str> = connection.domains.iter().map(Domain::as_str).collect();
    domains.join(", ")
}

/// When a certificate ends: the day, the same in words, and how grave it is.
pub(super) fn end_shown(at: Timestamp, now: Timestamp) -> (String, String, &'static str) {
    let (words, tone) = end(at, now);
    (day(at), words, tone)
}

/// The end of a certificate in words, and how grave it is.
fn end(at: Timestamp, now: Timestamp) -> (String, &'static str) {
    let days = at.since(now).div_euclid(DAY);
    let plural = |n: i64| if n == 1 { "" } else { "s" };
    match days {
        i64::MIN..=-1 => {
            let ago = days.saturating_neg();
            (format!("expired {ago} day{} ago", plural(ago)), "bad")
        }
        0 => ("expires today".to_owned(), "bad"),
        1..=30 => (format!("expires in {days} day{}", plural(days)), "warn"),
        31..=99 => (format!("expires in {days} days"), "quiet"),
        _ => (format!("valid until {}", day(at)), "quiet"),
    }
}

/// When the first of a connection's certificates expires.
pub(super) fn nearest_end(connection: &Connection) -> Option<Timestamp> {
    let idp = connection.identity_provider.as_ref()?;
    let ends = idp
        .certificates
        .iter()
        .filter_map(|c| c.certificate().ok()?.not_after());
    ends.min().map(Timestamp::from_unix_seconds)
}

/// A provider as forms name it.
pub(super) const fn provider_value(provider: Provider) -> &'static str {
    match provider {
        Provider::Custom => "custom",
        Provider::Entra => "entra",
        Provider::Google => "google",
        Provider::Okta => "okta",
    }
}

/// The providers as a form offers them.
pub(super) const PROVIDER_OPTIONS: &[(&str, &str)] = &[
    ("okta", "Okta Workforce"),
    ("entra", "Microsoft Entra ID"),
    ("google", "Google Workspace"),
    ("custom", "Custom SAML"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::saml::preset::{PROVIDERS, Preset};

    #[test]
    fn the_form_offers_what_the_presets_are_called() {
        let options: Vec<(&str, &str)> = PROVIDERS.map(|p| (provider_value(p), Preset::of(p).name)).to_vec();
        assert_eq!(options, PROVIDER_OPTIONS);
    }

    #[test]
    fn times_are_told_as_people_tell_them() {
        for (seconds, took, was) in [
            (-1, "under 1 s", "just now"),
            (0, "under 1 s", "just now"),
            (59, "59 s", "just now"),
            (60, "60 s", "1 minute ago"),
            (125, "2 min 5 s", "2 minutes ago"),
            (3_600, "60 min 0 s", "1 hour ago"),
            (7_260, "2 h 1 min", "2 hours ago"),
            (DAY, "24 h 0 min", "1 day ago"),
            (3 * DAY, "72 h 0 min", "3 days ago"),
        ] {
            let at = Timestamp::from_unix_seconds(1_000_000_000);
            assert_eq!(duration(seconds), took);
            assert_eq!(ago(at, at.plus(seconds)), was);
        }
        assert_eq!(second(Timestamp::from_unix_seconds(0)), "1970-01-01 00:00:00 UTC");
    }

    #[test]
    fn ends_are_told_in_days() {
        let now = Timestamp::from_unix_seconds(1_000_000_000);
        for (seconds, words, tone) in [
            (-1, "expired 1 day ago", "bad"),
            (-3 * DAY, "expired 3 days ago", "bad"),
            (0, "expires today", "bad"),
            (DAY, "expires in 1 day", "warn"),
            (31 * DAY - 1, "expires in 30 days", "warn"),
            (31 * DAY, "expires in 31 days", "quiet"),
            (100 * DAY, "valid until 2001-12-18", "quiet"),
        ] {
            assert_eq!(end(now.plus(seconds), now), (words.to_owned(), tone), "{seconds}");
        }
    }
}
