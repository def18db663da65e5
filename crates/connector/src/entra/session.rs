//! Signing in and asking: a token of the client-credentials grant (RFC 6749 §4.4), kept until the service does not take it
//! any more, and what the service's refusals mean.

use hyper::{Method, StatusCode};
use parking_lot::Mutex;
use serde_json::{Value as Json, json};

use super::config::EntraConfig;
use crate::error::{ConnectorError, ErrorKind};
use crate::http::{Answer, Body, Call, Http, Origin, encode};
use crate::secret::Secret;

const JSON: &str = "application/json";
/// Requests that travel together, at most (Graph, "JSON batching").
pub const BATCH: usize = 20;

/// A question or an order, as it can stand alone or in a batch.
#[derive(Debug, Clone)]
pub struct Ask {
    pub method: Method,
    /// Below the service's version: `/users?$top=999`.
    pub path: String,
    pub body: Option<Json>,
    /// Refuse unless the object still has this entity tag.
    pub if_match: Option<String>,
    /// The index that answers advanced questions, which may lag behind by seconds.
    pub eventual: bool,
}

impl Ask {
    pub fn get(path: impl Into<String>) -> Ask {
        Ask { method: Method::GET, path: path.into(), body: None, if_match: None, eventual: false }
    }

    pub fn send(method: Method, path: impl Into<String>, body: Option<Json>) -> Ask {
        Ask { method, path: path.into(), body, if_match: None, eventual: false }
    }
}

/// A tenant that we are signed in to, or will be.
pub struct Session {
    graph: Http,
    login: Http,
    token_path: String,
    /// The path of the service's version at its host: `/v1.0`.
    version: String,
    /// The address of the service, as links begin.
    pub url: String,
    form: Secret,
    token: Mutex<Option<Secret>>,
}

impl Session {
    pub fn new(config: &EntraConfig) -> Result<Session, ConnectorError> {
        let (graph, version) = Origin::parse(&config.url)?;
        let (login, login_path) = Origin::parse(&config.login_url)?;
        let host = config.url.trim_end_matches('/').strip_suffix(&version).unwrap_or(&config.url);
        let form = Secret::new(format!(
            "grant_type=client_credentials&client_id={}&client_secret={}&scope={}",
            encode(&config.client_id),
            encode(config.client_secret.reveal()),
            encode(&format!("{host}/.default")),
        ));
        Ok(Session {
            graph: Http::new(graph, config.trust.clone(), Secret::new("")),
            login: Http::new(login, config.trust.clone(), Secret::new("")),
            token_path: format!("{login_path}/{}/oauth2/v2.0/token", encode(&config.tenant)),
            version,
            url: config.url.trim_end_matches('/').to_owned(),
            form,
            token: Mutex::new(None),
        })
    }

    async fn sign_in(&self) -> Result<Secret, ConnectorError> {
        let call = Call {
            method: Method::POST,
            path: &self.token_path,
            kind: JSON,
            body: Body::Form(&self.form),
            headers: &[],
            token: None,
        };
        let answer = self.login.call(&call).await?;
        let words = answer.body["error_description"].as_str().unwrap_or_default();
        match answer.status {
            StatusCode::OK => {}
            StatusCode::TOO_MANY_REQUESTS => return Err(refusal(&answer)),
            status if status.is_server_error() => return Err(refusal(&answer)),
            status => {
                let reason = "the tenant does not let our application sign in: check tenant, client_id and the secret";
                return Err(ConnectorError::new(ErrorKind::Auth, reason).with_raw(status.as_u16(), words));
            }
        }
        let token = answer.body["access_token"].as_str();
        let token = Secret::new(token.ok_or_else(|| ConnectorError::garbled("a token answer without a token"))?);
        *self.token.lock() = Some(token.clone());
        Ok(token)
    }

    async fn once(&self, ask: &Ask, token: &Secret) -> Result<Answer, ConnectorError> {
        let mut headers = Vec::new();
        if ask.eventual {
            headers.push(("consistencylevel", "eventual"));
        }
        if let Some(tag) = &ask.if_match {
            headers.push(("if-match", tag.as_str()));
        }
        let call = Call {
            method: ask.method.clone(),
            path: &format!("{}{}", self.version, ask.path),
            kind: JSON,
            body: ask.body.as_ref().map_or(Body::None, Body::Json),
            headers: &headers,
            token: Some(token),
        };
        self.graph.call(&call).await
    }

    /// Asks; when the token is not taken any more, once again with a new one.
    pub async fn answer(&self, ask: &Ask) -> Result<Answer, ConnectorError> {
        let kept = self.token.lock().clone();
        let fresh = kept.is_none();
        let token = match kept {
            Some(token) => token,
            None => self.sign_in().await?,
        };
        let answer = self.once(ask, &token).await?;
        if answer.status == StatusCode::UNAUTHORIZED && !fresh {
            let token = self.sign_in().await?;
            return self.once(ask, &token).await;
        }
        Ok(answer)
    }

    /// Asks and takes nothing but success.
    pub async fn ask(&self, ask: &Ask) -> Result<Json, ConnectorError> {
        let answer = self.answer(ask).await?;
        if answer.status.is_success() { Ok(answer.body) } else { Err(refusal(&answer)) }
    }

    pub async fn get(&self, path: &str) -> Result<Json, ConnectorError> {
        self.ask(&Ask::get(path)).await
    }

