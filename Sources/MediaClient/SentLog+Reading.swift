import Blobs
package import Files

extension SentLog {
    /// A line with 256 receipt secrets has a tenth of this.
    static let lineLimitBytes = 64 * 1024

    /// Every lease that the log knows, in the order they were made. Lines that cannot be read, or speak of a lease that
    /// is not known, are left aside.
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

    /// Every line that can be read, as it is: with the secrets in it.
    package func lines() throws(FileError) -> [String] {
        guard try Folder.status(path, followsLinks: true) != nil else { return [] }
        var lines: [String] = []
        try OpenFile(path, .read).forEachLine(limitBytes: Self.lineLimitBytes) { line in
            if Self.parts(of: line) != nil { lines.append(String(decoding: line, as: UTF8.self)) }
        }
        return lines
    }

    /// Forgets the leases that `isOver` picks, in one step; tells how many.
    package func prune(_ isOver: (SentLease) -> Bool) throws(FileError) -> Int {
        guard try Folder.status(path, followsLinks: true) != nil else { return 0 }
        let file = try locked()
        let over = Set(try leases().filter(isOver).map(\.owner.base64url))
        guard !over.isEmpty else { return 0 }
        let rest = try TemporaryFile(in: parentFolder(of: path))
        try file.forEachLine(limitBytes: Self.lineLimitBytes) { line throws(FileError) in
            guard let (_, _, owner) = Self.parts(of: line), !over.contains(owner) else { return }
            try rest.file.write((line + [0x0a])[...])
        }
        try rest.publish(as: path, replacing: true)
        return over.count
    }

    /// The owner secret's text names the lease that a line is about.
    private static func parts(of line: [UInt8]) -> (members: JSONMembers, event: String, owner: String)? {
        guard let members = JSONMembers(line), members.integer("v") == 1, let event = members.text("event"),
            let owner = members.secret("owner")
        else { return nil }
        return (members, event, owner.base64url)
    }
}
