//! The name of a type is unique in the crate, so that a reader who meets it knows which one is meant.

use std::collections::BTreeMap;

use super::code::{SourceFile, sources, without_visibility};

/// Every type that a file declares outside tests and macros, by name. What a macro declares carries the name of its dataset's module.
fn declared(file: &SourceFile) -> Vec<String> {
    let mut found = Vec::new();
    let mut in_macro = false;
    for line in file.shipped_code().lines() {
        in_macro |= line.starts_with("macro_rules!");
        if in_macro {
            in_macro = line != "}";
            continue;
        }
        let bare = line.trim_start();
        // A type inside an impl or a trait is an associated one.
        let is_inner = bare.len() < line.len() && bare.starts_with("type ");
        let bare = without_visibility(bare);
        let kind = ["struct ", "enum ", "trait ", "type ", "union "].iter().find(|kind| bare.starts_with(**kind));
        if let Some(kind) = kind.filter(|_| !is_inner) {
            let name: String = bare[kind.len()..].chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            found.extend(Some(name).filter(|name| name.starts_with(|c: char| c.is_uppercase())));
        }
    }
    found
}

#[test]
fn no_two_types_have_one_name() {
    let mut places: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in sources() {
        for name in declared(&file) {
            places.entry(name).or_default().push(file.path.clone());
        }
    }
    assert!(places.len() > 500, "only {} types are found", places.len());
    places.retain(|_, files| files.len() > 1);
    assert!(places.is_empty(), "{places:#?}");
}

#[test]
fn a_declaration_is_found_and_tests_macros_and_associated_types_are_not() {
    let text = "pub(crate) struct A<T>(T);\nenum B {}\ntrait C { type D; }\nimpl C for A<u8> {\n    type D = u8;\n}\npub type E = A<u8>;\n\
                macro_rules! m {\n    () => { pub struct F; };\n}\n#[cfg(test)]\nmod tests {\n    struct G;\n}\n";
    assert_eq!(declared(&SourceFile::new("x.rs", text.to_owned())), ["A", "B", "C", "E"]);
}
