//! Sources, documents, messages and test names contain no word that docs/naming.md bans; names of tests are short.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Where the table of banned words is; it names them, so it is not searched.
const LAW: &str = "docs/naming.md";
/// The planted words of these tests.
const THIS: &str = "tests/words.rs";
/// The heading of the table.
const HEADING: &str = "## Banned words";
/// Folders and files of the root that are searched.
const SEARCHED: &[&str] = &["src", "sql", "docs", "schemas", "scripts", "benches", "tests", "data/reference"];

/// One line of the table.
struct Ban {
    phrases: Vec<Phrase>,
    instead: String,
    /// Longer phrases and codes in which the word is meant otherwise.
    exceptions: Vec<Phrase>,
    /// Files and folders in which the word is a term.
    allowed_in: Vec<String>,
    /// Whether names in code are searched too, not only comments, strings and the names of tests.
    in_names: bool,
}

/// Words in a row.
struct Phrase(Vec<String>);

impl Phrase {
    fn new(text: &str) -> Self {
        let words: Vec<String> = tokens(text).into_iter().map(|token| token.text).collect();
        assert!(!words.is_empty(), "{LAW}: an empty phrase");
        Self(words)
    }

    /// A phrase with capitals is a code, and is compared with its case; `*` at the end of a word stands for any ending.
    fn is_at(&self, tokens: &[Token]) -> bool {
        tokens.len() >= self.0.len()
            && self.0.iter().zip(tokens).all(|(word, token)| {
                if word.chars().any(char::is_uppercase) {
                    *word == token.text
                } else if let Some(stem) = word.strip_suffix('*') {
                    token.lower.starts_with(stem)
                } else {
                    *word == token.lower
                }
            })
    }

    fn places(&self, text: &Text) -> Vec<usize> {
        let first = self.0[0].to_lowercase();
        let mut places: Vec<usize> = match first.strip_suffix('*') {
            None => text.places.get(&first).cloned().unwrap_or_default(),
            Some(stem) => text.places.iter().filter(|(word, _)| word.starts_with(stem)).flat_map(|(_, at)| at).copied().collect(),
        };
        places.retain(|&at| self.is_at(&text.tokens[at..]));
        places
    }
}

/// The words of a text and where each of them is.
struct Text {
    tokens: Vec<Token>,
    places: HashMap<String, Vec<usize>>,
}

impl Text {
    fn new(text: &str) -> Self {
        let tokens = tokens(text);
        let mut places = HashMap::<String, Vec<usize>>::new();
        for (at, token) in tokens.iter().enumerate() {
            places.entry(token.lower.clone()).or_default().push(at);
        }
        Self { tokens, places }
    }
}

/// A word, or a sign that ends a phrase.
struct Token {
    text: String,
    lower: String,
    line: usize,
}

/// The words of a text; a name in code is split where a new word of it begins.
fn tokens(text: &str) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    for (index, line) in text.lines().enumerate() {
        let line = line.trim_start().trim_start_matches(['/', '!', '#', '-']).trim_end_matches('\\');
        let mut word = String::new();
        let mut end = |word: &mut String| {
            let text = std::mem::take(word);
            if !text.is_empty() {
                tokens.push(Token { lower: text.to_lowercase(), text, line: index + 1 });
            }
        };
        for c in line.chars() {
            let begins_word = c.is_uppercase() && word.ends_with(char::is_lowercase);
            if begins_word || !(c.is_alphanumeric() || c == '*') {
                end(&mut word);
            }
            if c.is_alphanumeric() || (c == '*' && !word.is_empty()) {
                word.push(c);
            } else if !c.is_whitespace() && !"_`'\"*".contains(c) {
                end(&mut c.to_string());
            }
        }
        end(&mut word);
    }
    tokens
}

