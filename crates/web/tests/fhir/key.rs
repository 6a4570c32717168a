//! A client's key pair, and what it signs.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};

/// A client's key pair.
#[derive(Clone)]
pub(crate) struct Key {
    pub(crate) kid: String,
    der: Vec<u8>,
}

impl Key {
    pub(crate) fn new(kid: &str) -> Self {
        let made =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &SystemRandom::new());
        Self {
            kid: kid.to_owned(),
            der: made.unwrap().as_ref().to_vec(),
        }
    }

    pub(crate) fn jwks(&self) -> Value {
        let jwk = Jwk::from_encoding_key(&EncodingKey::from_ec_der(&self.der), Algorithm::ES384);
        let mut jwk = serde_json::to_value(jwk.unwrap()).unwrap();
        jwk["kid"] = json!(self.kid);
        json!({ "keys": [jwk] })
    }

    pub(crate) fn sign(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES384);
        header.kid = Some(self.kid.clone());
        jsonwebtoken::encode(&header, claims, &EncodingKey::from_ec_der(&self.der)).unwrap()
    }

    /// Signed with further members in the header.
    pub(crate) fn sign_with(&self, header: &Value, claims: &Value) -> String {
        let mut whole = json!({"alg": "ES384", "typ": "JWT", "kid": self.kid});
        for (name, value) in header.as_object().unwrap() {
            whole[name] = value.clone();
        }
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", part(&whole), part(claims));
        let key = EncodingKey::from_ec_der(&self.der);
        let signature =
            jsonwebtoken::crypto::sign(text.as_bytes(), &key, Algorithm::ES384).unwrap();
        format!("{text}.{signature}")
    }
}
