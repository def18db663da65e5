//! Embeds the console anew when it was built anew. Without a console in `console/dist` a notice is served in its place.

fn main() -> std::io::Result<()> {
    // A folder that is missing counts as changed, and would have this crate and the program built at every call.
    std::fs::create_dir_all("../../console/dist")?;
    println!("cargo::rerun-if-changed=../../console/dist");
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}
