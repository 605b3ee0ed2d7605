import Blobs
import Dispatch

/// A commit whose answer was lost. The batch has left its mark in the row of its lane, and holds that row until it ends: so
/// whoever gets hold of the row knows what became of the batch, at the same server or at one that has taken over. The first
/// batch of a lane makes the row: so the row is made here too, which waits for a batch that has not ended.
struct LostCommit {
    private let lane: SharedTransaction.Lane
    private let mark: [UInt8]
    /// Where it was sent to.
    private let place: [ConnectionSetting]
    private let connector: Connector

    enum CommitFate {
        case committed, aborted, unknown
    }

    init?(_ transaction: SharedTransaction, _ connector: Connector) {
        guard let lane = transaction.lane else { return nil }
        self.lane = lane
        mark = transaction.mark
        place = transaction.session.place
        self.connector = connector
    }

    /// Blocks for patience, and a second for the server to end what it never heard the end of.
    func find() -> CommitFate {
        let deadline = ContinuousClock.now + connector.patience + .seconds(1)
        var isSame = false
        repeat {
            // To the same server first: its name need not be looked up.
            isSame.toggle()
            do throws(SharedCatalogError) {
                let left = ContinuousClock.now.duration(to: deadline)
                let session = try connector.connect(to: isSame ? place : nil, within: left)
                session.deadline = deadline
                while session.condition == .usable {
                    if let batch = try ask(session) { return batch == mark ? .committed : .aborted }
                }
            } catch {
                // A server that is starting, or another one that is about to take over.
                _ = DispatchSemaphore(value: 0).wait(timeout: .now() + 0.1)
            }
        } while ContinuousClock.now < deadline
        return .unknown
    }

    /// The mark of the last batch that was committed; nil where one has not ended yet.
    private func ask(_ session: Session) throws(SharedCatalogError) -> [UInt8]? {
        try session.queue(.begin)
        try session.queue(Self.wait)
        try session.queue(Self.read, [.init(.of(lane.node as NodeID?)), .init(.of(lane.place))])
        // What a server wrote and no standby has is lost with the server: this waits for both.
        try session.queue(.commit)
        do throws(SharedCatalogError) {
            let answers = try session.run()
            if session.wasWarned { throw SharedCatalogError.outcomeUnknown }
            return answers[2]?.first?.bytes(0) ?? []
        } catch {
            let isHeld = session.lastError?.code == "55P03"
            session.rollBack()
            guard isHeld else { throw error }
            return nil
        }
    }

    private static let wait = PostgresStatement(
        "wait",
        """
        SELECT set_config('lock_timeout', '500', true), set_config('statement_timeout', '0', true),
            CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', true) END
        """)
    private static let read = PostgresStatement(
        "read mark",
        """
        INSERT INTO satchel.lane AS l (node, place, batch) VALUES ($1::bytea, $2::bigint, '')
        ON CONFLICT (node, place) DO UPDATE SET batch = l.batch RETURNING batch
        """)
}
