//! A small client of Vigie's HTTP API, for tasks.

use anyhow::{Context, Result, anyhow, bail};
use serde_json::{Value, json};
use ureq::Body;
use ureq::http::Response;

/// The API of one server, signed in or not.
pub struct Api {
    agent: ureq::Agent,
    url: String,
    cookie: String,
    csrf: String,
}

/// The secret with which one source delivers.
#[derive(Debug, Clone)]
pub struct SourceToken(String);

/// What the server said of a delivery.
#[derive(Debug, serde::Deserialize)]
pub struct Receipt {
    pub accepted: u64,
    pub unparsed: u64,
    pub problems: Vec<String>,
}

impl Api {
    /// The server at `url`; nobody is signed in yet.
    pub fn new(url: &str) -> Api {
        let agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        Api { agent, url: url.trim_end_matches('/').to_owned(), cookie: String::new(), csrf: String::new() }
    }

    /// Whether the server answers that it works.
    pub fn is_healthy(&self) -> bool {
        let answer = self.agent.get(format!("{}/api/v1/health", self.url)).call();
        answer.is_ok_and(|answer| answer.status().is_success())
    }

    /// Redeems the one-time link and stays signed in as the administrator.
    pub fn setup(&mut self, token: &str, name: &str, password: &str) -> Result<()> {
        let body = json!({"token": token, "name": name, "display_name": "Demo administrator", "password": password});
        let answer = self.agent.post(format!("{}/api/v1/setup", self.url)).send_json(body)?;
        self.keep_session(answer).context("setting up the administrator")
    }

    /// Invites somebody and signs in as them, beside who is signed in here.
    pub fn invite(&self, name: &str, display_name: &str, role: &str, password: &str) -> Result<(String, Api)> {
        let body = json!({"name": name, "display_name": display_name, "roles": [role], "reason": "works at that desk"});
        let invited = self.post("users", &body)?;
        let text = |pointer: &str| invited.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        let token = text("/token").with_context(|| format!("no token in {invited}"))?;
        let id = text("/user/id").or_else(|| text("/id")).with_context(|| format!("no id in {invited}"))?;
        let mut theirs = Api::new(&self.url);
        let body = json!({"token": token, "password": password});
        let answer = theirs.agent.post(format!("{}/api/v1/setup", theirs.url)).send_json(body)?;
        theirs.keep_session(answer).context("accepting the invitation")?;
        Ok((id, theirs))
    }

    /// Signs in.
    pub fn login(&mut self, name: &str, password: &str) -> Result<()> {
        let answer = self
            .agent
            .post(format!("{}/api/v1/login", self.url))
            .send_json(json!({"name": name, "password": password}))?;
        self.keep_session(answer).context("signing in")
    }

    fn keep_session(&mut self, answer: Response<Body>) -> Result<()> {
        let cookie = answer.headers().get("set-cookie").and_then(|value| value.to_str().ok()).map(str::to_owned);
        let state = json_of(answer)?;
        self.cookie =
            cookie.and_then(|text| text.split(';').next().map(str::to_owned)).context("no session cookie came")?;
        let csrf = state.pointer("/signed_in/csrf").and_then(Value::as_str);
        self.csrf = csrf.with_context(|| format!("no csrf value in {state}"))?.to_owned();
        Ok(())
    }

