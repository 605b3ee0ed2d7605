/// Which release of the project this is.
package enum Release {
    /// The version at the top of CHANGELOG.md.
    package static let version = "0.1.0"

    /// What `--version` of both programs prints: the version, and the commit that the program was built from, if whoever
    /// built it said which. A plus behind that says that something had been changed since.
    package static func text(commit: String) -> String {
        guard !commit.isEmpty else { return "\(version) (unknown commit)" }
        let isChanged = commit.hasSuffix("+")
        return "\(version) (commit \(isChanged ? "\(commit.dropLast()), and changes" : commit))"
    }
}
