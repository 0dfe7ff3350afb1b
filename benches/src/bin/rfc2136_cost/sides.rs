//! The ways to put plans in place.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use dnsplan::enactor::codec::encode;
use dnsplan::enactor::{Enactor, FenceRecord, Nonces, Quarantine, Rest};
use dnsplan::fence::{Actor, Digest, Generation, Nonce, ParentGeneration, Progress};
use dnsplan::plan::{
    MemoryStore, OwnerName, Plan, Proposal, Provenance, RData, RRset, RecordType, TargetId, Timestamp, Ttl,
    Zone, rdata,
};
use dnsplan::rfc2136::{Rfc2136Target, Settings};
use dnsplan::tsig::TsigKey;
use dnsplan::{RandomNonces, SystemClock, append};
use dnsplan_name_servers::Key;
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::TXT;
use hickory_proto::rr::{DNSClass, Name, Record};
use tokio::runtime::Runtime;

use super::{Edits, Error, TTL, host};

/// One way to put plans in place.
pub(super) trait Side {
    /// Puts a plan in place, and says how long that took.
    fn apply(&mut self, edits: &Edits) -> Result<Duration, Error>;
}

/// Through dnsplan, as in production; the store is in memory.
pub(super) struct Engine {
    runtime: Runtime,
    store: Arc<MemoryStore>,
    enactor: Enactor<MemoryStore, Rfc2136Target, SystemClock, RandomNonces>,
    origin: OwnerName,
    head: Option<Arc<Plan>>,
}

impl Engine {
    pub(super) fn new(server: SocketAddr, zone: &str, key: TsigKey) -> Result<Self, Error> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (store, origin): (_, OwnerName) = (Arc::new(MemoryStore::new()), zone.parse()?);
        let settings = Settings::new(server, origin.clone()).with_key(key);
        let target = runtime.block_on(Rfc2136Target::connect(TargetId::new("rfc2136:bench"), settings))?;
        let (clock, nonces) = (Arc::new(SystemClock), Arc::new(RandomNonces));
        let enactor = Enactor::new(Arc::clone(&store), Arc::new(target), clock, nonces, Actor::new("bench")?);
        Ok(Self { runtime, store, enactor, origin, head: None })
    }

    fn edited(&self, edits: &Edits) -> Result<Zone, Error> {
        let (origin, ttl) = (&self.origin, Ttl::new(TTL).ok_or("a TTL")?);
        let mut zone = match &self.head {
            Some(head) => head.zone().clone(),
            None => {
                let mut zone = Zone::empty(origin.clone());
                for (kind, text) in
                    [("SOA", "ns.invalid. h.invalid. 0 300 60 86400 30"), ("NS", "ns.invalid.")]
                {
                    zone.set_rrset(origin.clone(), RRset::simple(ttl, [rdata(kind, text, origin)?])?)?;
                }
                zone
            }
        };
        for (index, address) in edits {
            let rrset = RRset::simple(ttl, [RData::A((*address).into())])?;
            zone.set_rrset(OwnerName::relative(&host(*index), origin)?, rrset)?;
        }
        Ok(zone)
    }
}

impl Side for Engine {
    fn apply(&mut self, edits: &Edits) -> Result<Duration, Error> {
        let provenance = Provenance::new("bench", Timestamp::from_millis(0), "cost");
        let proposal = Proposal { zone: self.edited(edits)?, provenance };
        let parent = self.head.as_ref().map_or(ParentGeneration::NONE, ParentGeneration::of);
        let appended = append(&*self.store, parent, proposal, RandomNonces.next());
        let head = self.runtime.block_on(appended)?;
        let begun = Instant::now();
        let rest = self.runtime.block_on(self.enactor.pass())?;
        let taken = begun.elapsed();
        if rest != Rest::Live(head.generation()) {
            return Err(format!("the enactor rests at {rest:?}").into());
        }
        self.head = Some(head);
        Ok(taken)
    }
}

/// By one `nsupdate` that is kept running.
pub(super) struct Nsupdate {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    zone: &'static str,
}

