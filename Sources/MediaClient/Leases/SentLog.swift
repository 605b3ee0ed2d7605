package import Blobs
package import Files
import MediaMessage
package import Transfer

/// What the sender keeps about every lease made from here: enough to show, renew and revoke it, and to seal its blob
/// again; never the key, the name or the caption.
///
/// One JSON object a line, appended and synced, readable by its owner alone. A line that a crash cut short is ended by
/// the next append, and skipped by readers. A lease gets a line before it is asked for, and one for each thing learned
/// later:
///
///     {"v":1,"event":"sending","at":…,"server":"https://…","sha256":"…","owner":"…","size":…,"receipts":["…"],
///      "header":"<base64url of the 64 bytes>","padding":"eighths","lifetime":…,"recipients":…}
///     {"v":1,"event":"sent","at":…,"server":"https://…","sha256":"…","owner":"…","expires":…}
///     {"v":1,"event":"renewed", … ,"expires":…}
///     {"v":1,"event":"ended", … ,"reason":"revoked","received":3}
///
/// `header` is missing for a forward of a blob that was sealed elsewhere.
package struct SentLog: Sendable {
    package let path: String

    package init(path: String) { self.path = path }

    /// What was learned about a lease after it was asked for.
    package enum Event: Sendable {
        case sent(expires: Timestamp?)
        case renewed(expires: Timestamp)
        case ended(EndReason, received: Int)
    }

    /// Five times what a line with 256 receipt secrets takes.
    static let lineLimitBytes = 64 * 1024

    // MARK: Writing

    package func record(_ lease: LeaseRequest) throws(FileError) {
        var line = Self.start("sending", lease.at, lease.server, lease.address, lease.owner)
        lease.addTerms(to: &line)
        try append(line)
    }

    /// Records what was learned about the lease that `owner` names.
    package func record(
        _ event: Event, at: Timestamp, server: WebURL, address: BlobAddress, owner: Secret
    ) throws(FileError) {
        var line: JSONWriter
        switch event {
        case .sent(let expires):
            line = Self.start("sent", at, server, address, owner)
            line.add("expires", integer: expires?.seconds)
        case .renewed(let expires):
            line = Self.start("renewed", at, server, address, owner)
            line.add("expires", integer: expires.seconds)
        case .ended(let reason, let received):
            line = Self.start("ended", at, server, address, owner)
            line.add("reason", string: reason.rawValue)
            line.add("received", integer: received)
        }
        try append(line)
    }

    /// Removes the leases that `isOver` picks, in one step; returns how many.
    package func prune(_ isOver: (SentLease) -> Bool) throws(FileError) -> Int {
        guard try Folder.status(path, followsLinks: true) != nil else { return 0 }
        let file = try locked()
        let over = Set(try leases().filter(isOver).map(\.owner.base64url))
        guard !over.isEmpty else { return 0 }
        let place = try Folder.resolved(path)
        let rest = try TemporaryFile(in: parentFolder(of: place))
        try file.forEachLine(limitBytes: Self.lineLimitBytes) { line throws(FileError) in
            guard let (_, _, owner) = Self.parts(of: line), !over.contains(owner) else { return }
            try rest.file.write((line + [0x0a])[...])
        }
        try rest.publish(as: place, replacing: true)
        return over.count
    }

    private static func start(
        _ event: String, _ at: Timestamp, _ server: WebURL, _ address: BlobAddress, _ owner: Secret
    ) -> JSONWriter {
        var line = JSONWriter()
        line.add("v", integer: 1)
        line.add("event", string: event)
        line.add(at, server, address, owner)
        return line
    }

    /// Appends a line under the file's lock, ending one that was cut short, and makes it durable.
    private func append(_ line: JSONWriter) throws(FileError) {
        let file = try locked()
        let size = try file.size()
        let lastByte = size > 0 ? try file.bytes(1, at: size - 1) : []
        let opening = lastByte == [] || lastByte == [0x0a] ? "" : "\n"
        let bytes = Array("\(opening)\(line.text)\n".utf8)
        try file.write(bytes[...], at: size)
        try file.synchronize()
    }

    /// The file, created if missing, and locked for as long as it is open.
    func locked() throws(FileError) -> OpenFile {
        while true {
            let file = try OpenFile(path, .openOrCreate(permissions: 0o600))
            try file.waitForLock()
            // If the log was replaced while we waited, this file has lost its name.
            if try file.status().linkCount > 0 { return file }
        }
    }

    // MARK: Reading

    /// Every lease in the log, in the order they were made. Lines that cannot be read, or that concern an unknown
    /// lease, are skipped.
    package func leases() throws(FileError) -> [SentLease] {
        guard try Folder.status(path, followsLinks: true) != nil else { return [] }
        var leases: [SentLease] = []
        var places: [String: Int] = [:]
        try OpenFile(path, .read).forEachLine(limitBytes: Self.lineLimitBytes) { line throws(FileError) in
            guard let (members, event, owner) = Self.parts(of: line) else { return }
            if let place = places[owner] {
                leases[place].take(event, members)
            } else if event == "sending", let lease = SentLease(members) {
                places[owner] = leases.count
                leases.append(lease)
            }
        }
        return leases
    }

    /// Every readable line, with the secrets in it.
    package func lines() throws(FileError) -> [String] {
        guard try Folder.status(path, followsLinks: true) != nil else { return [] }
        var lines: [String] = []
        try OpenFile(path, .read).forEachLine(limitBytes: Self.lineLimitBytes) { line in
            if Self.parts(of: line) != nil { lines.append(String(decoding: line, as: UTF8.self)) }
        }
        return lines
    }

    /// The text of the owner secret identifies the lease of a line.
    private static func parts(of line: [UInt8]) -> (members: JSONMembers, event: String, owner: String)? {
        guard let members = JSONMembers(line), members.integer("v") == 1, let event = members.text("event"),
            let owner = members.secret("owner")
        else { return nil }
        return (members, event, owner.base64url)
    }
}
