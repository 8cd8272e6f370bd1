//! The pages in a browser.

mod pages;
