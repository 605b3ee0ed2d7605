package import Blobs
package import Store
package import StoreRules

/// A node of a shared store. Each start is another node.
package struct CatalogNode: Sendable, Hashable {
    package let id: NodeID
    /// What people call it.
    package let name: String
    /// The program's version.
    package let version: String

    package init(id: NodeID = .random(), name: String, version: String) {
        self.id = id
        self.name = name
        self.version = version
    }
}

/// Names one start of one node.
package struct NodeID: HexadecimalBytes, Hashable {
    package static let byteCount = 16

    package let bytes: [UInt8]

    package init(unchecked bytes: [UInt8]) {
        self.bytes = bytes
    }
}

/// A change that is durable.
package struct Committed<Outcome: Sendable>: Sendable {
    /// What it came to.
    package let outcome: Outcome
    /// What other nodes may believe of a blob for a while yet, though it is over: whoever ended it waits for that long with
    /// the answer.
    package let endsFindings: [AddressPrefix]
}

/// What is known of a blob, and where its bytes are.
package struct FoundBlob: Sendable, Hashable {
    package let row: BlobRow
    /// Nil of a tombstone.
    package let object: BlobObject?
    /// The objects of a list, in its order; none of a single object.
    package let parts: [ObjectRow]

    package init(row: BlobRow, object: BlobObject?, parts: [ObjectRow]) {
        self.row = row
        self.object = object
        self.parts = parts
    }
}

/// What an open upload consists of.
package struct UploadObjects: Sendable, Hashable {
    /// Names the list of its objects.
    package var list: ObjectID
    /// Which request is at it: one more with every request.
    package var turn: Int64

    package init(list: ObjectID, turn: Int64) {
        self.list = list
        self.turn = turn
    }
}

/// An upload over several requests as the catalog keeps it.
package struct KeptUpload: Sendable {
    package let upload: ResumableUpload
    /// Nil once it is finished.
    package let objects: UploadObjects?
}

/// How far a node has heard of what ended.
package struct CatalogPosition: Sendable {
    /// The first transaction that had not ended when the database answered, and when that was, by its own clock.
    struct FirstOpen: Sendable {
        let transaction: UInt64
        let at: Int64
    }

    /// Every transaction before this one has ended, and was heard of.
    let transaction: UInt64
    /// Those from it on that were heard of already.
    let heard: Set<UInt64>
    /// Of the latest answers, the oldest first.
    let firsts: [FirstOpen]
    /// Which run of which server, in microseconds since 1970.
    let started: Int64
    /// By the database's clock, in microseconds since 1970.
    let at: Int64
}

/// What a node hears when it asks what has ended.
package struct News: Sendable {
    /// Where the next question goes on.
    package let position: CatalogPosition
    /// Of which addresses other nodes have ended findings since; each is told once.
    package let prefixes: [AddressPrefix]
    /// Whether that is all. False for the first question, of another server or another run of it, of one that only follows
    /// another, after five minutes of silence, and where there was too much to tell: then nothing may be believed that was
    /// found before.
    package let isContinuous: Bool
    /// Whether the server only follows another: then what it says may be old.
    package let isInRecovery: Bool
    /// The database's clock, in microseconds since 1970, within the time of the question.
    package let clockMicroseconds: Int64
    /// When the question was sent, and when the answer was here.
    package let asked: ContinuousClock.Instant
    package let answered: ContinuousClock.Instant
    /// How many other nodes have given a sign of life of late, and whether this one has: by the clock of the database, and
    /// one that was set forward makes all look silent.
    package let otherNodes: Int
    package let isAlive: Bool
}

/// The one row about a shared store.
package struct SharedStoreRow: Sendable {
    package let identity: StoreIdentity
    /// The latest time that a sweep noted.
    package let latest: Timestamp
    /// Whether this database was put back from a copy, so that its silence about an object means nothing.
    package let isRestored: Bool
    /// The clocks at the last sweep that was allowed to remove.
    package let lastPass: ClockReading
    /// The last token that a sweep wrote down here; empty before the first.
    package let passToken: [UInt8]
    /// By how many seconds an operator has said that the database's clock may differ from those of the nodes.
    package let acceptedSeconds: Int64
    /// Up to which hour, in hours since 1970, names of objects were looked through; nil before the first.
    package let scannedHour: Int64?
}

/// A node as others see it.
package struct NodeRow: Sendable, Hashable {
    package let id: NodeID
    package let name: String
    package let version: String
    /// When it gave its last sign of life, by the database's clock.
    package let beat: Timestamp
    /// What its own clock said then.
    package let wall: Timestamp
    /// Whether that was of late.
    package let isAlive: Bool
}

/// Who has a duty, and until when.
package struct DutyRow: Sendable, Hashable {
    package let node: NodeID
    package let until: Timestamp
}

/// Objects that nothing names any more.
package struct GarbageRow: Sendable, Hashable {
    package let object: BlobObject
    /// From when on they may go.
    package let due: Timestamp
}
