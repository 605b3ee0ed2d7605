import Blobs
import Crypto
import Files

/// The secret behind a person's recipient names: 22 base64url characters in a file of its own, created on first use.
/// It is never sent; copied to the person's other devices, it makes them one recipient.
package struct PersonSecret: Sendable {
    package let path: String

    package init(path: String) { self.path = path }

    /// Reads the secret, or creates it. Refuses a file that others can read.
    func read() throws(MediaClientError) -> Secret {
        if let secret = try existing() { return secret }
        let secret = Secret.random()
        do throws(FileError) {
            let file = try TemporaryFile(in: parentFolder(of: path))
            try file.file.write(Array("\(secret.base64url)\n".utf8)[...])
            try file.publish(as: path, replacing: false)
            return secret
        } catch {
            // Another process was faster: both are the same person.
            if error.isExistence, let secret = try existing() { return secret }
            throw .state(error)
        }
    }

    private func existing() throws(MediaClientError) -> Secret? {
        let text: String?
        let isPrivate: Bool
        do throws(FileError) {
            guard try Folder.status(path, followsLinks: true) != nil else { return nil }
            let file = try OpenFile(path, .read)
            isPrivate = try file.status().permissions & 0o077 == 0
            text = try file.text(limitBytes: 64)
        } catch {
            throw .state(error)
        }
        guard isPrivate else { throw .configuration("\(path) is readable by other users; run: chmod 600 \(path)") }
        guard let text, let secret = Secret(base64url: text.filter { !$0.isNewline }) else {
            throw .configuration("\(path) does not contain a valid secret (22 base64url characters)")
        }
        return secret
    }
}

extension Recipient {
    private static let label = Array("satchel-recipient/2".utf8) + [0]

    /// The name under which a person reports "delivered" for one message.
    ///
    ///     first 16 bytes of HMAC-SHA-256(key: the person's secret,
    ///         "satchel-recipient/2" ‖ 00 ‖ the blob's address, 32 bytes ‖ the receipt secret, 16 bytes)
    ///
    /// The key is what nobody else has: whoever chooses the receipt secret learns nothing by using it twice.
    init(person: Secret, address: BlobAddress, receipt: Secret) {
        let code = HMAC<SHA256>.authenticationCode(
            for: Self.label + address.bytes + receipt.bytes, using: SymmetricKey(data: person.bytes))
        guard let name = Recipient(bytes: Array(code.prefix(Self.byteCount))) else {
            preconditionFailure("a SHA-256 has more bytes than a name")
        }
        self = name
    }
}
