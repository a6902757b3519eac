//! The one transaction pattern of every change: lock, decide, write, audit, remember the request, commit.

use std::{sync::Arc, time::Duration};

use sqlx::PgConnection;
use subtle::ConstantTimeEq;

use super::audit::{changes, writer::Writer};
use super::error::{Fault, Refusal};
use super::{CallerRef, Proof, Result, Vault, admission};
use crate::crypto::Secret;
use crate::domain::rows_left::RowsLeft;
use crate::domain::time::Timestamp;
use crate::store::connection::{CHANGE_WITHIN, begin, in_time};
use crate::store::request_ids::{Remembered, RequestKey};
use crate::store::{cluster, request_ids, rows_left};

mod work;

pub use work::Work;

/// How long a request id is remembered, as the contract says.
const REQUEST_ID_TTL: Duration = Duration::from_hours(24);
/// How many old request ids a change forgets: more than it adds, few enough to cost nothing.
const FORGET_MAX: i64 = 100;
/// Whatever the server's defaults: each statement sees what was committed before it, a commit that was answered is durable,
/// nobody waits for a lock for ever, and a replica that stops in between keeps none for long.
pub(super) const BEGIN: &str = "begin isolation level read committed read write; \
    set local synchronous_commit = on; set local lock_timeout = '10s'; set local statement_timeout = '30s'; \
    set local idle_in_transaction_session_timeout = '5s'";

/// Who makes a change, how, and why.
#[derive(Debug)]
pub struct Change {
    /// Who.
    pub caller: CallerRef,
    /// What let it in; `None` for the vault itself, and where whoever embeds the services vouches for the caller.
    pub proof: Option<Proof>,
    /// The RPC.
    pub method: &'static str,
    /// The address the call came from.
    pub source: String,
    /// Set if the call may come again.
    pub request: Option<Request>,
    /// Check everything, change nothing.
    pub validate_only: bool,
    /// For the audit.
    pub reason: String,
}

/// What recognises the repetition of a request.
#[derive(Debug)]
pub struct Request {
    /// As the caller chose it.
    pub id: String,
    /// The whole request in a canonical form. It may hold secrets; only a keyed hash of it is stored.
    pub payload: Secret,
}

/// A verb that changes something: its fields are its parsed input.
pub trait Verb: Send + 'static {
    /// What it answers.
    type Answer: Send + Sync + 'static;

    /// Decides and writes. The revision is taken and the configuration is locked when this is called.
    fn apply(self, work: &mut Work<'_>) -> impl Future<Output = Result<Done<Self::Answer>>> + Send;

    /// The answer to a repetition: `resource`, which the first call was about, as it stands.
    fn replay(
        self,
        work: &mut Work<'_>,
        resource: &str,
    ) -> impl Future<Output = Result<Self::Answer>> + Send;
}

/// What a verb did.
#[derive(Debug)]
pub struct Done<A> {
    /// Its answer.
    pub answer: A,
    /// What it was about, by name.
    pub resource: String,
    /// What changed, in a few words, for the audit. Never a secret.
    pub summary: String,
}

impl Change {
    /// A change that the vault makes by itself.
    #[must_use]
    pub fn by_system(method: &'static str, reason: &str) -> Self {
        Self {
            caller: CallerRef::system(),
            proof: None,
            method,
            source: String::new(),
            request: None,
            validate_only: false,
            reason: reason.to_owned(),
        }
    }
}

impl Vault {
    /// Runs a verb as one transaction, in a task of its own: a call that is dropped cannot cancel it half-way.
    ///
    /// # Errors
    /// What the verb refuses, a request id that was used for another request, or a fault.
    pub async fn change<V: Verb>(self: &Arc<Self>, change: Change, verb: V) -> Result<V::Answer> {
        let vault = Arc::clone(self);
        let task = tokio::spawn(async move {
            let (answer, rev) = in_time(CHANGE_WITHIN, vault.transact(change, verb)).await?;
            vault.committed(rev).await;
            Ok(answer)
        });
        let doing = "a change was abandoned";
        task.await.map_err(|cause| Fault::new(doing, cause))?
    }

