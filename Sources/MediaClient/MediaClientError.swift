package import Blobs
package import Files
package import Imaging
package import MediaMessage
package import Sealing
package import Transfer

/// Why a journey ended before its goal.
package enum MediaClientError: Error, Sendable {
    // Before anything goes out
    case configuration(String)
    case message(MessageError)
    /// A file to read from is not there or cannot be read.
    case input(FileError)
    /// The target is there already.
    case exists(path: String)
    /// The target cannot be written.
    case output(FileError)
    /// A file of our own, in the state folder, failed.
    case state(FileError)
    case picture(ImagingError)
    case sealing(SealingError)
    /// The message leads to a host that nobody allowed.
    case hostNotAllowed(WebOrigin)
    /// The message leads to plain http over a network.
    case unprotected(WebOrigin)

    /// No lease was made from here that is the one asked for.
    case notSent
    /// Nothing in the outbox is what was asked for.
    case notInOutbox
    /// Another process works on this entry of the outbox.
    case outboxBusy(LeaseName)
    /// Several leases could be meant.
    case ambiguous([LeaseName])
    /// The blob cannot be sealed again here, and why.
    case notReproducible(String)

    // On the way
    case transfer(TransferError)
    /// The server said no.
    case refused(Refusal, host: String)
    /// The blob was there once; the reason as the server gave it.
    case gone(reason: String?, host: String)
    case notFound(host: String)
    /// What came from there is not the blob of the message.
    case wrongDigest(expected: BlobAddress, actual: BlobAddress, host: String)
    /// The blob is the right one, the key is another's.
    case wrongKey
    /// A redirect that is not followed, and why.
    case redirect(String, host: String)
    /// An answer that our API does not know.
    case answer(String, host: String)
}

extension MediaClientError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .configuration(let why): why
        case .message(let error): error.description
        case .input(let error), .output(let error), .state(let error): error.description
        case .exists(let path): "\(path) is there already; --force replaces it, -o PATH writes elsewhere"
        case .picture(let error): error.description
        case .sealing(let error): error.description
        case .hostNotAllowed(let origin):
            "the message leads to \(origin.authority), which is none of your servers; "
                + "if you trust it: --from \(origin.authority) this one time, or the setting servers for good"
        case .unprotected(let origin):
            "\(origin) is plain http over a network; --allow-http permits that"
        case .notSent: "this was not sent from here; satchel sent list shows what was"
        case .notInOutbox: "nothing of that name is in the outbox; satchel outbox shows what is"
        case .outboxBusy(let name): "another satchel is sending \(name) right now"
        case .ambiguous(let names):
            "several leases could be meant: \(names.map(\.description).joined(separator: ", ")); name one of them"
        case .notReproducible(let why): "the file cannot be sealed again: \(why)"
        case .transfer(let error): error.description
        case .refused(let refusal, let host): "\(host) refuses: \(refusal)"
        case .gone(let reason, let host): "the file is no longer at \(host): \(Self.ending(reason))"
        case .notFound(let host): "\(host) has never held this file, or has long forgotten it"
        case .wrongDigest(let expected, let actual, let host):
            "what came from \(host) is not the file of this message: "
                + "its SHA-256 begins \(actual.abbreviated), not \(expected.abbreviated)"
        case .wrongKey: "the key in this message does not open the file, though the file is the right one"
        case .redirect(let why, let host): "\(host) sends us on to a place where we do not go: \(why)"
        case .answer(let why, let host): "the answer of \(host) makes no sense: \(why)"
        }
    }

    private static func ending(_ reason: String?) -> String {
        switch reason.flatMap(EndReason.init(rawValue:)) {
        case .expired: "its time was up (expired)"
        case .delivered: "everyone it was meant for has received it (delivered)"
        case .revoked: "its sender took it back (revoked)"
        case .removed: "the operator removed it (removed)"
        case nil: "the server gives no reason that is known here"
        }
    }
}
