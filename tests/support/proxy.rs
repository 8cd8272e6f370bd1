//! A proxy that fails on purpose: it cuts a connection after a number of bytes, or drops the answer to a COMMIT.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// The failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The connection ends after this many bytes from the client.
    CutAfter(usize),
    /// The COMMIT arrives, but its answer does not.
    LoseCommitAnswer,
    /// After this many bytes from the client nothing arrives any more, without an error.
    StallAt(&'static [u8]),
    /// The same after this many bytes from the client.
    StallAfter(usize),
    /// No failure; bytes are counted.
    None,
}

/// A proxy on its own port.
pub struct Proxy {
    /// The database's URL through the proxy.
    pub url: String,
    only_first: Arc<AtomicBool>,
    stalled: Arc<AtomicBool>,
    bytes: Arc<AtomicUsize>,
}

impl Proxy {
    /// Starts a proxy for the server of a URL. Only the first connection fails.
    pub fn start(url: &str, fault: Fault) -> Self {
        let (before, rest) = url.split_once("127.0.0.1:").expect("local servers listen on loopback");
        let (port, after) = rest.split_once('/').expect("a URL names a database");
        let server = format!("127.0.0.1:{port}");
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("{before}127.0.0.1:{}/{after}", listener.local_addr().unwrap().port());
        let only_first = Arc::new(AtomicBool::new(false));
        let is_over = only_first.clone();
        let stalled = Arc::new(AtomicBool::new(false));
        let is_stalled = stalled.clone();
        let bytes = Arc::new(AtomicUsize::new(0));
        let counted = bytes.clone();
        std::thread::spawn(move || {
            let mut fault = Some(fault);
            for client in listener.incoming() {
                let client = client.unwrap();
                if fault.is_none() && is_over.load(Ordering::SeqCst) {
                    continue;
                }
                relay(client, TcpStream::connect(&server).unwrap(), fault.take(), &is_stalled, &counted);
            }
        });
        Self { url, only_first, stalled, bytes }
    }

    /// Whether the proxy has stopped forwarding.
    pub fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::SeqCst)
    }

    /// Bytes that the client has sent.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::SeqCst)
    }

    /// Every connection after the first is closed at once.
    pub fn close_after_first(&self) {
        self.only_first.store(true, Ordering::SeqCst);
    }
}

fn relay(client: TcpStream, server: TcpStream, fault: Option<Fault>, is_stalled: &Arc<AtomicBool>, bytes: &Arc<AtomicUsize>) {
    let silent = Arc::new(AtomicBool::new(false));
    let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let muted = silent.clone();
    let stalled = is_stalled.clone();
    let bytes = bytes.clone();
    std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        let mut seen = 0;
        while let Ok(read) = from_client.read(&mut buffer) {
            if read == 0 {
                break;
            }
            seen += read;
            bytes.fetch_add(read, Ordering::SeqCst);
            if fault == Some(Fault::LoseCommitAnswer) && buffer[..read].windows(7).any(|bytes| bytes == b"commit\0") {
                muted.store(true, Ordering::SeqCst);
            }
            if matches!(fault, Some(Fault::StallAt(from)) if buffer[..read].windows(from.len()).any(|bytes| bytes == from)) {
                stalled.store(true, Ordering::SeqCst);
            }
            if matches!(fault, Some(Fault::StallAfter(limit)) if seen > limit) {
                stalled.store(true, Ordering::SeqCst);
            }
            if matches!(fault, Some(Fault::StallAt(_) | Fault::StallAfter(_))) && stalled.load(Ordering::SeqCst) {
                continue;
            }
            if matches!(fault, Some(Fault::CutAfter(limit)) if seen > limit) || to_server.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        let _ = (from_client.shutdown(Shutdown::Both), to_server.shutdown(Shutdown::Both));
    });
    let (mut from_server, mut to_client) = (server, client);
    std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(read) = from_server.read(&mut buffer) {
            if read == 0 || silent.load(Ordering::SeqCst) || to_client.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
        let _ = (from_server.shutdown(Shutdown::Both), to_client.shutdown(Shutdown::Both));
    });
}
