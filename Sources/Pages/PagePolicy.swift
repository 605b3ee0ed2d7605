import CPages

/// What a page may load and run: a Content Security Policy (Level 3), as its directives.
package struct PagePolicy: Hashable, Sendable, CustomStringConvertible {
    /// Each with its name and what follows it, in their order.
    private let directives: [String]

    package init(_ text: some StringProtocol) {
        directives = text.split(separator: ";").map { String($0.drop { $0 == " " }) }.filter { !$0.isEmpty }
    }

    private init(directives: [String]) {
        self.directives = directives
    }

    package var description: String { directives.joined(separator: "; ") }

    /// The same where the page may also fetch from these origins: stores that its links lead to.
    package func connecting(to origins: [String]) -> PagePolicy {
        PagePolicy(
            directives: directives.map { directive in
                Self.isConnection(directive) ? ([directive] + origins).joined(separator: " ") : directive
            })
    }

    /// Whether this is `other`, but for where the page may fetch from, which is for each server to say.
    package func isSame(as other: PagePolicy) -> Bool {
        directives.filter { !Self.isConnection($0) } == other.directives.filter { !Self.isConnection($0) }
    }

    private static func isConnection(_ directive: String) -> Bool { directive.hasPrefix("connect-src ") }

    /// That of a file, made when the file was.
    static func embedded(of file: String) -> PagePolicy {
        let line = EmbeddedFile.text(CPAGES_POLICIES).split(separator: "\n").first { $0.hasPrefix("\(file): ") }
        guard let line else { preconditionFailure("policies.txt has a line for \(file)") }
        return PagePolicy(line.dropFirst(file.count + 2))
    }
}