/// Rust code with everything blanked but comments, strings, and names of functions that are sentences.
fn prose(code: &str) -> String {
    let chars: Vec<char> = code.chars().collect();
    let mut kept = String::with_capacity(code.len());
    let mut at = 0;
    let blank = |c: char| if c.is_whitespace() { c } else { '·' };
    while at < chars.len() {
        let rest = &chars[at..];
        let begins_name = at == 0 || !(chars[at - 1].is_alphanumeric() || chars[at - 1] == '_');
        let length = match rest {
            ['/', '/', ..] => rest.iter().position(|&c| c == '\n').unwrap_or(rest.len()),
            ['"', ..] => 1 + string_length(&rest[1..]),
            ['r', '"' | '#', ..] if begins_name => raw_string_length(rest),
            ['\'', '\\', _, ..] => 3 + rest[3..].iter().position(|&c| c == '\'').unwrap_or(0) + 1,
            ['\'', _, '\'', ..] => 3,
            ['f', 'n', ' ', ..] if begins_name => {
                let name = rest[3..].iter().take_while(|c| c.is_alphanumeric() || **c == '_').collect::<String>();
                let is_sentence = name.matches('_').count() > 1;
                kept.push_str("···");
                kept.push_str(&if is_sentence { name.clone() } else { "·".repeat(name.chars().count()) });
                at += 3 + name.chars().count();
                continue;
            }
            _ => 0,
        };
        if length == 0 {
            kept.push(blank(rest[0]));
            at += 1;
            continue;
        }
        if rest[0] == '\'' {
            kept.extend(rest[..length].iter().map(|&c| blank(c)));
        } else {
            let mut is_value = false;
            for &c in &rest[..length] {
                is_value = c == '{' || (is_value && c != '}');
                kept.push(if is_value { blank(c) } else { c });
            }
        }
        at += length;
    }
    kept
}

/// The characters of a string after its opening quote, the closing one included.
fn string_length(rest: &[char]) -> usize {
    let mut at = 0;
    while at < rest.len() && rest[at] != '"' {
        at += if rest[at] == '\\' { 2 } else { 1 };
    }
    at + 1
}

/// The characters of a raw string, or 0 where a raw name begins.
fn raw_string_length(rest: &[char]) -> usize {
    let hashes = rest[1..].iter().take_while(|c| **c == '#').count();
    if rest.get(1 + hashes) != Some(&'"') {
        return 0;
    }
    let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
    let body = &rest[2 + hashes..];
    let end = body.windows(close.len()).position(|window| window == close).expect("a raw string ends");
    2 + hashes + end + close.len()
}

/// The table: banned words, what to write instead, where the words are meant otherwise. A banned word in backquotes is banned in
/// names too; an entry of the third column is a path, or a phrase that contains the word.
fn bans(page: &str) -> Vec<Ban> {
    let (_, section) = page.split_once(HEADING).expect("the page has the table");
    let section = section.split("\n## ").next().unwrap_or(section);
    let rows = section.lines().filter(|line| line.starts_with('|')).skip(2);
    let cells = |cell: &str| -> Vec<String> {
        cell.split(',').map(|entry| entry.trim().to_owned()).filter(|entry| !entry.is_empty()).collect()
    };
    let ban = |line: &str| {
        let [banned, instead, except] = line.trim_matches('|').split('|').map(str::trim).collect::<Vec<_>>()[..] else {
            panic!("{LAW}: three cells are expected: {line}");
        };
        let is_path = |entry: &String| SEARCHED.iter().any(|folder| entry.starts_with(folder)) || entry.ends_with(".md");
        let (allowed_in, exceptions): (Vec<_>, Vec<_>) =
            cells(except).into_iter().map(|entry| entry.replace('`', "")).partition(is_path);
        Ban {
            phrases: cells(banned).iter().map(|phrase| Phrase::new(phrase)).collect(),
            instead: instead.to_owned(),
            exceptions: exceptions.iter().map(|phrase| Phrase::new(phrase)).collect(),
            allowed_in,
            in_names: banned.starts_with('`'),
        }
    };
    rows.map(ban).collect()
}

/// What a text contains that is banned: line, words, what to write instead.
fn banned(path: &str, text: &str, bans: &[Ban]) -> Vec<String> {
    let is_code = path.ends_with(".rs");
    let all = Text::new(text);
    let said = if is_code { Text::new(&prose(text)) } else { Text::new("") };
    let mut found = Vec::new();
    for ban in bans.iter().filter(|ban| !ban.allowed_in.iter().any(|place| path.starts_with(place))) {
        let text = if is_code && !ban.in_names { &said } else { &all };
        let range = |phrase: &Phrase, at: usize| at..at + phrase.0.len();
        let excepted: Vec<_> =
            ban.exceptions.iter().flat_map(|phrase| phrase.places(text).into_iter().map(|at| range(phrase, at))).collect();
        for phrase in &ban.phrases {
            for at in phrase.places(text) {
                if excepted.iter().any(|range| range.contains(&at)) {
                    continue;
                }
                found.push(format!("{path}:{}: {:?}; write: {}", text.tokens[at].line, phrase.0.join(" "), ban.instead));
            }
        }
    }
    found
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn texts_in(folder: &Path, texts: &mut Vec<(String, String)>) {
    for entry in fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        if entry.is_dir() {
            texts_in(&entry, texts);
        } else {
            add_text(&entry, texts);
        }
    }
}

