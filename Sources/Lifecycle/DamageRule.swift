/// Whether the server sets a damaged blob aside by itself. What is set aside answers 404 until its bytes come again, and
/// much damage at once is more likely a disk that is not there than many that are bad: then a person decides.
enum DamageRule {
    /// So many may be set aside in any store.
    static let limit: Int64 = 64

    /// - Parameters:
    ///   - aside: blobs that are set aside already and have not healed.
    ///   - held: blobs that are held.
    static func maySetAside(aside: Int64, held: Int64) -> Bool { aside < max(limit, held / 100) }
}
