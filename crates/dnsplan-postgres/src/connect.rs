//! How a server is reached, from one line of text.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use deadpool_postgres::{Manager, Pool};
use tokio_postgres::{Config, NoTls};

/// How many connections a pool makes at most: what hands a role over needs one, and another while one hangs.
const CONNECTIONS: usize = 4;

/// How long a connection may take to be there.
const CONNECT: Duration = Duration::from_secs(3);

/// How long a statement may take, unless the text says otherwise: longer than a seal waits for transactions, and a promotion.
const STATEMENT: Duration = Duration::from_secs(30);

/// A server, a database and a user, as `libpq` writes them: `host=192.0.2.1 user=dnsplan dbname=shop`, or as a URL. One server only.
/// Without TLS: whoever needs that makes a pool of their own.
#[derive(Clone)]
pub struct Conninfo(Box<Config>);

/// Why a text is none.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidConninfo {
    /// It cannot be read.
    #[error("{0}; write it as `host=192.0.2.1 port=5432 user=dnsplan dbname=shop`")]
    Unreadable(String),
    /// It names no server, or several.
    #[error("it names {0} hosts; name one server")]
    Hosts(usize),
}

impl FromStr for Conninfo {
    type Err = InvalidConninfo;

    fn from_str(text: &str) -> Result<Self, InvalidConninfo> {
        let mut config: Config = text.parse().map_err(|error: tokio_postgres::Error| {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            InvalidConninfo::Unreadable(format!("{error}{}", cause.unwrap_or_default()))
        })?;
        let hosts = config.get_hosts().len().max(config.get_hostaddrs().len());
        if hosts != 1 {
            return Err(InvalidConninfo::Hosts(hosts));
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        // What its client has given up, a server gives up as well.
        let options = config.get_options().unwrap_or_default().to_owned();
        config.options(format!("-c statement_timeout={} {options}", STATEMENT.as_millis()));
        Ok(Self(Box::new(config)))
    }
}

impl Conninfo {
    /// The same database and user at another address.
    #[must_use]
    pub fn at(&self, address: IpAddr) -> Self {
        let mut config = Config::new();
        config.host(address.to_string()).connect_timeout(CONNECT);
        if let [port, ..] = self.0.get_ports() {
            config.port(*port);
        }
        if let Some(user) = self.0.get_user() {
            config.user(user);
        }
        if let Some(password) = self.0.get_password() {
            config.password(password);
        }
        if let Some(options) = self.0.get_options() {
            config.options(options);
        }
        if let Some(dbname) = self.0.get_dbname() {
            config.dbname(dbname);
        }
        Self(Box::new(config))
    }

    /// Connections to it, made when they are needed.
    #[must_use]
    pub fn pool(&self) -> Pool {
        let pool = Pool::builder(Manager::new((*self.0).clone(), NoTls)).max_size(CONNECTIONS).build();
        pool.expect("invariant: no timeout is set that would need a runtime")
    }
}

impl fmt::Debug for Conninfo {
    /// Without the password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Conninfo").field(&self.0.get_hosts()).field(&self.0.get_ports()).finish()
    }
}
