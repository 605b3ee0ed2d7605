/// What an object store knows a user by.
package struct AccessKey: Hashable, Sendable {
    /// Its name, which goes with every request.
    package let id: String
    /// What requests are signed with; it never leaves this process.
    let secret: String
    /// Of a key that is for a time only: goes with every request, too.
    let sessionToken: String?

    /// Nil where one of them could not stand in a field of HTTP, or is empty.
    package init?(id: String, secret: String, sessionToken: String? = nil) {
        let arePrintable = [id, secret, sessionToken ?? "-"].allSatisfy { text in
            !text.isEmpty && text.utf8.count <= 4096 && text.utf8.allSatisfy { (0x21...0x7e).contains($0) }
        }
        // What stands behind a slash in a credential is its scope.
        guard arePrintable, !id.contains("/"), !id.contains(","), !id.contains("=") else { return nil }
        self.id = id
        self.secret = secret
        self.sessionToken = sessionToken
    }
}

extension AccessKey: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Never the secret: descriptions end up in logs.
    package var description: String { "access key" }
    package var debugDescription: String { description }
    package var customMirror: Mirror { Mirror(self, children: []) }
}
