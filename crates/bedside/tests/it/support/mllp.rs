//! An interface engine's end of an MLLP connection, in a few lines of its own: what the program frames must be readable by
//! somebody who never saw its code.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// What came back.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Ack {
    /// MSA-1.
    pub(crate) code: String,
    /// MSA-2.
    pub(crate) control_id: String,
    /// All of it.
    pub(crate) text: String,
}

/// A connection.
pub(crate) struct Line {
    stream: TcpStream,
    read: Vec<u8>,
}

impl Line {
    pub(crate) fn connect(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            read: Vec::new(),
        })
    }

    /// Sends bytes as they are.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Sends a message and waits for its answer.
    pub(crate) fn send(&mut self, message: &[u8]) -> io::Result<Ack> {
        self.raw(&framed(message))?;
        self.answer()
    }

    /// The next answer.
    pub(crate) fn answer(&mut self) -> io::Result<Ack> {
        loop {
            if let Some(end) = self.read.windows(2).position(|two| two == [0x1C, b'\r']) {
                let frame: Vec<u8> = self.read.drain(..end + 2).collect();
                assert_eq!(frame[0], 0x0B, "an answer begins with VT");
                return Ok(ack(&String::from_utf8_lossy(&frame[1..end])));
            }
            let mut buffer = [0; 4096];
            let count = self.stream.read(&mut buffer)?;
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.read.extend_from_slice(&buffer[..count]);
        }
    }

    /// Says that nothing more will come and waits until the other side has closed: by then it has dealt with everything.
    pub(crate) fn end(mut self) {
        // The other side may have closed already.
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
        let mut rest = Vec::new();
        let _ = self.stream.read_to_end(&mut rest);
    }
}

/// `VT message FS CR`.
pub(crate) fn framed(message: &[u8]) -> Vec<u8> {
    [b"\x0b", message, b"\x1c\r"].concat()
}

fn ack(text: &str) -> Ack {
    let msa: Vec<&str> = text
        .split('\r')
        .find_map(|segment| segment.strip_prefix("MSA|"))
        .unwrap_or_else(|| panic!("no MSA in {text}"))
        .split('|')
        .collect();
    Ack {
        code: msa[0].to_owned(),
        control_id: msa.get(1).copied().unwrap_or_default().to_owned(),
        text: text.to_owned(),
    }
}
