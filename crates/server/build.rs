//! Embeds the console anew when it was built anew. Without `console/dist` a notice is served in its place.

fn main() {
    println!("cargo::rerun-if-changed=../../console/dist");
    println!("cargo::rerun-if-changed=build.rs");
}
