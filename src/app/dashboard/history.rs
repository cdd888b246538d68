//! The history of a connection: its versions, newest first, each of which can be restored.

use askama::Template;
use http::StatusCode;

use super::connection::{Head, problem};
use super::field::Attempt;
use super::parts::minute;
use super::session::Visitor;
use super::situation::{ChangeShown, Situation, changes, deed_words};
use super::{Chrome, Failure, render};
use crate::app::App;
use crate::app::explanation::Reader;
use crate::app::http::Response;
use crate::app::ports::Ports;
use crate::app::registry::versions::Version;
use crate::app::route::Tab;

#[derive(Template)]
#[template(path = "admin/history.html")]
struct HistoryPage<'a> {
    chrome: Chrome<'a>,
    head: Head<'a>,
    versions: Vec<VersionShown<'a>>,
    /// The generation of the connection, whatever draft there is.
    seen_live: String,
}

struct VersionShown<'a> {
    version: &'a Version,
    deed: String,
    on: String,
    changes: Vec<ChangeShown>,
    is_present: bool,
}

impl<P: Ports> App<P> {
    pub(super) async fn history_page(
        &self,
        status: StatusCode,
        visitor: &Visitor,
        head: Head<'_>,
        situation: &Situation,
        attempt: Option<Attempt<'_>>,
    ) -> Result<Response, Failure> {
        let versions = self.list_versions(&situation.live.id).await?;
        let shown = |version| VersionShown {
            version,
            deed: deed_words(&version.change),
            on: minute(version.at),
            changes: changes(&version.diff),
            is_present: version.generation == situation.live.generation,
        };
        let mut page = HistoryPage {
            chrome: visitor.chrome(),
            head,
            versions: versions.iter().map(shown).collect(),
            seen_live: format!("live-{}", situation.live.generation),
        };
        page.head.problem = problem(attempt, situation.live.provider, Reader::Vendor, core::iter::empty());
        Ok(render(status, &page))
    }
}
