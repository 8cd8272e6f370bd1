//! Rust files for the rules: the text, the text without comments, and the code without tests.

use std::fs;
use std::path::{Path, PathBuf};

/// One file below `src/`.
#[derive(Clone)]
pub struct SourceFile {
    /// Path below `src/`, with `/`.
    pub path: String,
    /// The text.
    pub text: String,
    /// The text without comments; strings stay.
    pub code: String,
    /// Whether only tests compile it.
    pub is_test: bool,
}

impl SourceFile {
    /// A file of this text.
    pub fn new(path: &str, text: String) -> Self {
        let code = without_comments(&text);
        Self { path: path.to_owned(), text, code, is_test: false }
    }

    /// The code without the modules and items behind `#[cfg(test)]`.
    pub fn shipped_code(&self) -> String {
        if self.is_test {
            return String::new();
        }
        without_test_items(&self.code)
    }

    /// The module the file belongs to: its folder or file directly below `src/`.
    pub fn room(&self) -> &str {
        let first = self.path.split('/').next().unwrap_or_default();
        first.strip_suffix(".rs").unwrap_or(first)
    }
}

/// The root of the checkout.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).to_owned()
}

/// Every Rust file below a folder, in order.
pub fn rust_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Every file of `src/`.
pub fn sources() -> Vec<SourceFile> {
    let src = root().join("src");
    let name = |path: &Path| path.strip_prefix(&src).unwrap().to_string_lossy().into_owned();
    let mut files: Vec<SourceFile> =
        rust_files(&src).iter().map(|path| SourceFile::new(&name(path), fs::read_to_string(path).unwrap())).collect();
    let tests: Vec<String> = files.iter().flat_map(test_modules).collect();
    for file in &mut files {
        let module = file.path.trim_end_matches(".rs").trim_end_matches("/mod");
        file.is_test =
            tests.iter().any(|test| module == test || module.strip_prefix(test).is_some_and(|rest| rest.starts_with('/')));
    }
    files
}

/// A declaration without `pub` or `pub(…)`.
pub fn without_visibility(line: &str) -> &str {
    let Some(rest) = line.strip_prefix("pub") else { return line };
    rest.strip_prefix('(').and_then(|rest| rest.split_once(')')).map_or(rest, |(_, rest)| rest).trim_start()
}

/// Modules in files of their own that a file declares behind `#[cfg(test)]`.
fn test_modules(file: &SourceFile) -> Vec<String> {
    let folder = match file.path.trim_end_matches(".rs") {
        "lib" => "",
        stem => stem.strip_suffix("/mod").unwrap_or(stem),
    };
    let lines: Vec<&str> = file.code.lines().map(str::trim).collect();
    let declared = lines
        .windows(2)
        .filter(|pair| pair[0] == "#[cfg(test)]")
        .filter_map(|pair| without_visibility(pair[1]).strip_prefix("mod ")?.strip_suffix(';'));
    declared.map(|name| if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }).collect()
}

/// Length of the token that starts here, and whether it is a comment. Strings, raw strings and characters are one token each.
fn token(rest: &str) -> (usize, bool) {
    let until = |end: &str, from: usize| rest[from..].find(end).map_or(rest.len(), |at| from + at + end.len());
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), true);
    }
    if rest.starts_with("/*") {
        return (until("*/", 2), true);
    }
    if let Some(hashes) = raw_string(rest) {
        let open = rest.find('"').unwrap_or(0) + 1;
        return (until(&format!("\"{}", "#".repeat(hashes)), open), false);
    }
    if rest.starts_with('"') {
        let mut escaped = false;
        for (at, c) in rest.char_indices().skip(1) {
            match c {
                '"' if !escaped => return (at + 1, false),
                '\\' => escaped = !escaped,
                _ => escaped = false,
            }
        }
        return (rest.len(), false);
    }
    // A quote opens a character where it is closed after one, escaped or not; else it is a lifetime.
    if let Some(inside) = rest.strip_prefix('\'') {
        let mut chars = inside.char_indices();
        let closes = match chars.next() {
            Some((_, '\\')) => inside[2..].find('\'').map(|at| at + 3),
            Some((_, c)) if inside[c.len_utf8()..].starts_with('\'') => Some(c.len_utf8() + 1),
            _ => None,
        };
        return (1 + closes.unwrap_or(0), false);
    }
    (rest.chars().next().map_or(1, char::len_utf8), false)
}

/// How many `#` a raw string that starts here has.
fn raw_string(rest: &str) -> Option<usize> {
    let after = rest.strip_prefix('r').or_else(|| rest.strip_prefix("br"))?;
    let hashes = after.len() - after.trim_start_matches('#').len();
    after[hashes..].starts_with('"').then_some(hashes)
}

fn tokens(text: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut at = 0;
    let mut before = ' ';
    std::iter::from_fn(move || {
        let rest = text.get(at..).filter(|rest| !rest.is_empty())?;
        // The r of an identifier such as `for` opens no raw string.
        let (length, is_comment) =
            if before.is_alphanumeric() && rest.starts_with(['r', 'b']) { (1, false) } else { token(rest) };
        at += length;
        before = rest[..length].chars().next_back().unwrap_or(' ');
        Some((&rest[..length], is_comment))
    })
}

fn without_comments(text: &str) -> String {
    tokens(text).filter(|(_, is_comment)| !is_comment).map(|(token, _)| token).collect()
}

/// Drops each item behind `#[cfg(test)]`: up to its semicolon, or to the brace that closes it.
fn without_test_items(code: &str) -> String {
    const MARK: &str = "#[cfg(test)]";
    let mut kept = String::new();
    let mut rest = code;
    while let Some(at) = rest.find(MARK) {
        kept.push_str(&rest[..at]);
        let item = &rest[at + MARK.len()..];
        let (mut depth, mut length) = (0_i32, 0);
        for (token, _) in tokens(item) {
            length += token.len();
            match token {
                "{" => depth += 1,
                "}" => depth -= 1,
                _ => {}
            }
            if depth == 0 && (token == ";" || token == "}") {
                break;
            }
        }
        rest = &item[length..];
    }
    kept.push_str(rest);
    kept
}

#[test]
fn comments_go_and_strings_stay() {
    let code = without_comments("a // b\n/* c */ \"// d\" r#\"/* \" e */\"# '\"' // f\n'x: g");
    assert_eq!(code, "a \n \"// d\" r#\"/* \" e */\"# '\"' \n'x: g");
}

#[test]
fn code_after_a_test_module_is_read() {
    let code = "fn a() {}\n#[cfg(test)]\nmod tests { fn b() { \"}\"; } }\nfn c() {}\n#[cfg(test)]\nuse d;\nfn e() {}";
    let kept = without_test_items(code);
    assert!(kept.contains("fn a") && kept.contains("fn c") && kept.contains("fn e"), "{kept}");
    assert!(!kept.contains("fn b") && !kept.contains("use d"), "{kept}");
}
