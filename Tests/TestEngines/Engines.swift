import Foundation
import TestSupport

/// The engines that all tests of a process share: each starts when it is first asked for, and ends with the process.
/// Who stops or pauses one, or looks at all that is in it, starts its own (`Engine`).
package enum Engines {
    private static let database = Result { try Engine(.postgres) }
    private static let databaseConsole = Result { try SQLConsole(postgres()) }
    private static let cephStore = Result { try Engine(.ceph) }
    private static let seaweedStore = Result { try Engine(.seaweedfs) }

    /// How PostgreSQL is reached: a connection string for libpq, over TCP. Its user may do everything. Each test makes a
    /// schema of its own.
    package static func postgres() throws -> String { try database.get().fact("connection") }

    /// That PostgreSQL, asked by hand.
    package static func console() throws -> SQLConsole { try databaseConsole.get() }

    /// Ceph's gateway. Each test takes a prefix of its own.
    package static func ceph() throws -> ObjectEngine { try ObjectEngine(cephStore.get()) }

    /// SeaweedFS's gateway. Each test takes a prefix of its own.
    package static func seaweedfs() throws -> ObjectEngine { try ObjectEngine(seaweedStore.get()) }

    /// The one of them that is there; Ceph's where both are.
    package static func objects() throws -> ObjectEngine { hasCeph ? try ceph() : try seaweedfs() }

    /// Whether PostgreSQL is installed.
    package static let hasPostgres = isThere("/usr/lib/postgresql") && hasPython
    /// Whether Ceph is installed.
    package static let hasCeph =
        ["ceph-mon", "ceph-osd", "radosgw"].allSatisfy { isThere("/usr/bin/\($0)") } && hasPython
    /// Whether SeaweedFS is there: its program is named by SATCHEL_WEED, or where scripts/test puts it.
    package static let hasSeaweedFS = weed != nil && hasPython
    /// Whether either object store is there.
    package static let hasObjects = hasCeph || hasSeaweedFS

    /// Why tests are skipped without PostgreSQL.
    package static let noPostgres = "takes PostgreSQL: scripts/test installs it"
    /// Why tests are skipped without Ceph.
    package static let noCeph = "takes Ceph's monitor, OSD and gateway: scripts/test installs them"
    /// Why tests are skipped without SeaweedFS.
    package static let noSeaweedFS = "takes SeaweedFS: scripts/test installs it; SATCHEL_WEED names the program"

    /// Why tests are skipped without a real database and a real object store.
    package static let noSharedStore = "takes PostgreSQL, and Ceph or SeaweedFS: scripts/test installs them"

    /// Where SeaweedFS's program is.
    static let weed = [ProcessInfo.processInfo.environment["SATCHEL_WEED"], ownWeed].compactMap { $0 }
        .first(where: isThere)

    private static let ownWeed = folder.appendingPathComponent("../../.build/seaweedfs/bin/weed").standardizedFileURL
        .path
    static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()

    private static let hasPython = isThere("/usr/bin/python3")

    private static func isThere(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }
}

/// How an object store of the tests is reached, and as whom.
package struct ObjectEngine: Sendable, Codable {
    /// `http://127.0.0.1:PORT`, without a slash at its end. Path style.
    package let endpoint: String
    package let bucket: String
    package let region: String
    package let accessKey: String
    package let secretKey: String
    /// A bucket that keeps what is removed.
    package let versionedBucket: String
    /// The access key of a user who may do nothing with either bucket; the secret is the same.
    package let strangerKey: String

    /// What the engine, one of a test's own, says about itself.
    package init(_ engine: Engine) throws {
        endpoint = try engine.fact("endpoint")
        bucket = try engine.fact("bucket")
        region = try engine.fact("region")
        accessKey = try engine.fact("accessKey")
        secretKey = try engine.fact("secretKey")
        versionedBucket = try engine.fact("versionedBucket")
        strangerKey = try engine.fact("strangerKey")
    }
}
