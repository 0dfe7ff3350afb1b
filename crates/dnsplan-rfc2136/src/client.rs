//! What is asked of the server: records, the whole zone, updates. It is asked itself, never a resolver.

use std::sync::{Mutex, MutexGuard};

use dnsplan_enactor::TargetError;
use dnsplan_plan::{OwnerName, RecordType};
use hickory_proto::op::{Message, OpCode, ResponseCode};

use crate::connection::Connection;
use crate::message::{Received, Reply, Update, question};
use crate::settings::Settings;
use crate::trouble::{Request, Trouble};
use crate::tsig::{Distrust, Signer, Verifier, now};

/// What became of an update.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Sent {
    /// It took effect.
    Done,
    /// A prerequisite does not hold: nothing was changed.
    Unmet,
    /// It was refused: nothing was changed.
    Refused(ResponseCode, TargetError),
    /// It may have taken effect.
    Unknown(String),
}

/// One server, for one zone.
pub(crate) struct Client {
    settings: Settings,
    signer: Option<Signer>,
    /// The connection between two exchanges. During one it belongs to that.
    idle: Mutex<Option<Connection>>,
}

/// A request that was sent, and what its reply must be.
struct Pending<'c> {
    id: u16,
    op_code: OpCode,
    verifier: Option<Verifier<'c>>,
}

/// Why there is no reply that can be used.
enum Failed {
    /// The connection broke, or what came is no reply.
    Broken(String),
    /// What came is not to be believed.
    Distrusted(Distrust, ResponseCode),
}

impl Client {
    pub(crate) fn new(settings: Settings) -> Self {
        let signer = settings.key.as_ref().map(Signer::new);
        Self { settings, signer, idle: Mutex::default() }
    }

    pub(crate) const fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Asks for the RRset of a name and type. The reply has authority, and may be negative.
    pub(crate) async fn query(
        &self,
        name: &OwnerName,
        record_type: RecordType,
    ) -> Result<Reply, TargetError> {
        let trouble = self.trouble(Request::Query);
        // What only reads may be asked again: the server may have closed an idle connection just now.
        let mut tries = 0;
        let reply = loop {
            tries += 1;
            let mut connection = self.connection().await?;
            let message = question(id(), name, record_type);
            match self.exchange(&mut connection, message).await {
                Ok(reply) => {
                    self.put_back(connection);
                    break reply;
                }
                Err(Failed::Distrusted(distrust, code)) => return Err(trouble.distrust(&distrust, code)),
                Err(Failed::Broken(why)) if tries > 1 => return Err(self.unavailable(&why)),
                Err(Failed::Broken(_)) => {}
            }
        };
        let metadata = &reply.header.metadata;
        match metadata.response_code {
            _ if metadata.truncation => Err(self.unavailable("the reply is truncated, and over TCP none is")),
            ResponseCode::NoError | ResponseCode::NXDomain if metadata.authoritative => Ok(reply),
            ResponseCode::NoError | ResponseCode::NXDomain => Err(TargetError::Misconfigured(format!(
                "{} answers for {} without authority: name the zone's primary server, not a resolver",
                self.settings.server, self.settings.zone
            ))),
            code => Err(trouble.code(code)),
        }
    }

    /// Sends an update, once.
    pub(crate) async fn update(&self, update: &Update) -> Result<Sent, TargetError> {
        let trouble = self.trouble(Request::Update);
        let mut connection = self.connection().await?;
        let message = update.encode(id(), &self.settings.zone);
        let reply = match self.exchange(&mut connection, message).await {
            Ok(reply) => reply,
            Err(Failed::Broken(why)) => return Ok(Sent::Unknown(why)),
            // What is not signed may be anybody's, and so the update may have taken effect. It is told as it is said: the next write
            // begins with a fresh look at the fence, and so nothing depends on it.
            Err(Failed::Distrusted(Distrust::Said(_) | Distrust::Unsigned, ResponseCode::NoError)) => {
                return Ok(Sent::Unknown("the reply is not signed as it should be".to_owned()));
            }
            Err(Failed::Distrusted(distrust @ (Distrust::Said(_) | Distrust::Unsigned), code)) => {
                return Err(trouble.distrust(&distrust, code));
            }
            Err(Failed::Distrusted(distrust, code)) => {
                return Ok(Sent::Unknown(trouble.distrust(&distrust, code).to_string()));
            }
        };
        self.put_back(connection);
        Ok(match reply.header.metadata.response_code {
            ResponseCode::NoError => Sent::Done,
            ResponseCode::NXRRSet
            | ResponseCode::YXRRSet
            | ResponseCode::NXDomain
            | ResponseCode::YXDomain => Sent::Unmet,
            code => Sent::Refused(code, trouble.code(code)),
        })
    }

