//! Compares spellings of names by their letters: misspellings, similar sounds, shortened and joined forms, initials.

use smallvec::SmallVec;

/// In shorter names one edit makes another name, not a misspelling.
const SHORTEST_SLIP: usize = 4;
/// In names of at least this many letters two edits may be a misspelling.
const TWO_EDITS: usize = 6;

/// Whether one is a misspelling of the other: one edit (a letter added, removed, replaced, or two swapped) in names of at least
/// four letters, two edits in long names with the same initial, or nearly the same beginning.
pub fn is_slip(x: &str, y: &str) -> bool {
    let shorter = x.len().min(y.len());
    if shorter < SHORTEST_SLIP || x.len().abs_diff(y.len()) > 2 {
        return false;
    }
    one_edit(x.as_bytes(), y.as_bytes())
        || (shorter >= 6 && strsim::jaro_winkler(x, y) >= 0.95)
        || (shorter >= TWO_EDITS && x.as_bytes()[0] == y.as_bytes()[0] && strsim::osa_distance(x, y) <= 2)
}

/// Whether two different texts are one insertion, deletion, substitution or swap of neighbours apart.
pub fn one_edit(x: &[u8], y: &[u8]) -> bool {
    if x.len().abs_diff(y.len()) > 1 {
        return false;
    }
    let start = x.iter().zip(y).take_while(|(a, b)| a == b).count();
    let (x, y) = (&x[start..], &y[start..]);
    let end = x.iter().rev().zip(y.iter().rev()).take_while(|(a, b)| a == b).count();
    let (x, y) = (&x[..x.len() - end], &y[..y.len() - end]);
    match (x, y) {
        ([], []) => false,
        ([_], []) | ([], [_]) | ([_], [_]) => true,
        ([a, b], [c, d]) => a == d && b == c,
        _ => false,
    }
}

/// Whether one is a shortened form of the other: `raj` of `rajendran`, `bongie` of `bonginkosi`.
pub fn is_clipped(x: &str, y: &str) -> bool {
    let (short, long) = if x.len() < y.len() { (x, y) } else { (y, x) };
    if short.len() < 3 || long.len() < short.len() + 2 || short.contains(' ') {
        return false;
    }
    if long.starts_with(short) {
        return true;
    }
    let stem = short.trim_end_matches(['i', 'e', 'y']);
    stem.len() >= 3 && stem.len() < short.len() && long.starts_with(stem)
}

/// Whether one is the other, truncated by the length of a field.
pub fn is_cut(x: &str, y: &str) -> bool {
    let (short, long) = if x.len() < y.len() { (x, y) } else { (y, x) };
    short.len() >= 8 && long.starts_with(short)
}

/// The phonetic form of a name; longer names are cut.
type Sound = SmallVec<[u8; 24]>;

/// Whether two different names sound alike: `yusuf` and `yousoof`, `hsiaoling` and `xiaoling`.
pub fn sound_alike(x: &str, y: &str) -> bool {
    let (a, b) = (sound(x), sound(y));
    (a.len() >= 3 && a == b) || (is_wade_giles(x) != is_wade_giles(y) && mandarin(x) == mandarin(y))
}

/// The phonetic form: one spelling for each sound, without doubled letters, silent h and blanks.
fn sound(name: &str) -> Sound {
    let letters: SmallVec<[u8; 32]> = name.bytes().filter(|&byte| byte != b' ').take(24).collect();
    let mut sound = Sound::new();
    let mut at = 0;
    while at < letters.len() {
        let next = letters.get(at + 1).copied().unwrap_or(b' ');
        let (said, taken): (&[u8], usize) = match (letters[at], next) {
            (b'p', b'h') => (b"f", 2),
            (b'c' | b's', b'h') => (b"s", 2),
            (b'z', b'h') => (b"z", 2),
            (b'k' | b'g' | b't' | b'd' | b'b' | b'r', b'h') => (&letters[at..=at], 2),
            (b't' | b'd', b'z') | (b't', b's') => (b"z", 2),
            (b'c', b'k') => (b"k", 2),
            (b'c', b'e' | b'i' | b'y') => (b"s", 1),
            (b'c' | b'q', _) => (b"k", 1),
            (b'o', b'o' | b'u') => (b"u", 2),
            (b'e', b'e' | b'a') | (b'i', b'e' | b'j') => (b"i", 2),
            (b'e' | b'a', b'i' | b'y') => (b"e", 2),
            (b'y' | b'j', _) if at > 0 => (b"i", 1),
            (b'y', _) => (b"i", 1),
            (b'w', _) => (b"v", 1),
            (b'x', _) => (b"ks", 1),
            (b'h', _) if at > 0 => (b"", 1),
            _ => (&letters[at..=at], 1),
        };
        for &letter in said {
            if sound.last() != Some(&letter) {
                sound.push(letter);
            }
        }
        at += taken;
    }
    if sound.len() > 3 && sound.last() == Some(&b'e') {
        sound.pop();
    }
    sound
}

/// Whether a name has a mark of the older romanisation of Mandarin.
fn is_wade_giles(name: &str) -> bool {
    name.starts_with("hs") || [" hs", "ueh", "ien", "ung", "tzu", "ts", "ih"].iter().any(|mark| name.contains(mark))
}

