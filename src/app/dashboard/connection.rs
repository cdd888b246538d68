//! `/sso/admin/connections/{id}` and the pages below it: what their forms do, each of which is an operation.

use askama::Template;
use http::StatusCode;
use serde_json::{Map, Value, json};

use super::decryption_keys::{KeysShown, read_step};
use super::field::{Attempt, Field, Maker, sentence};
use super::form::Form;
use super::idp_forms::{manual_body, metadata_body};
use super::parts::{Pill, proof_state, state};
use super::replacement::{Confirmation, Given, Pending, Replacement};
use super::session::Visitor;
use super::settings::{self, Group};
use super::situation::{DraftShown, Situation, Target, is_for_the_page, seen_generation, seen_revision};
use super::{Chrome, Failure, render};
use crate::app::App;
use crate::app::connections::{OverrideBody, Saved, plain_update};
use crate::app::description::Fields;
use crate::app::domain_proof::DomainView;
use crate::app::error::ApiError;
use crate::app::explanation::{Explanation, Reader};
use crate::app::http::{Request, Response, field, see_other};
use crate::app::ledger::test::{BegunBy, Configuration};
use crate::app::ports::{Ports, Unavailable};
use crate::app::registry::refresh::Decision;
use crate::app::registry::setup_links::LinkEdit;
use crate::app::registry::{Actor, Change};
use crate::app::route::{Section, Tab};
use crate::code::Code;
use crate::saml::connection::{Connection, Provider, State};
use crate::saml::id::{ConnectionId, Domain, SetupLinkId};
use crate::saml::preset::Preset;
use crate::saml::service_keys::RotationStep;
use crate::token::TokenHash;

/// What all pages of a connection show.
pub(super) struct Head<'a> {
    /// What the forms show: the draft, if there is one.
    pub(super) connection: &'a Connection,
    /// Whether users sign in by it.
    pub(super) enabled: bool,
    pub(super) state: Pill,
    pub(super) preset: &'static Preset,
    pub(super) tab: Tab,
    pub(super) notice: Option<Notice>,
    pub(super) problem: Option<Problem>,
    pub(super) draft: Option<DraftShown>,
    /// What the forms send back of what they had before them.
    pub(super) seen: String,
    /// Why a draft goes live without a test.
    pub(super) apply_reason: Field,
    /// The address of a setup link that was just made: told once.
    pub(super) new_link: Option<String>,
}

/// What was just done, said where it was done.
pub(super) struct Notice {
    anchor: &'static str,
    text: &'static str,
}

/// What went wrong with a form and is not about one of its fields.
pub(super) struct Problem {
    anchor: &'static str,
    pub(super) text: String,
    pub(super) explanation: Option<Explanation>,
}

#[derive(Template)]
#[template(path = "admin/settings.html")]
struct SettingsPage<'a> {
    chrome: Chrome<'a>,
    head: Head<'a>,
    domains: Vec<(DomainView, Pill)>,
    domain: Field,
    routing: Vec<Field>,
    attributes: Vec<Field>,
    general: Vec<Field>,
    sessions: Vec<Field>,
    advanced: Vec<Group>,
    keys: KeysShown,
    confirm_name: Field,
}

#[derive(Template)]
#[template(path = "admin/replace.html")]
struct ReplacePage<'a> {
    chrome: Chrome<'a>,
    /// The connection's name, and its page.
    name: &'a str,
    page: String,
    replacement: Replacement<'a>,
}

/// What a page shows beside the connection: what came of a form.
#[derive(Default)]
struct Shown<'a> {
    notice: Option<Notice>,
    attempt: Option<Attempt<'a>>,
    /// Which sign-ins are asked for.
    asked: Form,
    new_link: Option<String>,
}

/// What came of a form.
pub(super) enum Done {
    /// Nothing yet: whoever sent it has to look first.
    Asked(Pending),
    /// It is saved in the draft.
    Draft,
    /// A setup link is made, whose address is told once.
    Link(String),
    /// It is live, and perhaps everywhere.
    Live { published: bool },
    /// The browser goes elsewhere.
    Elsewhere(String),
}

/// Who saves an identity provider.
pub(super) enum Editor {
    /// Somebody who is signed in.
    Admin(Actor),
    /// Somebody with the setup link of this token's hash.
    Guest(TokenHash, Actor),
}

