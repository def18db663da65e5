//! `cargo run --release -p querybench --example dynamic -- ROWS`: one line of JSON.
//!
//! An example and not a program, so that `cargo build --bins` leaves the measuring out.

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let rows = std::env::args().nth(1).unwrap_or_else(|| "1000000".to_owned());
    println!("{}", querybench::dynamic(rows.parse()?)?);
    Ok(())
}
