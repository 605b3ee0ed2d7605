package import Blobs
package import Store
package import StoreRules

/// What nodes and sweeps write beside changes: each is a statement by itself, durable when it returns, and harmless when
/// it is done again.
extension SharedCatalog {
    /// Seconds for which a node counts as alive after a sign of life.
    package static let aliveSeconds: Int64 = 20

    /// Gives a sign of life; `wall` is what the node's own clock says.
    package func beat(wall: Timestamp) async throws(StoreError) {
        fatalError("being written")
    }

    /// Takes the node out of those that are alive.
    package func leave() async throws(StoreError) {
        fatalError("being written")
    }

    /// Takes a duty, or keeps it, for so long by the database's clock. Returns false where another node has it.
    package func takeDuty(_ name: String, for lifetime: Lifetime) async throws(StoreError) -> Bool {
        fatalError("being written")
    }

    /// Gives a duty up; no change where another node has it.
    package func dropDuty(_ name: String) async throws(StoreError) {
        fatalError("being written")
    }

    /// Forgets garbage whose objects are gone, with the rows of its lists; at most 1,000 in one call.
    package func dropGarbage(_ ids: [ObjectID]) async throws(StoreError) {
        fatalError("being written")
    }

    /// Lets objects that are garbage go by `due` at the latest; at most 1,000 in one call.
    package func hasten(_ ids: [ObjectID], due: Timestamp) async throws(StoreError) {
        fatalError("being written")
    }

    /// Forgets what ended more than ten minutes ago and nodes that have been silent for two days, by the database's clock;
    /// returns how many rows that were, at most `pageRows` of each.
    package func forgetOld() async throws(StoreError) -> Int {
        fatalError("being written")
    }

    /// Writes the token of a sweep down, unless another one has since `former` was there; returns whether it did.
    package func setPass(_ token: [UInt8], after former: [UInt8]) async throws(StoreError) -> Bool {
        fatalError("being written")
    }

    /// Writes down by how many seconds the database's clock may differ from those of the nodes.
    package func setAccepted(seconds: Int64) async throws(StoreError) {
        fatalError("being written")
    }

    /// Writes down up to which hour names were looked through; never an earlier one than before.
    package func setScannedHour(_ hour: Int64) async throws(StoreError) {
        fatalError("being written")
    }

    /// Notes `time` as the latest, unless a later one was.
    package func noteLatest(_ time: Timestamp) async throws(StoreError) {
        fatalError("being written")
    }
}
