//! Tests of data folders that the lock refuses.

use super::*;
use crate::store::RunLock;
use std::fs;

fn layout() -> (tempfile::TempDir, Layout) {
    let folder = tempfile::tempdir().unwrap();
    let layout = Layout::new(folder.path().join("data"));
    fs::create_dir(layout.root()).unwrap();
    (folder, layout)
}

fn refused(layout: &Layout) -> String {
    let error = RunLock::take(layout, "a test").unwrap_err();
    let fault = error.downcast_ref::<Fault>().unwrap();
    assert_eq!(fault.exit, Exit::Usage);
    [vec![fault.what.clone()], fault.help.clone()].concat().join("\n")
}

#[test]
fn a_link_in_the_place_of_the_lock_is_refused_and_its_target_stays() {
    let (folder, layout) = layout();
    let precious = folder.path().join("precious");
    fs::write(&precious, "kept").unwrap();
    std::os::unix::fs::symlink(&precious, layout.lock()).unwrap();
    assert!(refused(&layout).contains(".lock is a symbolic link"));
    fs::remove_file(layout.lock()).unwrap();
    fs::hard_link(&precious, layout.lock()).unwrap();
    assert!(refused(&layout).contains("hard link"));
    assert_eq!(fs::read_to_string(&precious).unwrap(), "kept");
}

#[test]
fn linked_and_world_writable_folders_are_all_reported_at_once() {
    let (folder, layout) = layout();
    std::os::unix::fs::symlink(folder.path(), layout.root().join("exports")).unwrap();
    fs::create_dir(layout.stage()).unwrap();
    for (path, mode) in [(layout.root(), 0o777), (layout.root(), 0o1777), (layout.stage().as_path(), 0o703)] {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        let said = refused(&layout);
        assert!(said.contains("exports is a symbolic link") && said.contains("anybody may write"), "{mode:o}: {said}");
        fs::set_permissions(path, fs::Permissions::from_mode(0o700)).unwrap();
    }
    fs::remove_file(layout.root().join("exports")).unwrap();
    RunLock::take(&layout, "a test").unwrap();
}

#[test]
fn a_link_to_the_data_folder_itself_is_followed() {
    let (folder, layout) = layout();
    let link = folder.path().join("link");
    std::os::unix::fs::symlink(layout.root(), &link).unwrap();
    RunLock::take(&Layout::new(link), "a test").unwrap();
}
