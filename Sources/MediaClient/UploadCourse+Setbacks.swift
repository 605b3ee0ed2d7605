import Transfer

/// What errors on the way mean.
extension UploadCourse {
    /// Takes in that `step` ended with `error`; tells what to do about it.
    mutating func meet(_ error: MediaClientError, at step: Step) -> Reaction {
        switch step {
        case .askForLease: .waitIfPassing
        case .put: meetAtPut(error)
        case .create: meetAtCreate(error)
        case .look: error.isAboutMissingUpload ? startAnew() : .waitIfPassing
        case .append(_, let offset, let count): meetAtAppend(error, offset, count)
        }
    }

    private mutating func meetAtPut(_ error: MediaClientError) -> Reaction {
        switch error {
        case .transfer:
            breakOff()
            return .waitIfPassing
        case .refused(let refusal, _):
            if refusal.status < 500 { leaseIsMissing() }
            guard refusal.isOfProxy, knowsResumable else { return .waitIfPassing }
            return preferResumable(appendsBelow: size) ? .again : .fail
        default: return .fail
        }
    }

    private mutating func meetAtCreate(_ error: MediaClientError) -> Reaction {
        guard case .refused(let refusal, _) = error, refusal.isIgnoranceOfResumable else { return .waitIfPassing }
        return goWithoutResumable()
    }

    private mutating func meetAtAppend(_ error: MediaClientError, _ offset: Int64, _ count: Int64) -> Reaction {
        if error.isAboutMissingUpload { return startAnew() }
        switch error {
        case .refused(let refusal, _) where refusal.isOfProxy:
            return shrinkAppends(below: count) ? .again : .fail
        case .refused(let refusal, _) where [405, 501].contains(refusal.status):
            return goWithoutResumable()
        case .refused(let refusal, _) where refusal.status == 409:
            loseAppend()
            return .wait
        case .transfer(.cut), .transfer(.stalled):
            loseAppend(offset, count)
            return .waitIfPassing
        default:
            loseAppend()
            return .waitIfPassing
        }
    }
}

extension MediaClientError {
    /// The server does not know this upload, or not any more.
    fileprivate var isAboutMissingUpload: Bool {
        guard case .refused(let refusal, _) = self else { return false }
        return [404, 410].contains(refusal.status) && refusal.code != "lease-ended"
    }
}

extension Refusal {
    /// Too large for something between us and the server, which would have said so in its own words.
    fileprivate var isOfProxy: Bool { status == 413 && code != "too-large" }

    /// There is nothing at `/uploads`, or something else than we know.
    fileprivate var isIgnoranceOfResumable: Bool { [404, 405, 412, 501].contains(status) }
}
