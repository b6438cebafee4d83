//! The document that describes the API, made from the same table as the router, so that neither
//! has an endpoint the other lacks.

use std::sync::{LazyLock, OnceLock};

use axum::extract::State;
use axum::http::{Method, header};
use axum::response::IntoResponse;
use caviada_api::lease::{CleanResult, LeaseState};
use caviada_api::problem::{MEDIA_TYPE, Problem};
use caviada_api::resource::ResourceState;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::response::{Response as OpenApiResponse, ResponseBuilder};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{Content, Ref, RefOr};
use utoipa::{Modify, OpenApi};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{App, health, v1};

#[derive(OpenApi)]
#[openapi(
    info(
        title = "Caviada",
        description = "Pools of ready resources: acquire, renew, release.",
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
        contact()
    ),
    components(schemas(Problem, CleanResult, LeaseState, ResourceState)),
    modifiers(&Bearer)
)]
struct Head;

struct Bearer;

impl Modify for Bearer {
    fn modify(&self, document: &mut utoipa::openapi::OpenApi) {
        let components = document.components.get_or_insert_default();
        let scheme = SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer));
        components.add_security_scheme("key", scheme);
    }
}

/// Every route with its description.
pub fn routes() -> OpenApiRouter<App> {
    OpenApiRouter::with_openapi(Head::openapi())
        .merge(v1::routes())
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .routes(routes!(health::metrics))
        .routes(routes!(health::problem))
        .routes(routes!(describe))
}

/// The document. What every call may answer beside its success is said here for all.
pub fn document() -> utoipa::openapi::OpenApi {
    let mut document = routes().into_openapi();
    for item in document.paths.paths.values_mut() {
        for operation in operations(item).into_iter().flatten() {
            let responses = &mut operation.responses.responses;
            responses.insert("default".to_owned(), refused());
        }
    }
    document
}

/// What may be asked of one path.
fn operations(item: &mut PathItem) -> [&mut Option<Operation>; 5] {
    [
        &mut item.get,
        &mut item.put,
        &mut item.post,
        &mut item.delete,
        &mut item.patch,
    ]
}

fn refused() -> RefOr<OpenApiResponse> {
    let problem = Content::new(Some(Ref::from_schema_name("Problem")));
    let response = ResponseBuilder::new()
        .description("A problem")
        .content(MEDIA_TYPE, problem);
    RefOr::T(response.build())
}

/// Every operation of a document, as method and path.
pub fn endpoints(document: &utoipa::openapi::OpenApi) -> Vec<(Method, String)> {
    let mut found = Vec::new();
    for (path, item) in &document.paths.paths {
        let operations = [
            (Method::GET, &item.get),
            (Method::PUT, &item.put),
            (Method::POST, &item.post),
            (Method::DELETE, &item.delete),
            (Method::PATCH, &item.patch),
        ];
        let there = operations.into_iter().filter(|(_, o)| o.is_some());
        found.extend(there.map(|(method, _)| (method, path.clone())));
    }
    found
}

/// The operations that read a query; with any other, a query is a slip of the caller.
pub fn queried() -> &'static [(Method, String)] {
    static QUERIED: OnceLock<Vec<(Method, String)>> = OnceLock::new();
    QUERIED.get_or_init(|| {
        let mut document = document();
        let is_query = |p: &RefOr<Parameter>| match p {
            RefOr::T(p) => p.parameter_in == ParameterIn::Query,
            RefOr::Ref(_) => true,
        };
        for item in document.paths.paths.values_mut() {
            for operation in operations(item) {
                let parameters = operation.as_ref().and_then(|o| o.parameters.as_ref());
                if !parameters.is_some_and(|all| all.iter().any(is_query)) {
                    *operation = None;
                }
            }
        }
        endpoints(&document)
    })
}

/// The path of the endpoint an address belongs to, whatever its method.
pub fn route(address: &str) -> Option<&'static str> {
    static ROUTES: LazyLock<matchit::Router<String>> = LazyLock::new(|| {
        let mut routes = matchit::Router::new();
        for path in document().paths.paths.into_keys() {
            let taken = routes.insert(path.clone(), path);
            taken.unwrap_or_else(|e| unreachable!("axum took the same paths: {e}"));
        }
        routes
    });
    let found = ROUTES.at(address).ok()?;
    Some(found.value)
}

/// This document.
#[utoipa::path(get, path = "/openapi.json", tag = "server",
    responses((status = 200, description = "OpenAPI 3.1", content_type = "application/json")))]
async fn describe(State(_): State<App>) -> impl IntoResponse {
    static TEXT: OnceLock<String> = OnceLock::new();
    let text = TEXT.get_or_init(super::description);
    ([(header::CONTENT_TYPE, "application/json")], text.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_belongs_to_the_path_that_the_description_has() {
        for path in document().paths.paths.keys() {
            assert_eq!(route(path), Some(path.as_str()));
        }
        assert_eq!(route("/api/v1/leases/lse_1"), Some("/api/v1/leases/{id}"));
        assert_eq!(route("/api/v1/leases/lse_1/else"), None);
        assert_eq!(route("/"), None);
    }
}
