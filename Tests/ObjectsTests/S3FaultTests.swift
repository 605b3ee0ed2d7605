import Blobs
import StoreRules
import Synchronization
import TestEngines
import TestSupport
import Testing

@testable import Objects

/// What the client makes of a store that fails, with a proxy that spoils what a real one answers.
@Suite(.enabled(if: !StoreKind.all.isEmpty, Comment(rawValue: StoreKind.missing)))
struct S3FaultTests {
    private let proxy: FaultProxy
    private let objects: S3Objects
    /// One that takes a store for silent sooner than a server does.
    private let impatient: S3Objects
    private let direct: S3Objects
    private let name = newName()
    private let bytes = makeBytes(200_000) { UInt8(truncatingIfNeeded: $0 &* 5 &+ ($0 >> 9)) }

    init() throws {
        let engine = try #require(StoreKind.all.randomElement()).engine()
        proxy = try FaultProxy(to: engine.endpoint)
        let prefix = "test-\(UInt64.random(in: 0 ... .max))"
        // However slow the machine is, nobody but a proxy is silent.
        objects = try engine.objects(
            prefix: prefix, at: proxy.endpoint, settings: S3Settings(silence: .seconds(60), limit: .seconds(600)))
        impatient = try engine.objects(
            prefix: prefix, at: proxy.endpoint, settings: S3Settings(silence: .seconds(5), limit: .seconds(600)))
        direct = try engine.objects(prefix: prefix)
    }

    private func put() async throws { try await objects.put(bytes, as: name, digest: BlobAddress(of: bytes)) }

    /// How often the proxy was asked.
    private func attempts(_ operation: FaultProxy.Operation) throws -> Int {
        try proxy.requests().count { $0.operation == operation }
    }

    private func error(_ body: () async throws -> Void) async -> ObjectError? {
        do {
            try await body()
            return nil
        } catch {
            return error as? ObjectError
        }
    }

    // MARK: What passes

    @Test(
        arguments: [
            (.status(500, code: "InternalError"), 3), (.status(502), 1), (.status(503), 1),
            (.status(503, code: "SlowDown", retryAfterSeconds: 1), 1), (.status(429, retryAfterSeconds: 0), 2),
            (.status(400, code: "RequestTimeout"), 1), (.statusAfter(500), 1), (.error(code: "InternalError"), 1),
            (.named("drop"), 3), (.named("lose"), 1), (.named("cut"), 1), (.named("hang"), 1), (.named("bend"), 1),
        ] as [(FaultProxy.Fault, Int)])
    func `what passes is not noticed: the request is sent again`(_ fault: FaultProxy.Fault, _ times: Int) async throws {
        let isSilent = if case .named("hang") = fault { true } else { false }
        let objects = isSilent ? impatient : objects
        try proxy.spoil([.put], with: fault, times: times)
        try await objects.put(bytes, as: name, digest: BlobAddress(of: bytes))
        let sent = try attempts(.put)
        #expect(isSilent ? sent > times : sent == times + 1)
        #expect(try await direct.get(name, range: nil) == bytes)
        try proxy.heal()
        // The body of a GET is nobody's to bend.
        if case .named("bend") = fault { return }
        // A document of an error may be what the object holds: who asked for it sees that it is another.
        if case .error = fault { return }
        try proxy.spoil([.get, .size, .list, .remove], with: fault, times: 1)
        #expect(try await objects.get(name, range: nil) == bytes)
        try proxy.spoil([.size], with: fault, times: 1)
        #expect(try await objects.size(of: name) == Int64(bytes.count))
        try proxy.spoil([.list], with: fault, times: 1)
        #expect(try await objects.list("v1/", after: nil).objects.map(\.name) == [name.text])
        try proxy.spoil([.remove], with: fault, times: 1)
        #expect(try await objects.remove([name]) == [])
        #expect(try await direct.size(of: name) == nil)
        try proxy.heal()
    }

    @Test(arguments: ["early", "absent"])
    func `an answer to a PUT that cannot be true is not believed`(_ fault: String) async throws {
        let large = [UInt8](repeating: 7, count: Int(ObjectRow.limitBytes))
        try proxy.spoil([.put], with: .named(fault), times: 1)
        try await objects.put(large, as: name, digest: BlobAddress(of: large))
        #expect(try attempts(.put) == 2)
        #expect(try await direct.size(of: name) == ObjectRow.limitBytes)
    }

    @Test func `a document of an error behind 200 is no answer to a listing or a removal`() async throws {
        try await put()
        try proxy.spoil([.list, .remove], with: .error(code: "InternalError"), times: 1)
        #expect(try await objects.list("", after: nil).objects.count == 1)
        try proxy.spoil([.remove], with: .error(code: "SlowDown"), times: 1)
        #expect(try await objects.remove([name]) == [])
        #expect(try await direct.size(of: name) == nil)
    }

