import Blobs
import Crypto
import Glibc
import Store
import StoreTestSupport
import TestSupport
import Testing

/// Uploads by chance: however requests come, are cut and come again, and wherever the clocks go, the store says what the
/// model says, and what is finished is the blob.
@Suite(.timeLimit(.minutes(30))) struct UploadModelTests {
    private static var seeds: [UInt64] { Array(1...(unsafe getenv("SATCHEL_SOAK") == nil ? 12 : 400)) }

    @Test(arguments: StoreKind.all(with: seeds)) func `uploads go on as the model does`(kind: StoreKind, seed: UInt64)
        async throws
    {
        let fixture = try StoreFixture(kind)
        var walk = UploadWalk(fixture: fixture, seed: seed)
        for round in 0..<4 {
            let store = try await fixture.open()
            do {
                try await walk.compareAll(store)
                try await walk.take(steps: 25, store)
                if round == 3 { try await walk.clearAway(store) }
            } catch {
                await store.close()
                throw error
            }
            await store.close()
            walk.restart()
        }
        try fixture.expectExactCharges()
    }
}

/// Steps taken by chance in a store and in the model at once.
private struct UploadWalk {
    private enum Step {
        case create, pause, checked, spoilt, abandon, hang, go, head, astray, finish, cancel, sweep, pass
    }

    private static let steps: [Step] = [
        (Step.create, 4), (.pause, 8), (.checked, 3), (.spoilt, 3), (.abandon, 3), (.hang, 5), (.go, 5), (.head, 3),
        (.astray, 2), (.finish, 5), (.cancel, 2), (.sweep, 2), (.pass, 5),
    ].flatMap { Array(repeating: $0, count: $1) }

    private let fixture: StoreFixture
    private var random: SeededGenerator
    private var seed: Int
    private var models: [(id: UploadID, model: UploadModel)] = []
    private var sessions: [UploadID: any ResumableSession] = [:]
    private var story: [String] = []

    init(fixture: StoreFixture, seed: UInt64) {
        self.fixture = fixture
        self.seed = Int(seed) * 1000
        random = SeededGenerator(seed: seed)
    }

    private mutating func pick<Value>(_ values: [Value]) -> Value {
        values[Int.random(in: 0..<values.count, using: &random)]
    }

    mutating func restart() {
        sessions = [:]
        for index in models.indices { models[index].model.restart() }
        story.append("restart")
    }

    mutating func take(steps count: Int, _ store: AnyStore) async throws {
        for _ in 0..<count {
            let step = pick(Self.steps)
            if models.isEmpty || step == .create {
                try await create(store)
            } else if step == .sweep {
                try await sweep(store)
            } else if step == .pass {
                fixture.clock.pass(seconds: pick([1, 3600, 30_000, 86_399, 86_400]))
            } else {
                let index = Int.random(in: 0..<models.count, using: &random)
                story.append("\(step) \(index) at \(store.now().seconds)")
                try await take(step, index, store)
            }
        }
    }

    // MARK: One upload

    private mutating func create(_ store: AnyStore) async throws {
        seed += 1
        let bytes = content(seed, count: pick([1, 700, 5000, 200_000]))
        let (announcesLength, isMisannounced) = (pick([true, true, false]), pick([true, false, false, false]))
        let upload = try await store.create(
            bytes, owner: secret(seed), announcesLength: announcesLength,
            address: isMisannounced ? address(of: content(-seed)) : nil)
        let model = UploadModel(
            bytes, announcesLength: announcesLength, isMisannounced: isMisannounced, lifetime: .days(1),
            now: store.now())
        story.append("create \(models.count): \(bytes.count), \(announcesLength), \(isMisannounced)")
        models.append((upload.id, model))
    }

    private mutating func take(_ step: Step, _ index: Int, _ store: AnyStore) async throws {
        switch step {
        case .head: try await compare(index, store)
        case .cancel:
            let isKnown = models[index].model.cancel(at: store.now())
            let id = models[index].id
            await expect(isKnown ? nil : .notFound) { try await store.cancel(id) }
        case .go: try await goOn(index, store)
        case .finish: try await finish(index, store)
        default: try await bring(step, index, store)
        }
    }

    /// A session where the upload stands, if it can be gone on with.
    private mutating func session(
        _ index: Int, _ store: AnyStore, length: Int64? = nil, checksum: UploadChecksum? = nil
    ) async throws -> (any ResumableSession)? {
        let id = models[index].id
        sessions[id] = nil
        let isKnown = models[index].model.ask(at: store.now())
        let append = UploadAppend(offset: Int64(models[index].model.told), length: length, checksum: checksum)
        guard isKnown else {
            await expect(.notFound) { _ = try await store.resume(id, with: append) }
            return nil
        }
        switch try await store.resume(id, with: append) {
        case .ready(let session):
            #expect(models[index].model.isOpen, "\(story)")
            return session
        case .finished(let upload):
            judge(upload, index)
            return nil
        }
    }

