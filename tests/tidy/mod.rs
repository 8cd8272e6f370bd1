//! Rules of the code: dependencies, no import circles, file sizes. CONTRIBUTING.md explains them.

mod code;
mod graph;
mod law;
mod names;
mod sql;

use std::fs;
use std::path::PathBuf;

use code::{SourceFile, root, rust_files, sources};
use law::LAW;

/// Lines that a Rust file may have.
const MAX_LINES: usize = 500;

#[test]
fn every_file_opens_with_what_it_is_for() {
    let silent: Vec<_> = sources().into_iter().filter(|file| !file.text.starts_with("//! ")).map(|file| file.path).collect();
    assert!(silent.is_empty(), "no //! line: {silent:?}");
}

#[test]
fn no_file_has_more_than_500_lines() {
    let folders = ["src", "tests", "benches"].map(|folder| root().join(folder));
    let long: Vec<_> = folders
        .iter()
        .flat_map(|folder| rust_files(folder))
        .filter(|path| fs::read_to_string(path).unwrap().lines().count() > MAX_LINES)
        .collect();
    assert!(long.is_empty(), "longer than {MAX_LINES} lines: {long:?}");
}

#[test]
fn modules_use_only_what_the_table_allows() {
    let breaches: Vec<String> = sources().iter().flat_map(law::breaches).collect();
    assert!(breaches.is_empty(), "{breaches:#?}");
}

#[test]
fn a_module_uses_only_modules_above_it_in_the_table() {
    let place = |name: &str| LAW.iter().position(|room| room.name == name);
    for (at, room) in LAW.iter().enumerate() {
        for used in room.may_use {
            assert!(place(used).is_some_and(|place| place < at || room.name == "bin"), "{} may use {used}", room.name);
        }
    }
}

#[test]
fn files_do_not_import_each_other_in_circles() {
    let files: Vec<SourceFile> = sources().into_iter().filter(|file| !file.path.ends_with("/sample.rs")).collect();
    let circles = graph::circles(&files);
    assert!(circles.is_empty(), "{circles:#?}");
}

/// The violation is planted behind a test module in a copy of each module's first file.
#[test]
fn a_planted_violation_is_found_in_every_module() {
    let files = sources();
    for room in LAW {
        let file = files.iter().find(|file| file.room() == room.name).unwrap_or_else(|| panic!("no file of {}", room.name));
        let planted = |line: &str| {
            let text = format!("{}\n#[cfg(test)]\nmod planted {{}}\n{line}\n", file.text);
            law::breaches(&SourceFile::new(&file.path.replace("mod.rs", "planted.rs"), text)).len()
        };
        assert_eq!(planted(""), 0, "{}", file.path);
        for other in LAW.iter().filter(|other| other.name != room.name && !room.may_use.contains(&other.name)) {
            assert!(planted(&format!("use crate::{}::planted;", other.name)) > 0, "{} uses {}", room.name, other.name);
            assert!(planted(&format!("use crate::{{{}::planted, x}};", other.name)) > 0, "{} uses {}", room.name, other.name);
        }
        for thing in room.never {
            for sign in thing.signs() {
                assert!(planted(&format!("fn planted() {{ {sign} }}")) > 0, "{} contains {sign}", room.name);
            }
        }
    }
}

#[test]
fn architecture_prints_the_table_that_is_held() {
    const BEGIN: &str = "<!-- generated from tests/tidy/law.rs by make golden -->\n";
    const END: &str = "<!-- end -->";
    let path = root().join("ARCHITECTURE.md");
    let page = fs::read_to_string(&path).unwrap();
    let (before, rest) = page.split_once(BEGIN).expect("ARCHITECTURE.md marks the table");
    let (table, after) = rest.split_once(END).expect("the table ends");
    if std::env::var_os("CRM_BACKFILL_GOLDEN").is_some() {
        fs::write(&path, format!("{before}{BEGIN}{}{END}{after}", law::table())).unwrap();
    } else {
        assert_eq!(table, law::table(), "run make golden");
    }
}

#[test]
fn shipped_code_never_unwraps() {
    let found: Vec<_> =
        sources().into_iter().filter(|file| file.shipped_code().contains(".unwrap()")).map(|file| file.path).collect();
    assert!(found.is_empty(), "{found:?}");
}

#[test]
fn every_test_file_is_part_of_the_one_binary() {
    let folder = root().join("tests");
    let declares = |file: PathBuf, name: &str| fs::read_to_string(file).is_ok_and(|text| text.contains(&format!("mod {name};")));
    let lost: Vec<_> = rust_files(&folder)
        .into_iter()
        .filter(|path| *path != folder.join("main.rs"))
        .filter(|path| {
            let module = if path.ends_with("mod.rs") { path.parent().unwrap().to_owned() } else { path.with_extension("") };
            let (parent, name) = (module.parent().unwrap(), module.file_name().unwrap().to_str().unwrap());
            let within = if parent == folder { "main.rs" } else { "mod.rs" };
            !declares(parent.join(within), name) && !declares(parent.with_extension("rs"), name)
        })
        .collect();
    assert!(lost.is_empty(), "not declared in the module above: {lost:?}");
}
