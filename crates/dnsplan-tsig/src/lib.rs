//! TSIG keys (RFC 8945): secrets that two sides share to sign what they say to one another.
//!
//! Here is what a key is and how it is written. What is signed with it, and when, is the business of those who talk.
//!
//! ```
//! use dnsplan_tsig::{Algorithm, TsigKey};
//!
//! let key: TsigKey = "hmac-sha512:fleet:bGVhdmUgbm8gc2VjcmV0IGluIHRoZSBkb2NzIQ==".parse()?;
//! assert_eq!((key.name().to_string(), key.algorithm()), ("fleet.".to_owned(), Algorithm::HmacSha512));
//! assert!(!format!("{key:?}").contains("bGVhdmUg"));
//! # Ok::<(), dnsplan_tsig::InvalidKey>(())
//! ```

mod key;

pub use key::{Algorithm, InvalidKey, TsigKey};