    private mutating func bring(_ step: Step, _ index: Int, _ store: AnyStore) async throws {
        let (bytes, told) = (models[index].model.bytes, told(index))
        let count = Int.random(in: 0...max(0, bytes.count - told), using: &random)
        let piece = Array(bytes[told..<told + count])
        if step == .astray { return try await goAstray(index, store) }
        let digest = Array(SHA256.hash(data: step == .spoilt ? piece + [0] : piece))
        let checksum = [.checked, .spoilt].contains(step) ? UploadChecksum(.sha256, digest: digest) : nil
        guard let session = try await session(index, store, checksum: checksum) else { return }
        try await session.append(piece)
        switch step {
        case .abandon: await session.abandon()
        case .hang:
            sessions[models[index].id] = session
            models[index].model.hanging = .init(brought: count, hasChecksum: false, latest: store.now())
        case .spoilt: await expect(.wrongChecksum) { _ = try await session.pause() }
        default:
            models[index].model.bring(count, at: store.now())
            #expect(try await session.pause().offset == Int64(models[index].model.told), "\(story)")
        }
    }

    /// Where the upload will stand once whoever hangs on it is heard.
    private func told(_ index: Int) -> Int {
        let model = models[index].model
        return model.told + (model.hanging?.brought ?? 0)
    }

    /// A request that hung brings more.
    private mutating func goOn(_ index: Int, _ store: AnyStore) async throws {
        let model = models[index].model
        guard let session = sessions[models[index].id] else { return }
        guard let hanging = model.hanging else {
            return await expect(.superseded) { try await session.append([1]) }
        }
        let count = min(1000, model.bytes.count - model.told - hanging.brought)
        let start = model.told + hanging.brought
        try await session.append(Array(model.bytes[start..<start + count]))
        models[index].model.hanging?.brought += count
        models[index].model.hanging?.latest = store.now()
    }

    private mutating func goAstray(_ index: Int, _ store: AnyStore) async throws {
        let id = models[index].id
        sessions[id] = nil
        let isKnown = models[index].model.ask(at: store.now())
        let model = models[index].model
        guard model.isOpen else { return }
        await expect(isKnown ? .wrongOffset(Int64(model.told)) : .notFound) {
            _ = try await store.resume(id, with: UploadAppend(offset: Int64(model.told) + 1))
        }
    }

    private mutating func finish(_ index: Int, _ store: AnyStore) async throws {
        let bytes = models[index].model.bytes
        let length = pick([nil, Int64(bytes.count)])
        guard let session = try await session(index, store, length: length) else { return }
        try await session.append(Array(bytes[models[index].model.told...]))
        let isBlob = models[index].model.finish(at: store.now())
        guard isBlob else {
            return await expect(
                .digestMismatch(
                    announced: session.upload.announcement.address ?? address(of: []), actual: address(of: bytes))
            ) { _ = try await session.commit() }
        }
        #expect(try await session.commit().size == Int64(bytes.count), "\(story)")
        #expect(try await store.fetch(address(of: bytes)) == .held(bytes), "\(story)")
    }

    // MARK: Comparing

    private mutating func sweep(_ store: AnyStore) async throws {
        let now = store.now()
        story.append("sweep at \(now.seconds)")
        for index in models.indices { models[index].model.sweep(at: now) }
        _ = try await store.collect(CollectOptions(trustClock: true, isAlone: true))
        let open = models.filter(\.model.isOpen).count
        #expect(try await store.quotaUsage(of: "somebody").uploads == open, "\(story)")
        #expect(try fixture.staged().count == open, "\(story)")
        #expect(try await store.check().isClean, "\(story)")
    }

    mutating func compareAll(_ store: AnyStore) async throws {
        for index in models.indices { try await compare(index, store) }
    }

    private mutating func compare(_ index: Int, _ store: AnyStore) async throws {
        let id = models[index].id
        sessions[id] = nil
        guard models[index].model.ask(at: store.now()) else {
            return await expect(.notFound) { _ = try await store.upload(id) }
        }
        judge(try await store.upload(id), index)
    }

    private func judge(_ upload: ResumableUpload, _ index: Int) {
        let model = models[index].model
        let state: UploadModel.State = upload.isOpen ? .open : upload.blob == nil ? .refused : .committed
        #expect(state == model.state && upload.expires == model.expires, "\(index): \(story)")
        if state != .refused { #expect(upload.offset == Int64(model.told), "\(index): \(story)") }
        if state == .committed { #expect(upload.blob?.address == address(of: model.bytes), "\(index): \(story)") }
    }

    /// In the end all are given up, and nothing is kept for any of them.
    mutating func clearAway(_ store: AnyStore) async throws {
        for (id, _) in models { try? await store.cancel(id) }
        fixture.clock.pass(seconds: 86_400)
        let now = store.now()
        for index in models.indices { models[index].model.restart() }
        for index in models.indices { _ = models[index].model.cancel(at: now) }
        _ = try await store.collect(CollectOptions(trustClock: true, isAlone: true))
        #expect(try await store.quotaUsage(of: "somebody").uploads == 0, "\(story)")
        #expect(try fixture.staged().isEmpty, "\(story)")
        #expect(store.writeStatus.promisedBytes == 0, "\(story)")
    }

    private func expect<Value>(_ expected: StoreError?, _ body: () async throws -> Value) async {
        do {
            _ = try await body()
            #expect(expected == nil, "\(story)")
        } catch {
            #expect(error as? StoreError == expected, "\(story)")
        }
    }
}
