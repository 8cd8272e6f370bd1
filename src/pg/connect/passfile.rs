//! Reads password files in libpq's format.

use std::path::Path;

use crate::pg::connect::target::{Host, Target};

/// The password for a target: from the first matching line `host:port:database:user:password`.
pub fn passfile_entry(text: &str, target: &Target) -> Option<String> {
    text.lines().filter(|line| !line.starts_with('#')).find_map(|line| {
        let fields = passfile_fields(line);
        let [host, port, database, user, password] = <[String; 5]>::try_from(fields).ok()?;
        let fits = |pattern: &str, value: &str| pattern == "*" || pattern == value;
        let place = target.hosts.iter().any(|candidate| match candidate {
            Host::Tcp(name, number) => fits(&host, name) && fits(&port, &number.to_string()),
            Host::Socket(folder, number) => {
                (fits(&host, "localhost") || Path::new(&host) == folder) && fits(&port, &number.to_string())
            }
        });
        (place && fits(&database, &target.database) && fits(&user, &target.user)).then_some(password)
    })
}

fn passfile_fields(line: &str) -> Vec<String> {
    let mut fields = vec![String::new()];
    let mut characters = line.chars();
    while let Some(character) = characters.next() {
        let last = fields.len() - 1;
        match character {
            '\\' => fields[last].extend(characters.next()),
            ':' if fields.len() < 5 => fields.push(String::new()),
            _ => fields[last].push(character),
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dsn::Dsn;

    fn target(url: &str) -> Target {
        Target::parse(&Dsn::new(url, "X")).unwrap()
    }

    #[test]
    fn a_password_file_is_read_as_libpq_reads_it() {
        let text = "# comment\nother:*:*:*:no\ndb.internal:5432:crm:me:a\\:b\\\\c\n*:*:*:*:last\n";
        assert_eq!(passfile_entry(text, &target("postgres://me@db.internal/crm")).as_deref(), Some("a:b\\c"));
        assert_eq!(passfile_entry(text, &target("postgres://me@db.internal/scl")).as_deref(), Some("last"));
        assert_eq!(passfile_entry("localhost:*:*:*:s", &target("postgres://me@/db?host=/run")).as_deref(), Some("s"));
        assert_eq!(passfile_entry("x:1:y:z:s", &target("postgres://me@h/db")), None);
    }
}
