import Blobs
import Files

/// The secret behind a person's recipient names: 22 base64url characters in a file of their own, made at first use.
/// It goes to no server; copied to the person's other devices it makes them one person.
package struct PersonSecret: Sendable {
    package let path: String

    package init(path: String) { self.path = path }

    /// Reads the secret, or makes it where there is none. Refuses one that others can read.
    func read() throws(MediaClientError) -> Secret {
        if let secret = try existing() { return secret }
        let secret = Secret.random()
        do throws(FileError) {
            let file = try TemporaryFile(in: parentFolder(of: path))
            try file.file.write(Array("\(secret.base64url)\n".utf8)[...])
            try file.publish(as: path, replacing: false)
            return secret
        } catch {
            // Another satchel was quicker: both are the same person.
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
        guard isPrivate else { throw .configuration("\(path) can be read by others; chmod 600 it") }
        guard let text, let secret = Secret(base64url: text.filter { !$0.isNewline }) else {
            throw .configuration("\(path) holds no secret: that is 22 base64url characters")
        }
        return secret
    }
}
