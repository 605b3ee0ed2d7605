import Blobs
import Glibc
import Logging
import NIOPosix
import Objects
import StoreRules
import TestEngines
import TestSupport
import Testing

/// A kind of store that tests run on.
enum StoreKind: String, CaseIterable, Sendable, CustomTestStringConvertible {
    case ceph, seaweedfs

    var testDescription: String { rawValue }

    /// Those that can be had here.
    static let all = allCases.filter { $0 == .ceph ? Engines.hasCeph : Engines.hasSeaweedFS }
    static let missing = "\(Engines.noCeph); \(Engines.noSeaweedFS)"

    /// The engine that all tests share.
    func engine() throws -> ObjectEngine { try self == .ceph ? Engines.ceph() : Engines.seaweedfs() }
}

/// The wall clock, perhaps wrong.
func wallClock(ahead seconds: Int64 = 0) -> @Sendable () -> Timestamp {
    { Timestamp(seconds: Int64(time(nil)) + seconds) }
}

/// A new ID, and the name of its object.
func newName() -> ObjectName { ObjectName(.new(at: wallClock()())) }

extension ObjectEngine {
    /// A client of this store, under a prefix of its own. It may take longer than a server's: while engines start, tests
    /// stand still.
    func objects(
        prefix: String = "test-\(UInt64.random(in: 0 ... .max))", bucket: String? = nil, at endpoint: String? = nil,
        secretKey: String? = nil, asStranger: Bool = false, settings: S3Settings = S3Settings(limit: .seconds(600)),
        ahead seconds: Int64 = 0,
        logger: Logger = Logger(label: "objects", factory: { _ in SwiftLogNoOpLogHandler() })
    ) throws -> S3Objects {
        let address = try ObjectStoreAddress(
            parsing: "\(endpoint ?? self.endpoint)/\(prefix)?bucket=\(bucket ?? self.bucket)&region=\(region)")
        let key = try #require(AccessKey(id: asStranger ? strangerKey : accessKey, secret: secretKey ?? self.secretKey))
        return S3Objects(
            address, keys: AccessKeys(key), settings: settings, wall: wallClock(ahead: seconds), logger: logger)
    }
}