    /// Asks many things together (`$batch`), each for itself; the answers are in the order of the questions.
    pub async fn ask_all(&self, asks: &[Ask]) -> Vec<Result<Json, ConnectorError>> {
        let mut answers = Vec::with_capacity(asks.len());
        for some in asks.chunks(BATCH) {
            match some {
                [one] => answers.push(self.ask(one).await),
                several => answers.extend(self.batch(several).await),
            }
        }
        answers
    }

    async fn batch(&self, asks: &[Ask]) -> Vec<Result<Json, ConnectorError>> {
        let requests: Vec<Json> = asks.iter().enumerate().map(|(at, ask)| part(at, ask)).collect();
        let envelope = Ask::send(Method::POST, "/$batch", Some(json!({ "requests": requests })));
        let body = match self.ask(&envelope).await {
            Ok(body) => body,
            Err(error) => return asks.iter().map(|_| Err(error.clone())).collect(),
        };
        let mut answers: Vec<Option<Answer>> = vec![None; asks.len()];
        for response in body["responses"].as_array().into_iter().flatten() {
            let at = response["id"].as_str().and_then(|id| id.parse::<usize>().ok());
            if let (Some(slot), Some(answer)) = (at.and_then(|at| answers.get_mut(at)), answer_of(response)) {
                *slot = Some(answer);
            }
        }
        let result = |answer: Option<Answer>| match answer {
            Some(answer) if answer.status.is_success() => Ok(answer.body),
            Some(answer) => Err(refusal(&answer)),
            None => Err(ConnectorError::transient("the service left one of several questions unanswered")),
        };
        answers.into_iter().map(result).collect()
    }

    /// The path below the version of a link that the service gave. Links to elsewhere are not followed: our token would
    /// travel with them.
    pub fn below(&self, link: &str) -> Result<String, ConnectorError> {
        let rest = link.strip_prefix(&self.url).filter(|rest| rest.starts_with('/'));
        rest.map(str::to_owned).ok_or_else(|| {
            ConnectorError::garbled(format!("the service points to `{}`, which is not below {}", cut(link), self.url))
        })
    }
}

fn cut(text: &str) -> String {
    text.chars().take(80).collect()
}

fn part(at: usize, ask: &Ask) -> Json {
    let mut headers = serde_json::Map::new();
    if ask.eventual {
        headers.insert("ConsistencyLevel".to_owned(), json!("eventual"));
    }
    if let Some(tag) = &ask.if_match {
        headers.insert("If-Match".to_owned(), json!(tag));
    }
    let mut request = json!({ "id": at.to_string(), "method": ask.method.as_str(), "url": ask.path });
    if let Some(body) = &ask.body {
        headers.insert("Content-Type".to_owned(), json!(JSON));
        request["body"] = body.clone();
    }
    request["headers"] = Json::Object(headers);
    request
}

fn answer_of(response: &Json) -> Option<Answer> {
    let status = StatusCode::from_u16(u16::try_from(response["status"].as_u64()?).ok()?).ok()?;
    let headers = response["headers"].as_object();
    let retry = headers.and_then(|all| all.iter().find(|(name, _)| name.eq_ignore_ascii_case("retry-after")));
    let retry_after_s = retry.and_then(|(_, value)| value.as_str().map(str::to_owned).or(Some(value.to_string())));
    let retry_after_s = retry_after_s.and_then(|text| text.trim().parse().ok());
    Some(Answer { status, body: response["body"].clone(), retry_after_s })
}

/// The service's own word for what is wrong: `Request_ResourceNotFound`.
pub fn code(answer: &Json) -> &str {
    answer["error"]["code"].as_str().unwrap_or_default()
}

/// What a status of the service means.
pub fn refusal(answer: &Answer) -> ConnectorError {
    let message = answer.body["error"]["message"].as_str().or(answer.body.as_str()).unwrap_or_default();
    let taken = message.contains("same value for property") || message.contains("already exist");
    let (kind, reason) = match answer.status {
        StatusCode::UNAUTHORIZED => (ErrorKind::Auth, "the service does not accept our token"),
        StatusCode::FORBIDDEN => (ErrorKind::Auth, "our application lacks a permission for this; have it consented to"),
        StatusCode::NOT_FOUND => (ErrorKind::NotFound, "there is no such object"),
        StatusCode::CONFLICT => (ErrorKind::Conflict, "the service sees a conflict with what is there"),
        StatusCode::BAD_REQUEST if taken => (ErrorKind::Conflict, "a value that must be unique is taken"),
        StatusCode::PRECONDITION_FAILED => (ErrorKind::Conflict, "the object was changed meanwhile"),
        StatusCode::NOT_IMPLEMENTED => (ErrorKind::Unsupported, "the service cannot do this"),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::REQUEST_TIMEOUT | StatusCode::LOCKED => {
            (ErrorKind::Transient, "the service asks for patience")
        }
        status if status.is_server_error() => (ErrorKind::Transient, "the service has a fault"),
        _ => (ErrorKind::Refused, "the service refused"),
    };
    let words = format!("{}: {message}", code(&answer.body));
    let mut error = ConnectorError::new(kind, reason).with_raw(answer.status.as_u16(), words.trim_matches([':', ' ']));
    error.retry_after_ms = answer.retry_after_s.map(|seconds| seconds.saturating_mul(1_000));
    error
}
