//! The files of the repository and what can be measured of them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use syn::spanned::Spanned;
use syn::visit::Visit;

use super::Findings;
use crate::shell;

/// One tracked text file.
pub struct File {
    /// Relative to the root, with `/`.
    pub path: String,
    pub text: String,
}

impl File {
    /// Rust that people write: not generated, not a fixture.
    pub fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }
}

/// Every file that git tracks or would track, when it is text of less than 2 MiB.
pub fn tracked(root: &Path) -> Result<Vec<File>> {
    let listing = shell::capture(root, "git", &["ls-files", "--cached", "--others", "--exclude-standard"])?;
    let mut files = Vec::new();
    for path in listing.lines() {
        let full: PathBuf = root.join(path);
        let Ok(metadata) = std::fs::metadata(&full) else { continue };
        if !metadata.is_file() || metadata.len() > 2 << 20 {
            continue;
        }
        let bytes = std::fs::read(&full).with_context(|| format!("reading {path}"))?;
        if let Ok(text) = String::from_utf8(bytes) {
            files.push(File { path: path.to_owned(), text });
        }
    }
    Ok(files)
}

/// Sizes that the ratchets hold.
pub struct Measured {
    /// Lines of each Rust file, ascending.
    pub file_lines: Vec<usize>,
    pub functions: usize,
    /// Functions over 70 lines, as `path:line name (lines)`.
    pub long_functions: Vec<String>,
    /// Files over 600 lines, as `path (lines)`.
    pub long_files: Vec<String>,
}

const LONG_FUNCTION_LINES: usize = 70;
const LONG_FILE_LINES: usize = 600;

/// Measures the Rust files; a file without module documentation or that does not parse is a finding.
pub fn measure(files: &[File], findings: &mut Findings) -> Measured {
    let mut measured = Measured { file_lines: vec![], functions: 0, long_functions: vec![], long_files: vec![] };
    for file in files.iter().filter(|file| file.is_rust()) {
        let lines = file.text.lines().count();
        measured.file_lines.push(lines);
        if lines > LONG_FILE_LINES {
            measured.long_files.push(format!("{} ({lines})", file.path));
        }
        if !file.text.trim_start().starts_with("//!") {
            findings.push(format!("{}: opens without `//!`: say in one line what the module is for", file.path));
        }
        match syn::parse_file(&file.text) {
            Ok(tree) => {
                let mut functions = Functions { path: &file.path, measured: &mut measured };
                functions.visit_file(&tree);
            }
            Err(error) => findings.push(format!("{}: does not parse: {error}", file.path)),
        }
    }
    measured.file_lines.sort_unstable();
    measured
}

struct Functions<'a> {
    path: &'a str,
    measured: &'a mut Measured,
}

impl Functions<'_> {
    fn count(&mut self, name: &syn::Ident, span: proc_macro2::Span) {
        let lines = span.end().line + 1 - span.start().line;
        self.measured.functions += 1;
        if lines > LONG_FUNCTION_LINES {
            let at = span.start().line;
            self.measured.long_functions.push(format!("{}:{at} {name} ({lines})", self.path));
        }
    }
}

impl<'ast> Visit<'ast> for Functions<'_> {
    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.count(&function.sig.ident, function.block.span());
        syn::visit::visit_item_fn(self, function);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.count(&function.sig.ident, function.block.span());
        syn::visit::visit_impl_item_fn(self, function);
    }
}
