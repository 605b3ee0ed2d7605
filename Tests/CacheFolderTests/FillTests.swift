import BlobFiles
import Blobs
import CacheFolder
import Files
import Logging
import NIOCore
import Store
import Synchronization
import TestSupport
import Testing

/// A blob as an origin has it, which is sent as a test says.
private final class ScriptedSource: BlobSource {
    struct Script: Sendable {
        /// Bytes of one piece.
        var piece = 50_000
        /// The byte that is sent wrong.
        var wrongByte: Int64?
        /// The first requests break off after so many bytes of theirs.
        var breaks: [Int] = []
        /// Whether those behind them bring nothing.
        var isDown = false
        /// From here on nothing comes until the test lets it.
        var pausesAt = Int64.max
        /// What requests are refused with, from the first on.
        var refusals: [SourceError] = []
    }

    struct Record: Sendable {
        var requests: [Range<Int64>] = []
        var sent: Int64 = 0
    }

    let bytes: [UInt8]
    private let state: Mutex<(script: Script, record: Record)>
    private let gate = AsyncStream<Never>.makeStream()

    init(_ bytes: [UInt8], _ script: Script = Script()) {
        self.bytes = bytes
        state = Mutex((script, Record()))
    }

    /// Ends the pause.
    func goOn() {
        state.withLock { $0.script.pausesAt = .max }
        gate.continuation.finish()
    }

    var record: Record { state.withLock { $0.record } }

    func comeBack() { state.withLock { $0.script.isDown = false } }

    func bytes(
        of address: BlobAddress, from start: Int64, to end: Int64, size: Int64
    ) async throws(SourceError) -> any ByteStream {
        let (refusal, limit) = state.withLock { state in
            state.record.requests.append(start..<end)
            if !state.script.refusals.isEmpty {
                return (state.script.refusals.removeFirst() as SourceError?, nil as Int?)
            }
            if state.script.breaks.isEmpty { return (nil, state.script.isDown ? 0 : nil) }
            return (nil, state.script.breaks.removeFirst())
        }
        if let refusal { throw refusal }
        return stream(from: start, to: end, breakingAfter: limit)
    }

    func stream(from start: Int64, to end: Int64, breakingAfter limit: Int? = nil) -> any ByteStream {
        Stream(self, start, end, breakingAfter: limit)
    }

    private final class Stream: ByteStream {
        private let source: ScriptedSource
        private let end: Int64
        private let state: Mutex<(position: Int64, rest: Int?)>

        init(_ source: ScriptedSource, _ start: Int64, _ end: Int64, breakingAfter limit: Int?) {
            self.source = source
            self.end = end
            state = Mutex((start, limit))
        }

        func next(atMost limit: Int) async throws(SourceError) -> ByteBuffer? {
            await Task.yield()
            if isPaused { for await _ in source.gate.stream {} }
            guard let piece = take(atMost: limit) else { throw .broken("as the test says") }
            return piece
        }

        /// Every other piece is there before it is waited for.
        func arrived(atMost limit: Int) -> ByteBuffer? {
            if isPaused { return nil }
            let isOdd = state.withLock { $0.position / Int64(source.state.withLock { $0.script.piece }) % 2 == 1 }
            return isOdd ? take(atMost: limit) ?? nil : nil
        }

        private var isPaused: Bool {
            state.withLock { $0.position } >= source.state.withLock { $0.script.pausesAt }
        }

        /// The next piece; nil inside at the end, outside where it breaks.
        private func take(atMost limit: Int) -> ByteBuffer?? {
            state.withLock { state in
                if state.rest == 0 { return nil }
                guard state.position < end else { return .some(nil) }
                let count = min(
                    Int64(limit), Int64(source.state.withLock { $0.script.piece }), end - state.position,
                    state.rest.map { Int64($0) } ?? .max)
                var bytes = Array(source.bytes[Int(state.position)..<Int(state.position + count)])
                let wrong = source.state.withLock { source in
                    source.record.sent += count
                    return source.script.wrongByte
                }
                if let wrong, (state.position..<state.position + count).contains(wrong) {
                    bytes[Int(wrong - state.position)] ^= 1
                }
                state.position += count
                if let rest = state.rest { state.rest = rest - Int(count) }
                return ByteBuffer(bytes: bytes)
            }
        }

        func cancel() {}
    }
}

