//! Templates: recipes of built resources, in immutable revisions.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use caviada_api::list::{List, PageQuery};
use caviada_api::template::{self as wire, TemplateSpec};
use caviada_api::timestamp::Timestamp;
use caviada_core::access::Verb;
use caviada_core::command::Act;
use caviada_core::name::Name;
use caviada_core::state::State as Snapshot;
use caviada_core::template::Template;
use caviada_driver::template::{self as recipe, Parameters, Problem, Source};
use caviada_ledger::Noun;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{answer, read};
use crate::http::App;
use crate::http::auth::Caller;
use crate::http::json::{Ask, Nothing, Query};
use crate::http::problem::Error;

pub(super) fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::new()
        .routes(routes!(list))
        .routes(routes!(get, put, delete))
}

/// Newest revisions of all templates, by name, without their files.
#[utoipa::path(get, path = "/api/v1/templates", tag = "templates", security(("key" = [])),
    params(PageQuery),
    responses((status = 200, description = "One page", body = List<wire::Template>)))]
async fn list(
    State(app): State<App>,
    caller: Caller,
    Query(query): Query<PageQuery>,
) -> Result<Response, Error> {
    let state = app.ledger().snapshot().await?;
    caller.may(&state, Verb::SeeHosts)?;
    let mut newest: BTreeMap<&str, &Arc<Template>> = BTreeMap::new();
    for (name, id) in &state.index.templates {
        if let Some(template) = state.templates.get(id) {
            newest.insert(name.as_str(), template);
        }
    }
    let shown = |template: &Arc<Template>| {
        let mut template = render(&state, template);
        template.files.clear();
        Some(template)
    };
    answer::named(&query, "templates", &state, newest, shown)
}

/// A template's newest revision with its files.
#[utoipa::path(get, path = "/api/v1/templates/{name}", tag = "templates", security(("key" = [])),
    params(("name" = String, Path, description = "Name of the template")),
    responses((status = 200, description = "The template", body = wire::Template)))]
async fn get(
    State(app): State<App>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<Response, Error> {
    let state = app.ledger().snapshot().await?;
    caller.may(&state, Verb::SeeHosts)?;
    let template = state.template_named(&read::name("template", &name)?);
    let template = render(
        &state,
        template.ok_or_else(|| Error::unknown("template", &name))?,
    );
    answer::noun(StatusCode::OK, &template.etag, &template)
}

/// Puts a template; other files than before make a new revision.
#[utoipa::path(put, path = "/api/v1/templates/{name}", tag = "templates", security(("key" = [])),
    params(("name" = String, Path, description = "Name of the template")),
    request_body = TemplateSpec,
    responses((status = 200, description = "The newest revision", body = wire::Template)))]
async fn put(
    State(app): State<App>,
    Path(name): Path<String>,
    mut ask: Ask<TemplateSpec>,
) -> Result<Response, Error> {
    // Before a recipe is read and checked: that is dear.
    ask.caller
        .may(&*app.ledger().snapshot().await?, Verb::Manage)?;
    let name: Name = read::text("name", &name)?;
    let files = std::mem::take(&mut ask.body.files);
    let (declared_in, expect) = (ask.body.declared_in.take(), ask.expect());
    let act = answer::aside(move || act(name, files, declared_in, expect)).await?;
    let command = ask.command(act);
    let Noun::Template(template) = app.ledger().submit(command).await?.noun else {
        return Err(Error::unknown("template", "any more"));
    };
    let state = app.ledger().snapshot().await?;
    let template = render(&state, &template);
    answer::noun(StatusCode::OK, &template.etag, &template)
}

/// Checks the whole recipe: whatever is wrong in it is told now, not when it is built.
fn act(
    name: Name,
    files: BTreeMap<String, String>,
    declared_in: Option<String>,
    expect: Option<caviada_core::event::Number>,
) -> Result<Act, Error> {
    let source = Source { files };
    let parsed = recipe::Template::parse(&source).map_err(|p| wrong(&p))?;
    if parsed.name() != name.as_str() {
        let reason = format!("template.toml names it {}", parsed.name());
        return Err(Error::invalid("name", reason));
    }
    let problems = parsed.check();
    if !problems.is_empty() {
        return Err(wrong(&problems));
    }
    let ports = parsed.ports(&Parameters::new()).map_err(|p| wrong(&p))?;
    let files = source.files.into_iter();
    Ok(Act::PutTemplate {
        name,
        drivers: parsed.drivers().iter().map(|d| d.as_str().into()).collect(),
        ports: ports > 0,
        reset: parsed.can_reset(),
        create_ms: parsed.create_ms_max(),
        files: Arc::new(files.map(|(k, v)| (k.into(), v.into())).collect()),
        declared_in: declared_in.map(Into::into),
        expect,
    })
}

/// Whether a revision can be built with these parameters, a JSON object.
///
/// # Errors
/// What stands against it, field by field.
pub(super) fn takes(template: &Template, parameters: &str) -> Result<(), Error> {
    let files = template.files.iter();
    let source = Source {
        files: files.map(|(k, v)| (k.to_string(), v.to_string())).collect(),
    };
    let parsed = recipe::Template::parse(&source).map_err(|p| wrong(&p))?;
    let rule = "each is true, false, a whole number, a text, or a list of items with such fields";
    let parameters: Parameters =
        serde_json::from_str(parameters).map_err(|_| Error::invalid("parameters", rule))?;
    parsed.ports(&parameters).map(drop).map_err(|p| wrong(&p))
}

/// What is wrong with a recipe, each with its place.
fn wrong(problems: &[Problem]) -> Error {
    let error = Error::new("invalid").detail("the template cannot be built");
    problems.iter().take(100).fold(error, |error, problem| {
        let at = match problem.line {
            0 => problem.file.clone(),
            line => format!("{}:{line}", problem.file),
        };
        let reason = match problem.key.as_str() {
            "" => problem.message.clone(),
            key => format!("{key}: {}", problem.message),
        };
        error.field(at, reason)
    })
}

/// Removes a template that no pool names.
#[utoipa::path(delete, path = "/api/v1/templates/{name}", tag = "templates", security(("key" = [])),
    params(("name" = String, Path, description = "Name of the template")),
    responses((status = 204, description = "It is gone")))]
async fn delete(
    State(app): State<App>,
    Path(name): Path<String>,
    mut ask: Ask<Nothing>,
) -> Result<Response, Error> {
    ask.unconditional()?;
    let name = read::name("template", &name)?;
    let command = ask.command(Act::DeleteTemplate { name });
    app.ledger().submit(command).await?;
    Ok(answer::nothing())
}

fn render(state: &Snapshot, template: &Template) -> wire::Template {
    let of_it = |p: &&Arc<caviada_core::pool::Pool>| p.spec.template() == Some(&template.name);
    let pools = state.pools.values().filter(of_it);
    let files = template.files.iter();
    let files: BTreeMap<String, String> =
        files.map(|(k, v)| (k.to_string(), v.to_string())).collect();
    wire::Template {
        id: template.id,
        name: template.name.to_string(),
        revision: template.id.0,
        built_in: recipe::builtin::source(template.name.as_str())
            .is_some_and(|source| source.files == files),
        pools: pools.map(|p| p.name.to_string()).collect(),
        files,
        created_at: Timestamp(template.made_at.0),
        declared_in: template.declared_in.as_deref().map(Into::into),
        etag: template.changed.to_string(),
    }
}
