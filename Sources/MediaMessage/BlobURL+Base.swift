extension BlobURL {
    /// What stands before the address: where the server's API begins, `https://media.example:8443/files`.
    package var base: String {
        (["\(scheme.rawValue)://\(authority)"] + folders).joined(separator: "/")
    }
}
