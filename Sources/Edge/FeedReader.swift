import Blobs
import HTTPTypes
import Logging
import NIOCore
import OriginLink
import ServiceLifecycle
import Store

/// Follows the origin's change feed for as long as the edge runs, and goes on where it was when it breaks off.
struct FeedReader: Service {
    private static let pauses: [Duration] = [.milliseconds(200), .seconds(1), .seconds(3)]
    private static let toldReasons = 8

    let store: EdgeStore
    let feed: FeedState
    let logger: Logger

    func run() async throws {
        await cancelWhenGracefulShutdown {
            var failures = 0
            var isHeard = false
            // Of this outage; each reason is told once.
            var told: Set<String> = []
            while !Task.isCancelled {
                let why = await follow {
                    if !isHeard { logger.info("The origin's change feed is heard") }
                    (failures, isHeard, told) = (0, true, [])
                }
                if Task.isCancelled { return }
                guard let why else {
                    (failures, isHeard, told) = (0, false, [])
                    continue
                }
                if told.count < Self.toldReasons, told.insert(why).inserted {
                    logger.warning(
                        isHeard ? "The origin's change feed broke off" : "The origin's change feed cannot be heard",
                        metadata: ["why": "\(why)"])
                }
                isHeard = false
                try? await Task.sleep(for: Self.pauses[min(failures, Self.pauses.count - 1)])
                failures += 1
            }
        }
    }

    /// Follows the feed until it breaks; returns why, or nil where the edge has another key by now. `onTick` is called
    /// whenever it proves to be alive.
    private func follow(_ onTick: () -> Void) async -> String? {
        let key = store.origins.key
        do throws(OriginError) {
            let (exchange, head) = try await store.origins.openFeed(after: feed.position)
            defer { exchange.cancel() }
            switch head.status.code {
            case 200: break
            case 401: return "the origin does not know this edge's key (401)"
            case 404: return "there is none: the origin has no edge-keys, or is no satcheld (404)"
            default: return "it answered \(head.status.code)"
            }
            var lines = FeedLines()
            while let bytes = try await exchange.next(atMost: 64 << 10) {
                guard key == store.origins.key else { return nil }
                guard lines.take(bytes) else { return "it sent a line that is too long" }
                while let text = lines.next() {
                    guard let line = ChangeLine.parse(text), take(line) else { return "it sent “\(text)”" }
                    if case .tick = line { onTick() }
                }
            }
            return "it ended"
        } catch {
            return error.description
        }
    }

    /// Deals with a line; false for one that does not follow from those before.
    private func take(_ line: ChangeLine) -> Bool {
        let now = store.now()
        switch line {
        case .at(let position):
            if let expected = feed.position { return position == expected }
            feed.begin(at: position, now: now)
            store.startOver()
        case .lost(let position):
            feed.begin(at: position, now: now)
            store.startOver()
        case .change(let number, let prefix):
            guard let position = feed.position, number - 1 == position.number else { return false }
            store.mark(prefix)
            feed.advance(to: ChangePosition(epoch: position.epoch, number: number))
        case .tick(let number):
            guard let position = feed.position, number == position.number else { return false }
            feed.tick(now: now)
        }
        return true
    }
}

/// Lines out of bytes as they come.
private struct FeedLines {
    private var bytes: [UInt8] = []
    private var start = 0

    /// Takes the next bytes; false where a line is longer than any may be.
    mutating func take(_ more: ByteBuffer) -> Bool {
        bytes.removeFirst(start)
        start = 0
        bytes += more.readableBytesView
        let rest = bytes.count - (bytes.lastIndex(of: UInt8(ascii: "\n")).map { $0 + 1 } ?? 0)
        return rest <= ChangeLine.limitBytes
    }

    /// The next whole line, without its end.
    mutating func next() -> String? {
        guard let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        defer { start = end + 1 }
        return String(decoding: bytes[start..<end], as: UTF8.self)
    }
}
