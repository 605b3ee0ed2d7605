import BlobHTTP
import Blobs
import CacheFolder
import FoundationEssentials
import HTTPTypes
import NIOCore
import OriginLink
import Store

/// What the origin said of a blob.
enum OriginAnswer: Sendable {
    /// It is held; the bytes follow where they were asked for.
    case held(HeldHead, body: OriginBody?)
    /// It is held, and has not changed since it was asked about last.
    case unchanged(sunset: Timestamp, age: Int64)
    case absent(BlobAbsence)
    case failed(UpstreamFault, String)
}

/// Bytes of a blob that follow the answer about it.
struct OriginBody: Sendable {
    let stream: OriginStream
    /// Where they lie in the blob.
    let range: Range<Int64>
}

/// Why the origin has no bytes of a blob.
enum BlobAbsence: Sendable {
    case unknown, damaged
    case gone(EndReason)

    var finding: BlobFinding {
        switch self {
        case .unknown: .unknown
        case .damaged: .damaged
        case .gone(let reason): .gone(reason)
        }
    }
}

/// What the head of a response says of a blob that is held.
struct HeldHead: Hashable, Sendable {
    let size: Int64
    let sunset: Timestamp
    /// Seconds since whoever holds the truth said so, where it comes from a cache (RFC 9111 §5.1).
    var age: Int64 = 0
}

/// Reads the heads of the origin's responses, and takes nothing on trust: what lacks a field, or has another blob's, is
/// no answer.
enum OriginHeads {
    /// Of a response to a request for `address`: 200 to GET and HEAD, or 206 for `range`, as far as the blob goes.
    static func held(
        _ head: OriginHead, of address: BlobAddress, range: Range<Int64>? = nil
    ) -> Result<HeldHead, HeadFault> {
        guard head.fields[.eTag] == "\"\(address.hex)\"" else { return .failure(.init("it has another ETag")) }
        guard head.fields[.contentEncoding] == nil else { return .failure(.init("it has a content coding")) }
        guard let sunset = head.fields[.sunset].flatMap({ HTTPDate.parse($0) }) else {
            return .failure(.init("it has no Sunset"))
        }
        guard let length = head.contentLength ?? head.fields[.contentLength].flatMap({ Int64($0) }), length >= 0 else {
            return .failure(.init("it has no length"))
        }
        guard head.status == .partialContent else {
            if let fault = fault(inSize: length, of: address) { return .failure(fault) }
            return .success(HeldHead(size: length, sunset: sunset, age: age(head)))
        }
        guard let range, let part = PartRange(head.fields[.contentRange] ?? ""),
            part.range == range.clamped(to: 0..<part.size), length == Int64(part.range.count)
        else { return .failure(.init("it has another range")) }
        if let fault = fault(inSize: part.size, of: address) { return .failure(fault) }
        return .success(HeldHead(size: part.size, sunset: sunset, age: age(head)))
    }

    /// What is wrong with a size: no blob but the one without a byte is empty, and none is larger than any disk.
    private static func fault(inSize size: Int64, of address: BlobAddress) -> HeadFault? {
        if size == 0, address != BlobHasher().address() { return .init("it says that the blob is empty") }
        return size > Fill.largestBytes ? .init("it says that the blob has \(size) bytes") : nil
    }

    /// What a 304 says.
    static func unchanged(_ head: OriginHead, of address: BlobAddress) -> OriginAnswer? {
        guard head.fields[.eTag] == "\"\(address.hex)\"" else { return nil }
        return head.fields[.sunset].flatMap { HTTPDate.parse($0) }.map { .unchanged(sunset: $0, age: age(head)) }
    }

    private static func age(_ head: OriginHead) -> Int64 {
        head.fields[.age].flatMap { SaturatingDigits.parse($0) } ?? 0
    }

    /// Why there is no blob, from status, code and body of a refusal; nil for a refusal that says something else.
    static func absence(_ head: OriginHead, body: [UInt8]) -> BlobAbsence? {
        switch (head.status.code, head.fields[.xReason]) {
        case (404, "damaged"): return .damaged
        case (404, _): return .unknown
        case (410, _):
            let reason = try? JSONDecoder().decode(GoneDocument.self, from: Data(body)).reason
            return .gone(reason.flatMap { EndReason(rawValue: $0) } ?? .removed)
        default: return nil
        }
    }

    private struct GoneDocument: Decodable {
        let reason: String?
    }
}

/// What is wrong with a head, for the log.
struct HeadFault: Error {
    let text: String

    init(_ text: String) { self.text = text }
}

/// `bytes 0-99/200` (RFC 9110 §14.4).
struct PartRange {
    let range: Range<Int64>
    let size: Int64

    init?(_ text: String) {
        guard text.hasPrefix("bytes ") else { return nil }
        let parts = text.dropFirst(6).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, let size = SaturatingDigits.parse(parts[1]) else { return nil }
        let ends = parts[0].split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = SaturatingDigits.parse(ends[0]), let last = SaturatingDigits.parse(ends[1]),
            first <= last,
            last < size
        else { return nil }
        range = first..<last + 1
        self.size = size
    }
}

/// The bytes of a response, of which there are exactly as many as its head said.
final class OriginStream: ByteStream {
    private let exchange: OriginExchange
    private let onFailure: @Sendable (OriginError) -> Void

    /// - Parameter onFailure: called when the body breaks off.
    init(_ exchange: OriginExchange, onFailure: @escaping @Sendable (OriginError) -> Void) {
        self.exchange = exchange
        self.onFailure = onFailure
    }

    func next(atMost limit: Int) async throws(SourceError) -> ByteBuffer? {
        do throws(OriginError) { return try await exchange.next(atMost: limit) } catch {
            onFailure(error)
            throw SourceError(error)
        }
    }

    func arrived(atMost limit: Int) -> ByteBuffer? { exchange.arrived(atMost: limit) }

    func cancel() { exchange.cancel() }
}

extension SourceError {
    init(_ error: OriginError) {
        switch error {
        case .busy: self = .busy
        case .malformed: self = .wrong(error.description)
        case .unreachable, .silent, .broken, .closed: self = .broken(error.description)
        }
    }
}
