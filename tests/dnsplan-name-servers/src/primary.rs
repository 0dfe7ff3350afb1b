//! Primary servers that take dynamic updates (RFC 2136).

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::Command;

use hickory_proto::rr::Name;
use tempfile::TempDir;

use crate::ask::serial;
use crate::ports::free_address;
use crate::process::{Guard, StartError, run};

/// What each zone begins with.
const SOA: &str = "ns.invalid. hostmaster.invalid. 1 3600 600 86400 30";

/// How often a server is started anew on another port, where somebody took the one before.
const STARTS: u32 = 5;

/// Which server.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Software {
    /// BIND 9.
    Bind,
    /// Knot DNS.
    Knot,
    /// PowerDNS, with its SQLite backend.
    PowerDns,
}

impl Software {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Bind, Self::Knot, Self::PowerDns];
}

impl fmt::Display for Software {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Bind => "bind",
            Self::Knot => "knot",
            Self::PowerDns => "powerdns",
        })
    }
}

/// A TSIG key.
#[derive(Clone, Debug)]
pub struct Key {
    /// Its name.
    pub name: String,
    /// Its algorithm, such as `hmac-sha256`.
    pub algorithm: String,
    /// The secret in base64.
    pub secret: String,
}

impl Key {
    /// A key for tests: the secret is no secret.
    #[must_use]
    pub fn sample(algorithm: &str) -> Self {
        let secret = "bm90IGEgc2VjcmV0LCBidXQgYXMgbG9uZyBhcyBvbmU=".to_owned();
        Self { name: "dnsplan-test".to_owned(), algorithm: algorithm.to_owned(), secret }
    }
}

/// A primary server on loopback that serves some zones and takes updates to them. It ends when it is dropped.
#[derive(Debug)]
pub struct Primary {
    guard: Guard,
    software: Software,
    address: SocketAddr,
    key: Option<Key>,
    directory: TempDir,
}

impl Primary {
    /// Starts a server with `zones`, each with its SOA and one NS and nothing else. Whoever signs with `key` may transfer and update
    /// them; without one, whoever is on this machine.
    ///
    /// # Errors
    /// [`StartError`] says what to install, or what the server said.
    pub fn start(software: Software, zones: &[&str], key: Option<&Key>) -> Result<Self, StartError> {
        Self::start_with(software, zones, key, "")
    }

    /// The same with `options` of the server's own: for BIND, lines for each zone; for Knot and PowerDNS, lines for the server.
    ///
    /// # Errors
    /// [`StartError`] says what to install, or what the server said.
    pub fn start_with(
        software: Software,
        zones: &[&str],
        key: Option<&Key>,
        options: &str,
    ) -> Result<Self, StartError> {
        let mut tries = 0;
        loop {
            tries += 1;
            match Self::try_start(software, zones, key, options) {
                Err(StartError::Failed { said, .. }) if tries < STARTS && said.contains("in use") => {}
                started => return started,
            }
        }
    }

    fn try_start(
        software: Software,
        zones: &[&str],
        key: Option<&Key>,
        options: &str,
    ) -> Result<Self, StartError> {
        let directory = tempfile::Builder::new().prefix("dnsplan-").tempdir()?;
        let address = free_address()?;
        let setup = Setup { directory: directory.path(), address, zones, key, options };
        let mut guard = match software {
            Software::Bind => setup.bind()?,
            Software::Knot => setup.knot()?,
            Software::PowerDns => setup.powerdns()?,
        };
        for zone in zones {
            let name = Name::from_ascii(zone).map_err(std::io::Error::other)?;
            guard.until(&format!("it serves {zone}"), || serial(address, &name).is_some())?;
        }
        Ok(Self { guard, software, address, key: key.cloned(), directory })
    }

    /// Where it listens, for UDP and TCP.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Which server it is.
    #[must_use]
    pub const fn software(&self) -> Software {
        self.software
    }

    /// Changes a zone by hand: one update by `nsupdate`, of lines such as `update delete www.example. A`.
    ///
    /// # Errors
    /// [`StartError`] says what to install, or what `nsupdate` said.
    pub fn update(&self, zone: &str, lines: &[impl AsRef<str>]) -> Result<(), StartError> {
        let (ip, port) = (self.address.ip(), self.address.port());
        let mut script = format!("server {ip} {port}\nzone {zone}\n");
        for line in lines {
            script.push_str(line.as_ref());
            script.push('\n');
        }
        script.push_str("send\n");
        let path = self.directory.path().join("nsupdate");
        fs::write(&path, script)?;
        let mut arguments = vec!["-v".to_owned()];
        if let Some(Key { name, algorithm, secret }) = &self.key {
            arguments.extend(["-y".to_owned(), format!("{algorithm}:{name}:{secret}")]);
        }
        run("nsupdate", "bind9-dnsutils", arguments, File::open(path)?)
    }

