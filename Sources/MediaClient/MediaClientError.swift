package import Blobs
package import Cleaning
package import Files
package import Imaging
package import MediaMessage
package import Sealing
package import Transfer

/// Why an operation of the client failed.
package enum MediaClientError: Error, Sendable {
    // Before anything is sent
    case configuration(String)
    case message(MessageError)
    /// An input file is missing or cannot be read.
    case input(FileError)
    /// An input is a folder.
    case inputIsFolder(path: String)
    /// An input does not end, as far as it was read.
    case endlessInput(path: String, limitBytes: Int64)
    /// The output file exists already.
    case exists(path: String)
    /// The output path leads to what is not written to: what it is.
    case notWritable(path: String, String)
    /// The output cannot be written.
    case output(FileError)
    /// A file in the state folder failed.
    case state(FileError)
    case picture(ImagingError)
    /// A picture to be sent is damaged, and nobody has said that this will do.
    case damagedPicture(ImagingError)
    /// A picture, film or sound, which people call so, could not be cleaned.
    case cleaning(String, CleaningError)
    /// Nothing can be taken out of pictures, films and sound of this media type.
    case uncleanable(String)
    /// The name of a file is that of a picture, film or sound, which people call so, and nothing in it is known.
    case unrecognized(String)
    case sealing(SealingError)
    /// The message leads to a host that is not allowed.
    case hostNotAllowed(HTTPOrigin)
    /// The file of the message is larger than what is downloaded.
    case tooLarge(bytes: Int64, limitBytes: Int64)
    /// The file is larger than what is encrypted as other chat clients do.
    case tooLargeForLink(bytes: Int64, limitBytes: Int64)
    /// What was to be a slot of a chat server is none, and why.
    case slot(String)
    /// The message leads to plain http over a network.
    case unprotected(HTTPOrigin)

    /// The lease was not made from here.
    case notSent
    /// There is no such entry in the outbox.
    case notInOutbox
    /// Another process is sending this entry of the outbox.
    case outboxBusy(LeaseName)
    /// Several leases could be meant.
    case ambiguous([LeaseName])
    /// The blob cannot be reproduced here, and why.
    case notReproducible(String)

    // On the way
    case transfer(TransferError)
    /// The server refused the request.
    case refused(ServerProblem, host: String)
    /// The server held the blob once; the reason as the server gave it.
    case gone(reason: String?, host: String)
    case notFound(host: String)
    /// What was downloaded is not the blob of the message.
    case wrongDigest(expected: BlobAddress, actual: BlobAddress, host: String)
    /// The blob is the right one, but the key is not.
    case wrongKey
    /// What was downloaded does not belong to the link: either may have been changed.
    case wrongTag(host: String)
    /// A slot was not accepted for so many bytes.
    case slotRefused(ServerProblem, bytes: Int64, host: String)
    /// A redirect that is not followed, and why.
    case redirect(String, host: String)
    /// A response that is not valid in our API, and why.
    case answer(String, host: String)
}

extension MediaClientError {
    /// Why a file, which people call `noun`, was not cleaned.
    static func notCleaned(_ noun: String, _ error: CleaningError) -> MediaClientError {
        switch error {
        case .file(let error): .input(error)
        case .output(let error): .state(error)
        case .truncated, .corrupt, .unsupported, .excessive: .cleaning(noun, error)
        }
    }
}

