import Blobs
import Files
import MemoryObjects
import Objects
import SharedStore
import Store
import StoreRules
import StoreTestSupport
import Synchronization
import TestEngines
import Testing

/// A shared store of a test's own, of any number of nodes, whose time the test moves.
struct SweepScene: Sendable {
    static let day: Int64 = 86_400

    let place: SharedPlace
    let clock = TestClock()
    var settings = TestSettings().shared

    /// - Parameter engine: a real object store; nil for one in memory.
    init(removalDelaySeconds: Int64 = 0, on engine: ObjectEngine? = nil) throws {
        place = try SharedPlace(on: engine)
        settings.removalDelaySeconds = removalDelaySeconds
    }

    func open(
        _ name: String = "a", objects: MemoryObjects? = nil, faults: FaultPoints = .none
    ) async throws -> SharedStore {
        try await place.open(name, objects: objects, settings: settings, clock: clock, faults: faults)
    }

    /// Opens a node, lets `body` use it, and closes it.
    @discardableResult
    func withNode<Value: Sendable>(
        _ name: String = "a", objects: MemoryObjects? = nil, faults: FaultPoints = .none,
        _ body: (SharedStore) async throws -> Value
    ) async throws -> Value {
        let node = try await open(name, objects: objects, faults: faults)
        do {
            let value = try await body(node)
            await node.close()
            return value
        } catch {
            await node.close()
            throw error
        }
    }

    // MARK: Past the store

    /// The objects that hold bytes.
    var objects: Set<ObjectName> { Set(place.bucket.contents.keys.compactMap { ObjectName(listed: $0) }) }

    /// Puts an object there that no row names.
    @discardableResult
    func plant(_ bytes: [UInt8], secondsAgo: Int64) -> ObjectName {
        let name = ObjectName(.new(at: Timestamp(seconds: clock.wall.seconds - secondsAgo)))
        place.bucket[name] = bytes
        return name
    }

    func number(_ question: String) throws -> Int { Int(try place.ask(question).first?.first ?? "") ?? -1 }

    func count(_ table: String) throws -> Int { try number("SELECT count(*) FROM satchel.\(table)") }

    var isRestored: Bool { get throws { try number("SELECT restored::int FROM satchel.store") == 1 } }

    /// What no row names, and what rows name that is not there.
    func strays() throws -> (objects: Set<ObjectName>, rows: Set<ObjectName>) { try strays(among: objects) }

    func strays(among objects: Set<ObjectName>) throws -> (objects: Set<ObjectName>, rows: Set<ObjectName>) {
        let rows = try place.ask(
            """
            SELECT object FROM satchel.blob WHERE NOT listed AND object IS NOT NULL
            UNION ALL SELECT id FROM satchel.object UNION ALL SELECT id FROM satchel.garbage WHERE NOT listed
            """)
        let named = Set(rows.compactMap { ObjectID(hex: $0[0].replacing("-", with: "")).map { ObjectName($0) } })
        return (objects.subtracting(named), named.subtracting(objects))
    }

    /// Records an issue unless every subject is charged exactly what it owes, and the sums are what counting gives.
    func expectExactSums() throws {
        let wrong = try place.ask(
            """
            SELECT * FROM (SELECT subject, leases, bytes FROM satchel.charge WHERE leases <> 0 OR bytes <> 0) c
            FULL JOIN (SELECT l.subject, count(*) AS leases, sum(greatest(b.size, 4096)) AS bytes
                FROM satchel.lease l JOIN satchel.blob b USING (address) WHERE l.ended IS NULL GROUP BY l.subject) o
            USING (subject, leases, bytes) WHERE c.subject IS NULL OR o.subject IS NULL
            """)
        #expect(wrong.isEmpty, "charges")
        let sums = try place.ask(
            """
            SELECT kind, sum(count), sum(bytes) FROM satchel.tally GROUP BY kind HAVING sum(count) <> 0
            EXCEPT (SELECT state, count(*), sum(size) FROM satchel.blob GROUP BY state
                UNION ALL SELECT CASE WHEN ended IS NULL THEN 5 ELSE 6 END, count(*), 0 FROM satchel.lease GROUP BY 1)
            """)
        #expect(sums.isEmpty, "sums")
    }
}

/// A node that dies at a step: what it was about to do next never happens.
final class DeathAt: Sendable {
    private let point: FaultPoint
    private let reached = Atomic(false)

    init(_ point: FaultPoint) {
        self.point = point
    }

    var hasHappened: Bool { reached.load(ordering: .acquiring) }

    var faults: FaultPoints {
        FaultPoints { [self] point throws(FileError) in
            guard point == self.point else { return }
            reached.store(true, ordering: .releasing)
            throw FileError(operation: "live on after", path: "\(point)", code: 4)
        }
    }
}
