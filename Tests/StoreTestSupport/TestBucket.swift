import Blobs
import MemoryObjects
import Objects
import StoreParts
import StoreRules
import TestEngines

/// Where the objects of a shared store of a test's own lie: in memory, or below a prefix of its own in the bucket of a real
/// object store. What lies there can be looked at and changed by hand.
enum TestBucket: Sendable {
    case memory(MemoryBucket)
    case engine(ObjectEngine, prefix: String, ObjectHand)

    /// A place of its own in a real object store.
    static func new(in engine: ObjectEngine) throws -> TestBucket {
        .engine(engine, prefix: "test-\(UInt64.random(in: .min ... .max))", try ObjectHand(engine))
    }

    /// An object store on it.
    func open() throws -> any ObjectStore {
        switch self {
        case .memory(let bucket): return MemoryObjects(on: bucket)
        case .engine(let engine, let prefix, _): return try engine.open(below: prefix)
        }
    }

    func bytes(of name: ObjectName) throws -> [UInt8]? {
        switch self {
        case .memory(let bucket): bucket[name]
        case .engine(_, let prefix, let hand): try hand.bytes(of: "\(prefix)/\(name.text)")
        }
    }

    func set(_ bytes: [UInt8]?, as name: ObjectName) throws {
        switch self {
        case .memory(let bucket): bucket[name] = bytes
        case .engine(_, let prefix, let hand): try hand.set(bytes, as: "\(prefix)/\(name.text)")
        }
    }
}

extension ObjectEngine {
    /// An object store of what lies below a prefix.
    func open(below prefix: String) throws -> S3Objects {
        let text = "\(endpoint)/\(prefix)?bucket=\(bucket)&region=\(region)"
        guard let key = AccessKey(id: accessKey, secret: secretKey) else {
            preconditionFailure("the engine has a key that can stand in a field")
        }
        // A store that other tests keep busy answers in the end.
        let settings = S3Settings(silence: .seconds(120), limit: .seconds(240))
        return S3Objects(
            try ObjectStoreAddress(parsing: text), keys: AccessKeys(key), settings: settings,
            wall: { SystemClock().wall }, logger: StoreFixture.quiet)
    }
}
