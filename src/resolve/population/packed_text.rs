//! Packed texts: emails take two thirds of their size, numbers and UUIDs half or less, and growing does not copy.

use std::ops::Deref;

/// Bytes of a block; a text never spans two blocks.
const BLOCK: usize = 1 << 20;
/// Free bytes that a block must have for a new group; a longer group makes its block longer.
const SLACK: usize = 1 << 10;
/// Texts per group; a group has one memory address.
const GROUP: usize = 8;

/// Codes below this one are lengths of unpacked texts.
const LETTERS: u8 = 64;
/// Codes from here on: the number of letters of [`ALPHABET`], three in two bytes.
const SIGNED: u8 = 128;
/// Codes from here on: `+` and the number of decimal digits.
const HEXADECIMAL: u8 = 160;
/// Codes from here on: the number of hexadecimal digits.
const UUID: u8 = 224;
/// Code of an unpacked long text, whose length is stored separately.
const LONG: u8 = 255;

/// The characters of emails.
const ALPHABET: &[u8; 40] = b"abcdefghijklmnopqrstuvwxyz0123456789@._-";
/// Position of each byte in the alphabet; a larger value for other bytes.
const PLACES: [u8; 256] = {
    let mut places = [u8::MAX; 256];
    let mut place = 0;
    while place < ALPHABET.len() {
        places[ALPHABET[place] as usize] = place as u8;
        place += 1;
    }
    places
};

/// Flags of each byte: decimal digit, lower-case hexadecimal digit, letter of the alphabet.
const KINDS: [u8; 256] = {
    let mut kinds = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        let letter = byte as u8;
        let is_digit = letter.is_ascii_digit() || matches!(letter, b'a'..=b'f');
        kinds[byte] = letter.is_ascii_digit() as u8 * DECIMAL + is_digit as u8 * DIGIT + (PLACES[byte] < 40) as u8 * LETTER;
        byte += 1;
    }
    kinds
};
const DECIMAL: u8 = 1;
const DIGIT: u8 = 2;
const LETTER: u8 = 4;

/// Two letters of the alphabet by their combined number, and two hexadecimal digits.
static TWO_LETTERS: [[u8; 2]; 1600] = {
    let mut two = [[0; 2]; 1600];
    let mut number = 0;
    while number < 1600 {
        two[number] = [ALPHABET[number / 40], ALPHABET[number % 40]];
        number += 1;
    }
    two
};
static TWO_DIGITS: [[u8; 2]; 256] = {
    let (digits, mut two, mut number) = (b"0123456789abcdef", [[0; 2]; 256], 0);
    while number < 256 {
        two[number] = [digits[number / 16], digits[number % 16]];
        number += 1;
    }
    two
};

/// Most letters or digits that a code can count.
const LETTERS_LONGEST: usize = (SIGNED - LETTERS) as usize;
const SIGNED_LONGEST: usize = (HEXADECIMAL - SIGNED) as usize;
const HEXADECIMAL_LONGEST: usize = (UUID - HEXADECIMAL) as usize;
/// Letters of a UUID, the positions of its hyphens, and the ranges of its digits.
const UUID_LETTERS: usize = 36;
const DASHES: [usize; 4] = [8, 13, 18, 23];
const DIGITS: [(usize, usize); 5] = [(0, 8), (9, 13), (14, 18), (19, 23), (24, 36)];
/// Size of the buffer for unpacking.
const ROOM: usize = 64;
/// Size of the buffer for packing.
const PACKED: usize = 48;
const _: () = assert!(LETTERS as usize == ROOM && LETTERS_LONGEST == ROOM && HEXADECIMAL_LONGEST == ROOM);

/// Bytes of a packed text by code; those of long texts are stored separately.
const WIDTHS: [u8; 256] = {
    let mut widths = [0; 256];
    let mut code = 0;
    while code < LONG {
        widths[code as usize] = match code {
            UUID => 16,
            HEXADECIMAL.. => (code - HEXADECIMAL).div_ceil(2),
            SIGNED.. => (code - SIGNED).div_ceil(2),
            LETTERS.. => (code - LETTERS) / 3 * 2 + (code - LETTERS) % 3,
            length => length,
        };
        code += 1;
    }
    widths
};

