/// The conditional fields of a read, in the order of RFC 9110 §13.2.2. A blob has no modification date, so every
/// condition on dates is as good as absent.
package struct Preconditions: Hashable, Sendable {
    package var ifMatch: String?
    package var ifNoneMatch: String?
    package var ifRange: String?

    package init(ifMatch: String? = nil, ifNoneMatch: String? = nil, ifRange: String? = nil) {
        self.ifMatch = ifMatch
        self.ifNoneMatch = ifNoneMatch
        self.ifRange = ifRange
    }

    /// What If-Match and If-None-Match come to.
    package enum Outcome: Hashable, Sendable {
        case proceed, notModified, failed
    }

    /// Judges the two for a blob that exists and bears `tag`. A malformed If-Match matches nothing, a malformed
    /// If-None-Match is ignored: both err on the side that misleads no client.
    package func evaluate(_ tag: EntityTag) -> Outcome {
        if let ifMatch {
            switch EntityTagList(ifMatch) {
            case .any: break
            case .tags(let tags) where tags.contains { $0.matchesStrongly(tag) }: break
            case .tags, nil: return .failed
            }
        }
        if let ifNoneMatch {
            if tag.isWritten(as: ifNoneMatch) { return .notModified }
            switch EntityTagList(ifNoneMatch) {
            case .any: return .notModified
            case .tags(let tags) where tags.contains { $0.matchesWeakly(tag) }: return .notModified
            case .tags, nil: break
            }
        }
        return .proceed
    }

    /// Whether the Range field counts: no If-Range, or one that is this very tag (RFC 9110 §13.1.5).
    package func admitsRange(_ tag: EntityTag) -> Bool {
        guard let ifRange else { return true }
        return EntityTag(ifRange)?.matchesStrongly(tag) ?? false
    }
}
