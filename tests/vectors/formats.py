"""The stored formats of KeyLease, written again from docs/formats.md with the Python package cryptography.

    formats.py check FILE    every vector of FILE comes out as it stands there, opens, and no altered one does
    formats.py make          the vectors, as JSON

The Rust tests read the same file: so two implementations that share no code agree on every byte.
"""

import binascii
import hmac
import json
import struct
import sys
import uuid
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


class DoesNotOpen(Exception):
    """The one answer to everything that is not what was sealed."""


def hkdf(key, salt, info, length=32):
    return HKDF(SHA256(), length, salt, info).derive(key)


def mac(key, message):
    return hmac.new(key, message, sha256).digest()


def base62(number, width):
    text = ""
    for _ in range(width):
        number, digit = divmod(number, 62)
        text = DIGITS[digit] + text
    assert number == 0, "it does not fit"
    return text


def prefixed(part):
    return struct.pack(">I", len(part)) + part


def parts(label, *rest):
    return b"".join(map(prefixed, (label.encode(), *rest)))


# Messages: version, commitment, nonce, ciphertext and tag.


def message_keys(key, nonce, context):
    derived = hkdf(key, nonce, context, 64)
    return derived[:32], derived[32:]


def seal(key, context, nonce, plaintext):
    cipher, commitment = message_keys(key, nonce, context)
    return b"\x01" + commitment + nonce + AESGCM(cipher).encrypt(nonce, plaintext, context)


def unseal(key, context, message):
    if len(message) < 61 or message[0] != 1:
        raise DoesNotOpen
    nonce = message[33:45]
    cipher, commitment = message_keys(key, nonce, context)
    if not hmac.compare_digest(commitment, message[1:33]):
        raise DoesNotOpen
    try:
        return AESGCM(cipher).decrypt(nonce, message[45:], context)
    except InvalidTag:
        raise DoesNotOpen from None


# Master keys.


def fingerprint(master_key):
    return mac(master_key, b"keylease/master-key-fingerprint/v1")[:8]


def master_key_text(master_key):
    text = "klmk1_" + base62(int.from_bytes(master_key, "big"), 43)
    return text + format(binascii.crc32(text.encode()), "08x")


def stretched(passphrase, salt, memory_kib, iterations, parallelism):
    costs = {"iterations": iterations, "lanes": parallelism, "memory_cost": memory_kib}
    return Argon2id(salt=salt, length=32, **costs).derive(passphrase)


# The envelope of a provider's secret.


def sealed_for(label, vector, *more):
    hosts = sorted({host.encode() for host in vector["allowed_hosts"]})
    uid = uuid.UUID(vector["key_uid"]).bytes
    number = struct.pack(">I", vector["version"])
    return parts(label, uid, number, vector["field"].encode(), *hosts, *more)


def open_envelope(vector):
    master_key = unhex(vector["master_key"])
    wrap = sealed_for("keylease/key-wrap/v1", vector, fingerprint(master_key))
    dek = unseal(master_key, wrap, unhex(vector["wrapped_dek"]))
    return unseal(dek, sealed_for("keylease/key-data/v1", vector), unhex(vector["ciphertext"]))


def make_envelope(vector):
    master_key, dek = unhex(vector["master_key"]), unhex(vector["dek"])
    wrap = sealed_for("keylease/key-wrap/v1", vector, fingerprint(master_key))
    data = sealed_for("keylease/key-data/v1", vector)
    vector["fingerprint"] = "mk_" + fingerprint(master_key).hex()
    vector["wrapped_dek"] = seal(master_key, wrap, unhex(vector["wrap_nonce"]), dek).hex()
    vector["ciphertext"] = seal(dek, data, unhex(vector["data_nonce"]), unhex(vector["secret"])).hex()


# The cluster key and what is derived from it.


def cluster_context(master_key):
    return parts("keylease/cluster-key-wrap/v1", fingerprint(master_key))


def make_cluster(vector):
    master_key, key = unhex(vector["master_key"]), unhex(vector["cluster_key"])
    vector["wrapped"] = seal(master_key, cluster_context(master_key), unhex(vector["nonce"]), key).hex()
    vector["secret_fingerprint"] = mac(
        hkdf(key, None, b"keylease/secret-fingerprint/v1"), unhex(vector["secret"])
    ).hex()
    vector["row_mac"] = mac(hkdf(key, None, b"keylease/row-mac/v1"), row(vector["row"])).hex()