    /// Sends a change as the person who is signed in.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value> {
        let answer = self
            .agent
            .post(format!("{}/api/v1/{path}", self.url))
            .header("cookie", &self.cookie)
            .header("x-vigie-csrf", &self.csrf)
            .send_json(body)
            .with_context(|| format!("POST {path}"))?;
        json_of(answer).with_context(|| format!("POST {path}"))
    }

    /// Puts something in place as the person who is signed in.
    pub fn put(&self, path: &str, body: &Value) -> Result<Value> {
        let answer = self
            .agent
            .put(format!("{}/api/v1/{path}", self.url))
            .header("cookie", &self.cookie)
            .header("x-vigie-csrf", &self.csrf)
            .send_json(body)
            .with_context(|| format!("PUT {path}"))?;
        json_of(answer).with_context(|| format!("PUT {path}"))
    }

    /// Reads as the person who is signed in.
    pub fn get(&self, path: &str) -> Result<Value> {
        let answer = self.agent.get(format!("{}/api/v1/{path}", self.url)).header("cookie", &self.cookie).call()?;
        json_of(answer).with_context(|| format!("GET {path}"))
    }

    /// Connects a source; the token is for this source alone.
    pub fn connect_source(&self, name: &str, format: &str) -> Result<SourceToken> {
        let made = self.post("sources", &json!({"name": name, "format": format, "reason": "scenario"}))?;
        secret(&made, "/token/secret")
    }

    /// A token that may deliver to any table.
    pub fn ingest_token(&self, name: &str) -> Result<SourceToken> {
        let body = json!({"name": name, "scopes": ["ingest"], "expires_in_days": 30, "reason": "scenario"});
        secret(&self.post("tokens", &body)?, "/secret")
    }

    /// Delivers compressed NDJSON.
    pub fn ingest(&self, target: &str, token: &SourceToken, gzipped: &[u8]) -> Result<Receipt> {
        let answer = self
            .agent
            .post(format!("{}/api/v1/ingest/{target}", self.url))
            .header("authorization", &format!("Bearer {}", token.0))
            .header("content-type", "application/x-ndjson")
            .header("content-encoding", "gzip")
            .send(gzipped)
            .with_context(|| format!("delivering to {target}"))?;
        Ok(serde_json::from_value(json_of(answer).with_context(|| format!("delivering to {target}"))?)?)
    }

    /// Delivers NDJSON as it is, under a name of its own.
    pub fn ingest_plain(&self, target: &str, token: &SourceToken, body: &[u8], key: &str) -> Result<Receipt> {
        let answer = self
            .agent
            .post(format!("{}/api/v1/ingest/{target}", self.url))
            .header("authorization", &format!("Bearer {}", token.0))
            .header("content-type", "application/x-ndjson")
            .header("vigie-delivery", key)
            .send(body)
            .with_context(|| format!("delivering to {target}"))?;
        Ok(serde_json::from_value(json_of(answer).with_context(|| format!("delivering to {target}"))?)?)
    }

    /// Runs a query and returns its rows.
    pub fn query(&self, text: &str) -> Result<Vec<Vec<Value>>> {
        let mut answer = self
            .agent
            .post(format!("{}/api/v1/query", self.url))
            .header("cookie", &self.cookie)
            .header("x-vigie-csrf", &self.csrf)
            .send_json(json!({"query": text}))?;
        let body = answer.body_mut().read_to_string()?;
        let mut rows = Vec::new();
        for line in body.lines() {
            let mut line: Value = serde_json::from_str(line).with_context(|| format!("an answer's line: {line}"))?;
            if let Some(error) = line.get("error") {
                bail!("{text}: {error}");
            }
            if let Some(Value::Array(chunk)) = line.get_mut("rows").map(Value::take) {
                rows.extend(chunk.into_iter().filter_map(|row| row.as_array().cloned()));
            }
        }
        Ok(rows)
    }
}

fn secret(made: &Value, pointer: &str) -> Result<SourceToken> {
    let text = made.pointer(pointer).and_then(Value::as_str);
    text.map(|text| SourceToken(text.to_owned())).ok_or_else(|| anyhow!("no secret in {made}"))
}

fn json_of(mut answer: Response<Body>) -> Result<Value> {
    let status = answer.status();
    let body = answer.body_mut().read_to_string()?;
    if !status.is_success() {
        bail!("the server answered {status}: {body}");
    }
    if body.is_empty() {
        Ok(Value::Null)
    } else {
        serde_json::from_str(&body).with_context(|| format!("not JSON: {body}"))
    }
}
