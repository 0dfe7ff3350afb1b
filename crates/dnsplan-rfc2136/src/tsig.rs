//! Signing what is sent and checking what is received (RFC 8945).
//!
//! hickory-proto has the MACs and the TSIG record. Its own verifier takes no unsigned message, and in a zone transfer up to 99 in a
//! row may be so (section 5.3.1); it also says of a message only that it is wrong, and not what the server said of it.

use std::time::{SystemTime, UNIX_EPOCH};

use dnsplan_tsig::TsigKey;
use hickory_proto::rr::rdata::TSIG;
use hickory_proto::rr::rdata::tsig::{TsigError, make_tsig_record};
use hickory_proto::rr::{Name, TSigner};
use hickory_proto::serialize::binary::{BinEncodable, BinEncoder, NameEncoding};

use crate::message::{HEADER, Signature};

/// How many messages in a row may have no signature. Source: RFC 8945 section 5.3.1.
const UNSIGNED: usize = 99;

/// What a signature takes at most: a name of 255 bytes, ten fixed, and the data with a name of up to 16 bytes and a MAC of 64.
pub(crate) const ROOM: usize = 255 + 10 + 16 + 16 + 64;

/// Why a reply is not believed, or what the server says of the signature of the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Distrust {
    /// There is no signature, or none where one had to come by now.
    Unsigned,
    /// It is signed with another key, or not with what was agreed.
    OtherKey(String),
    /// The MAC is not the one that the key makes.
    WrongMac,
    /// It was signed at another time: so many seconds from now.
    WrongTime(u64),
    /// The server did not take the signature of the request.
    Said(TsigError),
}

/// Signs messages with one key.
pub(crate) struct Signer(TSigner);

impl Signer {
    pub(crate) fn new(key: &TsigKey) -> Self {
        Self(key.signer().clone())
    }

    /// Adds a signature to a message, and gives what checks the replies to it.
    ///
    /// # Errors
    /// Why it cannot be signed.
    pub(crate) fn sign(&self, message: &mut Vec<u8>, now: u64) -> Result<Verifier<'_>, String> {
        let id = u16::from_be_bytes([message[0], message[1]]);
        let stub =
            TSIG::new(self.0.algorithm().clone(), now, self.0.fudge(), Vec::new(), id, None, Vec::new());
        let mut signed = message.clone();
        signed.extend(variables(&stub, self.0.signer_name())?);
        let mac = self.0.sign(&signed).map_err(|error| error.to_string())?;
        let record = make_tsig_record(self.0.signer_name().clone(), stub.set_mac(mac.clone()));
        let mut bytes = Vec::new();
        let mut encoder = BinEncoder::new(&mut bytes);
        encoder.set_name_encoding(NameEncoding::Uncompressed);
        record.emit(&mut encoder).map_err(|error| error.to_string())?;
        message.extend(bytes);
        count_additionals(message, 1);
        Ok(Verifier { signer: &self.0, mac, unsigned: Vec::new(), skipped: 0, is_first: true })
    }
}

/// Checks the replies to one message: one, or all of a transfer in order.
pub(crate) struct Verifier<'s> {
    signer: &'s TSigner,
    /// Of the request, or of the last signed reply.
    mac: Vec<u8>,
    /// The replies since then.
    unsigned: Vec<u8>,
    skipped: usize,
    is_first: bool,
}

impl Verifier<'_> {
    /// Checks one reply. A later one of a transfer may be unsigned; then it counts for nothing until a signed one follows, and this
    /// is false.
    ///
    /// # Errors
    /// [`Distrust`] says why it is not to be believed.
    pub(crate) fn check(
        &mut self,
        bytes: &[u8],
        signature: Option<&Signature>,
        now: u64,
    ) -> Result<bool, Distrust> {
        let Some(Signature { at, key, tsig }) = signature else {
            if self.is_first || self.skipped >= UNSIGNED {
                return Err(Distrust::Unsigned);
            }
            self.unsigned.extend(bytes);
            self.skipped += 1;
            return Ok(false);
        };
        // These two are never signed (section 5.3.2): the server has no key to sign with.
        if let Some(error @ (TsigError::BadSig | TsigError::BadKey)) = tsig.error {
            return Err(Distrust::Said(error));
        }
        let is_ours = *key == *self.signer.signer_name() && tsig.algorithm == *self.signer.algorithm();
        if !is_ours {
            let algorithm = tsig.algorithm.to_name();
            return Err(Distrust::OtherKey(format!("{key} ({algorithm})")));
        }
        let signed = self.signed(&bytes[..*at], tsig).map_err(|_| Distrust::WrongMac)?;
        self.signer.verify(&signed, &tsig.mac).map_err(|_| Distrust::WrongMac)?;
        if let Some(error) = tsig.error {
            return Err(Distrust::Said(error));
        }
        let apart = tsig.time.abs_diff(now);
        if apart > tsig.fudge.into() {
            return Err(Distrust::WrongTime(apart));
        }
        self.mac.clone_from(&tsig.mac);
        self.unsigned.clear();
        (self.skipped, self.is_first) = (0, false);
        Ok(true)
    }

    /// What the MAC of a reply is over (sections 4.3 and 5.3.1).
    fn signed(&self, message: &[u8], tsig: &TSIG) -> Result<Vec<u8>, String> {
        let length = u16::try_from(self.mac.len()).map_err(|error| error.to_string())?;
        let mut signed = length.to_be_bytes().to_vec();
        signed.extend(&self.mac);
        signed.extend(&self.unsigned);
        let start = signed.len();
        signed.extend(message);
        let id = signed.get_mut(start..start + 2).ok_or("it has no header")?;
        id.copy_from_slice(&tsig.oid.to_be_bytes());
        count_additionals(&mut signed[start..], -1);
        if self.is_first {
            signed.extend(variables(tsig, self.signer.signer_name())?);
        } else {
            signed.extend(&tsig.time.to_be_bytes()[2..]);
            signed.extend(tsig.fudge.to_be_bytes());
        }
        Ok(signed)
    }
}

/// The TSIG variables (section 4.3.3).
fn variables(tsig: &TSIG, key: &Name) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let mut encoder = BinEncoder::new(&mut bytes);
    tsig.emit_tsig_for_mac(&mut encoder, key).map_err(|error| error.to_string())?;
    Ok(bytes)
}

/// Changes the count of additional records in a message's header.
fn count_additionals(message: &mut [u8], by: i16) {
    let field = &mut message[HEADER - 2..HEADER];
    let count = u16::from_be_bytes([field[0], field[1]]).wrapping_add_signed(by);
    field.copy_from_slice(&count.to_be_bytes());
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests;
