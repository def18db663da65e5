//! The `Link` header (RFC 8288, section 3). Pure.

/// The target of the first link whose relation is `rel`. Links about something else than the answer (`anchor`) are passed over.
pub fn target<'a>(fields: impl Iterator<Item = &'a str>, rel: &str) -> Option<String> {
    fields.flat_map(links).find(|link| link.is(rel)).map(|link| link.target.to_owned())
}

struct Link<'a> {
    target: &'a str,
    parameters: Vec<(&'a str, String)>,
}

impl Link<'_> {
    fn is(&self, rel: &str) -> bool {
        let value = |name: &str| self.parameters.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        let relations = value("rel").map_or("", |(_, value)| value);
        value("anchor").is_none() && relations.split_whitespace().any(|one| one.eq_ignore_ascii_case(rel))
    }
}

/// The links of one field. What cannot be read ends the list: what is before it counts.
fn links(field: &str) -> Vec<Link<'_>> {
    let (mut found, mut rest) = (Vec::new(), field);
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let Some((target, after)) = rest.strip_prefix('<').and_then(|rest| rest.split_once('>')) else { return found };
        let (parameters, after) = parameters(after);
        found.push(Link { target: target.trim(), parameters });
        rest = after;
        if !rest.is_empty() && !rest.starts_with(',') {
            return found;
        }
    }
}

/// `; rel="next"; title=x`, up to the comma before the next link.
fn parameters(text: &str) -> (Vec<(&str, String)>, &str) {
    let (mut found, mut rest) = (Vec::new(), text.trim_start());
    while let Some(after) = rest.strip_prefix(';') {
        let after = after.trim_start();
        let end = after.find(['=', ';', ',']).unwrap_or(after.len());
        let (name, after) = (after[..end].trim(), &after[end..]);
        let (value, after) = match after.strip_prefix('=') {
            Some(after) => value(after.trim_start()),
            None => (String::new(), after),
        };
        if !name.is_empty() {
            found.push((name, value));
        }
        rest = after.trim_start();
    }
    (found, rest)
}

/// A token, or a text in quotes.
fn value(text: &str) -> (String, &str) {
    let Some(quoted) = text.strip_prefix('"') else {
        let end = text.find([';', ',', ' ', '\t']).unwrap_or(text.len());
        return (text[..end].to_owned(), &text[end..]);
    };
    let (mut out, mut escaped) = (String::new(), false);
    for (at, c) in quoted.char_indices() {
        match c {
            '\\' if !escaped => escaped = true,
            '"' if !escaped => return (out, &quoted[at + 1..]),
            c => {
                out.push(c);
                escaped = false;
            }
        }
    }
    (out, "")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::target;

    fn check(fields: &[&str], next: Option<&str>) {
        assert_eq!(target(fields.iter().copied(), "next").as_deref(), next, "{fields:?}");
    }

    #[test]
    fn the_next_page_is_found_among_links() {
        check(&["<https://hr.vigie.test/people?page=2>; rel=\"next\""], Some("https://hr.vigie.test/people?page=2"));
        check(&["</people?page=1>; rel=prev, </people?page=3>; rel=next"], Some("/people?page=3"));
        check(&["<?a=1,2>; title=\"one, <two>; rel=next\"; rel=last , <?a=3>;rel=\"NEXT last\""], Some("?a=3"));
        check(&["<a>; rel=\"first\"", "<b>; title=\"say \\\"next\\\"\"; rel=next"], Some("b"));
        check(&["<b>; rel=next; anchor=\"/other\""], None);
        check(&["<b>; rel=nextpage", ""], None);
        check(&["no link; rel=next", "<b; rel=next"], None);
        check(&["<b>; rel=\"next"], Some("b"));
    }

    proptest! {
        #[test]
        fn whatever_a_server_writes_is_read_to_its_end(text in "[<>;,=\"\\\\ a-z]{0,60}") {
            let _ = target([text.as_str()].into_iter(), "next");
        }
    }
}
