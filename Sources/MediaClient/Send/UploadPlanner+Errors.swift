import Transfer

/// What errors on the way mean.
extension UploadPlanner {
    /// Takes in that `step` failed with `error`; returns what to do about it.
    mutating func handle(_ error: MediaClientError, at step: Step) -> Reaction {
        switch step {
        case .findLease, .ask: .waitIfTransient
        case .put: handlePut(error)
        case .create: handleCreate(error)
        case .status: error.isAboutMissingUpload ? startOver() : .waitIfTransient
        case .append(_, let offset, let count): handleAppend(error, offset, count)
        }
    }

    private mutating func handlePut(_ error: MediaClientError) -> Reaction {
        switch error {
        case .transfer:
            putWasCut()
            return .waitIfTransient
        case .refused(let problem, _):
            if problem.status < 500 { leaseIsMissing() }
            guard problem.isOfProxy, capabilities.hasResumable else { return .waitIfTransient }
            return preferResumable(appendsBelow: size) ? .again : .fail
        default: return .fail
        }
    }

    private mutating func handleCreate(_ error: MediaClientError) -> Reaction {
        guard case .refused(let problem, _) = error, problem.saysNoResumable else { return .waitIfTransient }
        return giveUpResumable()
    }

    private mutating func handleAppend(_ error: MediaClientError, _ offset: Int64, _ count: Int64) -> Reaction {
        if error.isAboutMissingUpload { return startOver() }
        switch error {
        case .refused(let problem, _) where problem.isOfProxy:
            return shrinkAppends(below: count) ? .again : .fail
        case .refused(let problem, _) where [405, 501].contains(problem.status):
            return giveUpResumable()
        case .refused(let problem, _) where problem.status == 409:
            loseAppend()
            return .wait
        case .transfer(.cut), .transfer(.stalled):
            loseAppend((offset, count))
            return .waitIfTransient
        default:
            loseAppend()
            return .waitIfTransient
        }
    }
}

extension MediaClientError {
    /// The server does not know this upload, or no longer.
    fileprivate var isAboutMissingUpload: Bool {
        guard case .refused(let problem, _) = self else { return false }
        return [404, 410].contains(problem.status) && problem.code != "lease-ended"
    }
}

extension ServerProblem {
    /// Too large for a proxy; our own server would have said so in its own words.
    fileprivate var isOfProxy: Bool { status == 413 && code != "too-large" }

    /// There is nothing at `/uploads`, or a protocol that we do not speak.
    fileprivate var saysNoResumable: Bool { [404, 405, 412, 501].contains(status) }
}

/// What has been learned of a server, and of proxies before it, while this program runs.
struct ServerCapabilities: Sendable {
    var chunkSize = AdaptiveChunkSize()
    /// False once the server was found to have no resumable uploads.
    var hasResumable = true
}

/// How many bytes one append carries: about as many as pass in a few seconds, so that a cut loses little, and no more
/// than proxies let through.
struct AdaptiveChunkSize: Hashable, Sendable {
    static let firstBytes: Int64 = 4 << 20
    static let smallestBytes: Int64 = 64 << 10
    static let largestBytes: Int64 = 64 << 20
    /// An append that took no longer than this may be followed by a larger one.
    private static let quickSeconds: Int64 = 2

    private(set) var bytes = firstBytes
    /// What was too large is never tried again.
    private var ceiling = largestBytes

    /// An append of `count` bytes succeeded: the next may be larger.
    mutating func succeed(with count: Int64, afterSeconds seconds: Int64) {
        if seconds <= Self.quickSeconds, count >= bytes { bytes = min(bytes * 2, ceiling) }
    }

    /// Nothing of an append of `count` bytes arrived: at most half of that from now on. False if it cannot be less.
    mutating func shrink(below count: Int64) -> Bool {
        guard count > Self.smallestBytes else { return false }
        bytes = max(min(bytes, count / 2), Self.smallestBytes)
        ceiling = bytes
        return true
    }
}
