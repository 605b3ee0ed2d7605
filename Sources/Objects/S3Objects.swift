package import Blobs
import Crypto
package import Logging
package import NIOCore
import NIOPosix
import StoreRules

/// Objects in a bucket of an S3-compatible store.
package final class S3Objects: ObjectStore {
    /// Bytes of the largest answer about many objects: a thousand names of a thousand bytes, and what stands around them.
    private static let documentLimit: Int64 = 4 << 20

    package let address: ObjectStoreAddress
    let link: S3Link

    /// - Parameter wall: The machine's clock, in seconds since 1970.
    package init(
        _ address: ObjectStoreAddress, keys: AccessKeys, settings: S3Settings = S3Settings(),
        group: any EventLoopGroup = MultiThreadedEventLoopGroup.singleton,
        wall: @escaping @Sendable () -> Timestamp, logger: Logger
    ) {
        self.address = address
        link = S3Link(address, keys: keys, settings: settings, group: group, wall: wall, logger: logger)
    }

    package func put(_ bytes: [UInt8], as name: ObjectName, digest: BlobAddress) async throws(ObjectError) {
        _ = try await put(bytes, as: name, digest: digest, for: { _ in })
    }

    /// - Parameter look: Is given the answer.
    func put(
        _ bytes: [UInt8], as name: ObjectName, digest: BlobAddress, for look: (S3Answer) -> Void
    ) async throws(ObjectError) {
        precondition(bytes.count <= ObjectRow.limitBytes, "an object of \(bytes.count) bytes is too large")
        var request = S3Request(kind: .put, key: key(name))
        // Some stores verify only the digest that is signed with every request, others only this one.
        request.fields = [("x-amz-checksum-sha256", Base64.encode(digest.bytes))]
        request.body = bytes
        request.digest = digest
        try await link.perform(request) { verdict, answer throws(RetryRule.Failure) in
            guard verdict == .done else { throw .nonsense("it says of an object that is put that it is not there") }
            look(answer)
        }
    }

    package func get(_ name: ObjectName, range: ByteRange?) async throws(ObjectError) -> [UInt8]? {
        precondition((range?.count ?? 0) <= ObjectRow.limitBytes, "no object has so many bytes")
        var request = S3Request(kind: .get, key: key(name))
        request.answerLimit = ObjectRow.limitBytes
        if let range { request.fields = [("range", "bytes=\(range.offset)-\(range.last)")] }
        return try await link.perform(request) { verdict, answer throws(RetryRule.Failure) in
            switch verdict {
            case .absent: return nil
            case .beyond:
                guard range != nil else { throw .nonsense("it speaks of a range that nobody asked for") }
                return []
            default: return try RangeAnswer.bytes(of: answer, range)
            }
        }
    }

    package func size(of name: ObjectName) async throws(ObjectError) -> Int64? {
        for _ in 0..<2 {
            if let size = try await head(of: name) { return size }
            // What it lacks may be the object, the right, the time, or the store behind a proxy: GET tells.
            if try await get(name, range: ByteRange(offset: 0, count: 1, within: 1)) == nil { return nil }
        }
        throw .failed("it knows of an object and does not")
    }

    /// Bytes of an object; nil where there is none, or it cannot be told.
    private func head(of name: ObjectName) async throws(ObjectError) -> Int64? {
        try await link.perform(S3Request(kind: .size, key: key(name))) {
            verdict, answer throws(RetryRule.Failure) -> Int64? in
            if verdict == .absent { return nil }
            guard let size = answer.contentLength else { throw .nonsense("it does not say how large an object is") }
            return size
        }
    }

    package func list(_ folder: String, after: String?) async throws(ObjectError) -> ObjectListing {
        let prefix = address.prefix
        var request = S3Request(kind: .list)
        request.query = [
            ("list-type", "2"), ("max-keys", "\(ObjectListing.limit)"), ("prefix", prefix + folder),
            ("encoding-type", "url"),
        ]
        if let after { request.query.append(("start-after", prefix + after)) }
        request.answerLimit = Self.documentLimit
        return try await link.perform(request) { _, answer throws(RetryRule.Failure) in
            try S3Document.listing(answer.body, prefix: prefix, folder: folder, after: after)
        }
    }

    package func remove(_ names: [ObjectName]) async throws(ObjectError) -> [ObjectName] {
        precondition(names.count <= ObjectListing.limit, "\(names.count) objects are too many for one call")
        guard !names.isEmpty else { return [] }
        let body = S3Document.removal(of: names.map(key))
        var request = S3Request(kind: .remove, query: [("delete", "")])
        request.digest = BlobAddress(of: body)
        // A digest is required; some stores take no newer one than this.
        request.fields = [
            ("content-md5", Base64.encode(Insecure.MD5.hash(data: body))), ("content-type", "application/xml"),
        ]
        request.body = body
        request.answerLimit = Self.documentLimit
        let byKey = Dictionary(names.map { (key($0), $0) }) { first, _ in first }
        return try await link.perform(request) { _, answer throws(RetryRule.Failure) in
            var kept: [ObjectName] = []
            for (key, code) in try S3Document.kept(answer.body) {
                guard let name = byKey[key] else { throw .nonsense("it kept (\(code)) what it was not to remove") }
                kept.append(name)
            }
            return kept
        }
    }

    package func close() async { await link.close() }

    /// What an object is called in the bucket.
    private func key(_ name: ObjectName) -> String { address.prefix + name.text }
}
