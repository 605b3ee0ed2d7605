package import Blobs
package import Files
import Synchronization

/// The ticket of a server without ticket keys: a secret that is new at each start, in a file that only the user who
/// serves can read. Whoever shows it is a program of that user, whatever is in between.
package final class LocalTicket: Sendable {
    /// Whose uploads they are.
    static let subject = "local"

    private let secret = Secret.random()
    private var text: String { secret.base64url }
    /// The path of the file, once there is one.
    private let path = Mutex<String?>(nil)

    package init() {}

    /// What it permits: everything, as `local`; throws for every other token.
    func ticket(_ token: String) throws(TicketRefusal) -> Ticket {
        // Hashes are compared in a time that does not depend on the token.
        guard let shown = Secret(base64url: token), shown.hash == secret.hash else { throw .notLocal }
        return Ticket(subject: Self.subject, address: nil, entitlement: .unlimited, mostRecipients: nil)
    }

    /// A link to `page` that hands the ticket over. Browsers do not send what follows the `#`; whoever sees the link may
    /// upload.
    package func link(to page: String) -> String { "\(page)#ticket=\(text)" }

    // MARK: The file

    /// Writes the file of a server that listens at `address`, and returns its path: in the user's runtime folder, or
    /// else in the store's folder, which must belong to this process. What an earlier start has left there is removed.
    package func write(
        address: IPAddress, port: UInt16, storage: String, environment: (String) -> String?
    ) throws(FileError) -> String {
        let runtime = try Self.runtimeFolder(environment)
        let folder = runtime ?? storage
        let name = LocalTicketPlace.fileName(address: address, port: port)
        let stale = try runtime == nil ? Folder.names(in: storage).filter { $0.hasSuffix(".ticket") } : [name]
        for name in stale { try Folder.remove("\(folder)/\(name)") }
        let place = "\(folder)/\(name)"
        let file = try OpenFile(place, .create(permissions: 0o600))
        path.withLock { $0 = place }
        try file.write(Array("\(text)\n".utf8))
        return place
    }

    /// Removes the file, unless a later server has its own there by now.
    package func removeFile() throws(FileError) {
        guard let path = path.withLock({ $0 }), try Folder.status(path)?.kind == .regular else { return }
        var bytes = [UInt8](repeating: 0, count: text.utf8.count)
        let count = try OpenFile(path, .read).read(into: &bytes)
        if Array(bytes.prefix(count)) == Array(text.utf8) { try Folder.remove(path) }
    }

    /// The folder for it in the user's runtime folder, made if it is missing; nil where that is not the user's alone.
    private static func runtimeFolder(_ environment: (String) -> String?) throws(FileError) -> String? {
        guard let folder = LocalTicketPlace.runtimeFolder(environment), let slash = folder.lastIndex(of: "/"),
            let status = try Folder.status(String(folder[..<slash]), followsLinks: true), status.kind == .folder,
            status.isOwnAndPrivate
        else { return nil }
        try Folder.make(folder)
        return folder
    }
}
