//! NOTIFY (RFC 1996): every secondary is told of every plan that becomes live, until it says that it has heard.
//!
//! 1. Each zone and secondary has a task of its own: one that is away holds up nobody.
//! 2. A secondary is told the newest serial only. What is superseded before it is acknowledged is not told any more.
//! 3. What gets no answer is said again, less and less often, for as long as it is the newest. An answer is a response with
//!    the message's own id, operation and question.
//! 4. Nobody is told of a zone of which nothing is live, or nothing that could be transferred.

use std::collections::BTreeSet;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use dnsplan_enactor::Target as _;
use dnsplan_fence::Generation;
use dnsplan_plan::RecordType;
use hickory_proto::ProtoError;
use hickory_proto::op::{Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::Record;
use hickory_proto::serialize::binary::DecodeError;
use tokio::net::UdpSocket;
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::handler::Handler;
use crate::target::HickoryTarget;
use crate::transfer::{Desk, Version, now};

/// How long an answer is waited for.
const PATIENCE: Duration = Duration::from_secs(2);
/// The first and the longest rest before the same is said again.
const REST: (Duration, Duration) = (Duration::from_millis(500), Duration::from_secs(60));
/// A secondary is told of no more than one plan in this time: it transfers the newest anyway.
const SPACING: Duration = Duration::from_millis(100);
/// An answer to a NOTIFY is no longer than this, with a signature.
const LONGEST_ANSWER: usize = 1232;

/// Why a secondary is not known to have heard.
#[derive(Debug, thiserror::Error)]
enum Unheard {
    #[error("it cannot be reached: {0}")]
    Unreachable(#[from] io::Error),
    #[error("no answer in {} s", PATIENCE.as_secs())]
    Silent,
    #[error("its answer cannot be read: {0}")]
    Unreadable(#[from] DecodeError),
    #[error("its answer is not rightly signed: {0}")]
    Unsigned(#[from] ProtoError),
    #[error(
        "it answers {0}: let it accept NOTIFY for the zone from here, with this server's key if there is one"
    )]
    Refused(ResponseCode),
}

/// What became of a message to a secondary.
#[derive(Clone, Copy, Debug)]
enum Said {
    /// It was acknowledged.
    Heard,
    /// There was nothing to say.
    Nothing,
}

/// Notifies from `source` of all zones of `handler`, those added later too, until it is dropped.
pub(crate) async fn notify_all(handler: Handler, source: IpAddr) {
    let Some(desk) = handler.desk().cloned() else { return };
    let (mut told, mut tasks) = (BTreeSet::new(), JoinSet::new());
    let mut additions = handler.additions();
    loop {
        additions.mark_unchanged();
        for target in handler.targets() {
            if !told.insert(target.zone().clone()) {
                continue;
            }
            for &secondary in &desk.config().notify {
                let teller = Teller { target: target.clone(), desk: Arc::clone(&desk), secondary, source };
                tasks.spawn(teller.follow());
            }
        }
        if additions.changed().await.is_err() {
            return;
        }
    }
}

/// Tells one secondary about one zone.
struct Teller {
    target: HickoryTarget,
    desk: Arc<Desk>,
    secondary: SocketAddr,
    source: IpAddr,
}

impl Teller {
    async fn follow(self) {
        let mut newest = self.target.newest();
        loop {
            let generation = *newest.borrow_and_update();
            if let Some(generation) = generation {
                tokio::select! {
                    () = self.tell(generation) => sleep(SPACING).await,
                    _ = newest.changed() => {
                        sleep(SPACING).await;
                        continue;
                    }
                }
            }
            if newest.changed().await.is_err() {
                return;
            }
        }
    }

    /// Says it again until it is heard.
    async fn tell(&self, generation: Generation) {
        let (zone, secondary) = (self.target.zone(), self.secondary);
        let backoff = ExponentialBuilder::new()
            .with_min_delay(REST.0)
            .with_max_delay(REST.1)
            .with_jitter()
            .without_max_times();
        let told = (|| self.say())
            .retry(backoff)
            .notify(|error, rest| {
                tracing::info!(%zone, %secondary, %generation, %error, ?rest, "a secondary has not heard, it will be told again");
            })
            .await;
        if matches!(told, Ok(Said::Heard)) {
            self.desk.counters.acknowledged.add();
            tracing::debug!(%zone, %secondary, %generation, "a secondary has heard");
        }
    }

    /// Says it once, and waits for the answer.
    async fn say(&self) -> Result<Said, Unheard> {
        let Some(soa) = self.target.snapshot().and_then(|live| Version::of(live.value())).map(|v| v.soa)
        else {
            return Ok(Said::Nothing);
        };
        let (socket, mut message) = (self.socket().await?, notification(soa));
        let verifier = match self.desk.keys().first() {
            Some(key) => message.finalize(key.signer(), now())?,
            None => None,
        };
        socket.send(&message.to_vec()?).await?;
        self.desk.counters.notified.add();
        let mut verifier = verifier;
        let heard = async {
            let mut bytes = [0; LONGEST_ANSWER];
            loop {
                let length = socket.recv(&mut bytes).await?;
                let Some(bytes) = bytes.get(..length) else { continue };
                let answer = Message::from_vec(bytes)?;
                if !is_answer(&message, &answer) {
                    continue;
                }
                if answer.response_code != ResponseCode::NoError {
                    return Err(Unheard::Refused(answer.response_code));
                }
                if let Some(verifier) = &mut verifier {
                    verifier.verify(bytes)?;
                }
                return Ok(Said::Heard);
            }
        };
        timeout(PATIENCE, heard).await.map_err(|_| Unheard::Silent)?
    }

    /// A socket of its own for every message, so that nobody guesses its port. From the server's own address where that is
    /// one and of the secondary's family: secondaries know the server by it.
    async fn socket(&self) -> io::Result<UdpSocket> {
        let is_ours = !self.source.is_unspecified() && self.source.is_ipv4() == self.secondary.is_ipv4();
        let any = match self.secondary {
            SocketAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            SocketAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let socket = UdpSocket::bind((if is_ours { self.source } else { any }, 0)).await?;
        socket.connect(self.secondary).await?;
        Ok(socket)
    }
}

/// Whether `answer` is one to `message`: a response with its id, operation and question. A server that understands nothing of
/// the message may say so without the question, but acknowledges nothing by that.
fn is_answer(message: &Message, answer: &Message) -> bool {
    let is_refusal = answer.response_code != ResponseCode::NoError;
    answer.message_type == MessageType::Response
        && answer.id == message.id
        && answer.op_code == message.op_code
        && (answer.queries == message.queries || (is_refusal && answer.queries.is_empty()))
}

/// The message (RFC 1996 section 3.7), with the newest SOA as a hint.
fn notification(soa: Record) -> Message {
    let mut message = Message::query();
    message.metadata.op_code = OpCode::Notify;
    message.metadata.authoritative = true;
    message.metadata.recursion_desired = false;
    message.add_query(Query::query(soa.name.clone(), RecordType::SOA));
    message.add_answer(soa);
    message
}

#[cfg(test)]
mod tests {
    use std::str::FromStr as _;

    use hickory_proto::rr::Name;

    use super::*;

    /// An answer, as it should be but for what is changed.
    fn is_answer_with(change: impl FnOnce(&mut Message)) -> bool {
        let mut message = Message::query();
        message.metadata.op_code = OpCode::Notify;
        message.add_query(Query::query(Name::from_str("example.").unwrap(), RecordType::SOA));
        let mut answer = message.clone();
        answer.metadata.message_type = MessageType::Response;
        change(&mut answer);
        is_answer(&message, &answer)
    }

    #[test]
    fn an_answer_has_the_id_the_operation_and_the_question_of_the_message() {
        assert!(is_answer_with(|_| ()));
        assert!(!is_answer_with(|answer| answer.metadata.message_type = MessageType::Query));
        assert!(!is_answer_with(|answer| answer.metadata.id ^= 1));
        assert!(!is_answer_with(|answer| answer.metadata.op_code = OpCode::Query));
        assert!(!is_answer_with(|answer| answer.queries[0].name = Name::root()));
        assert!(!is_answer_with(|answer| answer.queries[0].query_type = RecordType::NS));
        assert!(!is_answer_with(|answer| answer.queries.clear()));
    }

    #[test]
    fn only_a_refusal_may_come_without_the_question() {
        let refused = |answer: &mut Message| answer.metadata.response_code = ResponseCode::NotImp;
        assert!(is_answer_with(refused));
        assert!(is_answer_with(|answer| {
            refused(answer);
            answer.queries.clear();
        }));
        assert!(!is_answer_with(|answer| {
            refused(answer);
            answer.queries[0].name = Name::root();
        }));
    }
}
