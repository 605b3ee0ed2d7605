import Blobs
import Files

/// A descriptor of a local file that lives as long as the transfer that uses it.
final class BodyFile {
    let file: OpenFile

    init(_ file: borrowing OpenFile) throws(FileError) {
        self.file = try file.duplicate()
    }
}

/// One request and its response while libcurl performs it: what its callbacks read and write.
final class CurlTransfer {
    /// The local file that is sent or filled.
    enum LocalFile {
        case none
        /// `size` bytes of the file are sent, from `offset` on.
        case sent(BodyFile, offset: Int64, size: Int64)
        /// The response fills this part of the file.
        case received(BodyFile, BlobPart)
    }

    let host: String
    let requiresPublicAddress: Bool
    private let body: LocalFile
    private let answerLimitBytes: Int64
    private let progress: (Int64) -> Void
    /// By when the first byte of a body has to be there; nil for no such limit.
    private let firstByte: (milliseconds: Int, deadline: ContinuousClock.Instant)?

    private var head = ResponseHead()
    private var memory: [UInt8] = []
    private var destination: BodyDestination?
    /// How far the body has been sent, or the file filled.
    private(set) var position: Int64 = 0
    /// Why a callback ended the transfer.
    private(set) var failure: TransferError?
    /// The last address that was refused.
    var refusedAddress: IPAddress?

    init(_ request: HTTPRequest, _ body: LocalFile, progress: @escaping (Int64) -> Void) {
        host = request.url.origin.authority.description
        requiresPublicAddress = request.requiresPublicAddress
        self.body = body
        answerLimitBytes = request.answerLimitBytes
        self.progress = progress
        firstByte = request.firstByteMilliseconds.map { ($0, .now + .milliseconds($0)) }
    }

    /// The response so far.
    var response: HTTPResponse {
        var response = head.response
        response.body = memory
        return response
    }

    /// A file is sent or filled, which may take any time as long as bytes move.
    var movesFile: Bool {
        if case .none = body { false } else { true }
    }

    /// The response fills a file.
    var receivesFile: Bool {
        if case .received = body { true } else { false }
    }

    /// All that was to come has come.
    var hasFilledFile: Bool {
        guard case .file(_, let end) = destination else { return false }
        return position == end
    }

    /// The response goes to the file.
    var isFillingFile: Bool {
        if case .file = destination { true } else { false }
    }

    /// The error where the first byte of a body is overdue.
    var lateness: TransferError? {
        guard let firstByte, destination == nil, firstByte.deadline <= .now else { return nil }
        return .unreachable(host: host, "no answer within \(firstByte.milliseconds) ms")
    }

    /// How long to wait for a connection.
    func connectMilliseconds(_ settings: TransferSettings) -> Int {
        min(firstByte?.milliseconds ?? .max, settings.connectTimeoutSeconds * 1000)
    }

    // MARK: Callbacks; false ends the transfer

    func takeHeadLine(_ line: [UInt8]) -> Bool {
        if head.take(line) { return true }
        failure = .malformedAnswer(host: host, "its head is malformed or too long")
        return false
    }

    func takeBody(_ bytes: RawSpan) -> Bool {
        do throws(TransferError) {
            switch try chosenDestination() {
            case .memory: try remember(bytes)
            case .file: try write(bytes)
            case .refused(let why): throw .malformedAnswer(host: host, why)
            }
            return true
        } catch {
            failure = error
            return false
        }
    }

    /// Fills `buffer` with the next bytes to send; nil ends the transfer.
    func giveBody(into buffer: inout MutableRawSpan) -> Int? {
        guard case .sent(let source, let offset, let size) = body else { return 0 }
        let wanted = Int(min(Int64(buffer.byteCount), size - position))
        var part = buffer._mutatingExtracting(..<wanted)
        do throws(FileError) {
            let count = try source.file.read(into: &part, at: offset + position)
            guard count == wanted else {
                throw FileError(operation: "read", path: source.file.path, code: 5)  // EIO: the file was truncated
            }
            position += Int64(count)
            return count
        } catch {
            failure = .file(error)
            return nil
        }
    }

    /// Continues sending from this byte of the body.
    func rewind(to place: Int64) -> Bool {
        guard case .sent(_, _, let size) = body, (0...size).contains(place) else { return false }
        position = place
        return true
    }

    /// `sent` and `received` bytes of bodies have moved, or some time has passed.
    func report(sent: Int64, received: Int64) -> Bool {
        if let lateness {
            failure = lateness
            return false
        }
        switch body {
        case .none: break
        case .sent: progress(sent)
        case .received: if isFillingFile { progress(position) }
        }
        return true
    }

    // MARK: Bodies

    private func chosenDestination() throws(TransferError) -> BodyDestination {
        if let destination { return destination }
        guard case .received(let target, let part) = body else {
            destination = .memory
            return .memory
        }
        let chosen = BodyDestination(for: head.response, part)
        if case .file(let start, let end) = chosen {
            // What is behind a part in the middle stays.
            if end == part.size { do { try target.file.truncate(to: start) } catch { throw .file(error) } }
            position = start
        }
        destination = chosen
        return chosen
    }

    private func remember(_ bytes: RawSpan) throws(TransferError) {
        guard Int64(memory.count) + Int64(bytes.byteCount) <= answerLimitBytes else {
            throw .answerTooLong(host: host, limitBytes: answerLimitBytes)
        }
        // Safe: the buffer is used only while the span holds it.
        unsafe bytes.withUnsafeBytes { buffer in unsafe memory.append(contentsOf: buffer) }
    }

    private func write(_ bytes: RawSpan) throws(TransferError) {
        guard case .received(let target, _) = body, case .file(let start, let end) = destination else { return }
        guard Int64(bytes.byteCount) <= end - position else {
            throw .answerTooLong(host: host, limitBytes: end - start)
        }
        do { try target.file.write(bytes, at: position) } catch { throw .file(error) }
        position += Int64(bytes.byteCount)
    }
}