def row(vector):
    def field(value):
        if value is None:
            return b"\x00"
        if isinstance(value, int):
            return b"\x02" + struct.pack(">q", value)
        return b"\x01" + prefixed(value if isinstance(value, bytes) else value.encode())

    head = b"\x01" + prefixed(vector["table"].encode()) + struct.pack(">I", len(vector["fields"]))
    return head + b"".join(map(field, vector["fields"]))


# The audit: births, ends, records and what is known of all chains are rows under a key of their own.


def audit_mac(key, label, *fields):
    subkey = hkdf(unhex(key), None, b"keylease/audit-chain/v1")
    return mac(subkey, row({"table": label, "fields": fields})).hex()


def witnessed(sightings):
    one = (uuid.UUID(writer).bytes + struct.pack(">q", at) + unhex(digest) for writer, at, digest in sightings)
    return b"".join(one)


ROW_TABLES = (
    "accounts", "keys", "key_versions", "pools", "pool_members", "callers", "grants", "tokens", "rotators",
)


def row_state(what):
    if isinstance(what, list):
        what = sha256(b"".join(sorted(map(unhex, what)))).hexdigest()
    state = b"" if what is None else unhex(what)
    return state[:16].ljust(16, b"\0")


def rows_left(left):
    rows = []
    for table, uid, what, *found in left["rows"]:
        number = ROW_TABLES.index(table) + 1
        rows.append(bytes([number]) + uuid.UUID(uid).bytes + row_state(what))
        rows += (bytes([number + 128]) + uuid.UUID(uid).bytes + row_state(before) for before in found)
    removed = b""
    if "cut" in left:
        writer, sequence = left["cut"]
        removed = bytes([127]) + uuid.UUID(writer).bytes + struct.pack(">q", sequence).ljust(16, b"\0")
    return bytes([1]) + struct.pack(">q", left["rev"]) + b"".join(rows) + removed


def make_audit(vector):
    key, chain, writer = vector["cluster_key"], vector["chain"], uuid.UUID(vector["writer"]).bytes
    seen = witnessed(vector["witnessed"])
    vector["birth_mac"] = audit_mac(key, "audit_births", chain, writer, vector["create_micros"], seen)
    table = {"changes": "audit_records", "leases": "lease_journal"}[chain]
    previous, at = vector["birth_mac"], 0
    for record in vector["records"]:
        at += 1
        record["previous"] = previous
        label, fields = table, record["fields"]
        if "left" in record:
            rows = rows_left(record["left"])
            record["rows"] = rows.hex()
            label, fields = "audit_records with rows", [*fields, rows]
        previous = record["mac"] = audit_mac(key, label, writer, at, unhex(previous), *fields)
    vector["anchor_mac"] = audit_mac(key, "audit_anchors", chain, writer, 0, unhex(vector["birth_mac"]))
    vector["head_mac"] = audit_mac(key, "audit_heads", chain, writer, at, unhex(previous))
    standing = vector["standing"]
    adopted = standing["adopted_writer"]
    standing["mac"] = audit_mac(
        key, "audit_standing", standing["since_micros"], standing["begun_changes"], standing["begun_leases"],
        adopted and uuid.UUID(adopted).bytes, standing["adopted_rows"],
    )


# The secret of a rotator, as its receiver is given it.


def make_rotator(vector):
    info = b"keylease/rotator/v1" + uuid.UUID(vector["account_uid"]).bytes + struct.pack(">I", vector["generation"])
    vector["signing_secret"] = "whsec_" + b64encode(hkdf(unhex(vector["cluster_key"]), None, info)).decode()


# The mark that the doctor leaves.


def make_mark(vector):
    body = json.dumps(vector["body"], separators=(",", ":"))
    key = hkdf(unhex(vector["cluster_key"]), None, b"keylease/row-mac/v1")
    vector["mark"] = json.dumps(
        {"body": vector["body"], "mac": mac(key, row({"table": "high-water mark", "fields": [body]})).hex()},
        separators=(",", ":"),
    )


# Callers' tokens.


def make_token(vector):
    text = f"kl_{vector['id']}_" + base62(int.from_bytes(unhex(vector["secret"]), "big"), 43)
    pepper = hkdf(unhex(vector["cluster_key"]), None, b"keylease/token-pepper/v1")
    vector["token"] = text + base62(binascii.crc32(text.encode()), 6)
    vector["hash"] = mac(pepper, text[3:].encode()).hex()


# Lease ids.


def id_key(vector):
    root = hkdf(unhex(vector["cluster_key"]), None, b"keylease/sealed-id/v1")
    info = b"keylease/sealed-id-boot/v1" + bytes([vector["purpose"]])
    return hkdf(root, uuid.UUID(vector["boot_id"]).bytes, info)


