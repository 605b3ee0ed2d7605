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
        guard message.size <= settings.downloadLimitBytes else {
            throw .tooLarge(bytes: message.size, limitBytes: settings.downloadLimitBytes)
        }
        for edge in settings.edges { try requireProtected(edge) }
        let key = try mediaKey(message.key)
        let output = try output(place(target, named: message.fileName, replacing: replacing), replacing: replacing)

        let download = Download(
            message: message, edges: settings.edges, http: try http(), gate: gate, retries: retryLoop(),
            leastProgressBytes: leastProgressBytes, delegate: delegate)
        let partial = try partialDownload(of: message, for: output.place)
        do throws(MediaClientError) {
            try retrieve(download, into: partial.file, decryptInto: output.temporary.file, key)
        } catch {
            let isWorthKeeping = !error.isAboutTheBlob && (try? partial.file.size()) != 0
            partial.end(isComplete: !isWorthKeeping, now: now)
            throw error
        }
        partial.end(isComplete: true, now: now)

        return OpenedFile(path: try publish(output, at: target), receipt: receipt(for: message, gate))
    }

    /// Verifies and decrypts a blob that is here already.
    package func unseal(
        _ message: MediaMessage, blob: borrowing OpenFile, to target: OpenTarget, replacing: Bool
    ) throws(MediaClientError) -> String? {
        let key = try mediaKey(message.key)
        let output = try output(place(target, named: message.fileName, replacing: replacing), replacing: replacing)
        let sealed = try whole(blob)
        try decrypt(sealed.file, from: blob.path, into: output.temporary.file, message, key)
        return try publish(output, at: target)
    }

    // MARK: Downloading

    /// What the lowest speed brings before it is given up.
    var leastProgressBytes: Int64 { Int64(settings.lowestDownloadRate) * Int64(settings.stallTimeoutSeconds) }

    /// Tries the places of the blob in order until one gives a blob that verifies. The error is that of the first that the
    /// message names.
    private func retrieve(
        _ download: Download, into partial: borrowing OpenFile, decryptInto plaintext: borrowing OpenFile,
        _ key: borrowing MediaKey
    ) throws(MediaClientError) {
        let (places, refusal) = try download.places()
        var firstError: MediaClientError?
        var lastError: MediaClientError?
        for (index, place) in places.enumerated() {
            do throws(MediaClientError) {
                return try retrieve(download, from: place, into: partial, decryptInto: plaintext, key)
            } catch {
                guard error.isOfOnePlace else { throw firstError ?? error }
                if !place.isEdge { firstError = firstError ?? error }
                lastError = error
                // An edge need not have every file.
                let isNews = !place.isEdge || !error.isAboutAbsence
                if isNews, index < places.count - 1 { delegate.notify("\(error); trying the next location") }
            }
        }
        if let error = firstError ?? refusal ?? lastError { throw error }
    }

    /// Judges the place by its own bytes. Wrong ones are asked for once more, and no others; what another place or an
    /// earlier run left is believed only as long as it does not spoil the blob.
    private func retrieve(
        _ download: Download, from place: DownloadPlace, into partial: borrowing OpenFile,
        decryptInto plaintext: borrowing OpenFile, _ key: borrowing MediaKey
    ) throws(MediaClientError) {
        var hasOthersBytes = try download.fetch(place, into: partial, key: key, rereads: false) > 0
        var mayAskAgain = true
        while true {
            do throws(MediaClientError) {
                return try decrypt(partial, from: place.host, into: plaintext, download.message, key)
            } catch {
                guard case .wrongDigest = error else { throw error }
                let isForged = try download.missing(partial, key) == nil
                if isForged { try discard(partial) }
                guard mayAskAgain || isForged && hasOthersBytes else { throw error }
                mayAskAgain = false
                if isForged { hasOthersBytes = false }
            }
            _ = try download.fetch(place, into: partial, key: key, rereads: true)
        }
    }

    /// Even valid tags prove nothing now: whoever knows the key can make them.
    private func discard(_ partial: borrowing OpenFile) throws(MediaClientError) {
        try onFile(MediaClientError.output) { () throws(FileError) in try partial.truncate(to: 0) }
    }

    /// The file that the sealed blob comes into. If another `open` of the same blob is using the one that is kept, this
    /// run has a file of its own.
    private func partialDownload(
        of message: MediaMessage, for place: OutputPlace
    ) throws(MediaClientError) -> PartialDownload {
        if state.isKept, let kept = try? state.partialDownloads.download(of: message.address) { return kept }
        let own = try place.temporaryFile(spoolFile)
        do { return try PartialDownload(temporary: own) } catch { throw .output(error) }
    }

    // MARK: Decrypting

    private func decrypt(
        _ blob: borrowing OpenFile, from host: String, into plaintext: borrowing OpenFile, _ message: MediaMessage,
        _ key: borrowing MediaKey
    ) throws(MediaClientError) {
        do throws(SealingError) {
            try Sealing.open(
                blob, address: message.address, plaintextSize: message.media.size, root: message.root, key: key,
                into: plaintext
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

    /// Where the file goes. In a folder nothing is replaced unless that is asked for: then a free name is found.
    func place(
        _ target: OpenTarget, named name: @autoclosure () -> String, replacing: Bool
    ) throws(MediaClientError) -> OutputPlace {
        switch target {
        case .stream(let number): return .descriptor(number)
        case .path(let path): return try OutputPlace(path, replacing: replacing)
        case .folder(let folder):
            let free = FreeName(folder: folder, name: name())
            return replacing ? try OutputPlace(free.path, replacing: true, followsLinks: false) : .free(free)
        }
    }

    /// Publishes a result; returns the path by which the person knows it, nil for a descriptor. Says if its name was
    /// taken.
    func publish(_ output: borrowing OutputFile, at target: OpenTarget) throws(MediaClientError) -> String? {
        let path = try output.publish()
        switch (output.place, target) {
        case (.descriptor, _), (_, .stream): return nil
        // As it was written, whatever links it leads through.
        case (_, .path(let written)): return written
        case (.free(let name), .folder) where path != name.path:
            delegate.notify("\(printable(name.name)) was there already and is left as it is")
            return path
        case (_, .folder): return path
        }
    }

    private func receipt(for message: MediaMessage, _ gate: HostGate) -> DeliveryReceipt? {
        guard settings.sendsReceipts, let secret = message.receipt, let base = message.url?.base,
            let server = WebURL(base), let place = try? gate.permit(server.appending(message.address.hex))
        else { return nil }
        return DeliveryReceipt(
            place: place.url, address: message.address, secret: secret,
            requiresPublicAddress: place.requiresPublicAddress, at: now)
    }
}

extension MediaMessage {
    fileprivate var fileName: String { safeFileName(hint: media.name, mediaType: media.type) }
}

extension MediaClientError {
    /// No more of the blob will ever come, or what has come is worthless.
    fileprivate var isAboutTheBlob: Bool {
        switch self {
        case .sealing(.file): false
        case .gone, .wrongDigest, .wrongKey, .sealing: true
        default: false
        }
    }

    /// The place does not have the file, or no longer.
    fileprivate var isAboutAbsence: Bool {
        switch self {
        case .notFound, .gone: true
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
