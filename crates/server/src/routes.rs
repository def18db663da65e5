//! The registry of operations: handler, contract and permission are given in one breath, so none can be missing.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Router;
use axum::handler::Handler;
use axum::http::Method;
use axum::routing::{MethodFilter, on};
use utoipa::__dev::{SchemaReferences, Tags};
use utoipa::openapi::path::{HttpMethod, Paths};
use utoipa::openapi::{ComponentsBuilder, ContentBuilder, InfoBuilder, OpenApi, OpenApiBuilder, Ref, ResponseBuilder};

use crate::action::Action;
use crate::app::App;
use crate::problem::ProblemBody;

/// One operation of the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Operation {
    pub method: Method,
    /// As axum matches it: `/api/v1/alerts/{id}`.
    pub path: String,
    /// `list_alerts`.
    pub id: String,
    /// What the policies must grant.
    pub action: Action,
}

/// Operations under registration.
#[derive(Default)]
pub struct Routes {
    router: Router<Arc<App>>,
    operations: Vec<Operation>,
    paths: Paths,
    schemas: Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>,
}

impl Routes {
    /// Registers a handler. `P` is the type that `#[utoipa::path]` put beside it.
    pub fn add<P, H, T>(&mut self, _contract: P, action: Action, handler: H)
    where
        P: utoipa::Path + SchemaReferences + Tags<'static>,
        H: Handler<T, Arc<App>>,
        T: 'static,
    {
        let path = P::path();
        let mut operation = P::operation();
        operation.tags = Some(P::tags().into_iter().map(str::to_owned).collect());
        operation.responses.responses.insert(
            "default".to_owned(),
            ResponseBuilder::new()
                .description("A refusal; the code tells which.")
                .content(
                    "application/problem+json",
                    ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build(),
                )
                .build()
                .into(),
        );
        let id = operation.operation_id.clone().unwrap_or_default();
        for method in P::methods() {
            let (filter, method_name) = method_of(&method);
            self.operations.push(Operation { method: method_name, path: path.clone(), id: id.clone(), action });
            let router = std::mem::take(&mut self.router);
            self.router = router.route(&path, on(filter, handler.clone()));
        }
        self.paths.add_path_operation(&path, P::methods(), operation);
        P::schemas(&mut self.schemas);
    }

    /// The router, the operations by method and matched path, and the contract.
    pub fn finish(self) -> (Router<Arc<App>>, Operations, OpenApi) {
        let mut schemas = self.schemas;
        include::<ProblemBody>(&mut schemas);
        include::<crate::api::query::ExportFormat>(&mut schemas);
        schemas.sort_by(|(left, _), (right, _)| left.cmp(right));
        schemas.dedup_by(|(left, _), (right, _)| left == right);
        let contract = OpenApiBuilder::new()
            .info(
                InfoBuilder::new()
                    .title("Vigie")
                    .version(env!("CARGO_PKG_VERSION"))
                    .description(Some(
                        "One watch over machines, accounts and people. A browser sends its session cookie and, on \
                         everything but GET, the header X-Vigie-Csrf; a program sends Authorization: Bearer vgt_….",
                    ))
                    .build(),
            )
            .paths(self.paths)
            .components(Some(ComponentsBuilder::new().schemas_from_iter(schemas).build()))
            .build();
        (self.router, Operations::new(self.operations), contract)
    }
}

/// Adds a type that no handler names in its body or answer.
fn include<T: utoipa::ToSchema>(schemas: &mut Vec<(String, utoipa::openapi::RefOr<utoipa::openapi::schema::Schema>)>) {
    schemas.push((T::name().into_owned(), T::schema()));
    T::schemas(schemas);
}

fn method_of(method: &HttpMethod) -> (MethodFilter, Method) {
    match method {
        HttpMethod::Get => (MethodFilter::GET, Method::GET),
        HttpMethod::Post => (MethodFilter::POST, Method::POST),
        HttpMethod::Put => (MethodFilter::PUT, Method::PUT),
        HttpMethod::Delete => (MethodFilter::DELETE, Method::DELETE),
        HttpMethod::Patch => (MethodFilter::PATCH, Method::PATCH),
        HttpMethod::Options => (MethodFilter::OPTIONS, Method::OPTIONS),
        HttpMethod::Head => (MethodFilter::HEAD, Method::HEAD),
        HttpMethod::Trace => (MethodFilter::TRACE, Method::TRACE),
    }
}

/// Every operation, found by what axum matched.
#[derive(Debug, Clone)]
pub struct Operations {
    all: Arc<[Operation]>,
    by_match: Arc<HashMap<(Method, String), usize>>,
}

impl Operations {
    fn new(all: Vec<Operation>) -> Operations {
        let by_match = all
            .iter()
            .enumerate()
            .map(|(at, op)| ((op.method.clone(), op.path.clone()), at))
            .collect::<HashMap<_, _>>();
        Operations { all: all.into(), by_match: Arc::new(by_match) }
    }

    /// All of them, in the order of registration.
    pub fn all(&self) -> &[Operation] {
        &self.all
    }

    /// The operation behind a matched path; `HEAD` is `GET` without its body.
    pub fn find(&self, method: &Method, matched_path: &str) -> Option<&Operation> {
        let method = if method == Method::HEAD { Method::GET } else { method.clone() };
        let at = *self.by_match.get(&(method, matched_path.to_owned()))?;
        self.all.get(at)
    }
}

/// The contract as it is committed: `openapi.json`.
pub fn openapi_json() -> String {
    let (_, _, contract) = crate::api::routes().finish();
    let mut text = contract.to_pretty_json().expect("the contract holds nothing that JSON cannot carry");
    text.push('\n');
    text
}
