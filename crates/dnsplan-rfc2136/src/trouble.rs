//! What a reply other than success means, and what to do about it.

use std::net::SocketAddr;

use dnsplan_enactor::TargetError;
use dnsplan_plan::OwnerName;
use dnsplan_tsig::TsigKey;
use hickory_proto::op::ResponseCode;
use hickory_proto::rr::rdata::tsig::TsigError;

use crate::tsig::Distrust;

/// What the server was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Request {
    /// A record.
    Query,
    /// The whole zone.
    Transfer,
    /// An update.
    Update,
}

/// Whom it was asked of.
pub(crate) struct Trouble<'a> {
    pub(crate) server: SocketAddr,
    pub(crate) zone: &'a OwnerName,
    pub(crate) key: Option<&'a TsigKey>,
    pub(crate) request: Request,
}

impl Trouble<'_> {
    /// A reply code that says no.
    pub(crate) fn code(&self, code: ResponseCode) -> TargetError {
        let (server, zone, who) = (self.server, self.zone, self.who());
        let what = match self.request {
            Request::Query => "does not answer",
            Request::Transfer => "does not hand out",
            Request::Update => "does not take this update to",
        };
        let remedy = match code {
            ResponseCode::ServFail => {
                let why =
                    "see its log: the disk, the journal, a zone that was not loaded, a limit on records";
                return TargetError::Unavailable(format!("{server} {what} {zone}: SERVFAIL; {why}"));
            }
            // Only updates are refused where a zone is frozen.
            ResponseCode::Refused if self.request == Request::Update => {
                format!("{}; or, where the zone is frozen, `rndc thaw` it", self.permission())
            }
            ResponseCode::Refused => self.permission(),
            // Knot says so in place of REFUSED, and PowerDNS in place of BADKEY and BADSIG.
            ResponseCode::NotAuth if self.key.is_none() => format!(
                "{}; or it is not the primary server of {zone}: name that, by its address",
                self.permission()
            ),
            ResponseCode::NotAuth => format!(
                "it is not the primary server of {zone}: name that, by its address; or it does not take {who}: {}",
                self.permission()
            ),
            ResponseCode::NotImp => {
                "it takes no updates: PowerDNS needs dnsupdate=yes, and a backend that can do it".to_owned()
            }
            ResponseCode::NotZone => format!("a name of the plan is not in {zone} as the server has it"),
            ResponseCode::FormErr => {
                "it does not understand the message: see its log, and report this".to_owned()
            }
            ResponseCode::NXDomain => format!("it does not have the zone {zone}"),
            _ => "see its log".to_owned(),
        };
        TargetError::Misconfigured(format!("{server} {what} {zone}: {}; {remedy}", name(code)))
    }

    fn who(&self) -> String {
        self.key.map_or_else(|| "whoever has no key".to_owned(), |key| format!("the key {}", key.name()))
    }

    /// How to be let in: first of all with a key.
    fn permission(&self) -> String {
        match self.key {
            Some(_) => self.grant(&self.who()),
            None => format!("no key was given: give the key with --key-file; and {}", self.grant("that key")),
        }
    }

    fn grant(&self, who: &str) -> String {
        let key = self.key.map_or_else(|| "NAME".to_owned(), |key| key.name().to_string());
        let key = key.trim_end_matches('.');
        match self.request {
            Request::Update => format!(
                "let {who} update it: BIND `update-policy {{ grant {key} zonesub ANY; }};`, Knot an acl with `action: [update, \
                 transfer]`, PowerDNS TSIG-ALLOW-DNSUPDATE and allow-dnsupdate-from (docs/rfc2136.md)"
            ),
            Request::Transfer => format!(
                "let {who} transfer it: BIND `allow-transfer {{ key {key}; }};`, Knot an acl with `action: [update, transfer]`, \
                 PowerDNS TSIG-ALLOW-AXFR (docs/rfc2136.md)"
            ),
            Request::Query => format!(
                "give it the zone, and {who} with the same secret and algorithm, and let it be asked (allow-query)"
            ),
        }
    }

    /// A reply that cannot be believed, or that says so of the request.
    pub(crate) fn distrust(&self, distrust: &Distrust, code: ResponseCode) -> TargetError {
        let (server, who) = (self.server, self.who());
        let why = match distrust {
            Distrust::Said(TsigError::BadKey) => format!(
                "BADKEY: the server does not know {who} with this algorithm; give the server the same `key` clause"
            ),
            Distrust::Said(TsigError::BadSig) => {
                format!("BADSIG: the secret of {who} is another one at the server; copy it anew")
            }
            Distrust::Said(TsigError::BadTime) => {
                "BADTIME: the clocks of the two machines are more than five minutes apart; set them (NTP)"
                    .to_owned()
            }
            Distrust::Said(other) => format!("the server says {other:?} of the signature; see its log"),
            Distrust::WrongTime(apart) => {
                format!("the reply was signed {apart} s from now: set the clocks of both machines (NTP)")
            }
            // What is not signed may be anybody's: it is told, and decides nothing.
            Distrust::Unsigned if code != ResponseCode::NoError => {
                let TargetError::Misconfigured(why) = self.code(code) else {
                    return self.code(code);
                };
                return TargetError::Misconfigured(format!("{why} (the reply is not signed)"));
            }
            Distrust::Unsigned => {
                format!("the reply is not signed, and {who} signs: is this the right server?")
            }
            Distrust::OtherKey(other) => {
                format!("the reply is signed with {other} in place of {who}: somebody may be in between")
            }
            Distrust::WrongMac => {
                format!("the signature of the reply is not that of {who}: somebody may be in between")
            }
        };
        TargetError::Misconfigured(format!("{server}: {why}"))
    }
}

