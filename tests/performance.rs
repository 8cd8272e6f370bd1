//! The figures of docs/performance.md were measured with the programs that lie in benches/reference now.

use std::path::Path;

const SOURCES: [&str; 3] = ["compare.py", "run.py", "pipeline.sql"];

/// FNV-1a over the programs, as compare.py names them.
fn source_hash(root: &Path) -> String {
    let bytes = SOURCES.iter().flat_map(|name| std::fs::read(root.join("benches/reference").join(name)).unwrap());
    let hash = bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    format!("{hash:016x}")
}

#[test]
fn the_figures_of_the_bench_are_of_its_present_programs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/performance.md")).unwrap_or_default();
    let Some((_, section)) = page.split_once("<!-- begin: make bench RECORD=1 -->") else { return };
    let expected = source_hash(root);
    assert!(section.contains(&expected), "docs/performance.md is stale: make bench RECORD=1 ({expected})");
}
