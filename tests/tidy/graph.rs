//! The import graph of `src/`, file by file, with re-exports followed to where a name is declared.

use std::collections::{BTreeMap, BTreeSet};

use super::code::SourceFile;

/// A module by its path, such as `["resolve", "compare", "score"]`.
type Path = Vec<String>;

/// Groups of files that import each other in a circle. A module and its own parents do not count: `use super::…` is how Rust nests.
pub fn circles(files: &[SourceFile]) -> Vec<Vec<String>> {
    let modules: BTreeMap<Path, &SourceFile> = files.iter().filter_map(|file| Some((module_path(&file.path)?, file))).collect();
    let exported = exports(&modules);
    let edges: BTreeMap<&Path, BTreeSet<&Path>> =
        modules.iter().map(|(module, file)| (module, targets(module, &file.code, &modules, &exported))).collect();
    let reach: BTreeMap<&Path, BTreeSet<&Path>> = edges.keys().map(|module| (*module, reachable(module, &edges))).collect();
    let mut circles = BTreeSet::new();
    for (module, reached) in reach.iter().filter(|(module, reached)| reached.contains(*module)) {
        let members: BTreeSet<String> =
            reached.iter().filter(|other| reach[**other].contains(*module)).map(|path| path.join("::")).collect();
        circles.insert(members);
    }
    circles.into_iter().map(|circle| circle.into_iter().collect()).collect()
}

fn module_path(file: &str) -> Option<Path> {
    let stem = file.strip_suffix(".rs")?;
    if stem.starts_with("bin/") || stem == "lib" || stem.ends_with("/tests") {
        return None;
    }
    let stem = stem.strip_suffix("/mod").unwrap_or(stem);
    Some(stem.split('/').map(str::to_owned).collect())
}

/// Names that a module re-exports, with where they come from.
fn exports(modules: &BTreeMap<Path, &SourceFile>) -> BTreeMap<Path, Path> {
    let mut exported = BTreeMap::new();
    for (module, file) in modules {
        for (_, statement) in file.code.match_indices("pub use ").map(|(at, found)| (at, &file.code[at + found.len()..])) {
            for path in expand(&statement[..statement.find(';').unwrap_or(statement.len())]) {
                let Some(target) = absolute(module, &path, modules) else { continue };
                let name = target.last().cloned().unwrap_or_default();
                exported.insert([module.clone(), vec![name]].concat(), target);
            }
        }
    }
    exported
}

/// Modules whose items a file names.
fn targets<'a>(
    module: &Path,
    code: &str,
    modules: &'a BTreeMap<Path, &SourceFile>,
    exported: &BTreeMap<Path, Path>,
) -> BTreeSet<&'a Path> {
    let mut found = BTreeSet::new();
    for path in uses(code).chain(inline_paths(code)) {
        let Some(mut target) = absolute(module, &path, modules) else { continue };
        let exporting = |path: &[String]| (1..=path.len()).rev().find(|&length| exported.contains_key(&path[..length]));
        // A module may re-export the item that bears its own name, so what was followed once is not followed again.
        let mut followed = BTreeSet::new();
        while let Some(length) = exporting(&target)
            && followed.insert(target[..length].to_vec())
        {
            let rest = target.split_off(length);
            target = [exported[&target].clone(), rest].concat();
        }
        let declared = (1..=target.len()).rev().find_map(|length| modules.get_key_value(&target[..length]));
        if let Some((declared, _)) = declared
            && !declared.starts_with(module)
            && !module.starts_with(declared)
        {
            found.insert(declared);
        }
    }
    found
}

fn uses(code: &str) -> impl Iterator<Item = String> {
    code.match_indices("use ").flat_map(|(at, found)| {
        let statement = &code[at + found.len()..];
        expand(&statement[..statement.find(';').unwrap_or(0)])
    })
}

fn inline_paths(code: &str) -> impl Iterator<Item = String> {
    code.match_indices("crate::").map(|(at, _)| {
        let rest = &code[at..];
        rest[..rest.find(|c: char| !c.is_alphanumeric() && c != '_' && c != ':').unwrap_or(rest.len())].to_owned()
    })
}

/// A path from the crate's root, or `None` where it leads out of the crate.
fn absolute(module: &Path, path: &str, modules: &BTreeMap<Path, &SourceFile>) -> Option<Path> {
    let segments: Path =
        path.split(" as ").next()?.split("::").map(|segment| segment.trim().to_owned()).filter(|s| !s.is_empty()).collect();
    match segments.first()?.as_str() {
        "crate" => Some(segments[1..].to_vec()),
        first => {
            let child = [module.clone(), vec![first.to_owned()]].concat();
            modules.contains_key(&child).then(|| [module.clone(), segments].concat())
        }
    }
}

/// The single paths of a `use` with brace lists.
fn expand(statement: &str) -> Vec<String> {
    let Some((before, list)) = statement.trim().split_once('{') else { return vec![statement.trim().to_owned()] };
    let list = list.rsplit_once('}').map_or(list, |(list, _)| list);
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for c in list.chars() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if c == ',' && depth == 0 { parts.push(String::new()) } else { parts.last_mut().expect("never empty").push(c) }
    }
    parts.iter().filter(|part| !part.trim().is_empty()).flat_map(|part| expand(&format!("{before}{}", part.trim()))).collect()
}

fn reachable<'a>(from: &Path, edges: &BTreeMap<&'a Path, BTreeSet<&'a Path>>) -> BTreeSet<&'a Path> {
    let mut reached = BTreeSet::new();
    let mut next: Vec<&Path> = edges[from].iter().copied().collect();
    while let Some(module) = next.pop() {
        if reached.insert(module) {
            next.extend(edges[module].iter().copied());
        }
    }
    reached
}

#[test]
fn a_circle_through_a_re_export_is_found() {
    let file = |path: &str, text: &str| SourceFile::new(path, text.to_owned());
    let files = [
        file("a/mod.rs", "mod one; pub use one::One;"),
        file("a/one.rs", "use crate::b::{two::Two, three};"),
        file("b/mod.rs", "pub mod two;"),
        file("b/two.rs", "use crate::a::One;"),
    ];
    assert_eq!(circles(&files), [["a::one", "b::two"]]);
    assert!(circles(&files[..3]).is_empty());
}
