//! Words of the language that are no names unless they stand in brackets: `['title']`.

use kernel::diagnostic::Diagnostic;

use super::Parser;
use crate::codes;
use crate::syntax::Name;

/// Neither to give a name nor to use one.
#[rustfmt::skip]
const NEVER: [&str; 117] = [
    "and", "anomalychart", "areachart", "asc", "bagexpansion", "barchart", "between", "boolean", "byte",
    "cachingpolicy", "callout", "cancel", "card", "char", "columnchart", "contains_cs", "containscs", "cycles",
    "dataexport", "datascope", "date", "datetime", "decimal", "decodeblocks", "desc", "double", "dynamic",
    "encodingpolicy", "endswith", "endswith_cs", "expandoutput", "extent_tags_retention", "external_data", "first",
    "flags", "float", "force_remote", "harddelete", "hardretention", "has_all", "has_any", "has_cs", "hasprefix",
    "hasprefix_cs", "hassuffix", "hassuffix_cs", "hotcache", "int", "int16", "int32", "int64", "int8", "isfuzzy",
    "journal", "ladderchart", "last", "like", "likecs", "linechart", "long", "missing", "nooptimization",
    "notcontains", "notcontainscs", "notlike", "notlikecs", "or", "others", "pathformat", "piechart", "pivotchart",
    "project", "queries", "query_results", "real", "relaxed", "restricted_view_access", "row_level_security",
    "rowstore", "rowstore_references", "rowstore_sealinfo", "rowstorepolicy", "rowstores", "scatterchart", "seal",
    "seals", "shards", "simple", "softdelete", "softretention", "stackedareachart", "startswith", "startswith_cs",
    "statistics", "storedqueryresultcontainers", "string", "tablepurge", "time", "timechart", "timeline",
    "timepivot", "timespan", "treemap", "uint", "uint16", "uint32", "uint64", "uint8", "ulong", "union",
    "uniqueid", "unrestrictedviewers", "views", "with_itemindex", "with_match_id", "with_step_name",
    "writeaheadlog",
];

/// A column may be called so, but is used in brackets.
#[rustfmt::skip]
const GIVEN_ONLY: [&str; 27] = [
    "accumulate", "as", "by", "contains", "datatable", "earliest",
    "externaldata", "find", "has", "in", "invoke", "latest", "materialize", "mdm", "of", "print",
    "sample", "search", "set", "sql", "title", "to", "toscalar", "totable", "verbose", "viewers", "where",
];

/// Columns may be used but not called so.
const USED_ONLY: [&str; 3] = ["kind", "with_source", "withsource"];

impl Parser<'_> {
    /// A name that something is called by here: a column of `extend`, of `datatable`, a parameter.
    pub(super) fn given_name(&mut self, what: &str) -> Name {
        let name = self.name(what);
        self.no_word(&name, &[&NEVER, &USED_ONLY]);
        name
    }

    /// A name of a `let` or `as`.
    pub(super) fn variable_name(&mut self, what: &str) -> Name {
        let name = self.name(what);
        self.no_word(&name, &[&NEVER, &GIVEN_ONLY, &USED_ONLY]);
        name
    }

    /// Refuses a word of the language that is used as the name of a column or of a part.
    pub(super) fn no_word_used(&mut self, name: &Name) {
        self.no_word(name, &[&NEVER, &GIVEN_ONLY]);
    }

    /// Refuses a word of the language that is called like a function.
    pub(super) fn no_word_called(&mut self, name: &Name) {
        self.no_word(name, &[&NEVER]);
    }

    fn no_word(&mut self, name: &Name, words: &[&[&str]]) {
        // In brackets every text is a name.
        let bare = self.slice(name.span) == name.text;
        let operator = name.text.contains(['!', '~']);
        if bare && (operator || words.iter().any(|words| words.binary_search(&name.text.as_str()).is_ok())) {
            let message = format!("`{}` is a word of the language and no name here", name.text);
            let problem = Diagnostic::error(codes::SYNTAX, name.span, message);
            self.diagnostics.push(problem.with_help(format!("write it in brackets: `['{}']`", name.text)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_in_order() {
        assert!([&NEVER[..], &GIVEN_ONLY, &USED_ONLY].iter().all(|words| words.is_sorted()));
    }
}