    // Far beyond the quarter of an hour that is allowed, so that no delay makes up for it.
    @Test(arguments: [-86_400, 16 * 60, 86_400])
    func `a store whose clock is another is asked again, once, by its own`(_ ahead: Int) async throws {
        try proxy.spoil(with: .clock(aheadSeconds: ahead))
        try await put()
        #expect(try proxy.requests().map(\.status) == [403, 200])
        #expect(try await objects.get(name, range: nil) == bytes)
        #expect(try proxy.requests().map(\.status) == [200])
        // And if it is set right, too.
        try proxy.heal()
        #expect(try await objects.size(of: name) == Int64(bytes.count))
        #expect(try await objects.get(name, range: nil) == bytes)
    }

    // MARK: What stays

    @Test func `what stays is told after four attempts, with when to come again`() async throws {
        try proxy.spoil(with: .status(500, code: "InternalError"))
        guard case .unavailable(let why, retryAfterSeconds: 5)? = await error({ try await put() }) else {
            Issue.record("not unavailable")
            return
        }
        #expect(why.contains("InternalError, status 500"))
        #expect(try attempts(.put) == 4)
        try proxy.heal()
        try proxy.spoil(with: .status(503, retryAfterSeconds: 777))
        #expect(await error { try await put() } == .unavailable("it is asked too much", retryAfterSeconds: 777))
        #expect(try attempts(.put) == 1)
    }

    @Test func `a store that says nothing is given up in time`() async throws {
        let engine = try #require(StoreKind.all.randomElement()).engine()
        let impatient = try engine.objects(
            at: proxy.endpoint, settings: S3Settings(silence: .milliseconds(200), limit: .seconds(3)))
        try proxy.spoil(with: .named("hang"))
        guard case .unavailable? = await error({ _ = try await impatient.get(name, range: nil) }) else {
            Issue.record("not unavailable")
            return
        }
        #expect(try (1...4).contains(attempts(.get)))
        try proxy.heal()
        await impatient.close()
    }

    @Test(arguments: [FaultProxy.Operation.get, .list, .remove, .put])
    func `an answer without an end is cut at what it may have at most`(_ operation: FaultProxy.Operation) async throws {
        let engine = try #require(StoreKind.all.randomElement()).engine()
        let objects = try engine.objects(at: proxy.endpoint)
        try proxy.spoil(with: .named("endless"))
        let error = await error {
            switch operation {
            case .get: _ = try await objects.get(name, range: nil)
            case .list: _ = try await objects.list("", after: nil)
            case .remove: _ = try await objects.remove([name])
            default: try await objects.put(bytes, as: name, digest: BlobAddress(of: bytes))
            }
        }
        guard case .failed(let why)? = error else {
            Issue.record("not failed: \(String(describing: error))")
            return
        }
        #expect(why.contains("more than"))
    }

    @Test func `an object that is absent is told by its name alone`() async throws {
        try await put()
        try proxy.spoil([.get], with: .named("absent"))
        #expect(try await objects.get(name, range: nil) == nil)
        try proxy.heal()
        // A proxy that has lost its way, or a bucket that is gone, knows of no object either.
        try proxy.spoil([.get, .size], with: .status(404))
        guard case .failed? = await error({ _ = try await objects.get(name, range: nil) }) else {
            Issue.record("taken for absent")
            return
        }
        guard case .failed? = await error({ _ = try await objects.size(of: name) }) else {
            Issue.record("taken for absent")
            return
        }
        try proxy.heal()
        try proxy.spoil([.get, .size], with: .status(404, code: "NoSuchBucket"))
        #expect(await error { _ = try await objects.get(name, range: nil) } == .refused("there is no such bucket"))
        #expect(await error { _ = try await objects.size(of: name) } == .refused("there is no such bucket"))
        try proxy.heal()
        // HEAD alone is not believed.
        try proxy.spoil([.size], with: .named("absent"))
        guard case .failed? = await error({ _ = try await objects.size(of: name) }) else {
            Issue.record("taken for absent")
            return
        }
    }

