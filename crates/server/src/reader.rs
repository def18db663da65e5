//! In which language whoever asks reads what the Field desk says: the console sends the language that was chosen there, a browser
//! its own.

use axum::extract::Request;
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use field::speech::{Language, Sentence};

tokio::task_local! {
    /// Of the request that is being answered.
    static READS: Language;
}

/// What `Accept-Language` asks for; English when it asks for nothing that there is.
pub fn language(headers: &HeaderMap) -> Language {
    let asked = headers.get_all(header::ACCEPT_LANGUAGE).iter().filter_map(|value| value.to_str().ok());
    Language::asked(&asked.collect::<Vec<_>>().join(","))
}

/// Keeps the reader's language while their request is answered: refusals are told in it, too, wherever they arise.
pub async fn keep(request: Request, next: Next) -> Response {
    let language = language(request.headers());
    READS.scope(language, next.run(request)).await
}

/// A sentence in the language of whoever asks.
pub fn told(sentence: &Sentence) -> String {
    sentence.in_language(reads())
}

/// The language of whoever asks; English where nobody does.
pub fn reads() -> Language {
    READS.try_with(|language| *language).unwrap_or(Language::English)
}