/// Adds a file that people write; tables, keys and generated results are none.
fn add_text(path: &Path, texts: &mut Vec<(String, String)>) {
    let name = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
    let is_written = match path.extension() {
        Some(extension) => ["rs", "sql", "md", "toml", "py", "html"].iter().any(|written| extension == *written),
        None => true,
    };
    if is_written && name != LAW && name != THIS && !name.starts_with("tests/golden/") && !name.contains("LICENSE") {
        texts.extend(fs::read_to_string(path).ok().map(|text| (name, text)));
    }
}

fn texts() -> Vec<(String, String)> {
    let mut texts = Vec::new();
    SEARCHED.iter().for_each(|folder| texts_in(&root().join(folder), &mut texts));
    for entry in fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().path()) {
        let is_hidden = entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
        if entry.is_file() && !is_hidden {
            add_text(&entry, &mut texts);
        }
    }
    texts
}

fn law() -> Vec<Ban> {
    bans(&fs::read_to_string(root().join(LAW)).unwrap())
}

#[test]
fn no_text_contains_a_banned_word() {
    let law = law();
    let texts = texts();
    assert!(texts.len() > 500, "{} texts", texts.len());
    let found: Vec<String> = texts.iter().flat_map(|(path, text)| banned(path, text, &law)).collect();
    assert!(found.is_empty(), "{} banned words:\n{}", found.len(), found.join("\n"));
}

#[test]
fn test_names_fit_into_seventy_characters() {
    let mut long = Vec::new();
    for (path, text) in texts() {
        let mut lines = text.lines();
        while lines.by_ref().any(|line| line.trim() == "#[test]") {
            let name = lines.by_ref().map(str::trim).find_map(|line| line.strip_prefix("fn "));
            let name = name.and_then(|name| name.split('(').next()).unwrap_or_default();
            if name.len() > 70 {
                long.push(format!("{path}: {name}"));
            }
        }
    }
    assert!(long.is_empty(), "{}", long.join("\n"));
}

#[test]
fn every_banned_word_is_found_where_it_is_planted() {
    for ban in law() {
        for phrase in &ban.phrases {
            let words = phrase.0.join(" ").replace('*', "");
            let law = std::slice::from_ref(&ban);
            for (path, text) in [
                ("planted.md", format!("Some text, {words}, and more.")),
                ("planted.rs", format!("/// Says {words}.\nfn f() {{}}")),
                ("planted.rs", format!("fn f() {{ g(\"says {words} here\") }}")),
                ("planted.rs", format!("#[test]\nfn it_says_{}_here() {{}}", words.replace(' ', "_"))),
                ("planted.sql", format!("-- {}\nselect 1", words.replace(' ', "\n-- "))),
            ] {
                assert_eq!(banned(path, &text, law).len(), 1, "{text}");
            }
        }
    }
}

#[test]
fn words_are_found_as_words_and_only_where_they_are_meant() {
    let page = format!(
        "{HEADING}\n\n| banned | write instead | not meant |\n|---|---|---|\n| `hut`, huts | house | `SMALL_HUT`, hut cheese |\n\
         | is no | is not a | is no longer, src/old/ |\n| refus* | reject |  |\n\n## Next\n"
    );
    let law = bans(&page);
    let count = |path: &str, text: &str| banned(path, text, &law).len();
    assert_eq!(count("a.md", "A hut. Two Huts. A shutter, a hut cheese, SMALL_HUT."), 2);
    assert_eq!(count("a.md", "It is\nno file."), 1);
    assert_eq!(count("a.md", "It is no longer a file. That is. No file."), 0);
    assert_eq!(count("a.md", "He refused; a refusal."), 2);
    assert_eq!(count("a.rs", "struct SmallHut; let small_hut = 1; let huts = 2; let chutney = 'x';"), 3, "names of code");
    assert_eq!(
        count("a.rs", "/// It is\n/// no file.\nlet a = \"is \\\n   no b\"; let is_no = r#\"is no \"c\"\"#;"),
        3,
        "said over lines"
    );
    assert_eq!(count("src/old/a.rs", "// It is no file."), 0);
}
