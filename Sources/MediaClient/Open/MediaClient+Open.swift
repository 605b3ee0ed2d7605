import Blobs
package import Files
package import MediaMessage
import Sealing
import Transfer

/// Where an opened file goes.
package enum OpenTarget: Sendable {
    /// To this path.
    case path(String)
    /// Into this folder, under the name that the message suggests.
    case folder(String)
    /// To this descriptor, once all of it is verified.
    case stream(Int32)
}

/// A file that has arrived.
package struct OpenedFile: Sendable {
    /// Where it was written; nil for a stream.
    package let path: String?
    /// What to report; nil if no receipt was asked for, or we do not go to the message's own server.
    package let receipt: DeliveryReceipt?
}

extension MediaClient {
    /// Opens the file that a message points to. The order of effects is the promise:
    ///
    /// 1. download the sealed blob; what has arrived is kept for the next run if this one is interrupted
    /// 2. verify all of it, and decrypt it into a temporary file
    /// 3. publish that file under its name, or write it to the stream
    /// 4. return the receipt; the caller prints the path, then calls `report`
    ///
    /// `named` are hosts that may be asked this one time.
    package func open(
        _ message: MediaMessage, to target: OpenTarget, replacing: Bool, named: [HostPattern]
    ) throws(MediaClientError) -> OpenedFile {
        let policy = HostPolicy(configured: settings.servers, named: named, allowsHTTP: settings.allowsHTTP)
        let gate = HostGate(policy, asks: delegate.allows)
        let key = try mediaKey(of: message)
        let path = path(of: message, target)
        if let path { try refuseTaken(path, replacing: replacing) }
        let plaintext = try plaintextFile(beside: path)

        let download = Download(
            message: message, http: try http(), gate: gate, retries: retryLoop(), delegate: delegate)
        let partial = try partialDownload(of: message, beside: path)
        do throws(MediaClientError) {
            try retrieve(download, into: partial.file, decryptInto: plaintext.file, key)
        } catch {
            let isWorthKeeping = !error.isAboutTheBlob && (try? partial.file.size()) != 0
            partial.end(isComplete: !isWorthKeeping, now: now)
            throw error
        }
        partial.end(isComplete: true, now: now)

        try deliver(plaintext, path: path, target, replacing: replacing)
        return OpenedFile(path: path, receipt: receipt(for: message, gate))
    }

    /// Verifies and decrypts a blob that is here already.
    package func unseal(
        _ message: MediaMessage, blob: borrowing OpenFile, to target: OpenTarget, replacing: Bool
    ) throws(MediaClientError) -> String? {
        let key = try mediaKey(of: message)
        let path = path(of: message, target)
        if let path { try refuseTaken(path, replacing: replacing) }
        let plaintext = try plaintextFile(beside: path)
        try decrypt(blob, from: blob.path, into: plaintext.file, message, key)
        try deliver(plaintext, path: path, target, replacing: replacing)
        return path
    }

    // MARK: Downloading

    /// Tries the places of the blob in order until one gives a blob that verifies. The error is that of the first.
    private func retrieve(
        _ download: Download, into partial: borrowing OpenFile, decryptInto plaintext: borrowing OpenFile,
        _ key: borrowing MediaKey
    ) throws(MediaClientError) {
        let places = try download.places()
        var firstError: MediaClientError?
        for (index, place) in places.enumerated() {
            do throws(MediaClientError) {
                return try retrieve(download, from: place, into: partial, decryptInto: plaintext, key)
            } catch {
                guard error.isOfOnePlace else { throw firstError ?? error }
                if case .wrongDigest = error { try discard(partial) }
                firstError = firstError ?? error
                if index < places.count - 1 { delegate.notify("\(error); trying the next location") }
            }
        }
        if let firstError { throw firstError }
    }