impl Nsupdate {
    pub(super) fn new(server: SocketAddr, zone: &'static str, key: &Key) -> Result<Self, Error> {
        let mut child = Command::new("nsupdate")
            .args(["-v", "-y", &format!("{}:{}:{}", key.algorithm, key.name, key.secret)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("nsupdate: {error}: `apt-get install bind9-dnsutils`"))?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        let (mut input, output) = (input.ok_or("its input")?, BufReader::new(output.ok_or("its output")?));
        // With both it asks nobody which zone and server it is.
        writeln!(input, "server {} {}\nzone {zone}", server.ip(), server.port())?;
        Ok(Self { child, input, output, zone })
    }
}

impl Side for Nsupdate {
    fn apply(&mut self, edits: &Edits) -> Result<Duration, Error> {
        let mut script = String::new();
        for (index, address) in edits {
            let owner = format!("{}.{}", host(*index), self.zone);
            script.push_str(&format!("update delete {owner} A\nupdate add {owner} {TTL} A {address}\n"));
        }
        script.push_str("send\nanswer\n");
        let begun = Instant::now();
        self.input.write_all(script.as_bytes())?;
        let mut answer = String::new();
        // Two sections, of which the signature is the second, with an empty line after each. What was refused may be unsigned.
        let is_good = |answer: &str| answer.contains("status: NOERROR");
        while !answer.ends_with("\n\n") || is_good(&answer) && !answer.contains("TSIG PSEUDOSECTION") {
            if self.output.read_line(&mut answer)? == 0 {
                return Err(format!("nsupdate has ended: {answer}").into());
            }
        }
        let taken = begun.elapsed();
        if is_good(&answer) { Ok(taken) } else { Err(answer.into()) }
    }
}

impl Drop for Nsupdate {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// By messages that are ready before the clock starts.
pub(super) struct ReadyMade {
    server: SocketAddr,
    stream: TcpStream,
    zone: Name,
    key: TsigKey,
    /// How many plans have gone by, where the messages are fenced.
    fence: Option<u64>,
}

fn connected(server: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect(server)?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

impl ReadyMade {
    pub(super) fn new(server: SocketAddr, zone: &str, key: TsigKey, is_fenced: bool) -> Result<Self, Error> {
        let fence = is_fenced.then_some(0);
        Ok(Self { server, stream: connected(server)?, zone: Name::from_ascii(zone)?, key, fence })
    }

    /// The fence record after so many plans, as dnsplan has it.
    fn fence(&self, plans: u64) -> Result<Record, Error> {
        let generation = Generation::new(plans);
        let record = FenceRecord {
            generation,
            digest: Digest::new([7; 32]),
            base: generation,
            floor: Generation::ZERO,
            flip: Progress::new(1, 1).ok_or("a part")?,
            stage: None,
            freeze: None,
            attempt: Nonce::new(u128::from(plans)),
            by: Actor::new("bench")?,
            payload: Quarantine::default(),
        };
        let text = encode(&record);
        let strings = text.as_bytes().chunks(255).map(|part| String::from_utf8_lossy(part).into_owned());
        let owner = Name::from_ascii("_dnsplan")?.append_domain(&self.zone)?;
        Ok(Record::from_rdata(owner, TTL, RData::TXT(TXT::new(strings.collect()))))
    }

    fn message(&self, edits: &Edits) -> Result<Vec<u8>, Error> {
        let mut message = Message::new(Message::query().id, MessageType::Query, OpCode::Update);
        message.add_query(Query::query(self.zone.clone(), RecordType::SOA));
        if let Some(plans) = self.fence {
            let mut old = self.fence(plans)?;
            let mut delete = Record::from_rdata(old.name.clone(), 0, RData::Update0(RecordType::TXT));
            delete.dns_class = DNSClass::ANY;
            old.ttl = 0;
            if plans > 0 {
                message.add_answer(old);
            }
            message.add_authorities([delete, self.fence(plans + 1)?]);
        }
        for (index, address) in edits {
            let owner = Name::from_ascii(host(*index))?.append_domain(&self.zone)?;
            let mut delete = Record::from_rdata(owner.clone(), 0, RData::Update0(RecordType::A));
            delete.dns_class = DNSClass::ANY;
            let add = Record::from_rdata(owner, TTL, RData::A((*address).into()));
            message.add_authorities([delete, add]);
        }
        message.finalize(self.key.signer(), SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs())?;
        let bytes = message.to_vec()?;
        let mut framed = u16::try_from(bytes.len())?.to_be_bytes().to_vec();
        framed.extend(bytes);
        Ok(framed)
    }
}

impl Side for ReadyMade {
    fn apply(&mut self, edits: &Edits) -> Result<Duration, Error> {
        let message = self.message(edits)?;
        // A server closes connections that rest for too long.
        self.stream.set_nonblocking(true)?;
        if !self.stream.peek(&mut [0]).is_err_and(|error| error.kind() == ErrorKind::WouldBlock) {
            self.stream = connected(self.server)?;
        }
        self.stream.set_nonblocking(false)?;
        let begun = Instant::now();
        self.stream.write_all(&message)?;
        let mut length = [0; 2];
        self.stream.read_exact(&mut length)?;
        let mut reply = vec![0; u16::from_be_bytes(length).into()];
        self.stream.read_exact(&mut reply)?;
        let taken = begun.elapsed();
        let code = Message::from_vec(&reply)?.metadata.response_code;
        if code != ResponseCode::NoError {
            return Err(code.to_string().into());
        }
        self.fence = self.fence.map(|plans| plans + 1);
        Ok(taken)
    }
}
