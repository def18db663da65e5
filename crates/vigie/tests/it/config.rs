//! What is set, and from where.

use crate::rig::Rig;

#[test]
fn each_value_says_where_it_came_from() {
    let rig = Rig::new();
    rig.file("vigie.toml", "[query]\nrows = 7\n");
    let shown = rig.ok(&["config", "show", "--set", "query.time_ms=9"]).out;
    let line = |key: &str| {
        shown.lines().find(|line| line.contains(key)).unwrap_or_else(|| panic!("{key} in {shown}")).to_owned()
    };
    assert!(line("query.rows").contains('7') && line("query.rows").contains("vigie.toml"), "{shown}");
    assert!(line("query.time_ms").contains("command line"), "{shown}");
    assert!(line("data.dir").contains("VIGIE_DATA_DIR"), "{shown}");
    assert!(line("server.listen").contains("default"), "{shown}");
}

#[test]
fn a_mistake_is_told_with_its_place() {
    let rig = Rig::new();
    rig.file("vigie.toml", "[server]\nlisten = \"everywhere\"\n");
    let ran = rig.run(&["serve"]);
    assert_eq!(ran.code, 2);
    assert!(ran.err.contains("server.listen") && ran.err.contains("vigie.toml"), "{}", ran.err);
}
