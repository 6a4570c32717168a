//! The frozen note was made by a second implementation (RFC 8032's reference code and the C2SP texts), with RFC 8032's first test key.

use proptest::prelude::*;

use super::*;

const ORIGIN: &str = "audit.ward.example/gateway-1";
const SEED: &str = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60";
const PUBLIC: &str = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
const NOTE: &str = concat!(
    "audit.ward.example/gateway-1\n",
    "20852163\n",
    "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n",
    "\n",
    "— audit.ward.example/gateway-1 5TKV037qUXCyeyvLNoc3ZTmBEHqkSkqkfmWiDKGRklR3VlUmJKmDjxY/o77jF8MK7cR3FStJlr3yDrqgShW+m/dPCgc=\n",
);

fn bytes(hex: &str) -> Vec<u8> {
    (0..hex.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap())
        .collect()
}

fn signer() -> Signer {
    let pair = Ed25519KeyPair::from_seed_and_public_key(&bytes(SEED), &bytes(PUBLIC)).unwrap();
    Signer::from_pkcs8(pair.to_pkcs8().unwrap().as_ref()).unwrap()
}

fn checkpoint() -> Checkpoint {
    let mut root = [0; 32];
    for (byte, value) in root.iter_mut().zip(0..) {
        *byte = value;
    }
    Checkpoint {
        origin: ORIGIN.to_owned(),
        size: 20_852_163,
        root,
    }
}

#[test]
fn the_note_is_byte_for_byte_what_another_implementation_writes() {
    assert_eq!(signer().public_key(), bytes(PUBLIC));
    assert_eq!(signer().sign(&checkpoint()), NOTE);
    assert_eq!(verify(NOTE, ORIGIN, &bytes(PUBLIC)), Ok(checkpoint()));
}

#[test]
fn the_key_id_is_that_of_the_published_example() {
    // The verifier key in the signed-note text: PeterNeumann+c74f20a3+ARpc2Qc…
    let key = STANDARD
        .decode("ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW")
        .unwrap();
    assert_eq!(key[0], ED25519_TYPE);
    assert_eq!(key_id("PeterNeumann", &key[1..]), [0xc7, 0x4f, 0x20, 0xa3]);
}

#[test]
fn a_generated_key_signs_and_comes_back_from_its_stored_form() {
    let (signer, pkcs8) = Signer::generate().unwrap();
    let again = Signer::from_pkcs8(&pkcs8).unwrap();
    assert_eq!(signer.public_key(), again.public_key());
    assert_eq!(
        verify(&again.sign(&checkpoint()), ORIGIN, &signer.public_key()),
        Ok(checkpoint())
    );
    assert_ne!(
        Signer::generate().unwrap().0.public_key(),
        signer.public_key()
    );
    assert_eq!(Signer::from_pkcs8(b"no key").err(), Some(Error::Key));
    assert_eq!(format!("{signer:?}"), "Signer { .. }");
}

#[test]
fn another_key_or_another_log_is_refused() {
    let (other, _) = Signer::generate().unwrap();
    assert_eq!(
        verify(NOTE, ORIGIN, &other.public_key()),
        Err(Error::Signature)
    );
    assert_eq!(
        verify(NOTE, "audit.ward.example/gateway-2", &bytes(PUBLIC)),
        Err(Error::Origin)
    );
    assert_eq!(verify(NOTE, ORIGIN, b"short"), Err(Error::Key));
}

#[test]
fn nothing_but_the_exact_form_is_accepted() {
    let lines: Vec<&str> = NOTE.lines().collect();
    let [origin, size, root, _, signature] = lines[..] else {
        panic!("five lines")
    };
    let sign = |body: &str| {
        let mut bytes = signer().key_id(ORIGIN).to_vec();
        bytes.extend_from_slice(signer().pair.sign(body.as_bytes()).as_ref());
        format!("{body}\n\u{2014} {ORIGIN} {}\n", STANDARD.encode(bytes))
    };
    let wrong = [
        String::new(),
        NOTE.trim_end().to_owned(),
        format!("{NOTE}\n"),
        format!("\n{NOTE}"),
        format!("{NOTE}{signature}\n"),
        NOTE.replace('\n', "\r\n"),
        NOTE.replace("\u{2014} ", "- "),
        NOTE.replace("\n\n", "\n"),
        // Signed by the right key, and still not a checkpoint in the one form.
        sign(&format!("{origin}\n0{size}\n{root}\n")),
        sign(&format!("{origin}\n+{size}\n{root}\n")),
        sign(&format!("{origin}\n-1\n{root}\n")),
        sign(&format!("{origin}\n18446744073709551616\n{root}\n")),
        sign(&format!(
            "{origin}\n{size}\n{}\n",
            root.trim_end_matches('=')
        )),
        sign(&format!("{origin}\n{size}\nAAAA\n")),
        sign(&format!("{origin}\n{size}\n{root}\nextension\n")),
        sign(&format!("{origin}\n{size}\n{root} \n")),
    ];
    for note in wrong {
        let refused = verify(&note, ORIGIN, &bytes(PUBLIC));
        assert!(
            matches!(refused, Err(Error::NoteMalformed(_) | Error::Origin)),
            "{note}: {refused:?}"
        );
    }
}

#[test]
fn an_origin_that_could_forge_lines_never_verifies() {
    for origin in [
        "",
        "two words",
        "line\nbreak",
        "plus+sign",
        "tab\t",
        "nul\0",
    ] {
        assert!(!valid_origin(origin));
        let note = signer().sign(&Checkpoint {
            origin: origin.to_owned(),
            ..checkpoint()
        });
        assert!(verify(&note, origin, &bytes(PUBLIC)).is_err(), "{origin:?}");
    }
    assert!(valid_origin(ORIGIN));
}

#[test]
fn every_changed_byte_in_a_note_is_caught() {
    for place in 0..NOTE.len() {
        for flip in 1..=255_u8 {
            let mut changed = NOTE.as_bytes().to_vec();
            changed[place] ^= flip;
            // What is no longer text never gets as far as a signature.
            if let Ok(note) = String::from_utf8(changed) {
                assert!(
                    verify(&note, ORIGIN, &bytes(PUBLIC)).is_err(),
                    "byte {place} xor {flip}"
                );
            }
        }
    }
}

proptest! {
    #[test]
    fn what_is_signed_verifies(size in any::<u64>(), root in any::<[u8; 32]>(), origin in "[a-z0-9./-]{1,40}") {
        let checkpoint = Checkpoint { origin: origin.clone(), size, root };
        let signer = signer();
        prop_assert_eq!(verify(&signer.sign(&checkpoint), &origin, &signer.public_key()), Ok(checkpoint));
    }

    #[test]
    fn no_text_makes_the_reader_panic(note in "(\\PC|\n|\u{2014}){0,80}") {
        prop_assert!(verify(&note, ORIGIN, &bytes(PUBLIC)).is_err());
    }
}