/// A Mandarin name in one romanisation, as far as possible without apostrophes.
fn mandarin(name: &str) -> String {
    let mut text: String = name.chars().filter(|letter| *letter != ' ').collect();
    for (older, newer) in [
        ("hs", "x"),
        ("ueh", "ue"),
        ("ien", "ian"),
        ("ung", "ong"),
        ("tzu", "zi"),
        ("szu", "si"),
        ("ts", "c"),
        ("ih", "i"),
        ("zh", "c"),
        ("ch", "c"),
        ("sh", "s"),
        ("j", "c"),
        ("q", "c"),
        ("z", "c"),
        ("g", "k"),
        ("d", "t"),
        ("b", "p"),
        ("nk", "ng"),
        ("uei", "ui"),
        ("kuo", "kuo"),
    ] {
        text = text.replace(older, newer);
    }
    text
}

/// Whether a name consists of initials: `j`, `j p`, or `pj`, which has no vowel.
pub fn is_initials(name: &str) -> bool {
    name.split(' ').all(|word| word.chars().count() == 1)
        || (name.len() <= 3 && name.bytes().all(|byte| byte.is_ascii_lowercase() && !b"aeiouy".contains(&byte)))
}

/// Number of initials that match a name or other initials; `None` if they conflict.
pub fn initials_fit(x: &str, y: &str) -> Option<usize> {
    let initials = |name: &str| -> SmallVec<[char; 6]> {
        if is_initials(name) {
            name.chars().filter(|letter| *letter != ' ').collect()
        } else {
            name.split(' ').filter_map(|word| word.chars().next()).collect()
        }
    };
    let (a, b) = (initials(x), initials(y));
    let both = a.len().min(b.len());
    (both > 0 && a[..both] == b[..both]).then_some(both)
}

/// Replaces letters of other alphabets that look Latin, in a name that is otherwise Latin; `None` if there are none.
pub fn unmask(name: &str) -> Option<String> {
    if name.is_ascii() || !name.bytes().any(|byte| byte.is_ascii_alphabetic()) {
        return None;
    }
    let look_alike = |letter: char| match letter {
        'а' | 'α' => 'a',
        'в' => 'b',
        'с' | 'ϲ' => 'c',
        'ԁ' => 'd',
        'е' | 'ε' => 'e',
        'һ' => 'h',
        'і' | 'ι' | 'ı' => 'i',
        'ј' => 'j',
        'к' | 'κ' => 'k',
        'м' => 'm',
        'ո' => 'n',
        'о' | 'ο' => 'o',
        'р' | 'ρ' => 'p',
        'ѕ' => 's',
        'т' | 'τ' => 't',
        'υ' | 'ս' => 'u',
        'ν' | 'ѵ' => 'v',
        'ѡ' => 'w',
        'х' | 'χ' => 'x',
        'у' | 'γ' => 'y',
        other => other,
    };
    Some(name.chars().map(look_alike).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_edit_is_exactly_one() {
        assert!(one_edit(b"smith", b"smth"));
        assert!(one_edit(b"smith", b"simth"));
        assert!(one_edit(b"smith", b"smyth"));
        assert!(!one_edit(b"smith", b"smith"));
        assert!(!one_edit(b"smith", b"smythe"));
    }

    #[test]
    fn two_edits_are_a_slip_only_in_long_names_of_one_initial() {
        assert!(is_slip("harrington", "haringtn"));
        assert!(!is_slip("brown", "bwrn"));
        assert!(!is_slip("harrington", "barringtoon"));
    }

    #[test]
    fn names_that_sound_alike_are_recognised_in_several_ways_of_writing() {
        for (a, b) in [
            ("yusuf", "yousoof"),
            ("sofia", "sophia"),
            ("kathrin", "catrin"),
            ("mohamad", "mohammad"),
            ("hsiao ling", "xiaoling"),
            ("hsueh chin", "xueqin"),
            ("chien kuo", "jianguo"),
        ] {
            assert!(sound_alike(a, b) && sound_alike(b, a), "{a} {b}");
        }
        for (a, b) in [("tina", "dina"), ("john", "joan"), ("maria", "mario"), ("kim", "tim")] {
            assert!(!sound_alike(a, b), "{a} {b}");
        }
    }

    #[test]
    fn short_forms_begin_like_the_name() {
        for (a, b) in [("raj", "rajendran"), ("bongie", "bonginkosi"), ("thandokuhle", "thando")] {
            assert!(is_clipped(a, b), "{a} {b}");
        }
        assert!(!is_clipped("jo", "john") && !is_clipped("ann", "anna") && !is_clipped("mark", "marcus"));
    }

    #[test]
    fn initials_fit_as_far_as_both_sides_have_them() {
        assert_eq!(initials_fit("pj", "petrus johannes"), Some(2));
        assert_eq!(initials_fit("j p", "john"), Some(1));
        assert_eq!(initials_fit("j p", "john mark"), None);
        assert_eq!(initials_fit("k", "john"), None);
    }

    #[test]
    fn look_alike_letters_count_as_latin_only_among_latin_ones() {
        assert_eq!(unmask("p\u{430}ul").as_deref(), Some("paul"));
        assert_eq!(unmask("иван"), None);
        assert_eq!(unmask("paul"), None);
    }
}
