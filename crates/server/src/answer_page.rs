//! The page behind the link of a headcount: two buttons, no script, as small as a telephone on a thin link needs it.

use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use field::headcount::{LinkAnswer, Linked};
use serde::Deserialize;

use crate::api::field::answers;
use crate::app::App;
use crate::auth::caller::PeerAddress;
use crate::problem::Problem;

/// Largest form, in bytes.
const FORM_BYTES: usize = 8 << 10;

/// What the page says, in one language.
struct Words {
    tag: &'static str,
    right_to_left: bool,
    question: &'static str,
    safe: &'static str,
    help: &'static str,
    remark: &'static str,
    counted_safe: &'static str,
    counted_help: &'static str,
    over: &'static str,
    unknown: &'static str,
}

const LANGUAGES: [Words; 6] = [
    Words {
        tag: "en",
        right_to_left: false,
        question: "are you safe?",
        safe: "I am safe",
        help: "I need help",
        remark: "Anything to add",
        counted_safe: "You are counted as safe.",
        counted_help: "You asked for help. The radio room sees to it.",
        over: "This headcount is over. If you need help, say so: it is heard all the same.",
        unknown: "This link is not known. Call the radio room.",
    },
    Words {
        tag: "fr",
        right_to_left: false,
        question: "êtes-vous en sécurité ?",
        safe: "Je suis en sécurité",
        help: "J’ai besoin d’aide",
        remark: "Quelque chose à ajouter",
        counted_safe: "Vous êtes compté comme étant en sécurité.",
        counted_help: "Vous avez demandé de l’aide. La salle radio s’en occupe.",
        over: "Ce recensement est terminé. Si vous avez besoin d’aide, dites-le : vous serez entendu.",
        unknown: "Ce lien est inconnu. Appelez la salle radio.",
    },
    Words {
        tag: "es",
        right_to_left: false,
        question: "¿está a salvo?",
        safe: "Estoy a salvo",
        help: "Necesito ayuda",
        remark: "Algo que añadir",
        counted_safe: "Consta que está a salvo.",
        counted_help: "Ha pedido ayuda. La sala de radio se ocupa.",
        over: "Este recuento ha terminado. Si necesita ayuda, dígalo: se le oirá igualmente.",
        unknown: "Este enlace no se conoce. Llame a la sala de radio.",
    },
    Words {
        tag: "pt",
        right_to_left: false,
        question: "está em segurança?",
        safe: "Estou em segurança",
        help: "Preciso de ajuda",
        remark: "Algo a acrescentar",
        counted_safe: "Está contado como em segurança.",
        counted_help: "Pediu ajuda. A sala de rádio está a tratar disso.",
        over: "Esta contagem terminou. Se precisa de ajuda, diga-o: será ouvido na mesma.",
        unknown: "Esta ligação não é conhecida. Telefone para a sala de rádio.",
    },
    Words {
        tag: "ar",
        right_to_left: true,
        question: "هل أنت بأمان؟",
        safe: "أنا بأمان",
        help: "أحتاج إلى مساعدة",
        remark: "هل تريد إضافة شيء؟",
        counted_safe: "تم تسجيلك بأمان.",
        counted_help: "طلبت المساعدة. غرفة اللاسلكي تتابع الأمر.",
        over: "انتهى هذا الإحصاء. إن كنت بحاجة إلى مساعدة فقل ذلك وسنسمعك.",
        unknown: "هذا الرابط غير معروف. اتصل بغرفة اللاسلكي.",
    },
    Words {
        tag: "tet",
        right_to_left: false,
        question: "Ita seguru ka lae?",
        safe: "Ha’u seguru",
        help: "Ha’u presiza tulun",
        remark: "Buat seluk ruma",
        counted_safe: "Ami rejista katak Ita seguru.",
        counted_help: "Ita husu tulun. Sala rádiu trata ona.",
        over: "Kontajen ne’e remata ona. Se Ita presiza tulun, hatete: ami rona nafatin.",
        unknown: "Ligasaun ne’e la koñesidu. Telefone ba sala rádiu.",
    },
];

/// Which button was pressed.
#[derive(Debug, Deserialize)]
pub struct Pressed {
    answer: Option<String>,
    #[serde(default)]
    remark: String,
}

/// Shows the question.
pub async fn show(
    State(app): State<Arc<App>>,
    Extension(address): Extension<PeerAddress>,
    Path(secret): Path<String>,
    headers: HeaderMap,
) -> Response {
    let words = language(&headers);
    answered(answers::open(&app, address, &secret).await, words)
}

