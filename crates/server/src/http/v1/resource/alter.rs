//! What its holder makes of a resource: other parameters, as far as its template leaves them to him.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::Response;
use caviada_api::resource as wire;
use caviada_core::access::{Principal, Relation, Verb};
use caviada_core::alter::Alter;
use caviada_core::command::Act;
use caviada_core::id::{ResourceId, TemplateId};
use caviada_core::resource::Make;
use caviada_core::state::State as Snapshot;
use caviada_driver::template::{Parameters, Problem};

use super::changed;
use crate::host::{Templates, Unfit};
use crate::http::App;
use crate::http::json::Ask;
use crate::http::problem::Error;
use crate::http::v1::{answer, read};

/// Has a leased resource made with other parameters, by its holder or by an operator for him: as far
/// as its template leaves them to holders. It is done once `alteration` says so; what went wrong, and
/// was undone, stands in `failure`. When the lease ends the resource goes, and its pool builds another.
#[utoipa::path(post, path = "/api/v1/resources/{id}/parameters", tag = "resources", security(("key" = [])),
    params(("id" = String, Path, description = "`res_…`")),
    request_body = wire::Alter,
    responses((status = 200, description = "The resource as it now is", body = wire::Resource)))]
pub(super) async fn alter(
    State(app): State<App>,
    Path(id): Path<String>,
    mut ask: Ask<wire::Alter>,
) -> Result<Response, Error> {
    let resource = read::id("resource", &id)?;
    let wanted = std::mem::take(&mut ask.body.parameters);
    let rule = "each is true, false, a whole number, a text, or a list of items with such fields";
    let wanted: Parameters = serde_json::from_value(wanted.into_iter().collect())
        .map_err(|_| Error::invalid("parameters", rule))?;
    let state = app.ledger().snapshot().await?;
    let who = ask.caller.principal(&state)?;
    let r = state.resources.get(&resource);
    let r = r.ok_or_else(|| Error::unknown("resource", &id))?;
    who.may_operate(&state, r)?;
    let tried = r.tried().to_vec();
    let (from, parameters) = match r.site() {
        Some(site) => {
            let from = site.make();
            let templates = app.templates().clone();
            let state = state.clone();
            // It is rendered, several times over.
            let parameters =
                answer::aside(move || altered(&templates, &state, &who, resource, &wanted)).await?;
            (from, parameters)
        }
        // The ledger says that it has none.
        None => {
            let none = Make {
                template: TemplateId(0),
                parameters: "".into(),
            };
            (none, "".into())
        }
    };
    let act = Act::Alter(Box::new(Alter {
        resource,
        parameters,
        from,
        tried,
        lease: ask.body.lease,
        expect: ask.expect(),
    }));
    changed(&app, ask, act, resource).await
}

/// All its parameters, with those that are wanted.
fn altered(
    templates: &Templates,
    state: &Snapshot,
    who: &Principal,
    resource: ResourceId,
    wanted: &Parameters,
) -> Result<Arc<str>, Error> {
    let r = state.resources.get(&resource);
    let pool = r.and_then(|r| state.pools.get(&r.pool));
    // An operator could give his pool any image.
    let operates = who.may(Verb::Manage, Relation::Own).is_ok();
    let lets = |image: &str| operates || pool.is_some_and(|p| p.spec.lets_bring(image));
    let parameters = templates.altered(state, resource, wanted, lets);
    parameters.map_err(refused)
}

/// What stands against parameters, field by field.
fn refused(why: Unfit) -> Error {
    match why {
        Unfit::Gone(id) => Error::unknown("resource", &id.to_string()),
        Unfit::Field { field, why } => Error::invalid(field, why),
        Unfit::Host(why) => Error::new("conflict").detail(why),
        Unfit::Template { problems, .. } => {
            let error = Error::new("invalid").detail("it cannot be made with these parameters");
            problems.iter().take(100).fold(error, |error, problem| {
                error.field(field(problem), reason(problem))
            })
        }
    }
}

fn field(problem: &Problem) -> String {
    match (problem.file.as_str(), problem.key.as_str()) {
        ("parameters", key) if !key.is_empty() => format!("parameters.{key}"),
        _ => "parameters".to_owned(),
    }
}

/// Of what a file of the template makes of them with its place.
fn reason(problem: &Problem) -> String {
    match problem.file.as_str() {
        "parameters" => problem.message.clone(),
        _ => problem.to_string(),
    }
}