extension MediaClientError: CustomStringConvertible {
    package var description: String {
        switch self {
        case .configuration(let why): why
        case .message(let error): error.description
        case .input(let error), .output(let error), .state(let error): error.description
        case .inputIsFolder(let path):
            "\(PathText.readable(path)) is a folder; pack it into one file, such as with: "
                + "tar -czf \(Self.packed(path)) \(Self.quoted(path))"
        case .endlessInput(let path, let limitBytes):
            "\(PathText.readable(path)) has no end, or more than the \(limitBytes) bytes that there is room for"
        case .exists(let path):
            "\(path) already exists and is left as it is; choose another path, or replace it with --force"
        case .notWritable(let path, let what): "\(path) is \(what); choose another path"
        case .picture(let error): error.description
        case .damagedPicture(let error): "\(error); --accept-damage sends the rest"
        case .cleaning(let noun, let error): "the \(noun) \(error); \(Self.wayAsItIs)"
        case .uncleanable(let type):
            "\(type) cannot be cleaned here of what it tells beside its content; \(Self.wayAsItIs)"
        case .unrecognized(let noun):
            "by its name it is a \(noun), and nothing in it is known, so that it cannot be cleaned; \(Self.wayAsItIs)"
        case .sealing(let error): error.description
        case .hostNotAllowed(let origin):
            "the message points to \(origin.authority), which is not one of your servers; if you trust it, "
                + Self.way(to: origin)
        case .tooLarge(let bytes, let limitBytes):
            "the file has \(bytes) bytes, and the setting download-limit is \(limitBytes); if you want it, use "
                + "--download-limit \(bytes)"
        case .tooLargeForLink(let bytes, let limitBytes):
            "the file has \(bytes) bytes, and behind an aesgcm: link there are at most \(limitBytes)"
        case .slot(let why): "this is not a slot: \(why)"
        case .unprotected(let origin):
            "\(origin) is plain http over a network; use --allow-http to permit that"
        case .notSent: "this was not sent from here; see satchel sent list"
        case .notInOutbox: "there is no such entry in the outbox; see satchel outbox"
        case .outboxBusy(let name): "another satchel process is sending \(name) right now"
        case .ambiguous(let names):
            "more than one lease matches: \(names.map(\.description).joined(separator: ", ")); name one of them"
        case .notReproducible(let why): "the blob cannot be reproduced: \(why)"
        case .transfer(let error): error.description
        case .refused(let problem, let host): "\(host) refused: \(problem)"
        case .gone(let reason, let host): "\(host) no longer has the file: \(Self.sentence(for: reason))"
        case .notFound(let host): "\(host) does not have this file; it never did, or forgot it long ago"
        case .wrongDigest(let expected, let actual, let host):
            "what \(host) sent is not the file of this message: "
                + "its SHA-256 begins with \(actual.abbreviated), not \(expected.abbreviated)"
        case .wrongKey: "the file is the right one, but the key in this message does not open it"
        case .wrongTag(let host):
            "what \(host) sent does not belong to this link: the tag at its end is wrong; one of them was changed"
        case .slotRefused(let problem, let bytes, let host) where problem.status == 413:
            "\(host) does not take \(bytes) bytes in this slot; ask for one of exactly this size"
        case .slotRefused(let problem, let bytes, let host):
            "\(host) does not accept this slot (\(problem.code.map { "\($0), " } ?? "")status \(problem.status)): it was "
                + "asked for with another size than \(bytes) bytes, has expired or has been used; ask for a new one"
        case .redirect(let why, let host): "\(host) sent a redirect that is not followed: \(why)"
        case .answer(let why, let host): "unexpected response from \(host): \(why)"
        }
    }

    /// The name of an archive of a folder.
    private static func packed(_ path: String) -> String {
        let name = path.split(separator: "/").last { $0 != "." && $0 != ".." }.map(String.init) ?? "folder"
        return quoted("\(name).tar.gz")
    }

    /// A word for the shell.
    private static func quoted(_ word: String) -> String {
        let readable = PathText.readable(word)
        let isPlain = readable.utf8.allSatisfy { unit in
            switch unit {
            case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e, 0x2f, 0x5f: true
            default: false
            }
        }
        return isPlain ? readable : "'\(printable(readable).replacing("'", with: "'\\''"))'"
    }

    private static let wayAsItIs = "--as-file sends it as it is, with all that it tells, such as place and time"

    /// How to say that a host may be asked. `--from` leads to public addresses only.
    private static func way(to origin: HTTPOrigin) -> String {
        origin.mayBePublic
            ? "use --from \(origin.authority) this time, or add it to the setting servers"
            : "set SATCHEL_SERVER=\(origin), or add it to the setting servers (SATCHEL_SERVERS)"
    }

    private static func sentence(for reason: String?) -> String {
        switch reason.flatMap(EndReason.init(rawValue:)) {
        case .expired: "it expired"
        case .delivered: "everyone it was meant for has received it (delivered)"
        case .revoked: "the sender revoked it"
        case .removed: "the operator removed it"
        case nil: "the server gave no known reason"
        }
    }
}