def make_lease_id(vector):
    serial = struct.pack(">Q", vector["serial"])
    header = bytes([1, vector["purpose"]]) + uuid.UUID(vector["boot_id"]).bytes + serial
    sealed = AESGCM(id_key(vector)).encrypt(bytes(4) + serial, unhex(vector["plaintext"]), header)
    vector["id"] = urlsafe_b64encode(header + sealed).rstrip(b"=").decode()


def open_lease_id(vector):
    raw = urlsafe_b64decode(vector["id"] + "=" * (-len(vector["id"]) % 4))
    header, sealed = raw[:26], raw[26:]
    if header[:2] != bytes([1, vector["purpose"]]):
        raise DoesNotOpen
    try:
        key = id_key({**vector, "boot_id": str(uuid.UUID(bytes=header[2:18]))})
        return AESGCM(key).decrypt(bytes(4) + header[18:], sealed, header)
    except InvalidTag:
        raise DoesNotOpen from None


# The vectors.


def unhex(text):
    return bytes.fromhex(text)


def make_master_key(vector):
    if "passphrase" in vector:
        costs = (vector[name] for name in ("memory_kib", "iterations", "parallelism"))
        vector["master_key"] = stretched(vector["passphrase"].encode(), unhex(vector["salt"]), *costs).hex()
    key = unhex(vector["master_key"])
    vector["text"], vector["fingerprint"] = master_key_text(key), "mk_" + fingerprint(key).hex()


MAKERS = {
    "master_keys": make_master_key,
    "envelopes": make_envelope,
    "cluster_keys": make_cluster,
    "tokens": make_token,
    "lease_ids": make_lease_id,
    "audits": make_audit,
    "rotators": make_rotator,
    "marks": make_mark,
}


def inputs():
    uid = "01980000-0000-7000-8000-000000000001"
    envelope = {
        "master_key": "11" * 32, "key_uid": uid, "version": 1, "field": "value", "dek": "22" * 32,
        "wrap_nonce": "77" * 12, "data_nonce": "88" * 12,
        "allowed_hosts": ["eu.api.openai.com", "api.openai.com", "api.openai.com"],
        "secret": b"sk-known".hex(),
    }
    passphrase = {
        "passphrase": "correct horse battery", "salt": "22" * 16, "memory_kib": 19456, "iterations": 2,
        "parallelism": 1,
    }
    lease = {
        "cluster_key": "44" * 32, "purpose": 1, "boot_id": "00000000-0000-4000-8000-000000000007", "serial": 0,
        "plaintext": bytes(range(64)).hex(),
    }
    return {
        "master_keys": [{"master_key": "11" * 32}, {"master_key": "00" * 31 + "01"}, {"master_key": "ff" * 32}, passphrase],
        "envelopes": [
            envelope,
            {**envelope, "version": 4294967295, "field": "secret_access_key", "allowed_hosts": [], "secret": ""},
            {**envelope, "master_key": "ab" * 32, "allowed_hosts": ["ümlaut.example", "z", "a"], "secret": "00ff" * 2000},
        ],
        "cluster_keys": [{
            "master_key": "11" * 32, "cluster_key": "44" * 32, "nonce": "55" * 12, "secret": b"sk-known".hex(),
            "row": {"table": "callers", "fields": ["a", 7, None, -1, "", "ü"]},
        }],
        "tokens": [
            {"cluster_key": "44" * 32, "id": "0123456789ABcd", "secret": "33" * 32},
            {"cluster_key": "44" * 32, "id": "zzzzzzzzzzzzzz", "secret": "00" * 32},
        ],
        "audits": audits(),
        "rotators": [{"cluster_key": "44" * 32, "account_uid": uid, "generation": 2}],
        "marks": [{
            "cluster_key": "44" * 32,
            "body": {"format": 2, "rev": 7, "micros": 1700000000000000, "keys": {uid: 3}, "promotion": 2},
        }],
        "lease_ids": [lease, {**lease, "purpose": 2, "serial": 1, "plaintext": ""}],
    }