/// A fill with its readers, over a real disk.
@Suite(.timeLimit(.minutes(15))) struct FillTests {
    private static let quiet = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    /// A fill of `bytes`, in a folder of its own.
    private struct Scene {
        let temporary: TemporaryFolder
        let folder: CacheFolder
        let source: ScriptedSource
        let fill: Fill
        let ending = Ended()

        init(
            _ bytes: [UInt8], _ script: ScriptedSource.Script = .init(), claiming other: [UInt8]? = nil,
            diskFails: Bool = false
        )
            throws
        {
            temporary = try TemporaryFolder()
            folder = try CacheFolder(
                temporary.path("cache"), origin: "http://origin", name: "test", boot: "boot", logger: FillTests.quiet)
            source = ScriptedSource(bytes, script)
            var hasher = BlobHasher()
            hasher.update(other ?? bytes)
            let address = hasher.address()
            if diskFails { try Folder.removeEmpty(temporary.path("cache/parts")) }
            let ending = ending
            fill = Fill(
                address, size: Int64(bytes.count), sunset: Timestamp(seconds: 2_000_000_000),
                into: folder.part(of: address), from: source, threads: BlockingPool(threads: 2),
                // A machine may be so slow that a source seems to bring nothing.
                patience: .seconds(900)
            ) { ending.outcome = $0 }
        }

        var file: [UInt8]? {
            get throws {
                let path = folder.files.folders.blob(fill.address)
                return try Folder.status(path) == nil ? nil : try TestSupport.bytes(ofFile: path)
            }
        }
    }

    /// Reads a range as a response does: piece by piece, as much as there is.
    private static func read(
        _ content: any BlobContent, _ start: Int64, _ end: Int64, of size: Int64, for intent: ReadIntent
    ) async throws -> [UInt8] {
        var bytes: [UInt8] = []
        while let rest = ByteRange(
            offset: start + Int64(bytes.count), count: end - start - Int64(bytes.count), within: size)
        {
            let more = try await content.read(rest, atMost: 64 << 10, for: intent)
            try #require(!more.isEmpty)
            bytes += more
        }
        return bytes
    }

    private static func sample(_ count: Int) -> [UInt8] {
        var random = SeededGenerator(seed: UInt64(count))
        return random.bytes(count)
    }

    /// What each of so many readers of the whole got: all of it, or an error.
    private static func readWhole(_ scene: Scene, readers: Int) async -> [[UInt8]?] {
        let (fill, size) = (scene.fill, scene.fill.size)
        return await withTaskGroup(of: [UInt8]?.self) { group in
            for _ in 0..<readers {
                let content = fill.content()
                group.addTask { try? await read(content, 0, size, of: size, for: .whole) }
            }
            return await group.reduce(into: []) { $0.append($1) }
        }
    }

    @Test func `two fills of one blob have a file each, and the one that is named has all bytes`() throws {
        let bytes = Self.sample(200_000)
        let scene = try Scene(bytes)
        let (first, second) = (scene.folder.part(of: scene.fill.address), scene.folder.part(of: scene.fill.address))
        // Safe: a span of bytes has no padding, here and below.
        try unsafe first.write(bytes.span.bytes, at: 0)
        let end = Array(bytes[199_000...])
        try unsafe second.write(end.span.bytes, at: 199_000)
        #expect(first.place(as: scene.fill.address, sunset: Timestamp(seconds: 2_000_000_000)))
        second.remove()
        #expect(try scene.file == bytes)
    }

    @Test(arguments: [1, 65_536, 65_537, 1_000_000])
    func `twenty readers get all of it from one request, and it is kept`(
        count: Int
    ) async throws {
        let bytes = Self.sample(count)
        let scene = try Scene(bytes)
        let results = await Self.readWhole(scene, readers: 20)
        #expect(results.allSatisfy { $0 == bytes })
        #expect(scene.source.record.requests == [0..<Int64(count)])
        #expect(try scene.file == bytes)
        #expect(scene.ending.outcome == .kept)
    }

    @Test(arguments: [0, 500_000, 934_999, 999_999] as [Int64])
    func `one wrong bit is never in a complete answer, and is not kept`(place: Int64) async throws {
        let bytes = Self.sample(1_000_000)
        let scene = try Scene(bytes, .init(wrongByte: place))
        let results = await Self.readWhole(scene, readers: 20)
        #expect(results.allSatisfy { $0 == nil })
        #expect(try scene.file == nil)
        #expect(scene.ending.outcome == .wrong)
        #expect(try Folder.names(in: scene.temporary.path("cache/parts")).isEmpty)
    }

    @Test func `what breaks off goes on where it was`() async throws {
        let bytes = Self.sample(1_000_000)
        let scene = try Scene(bytes, .init(breaks: [500_000, 0, 300_000]))
        let results = await Self.readWhole(scene, readers: 20)
        #expect(results.allSatisfy { $0 == bytes })
        #expect(scene.source.record.requests.map(\.lowerBound) == [0, 500_000, 500_000, 800_000])
        #expect(scene.source.record.sent == 1_000_000)
    }

    /// The second time within the last block, which readers of the whole wait for from its start.
    @Test(arguments: [100_000, 299_990])
    func `a source that does not come back is told to whoever waits, and what is here stays`(end: Int) async throws {
        let bytes = Self.sample(300_000)
        let scene = try Scene(bytes, .init(breaks: [end], isDown: true))
        let results = await Self.readWhole(scene, readers: 3)
        #expect(results.allSatisfy { $0 == nil })
        scene.source.comeBack()
        let again = await Self.readWhole(scene, readers: 3)
        #expect(again.allSatisfy { $0 == bytes })
        #expect(scene.source.record.sent == 300_000)
    }

    @Test func `a blob that goes in the middle ends all answers`() async throws {
        let scene = try Scene(Self.sample(300_000), .init(breaks: [100_000], refusals: []))
        let gone = try Scene(Self.sample(300_000), .init(refusals: [.gone]))
        #expect(await Self.readWhole(gone, readers: 5).allSatisfy { $0 == nil })
        #expect(gone.ending.outcome == .dropped && !gone.fill.isAlive)
        #expect(scene.fill.isAlive)
    }

    @Test func `a range near the end costs what it touches, and the rest comes when it is wanted`() async throws {
        let bytes = Self.sample(8 << 20)
        let size = Int64(bytes.count)
        let scene = try Scene(bytes)
        let (start, end) = (size - 300_000, size - 200_000)
        let part = try await Self.read(scene.fill.content(), start, end, of: size, for: .ranges)
        #expect(part == Array(bytes[Int(start)..<Int(end)]))
        #expect(scene.source.record.sent <= 100_000 + 128 << 10)
        let results = await Self.readWhole(scene, readers: 3)
        #expect(results.allSatisfy { $0 == bytes })
        #expect(scene.source.record.sent == size, "nothing is fetched twice")
        #expect(try scene.file == bytes, "its digest was made from the file")
    }

    @Test func `the last block is for readers of a range before it is for readers of the whole`() async throws {
        let bytes = Self.sample(200_000)
        let scene = try Scene(bytes, claiming: [1])
        let end = try await Self.read(scene.fill.content(), 199_000, 200_000, of: 200_000, for: .ranges)
        #expect(end == Array(bytes[199_000...]))
        #expect(await Self.readWhole(scene, readers: 2).allSatisfy { $0 == nil })
    }

    @Test(arguments: [1, 64_000, 300_000]) func `where the disk fails nobody notices`(count: Int) async throws {
        let bytes = Self.sample(count)
        let scene = try Scene(bytes, diskFails: true)
        let results = await Self.readWhole(scene, readers: 20)
        #expect(results.allSatisfy { $0 == bytes })
        #expect(scene.folder.failureCount > 0)
        let (start, end) = (Int64(count / 3), Int64(count))
        let part = try await Self.read(scene.fill.content(), start, end, of: Int64(count), for: .ranges)
        #expect(part == Array(bytes[Int(start)...]))
    }

    @Test func `where the disk fails wrong bytes are not complete either`() async throws {
        let scene = try Scene(Self.sample(300_000), .init(wrongByte: 150_000), diskFails: true)
        #expect(await Self.readWhole(scene, readers: 5).allSatisfy { $0 == nil })
    }

    @Test func `when all have left a little that is missing is fetched, and a lot is not`() async throws {
        let large = Self.sample(24 << 20)
        let scene = try Scene(large, .init(pausesAt: 1 << 20))
        do {
            let content = scene.fill.content()
            _ = try await content.read(
                try #require(ByteRange(offset: 0, count: Int64(large.count), within: Int64(large.count))), atMost: 1000,
                for: .whole)
        }
        scene.source.goOn()
        try await eventually { scene.fill.idleSince != nil }
        #expect(scene.source.record.sent < Int64(large.count))
        let small = Self.sample(4 << 20)
        let other = try Scene(small, .init(pausesAt: 1 << 20))
        do {
            let content = other.fill.content()
            _ = try await content.read(
                try #require(ByteRange(offset: 0, count: Int64(small.count), within: Int64(small.count))), atMost: 1000,
                for: .whole)
        }
        other.source.goOn()
        try await eventually { other.ending.outcome == .kept }
        #expect(try other.file == small)
    }
}

/// How a fill ended.
private final class Ended: Sendable {
    private let state = Mutex<Fill.Fate?>(nil)

    var outcome: Fill.Fate? {
        get { state.withLock { $0 } }
        set { state.withLock { $0 = newValue } }
    }
}
