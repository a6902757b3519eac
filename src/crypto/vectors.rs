//! The vectors of `tests/vectors/formats.json`, which an implementation in Python makes and checks: here they come out byte by byte, too.

use serde_json::Value;
use uuid::Uuid;

use super::key_bytes::KeyBytes;
use super::sealed_message::seal_with_nonce;
use super::{
    CallerToken, ClusterKey, KeyRing, MacField, MasterKey, PassphraseParameters, Purpose,
    SealContext, Sealed, Secret, WrappedClusterKey, open,
};

fn vectors(kind: &str) -> Vec<Value> {
    let text = include_str!("../../tests/vectors/formats.json");
    let all: Value = serde_json::from_str(text).unwrap();
    let vectors = all[kind].as_array().unwrap().clone();
    assert!(!vectors.is_empty());
    vectors
}

fn unhex(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap();
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn number(value: &Value) -> u32 {
    value.as_u64().unwrap().try_into().unwrap()
}

fn key_of(bytes: &Value) -> KeyBytes {
    let mut key = KeyBytes::zeroed();
    key.expose_mut().copy_from_slice(&unhex(bytes));
    key
}

/// The master key of these bytes, by its text, which Python has made.
fn master_key(bytes: &Value) -> MasterKey {
    let mut known = vectors("master_keys").into_iter();
    let text = known.find(|vector| vector["master_key"] == *bytes);
    match text {
        Some(vector) => MasterKey::parse(vector["text"].as_str().unwrap()).unwrap(),
        None => MasterKey::known(unhex(bytes)[0]),
    }
}

fn ring(bytes: &Value) -> KeyRing {
    KeyRing::new(master_key(bytes), vec![]).unwrap()
}

fn cluster_key(bytes: &Value) -> ClusterKey {
    ClusterKey::known(unhex(bytes)[0])
}

#[test]
fn master_keys_have_the_text_and_the_fingerprint_that_python_gives_them() {
    for vector in vectors("master_keys") {
        let key = MasterKey::parse(vector["text"].as_str().unwrap()).unwrap();
        assert_eq!(hex(key.key().expose()), vector["master_key"]);
        assert_eq!(key.fingerprint().to_string(), vector["fingerprint"]);
        assert_eq!(
            key.to_text().expose(),
            vector["text"].as_str().unwrap().as_bytes()
        );
        if let Some(passphrase) = vector["passphrase"].as_str() {
            let parameters = PassphraseParameters {
                salt: unhex(&vector["salt"]),
                memory_kib: number(&vector["memory_kib"]),
                iterations: number(&vector["iterations"]),
                parallelism: number(&vector["parallelism"]),
            };
            let passphrase = Secret::from_string(passphrase.to_owned());
            let key = MasterKey::from_passphrase(&passphrase, &parameters).unwrap();
            assert_eq!(key.fingerprint().to_string(), vector["fingerprint"]);
        }
    }
}

#[test]
fn envelopes_open_and_come_out_byte_by_byte() {
    for vector in vectors("envelopes") {
        let hosts = vector["allowed_hosts"].as_array().unwrap();
        let hosts: Vec<String> = hosts
            .iter()
            .map(|host| host.as_str().unwrap().to_owned())
            .collect();
        let context = SealContext {
            key_uid: vector["key_uid"].as_str().unwrap().parse().unwrap(),
            version: number(&vector["version"]),
            field: vector["field"].as_str().unwrap(),
            allowed_hosts: &hosts,
        };
        let sealed = Sealed {
            master_key: vector["fingerprint"].as_str().unwrap().parse().unwrap(),
            wrapped_dek: unhex(&vector["wrapped_dek"]),
            ciphertext: unhex(&vector["ciphertext"]),
        };
        let ring = ring(&vector["master_key"]);
        let secret = open(&ring, &context, &sealed).unwrap();
        assert_eq!(hex(secret.expose()), vector["secret"]);
        let (dek, nonce) = (key_of(&vector["dek"]), unhex(&vector["wrap_nonce"]));
        let wrap = context.of_wrap(ring.first().fingerprint()).unwrap();
        let wrapped = seal_with_nonce(
            ring.first().key(),
            &wrap,
            &nonce.try_into().unwrap(),
            dek.expose(),
        );
        assert_eq!(hex(&wrapped), vector["wrapped_dek"]);
        let nonce = unhex(&vector["data_nonce"]).try_into().unwrap();
        let data = context.of_data().unwrap();
        assert_eq!(
            hex(&seal_with_nonce(&dek, &data, &nonce, secret.expose())),
            vector["ciphertext"]
        );
    }
}

#[test]
fn the_cluster_key_opens_and_gives_the_same_macs() {
    for vector in vectors("cluster_keys") {
        let ring = ring(&vector["master_key"]);
        let row = WrappedClusterKey {
            master_key: ring.first().fingerprint(),
            wrapped: unhex(&vector["wrapped"]),
        };
        let key = ClusterKey::unwrap(&ring, &row).unwrap();
        let secret = Secret::new(unhex(&vector["secret"]));
        assert_eq!(
            hex(&key.fingerprint_key().fingerprint(&secret)),
            vector["secret_fingerprint"]
        );
        let fields = vector["row"]["fields"].as_array().unwrap();
        let fields: Vec<MacField<'_>> = fields
            .iter()
            .map(|field| match field {
                Value::Null => MacField::Null,
                Value::Number(number) => MacField::Integer(number.as_i64().unwrap()),
                Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
                    field.as_str().unwrap().into()
                }
            })
            .collect();
        let mac = key
            .mac_key()
            .mac(vector["row"]["table"].as_str().unwrap(), &fields);
        assert_eq!(hex(&mac), vector["row_mac"]);
    }
}

#[test]
fn tokens_are_read_and_have_the_hash_that_python_gives_them() {
    for vector in vectors("tokens") {
        let text = vector["token"].as_str().unwrap();
        let presented = CallerToken::parse(text.as_bytes()).unwrap();
        assert_eq!(presented.id, vector["id"]);
        let pepper = cluster_key(&vector["cluster_key"]).token_pepper();
        assert_eq!(hex(&pepper.hash(&presented)), vector["hash"]);
    }
}

#[test]
fn lease_ids_open_as_what_python_sealed() {
    for vector in vectors("lease_ids") {
        let purpose = match number(&vector["purpose"]) {
            1 => Purpose::Lease,
            _ => Purpose::Retry,
        };
        let opener = cluster_key(&vector["cluster_key"]).id_opener(purpose);
        let opened = opener.open(vector["id"].as_str().unwrap()).unwrap();
        let boot_id: Uuid = vector["boot_id"].as_str().unwrap().parse().unwrap();
        assert_eq!(
            (opened.boot_id, opened.serial),
            (boot_id, number(&vector["serial"]).into())
        );
        assert_eq!(hex(&opened.plaintext), vector["plaintext"]);
    }
}

#[test]
fn rotators_have_the_secret_that_python_gives_them() {
    for vector in vectors("rotators") {
        let account: Uuid = vector["account_uid"].as_str().unwrap().parse().unwrap();
        let key = cluster_key(&vector["cluster_key"]);
        let secret = key.rotator_secret(&account, number(&vector["generation"]));
        let wanted = vector["signing_secret"].as_str().unwrap();
        assert_eq!(secret.expose(), wanted.as_bytes());
    }
}
