//! `cargo run --release -p querybench --example kql -- FOLDER ROWS ROUNDS PYTHON SCRIPT`, or `-- age FOLDER ROWS_A_DAY`: one
//! line of JSON.
//!
//! An example and not a program, so that `cargo build --bins` leaves the measuring out.

use std::path::Path;

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [mode, folder, rows] = arguments.as_slice()
        && mode == "age"
    {
        println!("{}", querybench::age(Path::new(folder), rows.parse()?)?);
        return Ok(());
    }
    let [folder, rows, rounds, python, script] = arguments.as_slice() else {
        anyhow::bail!("usage: kql FOLDER ROWS ROUNDS PYTHON SCRIPT")
    };
    let size = querybench::Size { process_rows: rows.parse()? };
    let found = querybench::duel(Path::new(folder), size, rounds.parse()?, Path::new(python), Path::new(script))?;
    println!("{found}");
    Ok(())
}
