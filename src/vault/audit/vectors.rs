//! The audit's vectors of `tests/vectors/formats.json`, which an implementation in Python makes and checks.

use serde_json::Value;
use uuid::Uuid;

use super::hashes::{self, Chained, End};
use crate::crypto::{ClusterKey, MacKey, macs_digest};
use crate::domain::chain::{self, Adopted, Chain, Head, Sighting, Standing};
use crate::domain::journal::JournalRecord;
use crate::domain::rows_left::{Cut, RowLeft, RowState, RowTable, RowsLeft};
use crate::domain::time::Timestamp;
use crate::store::audit_chains::{ChainRow, EndRow};
use crate::store::audit_records::AuditRecord;

fn unhex(text: &Value) -> Vec<u8> {
    let text = text.as_str().unwrap();
    let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).unwrap();
    (0..text.len()).step_by(2).map(byte).collect()
}

fn number(value: &Value) -> i64 {
    value.as_i64().unwrap()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn uid(value: &Value) -> Uuid {
    value.as_str().unwrap().parse().unwrap()
}

fn time(value: &Value) -> Timestamp {
    Timestamp::from_micros(number(value))
}

/// The chain of a vector as it is born.
fn born(vector: &Value) -> ChainRow {
    let sighting = |seen: &Value| Sighting {
        writer: uid(&seen[0]),
        head: Head {
            sequence: number(&seen[1]),
            hash: unhex(&seen[2]).try_into().unwrap(),
        },
    };
    let seen = vector["witnessed"].as_array().unwrap().iter();
    let seen: Vec<Sighting> = seen.map(sighting).collect();
    let none = EndRow {
        sequence: 0,
        hash: Vec::new(),
        mac: Vec::new(),
    };
    ChainRow {
        chain: Chain::from_stored(vector["chain"].as_str().unwrap()).unwrap(),
        writer: uid(&vector["writer"]),
        create_time: time(&vector["create_micros"]),
        witnessed: chain::encode(&seen),
        birth_mac: Vec::new(),
        anchor: none.clone(),
        head: none,
    }
}

fn change(record: &Value) -> AuditRecord {
    let fields = &record["fields"];
    AuditRecord {
        sequence: number(&fields[0]),
        record_time: time(&fields[1]),
        caller: text(&fields[2]),
        method: text(&fields[3]),
        resource: text(&fields[4]),
        reason: text(&fields[5]),
        source: text(&fields[6]),
        summary: text(&fields[7]),
        rows: record.get("rows").map(unhex),
    }
}

/// What a vector says that a change left of its rows.
fn left(vector: &Value) -> RowsLeft {
    let state = |what: &Value| match what.as_array() {
        Some(macs) => {
            let macs: Vec<Vec<u8>> = macs.iter().map(unhex).collect();
            macs_digest(macs.iter().map(Vec::as_slice).collect()).to_vec()
        }
        None => unhex(what),
    };
    let row = |row: &Value| RowLeft {
        table: RowTable::from_stored(row[0].as_str().unwrap()).unwrap(),
        uid: uid(&row[1]),
        state: (!row[2].is_null()).then(|| RowState::of(&state(&row[2]))),
        found: row.get(3).map(|found| RowState::of(&state(found))),
    };
    RowsLeft {
        rev: number(&vector["rev"]),
        rows: vector["rows"].as_array().unwrap().iter().map(row).collect(),
        cut: vector.get("cut").map(|cut| Cut {
            writer: uid(&cut[0]),
            sequence: number(&cut[1]),
        }),
    }
}

fn lease(fields: &Value) -> JournalRecord {
    JournalRecord {
        record_time: time(&fields[0]),
        pool: text(&fields[1]),
        key: text(&fields[2]),
        version: number(&fields[3]),
        caller: text(&fields[4]),
        leases: number(&fields[5]),
        uses: number(&fields[6]),
        lease: text(&fields[7]),
        tags: text(&fields[8]),
    }
}

fn standing(key: &MacKey, vector: &Value) -> String {
    let adopted = vector["adopted_rows"].as_i64();
    let standing = Standing {
        since: time(&vector["since_micros"]),
        begun_changes: number(&vector["begun_changes"]),
        begun_leases: number(&vector["begun_leases"]),
        adopted: adopted.map(|rows| Adopted {
            writer: uid(&vector["adopted_writer"]),
            rows,
        }),
    };
    super::hex(&hashes::standing(key, &standing))
}

#[test]
fn chains_have_the_hashes_that_python_gives_them() {
    let all: Value =
        serde_json::from_str(include_str!("../../../tests/vectors/formats.json")).unwrap();
    for vector in all["audits"].as_array().unwrap() {
        let key = ClusterKey::known(unhex(&vector["cluster_key"])[0]).audit_key();
        let born = born(vector);
        let (chain, writer) = (born.chain, born.writer);
        let mut head = Head {
            sequence: 0,
            hash: hashes::birth(&key, &born),
        };
        assert_eq!(super::hex(&head.hash), vector["birth_mac"]);
        let mac = |end: End, head| super::hex(&end.sign(&key, chain, writer, head).mac);
        assert_eq!(mac(End::Anchor, head), vector["anchor_mac"]);
        for record in vector["records"].as_array().unwrap() {
            let (link, next) = match chain {
                Chain::Changes => change(record).behind(&key, writer, head),
                Chain::Leases => lease(&record["fields"]).behind(&key, writer, head),
            };
            if let Some(vector) = record.get("left") {
                assert_eq!(super::hex(&left(vector).encode()), record["rows"]);
            }
            assert_eq!(super::hex(&link.previous), record["previous"]);
            assert_eq!(super::hex(&link.mac), record["mac"]);
            head = next;
        }
        assert_eq!(mac(End::Head, head), vector["head_mac"]);
        let known = &vector["standing"];
        assert_eq!(standing(&key, known), known["mac"]);
    }
}
