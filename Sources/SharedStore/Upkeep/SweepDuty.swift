import Blobs
import SharedCatalog
import Store

/// Whose turn it is to do what one node does for all: one node's, for a minute at a time. Where two believe that it is
/// theirs nothing breaks; it only spares the others the work.
struct SweepDuty {
    enum Kind: String { case sweep, scrub }

    /// For how long it is a node's, unless that keeps it.
    private static let lifetime = Lifetime.minutes(1)
    /// How often it is kept.
    static let interval = Duration.seconds(20)

    private let kind: Kind
    private let catalog: SharedCatalog
    /// Whether nothing is done without it. Whoever was asked to sweep does so, whoever else is at it.
    private let isNeeded: Bool
    private var latest = ContinuousClock.now

    init(_ kind: Kind, catalog: SharedCatalog, isNeeded: Bool) {
        self.kind = kind
        self.catalog = catalog
        self.isNeeded = isNeeded
    }

    /// Whether this node may begin. It has the duty then, unless another has it and it is not needed.
    mutating func take() async throws(StoreError) -> Bool {
        latest = .now
        let isTaken = try await catalog.takeDuty(kind.rawValue, for: Self.lifetime)
        return isTaken || !isNeeded
    }

    /// Whether it may go on.
    mutating func keep() async throws(StoreError) -> Bool {
        if ContinuousClock.now - latest < Self.interval { return true }
        return try await take()
    }

    /// Gives it up, so that another may begin at once. Where that fails, it does in a minute.
    func drop() async { try? await catalog.dropDuty(kind.rawValue) }

    /// The name of the node whose duty it is; nil where that is not known.
    func holder() async throws(StoreError) -> String? {
        let name = kind.rawValue
        return try await catalog.read { reader throws(SharedCatalogError) in
            guard let duty = try reader.duty(name) else { return nil }
            return try reader.nodes().first { $0.id == duty.node }?.name
        }
    }
}