    @Test func `other bytes are given as they are, for who knows the digest; a range that is another is not`()
        async throws
    {
        try await put()
        try proxy.spoil([.get], with: .named("flip"))
        let flipped = try #require(try await objects.get(name, range: nil))
        #expect(flipped.count == bytes.count && flipped != bytes)
        try proxy.heal()
        try proxy.spoil([.get], with: .named("short"))
        #expect(try await objects.get(name, range: nil)?.count == bytes.count - 1)
        guard
            case .failed? = await error({
                _ = try await objects.get(name, range: ByteRange(offset: 1, count: 5, within: 9))
            })
        else {
            Issue.record("another range is taken for the one")
            return
        }
        try proxy.heal()
        try proxy.spoil([.list], with: .named("short"))
        guard case .failed? = await error({ _ = try await objects.list("", after: nil) }) else {
            Issue.record("half a document is taken for a whole one")
            return
        }
    }

    @Test(
        arguments: [
            (.status(403, code: "QuotaExceeded"), "full"), (.status(507), "full"),
            (.status(403, code: "AccessDenied"), "refused"), (.status(400, code: "InvalidRequest"), "refused"),
            (.status(301, code: "PermanentRedirect"), "refused"), (.status(501, code: "NotImplemented"), "refused"),
        ] as [(FaultProxy.Fault, String)])
    func `what will not pass is told at once`(_ fault: FaultProxy.Fault, _ expected: String) async throws {
        try proxy.spoil(with: fault)
        switch await error({ try await put() }) {
        case .full?: #expect(expected == "full")
        case .refused?: #expect(expected == "refused")
        case let error: Issue.record("\(String(describing: error))")
        }
        #expect(try attempts(.put) == 1)
    }

    // MARK: All of them

    @Test func `after ten failures in a row nothing is written for a moment, and reads go on; then one tries`()
        async throws
    {
        try await put()
        try proxy.spoil([.put], with: .status(500))
        _ = try proxy.requests()
        // However slow the machine is: until one comes within the moment.
        var sent = 0
        var hasStopped = false
        for _ in 0..<50 where !hasStopped {
            guard case .unavailable(_, retryAfterSeconds: let seconds)? = await error({ try await put() }) else {
                Issue.record("it is written")
                return
            }
            let more = try attempts(.put)
            sent += more
            hasStopped = seconds == 1
            if hasStopped { #expect(more == 0) }
        }
        #expect(hasStopped && sent >= 10)
        #expect(try await objects.get(name, range: nil) == bytes)
        try proxy.heal()
        try await eventually { await error { try await put() } == nil }
        try await put()
    }

    @Test func `where the store is asked too much, fewer ask at once`() async throws {
        let engine = try #require(StoreKind.all.randomElement()).engine()
        let many = try engine.objects(at: proxy.endpoint, settings: S3Settings(requests: 16, limit: .seconds(600)))
        try proxy.spoil([.put], with: .status(503, retryAfterSeconds: 0), times: 8)
        try await withThrowingTaskGroup { group in
            for _ in 0..<32 {
                group.addTask { [bytes] in try await many.put(bytes, as: newName(), digest: BlobAddress(of: bytes)) }
            }
            try await group.waitForAll()
        }
        #expect(many.link.allowedWrites < 16)
        #expect(many.link.allowedReads == 16)
        await many.close()
    }

    @Test func `a task that is cancelled waits no longer, and a client that is closed answers nobody`() async throws {
        try proxy.spoil(with: .named("hang"))
        let cancelled = Task { try await objects.get(name, range: nil) }
        try await eventually { try attempts(.get) == 1 }
        cancelled.cancel()
        #expect(await error { _ = try await cancelled.value } == .abandoned)
        let waiting = Task { try await objects.get(name, range: nil) }
        try await eventually { try attempts(.get) == 1 }
        await objects.close()
        guard case .unavailable? = await error({ _ = try await waiting.value }) else {
            Issue.record("it goes on")
            return
        }
        guard case .unavailable? = await error({ try await put() }) else {
            Issue.record("it goes on")
            return
        }
        try proxy.heal()
    }

    @Test func `every request is told of when it is over`() async throws {
        let reports = Mutex<[S3Report]>([])
        let engine = try #require(StoreKind.all.randomElement()).engine()
        let told = try engine.objects(
            at: proxy.endpoint,
            settings: S3Settings(limit: .seconds(600), observe: { report in reports.withLock { $0.append(report) } }))
        try proxy.spoil([.put], with: .status(500), times: 2)
        try await told.put(bytes, as: name, digest: BlobAddress(of: bytes))
        _ = try await told.get(newName(), range: nil)
        try proxy.spoil([.put], with: .status(507), times: 1)
        _ = await error { try await told.put(bytes, as: name, digest: BlobAddress(of: bytes)) }
        let all = reports.withLock { $0 }
        #expect(all.map(\.operation) == ["put", "get", "put"])
        #expect(all.map(\.outcome) == [.done, .absent, .full])
        #expect(all.map(\.attempts) == [3, 1, 1])
        await told.close()
    }
}
