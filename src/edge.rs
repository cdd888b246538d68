//! The edge: the only code that names the Workers platform. Adapters, no decisions.

mod http;
mod keys;
mod objects;
mod ports;
mod sql;

use worker::{Context, Env, Request, Response, Result, event};

use self::ports::WorkerPorts;
use crate::app::App;
use crate::app::config::Config;

/// Every request of the Worker comes in here.
#[event(fetch)]
async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
    let config = Config::read(|name| env.var(name).ok().map(|value| value.to_string()));
    let response = match (config, http::read(request).await) {
        (Err(error), _) => http::misconfigured(&error),
        (Ok(_), Err(refusal)) => refusal,
        (Ok(config), Ok(request)) => App::new(config, WorkerPorts::new(env)).handle(request).await,
    };
    http::write(response)
}
