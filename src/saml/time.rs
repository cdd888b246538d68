//! Points in time: seconds since the Unix epoch, and `xs:dateTime` as identity providers really write it.

use serde::{Deserialize, Serialize};
use time::format_description::well_known::Rfc3339;
use time::{Date, Month, OffsetDateTime, Time, UtcOffset};

/// A point in time, in whole seconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The point `seconds` after the Unix epoch.
    #[must_use]
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since the Unix epoch.
    #[must_use]
    pub const fn unix_seconds(self) -> i64 {
        self.0
    }

    /// This point moved by `seconds`, which may be negative; it stops at the ends of the range.
    #[must_use]
    pub const fn plus(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds))
    }

    /// Seconds from `earlier` to this point; negative when `earlier` is later.
    #[must_use]
    pub const fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Reads an `xs:dateTime` (XML Schema Part 2, 3.2.7) with a four-digit year.
    ///
    /// SAML asks for UTC with `Z` (SAML Core 1.3.3), but identity providers also send offsets, seven fractional
    /// digits, and no zone at all, which is taken as UTC. Fractions of a second are dropped.
    ///
    /// Returns `None` for anything else: surrounding space, a leap second, hour 24, a date that does not exist.
    #[must_use]
    pub fn parse_xs_date_time(text: &str) -> Option<Self> {
        let (date, rest) = text.split_once('T')?;
        let mut date = date.split('-');
        let year = digits(date.next()?, 4)?;
        let month = Month::try_from(u8::try_from(digits(date.next()?, 2)?).ok()?).ok()?;
        let day = u8::try_from(digits(date.next()?, 2)?).ok()?;
        if date.next().is_some() {
            return None;
        }
        let zone_at = rest.find(['Z', '+', '-']).unwrap_or(rest.len());
        let (clock, zone) = rest.split_at_checked(zone_at)?;
        let (clock, fraction) = match clock.split_once('.') {
            Some((clock, fraction)) => (clock, Some(fraction)),
            None => (clock, None),
        };
        if fraction.is_some_and(|f| f.is_empty() || !f.bytes().all(|b| b.is_ascii_digit())) {
            return None;
        }
        let mut clock = clock.split(':');
        let hour = u8::try_from(digits(clock.next()?, 2)?).ok()?;
        let minute = u8::try_from(digits(clock.next()?, 2)?).ok()?;
        let second = u8::try_from(digits(clock.next()?, 2)?).ok()?;
        if clock.next().is_some() {
            return None;
        }
        let date = Date::from_calendar_date(i32::from(year), month, day).ok()?;
        let time = Time::from_hms(hour, minute, second).ok()?;
        let local = OffsetDateTime::new_in_offset(date, time, offset(zone)?);
        Some(Self(local.unix_timestamp()))
    }

    /// Reads an RFC 3339 date and time.
    #[must_use]
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        OffsetDateTime::parse(text, &Rfc3339)
            .ok()
            .map(|t| Self(t.unix_timestamp()))
    }

    /// This point as an RFC 3339 date and time in UTC, which is also a valid `xs:dateTime`: `2026-07-01T12:00:00Z`.
    /// A point outside the years 0 to 9999 is written as the nearest end of that range.
    #[must_use]
    pub fn to_rfc3339(self) -> String {
        const FIRST: i64 = -62_167_219_200;
        const LAST: i64 = 253_402_300_799;
        OffsetDateTime::from_unix_timestamp(self.0.clamp(FIRST, LAST))
            .ok()
            .and_then(|t| t.format(&Rfc3339).ok())
            .unwrap_or_default()
    }
}

/// Exactly `count` ASCII digits as a number.
fn digits(text: &str, count: usize) -> Option<u16> {
    (text.len() == count && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

/// The zone at the end of an `xs:dateTime`: nothing, `Z`, or `±hh:mm` up to 14 hours.
fn offset(zone: &str) -> Option<UtcOffset> {
    if zone.is_empty() || zone == "Z" {
        return Some(UtcOffset::UTC);
    }
    let (sign, rest) = match zone.split_at_checked(1)? {
        ("+", rest) => (1_i8, rest),
        ("-", rest) => (-1_i8, rest),
        _ => return None,
    };
    let (hours, minutes) = rest.split_once(':')?;
    let hours = i8::try_from(digits(hours, 2)?).ok()?;
    let minutes = i8::try_from(digits(minutes, 2)?).ok()?;
    if hours > 14 || minutes > 59 || (hours == 14 && minutes > 0) {
        return None;
    }
    UtcOffset::from_hms(hours.checked_mul(sign)?, minutes.checked_mul(sign)?, 0).ok()
}

/// A point in time as people read it in JSON: RFC 3339. For `#[serde(with = …)]`.
pub mod rfc3339 {
    use serde::de::Error;
    use serde::{Deserialize, Deserializer, Serializer};

    use super::Timestamp;

    /// Writes it.
    ///
    /// # Errors
    /// The serializer's.
    pub fn serialize<S: Serializer>(time: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&time.to_rfc3339())
    }

    /// Reads it.
    ///
    /// # Errors
    /// When it is not RFC 3339.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Timestamp, D::Error> {
        let text = String::deserialize(deserializer)?;
        Timestamp::parse_rfc3339(&text).ok_or_else(|| D::Error::custom("expected a time such as 2027-01-31T00:00:00Z"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_identity_providers_write() {
        let noon = Timestamp::from_unix_seconds(1_782_907_200);
        for text in [
            "2026-07-01T12:00:00Z",
            "2026-07-01T12:00:00.123Z",
            "2026-07-01T12:00:00.1234567Z",
            "2026-07-01T12:00:00",
            "2026-07-01T14:00:00+02:00",
            "2026-07-01T06:30:00.5-05:30",
        ] {
            assert_eq!(Timestamp::parse_xs_date_time(text), Some(noon), "{text}");
        }
        assert_eq!(noon.to_rfc3339(), "2026-07-01T12:00:00Z");
        assert_eq!(Timestamp::parse_rfc3339("2026-07-01T12:00:00Z").unwrap(), noon);
    }

    #[test]
    fn refuses_everything_else() {
        for text in [
            "",
            "2026-07-01",
            " 2026-07-01T12:00:00Z",
            "2026-07-01T12:00:00Z ",
            "2026-07-01 12:00:00Z",
            "2026-07-01T12:00:60Z",
            "2026-07-01T24:00:00Z",
            "2026-02-30T12:00:00Z",
            "2026-13-01T12:00:00Z",
            "02026-07-01T12:00:00Z",
            "-2026-07-01T12:00:00Z",
            "2026-07-01T12:00Z",
            "2026-07-01T12:00:00.Z",
            "2026-07-01T12:00:00.12x4Z",
            "2026-07-01T12:00:00+15:00",
            "2026-07-01T12:00:00+0200",
            "2026-07-01T12:00:00ZZ",
            "2026-07-01T1２:00:00Z",
        ] {
            assert_eq!(Timestamp::parse_xs_date_time(text), None, "{text}");
        }
    }

    #[test]
    fn the_ends_of_the_range_do_not_overflow() {
        let end = Timestamp::from_unix_seconds(i64::MAX);
        assert_eq!(end.plus(1), end);
        assert_eq!(end.since(Timestamp::from_unix_seconds(-1)), i64::MAX);
        assert_eq!(end.to_rfc3339(), "9999-12-31T23:59:59Z");
    }
}
