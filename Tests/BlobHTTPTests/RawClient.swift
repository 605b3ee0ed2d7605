import NIOCore
import NIOPosix

/// A TCP connection to a server under test, byte for byte.
final class RawClient {
    /// An answer as it came.
    struct Answer {
        /// Its head, byte for byte, without the empty line behind it.
        let head: String
        let statusLine: String
        /// Lower-case names, in order.
        let fields: [(name: String, value: String)]
        let body: [UInt8]

        var status: Int { Int(statusLine.split(separator: " ").dropFirst().first ?? "") ?? 0 }
        var text: String { String(decoding: body, as: UTF8.self) }
        /// The head without the line of the date, which differs from one second to the next.
        var headButDate: String { head.withoutDates }
        subscript(name: String) -> String? { fields.first { $0.name == name.lowercased() }?.value }
    }

    private let channel: any Channel
    private var events: AsyncStream<[UInt8]>.AsyncIterator
    private var buffer: [UInt8] = []
    /// Of a body that is read by lines: those that have come, the next one last, and the beginning of another.
    private var lines: [String] = []
    private var partOfLine: [UInt8] = []

    private init(_ channel: any Channel, _ events: AsyncStream<[UInt8]>) {
        self.channel = channel
        self.events = events.makeAsyncIterator()
    }

    static func connect(port: Int, reads: Bool = true) async throws -> RawClient {
        let (stream, continuation) = AsyncStream.makeStream(of: [UInt8].self)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelOption(.allowRemoteHalfClosure, value: true)
            .channelOption(.autoRead, value: reads)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.addHandler(Collector(continuation))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return RawClient(channel, stream)
    }

    func send(_ text: String) async throws { try await send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) async throws { try await channel.writeAndFlush(ByteBuffer(bytes: bytes)) }

    /// Takes from now on what comes.
    func startReading() async throws { try await channel.setOption(.autoRead, value: true).get() }

    /// Closes the sending side.
    func finishSending() async throws { try await channel.close(mode: .output) }

    func close() async { try? await channel.close() }

    /// Leaves without a word: what the server has not read yet is lost.
    func reset() async throws {
        let option = linger(l_onoff: 1, l_linger: 0)
        try await (channel as? any SocketOptionProvider)?.setSoLinger(option).get()
        try? await channel.close()
    }

    var isOpen: Bool { channel.isActive }

    /// The next answer, without a body if it is to HEAD; nil if the server closed instead.
    func answer(toHead: Bool = false) async -> Answer? {
        guard let head = await head() else { return nil }
        let lines = head.split(separator: "\r\n")
        let fields = lines.dropFirst().map { line in
            let parts = line.split(separator: ":", maxSplits: 1)
            return (name: parts[0].lowercased(), value: parts.count > 1 ? String(parts[1].dropFirst()) : "")
        }
        let status = Int(lines[0].split(separator: " ").dropFirst().first ?? "") ?? 0
        let length = fields.first { $0.name == "content-length" }.flatMap { Int($0.value) } ?? 0
        let hasBody = !toHead && status >= 200 && status != 204 && status != 304
        let isChunked = fields.contains { $0.name == "transfer-encoding" && $0.value == "chunked" }
        let body = hasBody ? isChunked ? await takeChunks() : await take(length) : []
        return Answer(head: head, statusLine: String(lines[0]), fields: fields, body: body)
    }

    /// What comes until the server closes its side.
    func rest() async -> [UInt8] {
        while await fill() {}
        defer { buffer = [] }
        return buffer
    }

    private func head() async -> String? {
        let end = Array("\r\n\r\n".utf8)
        while true {
            if let found = buffer.indices.first(where: { buffer[$0...].starts(with: end) }) {
                let head = String(decoding: buffer[..<found], as: UTF8.self)
                buffer.removeFirst(found + end.count)
                return head
            }
            if !(await fill()) { return nil }
        }
    }

    /// All chunks up to the last, which is empty (RFC 9112 §7.1).
    private func takeChunks() async -> [UInt8] {
        var body: [UInt8] = []
        while true {
            while !buffer.contains(UInt8(ascii: "\n")), await fill() {}
            let line = buffer.prefix { $0 != UInt8(ascii: "\r") }
            let count = Int(String(decoding: line, as: UTF8.self), radix: 16) ?? 0
            _ = await take(line.count + 2)
            body += await take(count)
            _ = await take(2)
            if count == 0 { return body }
        }
    }

    /// The next line of a body in chunks, whose head has been read; nil where the body has ended or broken off.
    func line() async -> String? {
        while lines.isEmpty {
            while !buffer.contains(UInt8(ascii: "\n")), await fill() {}
            let size = buffer.prefix { $0 != UInt8(ascii: "\r") }
            guard let count = Int(String(decoding: size, as: UTF8.self), radix: 16) else { return nil }
            _ = await take(size.count + 2)
            var pieces = (partOfLine + (await take(count))).split(
                separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
            _ = await take(2)
            if count == 0 { return nil }
            partOfLine = Array(pieces.removeLast())
            lines = pieces.reversed().map { String(decoding: $0, as: UTF8.self) }
        }
        return lines.removeLast()
    }

    private func take(_ count: Int) async -> [UInt8] {
        while buffer.count < count, await fill() {}
        let taken = Array(buffer.prefix(count))
        buffer.removeFirst(taken.count)
        return taken
    }

    private func fill() async -> Bool {
        guard let bytes = await events.next(isolation: #isolation) else { return false }
        buffer.append(contentsOf: bytes)
        return true
    }

    private final class Collector: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        private let continuation: AsyncStream<[UInt8]>.Continuation

        init(_ continuation: AsyncStream<[UInt8]>.Continuation) {
            self.continuation = continuation
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            continuation.yield(Array(unwrapInboundIn(data).readableBytesView))
        }

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case ChannelEvent.inputClosed = event { continuation.finish() }
            context.fireUserInboundEventTriggered(event)
        }

        func channelInactive(context: ChannelHandlerContext) { continuation.finish() }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { continuation.finish() }
    }
}

extension String {
    /// The text without its lines of dates.
    var withoutDates: String {
        split(separator: "\r\n", omittingEmptySubsequences: false).filter { !$0.hasPrefix("Date: ") }
            .joined(separator: "\r\n")
    }
}
