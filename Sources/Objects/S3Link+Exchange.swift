import Blobs
import HTTPTypes
import NIOCore
import OriginLink

/// One request and its answer over HTTP.
extension S3Link {
    /// Bytes of a body that are handed to a connection at once.
    private static var pieceBytes: Int { 256 << 10 }

    /// Signs a request, sends it, and reads its answer.
    ///
    /// - Parameter fresh: Whether it is to go over a connection that has served no other.
    func exchange(
        _ request: S3Request, fresh: Bool, before deadline: NIODeadline
    ) async throws(RetryRule.Failure) -> S3Answer {
        do throws(OriginError) {
            let exchange = try await client.open(signed(request), fresh: fresh)
            let alarm = group.next().scheduleTask(deadline: deadline) { exchange.cancel() }
            // Harmless where it is over; else the connection is closed.
            defer {
                alarm.cancel()
                exchange.cancel()
            }
            var isSent = true
            do throws(OriginError) { try await send(request.body, on: exchange) } catch {
                // It may have answered before it had read all, and then closed the connection.
                if error == .closed { throw error }
                isSent = false
            }
            let answer = try await answer(to: request, on: exchange)
            // What it has not had it has not kept, whatever it says.
            if !isSent, (200..<300).contains(answer.status) { throw .broken("it answered before it had all bytes") }
            return answer
        } catch {
            throw Self.failure(error, isLate: NIODeadline.now() >= deadline)
        }
    }

    /// The request as it is sent, signed by the key and the time of this moment.
    private func signed(_ request: S3Request) -> OriginRequest {
        let path = address.bucketPath + request.key
        let fields = request.fields + [("host", "\(address.server.authority)")]
        let signable = SignatureV4.Request(
            method: request.method.rawValue, path: path, query: request.query, fields: fields,
            bodyDigest: request.digest.hex)
        let signature = SignatureV4(keys.current, region: address.region).fields(for: signable, at: now())
        var sent = HTTPFields()
        for (name, value) in request.fields + signature {
            guard let name = HTTPField.Name(name) else { preconditionFailure("\(name) is no field's name") }
            sent.append(HTTPField(name: name, value: value))
        }
        let query = request.query.isEmpty ? "" : "?\(SignatureV4.text(of: request.query))"
        return OriginRequest(
            method: request.method, target: path + query, fields: sent,
            body: request.kind.hasBody ? .bytes(Int64(request.body.count)) : .none)
    }

    private func send(_ body: [UInt8], on exchange: OriginExchange) async throws(OriginError) {
        var offset = 0
        while offset < body.count {
            let end = min(body.count, offset + Self.pieceBytes)
            try await exchange.write(ByteBuffer(bytes: body[offset..<end]))
            offset = end
        }
        try await exchange.finishWriting()
    }

    private func answer(to request: S3Request, on exchange: OriginExchange) async throws(OriginError) -> S3Answer {
        let head = try await exchange.head()
        let isDone = (200..<300).contains(head.status.code)
        let limit = isDone ? request.answerLimit : S3Answer.errorLimit
        // Without either it ends with the connection, and may be cut anywhere.
        let hasEnd =
            head.contentLength != nil || head.fields[.transferEncoding] != nil || head.status.code == 204
            || request.kind == .size
        if isDone, !hasEnd { throw .malformed("an answer does not say how long it is") }
        var body: [UInt8] = []
        if request.kind != .size { body.reserveCapacity(Int(min(max(head.contentLength ?? 0, 0), limit))) }
        while let piece = try await exchange.next(atMost: Self.pieceBytes) {
            guard Int64(body.count) + Int64(piece.readableBytes) <= limit else {
                if isDone { throw .malformed("an answer has more than \(limit) bytes") }
                // Too long to be an error as stores tell them.
                body = []
                break
            }
            body += Array(buffer: piece)
        }
        return S3Answer(
            status: head.status.code, fields: head.fields, body: body, contentLength: head.contentLength)
    }

    private static func failure(_ error: OriginError, isLate: Bool) -> RetryRule.Failure {
        switch error {
        case .closed: .broken(isLate ? "it took too long" : "the connection was closed on this side")
        case .malformed(let reason): .nonsense(reason)
        case .unreachable(let reason): .broken("it cannot be reached: \(reason)")
        case .busy: .broken("all connections to it are taken")
        case .silent: .broken("it is silent")
        case .broken(let reason): .broken("the connection to it broke: \(reason)")
        }
    }
}