/// A text read from an [`Arena`].
pub enum PackedText<'a> {
    /// An unpacked text, borrowed.
    Plain(&'a str),
    /// A packed text after unpacking, with its length.
    Unpacked([u8; ROOM], u8),
}

impl Deref for PackedText<'_> {
    type Target = str;

    fn deref(&self) -> &str {
        match self {
            Self::Plain(text) => text,
            Self::Unpacked(..) => std::str::from_utf8(self.as_bytes()).expect("unpacked letters are ASCII"),
        }
    }
}

impl PackedText<'_> {
    /// The bytes of the text, without checking the encoding again.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Plain(text) => text.as_bytes(),
            Self::Unpacked(letters, length) => &letters[..usize::from(*length)],
        }
    }
}

/// A text in packed form; equal texts have equal forms.
pub struct WrittenText<'a> {
    code: u8,
    length: usize,
    text: &'a [u8],
    packed: [u8; PACKED],
}

impl<'a> WrittenText<'a> {
    /// Packs a text.
    pub fn new(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        let mut written = Self { code: LONG, length: bytes.len(), text: bytes, packed: [0; PACKED] };
        match bytes {
            [b'+', digits @ ..] if (1..SIGNED_LONGEST).contains(&digits.len()) && kinds(digits) & DECIMAL != 0 => {
                written.pack(SIGNED + digits.len() as u8, digits);
                return written;
            }
            _ if bytes.len() >= ROOM => return written,
            _ => {}
        }
        let kinds = kinds(bytes);
        if bytes.is_empty() {
            written.code = 0;
        } else if kinds & DIGIT != 0 {
            written.pack(HEXADECIMAL + bytes.len() as u8, bytes);
        } else if kinds & LETTER != 0 {
            match uuid_digits(bytes) {
                Some(digits) => written.pack(UUID, &digits),
                None => written.pack_letters(),
            }
        } else {
            written.code = bytes.len() as u8;
        }
        written
    }

    fn pack(&mut self, code: u8, digits: &[u8]) {
        let value = |letter: u8| (letter & 15) + 9 * (letter >> 6);
        let (pairs, last) = digits.as_chunks::<2>();
        self.packed.iter_mut().zip(pairs).for_each(|(byte, &[high, low])| *byte = value(high) << 4 | value(low));
        last.iter().for_each(|&high| self.packed[pairs.len()] = value(high) << 4);
        self.code = code;
        self.length = digits.len().div_ceil(2);
    }

    fn pack_letters(&mut self) {
        let place = |letter: u8| u16::from(PLACES[usize::from(letter)]);
        self.length = 0;
        let (threes, rest) = self.text.as_chunks::<3>();
        for &[a, b, c] in threes {
            let number = (place(a) * 40 + place(b)) * 40 + place(c);
            self.packed[self.length..self.length + 2].copy_from_slice(&number.to_be_bytes());
            self.length += 2;
        }
        for &letter in rest {
            self.packed[self.length] = PLACES[usize::from(letter)];
            self.length += 1;
        }
        self.code = LETTERS + self.text.len() as u8;
    }

    fn bytes(&self) -> &[u8] {
        if (LETTERS..=UUID).contains(&self.code) { &self.packed[..self.length] } else { self.text }
    }

    /// Feeds a hasher.
    pub fn hash(&self, state: &impl std::hash::BuildHasher) -> u64 {
        state.hash_one((self.code, self.bytes()))
    }
}

/// The flags that all letters have in common.
fn kinds(letters: &[u8]) -> u8 {
    letters.iter().fold(u8::MAX, |kinds, &letter| kinds & KINDS[usize::from(letter)])
}

/// The digits of a UUID in lower case.
fn uuid_digits(bytes: &[u8]) -> Option<[u8; 32]> {
    if bytes.len() != UUID_LETTERS || DASHES.iter().any(|&dash| bytes[dash] != b'-') {
        return None;
    }
    let mut digits = [0; 32];
    let mut place = 0;
    for (start, end) in DIGITS {
        digits[place..place + end - start].copy_from_slice(&bytes[start..end]);
        place += end - start;
    }
    (kinds(&digits) & DIGIT != 0).then_some(digits)
}

