mod oracle;
fn main() {
    oracle::run(&std::env::args().skip(1).collect::<Vec<_>>()).unwrap();
}
