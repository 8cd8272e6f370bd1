//! A sixth source, added to a copy of the tree by `tests/sixth_source/shop.diff` as CONTRIBUTING.md says.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Mutex, PoisonError};

use crm_backfill::model::Source;

use crate::support::postgres::database;
use crate::support::workdir::Workdir;
use crate::support::world;

const DIFF: &str = "tests/sixth_source/shop.diff";

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of the build.
fn target() -> PathBuf {
    Path::new(env!("CARGO_BIN_EXE_crm-backfill")).parent().and_then(Path::parent).unwrap().to_owned()
}

/// A build folder of its own, because cargo takes a copy of the tree for the tree itself and would replace its files. What was compiled
/// of other crates is linked into it.
fn own_target() -> PathBuf {
    let (from, to) = (target().join("debug"), target().join("sixth-source-build"));
    let _ = fs::remove_dir_all(&to);
    let names = |folder: &str| -> Vec<String> {
        let entries = fs::read_dir(from.join(folder)).into_iter().flatten();
        entries.map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned()).collect()
    };
    // `serde-0123456789abcdef` in `.fingerprint` and `build` is `libserde-0123456789abcdef.rlib` in `deps`.
    let is_other = |name: &&String| !name.starts_with("crm-backfill");
    let units: BTreeSet<String> =
        names(".fingerprint").iter().filter(is_other).filter_map(|name| Some(name.rsplit_once('-')?.1.to_owned())).collect();
    let is_of_others = |name: &&String| {
        let unit = name.split('.').next().and_then(|stem| Some(stem.rsplit_once('-')?.1));
        unit.is_some_and(|unit| units.contains(unit))
    };
    for folder in [".fingerprint", "build", "deps"] {
        for name in names(folder).iter().filter(is_of_others) {
            link(&from.join(folder).join(name), &to.join("debug").join(folder).join(name));
        }
    }
    to
}

/// Links a file, or every file of a folder.
fn link(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            link(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::create_dir_all(to.parent().unwrap()).unwrap();
        fs::hard_link(from, to).unwrap();
    }
}

fn copy(from: &Path, to: &Path) {
    if from.is_dir() {
        fs::create_dir_all(to).unwrap();
        for entry in fs::read_dir(from).unwrap() {
            let entry = entry.unwrap();
            copy(&entry.path(), &to.join(entry.file_name()));
        }
    } else {
        fs::copy(from, to).unwrap();
    }
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
}

/// A copy of the tree with the sixth source.
fn with_the_shop() -> PathBuf {
    let tree = target().join("sixth-source");
    let _ = fs::remove_dir_all(&tree);
    fs::create_dir_all(&tree).unwrap();
    for entry in fs::read_dir(root()).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if !["target", ".git", "data"].iter().any(|left_out| name == *left_out) {
            copy(&entry.path(), &tree.join(name));
        }
    }
    copy(&root().join("data/reference"), &tree.join("data/reference"));
    let mut apply = Command::new("git");
    // The copy is inside the folder of this repository, and is not a part of it.
    apply.args(["apply", "--whitespace=nowarn"]).arg(root().join(DIFF)).current_dir(&tree);
    run(apply.env("GIT_CEILING_DIRECTORIES", target()));
    tree
}

/// Runs cargo in a copy with the sixth source. Returns the copy and its build folder.
fn cargo(arguments: &[&str]) -> (PathBuf, PathBuf) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _held = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let (tree, built) = (with_the_shop(), own_target());
    let mut command = Command::new(env!("CARGO"));
    command.args(arguments).args(["--locked", "--offline", "--quiet"]).current_dir(&tree);
    run(command.env("CARGO_TARGET_DIR", &built));
    (tree, built)
}

/// Files that the diff changes or adds.
fn touched() -> BTreeSet<String> {
    let diff = fs::read_to_string(root().join(DIFF)).unwrap();
    diff.lines().filter_map(|line| line.strip_prefix("+++ b/")).map(str::to_owned).collect()
}

#[test]
fn contributing_names_every_place_that_a_sixth_source_touches() {
    let page = fs::read_to_string(root().join("CONTRIBUTING.md")).unwrap();
    let section = page.split("## A sixth source").nth(1).unwrap().split("\n## ").next().unwrap();
    let named: Vec<&str> = section.split('`').skip(1).step_by(2).collect();
    let is_named = |file: &String| named.iter().any(|name| file == name || (name.ends_with('/') && file.starts_with(name)));
    let missing: Vec<String> = touched().into_iter().filter(|file| !is_named(file)).collect();
    assert!(missing.is_empty(), "{missing:#?}");
}

/// The compiler names each place where the shop's meaning must be decided. Checking takes half a minute.
#[test]
fn a_copy_of_the_tree_with_a_sixth_source_compiles() {
    cargo(&["check", "--lib", "--bins"]);
}

#[test]
#[ignore = "compiles the program again: cargo test -- --ignored sixth_source; make soak runs it"]
fn a_copy_of_the_tree_with_a_sixth_source_loads_its_people() {
    let (tree, built) = cargo(&["build", "--bin", "crm-backfill"]);
    let ddl = |path: &str| fs::read_to_string(tree.join(path)).unwrap();
    let (shop, crm) = (database(&ddl("schemas/sources/shop.sql")), database(&ddl("schemas/crm.sql")));
    let world = world::shared();
    let (_, scl) = world.databases().find(|(source, _)| *source == Source::Scl).unwrap();
    let member = scl.rows(
        r#"select "id"::text, "tenantId"::text, "email", "firstName", "lastName" from "Member"
           where "email" like '%@%' and "firstName" ~ '^[A-Z][a-z]+$' and "lastName" ~ '^[A-Z][a-z]+$' order by "id" limit 1"#,
    );
    let [id, tenant, email, first, last] = &member[0][..] else { panic!("{member:?}") };
    shop.execute(&format!(
        r#"insert into "ShopCustomer" ("id", "tenantId", "email", "firstName", "lastName", "createdAt", "updatedAt") values
             ('s-1', {tenant}, '{email}', '{first}', '{last}', '2024-01-01Z', '2024-01-01Z'),
             ('s-2', 1, 'only-a-shopper@mail.test', 'Sam', 'Shopper', '2024-01-01Z', '2024-01-01Z');
           grant select on "ShopCustomer" to bf_export"#
    ));
    let mut workdir = Workdir::with_programs(&built.join("debug"));
    for (variable, url) in world.source_urls() {
        workdir.set(variable, &url);
    }
    workdir.set("SHOP_DATABASE_URL", &shop.url).set("CRM_DATABASE_URL", &crm.url).set("AS_OF", world::AS_OF);
    let steps = ["export-shop", "export-crm", "stage", "resolve", "consolidate", "score", "load", "verify"];
    for step in world::exporters(6).chain(steps) {
        workdir.ok("crm-backfill", &[step]);
    }
    let holder = |kind: &str, value: &str| {
        crm.value(&format!(r#"select "customerId" from "IdentityAlias" where "type" = '{kind}' and "value" = '{value}'"#))
    };
    assert_eq!(holder("SHOP_CUSTOMER_ID", "s-1"), holder("SCL_MEMBER_ID", id), "a customer is the member with her email");
    let shopper = holder("SHOP_CUSTOMER_ID", "s-2");
    let source = crm.value(&format!(r#"select "source" from "CustomerProfile" where "id" = '{shopper}'"#));
    assert_eq!(source, "shop", "a customer whom no one knew has a profile");
    workdir.ok("crm-backfill", &["load"]).says("nothing to do");
}