    /// Takes everything out of a zone but its SOA and NS.
    ///
    /// # Errors
    /// [`StartError`] says what to install, or what went wrong.
    pub fn wipe(&self, zone: &str) -> Result<(), StartError> {
        let mut dig = Command::new("dig");
        dig.args(["+noall", "+answer", "+onesoa", &format!("@{}", self.address.ip()), "-p"]);
        dig.arg(self.address.port().to_string());
        if let Some(Key { name, algorithm, secret }) = &self.key {
            dig.args(["-y", &format!("{algorithm}:{name}:{secret}")]);
        }
        let output = dig.args([zone, "AXFR"]).output()?;
        let listed = String::from_utf8_lossy(&output.stdout);
        let is_record = |line: &&str| !line.is_empty() && !line.starts_with(';');
        let names: BTreeSet<&str> =
            listed.lines().filter(is_record).filter_map(|line| line.split_whitespace().next()).collect();
        let lines: Vec<String> = names.iter().map(|name| format!("update delete {name}")).collect();
        if lines.is_empty() {
            let what = format!("the zone {zone} cannot be listed");
            return Err(StartError::Failed { what, said: listed.into_owned() });
        }
        self.update(zone, &lines)
    }

    /// What it has said so far.
    #[must_use]
    pub fn log(&self) -> String {
        self.guard.log()
    }
}

struct Setup<'a> {
    directory: &'a Path,
    address: SocketAddr,
    zones: &'a [&'a str],
    key: Option<&'a Key>,
    options: &'a str,
}