/// Writes two digits for each byte.
fn spread(bytes: &[u8], letters: &mut [u8]) {
    let (pairs, _) = letters.as_chunks_mut::<2>();
    pairs.iter_mut().zip(bytes).for_each(|(pair, &byte)| *pair = TWO_DIGITS[usize::from(byte)]);
}

/// Adjacent texts in a block, so that one of them is found with a single memory access.
#[derive(Clone, Default)]
struct TextGroup {
    /// The block and the position in it.
    anchor: u32,
    /// Code of each text: its packing and length.
    codes: [u8; GROUP],
}

/// Texts addressed by position.
#[derive(Clone, Default)]
pub struct Arena {
    blocks: Vec<Vec<u8>>,
    groups: Vec<TextGroup>,
    count: u32,
    /// Positions and lengths of long texts.
    long: Vec<(u32, u32)>,
}

impl Arena {
    /// Appends a text and gives its position.
    pub fn push(&mut self, text: &str) -> u32 {
        self.push_written(&WrittenText::new(text))
    }

    /// Appends a text that was packed before.
    pub fn push_written(&mut self, written: &WrittenText<'_>) -> u32 {
        let position = self.count;
        let place = position as usize % GROUP;
        if place == 0 {
            self.begin_group();
        }
        if written.code == LONG {
            self.long.push((position, u32::try_from(written.length).expect("a text is shorter than 4 GiB")));
        }
        self.groups.last_mut().expect("a group was begun").codes[place] = written.code;
        self.count = position.checked_add(1).expect("positions are 32-bit");
        self.blocks.last_mut().expect("a group has a block").extend_from_slice(written.bytes());
        position
    }

    fn begin_group(&mut self) {
        match self.blocks.last() {
            None => self.blocks.push(Vec::new()),
            Some(block) if block.len() > BLOCK - SLACK => self.blocks.push(Vec::with_capacity(BLOCK)),
            Some(_) => {}
        }
        let place = self.blocks.last().map_or(0, Vec::len);
        let anchor = (self.blocks.len() - 1) * BLOCK + place;
        let anchor = u32::try_from(anchor).expect("texts of one kind stay below 4 GiB: 27 million packed ids take half of one");
        self.groups.push(TextGroup { anchor, codes: [0; GROUP] });
    }