    /// Judges the place by its own bytes: if those of an earlier run spoil the blob, all of it is downloaded from here.
    private func retrieve(
        _ download: Download, from place: PermittedURL, into partial: borrowing OpenFile,
        decryptInto plaintext: borrowing OpenFile, _ key: borrowing MediaKey
    ) throws(MediaClientError) {
        let host = place.url.origin.authority.description
        let resumedBytes = try download.fetch(place, into: partial, key: key)
        do throws(MediaClientError) {
            return try decrypt(partial, from: host, into: plaintext, download.message, key)
        } catch {
            guard case .wrongDigest = error, resumedBytes > 0 else { throw error }
        }
        try discard(partial)
        _ = try download.fetch(place, into: partial, key: key)
        try decrypt(partial, from: host, into: plaintext, download.message, key)
    }

    /// Even valid tags prove nothing now: whoever knows the key can make them.
    private func discard(_ partial: borrowing OpenFile) throws(MediaClientError) {
        try onFile(MediaClientError.output) { () throws(FileError) in try partial.truncate(to: 0) }
    }

    /// The file that the sealed blob comes into. If another `open` of the same blob is using the one that is kept, this
    /// run has a file of its own.
    private func partialDownload(
        of message: MediaMessage, beside path: String?
    ) throws(MediaClientError) -> PartialDownload {
        if let kept = try? state.partialDownloads.download(of: message.address) { return kept }
        let own = try plaintextFile(beside: path)
        do { return try PartialDownload(temporary: own) } catch { throw .output(error) }
    }

    // MARK: Decrypting

    private func decrypt(
        _ blob: borrowing OpenFile, from host: String, into plaintext: borrowing OpenFile, _ message: MediaMessage,
        _ key: borrowing MediaKey
    ) throws(MediaClientError) {
        do throws(SealingError) {
            try Sealing.open(
                blob, address: message.address, plaintextSize: message.media.size, key: key, into: plaintext
            ) { done in
                delegate.progress(StepProgress(.decrypting, done, of: message.media.size))
            }
        } catch {
            throw try reason(for: error, blob, message, host)
        }
    }

    /// Most failures mean that this is another blob; only the digest distinguishes that from a wrong key, and from a
    /// blob that its sender sealed badly.
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

    // MARK: Delivering

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
    private func plaintextFile(beside path: String?) throws(MediaClientError) -> TemporaryFile {
        if let path { try temporaryFile(beside: path) } else { try spoolFile() }
    }

    /// The plaintext is verified: gives it its name, or writes it to the stream.
    private func deliver(
        _ plaintext: borrowing TemporaryFile, path: String?, _ target: OpenTarget, replacing: Bool
    ) throws(MediaClientError) {
        if let path { return try publish(plaintext, as: path, replacing: replacing) }
        guard case .stream(let descriptor) = target else { return }
        try onFile(MediaClientError.output) { () throws(FileError) in
            try plaintext.file.seek(to: 0)
            try plaintext.file.copy(to: OpenFile.duplicating(descriptor))
        }
    }

    private func receipt(for message: MediaMessage, _ gate: HostGate) -> DeliveryReceipt? {
        guard settings.sendsReceipts, let secret = message.receipt, let base = message.url?.base,
            let server = WebURL(base), let place = try? gate.permit(server.appending(message.address.hex))
        else { return nil }
        return DeliveryReceipt(
            place: place.url, secret: secret, requiresPublicAddress: place.requiresPublicAddress, at: now)
    }
}

extension MediaClientError {
    /// No more of the blob will ever come, or what has come is worthless.
    fileprivate var isAboutTheBlob: Bool {
        switch self {
        case .sealing(.file): false
        case .gone, .notFound, .wrongDigest, .wrongKey, .sealing: true
        default: false
        }
    }

    /// Another place may do better.
    fileprivate var isOfOnePlace: Bool {
        switch self {
        case .transfer(.file), .transfer(.library): false
        case .transfer, .refused, .gone, .notFound, .wrongDigest, .redirect, .answer, .hostNotAllowed, .unprotected:
            true
        default: false
        }
    }
}
