//! A small file server: ranges or not, connections that break at a given byte, and a log of what was asked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// One file of the server.
#[derive(Clone, Default)]
pub(crate) struct Route {
    pub(crate) body: Vec<u8>,
    pub(crate) kind: &'static str,
    pub(crate) ignores_ranges: bool,
    /// How many bytes of the body each of the first answers gives before the connection breaks.
    pub(crate) breaks: Vec<usize>,
    /// Never answers.
    pub(crate) hangs: bool,
}

#[derive(Default)]
struct Shared {
    routes: HashMap<String, Route>,
    log: Vec<String>,
}

pub(crate) struct Server {
    pub(crate) base: String,
    shared: Arc<Mutex<Shared>>,
}

impl Server {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let base = format!("http://{}", listener.local_addr().unwrap());
        let shared = Arc::<Mutex<Shared>>::default();
        let answering = Arc::clone(&shared);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&answering)));
            }
        });
        Self { base, shared }
    }

    pub(crate) fn put(&self, path: &str, route: Route) {
        self.shared.lock().unwrap().routes.insert(path.to_owned(), route);
    }

    pub(crate) fn file(&self, path: &str, body: &[u8]) {
        self.put(path, Route { body: body.to_vec(), kind: "application/octet-stream", ..Route::default() });
    }

    /// What was asked since the last look: path and range.
    pub(crate) fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.lock().unwrap().log)
    }
}

async fn answer(mut stream: TcpStream, shared: Arc<Mutex<Shared>>) {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        if stream.read_exact(&mut byte).await.is_err() {
            return;
        }
        request.push(byte[0]);
    }
    let request = String::from_utf8(request).unwrap();
    let path = request.split(' ').nth(1).unwrap().to_owned();
    let range = request.lines().find_map(|line| line.to_lowercase().strip_prefix("range: bytes=").map(str::to_owned));
    let (route, stop) = {
        let mut shared = shared.lock().unwrap();
        shared.log.push(range.as_ref().map_or_else(|| path.clone(), |range| format!("{path} {range}")));
        let Some(route) = shared.routes.get_mut(&path) else {
            drop(shared);
            let _ = stream.try_write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
            return;
        };
        let stop = (!route.breaks.is_empty()).then(|| route.breaks.remove(0));
        (route.clone(), stop)
    };
    if route.hangs {
        std::future::pending::<()>().await;
    }
    let start = match range {
        Some(range) if !route.ignores_ranges => Some(range.trim_end_matches('-').parse::<usize>().unwrap()),
        _ => None,
    };
    let (total, kind) = (route.body.len(), route.kind);
    let (status, rest) = match start {
        Some(start) if start >= total => {
            let head = format!(
                "HTTP/1.1 416 Range Not Satisfiable\r\nContent-Range: bytes */{total}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
            );
            let _ = stream.write_all(head.as_bytes()).await;
            return;
        }
        Some(start) => {
            (format!("206 Partial Content\r\nContent-Range: bytes {start}-{}/{total}", total - 1), &route.body[start..])
        }
        None => ("200 OK".to_owned(), &route.body[..]),
    };
    let head = format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        rest.len()
    );
    let _ = stream.write_all(head.as_bytes()).await;
    let _ = stream.write_all(&rest[..stop.unwrap_or(rest.len()).min(rest.len())]).await;
    let _ = stream.shutdown().await;
}
