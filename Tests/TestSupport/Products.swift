import Files

/// Programs of this package, built with the tests.
package enum Products {
    /// Where a program is: beside the program that runs the tests.
    package static func path(_ name: String) -> String {
        let own = (try? Folder.target(ofLink: "/proc/self/exe")) ?? ""
        return own.split(separator: "/").dropLast().map { "/\($0)" }.joined() + "/\(name)"
    }
}
