import Blobs
package import Files
package import MediaMessage
import Sealing
import Transfer

/// Where an opened file goes.
package enum OpenTarget: Sendable {
    /// To this path.
    case path(String)
    /// Into this folder, under the name that the message hints at.
    case folder(String)
    /// To this descriptor, once all of it is verified.
    case stream(Int32)
}

/// A file that has arrived.
package struct OpenedFile: Sendable {
    /// Where it was written; nil for a stream.
    package let path: String?
    /// What is to be reported; nil where nobody asked for it, or the message's own server is none that we go to.
    package let receipt: DeliveryReceipt?
}

extension MediaClient {
    /// Fetches, checks and opens what a message tells of.
    ///
    /// `named` are hosts that may be asked this one time.
    package func open(
        _ message: MediaMessage, to target: OpenTarget, replacing: Bool, named: [HostPattern]
    ) throws(MediaClientError) -> OpenedFile {
        let policy = HostPolicy(configured: settings.servers, named: named, allowsHTTP: settings.allowsHTTP)
        let gate = HostGate(policy, asks: audience.allows)
        let written = try deliver(message, to: target, replacing: replacing) {
            plaintext, key throws(MediaClientError) in
            let download = Download(
                message: message, http: try http(), gate: gate, pacing: pacing, audience: audience)
            try withPartial(of: message, target) { partial throws(MediaClientError) in
                try download.run(
                    into: partial, key: key, attempts: Attempts(retries, pacing, say: audience.say)
                ) { host throws(MediaClientError) in
                    try open(partial, message, key, into: plaintext, from: host)
                }
            }
        }
        return OpenedFile(path: written, receipt: receipt(for: message, gate))
    }

    /// Checks and opens a blob that is here already.
    package func unseal(
        _ message: MediaMessage, blob: borrowing OpenFile, to target: OpenTarget, replacing: Bool
    ) throws(MediaClientError) -> String? {
        try deliver(message, to: target, replacing: replacing) { plaintext, key throws(MediaClientError) in
            try open(blob, message, key, into: plaintext, from: blob.path)
        }
    }

    // MARK: Steps

    /// Lends the file that the sealed blob comes into. It stays for the next time if this time does not bring all of it;
    /// a second `open` of the same blob at the same time has one of its own, which does not.
    private func withPartial(
        of message: MediaMessage, _ target: OpenTarget, _ body: (borrowing OpenFile) throws(MediaClientError) -> Void
    ) throws(MediaClientError) {
        let partials = state.partialDownloads
        guard let file = try? partials.file(for: message.address) else {
            let own = try temporaryFile(beside: path(of: message, target))
            return try body(own.file)
        }
        defer { try? partials.prune(now: now) }
        do throws(MediaClientError) { try body(file) } catch {
            if error.isOfTheBlob || (try? file.size()) == 0 { try? partials.remove(message.address) }
            throw error
        }
        try? partials.remove(message.address)
    }

    private func receipt(for message: MediaMessage, _ gate: HostGate) -> DeliveryReceipt? {
        guard settings.sendsReceipts, let secret = message.receipt, let base = message.url?.base,
            let server = WebURL(base), let place = try? gate.permit(server.appending(message.address.hex))
        else { return nil }
        return DeliveryReceipt(
            place: place.url, secret: secret, requiresPublicAddress: place.requiresPublicAddress, at: now)
    }

    /// Makes the target from what `fill` wrote, which is nothing unless all of it was verified.
    private func deliver(
        _ message: MediaMessage, to target: OpenTarget, replacing: Bool,
        _ fill: (borrowing OpenFile, borrowing MediaKey) throws(MediaClientError) -> Void
    ) throws(MediaClientError) -> String? {
        guard let key = MediaKey(bytes: message.key) else { throw .message(.invalid("key", "is not 32 bytes")) }
        let path = path(of: message, target)
        if let path { try refuseTaken(path, replacing: replacing) }
        let plaintext = try temporaryFile(beside: path)
        try fill(plaintext.file, key)
        if let path {
            try publish(plaintext, as: path, replacing: replacing)
        } else if case .stream(let descriptor) = target {
            try write(plaintext.file, to: descriptor)
        }
        return path
    }

    private func path(of message: MediaMessage, _ target: OpenTarget) -> String? {
        let name = safeFileName(hint: message.media.name, mediaType: message.media.type)
        return switch target {
        case .path(let path): path
        case .folder("."): name
        case .folder(let folder): "\(folder)/\(name)"
        case .stream: nil
        }
    }

    /// In the target's own folder, so that it can be renamed there; in the spool for a stream.
    private func temporaryFile(beside path: String?) throws(MediaClientError) -> TemporaryFile {
        guard let path else { return try spoolFile() }
        return try onFile(MediaClientError.output) { () throws(FileError) in
            try TemporaryFile(in: parentFolder(of: path))
        }
    }

    private func open(
        _ blob: borrowing OpenFile, _ message: MediaMessage, _ key: borrowing MediaKey,
        into plaintext: borrowing OpenFile, from host: String
    ) throws(MediaClientError) {
        do throws(SealingError) {
            try Sealing.open(
                blob, address: message.address, plaintextSize: message.media.size, key: key, into: plaintext
            ) { done in
                audience.progress(Progress(.opening, done, of: message.media.size))
            }
        } catch {
            throw try reason(for: error, blob, message, host)
        }
    }

    /// Most things that keep a blob from opening mean that it is another one; only its digest tells that from a wrong
    /// key and from a blob that its sender made badly.
    private func reason(
        for error: SealingError, _ blob: borrowing OpenFile, _ message: MediaMessage, _ host: String
    ) throws(MediaClientError) -> MediaClientError {
        if case .file = error { return .sealing(error) }
        let actual = try onFile(MediaClientError.input) { () throws(FileError) in try blob.address() }
        if actual != message.address {
            return .wrongDigest(expected: message.address, actual: actual, host: host)
        }
        return error == .commitment ? .wrongKey : .sealing(error)
    }

    private func write(_ plaintext: borrowing OpenFile, to descriptor: Int32) throws(MediaClientError) {
        try onFile(MediaClientError.output) { () throws(FileError) in
            try plaintext.seek(to: 0)
            try plaintext.copy(to: OpenFile.duplicating(descriptor))
        }
    }
}

extension MediaClientError {
    /// No more of the blob will ever come, or what has come is worth nothing.
    fileprivate var isOfTheBlob: Bool {
        switch self {
        case .sealing(.file): false
        case .gone, .notFound, .wrongDigest, .wrongKey, .sealing: true
        default: false
        }
    }
}