impl Done {
    fn live<T>(saved: &Saved<T>) -> Self {
        Self::Live {
            published: saved.published,
        }
    }
}

impl<P: Ports> App<P> {
    pub(super) async fn show_connection(
        &self,
        visitor: &Visitor,
        id: &ConnectionId,
        tab: Tab,
        request: &Request,
    ) -> Result<Response, Failure> {
        let situation = self.situation(id).await?;
        let query = request.uri().query().unwrap_or_default().as_bytes();
        let shown = Shown {
            notice: notice(query),
            asked: Form::read(query),
            ..Shown::default()
        };
        self.connection_page(StatusCode::OK, visitor, &situation, tab, shown)
            .await
    }

    /// Does what the form of `section` asks for, and shows the page again, with what was typed if it was refused.
    pub(super) async fn save_section(
        &self,
        visitor: &Visitor,
        id: &ConnectionId,
        section: Section,
        request: &Request,
    ) -> Result<Response, Failure> {
        let situation = self.situation(id).await?;
        let form = Form::read(request.body());
        let done = self.operate(visitor, &situation, section, &form).await;
        let back = |how: &str| {
            let (done, path) = (section.as_str(), section.tab().path(id));
            see_other(&format!("{path}?done={done}{how}#{}", section.anchor()))
        };
        match done {
            Ok(Done::Asked(pending)) => Ok(self.ask_to_replace(visitor, &situation, section, &form, pending)),
            Ok(Done::Elsewhere(location)) => Ok(see_other(&location)),
            Ok(Done::Draft) => Ok(back("&how=draft")),
            Ok(Done::Link(url)) => {
                let shown = Shown {
                    new_link: Some(url),
                    ..Shown::default()
                };
                self.connection_page(StatusCode::OK, visitor, &situation, section.tab(), shown)
                    .await
            }
            Ok(Done::Live { published: true }) => Ok(back("")),
            Ok(Done::Live { published: false }) => Ok(back("&how=later")),
            Err(error) if is_for_the_page(&error) => {
                let attempt = Attempt {
                    section,
                    form: &form,
                    error: &error,
                };
                // As it is by now, where somebody else has changed it meanwhile.
                let situation = self.situation(id).await?;
                let shown = Shown {
                    attempt: Some(attempt),
                    ..Shown::default()
                };
                self.connection_page(error.status, visitor, &situation, section.tab(), shown)
                    .await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// One operation.
    async fn operate(
        &self,
        visitor: &Visitor,
        situation: &Situation,
        section: Section,
        form: &Form,
    ) -> Result<Done, ApiError> {
        let (live, actor) = (&situation.live, visitor.actor());
        let id = &live.id;
        let reason = || OverrideBody {
            override_reason: form.get("override_reason").map(|reason| reason.trim().to_owned()),
        };
        match section {
            Section::Advanced
            | Section::Attributes
            | Section::Domains
            | Section::General
            | Section::MapAttribute
            | Section::Routing
            | Section::Sessions => {
                let fields = read_fields(section, form, situation.edited())?;
                match situation.target(section, form)? {
                    Target::Draft(seen) => self.patch_draft(id, fields, seen, actor).await.map(|_| Done::Draft),
                    Target::Live(seen) => self
                        .patch_connection(id, fields, Some(seen), actor)
                        .await
                        .map(|saved| Done::live(&saved)),
                }
            }
            Section::Manual | Section::Metadata => {
                self.save_identity_provider(situation, section, form, Editor::Admin(actor))
                    .await
            }
            Section::ApproveMetadata | Section::DismissMetadata => {
                self.decide_on_metadata(id, section, form, actor).await
            }
            Section::CreateLink => {
                let (_, url) = self.create_setup_link(id, actor).await?;
                Ok(Done::Link(url))
            }
            Section::RevokeLink => {
                let link = SetupLinkId::parse(form.text("link")).map_err(|e| ApiError::invalid("link", e.0))?;
                self.revoke_setup_link(id, &link, actor).await?;
                Ok(Done::Live { published: true })
            }
            Section::EndCapture | Section::StartCapture => self.switch_capture(id, section, form, actor).await,
            Section::ApplyDraft => {
                let applied = self.apply_draft(id, reason(), seen_revision(form), actor);
                applied.await.map(|saved| Done::live(&saved))
            }
            Section::DiscardDraft => {
                self.discard_draft(id, seen_revision(form), visitor.actor()).await?;
                Ok(Done::Live { published: true })
            }
            Section::RebaseDraft => {
                let rebased = self.rebase_draft(id, seen_revision(form), actor);
                rebased.await.map(|_| Done::Draft)
            }
            Section::Delete => {
                if form.text("name") != live.name.trim() {
                    return Err(ApiError::invalid("name", "type the name exactly as it is"));
                }
                self.delete_connection(id, None, actor).await?;
                Ok(Done::Elsewhere("/sso/admin?done=delete".to_owned()))
            }
            Section::Disable => self
                .disable_connection(id, None, actor)
                .await
                .map(|saved| Done::live(&saved)),
            Section::Enable => {
                let enabled = self.enable_connection(id, reason(), seen_generation(form), actor);
                enabled.await.map(|saved| Done::live(&saved))
            }
            Section::Restore => {
                let generation = form.text("generation").parse();
                let generation = generation.map_err(|_| ApiError::invalid("generation", "expected a version"))?;
                let restored = self.restore_version(id, generation, seen_generation(form), actor);
                restored.await.map(|saved| Done::live(&saved))
            }
            Section::RotateKeys => {
                let step = read_step(form)?;
                let rotated = self.rotate_decryption_keys(live, step, actor);
                rotated.await.map(|saved| Done::live(&saved))
            }
            Section::Undo => self
                .undo_change(id, seen_generation(form), actor)
                .await
                .map(|saved| Done::live(&saved)),
            Section::VerifyDomain => {
                let domain = Domain::parse(form.text("domain")).map_err(|e| ApiError::invalid("domains", e.0))?;
                self.look_up_proof(id, &domain, Some(actor)).await??;
                Ok(Done::Live { published: true })
            }
            Section::Test => {
                let configuration = match form.text("configuration") {
                    "draft" => Configuration::Draft,
                    _ => Configuration::Live,
                };
                let begun = self.begin_test(id, configuration, BegunBy::Admin, actor).await?;
                Ok(Done::Elsewhere(begun.url))
            }
        }
    }

    /// Takes over the metadata that waits for approval, or dismisses it.
    async fn decide_on_metadata(
        &self,
        id: &ConnectionId,
        section: Section,
        form: &Form,
        actor: Actor,
    ) -> Result<Done, ApiError> {
        let decision = match section {
            Section::ApproveMetadata => Decision::Approve,
            _ => Decision::Dismiss,
        };
        let decided = self.decide_held(id, form.text("version").to_owned(), decision, actor);
        decided.await.map(|saved| Done::live(&saved))
    }

    /// Captures messages for a while, or no more.
    async fn switch_capture(
        &self,
        id: &ConnectionId,
        section: Section,
        form: &Form,
        actor: Actor,
    ) -> Result<Done, ApiError> {
        if section == Section::StartCapture {
            let minutes = form.text("minutes").parse();
            let minutes = minutes.map_err(|_| ApiError::invalid("minutes", "expected a number of minutes"))?;
            self.start_capture(id, minutes, actor).await?;
        } else {
            self.end_capture(id, actor).await?;
        }
        Ok(Done::Live { published: true })
    }

    /// Saves the identity provider that a form gives, for whoever sets the connection up; or asks first, where it would take the place
    /// of one that is live.
    pub(super) async fn save_identity_provider(
        &self,
        situation: &Situation,
        section: Section,
        form: &Form,
        editor: Editor,
    ) -> Result<Done, ApiError> {
        let target = situation.target(section, form)?;
        let change = match section {
            Section::Manual => self.read_manual(&manual_body(form))?,
            _ => self.read_metadata(metadata_body(form)?).await?,
        };
        let given = Given::weigh(change, situation, target, form).map_err(|e| Unavailable(e.to_string()))?;
        match given {
            Given::Ask(pending) => Ok(Done::Asked(pending)),
            Given::Save(change) => self.save_change(&situation.live.id, change, target, editor).await,
        }
    }

    /// Makes one change where it goes.
    async fn save_change(
        &self,
        id: &ConnectionId,
        change: Change,
        target: Target,
        editor: Editor,
    ) -> Result<Done, ApiError> {
        match (editor, target) {
            (Editor::Admin(actor), Target::Draft(seen)) => {
                self.edit_draft(id, change, seen, actor).await.map(|_| Done::Draft)
            }
            (Editor::Admin(actor), Target::Live(seen)) => self
                .update(id, change, Some(seen), actor)
                .await
                .map(|saved| Done::live(&saved)),
            (Editor::Guest(link, actor), Target::Draft(seen)) => {
                let edit = LinkEdit::Draft(self.draft_edit(id, change, seen, actor).await?);
                self.edit_by_setup_link(&link, edit).await.map(|_| Done::Draft)
            }
            (Editor::Guest(link, actor), Target::Live(seen)) => {
                let edit = LinkEdit::Live(plain_update(id, change, Some(seen), actor));
                let saved = self.edit_by_setup_link(&link, edit).await;
                saved.map(|saved| Done::live(&saved))
            }
        }
    }

    /// Shows what would change, and asks whether it is to.
    fn ask_to_replace(
        &self,
        visitor: &Visitor,
        situation: &Situation,
        section: Section,
        form: &Form,
        pending: Pending,
    ) -> Response {
        let (live, page) = (&situation.live, section.tab().path(&situation.live.id));
        let sent = Confirmation {
            csrf: &visitor.csrf,
            seen: situation.seen(),
            to: format!("/sso/admin/connections/{}/{}", live.id, section.as_str()),
            back: format!("{page}#{}", section.anchor()),
        };
        let page = ReplacePage {
            chrome: visitor.chrome(),
            name: &live.name,
            page,
            replacement: Replacement::of(pending, form, sent, self.ports.now()),
        };
        render(StatusCode::OK, &page)
    }

    async fn connection_page(
        &self,
        status: StatusCode,
        visitor: &Visitor,
        situation: &Situation,
        tab: Tab,
        shown: Shown<'_>,
    ) -> Result<Response, Failure> {
        let Shown {
            notice,
            attempt,
            asked,
            new_link,
        } = shown;
        let connection = situation.edited();
        let head = Head {
            connection,
            enabled: situation.live.state == State::Enabled,
            state: state(&situation.live),
            preset: Preset::of(connection.provider),
            tab,
            notice,
            problem: None,
            draft: situation.draft_shown(self.ports.now()),
            seen: situation.seen(),
            apply_reason: reason_field(&Maker::of(Section::ApplyDraft, attempt)),
            new_link,
        };
        match tab {
            Tab::History => self.history_page(status, visitor, head, situation, attempt).await,
            Tab::Settings => {
                let id = &connection.id;
                let known = self.proofs(vec![id.clone()]).await?.remove(id).unwrap_or_default();
                let domains = DomainView::all(connection, &known);
                let keys = KeysShown::of(&situation.live, attempt, self.ports.now());
                Ok(settings_page(status, visitor, head, domains, keys, attempt))
            }
            Tab::Setup => self.setup_page(status, visitor, head, situation, attempt).await,
            Tab::SignIns => {
                self.sign_ins_page(status, visitor, head, situation, attempt, &asked)
                    .await
            }
        }
    }
}

/// Asks why no test is needed.
pub(super) fn reason_field(maker: &Maker<'_>) -> Field {
    let hint = "The audit log keeps it.";
    maker.line("override_reason", "Why no test is needed", hint, "")
}

fn settings_page(
    status: StatusCode,
    visitor: &Visitor,
    head: Head<'_>,
    domains: Vec<DomainView>,
    keys: KeysShown,
    attempt: Option<Attempt<'_>>,
) -> Response {
    let connection = head.connection;
    let mut page = SettingsPage {
        chrome: visitor.chrome(),
        head,
        domains: (domains.into_iter())
            .map(|view| {
                let pill = proof_state(view.state);
                (view, pill)
            })
            .collect(),
        domain: Maker::of(Section::Domains, attempt)
            .line("domains", "Add a domain", "", "")
            .placeholder("acme.com"),
        routing: settings::routing(connection, attempt),
        attributes: settings::attributes(connection, attempt),
        general: settings::general(connection, attempt),
        sessions: settings::sessions(connection, attempt),
        advanced: settings::advanced(connection, attempt),
        keys,
        confirm_name: Maker::of(Section::Delete, attempt).line("name", "Type its name to delete it", "", ""),
    };
    let groups = page.advanced.iter().flat_map(|group| &group.fields);
    let several = [&page.general, &page.routing, &page.attributes, &page.sessions];
    let several = several.into_iter().flatten();
    let fields = groups
        .chain(several)
        .chain([&page.domain, &page.confirm_name, &page.keys.confirmed]);
    page.head.problem = problem(attempt, connection.provider, Reader::Vendor, fields);
    render(status, &page)
}

/// What is wrong with the form that was tried, when none of `fields` says so.
pub(super) fn problem<'f>(
    attempt: Option<Attempt<'_>>,
    provider: Provider,
    reader: Reader,
    mut fields: impl Iterator<Item = &'f Field>,
) -> Option<Problem> {
    let attempt = attempt?;
    if fields.any(|field| field.error.is_some()) {
        return None;
    }
    let explain = |code| match attempt.section {
        Section::Metadata => Explanation::of_metadata(code, provider, reader),
        _ => Explanation::of(code, provider, reader),
    };
    Some(Problem {
        anchor: attempt.section.anchor(),
        text: sentence(attempt.error),
        explanation: Code::parse(attempt.error.code).map(explain),
    })
}

impl Head<'_> {
    /// The problem of the forms at `anchor`.
    pub(super) fn problem_at(&self, anchor: &str) -> Option<&Problem> {
        self.problem.as_ref().filter(|problem| problem.anchor == anchor)
    }

    /// What was just done at `anchor`.
    pub(super) fn notice_at(&self, anchor: &str) -> Option<&'static str> {
        let notice = self.notice.as_ref().filter(|notice| notice.anchor == anchor);
        notice.map(|notice| notice.text)
    }
}

