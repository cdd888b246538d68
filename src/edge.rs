//! The edge: the only code that names the Workers platform. Adapters, no decisions.

mod http;
mod keys;
mod objects;
mod ports;
mod sql;

use worker::{Context, Env, Request, Response, Result, ScheduleContext, ScheduledEvent, event};

use self::ports::WorkerPorts;
use crate::app::App;
use crate::app::config::Config;
use crate::app::http::Response as AppResponse;

/// Every request of the Worker comes in here.
#[event(fetch)]
async fn fetch(request: Request, env: Env, context: Context) -> Result<Response> {
    let config = Config::read(|name| env.var(name).ok().map(|value| value.to_string()));
    let response = match config {
        Err(error) => http::misconfigured(&error),
        Ok(config) => {
            let app = App::new(config, WorkerPorts::new(env));
            let response = answer(&app, request).await;
            if app.is_unfinished() {
                context.wait_until(async move { app.finish().await });
            }
            response
        }
    };
    http::write(response)
}

/// Every run of a cron trigger comes in here.
#[event(scheduled)]
async fn scheduled(_event: ScheduledEvent, env: Env, _context: ScheduleContext) {
    match Config::read(|name| env.var(name).ok().map(|value| value.to_string())) {
        Err(error) => http::log_misconfigured(&error),
        Ok(config) => App::new(config, WorkerPorts::new(env)).run_schedule().await,
    }
}

/// Reads the body only once the head gives no reason to refuse.
async fn answer(app: &App<WorkerPorts>, request: Request) -> AppResponse {
    let mut taken = match http::read_head(&request) {
        Ok(taken) => taken,
        Err(refusal) => return refusal,
    };
    if let Some(refusal) = app.refuse_by_head(&mut taken).await {
        return refusal;
    }
    match http::read_body(request, &mut taken).await {
        Ok(()) => app.handle(taken).await,
        Err(refusal) => refusal,
    }
}