impl Setup<'_> {
    fn write(&self, name: &str, text: &str) -> Result<PathBuf, StartError> {
        let path = self.directory.join(name);
        fs::write(&path, text)?;
        Ok(path)
    }

    /// The zone files, and how each zone is called in them.
    fn zone_files(&self) -> Result<Vec<(&str, PathBuf)>, StartError> {
        let mut files = Vec::new();
        for zone in self.zones {
            let text = format!("$ORIGIN {zone}\n@ 300 IN SOA {SOA}\n@ 300 IN NS ns.invalid.\n");
            files.push((zone.trim_end_matches('.'), self.write(&format!("{zone}zone"), &text)?));
        }
        Ok(files)
    }

    fn log(&self) -> PathBuf {
        self.directory.join("log")
    }

    fn bind(&self) -> Result<Guard, StartError> {
        let directory = self.directory.display();
        let port = self.address.port();
        let mut text = format!(
            "options {{ directory \"{directory}\"; listen-on port {port} {{ 127.0.0.1; }}; listen-on-v6 {{ none; }}; \
             recursion no; dnssec-validation no; empty-zones-enable no; notify no; pid-file none; \
             session-keyfile \"{directory}/session.key\"; managed-keys-directory \"{directory}\"; \
             tcp-clients 1000; }};\ncontrols {{ }};\n"
        );
        let who = match self.key {
            Some(Key { name, algorithm, secret }) => {
                let key = format!("key \"{name}\" {{ algorithm {algorithm}; secret \"{secret}\"; }};\n");
                text.push_str(&key);
                let policy = format!("update-policy {{ grant \"{name}\" zonesub ANY; }};");
                format!("{policy} allow-transfer {{ key \"{name}\"; }};")
            }
            None => "allow-update { 127.0.0.1; }; allow-transfer { 127.0.0.1; };".to_owned(),
        };
        for (zone, file) in self.zone_files()? {
            let (file, options) = (file.display(), self.options);
            let zone = format!("zone \"{zone}\" {{ type primary; file \"{file}\"; {who} {options} }};\n");
            text.push_str(&zone);
        }
        let path = self.write("named.conf", &text)?;
        let arguments = ["-g".as_ref(), "-n".as_ref(), "1".as_ref(), "-c".as_ref(), path.as_os_str()];
        Guard::start("named", "bind9", arguments, &self.log())
    }

    fn knot(&self) -> Result<Guard, StartError> {
        let directory = self.directory.display();
        let mut text = format!(
            "server:\n  rundir: \"{directory}\"\n  listen: 127.0.0.1@{}\n  udp-workers: 1\n  tcp-workers: 2\n  \
             background-workers: 1\n{}\nlog:\n  - target: stderr\n    any: info\ndatabase:\n  storage: \"{directory}\"\n  \
             journal-db-max-size: 1G\n  journal-db-mode: asynchronous\n",
            self.address.port(),
            self.options
        );
        let who = match self.key {
            Some(Key { name, algorithm, secret }) => {
                let key =
                    format!("key:\n  - id: {name}\n    algorithm: {algorithm}\n    secret: \"{secret}\"\n");
                text.push_str(&key);
                format!("key: {name}")
            }
            None => "address: 127.0.0.1".to_owned(),
        };
        let acl = format!("acl:\n  - id: planner\n    {who}\n    action: [transfer, update]\n");
        text.push_str(&acl);
        text.push_str("zone:\n");
        for (zone, file) in self.zone_files()? {
            let zone = format!(
                "  - domain: {zone}\n    file: \"{}\"\n    acl: planner\n    zonefile-sync: -1\n",
                file.display()
            );
            text.push_str(&zone);
        }
        let path = self.write("knot.conf", &text)?;
        Guard::start("knotd", "knot", ["-c".as_ref(), path.as_os_str()], &self.log())
    }

    fn powerdns(&self) -> Result<Guard, StartError> {
        self.powerdns_database()?;
        let directory = self.directory.display();
        let transfers = if self.key.is_some() { "" } else { "127.0.0.0/8" };
        let text = format!(
            "launch=gsqlite3\ngsqlite3-database={directory}/pdns.sqlite3\ngsqlite3-dnssec=yes\n\
             gsqlite3-pragma-synchronous=0\nlocal-address=127.0.0.1\nlocal-port={}\nsocket-dir={directory}\n\
             dnsupdate=yes\nallow-dnsupdate-from=127.0.0.0/8\nallow-axfr-ips={transfers}\ndaemon=no\nguardian=no\n\
             disable-syslog=yes\nwrite-pid=no\nzone-cache-refresh-interval=0\nconsistent-backends=yes\n\
             cache-ttl=0\nquery-cache-ttl=0\nnegquery-cache-ttl=0\nmax-tcp-connections=100\nmax-tcp-transactions-per-conn=0\n{}\n",
            self.address.port(),
            self.options
        );
        self.write("pdns.conf", &text)?;
        let arguments = [format!("--config-dir={directory}")];
        Guard::start("pdns_server", "pdns-server pdns-backend-sqlite3", arguments, &self.log())
    }

    fn powerdns_database(&self) -> Result<(), StartError> {
        let schema = "/usr/share/doc/pdns-backend-sqlite3/schema.sqlite3.sql";
        let missing = |_| StartError::Missing {
            program: schema.to_owned(),
            package: "pdns-server pdns-backend-sqlite3",
        };
        let mut sql = fs::read_to_string(schema).map_err(missing)?;
        self.powerdns_rows(&mut sql).map_err(std::io::Error::other)?;
        let script = self.write("setup.sql", &sql)?;
        let database = self.directory.join("pdns.sqlite3");
        run("sqlite3", "sqlite3", [database.as_os_str()], File::open(script)?)
    }

    fn powerdns_rows(&self, sql: &mut String) -> fmt::Result {
        if let Some(Key { name, algorithm, secret }) = self.key {
            writeln!(
                sql,
                "INSERT INTO tsigkeys (name, algorithm, secret) VALUES ('{name}', '{algorithm}', '{secret}');"
            )?;
        }
        for (index, zone) in self.zones.iter().enumerate() {
            let (id, zone) = (index + 1, zone.trim_end_matches('.'));
            let soa = SOA.replace(". ", " ");
            writeln!(sql, "INSERT INTO domains (id, name, type) VALUES ({id}, '{zone}', 'MASTER');")?;
            for (kind, content) in [("SOA", soa.as_str()), ("NS", "ns.invalid")] {
                writeln!(
                    sql,
                    "INSERT INTO records (domain_id, name, type, content, ttl, prio, disabled, auth) \
                     VALUES ({id}, '{zone}', '{kind}', '{content}', 300, 0, 0, 1);"
                )?;
            }
            for (kind, key) in ["TSIG-ALLOW-DNSUPDATE", "TSIG-ALLOW-AXFR"]
                .into_iter()
                .filter_map(|kind| self.key.map(|key| (kind, &key.name)))
            {
                writeln!(
                    sql,
                    "INSERT INTO domainmetadata (domain_id, kind, content) VALUES ({id}, '{kind}', '{key}');"
                )?;
            }
        }
        Ok(())
    }
}
