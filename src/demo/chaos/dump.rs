//! Dumps as different programs write them: delimiters, line ends, byte order marks, headers and encodings of every kind.

use std::path::Path;

use anyhow::Result;

use crate::demo::random::Draws;
use crate::model::Code as _;
use crate::store::io_fault;

use super::meaning::{Chaos, File};

/// Writes a folder of dumps for each source, as `--csv` reads them.
pub fn write_dumps(chaos: &Chaos, folder: &Path) -> Result<()> {
    for file in &chaos.files {
        let folder = folder.join(file.source.code());
        std::fs::create_dir_all(&folder).map_err(|error| io_fault("create", &folder, &error))?;
        let path = folder.join(format!("{}.csv", file.entity));
        std::fs::write(&path, file.dump(chaos.seed)).map_err(|error| io_fault("write", &path, &error))?;
    }
    Ok(())
}

impl File {
    /// The dump's bytes.
    pub fn dump(&self, seed: u64) -> Vec<u8> {
        let draws = &mut Draws::of(seed, "dump", (self.source.code().len() * 100 + self.entity.len()) as u64);
        let delimiter = draws.weighted(&[(',', 5), (';', 2), ('\t', 1), ('|', 1)]);
        let between = delimiter.to_string();
        let end = if draws.chance(0.4) { "\r\n" } else { "\n" };
        let (says_delimiter, always_quotes) = (draws.chance(0.15), draws.chance(0.3));
        let (trailing, blanks) = (draws.chance(0.15), draws.chance(0.2));
        let case = draws.below(5);
        let mut text = String::new();
        if says_delimiter {
            text += &format!("sep={delimiter}{end}");
        }
        let header = self.columns.iter().map(|name| match case {
            0 => name.to_uppercase(),
            1 => format!(" {name}"),
            2 => name.replace('_', " "),
            _ => (*name).to_owned(),
        });
        text += &header.collect::<Vec<_>>().join(&between);
        text += if trailing { &between } else { "" };
        text += end;
        for row in &self.rows {
            let cell = |cell: &String| {
                let must = cell.contains(['"', '\n', '\r', delimiter]);
                if must || (always_quotes && !cell.is_empty()) {
                    format!("\"{}\"", cell.replace('"', "\"\""))
                } else {
                    cell.clone()
                }
            };
            text += &row.iter().map(cell).collect::<Vec<_>>().join(&between);
            text += if trailing { &between } else { "" };
            text += end;
            if blanks && draws.chance(0.3) {
                text += &between.repeat(self.columns.len() - 1);
                text += end;
            }
        }
        match draws.below(8) {
            0 => [vec![0xff, 0xfe], text.encode_utf16().flat_map(u16::to_le_bytes).collect()].concat(),
            1 => [vec![0xfe, 0xff], text.encode_utf16().flat_map(u16::to_be_bytes).collect()].concat(),
            2 => ["\u{feff}".as_bytes(), text.as_bytes()].concat(),
            _ => text.into_bytes(),
        }
    }
}