    /// Transfers the zone: everything from its SOA to the same SOA again (RFC 5936), which is left out the second time.
    pub(crate) async fn transfer(&self) -> Result<Vec<Received>, TargetError> {
        let trouble = self.trouble(Request::Transfer);
        let failed = |failed| match failed {
            Failed::Broken(why) => self.unavailable(&format!("the transfer of the zone broke off: {why}")),
            Failed::Distrusted(distrust, code) => trouble.distrust(&distrust, code),
        };
        let mut connection = self.open().await?;
        let message = question(id(), &self.settings.zone, RecordType::AXFR);
        let mut pending = self.send(&mut connection, message).await.map_err(failed)?;
        let mut records: Vec<Received> = Vec::new();
        let is_soa =
            |record: &Received| record.record_type == RecordType::SOA && record.owner == self.settings.zone;
        loop {
            let (reply, is_checked) = pending.receive(&mut connection).await.map_err(failed)?;
            let code = reply.header.metadata.response_code;
            if code != ResponseCode::NoError {
                return Err(trouble.code(code));
            }
            if reply.answers.is_empty() {
                return Err(self.unavailable("the transfer of the zone has a message without records"));
            }
            for record in reply.answers {
                let is_first = records.is_empty();
                if is_first != is_soa(&record) && is_first {
                    return Err(self.unavailable("the transfer of the zone does not begin with its SOA"));
                }
                if !is_first && is_soa(&record) {
                    // The last message must be signed (RFC 8945 section 5.3.1).
                    return if is_checked { Ok(records) } else { Err(failed(unsigned())) };
                }
                records.push(record);
            }
        }
    }

    async fn exchange(&self, connection: &mut Connection, message: Vec<u8>) -> Result<Reply, Failed> {
        let mut pending = self.send(connection, message).await?;
        let (reply, _) = pending.receive(connection).await?;
        Ok(reply)
    }

    async fn send(&self, connection: &mut Connection, mut message: Vec<u8>) -> Result<Pending<'_>, Failed> {
        let id = u16::from_be_bytes([message[0], message[1]]);
        let op_code = OpCode::from_u8((message[2] >> 3) & 0xf);
        let sign = |signer| Signer::sign(signer, &mut message, now());
        let verifier = self.signer.as_ref().map(sign).transpose().map_err(Failed::Broken)?;
        connection.send(&message).await.map_err(|error| Failed::Broken(error.to_string()))?;
        Ok(Pending { id, op_code, verifier })
    }

    /// The idle connection, or a new one. What fails here was not sent.
    async fn connection(&self) -> Result<Connection, TargetError> {
        let idle = self.idle().take();
        match idle.filter(|connection| !connection.is_spent()) {
            Some(connection) => Ok(connection),
            None => self.open().await,
        }
    }

    async fn open(&self) -> Result<Connection, TargetError> {
        let opened = Connection::open(self.settings.server, self.settings.timeout).await;
        opened.map_err(|error| self.unavailable(&error.to_string()))
    }

    fn put_back(&self, connection: Connection) {
        *self.idle() = Some(connection);
    }

    fn idle(&self) -> MutexGuard<'_, Option<Connection>> {
        self.idle.lock().expect("invariant: nothing panics while it is locked")
    }

    fn trouble(&self, request: Request) -> Trouble<'_> {
        let Settings { server, zone, key, .. } = &self.settings;
        Trouble { server: *server, zone, key: key.as_ref(), request }
    }

    fn unavailable(&self, why: &str) -> TargetError {
        TargetError::Unavailable(format!("{}: {why}", self.settings.server))
    }
}

impl Pending<'_> {
    /// The next reply, and whether it, and all before it, are signed as they should be.
    async fn receive(&mut self, connection: &mut Connection) -> Result<(Reply, bool), Failed> {
        let bytes = connection.receive().await.map_err(|error| Failed::Broken(error.to_string()))?;
        let reply =
            Reply::read(&bytes).map_err(|error| Failed::Broken(format!("no DNS message: {error}")))?;
        if !reply.answers_to(self.id, self.op_code) {
            return Err(Failed::Broken("a reply to something else".to_owned()));
        }
        let Some(verifier) = &mut self.verifier else { return Ok((reply, true)) };
        let code = reply.header.metadata.response_code;
        let checked = verifier.check(&bytes, reply.signature.as_ref(), now());
        let is_checked = checked.map_err(|distrust| Failed::Distrusted(distrust, code))?;
        Ok((reply, is_checked))
    }
}

fn unsigned() -> Failed {
    Failed::Distrusted(Distrust::Unsigned, ResponseCode::NoError)
}

/// A random id.
fn id() -> u16 {
    Message::query().id
}
