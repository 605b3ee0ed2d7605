/// Why an object store refused or failed. None of the texts holds a key or a signature.
package enum ObjectError: Error, Hashable, Sendable {
    /// It has no room, or the user's quota is used up.
    case full
    /// It does not let this user do that, or not with this bucket: what is set up is wrong, and time will not mend it.
    case refused(String)
    /// It does not answer, or says that it cannot now; try again after so many seconds.
    case unavailable(String, retryAfterSeconds: Int64)
    /// It answered with what makes no sense, or did not take what it should.
    case failed(String)
}

extension ObjectError {
    /// The task that asked was cancelled.
    static let abandoned = ObjectError.unavailable("nobody waits for it any more", retryAfterSeconds: 1)
}

extension ObjectError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .full: "the object store is full"
        case .refused(let why): "the object store refuses: \(why)"
        case .unavailable(let why, _): "the object store is not available: \(why)"
        case .failed(let why): "the object store failed: \(why)"
        }
    }
}
