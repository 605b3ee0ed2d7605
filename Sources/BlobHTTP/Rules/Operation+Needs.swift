/// What must be shown for an operation.
package struct Needs: OptionSet, Sendable {
    package let rawValue: Int

    package init(rawValue: Int) {
        self.rawValue = rawValue
    }

    /// It changes something: in anonymous mode for programs on this machine alone.
    package static let change = Needs(rawValue: 1)
    /// A ticket; in anonymous mode, to be a program on this machine.
    package static let ticket = Needs(rawValue: 2)
    /// The secret of a lease.
    package static let secret = Needs(rawValue: 4)
    /// No ticket; but one that is shown must be good, and of the subject that began what is gone on with.
    package static let offeredTicket = Needs(rawValue: 8)
}

extension Operation {
    /// The table of the gate. There is no default: whatever is added to the API has to say here what it needs.
    package var needs: Needs {
        switch self {
        case .read, .openPage, .health, .readiness, .describe: []
        case .upload, .previewUpload, .createUpload, .addLease: [.change, .ticket]
        case .showUpload, .appendUpload, .cancelUpload: [.change, .offeredTicket]
        case .renew: [.change, .ticket, .secret]
        case .revoke, .confirmDelivery: [.change, .secret]
        case .showLease: [.secret]
        case .showQuota: [.ticket]
        }
    }

    /// Whether it takes a store that takes writes: all but reading, and what the server answers by itself.
    package var needsWrites: Bool {
        switch self {
        case .read, .openPage, .health, .readiness, .describe: false
        case .upload, .previewUpload, .createUpload, .showUpload, .appendUpload, .cancelUpload, .addLease, .renew,
            .revoke, .confirmDelivery, .showLease, .showQuota:
            true
        }
    }

    /// Whether it counts against the rates of whoever asks; what looks after the server does not.
    package var isCounted: Bool {
        switch self {
        case .health, .readiness, .describe: false
        case .read, .openPage, .upload, .previewUpload, .createUpload, .showUpload, .appendUpload, .cancelUpload,
            .addLease,
            .renew, .revoke, .confirmDelivery, .showLease, .showQuota:
            true
        }
    }
}
