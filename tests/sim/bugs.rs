//! Bugs that are planted at the seams between the production code and the simulated world. Each was made by somebody once, or would
//! be; the simulation must see every one.

/// A planted bug.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    /// A replica counts a block's validity from the reply.
    ValidityFromReply,
    /// A caller counts L from the reply.
    StartWithinFromReply,
    /// A unit stays charged for W alone.
    ChargeForWindowOnly,
    /// The database grants beside what is charged.
    GrantWithoutGuard,
    /// Lost writes are not noticed.
    NoFreeze,
    /// What is charged is read before the lock is held.
    ReadBeforeLock,
    /// Charges end by the clock that stamps them.
    OneClock,
    /// A clock that is new to its replica starts from where the limit's stood when its transaction was done, as if that had been when
    /// it was sent.
    SeedAtSending,
    /// The clocks look back over the charge time alone, though whoever looks once a second saw the clock a second before what was charged.
    ReachOfCharge,
    /// Charges are stamped by the database's clock as it is, though it may have been set back a moment ago.
    StampAsRead,
    /// The clocks look back no further than today's charge time.
    ReachOfToday,
    /// A permit is handed out after its block has ended.
    PermitAfterExpiry,
    /// A report that comes twice gives back twice.
    RefundTwice,
    /// The charge of a block is ended while the block is handed out from.
    EndOpenBlock,
    /// Reports are counted, not leases.
    CountReports,
    /// A request that got no answer is taken for one that has started.
    EndUnanswered,
    /// A lease that nobody has reported is taken for one that started when it was given.
    EndSilent,
    /// A use is taken to have started when its lease was asked for.
    StartAtCall,
    /// A report that comes twice gives back a permit that somebody else holds.
    PermitTwice,
    /// A lease is said to go on before it is charged for.
    RenewAnsweredFirst,
    /// A lease that is renewed for less than is left of it, ends as if that were all.
    RenewedForLess,
    /// A renewal of which the replica that gave the lease hears when its permits have come back by themselves, is void.
    NewsTooLate,
    /// A lease of a block that others have settled leases from goes on by what that block is charged for, without a charge of its own.
    RenewedByEstate,
    /// A lease goes on though a limit does not count it that came to be since it was given.
    RenewedUncounted,
    /// What may be used on either side of midnight is charged to the day in which it was reserved.
    ChargeOneDay,
    /// What was merged ends with the first of it.
    MergedEndRoundedDown,
    /// A slot is taken over as soon as it has been seen.
    SlotTakenAtOnce,
    /// A new share is served while what was granted of it still counts.
    ShareServedAtOnce,
    /// What a share that was made smaller leaves is granted while somebody may serve by the larger one.
    ShareLoweredAtOnce,
    /// A call that is sent again is promised a fresh L.
    FreshReplay,
    /// The charge of a lease that may be given again is ended by when its use started after its first call.
    EndByFirstCall,
    /// What was reported elsewhere of a lease before it was given again is given back after that.
    ReplayForgotten,
    /// The issuer believes of a lease that it gave again that it was not sent, though that may have been said before.
    UnsentBelieved,
    /// A lease that goes on is over by what was said of it before it was given again.
    DoubtForgotten,
    /// A replica that was stopped gives back once more what was given back in its place.
    ReturnTwice,
    /// A lease is settled in the place of a replica that still hands out from the block.
    TakeOverOpen,
    /// A lease is settled in the place of a replica that had counted its report.
    TakeOverCounted,
    /// A lease is settled in the place of its replica by every report on it.
    SettledTwice,
    /// A batch of which some uses were never reported is taken for one of which everything is known.
    EndIncomplete,
    /// What was used beyond the estimate is not charged.
    OveruseForgotten,
    /// A transaction reads what was committed before it began, however long it then waits for a lock.
    RepeatableRead,
    /// A commit is answered before it is on disk.
    AsynchronousCommit,
    /// Leases and blocks go by what the replica takes the limit for today, not by what was granted.
    TermsOfToday,
    /// What is out when a limit gets a longer window counts over that by today's D and L.
    SpanByTermsOfToday,
    /// A need that was not met is not left room for.
    NoClaim,
    /// What a refused caller was told is not kept from demand to come.
    ToldForgotten,
    /// A block that comes when its validity is over is not returned.
    LateKept,
    /// A limit of a long window is granted faster than what may be forgotten of it is charged for.
    NotPaced,
    /// A need that is larger than any before is granted before it is sure that the database will know of it.
    RaisedAtOnce,
    /// What replicas are granted that have just come is not counted together.
    NewcomersUncounted,
    /// A limit answers to a loss anew for every replica that has seen a grant which is gone.
    LossAnsweredByEach,
    /// After a loss limits answer for what is known of all, and nobody tells, or is asked, what it alone was granted.
    SilentSweep,
    /// One clock, and a limit is frozen by a replica that sees it step.
    FreezeOnStep,
    /// However many limits there are, they share a transaction.
    OneTransaction,
}