    /// The text at a position.
    pub fn get(&self, position: u32) -> PackedText<'_> {
        let (code, bytes) = self.at(position);
        let mut letters = [0; ROOM];
        let length = match code {
            LONG | 0..LETTERS => return PackedText::Plain(std::str::from_utf8(bytes).expect("only whole texts are appended")),
            LETTERS..SIGNED => {
                let count = usize::from(code - LETTERS);
                let (packed, rest) = bytes.split_at(count / 3 * 2);
                let (threes, _) = letters.as_chunks_mut::<3>();
                for (three, two) in threes.iter_mut().zip(packed.as_chunks::<2>().0) {
                    let number = usize::from(u16::from_be_bytes(*two));
                    let [second, third] = TWO_LETTERS[number % 1600];
                    *three = [ALPHABET[number / 1600], second, third];
                }
                let last = count - rest.len();
                letters[last..count].iter_mut().zip(rest).for_each(|(letter, &place)| *letter = ALPHABET[usize::from(place)]);
                count
            }
            SIGNED..HEXADECIMAL => {
                letters[0] = b'+';
                spread(bytes, &mut letters[1..]);
                usize::from(code - SIGNED) + 1
            }
            HEXADECIMAL..UUID => {
                spread(bytes, &mut letters);
                usize::from(code - HEXADECIMAL)
            }
            UUID.. => {
                let mut digits = [0; 32];
                spread(bytes, &mut digits);
                DASHES.iter().for_each(|&dash| letters[dash] = b'-');
                let mut place = 0;
                for (start, end) in DIGITS {
                    letters[start..end].copy_from_slice(&digits[place..place + end - start]);
                    place += end - start;
                }
                UUID_LETTERS
            }
        };
        PackedText::Unpacked(letters, length as u8)
    }

    /// A value near a text, for [`crate::resolve::population::prefetch::look`].
    pub fn peek(&self, position: u32) -> u32 {
        let TextGroup { anchor, codes } = &self.groups[position as usize / GROUP];
        // This is near enough: the text is at most one cache line further on.
        let near = self.blocks[*anchor as usize / BLOCK].get(*anchor as usize % BLOCK + usize::from(codes[0]) % 64);
        near.copied().unwrap_or(0).into()
    }

    /// Whether a position holds this text.
    pub fn is(&self, position: u32, written: &WrittenText<'_>) -> bool {
        let (code, bytes) = self.at(position);
        code == written.code && bytes == written.bytes()
    }

    /// Feeds a hasher with the text at a position, as [`WrittenText::hash`] does.
    pub fn hash(&self, position: u32, state: &impl std::hash::BuildHasher) -> u64 {
        state.hash_one(self.at(position))
    }

    /// The code of a text, and its bytes.
    #[inline]
    fn at(&self, position: u32) -> (u8, &[u8]) {
        let (group, place) = (position as usize / GROUP, position as usize % GROUP);
        let TextGroup { anchor, codes } = &self.groups[group];
        let width = |place: usize| match codes[place] {
            LONG => self.long_length(group * GROUP + place),
            code => usize::from(WIDTHS[usize::from(code)]),
        };
        let before: usize = (0..place).map(width).sum();
        let start = *anchor as usize % BLOCK + before;
        (codes[place], &self.blocks[*anchor as usize / BLOCK][start..start + width(place)])
    }

    #[cold]
    fn long_length(&self, position: usize) -> usize {
        let found = self.long.binary_search_by_key(&position, |entry| entry.0 as usize).expect("every long text is recorded");
        self.long[found].1 as usize
    }

    /// Number of texts.
    pub fn len(&self) -> usize {
        self.count as usize
    }

    /// Releases unused capacity.
    pub fn shrink(&mut self) {
        self.groups.shrink_to_fit();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_text_comes_back_as_it_was() {
        let long = "long".repeat(300);
        let texts = [
            "",
            "7",
            "0010",
            "+27821234567",
            "+",
            "+27 82",
            "cafe",
            "CAFE",
            "c0123456789abcdef01234567",
            "0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9",
            "0A1B2C3D-4e5f-6071-8293-a4b5c6d7e8f9",
            "thandi.née@mail.test",
            &"9".repeat(63),
            &"9".repeat(64),
            &"9".repeat(94),
            "ab",
            "abc@d",
            "thandi.n-m_77@mail.test",
            &"x".repeat(63),
            &"x".repeat(64),
            &"X".repeat(63),
            &"X".repeat(64),
            &format!("+{}", "9".repeat(31)),
            &format!("+{}", "9".repeat(32)),
            &long,
        ];
        let mut arena = Arena::default();
        // More than one block.
        for round in 0..2_000 {
            for (at, text) in texts.iter().enumerate() {
                assert_eq!(arena.push(text) as usize, round * texts.len() + at);
            }
        }
        assert!(arena.blocks.len() > 1);
        let state = foldhash::fast::FixedState::with_seed(1);
        for position in 0..arena.len() {
            let text = texts[position % texts.len()];
            let position = u32::try_from(position).unwrap();
            assert_eq!(&*arena.get(position), text);
            assert!(arena.is(position, &WrittenText::new(text)));
            assert!(!arena.is(position, &WrittenText::new("another")));
            assert_eq!(arena.hash(position, &state), WrittenText::new(text).hash(&state));
        }
    }

    #[test]
    fn numbers_and_uuids_take_half_their_letters_or_less() {
        let stored = |text: &str| WrittenText::new(text).bytes().len();
        assert_eq!(stored("+27821234567"), 6);
        assert_eq!(stored("2700123456"), 5);
        assert_eq!(stored("0a1b2c3d-4e5f-6071-8293-a4b5c6d7e8f9"), 16);
        assert_eq!(stored("thandi@mail.test"), 11);
    }
}
