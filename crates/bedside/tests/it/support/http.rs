//! A browser's end of an HTTP connection, as far as the tests need one.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::site::{Serve, Site};

/// An answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    /// The session's cookie that it gives.
    pub(crate) fn cookie(&self) -> Option<String> {
        let value = self.header("set-cookie")?;
        Some(value.split(';').next()?.to_owned())
    }
}

/// One request on a connection of its own. `cookie` is `name=value` or empty.
pub(crate) fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    cookie: &str,
    form: &str,
) -> Answer {
    let mut stream = TcpStream::connect(address).unwrap();
    stream
        .set_read_timeout(Some(Duration::from_secs(90)))
        .unwrap();
    let mut head = format!(
        "{method} {path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nAccept: text/html\r\n"
    );
    if !cookie.is_empty() {
        head += &format!("Cookie: {cookie}\r\n");
    }
    if method != "GET" {
        head += &format!(
            "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n",
            form.len()
        );
    }
    stream
        .write_all(format!("{head}\r\n{form}").as_bytes())
        .unwrap();
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    let text = String::from_utf8_lossy(&bytes);
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    Answer {
        status,
        head: head.to_owned(),
        body: body.to_owned(),
    }
}

/// A GET.
pub(crate) fn get(address: SocketAddr, path: &str, cookie: &str) -> Answer {
    request(address, "GET", path, cookie, "")
}

/// Signs `account` in with a one-time link and gives back the session's cookie.
pub(crate) fn sign_in(site: &Site, serve: &Serve, account: &str) -> String {
    let link = site.run(&["account", "link", account]).expect(0).out;
    let path = link
        .trim()
        .find("/signin/")
        .map(|at| link.trim()[at..].to_owned())
        .unwrap();
    let answer = request(serve.http, "POST", &path, "", "");
    assert_eq!(answer.status, 303, "{}", answer.body);
    assert_eq!(
        request(serve.http, "POST", &path, "", "").status,
        401,
        "a link works once"
    );
    answer.cookie().unwrap()
}
