package import Blobs

/// Looking after a store: collecting garbage, finding damage, taking blobs down, and reporting how it is.
///
/// Commands of an operator, services that run on an interval, and metrics are written against this contract alone.
/// Everything here may be called while clients read and write. Sweeps and checks run one at a time: a second call
/// waits.
package protocol Upkeep: Sendable {
    // MARK: Garbage

    /// Runs one sweep: finishes interrupted removals, ends expired leases, removes blobs without a lease, drops uploads
    /// that timed out, removes orphans (stored bytes that the catalog does not know), and forgets old tombstones.
    ///
    /// Removes nothing while the clocks cannot be trusted (`CollectReport.hold`), and keeps suspiciously many orphans
    /// (`CollectReport.orphansKept`), unless the options say otherwise. A sweep whose task is cancelled stops after the
    /// current batch; the next one continues.
    func collect(_ options: CollectOptions) async throws(StoreError) -> CollectReport

    /// How the sweeps of this process went. Never waits.
    var gcStatus: GCStatus { get }

    // MARK: Damage

    /// Reads back every held blob and compares it with its address, its size and the catalog; also compares open
    /// uploads with the offsets that clients were given, and looks for orphans. Changes nothing unless asked to repair.
    /// `progress` is called after each blob. Throws `.unavailable` if the task is cancelled.
    func check(
        _ options: CheckOptions, progress: @Sendable (CheckProgress) -> Void
    ) async throws(StoreError) -> CheckReport

    /// Runs one scrub: the background check of all held blobs, at most `bytesPerSecond`, and a quarter of that while
    /// uploads are under way or `traffic`, the bytes sent to clients so far, grows. Continues a scrub that was
    /// interrupted, else begins a new one. Damage is logged, counted and, within limits, set aside: the blob is not
    /// served until the same bytes are uploaded again. Returns at the end, or when the task is cancelled.
    func scrub(bytesPerSecond: Int64, traffic: @escaping @Sendable () -> Int) async throws(StoreError)

    /// The scrub under way and the last complete one.
    func scrubHistory() async throws(StoreError) -> ScrubHistory

    /// Checks the blobs that could not be read properly when a client asked for them, and treats damage as a scrub
    /// does.
    func examineSuspects() async

    // MARK: An operator's word

    /// Takes a blob down, bans its address, or lifts a ban. Durable when it returns; waits for no sweep.
    func remove(_ options: RemoveOptions) async throws(StoreError) -> RemoveReport

    /// Ends every lease that one subject is charged for, and takes away what nobody else holds. Durable when it returns;
    /// uploads in progress are not ended.
    func remove(_ options: RemoveSubjectOptions) async throws(StoreError) -> RemoveSubjectReport

    // MARK: Reports

    /// What the store holds, by age and size. Takes time in proportion to the number of blobs; concurrent changes may
    /// or may not be counted.
    func statistics() async throws(StoreError) -> StoreStatistics

    /// The numbers for metrics and dashboards. Costs the same however many blobs the store holds.
    func readings() async throws(StoreError) -> StoreReadings

    /// Whether the store takes writes, and how much it has promised. Never waits, even while the store cannot be read.
    var writeStatus: WriteStatus { get }

    /// The present moment as the store counts it: the later of the wall clock and the latest time committed.
    func now() -> Timestamp

    /// Finishes the work under way and releases the store; later calls throw `.unavailable`.
    func close() async
}

extension Upkeep {
    /// Runs one sweep with the default options.
    package func collect() async throws(StoreError) -> CollectReport { try await collect(CollectOptions()) }

    /// Checks everything without reporting progress.
    package func check(_ options: CheckOptions = CheckOptions()) async throws(StoreError) -> CheckReport {
        try await check(options) { _ in }
    }
}

/// What an operator wants done about one blob.
package struct RemoveOptions: Sendable, Codable {
    package enum Action: String, Sendable, Codable {
        /// End every lease and delete the bytes; the same bytes may be uploaded again.
        case takeDown
        /// The same, and refuse the address from now on.
        case ban
        /// Accept the address again; removes nothing.
        case unban
    }

    /// What the blob is known by.
    package enum Target: Sendable, Codable, Hashable {
        case address(BlobAddress)
        /// The blob of the lease that this name leads to, whatever became of the lease.
        case alias(AliasName)
    }

    package let target: Target
    package let action: Action

    package init(_ target: Target, action: Action) {
        self.target = target
        self.action = action
    }

    package init(address: BlobAddress, action: Action) {
        self.init(.address(address), action: action)
    }
}

/// What was done about one blob.
package struct RemoveReport: Sendable, Codable, Hashable {
    /// Nil for a name that leads nowhere.
    package let address: BlobAddress?
    /// Whether the store knew the address.
    package var isKnown = false
    /// Leases that were live and are ended now.
    package var leasesEnded = 0
    /// 0 if there were no bytes, or if they were busy: then they are no longer served, and the next sweep deletes them.
    package var blobsRemoved = 0
    package var bytesRemoved: Int64 = 0
    package var isBanned = false
    /// Whether there was a ban to lift.
    package var wasBanned = false

    package init(address: BlobAddress?) {
        self.address = address
    }
}

/// An operator's word against all that one subject holds.
package struct RemoveSubjectOptions: Sendable, Codable {
    /// Who is charged, as leases name it.
    package let subject: String
    /// Whether to change nothing, and only to report.
    package let dryRun: Bool

    package init(subject: String, dryRun: Bool = false) {
        self.subject = subject
        self.dryRun = dryRun
    }
}

/// What was done about one subject, or would be.
package struct RemoveSubjectReport: Sendable, Codable, Hashable {
    /// Whether nothing was changed.
    package var dryRun = false
    /// Leases that were ended.
    package var leasesEnded = 0
    /// Bytes that the subject was charged for them.
    package var chargedBytes: Int64 = 0
    /// Blobs that nobody else held, and their bytes; not known before.
    package var blobsRemoved = 0
    package var bytesRemoved: Int64 = 0

    package init() {}
}
