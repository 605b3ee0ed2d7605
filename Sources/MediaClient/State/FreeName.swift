import MediaMessage

/// The names under which a file may be put into a folder where others are already: `beach.jpg`, `beach (2).jpg` …
struct FreeName {
    /// As the person knows it; `.` is the current one.
    let folder: String
    /// A single path part of at most `limitBytes`.
    let name: String

    /// More files of one name are no accident.
    static let tries = 1000
    /// As for the names that messages suggest: every file system takes them.
    private static let limitBytes = 200

    /// The paths to try, in their order.
    var paths: some Sequence<String> { (1...Self.tries).lazy.map { path($0) } }

    /// The path that is tried first.
    var path: String { path(1) }

    private func path(_ number: Int) -> String {
        let name = number == 1 ? name : Self.numbered(name, number)
        return folder == "." ? name : folder + (folder.hasSuffix("/") ? "" : "/") + name
    }

    /// The name with a number before its extension: `beach (2).jpg`, `notes (2).tar.gz`. Whole characters of the stem make
    /// room for it.
    static func numbered(_ name: String, _ number: Int) -> String {
        var (stem, suffix) = (name, "")
        while let last = fileExtension(of: stem), last.utf8.count <= 16, suffix.isEmpty || last.lowercased() == "tar" {
            stem.removeLast(last.count + 1)
            suffix = ".\(last)\(suffix)"
        }
        let tail = " (\(number))\(suffix)"
        while stem.utf8.count + tail.utf8.count > limitBytes, stem.count > 1 { stem.removeLast() }
        return stem + tail
    }
}
