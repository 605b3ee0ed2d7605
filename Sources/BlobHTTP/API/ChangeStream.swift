import HTTPTypes
import HummingbirdCore
import NIOCore
import ServiceLifecycle
import Store

extension Response {
    /// 200 with a feed of changes, without end. It is the last response of a connection of HTTP/1.1.
    init(_ stream: ChangeStream, on channel: any Channel) {
        let body = ResponseBody { writer in
            var stream = stream
            try await withGracefulShutdownHandler {
                while let lines = await stream.next() { try await writer.write(lines) }
            } onGracefulShutdown: {
                // A reader who takes nothing would hold up the end.
                channel.eventLoop.execute { if !channel.isWritable { channel.close(promise: nil) } }
            }
            try await writer.finish(nil)
        }
        self.init(
            status: .ok,
            headers: [
                .contentType: "text/plain; charset=utf-8", .cacheControl: "no-store", .xContentTypeOptions: "nosniff",
                .connection: "close",
                // Asks nginx to pass lines on as they come, whatever else it collects.
                .xAccelBuffering: "no",
            ], body: body)
    }
}

/// One reader's part of a feed of changes: the lines that it is sent. Between two writes it keeps nothing but its
/// position, so that a reader who is behind takes no memory.
struct ChangeStream: Sendable {
    /// The most changes in one write: less than 64 KiB of lines.
    private static let batch = 1500
    /// How often the reader is told that nothing else has changed.
    private static let pause = Duration.seconds(1)

    private let feed: any ChangeFeed
    /// Whether the reader's key is still one.
    private let isStillAdmitted: @Sendable () -> Bool
    /// The first line, until it has been taken.
    private var start: ChangeLine?
    private var position: ChangePosition
    private var nextTick = ContinuousClock.now

    /// The lines behind `position`, or, where what comes behind it is not known, those from now on.
    init(_ feed: any ChangeFeed, after position: ChangePosition?, isStillAdmitted: @escaping @Sendable () -> Bool) {
        self.feed = feed
        self.isStillAdmitted = isStillAdmitted
        if let position, feed.changes.read(after: position, limit: 0) != .lost {
            self.position = position
            start = .at(position)
        } else {
            self.position = feed.changes.position
            start = .lost(self.position)
        }
    }

    /// The next lines; nil where nothing more comes, the reader has fallen too far behind, its key has been taken away,
    /// or the server is to end.
    mutating func next() async -> ByteBuffer? {
        if let start {
            self.start = nil
            return ByteBuffer(string: start.text + "\n")
        }
        while !Task.isShuttingDownGracefully, !Task.isCancelled, let lines = present() {
            if lines.readableBytes > 0 { return lines }
            await waitForMore()
        }
        return nil
    }

    /// The lines that there are now; nil where no more come. A reader who has missed changes hears so when it asks again.
    private mutating func present() -> ByteBuffer? {
        // Before the changes, so that the ones it speaks of are among them.
        let knowsAll = feed.knowsAllChanges
        guard case .changes(let prefixes) = feed.changes.read(after: position, limit: Self.batch) else { return nil }
        var lines = ByteBuffer()
        for prefix in prefixes {
            position = ChangePosition(epoch: position.epoch, number: position.number + 1)
            lines.writeString(ChangeLine.change(number: position.number, prefix).text + "\n")
        }
        let now = ContinuousClock.now
        if now >= nextTick, !isStillAdmitted() { return nil }
        if prefixes.count < Self.batch, now >= nextTick {
            nextTick += Self.pause
            if nextTick <= now { nextTick = now + Self.pause }
            if knowsAll { lines.writeString(ChangeLine.tick(number: position.number).text + "\n") }
        }
        return lines
    }

    /// Waits for changes, the next second or the end of the server, whatever comes first.
    private func waitForMore() async {
        let (ring, position, nextTick) = (feed.changes, position, nextTick)
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await ring.waitForMore(after: position) }
            group.addTask { try? await Task.sleep(until: nextTick, clock: .continuous) }
            group.addTask { try? await gracefulShutdown() }
            await group.next()
            group.cancelAll()
        }
    }
}
