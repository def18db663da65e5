//! `vigie functions`, `vigie watchlists`, `vigie references`: what people keep for their queries, to and from files, so
//! that it can live in git. They work on the state database alone, also beside a server that runs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result};
use kernel::Actor;
use kernel::diagnostic::Level;
use kql::catalog::Catalog;
use kql::definition::definition_text;
use library::{Basis, Library, NewReference, NewWatchlist, Put};

use super::kql::{Kind, gather};
use crate::cli::{Functions, References, Watchlists};
use crate::platform::Ground;
use crate::terminal;

/// Who changes something here, as the ledger names it.
fn actor() -> Actor {
    Actor::system("vigie")
}

async fn library(ground: &Ground) -> Result<Library> {
    Ok(Library::new(ground.store().await?))
}

/// Runs `vigie functions`.
pub async fn functions(command: &Functions, ground: Ground) -> Result<ExitCode> {
    let library = library(&ground).await?;
    match command {
        Functions::List => {
            let mut table = terminal::table(&["name", "parameters", "version", "changed", "by", "description"]);
            for one in library.functions().await? {
                let record = &one.record;
                table.add_row([
                    one.name,
                    terminal::one_line(&one.parameters, 60),
                    record.version.to_string(),
                    record.updated.to_string(),
                    record.changed_by.clone(),
                    terminal::one_line(&record.description, 60),
                ]);
            }
            terminal::print(&format!("{table}\n"))?;
        }
        Functions::Show { name } => terminal::print(&definition_text(&library.function(name).await?.stored()))?,
        Functions::Put { paths } => return put_functions(&library, paths).await,
        Functions::Export { folder } => {
            std::fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
            let all = library.functions().await?;
            for one in &all {
                let path = folder.join(format!("{}.kql", one.name));
                std::fs::write(&path, definition_text(&one.stored()))
                    .with_context(|| format!("writing {}", path.display()))?;
            }
            terminal::print(&format!("{} functions written to {}\n", all.len(), folder.display()))?;
        }
        Functions::Delete { name } => {
            library.delete_function(&actor(), name, Basis::Whatever).await?;
            terminal::print(&format!("deleted {name}\n"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Keeps every function that the files define, or none when one of them cannot be kept.
async fn put_functions(library: &Library, paths: &[PathBuf]) -> Result<ExitCode> {
    let gathered = gather(paths)?;
    let mut catalog = Catalog::default().with_kept(&*library.current().await?);
    for function in gathered.functions() {
        catalog = catalog.with_function(function);
    }
    let mut wrong = gathered.problems();
    for snippet in &gathered.snippets {
        if let Kind::Function(function) = &snippet.kind {
            let refused = library::examine(function, &catalog).refused;
            let errors = refused.iter().filter(|problem| problem.level == Level::Error);
            wrong.extend(errors.map(|problem| snippet.finding(problem).one_line()));
        }
    }
    if !wrong.is_empty() {
        wrong.iter().for_each(|line| eprintln!("{line}"));
        eprintln!("nothing was kept");
        return Ok(ExitCode::FAILURE);
    }
    let functions: Vec<_> = gathered.functions().collect();
    anyhow::ensure!(
        !functions.is_empty(),
        "no function is defined there: write `.create-or-alter function Name(parameters) {{ body }}` to a .kql file"
    );
    for function in functions {
        let put = library.put_function(&actor(), &function, Basis::Whatever).await;
        let put = put.with_context(|| format!("keeping {}", function.name))?;
        terminal::print(&format!("{} {}\n", done(&put), function.name))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn done<T>(put: &Put<T>) -> &'static str {
    match put {
        Put::Made(_) => "made",
        Put::Changed(_) => "changed",
        Put::Unchanged(_) => "unchanged",
    }
}

/// Runs `vigie watchlists`.
pub async fn watchlists(command: &Watchlists, ground: Ground) -> Result<ExitCode> {
    let library = library(&ground).await?;
    match command {
        Watchlists::List => {
            let mut table = terminal::table(&["name", "items", "search key", "columns", "version", "changed", "by"]);
            for one in library.watchlists().await? {
                let record = &one.record;
                table.add_row([
                    one.name,
                    one.items.to_string(),
                    one.search_key,
                    terminal::one_line(&one.columns.join(", "), 60),
                    record.version.to_string(),
                    record.updated.to_string(),
                    record.changed_by.clone(),
                ]);
            }
            terminal::print(&format!("{table}\n"))?;
        }
        Watchlists::Show { name } => terminal::print(&library.watchlist_csv(name).await?.1)?,
        Watchlists::Put { name, file, key, description } => {
            let new = NewWatchlist {
                name: name.clone(),
                description: description.clone().unwrap_or_default(),
                search_key: key.clone(),
                csv: read(file)?,
            };
            let put = library.put_watchlist(&actor(), &new, Basis::Whatever).await;
            let put = put.with_context(|| file.display().to_string())?;
            let word = done(&put);
            terminal::print(&format!("{word} {name}: {} items\n", put.into_kept().items))?;
        }
        Watchlists::Delete { name } => {
            library.delete_watchlist(&actor(), name, Basis::Whatever).await?;
            terminal::print(&format!("deleted {name}\n"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// Runs `vigie references`.
pub async fn references(command: &References, ground: Ground) -> Result<ExitCode> {
    let library = library(&ground).await?;
    match command {
        References::List => {
            let mut table = terminal::table(&["name", "bytes", "version", "changed", "by", "addresses"]);
            for one in library.references().await? {
                let record = &one.record;
                table.add_row([
                    one.name,
                    one.bytes.to_string(),
                    record.version.to_string(),
                    record.updated.to_string(),
                    record.changed_by.clone(),
                    one.addresses.join("\n"),
                ]);
            }
            terminal::print(&format!("{table}\n"))?;
        }
        References::Show { name } => terminal::print(&library.reference_text(name).await?.1)?,
        References::Put { name, file, address, description } => {
            let new = NewReference {
                name: name.clone(),
                description: description.clone().unwrap_or_default(),
                addresses: address.clone(),
                content: read(file)?,
            };
            let put = library.put_reference(&actor(), &new, Basis::Whatever).await;
            let put = put.with_context(|| file.display().to_string())?;
            let word = done(&put);
            terminal::print(&format!("{word} {name}: {} bytes\n", put.into_kept().bytes))?;
        }
        References::Delete { name } => {
            library.delete_reference(&actor(), name, Basis::Whatever).await?;
            terminal::print(&format!("deleted {name}\n"))?;
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn read(file: &Path) -> Result<String> {
    std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))
}
