//! Which log an event or a rule is about, in Sigma's words.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// Product, category and service, as far as they are said.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogSource {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub product: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub category: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
}

impl LogSource {
    /// Product, category and service, in that order.
    pub fn attributes(&self) -> [Option<&str>; 3] {
        [self.product.as_deref(), self.category.as_deref(), self.service.as_deref()]
    }

    /// Whether nothing is said.
    pub fn is_empty(&self) -> bool {
        self.attributes().iter().all(Option::is_none)
    }
}

impl fmt::Display for LogSource {
    /// `windows / process_creation`; `any log` when nothing is given.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given: Vec<&str> = self.attributes().into_iter().flatten().collect();
        if given.is_empty() { f.write_str("any log") } else { f.write_str(&given.join(" / ")) }
    }
}

impl FromStr for LogSource {
    type Err = String;

    /// `product=okta,service=okta`, or `category=proxy`.
    fn from_str(text: &str) -> Result<LogSource, String> {
        let mut source = LogSource::default();
        for part in text.split(',').map(str::trim).filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            let place = match name.trim() {
                "product" => &mut source.product,
                "category" => &mut source.category,
                "service" => &mut source.service,
                other => return Err(format!("`{other}` is none of product, category and service: category=proxy")),
            };
            let value = value.trim().to_ascii_lowercase();
            let allowed = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
            if value.is_empty() || value.len() > 64 || !value.bytes().all(allowed) {
                return Err(format!("`{part}` gives no word of Sigma's log sources: category=proxy"));
            }
            *place = Some(value);
        }
        Ok(source)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write() {
        let read = |text: &str| text.parse::<LogSource>().map(|source| source.to_string());
        assert_eq!(read("category=proxy").as_deref(), Ok("proxy"));
        assert_eq!(read(" service=okta, product=Okta ").as_deref(), Ok("okta / okta"));
        assert_eq!(read("").as_deref(), Ok("any log"));
        assert!(read("proxy").is_err_and(|error| error.contains("`proxy`")));
        assert!(read("category=").is_err() && read("category=a b").is_err());
    }
}
