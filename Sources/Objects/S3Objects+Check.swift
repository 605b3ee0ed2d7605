import Blobs
import HTTPTypes
package import StoreRules

extension S3Objects {
    /// Tries, before a store opens on it, all that is needed of the bucket: that it is there, does not keep what is removed,
    /// and lets this user put, get, list and remove objects.
    ///
    /// - Parameter id: A new one, of an object that is there for a moment.
    /// - Throws: `.refused` where the set-up is wrong, in words for whoever runs the server.
    package func check(with id: ObjectID) async throws(ObjectError) {
        let name = ObjectName(id)
        try await checkVersioning()
        var isVersioned = false
        let bytes = id.bytes
        try await explaining("put objects into") { () async throws(ObjectError) in
            try await put(bytes, as: name, digest: BlobAddress(of: bytes)) { isVersioned = Self.hasVersion($0) }
        }
        if isVersioned { throw versioned }
        let (whole, part) = try await explaining("get objects from") { () async throws(ObjectError) in
            (try await get(name, range: nil), try await get(name, range: ByteRange(offset: 3, count: 5, within: 16)))
        }
        guard whole == bytes, part == Array(bytes[3..<8]) else {
            throw .refused("the bucket \(address.bucket) does not give back what was put into it")
        }
        let folder = ObjectName.folder(lastByte: id.bytes[15], hour: id.born)
        let names = try await explaining("list") { () async throws(ObjectError) in try await list(folder, after: nil) }
        // In an hour with more than a thousand it may be behind them.
        guard !names.isLast || names.objects.contains(ListedObject(name: name.text, size: 16)) else {
            throw .refused("a listing of the bucket \(address.bucket) does not have what was put into it")
        }
        let kept = try await explaining("remove objects from") { () async throws(ObjectError) in
            try await remove([name])
        }
        guard kept.isEmpty, try await size(of: name) == nil else {
            throw .refused("this user may not remove objects from the bucket \(address.bucket)")
        }
    }

    /// What a store says of the bucket itself. Many users may not ask; then what is put there tells.
    private func checkVersioning() async throws(ObjectError) {
        var request = S3Request(kind: .versioning)
        request.query = [("versioning", "")]
        let isVersioned: Bool
        do throws(ObjectError) {
            isVersioned = try await link.perform(request) { _, answer throws(RetryRule.Failure) in
                try S3Document.isVersioned(answer.body)
            }
        } catch {
            guard case .refused(let why) = error else { throw error }
            if why == S3Verdict.noBucket { throw .refused("there is no bucket \(address.bucket) at \(address.server)") }
            return
        }
        if isVersioned { throw versioned }
    }

    private var versioned: ObjectError {
        .refused(
            "the bucket \(address.bucket) keeps versions of what is removed; a bucket without versioning is needed")
    }

    private static func hasVersion(_ answer: S3Answer) -> Bool {
        let version = answer.fields.first { $0.name.canonicalName == "x-amz-version-id" }?.value
        return version != nil && version != "null"
    }

    /// Says with a refusal what was tried.
    private func explaining<Value>(
        _ action: String, _ body: () async throws(ObjectError) -> Value
    ) async throws(ObjectError) -> Value {
        do throws(ObjectError) { return try await body() } catch {
            guard case .refused(let why) = error else { throw error }
            throw .refused("this user may not \(action) the bucket \(address.bucket): \(why)")
        }
    }
}
