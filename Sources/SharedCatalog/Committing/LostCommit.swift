import Blobs
import Dispatch

/// A commit whose answer was lost. The batch has left its mark in the row of its lane, and holds that row until it ends: so
/// whoever gets hold of the row knows what became of the batch, at the same server or at one that has taken over.
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
        try session.queue(.rollback)
        do {
            let answers = try session.run()
            return answers[2]?.first?.bytes(0) ?? []
        } catch {
            let isHeld = session.lastError?.code == "55P03"
            session.rollBack()
            guard isHeld else { throw error }
            return nil
        }
    }

    private static let wait = PostgresStatement("wait", "SELECT set_config('lock_timeout', '500', true)")
    private static let read = PostgresStatement(
        "read mark", "SELECT batch FROM satchel.lane WHERE node = $1::bytea AND place = $2::bigint FOR UPDATE")
}
