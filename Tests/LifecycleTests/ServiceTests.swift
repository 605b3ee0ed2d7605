import Blobs
import Lifecycle
import Logging
import ServiceLifecycle
import Store
import StoreRules
import TestSupport
import Testing
import Vault

@Suite struct ServiceTests {
    @Test func `sweeps run on their interval until the program ends`() async throws {
        try await withVault { vault in
            let store = ObservedUpkeep(store: vault)
            let blob = try await Self.upload([UInt8](repeating: 7, count: 1000), to: vault)
            try await vault.revoke(on: blob, owner: Self.owner)
            let service = SweepService(store: store, interval: .milliseconds(1), logger: Self.quiet)
            let sweeps = try await running(service) { await store.calls.first(3) }
            #expect(sweeps.map(\.blobsRemoved) == [1, 0, 0])
        }
    }

    @Test func `the first sweep looks for orphans, and no other before its time`() async throws {
        try await withVault { vault in
            let store = ObservedUpkeep(store: vault)
            let service = SweepService(
                store: store, interval: .milliseconds(1), orphanInterval: .seconds(3600), logger: Self.quiet)
            let sweeps = try await running(service) { await store.calls.first(4) }
            #expect(sweeps.map(\.searchedForOrphans) == [true, false, false, false])
        }
    }

    @Test func `the first scrub runs at once, the next one after its interval`() async throws {
        try await withVault { vault in
            let store = ObservedUpkeep(store: vault)
            let service = ScrubService(
                store: store, bytesPerSecond: 1 << 30, interval: .seconds(3600), logger: Self.quiet)
            // Blobs that were hard to read are looked at once a second, so the calls after the scrub show that time passes.
            let calls = try await running(service) { await store.calls.first(2, after: \.isScrub) }
            #expect(calls.filter(\.isScrub).count == 1)
            #expect(try await vault.scrubHistory().last != nil)
        }
    }

    @Test func `without scrubs, blobs that were hard to read are still checked`() async throws {
        try await withVault { vault in
            let store = ObservedUpkeep(store: vault)
            let service = ScrubService(store: store, bytesPerSecond: 0, interval: .seconds(3600), logger: Self.quiet)
            let calls = try await running(service) { await store.calls.first(2) }
            #expect(calls.filter(\.isScrub).isEmpty)
            #expect(try await vault.scrubHistory() == ScrubHistory(current: nil, last: nil))
        }
    }

    /// Runs `service` beside `body`, and ends it.
    private func running<Value>(_ service: some Service, _ body: () async throws -> Value) async throws -> Value {
        let task = Task { try await service.run() }
        let value = try await body()
        task.cancel()
        try await task.value
        return value
    }

    // MARK: A store

    private static let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    private static var owner: Secret {
        get throws { try #require(Secret(bytes: [UInt8](repeating: 3, count: Secret.byteCount))) }
    }

    private func withVault(_ body: (Vault) async throws -> Void) async throws {
        let folder = try TemporaryFolder.inMemory()
        var settings = VaultSettings()
        settings.acceptance = .any
        settings.ballastBytes = 0
        settings.keepFreeBytes = 0
        settings.threads = 2
        let vault = try await Vault.open(at: folder.path("store"), settings: settings, logger: Self.quiet)
        do { try await body(vault) } catch {
            await vault.close()
            throw error
        }
        await vault.close()
    }

    private static func upload(_ bytes: [UInt8], to store: Vault) async throws -> BlobAddress {
        let terms = LeaseTerms(lifetime: nil, owner: try owner.hash, subject: "somebody")
        let session = try await store.begin(UploadAnnouncement(size: nil, address: nil, terms: terms))
        try await session.append(bytes)
        return try await session.commit().address
    }
}

/// A store that reports the calls of its services when they are done.
private final class ObservedUpkeep: Upkeep {
    struct Call: Sendable {
        var searchedForOrphans = false
        var blobsRemoved = 0
        var isScrub = false
    }

    let calls: AsyncStream<Call>
    private let observer: AsyncStream<Call>.Continuation
    private let store: Vault

    init(store: Vault) {
        self.store = store
        (calls, observer) = AsyncStream.makeStream(of: Call.self)
    }

    func collect(_ options: CollectOptions) async throws(StoreError) -> CollectReport {
        let report = try await store.collect(options)
        observer.yield(Call(searchedForOrphans: options.searchesForOrphans, blobsRemoved: report.blobsRemoved))
        return report
    }

    func scrub(bytesPerSecond: Int64, traffic: @escaping @Sendable () -> Int) async throws(StoreError) {
        try await store.scrub(bytesPerSecond: bytesPerSecond, traffic: traffic)
        observer.yield(Call(isScrub: true))
    }

    func examineSuspects() async {
        await store.examineSuspects()
        observer.yield(Call())
    }

    func check(
        _ options: CheckOptions, progress: @Sendable (CheckProgress) -> Void
    ) async throws(StoreError) -> CheckReport { try await store.check(options, progress: progress) }

    func remove(_ options: RemoveOptions) async throws(StoreError) -> RemoveReport { try await store.remove(options) }

    func remove(_ options: RemoveSubjectOptions) async throws(StoreError) -> RemoveSubjectReport {
        try await store.remove(options)
    }
    func scrubHistory() async throws(StoreError) -> ScrubHistory { try await store.scrubHistory() }
    func statistics() async throws(StoreError) -> StoreStatistics { try await store.statistics() }
    func readings() async throws(StoreError) -> StoreReadings { try await store.readings() }
    var gcStatus: GCStatus { store.gcStatus }
    var writeStatus: WriteStatus { store.writeStatus }
    func now() -> Timestamp { store.now() }
    func close() async { await store.close() }
}

extension AsyncStream where Element: Sendable {
    /// The elements up to the first that `isAwaited`, and the next `count`.
    fileprivate func first(_ count: Int, after isAwaited: (Element) -> Bool) async -> [Element] {
        var elements: [Element] = []
        var left = count
        for await element in self {
            if elements.contains(where: isAwaited) { left -= 1 }
            elements.append(element)
            if left == 0 { break }
        }
        return elements
    }

    /// The next `count` elements.
    fileprivate func first(_ count: Int) async -> [Element] {
        var elements: [Element] = []
        for await element in self {
            elements.append(element)
            if elements.count == count { break }
        }
        return elements
    }
}