fn read_fields(section: Section, form: &Form, connection: &Connection) -> Result<Fields, ApiError> {
    if section != Section::MapAttribute {
        return settings::read(section, form, connection);
    }
    let map = json!(connection.responses.attribute_map);
    let Value::Object(mut map) = map else {
        return Ok(Fields(Map::new()));
    };
    map.insert(form.text("field").to_owned(), form.text("attribute").into());
    Ok(Fields(Map::from_iter([(
        "attribute_map".to_owned(),
        Value::Object(map),
    )])))
}

/// What `?done=` says that was done.
fn notice(query: &[u8]) -> Option<Notice> {
    let done = field(query, "done").ok().flatten()?;
    if done == "created" {
        return Some(Notice {
            anchor: "top",
            text: "The connection is there, disabled: nobody is sent anywhere yet. Next, give the customer the values below.",
        });
    }
    let section = Section::parse(&done)?;
    let how = field(query, "how").ok().flatten();
    let text = match (section, how.as_deref()) {
        (Section::RebaseDraft, _) => "The draft is up to date again, with your changes on top. Test it once more.",
        (_, Some("draft")) => "Saved in the draft. Nobody's sign-in changes until you apply it.",
        (_, Some("later")) => "Saved. It has not reached every place yet; that is repaired by itself within moments.",
        (Section::ApplyDraft, _) => {
            "The draft is live, everywhere within a minute. If something is wrong with it, undo it under History."
        }
        (Section::DiscardDraft, _) => "The draft is gone. What is live was not touched.",
        (Section::ApproveMetadata, _) => {
            "Approved. It is live everywhere within a minute. If something is wrong with it, undo it under History."
        }
        (Section::DismissMetadata, _) => "Dismissed. It does not wait here again until the metadata changes once more.",
        (Section::Enable, _) => "Enabled. Everywhere within a minute, people are sent to their identity provider.",
        (Section::Disable, _) => "Disabled, at once: nobody signs in through it from now on.",
        (Section::Manual | Section::Metadata, _) => {
            "Saved. This is what was read; it is live everywhere within a minute."
        }
        (Section::VerifyDomain, _) => "Looked up. This is what there is now.",
        (Section::StartCapture, _) => "On: what comes from now on is kept, until the time that is named here.",
        (Section::EndCapture, _) => "Off, and what was captured is deleted.",
        (Section::RevokeLink, _) => "Revoked: the link opens nothing any more.",
        (Section::MapAttribute, _) => "The attribute is taken for that from now on. Test once more.",
        (Section::RotateKeys, _) => "Done. This is how the keys stand now.",
        (Section::Restore | Section::Undo, _) => "Done: this configuration is live everywhere within a minute.",
        _ => "Saved. It is live everywhere within a minute.",
    };
    // Where the draft was, there is nothing any more.
    let anchor = match section {
        Section::ApplyDraft | Section::DiscardDraft => "top",
        _ => section.anchor(),
    };
    Some(Notice { anchor, text })
}