/// Takes the answer.
pub async fn take(
    State(app): State<Arc<App>>,
    Extension(address): Extension<PeerAddress>,
    Path(secret): Path<String>,
    headers: HeaderMap,
    body: Body,
) -> Response {
    let words = language(&headers);
    let Some(Pressed { answer, remark }) = pressed(body).await else {
        return answered(answers::open(&app, address, &secret).await, words);
    };
    let answer = LinkAnswer { safe: answer.as_deref() == Some("safe"), remark };
    answered(answers::reply(&app, address, &secret, &answer).await, words)
}

/// The form, if a button of it was pressed.
async fn pressed(body: Body) -> Option<Pressed> {
    let bytes = axum::body::to_bytes(body, FORM_BYTES).await.ok()?;
    let uri: Uri = format!("/?{}", std::str::from_utf8(&bytes).ok()?).parse().ok()?;
    let form: Query<Pressed> = Query::try_from_uri(&uri).ok()?;
    let known = matches!(form.answer.as_deref(), Some("safe" | "help"));
    known.then_some(form.0)
}

/// The first language that the browser asks for and that there is.
fn language(headers: &HeaderMap) -> &'static Words {
    let asked = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let tags = asked.split(',').map(|part| part.split([';', '-']).next().unwrap_or_default().trim().to_lowercase());
    let known = |tag: String| LANGUAGES.iter().find(|words| words.tag == tag);
    tags.into_iter().find_map(known).unwrap_or(&LANGUAGES[0])
}

fn answered(linked: Result<Linked, Problem>, words: &Words) -> Response {
    match linked {
        Ok(linked) => page(StatusCode::OK, words, &body(&linked, words)),
        Err(problem) if problem.status() == StatusCode::NOT_FOUND => {
            page(StatusCode::NOT_FOUND, words, &format!("<p>{}</p>", words.unknown))
        }
        Err(problem) => problem.into_response(),
    }
}

fn body(linked: &Linked, words: &Words) -> String {
    let state = match linked.safety {
        field::line::Safety::Safe => format!("<p role=\"status\"><strong>{}</strong></p>", words.counted_safe),
        field::line::Safety::NeedsHelp => format!("<p role=\"status\"><strong>{}</strong></p>", words.counted_help),
        _ => String::new(),
    };
    let over = if linked.over { format!("<p>{}</p>", words.over) } else { String::new() };
    let (label, name) = (escaped(&linked.label), escaped(&linked.name));
    let Words { question, safe, help, remark, .. } = words;
    format!(
        "<h1><bdi>{label}</bdi>: <bdi>{name}</bdi>, {question}</h1>{over}{state}<form method=\"post\">\
         <p><button name=\"answer\" value=\"safe\">{safe}</button></p>\
         <p><button name=\"answer\" value=\"help\">{help}</button></p>\
         <p><label>{remark}<br><input name=\"remark\" maxlength=\"300\"></label></p></form>"
    )
}

fn page(status: StatusCode, words: &Words, body: &str) -> Response {
    let direction = if words.right_to_left { "rtl" } else { "ltr" };
    let html = format!(
        "<!doctype html><html lang=\"{}\" dir=\"{direction}\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>Vigie</title></head>\
         <body><main>{body}</main></body></html>",
        words.tag
    );
    (status, [(header::CONTENT_TYPE, "text/html; charset=utf-8")], html).into_response()
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(asked: &str, tag: &str) {
        let mut headers = HeaderMap::new();
        headers.insert(header::ACCEPT_LANGUAGE, asked.parse().unwrap());
        assert_eq!(language(&headers).tag, tag, "{asked}");
    }

    #[test]
    fn the_browser_chooses_the_language() {
        check("pt-PT,pt;q=0.9,en;q=0.8", "pt");
        check("ar", "ar");
        check("tet, en", "tet");
        check("ja, fr;q=0.5", "fr");
        check("", "en");
    }

    #[test]
    fn a_name_cannot_break_out_of_the_page() {
        let linked = Linked {
            label: "HC-0001".to_owned(),
            name: "<script>\"&".to_owned(),
            safety: field::line::Safety::Unknown,
            over: false,
            expires: kernel::Timestamp(0),
        };
        assert!(body(&linked, &LANGUAGES[0]).contains("&lt;script&gt;&quot;&amp;"));
    }
}
