//! `parse_user_agent`: which browser, system and device a user agent names.
//!
//! The patterns are a small collection of our own, under the family names that are usual in the field (those of the
//! ua-parser project). What none of them knows is `Other`, as there.

use std::collections::HashMap;
use std::sync::LazyLock;

use arrow_array::ArrayRef;
use datafusion::error::Result;
use kernel::Value;
use regex::{Captures, Regex, RegexSet};
use serde_json::{Map, Value as Json, json};

use super::{Call, Entry, bad_value, columns};
use crate::query::cells::CellsBuilder;
use crate::query::convert;

pub(super) const ENTRIES: &[Entry] = &[columns("parse_user_agent", parse_user_agent)];

/// Longer user agents are cut: what names the program stands at the front.
const MOST_BYTES: usize = 2_048;

/// Name and pattern; the groups `v1` to `v3` hold the parts of the version. The first that fits counts.
type Row = (&'static str, &'static str);

const BROWSERS: &[Row] = &[
    ("Googlebot", r"Googlebot(?:-\w+)?/(?<v1>\d+)\.(?<v2>\d+)"),
    ("bingbot", r"bingbot/(?<v1>\d+)\.(?<v2>\d+)"),
    ("YandexBot", r"YandexBot/(?<v1>\d+)\.(?<v2>\d+)"),
    ("Baiduspider", r"Baiduspider(?:/(?<v1>\d+)\.(?<v2>\d+))?"),
    ("DuckDuckBot", r"DuckDuckBot/(?<v1>\d+)\.(?<v2>\d+)"),
    ("AhrefsBot", r"AhrefsBot/(?<v1>\d+)\.(?<v2>\d+)"),
    ("SemrushBot", r"SemrushBot(?:/(?<v1>\d+))?"),
    ("Applebot", r"Applebot/(?<v1>\d+)\.(?<v2>\d+)"),
    ("FacebookBot", r"facebookexternalhit/(?<v1>\d+)\.(?<v2>\d+)"),
    ("Twitterbot", r"Twitterbot/(?<v1>\d+)\.(?<v2>\d+)"),
    ("Slackbot", r"Slackbot(?:-LinkExpanding)?(?: (?<v1>\d+)\.(?<v2>\d+))?"),
    ("zgrab", r"zgrab/(?<v1>\d+)\.?(?<v2>\w+)?"),
    ("Nmap Scripting Engine", r"Nmap Scripting Engine"),
    ("Nikto", r"Nikto/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("sqlmap", r"sqlmap/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("masscan", r"masscan/(?<v1>\d+)\.(?<v2>\d+)"),
    ("AdobeAIR", r"AdobeAIR/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("Outlook", r"Microsoft Outlook (?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("Outlook", r"MSOffice (?<v1>\d+)"),
    ("Microsoft Office", r"Microsoft Office/(?<v1>\d+)\.(?<v2>\d+)"),
    ("Windows PowerShell", r"WindowsPowerShell/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("PowerShell", r"\bPowerShell/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("Microsoft-CryptoAPI", r"Microsoft-CryptoAPI/(?<v1>\d+)\.(?<v2>\d+)"),
    ("Microsoft BITS", r"Microsoft BITS/(?<v1>\d+)\.(?<v2>\d+)"),
    ("CertUtil", r"CertUtil URL Agent"),
    ("Python Requests", r"python-requests/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("Python-urllib", r"Python-urllib/(?<v1>\d+)\.(?<v2>\d+)"),
    ("aiohttp", r"aiohttp/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("python-httpx", r"python-httpx/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("Boto3", r"Boto3/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("aws-cli", r"aws-cli/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("azure-cli", r"(?i:AZURECLI)/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("Go-http-client", r"Go-http-client/(?<v1>\d+)\.(?<v2>\d+)"),
    ("Apache-HttpClient", r"Apache-HttpClient/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("okhttp", r"okhttp/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("axios", r"axios/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("PostmanRuntime", r"PostmanRuntime/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("curl", r"^curl/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("Wget", r"^Wget/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("Java", r"^Java/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("Thunderbird", r"Thunderbird/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("Opera Mini", r"Opera Mini(?:/att)?/?(?<v1>\d+)?(?:\.(?<v2>\d+))?(?:\.(?<v3>\d+))?"),
    ("Opera Mobile", r"Mobile.+OPR/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("Opera", r"OPR/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("Opera", r"Opera/9\.80.*Version/(?<v1>\d+)\.(?<v2>\d+)"),
    ("Opera", r"Opera[/ ](?<v1>\d+)\.(?<v2>\d+)"),
    ("Nokia OSS Browser", r"Series60/(?<v1>\d+)\.(?<v2>\d+).*Safari"),
    ("Samsung Internet", r"SamsungBrowser/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("Yandex Browser", r"YaBrowser/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("Vivaldi", r"Vivaldi/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("UC Browser", r"(?:UCBrowser|UCWEB)[/ ]?(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("QQ Browser", r"M?QQBrowser/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("Teams", r"Teams/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("Slack", r"Slack(?:_SSB)?/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("Electron", r"Electron/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("Edge Mobile", r"(?:EdgA|EdgiOS)/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("Edge Mobile", r"Mobile.*Edge/(?<v1>\d+)\.(?<v2>\d+)"),
    ("Edge", r"(?:Edge|Edg)/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("IE Mobile", r"IEMobile[ /](?<v1>\d+)\.(?<v2>\d+)"),
    ("IE", r"Trident/7\.0.*rv:(?<v1>11)\.(?<v2>0)"),
    ("IE", r"MSIE (?<v1>\d+)\.(?<v2>\d+)"),
    ("HeadlessChrome", r"HeadlessChrome(?:/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?)?"),
    ("PhantomJS", r"PhantomJS/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("Firefox iOS", r"FxiOS/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("Firefox Mobile", r"(?:Mobile|Tablet);.*Firefox/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("Firefox", r"Firefox/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("Chrome Mobile iOS", r"CriOS/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("Chrome Mobile WebView", r"; wv\).+Chrome/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("Chrome Mobile", r"Chrome/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?(?:\.\d+)? Mobile"),
    ("Chromium", r"Chromium/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("Chrome", r"Chrome/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("Android", r"Android (?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?.*Version/\d.*Safari"),
    ("Mobile Safari", r"(?:iPhone|iPad|iPod).*Version/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?.*Safari"),
    ("Mobile Safari UI/WKWebView", r"(?:iPhone|iPad|iPod).*OS (?<v1>\d+)_(?<v2>\d+)(?:_(?<v3>\d+))?.*AppleWebKit"),
    ("Safari", r"Version/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?.*Safari/"),
    ("Apple Mail", r"Macintosh.*AppleWebKit/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))? \(KHTML, like Gecko\)$"),
    ("CFNetwork", r"CFNetwork/(?<v1>\d+)(?:\.(?<v2>\d+))?(?:\.(?<v3>\d+))?"),
];

const SYSTEMS: &[Row] = &[
    ("Windows Phone", r"Windows Phone(?: OS)? (?<v1>\d+)\.(?<v2>\d+)"),
    ("Windows", r"Windows NT (?<nt>\d+\.\d+)"),
    ("Windows", r"Windows (?<v1>95|98|2000|XP|ME|Vista|7|8|10|11)\b"),
    ("Windows", r"Microsoft Windows (?<v1>\d+)\.(?<v2>\d+)"),
    ("Windows", r"\bWin(?:dows|32|64)\b"),
    ("Android", r"Android[ /-]?(?<v1>\d+)(?:\.(?<v2>\d+))?(?:\.(?<v3>\d+))?"),
    ("Android", r"\bAndroid\b"),
    ("iOS", r"(?:iPhone|CPU)(?: iPhone)? OS (?<v1>\d+)_(?<v2>\d+)(?:_(?<v3>\d+))?"),
    ("iOS", r"\b(?:iPhone|iPad|iPod)\b"),
    ("Mac OS X", r"Mac OS X (?<v1>\d+)[_.](?<v2>\d+)(?:[_.](?<v3>\d+))?"),
    ("Mac OS X", r"\b(?:Macintosh|Mac OS X|Darwin)\b"),
    ("Chrome OS", r"CrOS \w+ (?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("Symbian OS", r"SymbianOS/(?<v1>\d+)\.(?<v2>\d+)"),
    ("BlackBerry OS", r"BlackBerry.*Version/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?"),
    ("Tizen", r"Tizen[ /](?<v1>\d+)\.(?<v2>\d+)"),
    ("Ubuntu", r"Ubuntu(?:/(?<v1>\d+)\.(?<v2>\d+))?"),
    ("Fedora", r"Fedora"),
    ("Red Hat", r"Red Hat"),
    ("Debian", r"Debian"),
    ("FreeBSD", r"FreeBSD(?: (?<v1>\d+)\.(?<v2>\d+))?"),
    ("OpenBSD", r"OpenBSD"),
    ("Linux", r"(?i)\blinux(?:/(?<v1>\d+)\.(?<v2>\d+)(?:\.(?<v3>\d+))?)?"),
];

/// Brand and pattern; the group `model` holds the model.
const DEVICES: &[Row] = &[
    ("Spider", r"(?i)bot\b|bot/|spider|crawler|slurp|facebookexternalhit"),
    ("Apple", r"\b(?<model>iPhone|iPad|iPod)\b"),
    ("Apple", r"\b(?<model>Mac)intosh\b"),
    ("Nokia", r"Nokia ?(?<model>[\w-]+)"),
    ("Samsung", r"; ?(?:SAMSUNG )?(?<model>(?:SM|GT|SGH|SCH)-\w+)"),
    ("Google", r"; ?(?<model>Pixel[^;)/]*?)(?: Build|[;)])"),
    ("OnePlus", r"; ?(?:OnePlus )?(?<model>ONEPLUS \w+|[A-Z]{2}\d{4})(?: Build|[;)])"),
    ("Huawei", r"; ?(?:HUAWEI )?(?<model>[A-Z]{3}-[A-Z]{1,2}\d{2}\w*)(?: Build|[;)])"),
    ("XiaoMi", r"; ?(?<model>(?:Redmi|Mi|POCO)[^;)/]*?)(?: Build|[;)])"),
    ("Motorola", r"; ?(?<model>moto[^;)/]*?)(?: Build|[;)])"),
    ("LG", r"; ?(?<model>LG-?\w+)"),
    ("Sony", r"; ?(?<model>(?:Xperia|SO-)[^;)/]*?)(?: Build|[;)])"),
    ("BlackBerry", r"BlackBerry ?(?<model>\d+)"),
    ("Generic_Android", r"Android.*; ?(?<model>[^;)]+?) Build"),
];

/// All patterns in one automaton, which says which fit, and each by itself for its groups.
struct Patterns {
    which: RegexSet,
    each: Vec<(&'static str, Regex)>,
}

static BROWSER_PATTERNS: LazyLock<Patterns> = LazyLock::new(|| Patterns::of(BROWSERS));
static SYSTEM_PATTERNS: LazyLock<Patterns> = LazyLock::new(|| Patterns::of(SYSTEMS));
static DEVICE_PATTERNS: LazyLock<Patterns> = LazyLock::new(|| Patterns::of(DEVICES));

impl Patterns {
    /// A test compiles every pattern.
    fn of(rows: &[Row]) -> Patterns {
        let which = RegexSet::new(rows.iter().map(|(_, pattern)| pattern)).unwrap_or_default();
        let each = rows.iter().filter_map(|(name, pattern)| Some((*name, Regex::new(pattern).ok()?))).collect();
        Patterns { which, each }
    }

    /// The name of the first pattern that fits, and its groups.
    fn first<'t>(&self, agent: &'t str) -> Option<(&'static str, Captures<'t>)> {
        let (name, regex) = self.which.matches(agent).iter().next().and_then(|at| self.each.get(at))?;
        Some((name, regex.captures(agent)?))
    }
}

/// `parse_user_agent(text, "browser" | "os" | "device", or an array of them)`.
fn parse_user_agent(call: &Call<'_>) -> Result<ArrayRef> {
    let [text, wanted] = call.args else {
        return datafusion::common::internal_err!("parse_user_agent takes a text and what to look for");
    };
    let mut builder = CellsBuilder::new(call.returns);
    // The same programs come again and again.
    let mut known: HashMap<&str, Json> = HashMap::new();
    for row in 0..call.rows {
        let agent = text.text(row);
        let parts = parts(&wanted.value(row))?;
        let found = if wanted.is_constant() {
            known.entry(agent).or_insert_with(|| described(agent, &parts)).clone()
        } else {
            described(agent, &parts)
        };
        builder.push(Value::Dynamic(found));
    }
    Ok(builder.finish())
}

/// What can be looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    Browser,
    System,
    Device,
}

fn parts(wanted: &Value) -> Result<Vec<Part>> {
    let words = match convert::to_dynamic(wanted).unwrap_or_default() {
        Json::Array(words) => words,
        word => vec![word],
    };
    let part = |word: &Json| match word.as_str().map(str::to_lowercase).as_deref() {
        Some("browser") => Ok(Part::Browser),
        Some("os") => Ok(Part::System),
        Some("device") => Ok(Part::Device),
        _ => Err(bad_value(format!("`parse_user_agent` looks for \"browser\", \"os\" or \"device\", not for {word}"))),
    };
    words.iter().map(part).collect()
}

fn described(agent: &str, parts: &[Part]) -> Json {
    let agent = &agent[..agent.floor_char_boundary(MOST_BYTES)];
    let mut found = Map::new();
    for part in parts {
        let (key, value) = match part {
            Part::Browser => ("Browser", browser(agent)),
            Part::System => ("OperatingSystem", system(agent)),
            Part::Device => ("Device", device(agent)),
        };
        found.insert(key.to_owned(), value);
    }
    Json::Object(found)
}

fn browser(agent: &str) -> Json {
    let (family, [major, minor, patch]) = versioned(&BROWSER_PATTERNS, agent);
    json!({ "Family": family, "MajorVersion": major, "MinorVersion": minor, "Patch": patch })
}

fn system(agent: &str) -> Json {
    let (family, [mut major, mut minor, patch]) = versioned(&SYSTEM_PATTERNS, agent);
    if let Some((_, groups)) = SYSTEM_PATTERNS.first(agent)
        && let Some(nt) = groups.name("nt")
    {
        (major, minor) = windows(nt.as_str());
    }
    json!({ "Family": family, "MajorVersion": major, "MinorVersion": minor, "Patch": patch, "PatchMinor": "" })
}

/// What is sold under the version of the kernel.
fn windows(nt: &str) -> (String, String) {
    let (major, minor) = match nt {
        "10.0" => ("10", ""),
        "6.3" => ("8", "1"),
        "6.2" => ("8", ""),
        "6.1" => ("7", ""),
        "6.0" => ("Vista", ""),
        "5.1" | "5.2" => ("XP", ""),
        "5.0" => ("2000", ""),
        other => other.split_once('.').unwrap_or((other, "")),
    };
    (major.to_owned(), minor.to_owned())
}

fn versioned(patterns: &Patterns, agent: &str) -> (&'static str, [String; 3]) {
    let Some((family, groups)) = patterns.first(agent) else { return ("Other", Default::default()) };
    let part = |name: &str| groups.name(name).map_or_else(String::new, |part| part.as_str().to_owned());
    (family, ["v1", "v2", "v3"].map(part))
}

fn device(agent: &str) -> Json {
    let Some((brand, groups)) = DEVICE_PATTERNS.first(agent) else {
        return json!({ "Family": "Other", "Brand": "", "Model": "" });
    };
    let model = groups.name("model").map_or("", |model| model.as_str().trim());
    match brand {
        "Spider" => json!({ "Family": "Spider", "Brand": "Spider", "Model": "Desktop" }),
        "Apple" | "Generic_Android" => json!({ "Family": model, "Brand": brand, "Model": model }),
        _ => json!({ "Family": format!("{brand} {model}"), "Brand": brand, "Model": model }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles() {
        for (rows, patterns) in
            [(BROWSERS, &*BROWSER_PATTERNS), (SYSTEMS, &*SYSTEM_PATTERNS), (DEVICES, &*DEVICE_PATTERNS)]
        {
            assert_eq!((rows.len(), rows.len()), (patterns.each.len(), patterns.which.len()));
        }
    }

    fn check(agent: &str, browser_family: &str, major: &str, system_family: &str, system_major: &str) {
        let found = described(agent, &[Part::Browser, Part::System]);
        let (browser, system) = (&found["Browser"], &found["OperatingSystem"]);
        let seen = [&browser["Family"], &browser["MajorVersion"], &system["Family"], &system["MajorVersion"]];
        assert_eq!(seen, [browser_family, major, system_family, system_major], "{agent}");
    }

    #[test]
    fn user_agents_of_many_programs() {
        let chrome = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36";
        check(chrome, "Chrome", "120", "Windows", "10");
        check(&format!("{chrome} Edg/120.0.2210.91"), "Edge", "120", "Windows", "10");
        check("Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko", "IE", "11", "Windows", "7");
        check("Mozilla/4.0 (compatible; MSIE 8.0; Windows NT 5.1)", "IE", "8", "Windows", "XP");
        check(
            "Mozilla/5.0 (iPhone; CPU iPhone OS 16_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/16.5 Mobile/15E148 Safari/604.1",
            "Mobile Safari",
            "16",
            "iOS",
            "16",
        );
        check(
            "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/115.0",
            "Firefox",
            "115",
            "Ubuntu",
            "",
        );
        check("curl/7.68.0", "curl", "7", "Other", "");
        check("python-requests/2.31.0", "Python Requests", "2", "Other", "");
        check(
            "Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041.1682",
            "Windows PowerShell",
            "5",
            "Windows",
            "10",
        );
        check("nothing that anybody knows", "Other", "", "Other", "");
    }
}
