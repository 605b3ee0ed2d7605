/// Which release of the project this is.
package enum Release {
    /// What `--version` of both programs prints: the version at the top of CHANGELOG.md.
    package static let version = "0.1.0"
}