    pub(super) fn work<'a>(
        &'a self,
        change: &'a Change,
        conn: &'a mut PgConnection,
        (rev, now): (i64, Timestamp),
    ) -> Work<'a> {
        Work {
            conn,
            keys: &self.keys,
            rev,
            now,
            caller: &change.caller,
            reason: &change.reason,
            notes: Vec::new(),
            cut: None,
            promotion: None,
        }
    }

    /// The answer, and the revision that was committed, if any.
    async fn transact<V: Verb>(&self, change: Change, verb: V) -> Result<(V::Answer, Option<i64>)> {
        let mut transaction = begin(&self.pool, BEGIN).await?;
        let (rev, now) = cluster::next_rev(&mut transaction).await?;
        let mut work = self.work(&change, &mut transaction, (rev, now));
        if let Some(proof) = &change.proof {
            admission::check(&mut work, proof).await?;
        }
        let hash = change.request.as_ref().map(|request| {
            let parts = [change.method.as_bytes(), request.payload.expose()];
            self.keys.request.hash(&parts)
        });
        // Dropping the transaction rolls it back: on every error, on a replay, and where nothing was to change.
        if let Some(resource) = recall(&mut work, &change, hash.as_ref()).await? {
            return Ok((verb.replay(&mut work, &resource).await?, None));
        }
        let done = verb.apply(&mut work).await?;
        let writer = *self.audit.lock();
        let writer = record(&mut work, &change, &done, hash, writer).await?;
        if change.validate_only {
            return Ok((done.answer, None));
        }
        let promotion = work.promotion;
        transaction.commit().await?;
        if let Some((number, fingerprint)) = promotion {
            self.keys.saw_promotion(number, fingerprint);
        }
        let mut remembered = self.audit.lock();
        *remembered = remembered.further(writer);
        Ok((done.answer, Some(rev)))
    }
}

/// The resource of the earlier call, if this one repeats it.
async fn recall(
    work: &mut Work<'_>,
    change: &Change,
    hash: Option<&[u8; 32]>,
) -> Result<Option<String>> {
    let (Some(request), Some(hash)) = (&change.request, hash) else {
        return Ok(None);
    };
    let since = work.now.before(REQUEST_ID_TTL);
    match request_ids::find(work.conn, key_of(change, request), since).await? {
        None => Ok(None),
        Some(earlier) if bool::from(earlier.request_hash.ct_eq(hash)) => Ok(Some(earlier.resource)),
        Some(_) => Err(Refusal::RequestIdReused.into()),
    }
}

/// Writes the audit rows, and what recognises a repetition. Gives what is to be remembered of the audit once it is committed.
async fn record<A>(
    work: &mut Work<'_>,
    change: &Change,
    done: &Done<A>,
    hash: Option<[u8; 32]>,
    writer: Writer,
) -> Result<Writer> {
    let mut notes = std::mem::take(&mut work.notes);
    notes.push((done.resource.clone(), done.summary.clone()));
    let mut records = changes::records(change, notes, (work.rev, work.now));
    // The last one is of the change itself.
    if let Some(record) = records.last_mut() {
        let (rev, cut) = (work.rev, work.cut);
        let rows = rows_left::of_change(work.conn, rev).await?;
        record.rows = Some(RowsLeft { rev, rows, cut }.encode());
    }
    let key = &work.keys.audit;
    let writer = changes::append(work.conn, key, writer, records, work.now).await?;
    if let (Some(request), Some(hash)) = (&change.request, hash) {
        let remembered = Remembered {
            request_hash: hash.to_vec(),
            resource: done.resource.clone(),
        };
        request_ids::remember(work.conn, key_of(change, request), &remembered, work.now).await?;
        request_ids::forget(work.conn, work.now.before(REQUEST_ID_TTL), FORGET_MAX).await?;
    }
    Ok(writer)
}

const fn key_of<'a>(change: &'a Change, request: &'a Request) -> RequestKey<'a> {
    RequestKey {
        caller_uid: change.caller.uid,
        method: change.method,
        request_id: request.id.as_str(),
    }
}
