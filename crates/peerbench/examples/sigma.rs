//! `cargo run --release -p peerbench --example sigma -- FIGURE DATA`: one figure, as a line of JSON.
//!
//! An example and not a program, so that `cargo build --bins` leaves the peer engine out.

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [figure, data] = arguments.as_slice() else { anyhow::bail!("usage: sigma FIGURE DATA") };
    println!("{}", peerbench::figure(figure, data.as_ref())?);
    Ok(())
}
