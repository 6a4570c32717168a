//! The keys with which we sign for tokens, and the key set that an EHR fetches to check it.
//!
//! A private key never leaves here; it comes sealed from the store.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::encoding::AsDer as _;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{
    ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _, RsaKeyPair,
};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bedside_core::profile::Algorithm;
use bedside_fhir::smart::Claims;
use jsonwebtoken::{EncodingKey, Header, encode};
use serde_json::{Value, json};

use super::error::Error;

/// What stands before the PKCS #1 key in the PKCS #8 form of an RSA key of 2048 bits or more: lengths of two bytes throughout.
const RSA_PREFIX: usize = 26;

/// Our signing keys.
pub struct SigningKey {
    ec: Part,
    rsa: Option<Part>,
}

struct Part {
    key: EncodingKey,
    kid: String,
    public: Value,
}

impl SigningKey {
    /// From an elliptic-curve key (P-384), and an RSA key where a site wants RS384; both in PKCS #8.
    ///
    /// # Errors
    /// [`Error::Key`].
    pub fn new(ec: &[u8], rsa: Option<&[u8]>) -> Result<Self, Error> {
        Ok(Self {
            ec: elliptic(ec)?,
            rsa: rsa.map(self::rsa).transpose()?,
        })
    }

    /// A new elliptic-curve key in PKCS #8.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub fn generate_ec() -> Result<Vec<u8>, Error> {
        EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &SystemRandom::new())
            .map(|document| document.as_ref().to_vec())
            .map_err(|_| Error::Key("P-384"))
    }

    /// A new RSA key in PKCS #8.
    ///
    /// # Errors
    /// The system gives no randomness.
    pub fn generate_rsa() -> Result<Vec<u8>, Error> {
        let pair = RsaKeyPair::generate(KeySize::Rsa3072).map_err(|_| Error::Key("RSA"))?;
        pair.as_der()
            .map(|document: aws_lc_rs::encoding::Pkcs8V1Der<'_>| document.as_ref().to_vec())
            .map_err(|_| Error::Key("RSA"))
    }

    /// The key set to register with EHRs: public keys only.
    #[must_use]
    pub fn jwks(&self) -> Value {
        let parts = std::iter::once(&self.ec).chain(&self.rsa);
        json!({ "keys": parts.map(|part| part.public.clone()).collect::<Vec<_>>() })
    }

    /// A signed assertion. The header always names the key (vendor catalogue EPIC-02).
    pub(super) fn sign(&self, algorithm: Algorithm, claims: &Claims) -> Result<String, Error> {
        let (part, name) = match algorithm {
            Algorithm::ES384 => (&self.ec, jsonwebtoken::Algorithm::ES384),
            Algorithm::RS384 => (
                self.rsa.as_ref().ok_or(Error::Key("RSA"))?,
                jsonwebtoken::Algorithm::RS384,
            ),
        };
        let mut header = Header::new(name);
        header.kid = Some(part.kid.clone());
        encode(&header, claims, &part.key).map_err(|_| Error::Key("usable"))
    }
}

fn elliptic(der: &[u8]) -> Result<Part, Error> {
    let wrong = || Error::Key("P-384");
    let pair =
        EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, der).map_err(|_| wrong())?;
    // An uncompressed point: 4, then both coordinates.
    let point = pair.public_key().as_ref();
    let coordinates = point.get(1..).filter(|rest| rest.len() == 96);
    let (x, y) = coordinates.ok_or_else(wrong)?.split_at(48);
    let (x, y) = (URL_SAFE_NO_PAD.encode(x), URL_SAFE_NO_PAD.encode(y));
    let kid = thumbprint(&format!(
        r#"{{"crv":"P-384","kty":"EC","x":"{x}","y":"{y}"}}"#
    ));
    Ok(Part {
        key: EncodingKey::from_ec_der(der),
        public: json!({ "kty": "EC", "crv": "P-384", "x": x, "y": y, "use": "sig", "alg": "ES384", "kid": kid }),
        kid,
    })
}

fn rsa(der: &[u8]) -> Result<Part, Error> {
    let wrong = || Error::Key("RSA");
    let pair = RsaKeyPair::from_pkcs8(der).map_err(|_| wrong())?;
    let inner = der.get(RSA_PREFIX..).ok_or_else(wrong)?;
    RsaKeyPair::from_der(inner).map_err(|_| wrong())?;
    let public = pair.public_key();
    let n = URL_SAFE_NO_PAD.encode(public.modulus().big_endian_without_leading_zero());
    let e = URL_SAFE_NO_PAD.encode(public.exponent().big_endian_without_leading_zero());
    let kid = thumbprint(&format!(r#"{{"e":"{e}","kty":"RSA","n":"{n}"}}"#));
    Ok(Part {
        key: EncodingKey::from_rsa_der(inner),
        public: json!({ "kty": "RSA", "n": n, "e": e, "use": "sig", "alg": "RS384", "kid": kid }),
        kid,
    })
}

/// The key's thumbprint (RFC 7638): the same key has the same name everywhere.
fn thumbprint(canonical: &str) -> String {
    URL_SAFE_NO_PAD.encode(digest(&SHA256, canonical.as_bytes()))
}

#[cfg(test)]
mod tests {
    use bedside_fhir::smart::claims;
    use jsonwebtoken::jwk::Jwk;
    use jsonwebtoken::{DecodingKey, Validation, decode, decode_header};

    use super::*;

    #[test]
    fn what_is_signed_is_verified_by_the_published_key_and_named_by_it() {
        let ec = SigningKey::generate_ec().unwrap();
        let rsa = SigningKey::generate_rsa().unwrap();
        let key = SigningKey::new(&ec, Some(&rsa)).unwrap();
        let now = "2026-03-01T08:00:00Z".parse().unwrap();
        let set = key.jwks();
        assert!(!set.to_string().contains("\"d\""));
        for (algorithm, name, n) in [
            (Algorithm::ES384, jsonwebtoken::Algorithm::ES384, 0),
            (Algorithm::RS384, jsonwebtoken::Algorithm::RS384, 1),
        ] {
            let made = claims("us", "https://ehr/token", String::from("r"), now, 240);
            let jwt = key.sign(algorithm, &made).unwrap();
            let public: Jwk = serde_json::from_value(set["keys"][n].clone()).unwrap();
            assert_eq!(decode_header(&jwt).unwrap().kid, public.common.key_id);
            let mut validation = Validation::new(name);
            validation.set_audience(&["https://ehr/token"]);
            validation.validate_exp = false;
            let read = decode::<Value>(&jwt, &DecodingKey::from_jwk(&public).unwrap(), &validation);
            assert_eq!(read.unwrap().claims["iss"], "us");
        }
    }

    #[test]
    fn a_key_of_another_kind_is_refused() {
        let rsa = SigningKey::generate_rsa().unwrap();
        assert!(SigningKey::new(&rsa, None).is_err());
        let ec = SigningKey::generate_ec().unwrap();
        assert!(SigningKey::new(&ec, Some(&ec)).is_err());
        assert!(SigningKey::new(&[], None).is_err());
    }
}
