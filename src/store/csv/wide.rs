//! Converts a dump in UTF-16, such as Excel's "Unicode text", to UTF-8.

use std::io::{self, BufRead, Read, Seek, SeekFrom};

use encoding_rs::{Decoder, DecoderResult, Encoding};

/// Replacement for an invalid character. UTF-8 never contains this byte, so the line is rejected as undecodable.
const BROKEN: u8 = 0xff;
/// Size of the UTF-8 buffer in bytes.
const ROOM: usize = 1 << 14;

/// What the first bytes of a file show.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum FileStart {
    /// A byte order mark.
    Marked(&'static Encoding),
    /// Two-byte characters without a mark.
    Unmarked(&'static Encoding),
    /// A file that is not CSV: what it is.
    Other(&'static str),
    /// Anything else.
    Text,
}

/// Looks at the first bytes of a file, which is rewound to its start.
pub(super) fn file_start(file: &mut (impl Read + Seek)) -> io::Result<FileStart> {
    let mut start = Vec::with_capacity(4);
    file.by_ref().take(4).read_to_end(&mut start)?;
    file.seek(SeekFrom::Start(0))?;
    Ok(match *start {
        [0xff, 0xfe, 0, 0] | [0, 0, 0xfe, 0xff] => FileStart::Other("text in UTF-32"),
        [0xff, 0xfe, ..] => FileStart::Marked(encoding_rs::UTF_16LE),
        [0xfe, 0xff, ..] => FileStart::Marked(encoding_rs::UTF_16BE),
        [0x1f, 0x8b, ..] => FileStart::Other("a gzip archive"),
        [b'P', b'K', 3, 4] => FileStart::Other("a workbook or a zip archive"),
        [0xd0, 0xcf, 0x11, 0xe0] => FileStart::Other("a workbook in the old format of Excel"),
        [b'P', b'A', b'R', b'1'] => FileStart::Other("a Parquet file"),
        [0x28, 0xb5, 0x2f, 0xfd] => FileStart::Other("a zstd archive"),
        [b'P', b'G', b'D', b'M'] | [b'P', b'G', b'C', b'O'] => FileStart::Other("a binary dump of PostgreSQL"),
        [first, 0, second, 0] if first != 0 && second != 0 => FileStart::Unmarked(encoding_rs::UTF_16LE),
        [0, first, 0, second] if first != 0 && second != 0 => FileStart::Unmarked(encoding_rs::UTF_16BE),
        _ => FileStart::Text,
    })
}

/// Whether an encoding has two-byte characters.
pub(super) fn is_wide(encoding: &'static Encoding) -> bool {
    encoding == encoding_rs::UTF_16LE || encoding == encoding_rs::UTF_16BE
}

/// Reads two-byte characters and gives UTF-8.
pub(super) struct Wide<R> {
    input: R,
    decoder: Decoder,
    decoded: Vec<u8>,
    given: usize,
    ended: bool,
}

impl<R: BufRead> Wide<R> {
    pub(super) fn new(input: R, encoding: &'static Encoding) -> Self {
        Self { input, decoder: encoding.new_decoder_without_bom_handling(), decoded: Vec::new(), given: 0, ended: false }
    }

    fn decode(&mut self) -> io::Result<()> {
        let bytes = self.input.fill_buf()?;
        let last = bytes.is_empty();
        self.decoded.resize(ROOM, 0);
        let (result, read, written) = self.decoder.decode_to_utf8_without_replacement(bytes, &mut self.decoded[..ROOM - 1], last);
        self.input.consume(read);
        self.decoded.truncate(written);
        self.given = 0;
        if matches!(result, DecoderResult::Malformed(..)) {
            self.decoded.push(BROKEN);
        }
        self.ended = last && result == DecoderResult::InputEmpty;
        Ok(())
    }
}

impl<R: BufRead> Read for Wide<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.given == self.decoded.len() && !self.ended {
            self.decode()?;
        }
        let mut rest = &self.decoded[self.given..];
        let read = rest.read(buffer)?;
        self.given += read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(bytes: &[u8], encoding: &'static Encoding, chunk: usize) -> Vec<u8> {
        let mut text = Vec::new();
        Wide::new(io::BufReader::with_capacity(chunk, bytes), encoding).read_to_end(&mut text).unwrap();
        text
    }

    #[test]
    fn the_mark_gives_the_byte_order_and_the_file_is_rewound() {
        let mut file = io::Cursor::new(b"\xff\xfea\0".to_vec());
        assert_eq!(file_start(&mut file).unwrap(), FileStart::Marked(encoding_rs::UTF_16LE));
        assert_eq!(file.position(), 0);
        assert_eq!(file_start(&mut io::Cursor::new(b"\xfe\xff")).unwrap(), FileStart::Marked(encoding_rs::UTF_16BE));
        assert_eq!(file_start(&mut io::Cursor::new(b"id")).unwrap(), FileStart::Text);
        assert_eq!(file_start(&mut io::Cursor::new(b"")).unwrap(), FileStart::Text);
    }

    #[test]
    fn half_a_character_breaks_its_line_only() {
        let bytes = [b'a', 0, 0x00, 0xd8, b'\n', 0, b'b', 0, b'c'];
        assert_eq!(read(&bytes, encoding_rs::UTF_16LE, 2), b"a\xff\nb\xff");
    }

    proptest! {
        #[test]
        fn what_was_written_in_two_bytes_is_read_again(text in "\\PC{0,40}", chunk in 1_usize..9, little in any::<bool>()) {
            let (encoding, bytes): (_, Vec<u8>) = if little {
                (encoding_rs::UTF_16LE, text.encode_utf16().flat_map(u16::to_le_bytes).collect())
            } else {
                (encoding_rs::UTF_16BE, text.encode_utf16().flat_map(u16::to_be_bytes).collect())
            };
            prop_assert_eq!(read(&bytes, encoding, chunk), text.as_bytes());
        }
    }
}
