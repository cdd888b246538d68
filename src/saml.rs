//! SAML 2.0, the service provider's side: messages in and out, and the rules that connect them.
//!
//! Pure: no clock, no randomness, no network. The way of a response is [`binding::read_post_form`] →
//! [`response::open`], or [`response::open_with`] where things may be encrypted, → [`validate::login`] → [`validate::Login`].

pub mod assertion;
pub mod authn_request;
pub mod binding;
pub mod certificate;
pub mod connection;
mod decrypt;
pub mod domains;
pub mod id;
pub mod identity;
pub mod idp_diff;
pub mod idp_refresh;
pub mod ip;
pub mod logout;
pub mod logout_sent;
pub mod mapping;
pub mod metadata;
pub mod preset;
pub mod redirect;
pub mod reject;
pub mod report;
pub mod response;
mod sealed;
pub mod service_keys;
pub mod settings;
pub mod time;
pub mod validate;
pub mod warning;
