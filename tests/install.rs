//! Installation below a prefix and the packages, made from the binaries of this build.

use std::path::{Path, PathBuf};
use std::process::Command;

use crm_backfill::steps::programs;
use tempfile::TempDir;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The folder of the binaries of this build.
fn built() -> &'static Path {
    Path::new(env!("CARGO_BIN_EXE_crm-backfill")).parent().unwrap()
}

/// Runs a command that must succeed, and returns what it prints.
fn output(command: &mut Command) -> String {
    let output = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command:?}: {stderr}\n{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stdout).unwrap()
}

fn script(name: &str, to: &Path) -> Command {
    let mut command = Command::new(root().join("scripts").join(name));
    command.arg(to).arg(built()).env_remove("DESTDIR");
    command
}

fn unzipped(file: &Path) -> String {
    output(Command::new("gzip").arg("-dc").arg(file))
}

#[test]
fn an_installed_verb_runs_from_the_path() {
    let folder = TempDir::new().unwrap();
    let prefix = folder.path().join("with a blank");
    output(&mut script("install", &prefix));
    let elsewhere = folder.path().join("work");
    std::fs::create_dir(&elsewhere).unwrap();
    let path = format!("{}:/usr/bin:/bin", prefix.join("bin").display());
    let ours = |name: &str| {
        let mut command = Command::new("env");
        command.args(["-i", "-C"]).arg(&elsewhere);
        command.arg(format!("PATH={path}")).args(["CRM_BACKFILL_NO_DOT_ENV=1", "COLUMNS=200"]).arg(name);
        command
    };
    let json = output(ours("crm-backfill").args(["checklist", "--json"]));
    assert!(json.contains("\"step\":\"checklist\"") && json.contains("CRM database provisioned"), "{json}");
    assert_eq!(std::fs::read_dir(&elsewhere).unwrap().count(), 0, "a command that reads leaves nothing behind");
    for program in programs::ALL {
        let alone = prefix.join("libexec/crm-backfill").join(program.name);
        let help = output(ours(alone.to_str().unwrap()).arg("--help"));
        assert!(help.starts_with(program.about), "{help}");
        let page = unzipped(&prefix.join(format!("share/man/man1/crm-backfill-{}.1.gz", program.name)));
        assert!(page.contains(".SH NAME") && page.contains(".SH OPTIONS"), "{page}");
    }
    let bin: Vec<PathBuf> = std::fs::read_dir(prefix.join("bin")).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(bin, [prefix.join("bin/crm-backfill")], "no verb such as local or load is put on the PATH");
    let settings = std::fs::read(prefix.join("share/crm-backfill/backfill.toml")).unwrap();
    assert_eq!(settings, std::fs::read(root().join("backfill.toml")).unwrap());
}

#[test]
fn the_whole_program_has_a_man_page_and_completions_for_every_verb() {
    let run = |arguments: &[&str]| output(Command::new(built().join("crm-backfill")).args(arguments));
    let page = run(&["--man"]);
    let completions = ["bash", "zsh", "fish"].map(|shell| run(&["--completions", shell]));
    for program in programs::ALL {
        assert!(page.contains(&program.name.replace('-', "\\-")), "{}", program.name);
        assert!(completions.iter().all(|script| script.contains(program.name)), "{}", program.name);
    }
    assert!(completions.iter().all(|script| script.contains("dry-run")), "options of the verbs are completed, too");
    assert!(output(Command::new("bash").args(["-n", "/dev/stdin"]).stdin(piped(&completions[0]))).is_empty());
    let wrong = Command::new(built().join("crm-backfill")).args(["--completions", "tcsh"]).output().unwrap();
    assert_eq!(wrong.status.code(), Some(2));
}

/// A file with this text, to be read as stdin.
fn piped(text: &str) -> std::fs::File {
    use std::io::{Seek as _, Write as _};
    let mut file = tempfile::tempfile().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    file.rewind().unwrap();
    file
}

#[test]
fn an_installation_says_what_it_lacks() {
    let folder = TempDir::new().unwrap();
    let run = |prefix: &str, built: &Path| {
        let output = Command::new(root().join("scripts/install")).arg(prefix).arg(built).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, said) = run("relative", built());
    assert!(code == Some(2) && said.contains("absolute path"), "{said}");
    let (code, said) = run("/nowhere", folder.path());
    assert!(code == Some(2) && said.contains("no program in") && said.contains("make build"), "{said}");
    assert!(!Path::new("/nowhere").exists());
}

#[test]
fn a_package_holds_an_installation_and_its_sums_agree() {
    let folder = TempDir::new().unwrap();
    let out = folder.path().join("out");
    let made = output(&mut script("package", &out));
    let version = env!("CARGO_PKG_VERSION");
    let listed = |name: &str| made.lines().find(|line| line.contains(name)).map(PathBuf::from);
    let tarball = listed(".tar.gz").unwrap_or_else(|| panic!("{made}"));
    let names = output(Command::new("tar").arg("-tzf").arg(&tarball));
    for name in [
        "/bin/crm-backfill",
        "/libexec/crm-backfill/load",
        "/share/man/man1/crm-backfill.1.gz",
        "/share/crm-backfill/env.example",
    ] {
        assert!(names.lines().any(|line| line.ends_with(name)), "{name}: {names}");
    }
    assert!(names.lines().all(|line| line.starts_with(&format!("crm-backfill-{version}-"))), "{names}");
    assert!(!names.contains("/.env\n") && !names.contains("/exports/"), "{names}");
    if let Some(package) = listed(".deb") {
        let field = |name: &str| output(Command::new("dpkg-deb").arg("-f").arg(&package).arg(name)).trim().to_owned();
        assert_eq!((field("Package").as_str(), field("Version").as_str()), ("crm-backfill", version));
        assert!(field("Depends").starts_with("libc6 (>= 2."), "{}", field("Depends"));
        let files = output(Command::new("dpkg-deb").arg("-c").arg(&package));
        assert!(files.contains(" ./usr/bin/crm-backfill\n") && files.contains("root/root"), "{files}");
        let extracted = folder.path().join("extracted");
        output(Command::new("dpkg-deb").arg("-x").arg(&package).arg(&extracted));
        let program = extracted.join("usr/libexec/crm-backfill/stage");
        assert!(output(Command::new(program).arg("-V")).starts_with("stage "));
    } else {
        assert!(Command::new("dpkg-deb").arg("--version").output().is_err(), "dpkg-deb is here, and no package was made");
    }
    output(Command::new("sha256sum").args(["--check", "--quiet", "SHA256SUMS"]).current_dir(&out));
    let first = std::fs::read(out.join("SHA256SUMS")).unwrap();
    output(&mut script("package", &out));
    assert_eq!(std::fs::read(out.join("SHA256SUMS")).unwrap(), first, "the same binaries give the same bytes");
}
