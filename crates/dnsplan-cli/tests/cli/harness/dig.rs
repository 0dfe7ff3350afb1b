//! Queries through `dig`.

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::process::Command;

/// What came back.
#[derive(Debug)]
pub(crate) struct Reply {
    /// The response code, such as `NXDOMAIN`; empty where there was no answer.
    pub(crate) status: String,
    /// The header's flags, such as `qr aa rd`.
    pub(crate) flags: String,
    /// The answer section, one record a line, fields parted by single spaces.
    pub(crate) answer: Vec<String>,
    pub(crate) authority: Vec<String>,
    /// All that dig printed.
    pub(crate) text: String,
}

impl Reply {
    /// The data of the answers of one type, in order.
    pub(crate) fn data(&self, record_type: &str) -> Vec<String> {
        let data = |line: &String| {
            let mut fields = line.splitn(5, ' ').skip(3);
            (fields.next() == Some(record_type)).then(|| fields.next().unwrap_or_default().to_owned())
        };
        let mut data: Vec<String> = self.answer.iter().filter_map(data).collect();
        data.sort();
        data
    }

    #[track_caller]
    pub(crate) fn assert_status(&self, status: &str) {
        assert_eq!(self.status, status, "{}", self.text);
    }
}

/// One question with any of dig's options.
pub(crate) fn dig(server: SocketAddr, args: &[&str]) -> Reply {
    let (at, port) = (format!("@{}", server.ip()), server.port().to_string());
    let mut command = Command::new("dig");
    // `-r`: the settings of whoever runs this do not count.
    command.args(["-r", &at, "-p", &port, "+tries=3", "+time=2"]).args(args);
    let done = match command.output() {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("there is no `dig`: install bind9-dnsutils, or run cargo xtask test, which does")
        }
        done => done.unwrap(),
    };
    let text = String::from_utf8_lossy(&done.stdout).into_owned();
    let between = |from: &str, to: &str| {
        text.split(from).nth(1).and_then(|rest| rest.split(to).next()).unwrap_or_default().to_owned()
    };
    Reply {
        status: between("status: ", ","),
        flags: between("flags: ", ";"),
        answer: section(&text, "ANSWER"),
        authority: section(&text, "AUTHORITY"),
        text,
    }
}

fn section(text: &str, name: &str) -> Vec<String> {
    let heading = format!(";; {name} SECTION:");
    let lines = text.lines().skip_while(|line| *line != heading).skip(1);
    let spaced = |line: &str| line.split_whitespace().collect::<Vec<_>>().join(" ");
    lines.take_while(|line| !line.is_empty()).map(spaced).collect()
}

/// One question over UDP.
pub(crate) fn udp(server: SocketAddr, name: &str, record_type: &str) -> Reply {
    dig(server, &["+notcp", "-q", name, "-t", record_type])
}

/// One question over TCP.
pub(crate) fn tcp(server: SocketAddr, name: &str, record_type: &str) -> Reply {
    dig(server, &["+tcp", "-q", name, "-t", record_type])
}
