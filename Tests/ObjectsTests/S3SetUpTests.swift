import Blobs
import Foundation
import HTTPTypes
import Logging
import NIOCore
import OriginLink
import StoreRules
import TestEngines
import TestSupport
import Testing

@testable import Objects

/// How a store is set up, and who may do what with it.
@Suite(.enabled(if: !StoreKind.all.isEmpty, Comment(rawValue: StoreKind.missing)))
struct S3SetUpTests {
    @Test(arguments: StoreKind.all)
    func `a bucket that keeps versions is refused, whether the user may ask or not`(_ kind: StoreKind) async throws {
        let engine = try kind.engine()
        let objects = try engine.objects(bucket: engine.versionedBucket)
        #expect(try await refusal(objects).contains("keeps versions"))
        await objects.close()
        let proxy = try FaultProxy(to: engine.endpoint)
        try proxy.spoil([.versioning], with: .status(403, code: "AccessDenied"))
        let unaware = try engine.objects(bucket: engine.versionedBucket, at: proxy.endpoint)
        #expect(try await refusal(unaware).contains("keeps versions"))
        await unaware.close()
        // Without versions it is no matter that he may not ask.
        let good = try engine.objects(at: proxy.endpoint)
        try await good.check(with: .new(at: wallClock()()))
        await good.close()
    }

    @Test(arguments: StoreKind.all)
    func `a user who may do nothing learns what he may not`(_ kind: StoreKind) async throws {
        let objects = try kind.engine().objects(asStranger: true)
        let why = try await refusal(objects)
        #expect(why.contains("may not put objects into the bucket satchel: AccessDenied"))
        await objects.close()
    }

    @Test(
        arguments: [
            (.put, "put objects into"), (.get, "get objects from"), (.list, "list"), (.remove, "remove objects from"),
        ] as [(FaultProxy.Operation, String)])
    func `each right that is missing is named`(_ operation: FaultProxy.Operation, _ words: String) async throws {
        let engine = try #require(StoreKind.all.first).engine()
        let proxy = try FaultProxy(to: engine.endpoint)
        try proxy.spoil([operation], with: .status(403, code: "AccessDenied"))
        let objects = try engine.objects(at: proxy.endpoint)
        #expect(try await refusal(objects).contains("may not \(words) the bucket satchel: AccessDenied"))
        await objects.close()
    }

    @Test func `a store that gives back other bytes, or does not list what it took, is refused`() async throws {
        let engine = try #require(StoreKind.all.first).engine()
        let proxy = try FaultProxy(to: engine.endpoint)
        let objects = try engine.objects(at: proxy.endpoint)
        for (operation, words) in [(FaultProxy.Operation.get, "does not give back"), (.list, "does not have")] {
            try proxy.spoil([operation], with: .named(operation == .get ? "flip" : "unlisted"))
            #expect(try await refusal(objects).contains(words))
            try proxy.heal()
        }
        await objects.close()
    }

    private struct NotRefused: Error {}

    private func refusal(_ objects: S3Objects) async throws -> String {
        do throws(ObjectError) { try await objects.check(with: .new(at: wallClock()())) } catch {
            guard case .refused(let why) = error else { throw error }
            return why
        }
        throw NotRefused()
    }

    @Test(.enabled(if: Engines.hasCeph, Comment(rawValue: Engines.noCeph)))
    func `a user's quota that is used up is told as a full store`() async throws {
        // One of its own: others need room.
        let ceph = try Engine(.ceph)
        let objects = try ObjectEngine(ceph).objects()
        let bytes = makeBytes(100_000) { UInt8(truncatingIfNeeded: $0) }
        let put = { (name: ObjectName) in try await objects.put(bytes, as: name, digest: BlobAddress(of: bytes)) }
        let first = newName()
        try await put(first)
        try ceph.limit(toBytes: 150_000)
        try await eventually {
            do throws(ObjectError) { try await objects.put(bytes, as: newName(), digest: BlobAddress(of: bytes)) } catch
            {
                if error == .full { return true }
                throw error
            }
            return false
        }
        // What is there can be read and removed.
        #expect(try await objects.get(first, range: nil) == bytes)
        #expect(try await objects.remove([first]) == [])
        try ceph.limit(toBytes: nil)
        try await eventually {
            do throws(ObjectError) { try await objects.put(bytes, as: newName(), digest: BlobAddress(of: bytes)) } catch
            {
                if error == .full { return false }
                throw error
            }
            return true
        }
        await objects.close()
    }

    @Test(arguments: StoreKind.all)
    func `a store that is away and comes back is not available meanwhile`(_ kind: StoreKind) async throws {
        let engine = try Engine(kind == .ceph ? .ceph : .seaweedfs)
        let objects = try ObjectEngine(engine).objects()
        let (name, bytes) = (newName(), Array("0123456789".utf8))
        try await objects.put(bytes, as: name, digest: BlobAddress(of: bytes))
        try engine.halt()
        await #expect(throws: ObjectError.self) { try await objects.get(name, range: nil) }
        do throws(ObjectError) {
            _ = try await objects.size(of: name)
            Issue.record("it is there")
        } catch {
            guard case .unavailable = error else { throw error }
        }
        try engine.again()
        #expect(try await objects.get(name, range: nil) == bytes)
        await objects.close()
    }

    @Test(.enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/openssl"), "takes openssl"))
    func `over TLS a store is asked that proves who it is, and no other`() async throws {
        let folder = try TemporaryFolder()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments =
            "req -x509 -days 2 -subj /CN=store -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes".split(
                separator: " "
            )
            .map(String.init) + ["-addext", "subjectAltName=IP:127.0.0.1"]
            + ["-keyout", folder.path("key"), "-out", folder.path("certificate")]
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        let engine = try #require(StoreKind.all.first).engine()
        let proxy = try FaultProxy(to: engine.endpoint, certificate: (folder.path("certificate"), folder.path("key")))
        let trust = try OriginTrust(rootsPath: folder.path("certificate"))
        let objects = try engine.objects(at: proxy.endpoint, settings: S3Settings(limit: .seconds(600), trust: trust))
        try await objects.check(with: .new(at: wallClock()()))
        await objects.close()
        let wary = try engine.objects(at: proxy.endpoint)
        do throws(ObjectError) {
            try await wary.check(with: .new(at: wallClock()()))
            Issue.record("it trusts anybody")
        } catch {
            guard case .unavailable = error else { throw error }
        }
        await wary.close()
    }
}
