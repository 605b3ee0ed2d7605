import BlobHTTP
import Blobs
import HTTPTypes
import HummingbirdCore
import Logging
import NIOCore
import OriginLink

/// Hands everything but reads by address on to the origin, as it comes: bodies at the pace of the slower side, interim
/// responses included. Nothing is ever sent twice.
struct OriginForwarder: RequestForwarder {
    /// What goes on of a request, besides those that begin with `Satchel-`, `Upload-` or `Tus-`.
    private static let passed: Set<HTTPField.Name> = [
        .accept, .acceptLanguage, .authorization, .contentType, .expect, .ifMatch, .ifModifiedSince, .ifNoneMatch,
        .ifRange, .ifUnmodifiedSince, .range, .origin,
        .accessControlRequestMethod, .accessControlRequestHeaders, .xSHA256, .xContentLength, .reprDigest,
        .xHTTPMethodOverride,
    ]
    private static let passedPrefixes = ["satchel-", "upload-", "tus-"]
    /// What belongs to one connection (RFC 9110 §7.6.1), and what is said anew here.
    private static let dropped: Set<String> = [
        "connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", "date",
        "content-length",
    ]
    private static let pieceBytes = 256 << 10

    let origins: Origins
    /// The edge's name.
    let name: String
    /// The field in which the origin is told the client's address.
    let clientAddressField: HTTPField.Name
    /// What each client has of the requests under way.
    let shares: ClientShares
    /// Keeps uploads that pass; nil where none are kept.
    let copies: UploadCopies?
    /// Called when the origin has done something that may end a blob, before whoever asked for it hears so.
    let onChange: @Sendable (BlobAddress) -> Void

    func forward(_ request: Request, from client: ClientAddress, in scope: RequestScope) async throws -> Response {
        let loop = request.headers[values: .cdnLoop].joined(separator: ",").split(separator: ",")
        if loop.contains(where: { $0.split(separator: ";").first?.split(separator: " ").first ?? "" == name }) {
            throw Problem(.loopDetected)
        }
        guard let share = shares.take(for: client) else { throw Problem.shareTaken }
        let copy = copies?.begin(request.head)
        do throws(OriginError) {
            let exchange = try await origins.open(outgoing(request, from: client, scope))
            let pump = Task { await Self.pump(request, into: exchange, copy) }
            let head: OriginHead
            do throws(OriginError) { head = try await exchange.head() } catch {
                pump.cancel()
                await pump.value
                throw error
            }
            if head.status.kind == .successful, let address = Self.blobChanged(by: request) { onChange(address) }
            return await response(head, exchange, to: request.method, copy, pump, share)
        } catch {
            copy?.drop()
            switch error {
            case .busy: throw Problem(.unavailable, retryAfterSeconds: 2)
            case .malformed: throw Problem(.originFailed, retryAfterSeconds: 5)
            case .unreachable, .silent, .broken, .closed: throw Problem(.originUnreachable, retryAfterSeconds: 5)
            }
        }
    }

    /// The blob that may have ended, or end earlier, when this is done.
    private static func blobChanged(by request: Request) -> BlobAddress? {
        guard let route = request.head.path.flatMap({ Route(target: $0) }),
            let operation = route.operation(of: request.method)
        else { return nil }
        switch operation {
        case .revoke(let address), .renew(let address), .confirmDelivery(let address, _): return address
        default: return nil
        }
    }

    // MARK: The request

    private func outgoing(_ request: Request, from client: ClientAddress, _ scope: RequestScope) -> OriginRequest {
        var fields = HTTPFields()
        for field in request.headers {
            let name = field.name.canonicalName
            if Self.passed.contains(field.name) || Self.passedPrefixes.contains(where: { name.hasPrefix($0) }) {
                fields.append(field)
            }
        }
        fields[.via] = [request.headers[.via], "1.1 \(name)"].compactMap(\.self).joined(separator: ", ")
        fields[.cdnLoop] = [request.headers[.cdnLoop], name].compactMap(\.self).joined(separator: ", ")
        if let address = client.text {
            fields[clientAddressField] = clientAddressField == .forwarded ? "for=\"\(address)\"" : address
        }
        return OriginRequest(
            method: request.method, target: request.head.path ?? "/", fields: fields, body: Self.body(of: request)
        ) { status, fields in
            if status.code == 100 { scope.sendContinue() } else { scope.sendInterim(status, Self.passed(fields)) }
        }
    }

    private static func body(of request: Request) -> OriginRequest.RequestBody {
        if let length = request.headers[.contentLength].flatMap({ SaturatingDigits.parse($0) }) {
            return length == 0 ? .none : .bytes(length)
        }
        return [.get, .head, .delete, .options].contains(request.method) ? .none : .chunked
    }

    /// Sends the body on as it comes, until one side ends.
    private static func pump(_ request: Request, into exchange: OriginExchange, _ copy: UploadCopy?) async {
        do {
            for try await bytes in request.body {
                try await exchange.write(bytes)
                await copy?.append(bytes)
            }
            try await exchange.finishWriting()
            copy?.endBody()
        } catch {
            // The origin has refused the rest, which its answer says; or the client is gone, and then so is the request.
            copy?.drop()
            if !(error is OriginError) { exchange.cancel() }
        }
    }

    // MARK: The response

    /// The response that goes back. It ends only after the pump: the server reads on where the pump has stopped, and two
    /// must never read one body.
    private func response(
        _ head: OriginHead, _ exchange: OriginExchange, to method: HTTPRequest.Method, _ copy: UploadCopy?,
        _ pump: Task<Void, Never>, _ share: ClientShares.Permit
    ) async -> Response {
        var fields = Self.passed(head.fields)
        fields[.via] = [head.fields[.via], "1.1 \(name)"].compactMap(\.self).joined(separator: ", ")
        if method == .head || [204, 304].contains(head.status.code) {
            exchange.cancel()
            await pump.value
            copy?.drop()
            if let length = head.contentLength, method == .head { fields[.contentLength] = String(length) }
            return Response(status: head.status, headers: fields)
        }
        if let copy, head.status.kind == .successful, let length = head.contentLength,
            length <= UploadCopy.descriptorBytes, let body = try? await Self.collect(exchange)
        {
            await pump.value
            await copies?.end(copy, head, body: body)
            return Response(status: head.status, headers: fields, body: ResponseBody(byteBuffer: body))
        }
        copy?.drop()
        let length = head.contentLength.flatMap { Int(exactly: $0) }
        return Response(
            status: head.status, headers: fields,
            body: ResponseBody(contentLength: length) { writer in
                defer { withExtendedLifetime(share) {} }
                do {
                    while let bytes = try await exchange.next(atMost: Self.pieceBytes) { try await writer.write(bytes) }
                    try await writer.finish(nil)
                } catch {
                    pump.cancel()
                    await pump.value
                    throw error
                }
                await pump.value
            })
    }

    private static func collect(_ exchange: OriginExchange) async throws(OriginError) -> ByteBuffer {
        var body = ByteBuffer()
        while let bytes = try await exchange.next(atMost: pieceBytes) { body.writeImmutableBuffer(bytes) }
        return body
    }

    private static func passed(_ fields: HTTPFields) -> HTTPFields {
        var passed = HTTPFields()
        for field in fields where !dropped.contains(field.name.canonicalName) { passed.append(field) }
        return passed
    }
}
