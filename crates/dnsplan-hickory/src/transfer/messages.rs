//! Packing records into the messages of a transfer (RFC 5936 section 2.2).
//!
//! 1. A message is as full as [`USUAL_SIZE`] allows, where every name can still be compressed. A record that is larger than
//!    that has a message of its own.
//! 2. Records are taken one by one as they are packed: no more than one message is in memory at a time.

use std::iter::Peekable;

use dnsplan_plan::RecordType;
use hickory_proto::ProtoError;
use hickory_proto::op::{Edns, Header, HeaderCounts, Metadata};
use hickory_proto::rr::{Name, Record};
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder};

use super::tsig::{Chain, now};

/// Bytes of a message, unless a record alone takes more. Compression reaches no further (RFC 1035 section 4.1.4).
const USUAL_SIZE: u16 = 16_384;

/// A record that no message can hold.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the record {owner} {record_type} is too large for any DNS message: make it smaller")]
pub(crate) struct TooLarge {
    owner: Name,
    record_type: RecordType,
}

/// The messages of one response, each with its signature, ready to be sent.
pub(crate) struct Messages<'a, I: Iterator<Item = Record>> {
    records: Peekable<I>,
    metadata: Metadata,
    /// The question, as the client wrote it, and our OPT record, for the first message.
    question: Option<&'a [u8]>,
    edns: Option<Edns>,
    chain: Option<Chain>,
}

impl<'a, I: Iterator<Item = Record>> Messages<'a, I> {
    pub(crate) fn new(
        metadata: Metadata,
        question: &'a [u8],
        edns: Option<Edns>,
        chain: Option<Chain>,
        records: impl IntoIterator<IntoIter = I>,
    ) -> Self {
        Self { records: records.into_iter().peekable(), metadata, question: Some(question), edns, chain }
    }

    /// Packs the next records into `bytes`, which holds a header's worth of space.
    fn pack(&mut self, bytes: &mut Vec<u8>) -> Result<(), TooLarge> {
        let (question, edns) = (self.question.take(), self.edns.take().map(|edns| Record::from(&edns)));
        let reserved = self.chain.as_ref().map_or(0, Chain::len) + edns.as_ref().map_or(0, encoded_len);
        let reserved = u16::try_from(reserved).expect("invariant: a signature and an OPT record are short");
        let mut encoder = BinEncoder::new(bytes);
        let mut header = Header { metadata: self.metadata, counts: HeaderCounts::default() };
        encode(&header, &mut encoder);
        if let Some(question) = question {
            encoder.emit_vec(question).expect("invariant: a question is shorter than a message");
            header.counts.queries = 1;
        }
        encoder.set_max_size(USUAL_SIZE - reserved);
        while let Some(record) = self.records.peek() {
            let start = encoder.offset();
            match record.emit(&mut encoder) {
                Ok(()) => {
                    header.counts.answers += 1;
                    self.records.next();
                    if encoder.offset() > usize::from(USUAL_SIZE) {
                        break;
                    }
                    continue;
                }
                Err(ProtoError::MaxBufferSizeExceeded(most)) => {
                    encoder.set_offset(start);
                    encoder.trim();
                    if header.counts.answers > 0 {
                        break;
                    }
                    if most <= usize::from(USUAL_SIZE) {
                        encoder.set_max_size(u16::MAX - reserved);
                        continue;
                    }
                }
                Err(_) => {}
            }
            return Err(TooLarge { owner: record.name.clone(), record_type: record.record_type() });
        }
        encoder.set_max_size(u16::MAX);
        if let Some(edns) = edns {
            encode(&edns, &mut encoder);
            header.counts.additionals = 1;
        }
        let mut start = Vec::with_capacity(HEADER);
        encode(&header, &mut BinEncoder::new(&mut start));
        bytes[..HEADER].copy_from_slice(&start);
        Ok(())
    }
}

const HEADER: usize = 12;

fn encode(what: &impl BinEncodable, encoder: &mut BinEncoder<'_>) {
    what.emit(encoder).expect("invariant: there is room for a header and an OPT record");
}

fn encoded_len(record: &Record) -> usize {
    let mut bytes = Vec::new();
    encode(record, &mut BinEncoder::new(&mut bytes));
    bytes.len()
}

impl<I: Iterator<Item = Record>> Iterator for Messages<'_, I> {
    type Item = Result<Vec<u8>, TooLarge>;

    fn next(&mut self) -> Option<Self::Item> {
        self.records.peek()?;
        let mut bytes = Vec::with_capacity(USUAL_SIZE.into());
        if let Err(error) = self.pack(&mut bytes) {
            return Some(Err(error));
        }
        if let Some(chain) = &mut self.chain {
            chain.seal(&mut bytes, now());
        }
        Some(Ok(bytes))
    }
}