def audits():
    writer, other = "00000000-0000-4000-8000-000000000007", "00000000-0000-4000-8000-000000000008"
    since = 1700000000000000
    rows = [
        ["pools", writer, "a1" * 32], ["pool_members", writer, ["c3" * 32, "b2" * 32]], ["pool_members", other, []],
        ["key_versions", other, b"current".hex()], ["tokens", other, None], ["rotators", writer, "ff" * 32],
        ["accounts", other, "a4" * 32, "a3" * 32], ["key_versions", writer, b"previous".hex(), b"current".hex()],
    ]
    change = {
        "cluster_key": "44" * 32, "chain": "changes", "writer": writer, "create_micros": since,
        "witnessed": [[other, 3, "66" * 32]],
        "records": [
            {"fields": [11, since + 1, "callers/ana", "CreateAccount", "accounts/a", "new team", "127.0.0.1:5", "created"]},
            {"fields": [12, since + 2, "system", "PruneAudit", "audit/leases", "", "", "ü"]},
            {
                "fields": [13, since + 3, "callers/ana", "UpdatePool", "pools/p", "", "", "updated, members: 2"],
                "left": {"rev": 9, "rows": rows},
            },
            {"fields": [14, since + 4, "system", "PruneAudit", "audit/leases", "", "", ""], "left": {"rev": 10, "rows": []}},
            {
                "fields": [15, since + 5, "system", "PruneAudit", "audit/changes", "", "", ""],
                "left": {"rev": 11, "rows": [], "cut": [other, 9]},
            },
        ],
        "standing": {
            "since_micros": since, "begun_changes": 2, "begun_leases": 1, "adopted_writer": None, "adopted_rows": None,
        },
    }
    lease = ["pools/p", "accounts/a/keys/k", 1, "callers/search", 1, 2, "AQEAAAAAAABAAIAAAAAAAAAHAAAAAAAAAAD", '{"team":"x"}']
    rollup = ["pools/p", "accounts/a/keys/k", 1, "callers/search", 9, 9, "", ""]
    leases = {
        **change, "chain": "leases", "witnessed": [],
        "records": [{"fields": [since + 3, *lease]}, {"fields": [since + 4, *rollup]}],
        "standing": {**change["standing"], "adopted_writer": other, "adopted_rows": 5},
    }
    return [change, leases]


def make():
    vectors = inputs()
    for kind, all_of_it in vectors.items():
        for vector in all_of_it:
            MAKERS[kind](vector)
    return vectors


def refuses(what, open_it, vector, **changes):
    try:
        open_it({**vector, **changes})
    except DoesNotOpen:
        return
    raise SystemExit(f"{what} opened though it was altered: {list(changes)}")


def flipped(text, place):
    raw = bytearray(unhex(text))
    raw[place] ^= 1
    return raw.hex()


def check_altered(vectors):
    for vector in vectors["envelopes"]:
        assert open_envelope(vector) == unhex(vector["secret"])
        for column in ("wrapped_dek", "ciphertext"):
            size = len(vector[column]) // 2
            for place in (0, 1, 32, 33, 44, 45, size - 17, size - 1):
                refuses("an envelope", open_envelope, vector, **{column: flipped(vector[column], place)})
            refuses("an envelope", open_envelope, vector, **{column: vector[column][:-2]})
        refuses("an envelope", open_envelope, vector, version=2)
        refuses("an envelope", open_envelope, vector, field="x")
        refuses("an envelope", open_envelope, vector, allowed_hosts=["evil.example"])
        refuses("an envelope", open_envelope, vector, key_uid=str(uuid.UUID(int=1)))
        refuses("an envelope", open_envelope, vector, master_key="99" * 32)
    for vector in vectors["cluster_keys"]:
        key = unhex(vector["master_key"])
        assert unseal(key, cluster_context(key), unhex(vector["wrapped"])) == unhex(vector["cluster_key"])
    for vector in vectors["lease_ids"]:
        assert open_lease_id(vector) == unhex(vector["plaintext"])
        refuses("a lease id", open_lease_id, vector, purpose=3 - vector["purpose"])
        refuses("a lease id", open_lease_id, vector, cluster_key="45" * 32)
        for place in (5, 30, 40):
            altered = list(vector["id"])
            altered[place] = "A" if altered[place] != "A" else "B"
            refuses("a lease id", open_lease_id, vector, id="".join(altered))


def main():
    if sys.argv[1:] == ["make"]:
        json.dump(make(), sys.stdout, indent=1, ensure_ascii=False)
        print()
        return
    if len(sys.argv) != 3 or sys.argv[1] != "check":
        raise SystemExit(__doc__)
    with open(sys.argv[2], encoding="utf-8") as file:
        stored = json.load(file)
    made = make()
    for kind in sorted(set(made) | set(stored)):
        if made.get(kind) != stored.get(kind):
            raise SystemExit(f"{kind} come out otherwise than they stand in {sys.argv[2]}")
    check_altered(stored)
    print(", ".join(f"{len(all_of_it)} {kind}" for kind, all_of_it in stored.items()))


main()