/// As in RFC 2136 section 2.2.
fn name(code: ResponseCode) -> String {
    match code {
        ResponseCode::FormErr => "FORMERR".to_owned(),
        ResponseCode::NXDomain => "NXDOMAIN".to_owned(),
        ResponseCode::NotImp => "NOTIMP".to_owned(),
        ResponseCode::Refused => "REFUSED".to_owned(),
        ResponseCode::NotAuth => "NOTAUTH".to_owned(),
        ResponseCode::NotZone => "NOTZONE".to_owned(),
        other => format!("reply code {}", u16::from(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(request: Request, key: Option<&TsigKey>, code: ResponseCode) -> String {
        let (server, zone) = ("192.0.2.53:53".parse().unwrap(), "example.".parse().unwrap());
        Trouble { server, zone: &zone, key, request }.code(code).to_string()
    }

    #[test]
    fn without_a_key_the_first_remedy_is_to_give_one() {
        let key: TsigKey = "planner:c2VjcmV0".parse().unwrap();
        for request in [Request::Query, Request::Transfer, Request::Update] {
            for (code, name) in [(ResponseCode::Refused, "REFUSED; "), (ResponseCode::NotAuth, "NOTAUTH; ")] {
                let said_without = said(request, None, code);
                let (_, remedy) = said_without.split_once(name).expect("the code and what to do");
                assert!(
                    remedy.starts_with("no key was given: give the key with --key-file; and "),
                    "{said_without}"
                );
                assert!(!said_without.contains("whoever"), "{said_without}");
                let said_with = said(request, Some(&key), code);
                assert!(
                    said_with.contains("the key planner.") && !said_with.contains("--key-file"),
                    "{said_with}"
                );
            }
        }
    }

    #[test]
    fn only_an_update_may_be_refused_because_the_zone_is_frozen() {
        for request in [Request::Query, Request::Transfer, Request::Update] {
            let said = said(request, None, ResponseCode::Refused);
            assert_eq!(said.contains("rndc thaw"), request == Request::Update, "{said}");
        }
    }
}
