//! `/sso/admin/certificates`: which certificates end next.

use askama::Template;
use http::StatusCode;

use super::parts::{Pill, end_shown, notice};
use super::session::Visitor;
use super::{Chrome, Failure, render};
use crate::app::App;
use crate::app::certificates::{Entry, Usage, calendar};
use crate::app::http::Response;
use crate::app::ports::Ports;

#[derive(Template)]
#[template(path = "admin/calendar.html")]
struct CalendarPage<'a> {
    chrome: Chrome<'a>,
    rows: Vec<Row<'a>>,
}

struct Row<'a> {
    entry: Entry<'a>,
    mark: Option<Pill>,
    /// The day of its end, how far that is, and how grave.
    end: Option<(String, String, &'static str)>,
    /// What happens, or has to be done, before its end.
    next: &'static str,
}

impl<P: Ports> App<P> {
    pub(super) async fn show_certificates(&self, visitor: &Visitor) -> Result<Response, Failure> {
        let (connections, now) = (self.all_connections().await?, self.ports.now());
        let page = CalendarPage {
            chrome: visitor.chrome(),
            rows: (calendar(&connections, now).into_iter())
                .map(|entry| Row {
                    mark: entry.notice_days.map(notice),
                    end: (entry.certificate.not_after).map(|at| {
                        let (day, _, tone) = end_shown(at, now);
                        (day, distance(entry.days_left.unwrap_or(0)), tone)
                    }),
                    next: next(&entry),
                    entry,
                })
                .collect(),
        };
        Ok(render(StatusCode::OK, &page))
    }
}

/// How far a day is, in words.
fn distance(days: i64) -> String {
    match days {
        i64::MIN..=-2 => format!("{} days ago", days.saturating_neg()),
        -1 => "a day ago".to_owned(),
        0 => "today".to_owned(),
        1 => "in a day".to_owned(),
        _ => format!("in {days} days"),
    }
}

fn next(entry: &Entry<'_>) -> &'static str {
    let idp = entry.connection.identity_provider.as_ref();
    match entry.usage {
        Usage::Encryption => "Ours. Rotate the decryption keys.",
        Usage::Signing if idp.is_some_and(|idp| idp.metadata_url.is_some()) => {
            "Theirs. Its successor is fetched by itself."
        }
        Usage::Signing => "Theirs. Ask for new metadata.",
    }
}
