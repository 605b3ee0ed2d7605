import Blobs

/// One thing that is wrong in a store.
package struct Damage: Sendable, Hashable {
    /// Every kind of damage that a check can find.
    package enum Kind: String, Codable, CaseIterable, Sendable {
        /// The bytes of a held blob are missing.
        case missing
        /// A held blob has another size than the catalog says.
        case wrongSize
        /// The bytes of a held blob do not hash to its address.
        case wrongBytes
        /// The bytes of a held blob cannot be read.
        case unreadable
        /// Stored bytes that the catalog does not know: garbage, which a later sweep removes.
        case orphan
        /// Something among the blobs that is not named like one.
        case stranger
        /// An open upload has fewer bytes than the client was told: it cannot be resumed.
        case lostUpload

        /// The kinds that are about one held blob.
        package static let ofHeldBlobs: [Kind] = [.missing, .wrongSize, .wrongBytes, .unreadable]

        /// As the label of a metric: words with underscores.
        package var label: String {
            switch self {
            case .missing, .unreadable, .orphan, .stranger: rawValue
            case .wrongSize: "wrong_size"
            case .wrongBytes: "wrong_bytes"
            case .lostUpload: "lost_upload"
            }
        }
    }

    package let kind: Kind
    /// One clause with the facts.
    package let detail: String

    package init(_ kind: Kind, _ detail: String) {
        self.kind = kind
        self.detail = detail
    }
}

/// How to check.
package struct CheckOptions: Sendable, Codable {
    /// Set damaged blobs aside and drop uploads that lost bytes, so that the same bytes can be uploaded again.
    package var repair = false
    /// Of a store that bytes are far from: of how many blobs in a hundred the bytes are read, which ones left to chance;
    /// nil for all. Of the others the size is looked at.
    package var readPercent: Int?

    package init(repair: Bool = false, readPercent: Int? = nil) {
        self.repair = repair
        self.readPercent = readPercent
    }
}

/// How far a check has come.
package struct CheckProgress: Sendable, Codable {
    package let blobs: Int
    package let bytes: Int64

    package init(blobs: Int, bytes: Int64) {
        self.blobs = blobs
        self.bytes = bytes
    }
}

/// Damage to one blob, upload or file.
package struct CheckFinding: Codable, Sendable, Hashable {
    package let kind: Damage.Kind
    /// The blob's address in hexadecimal, the stray name, or the first digits of the upload's id.
    package let name: String
    package let detail: String
    /// Whether the check repaired it: set the blob aside, or dropped the upload.
    package var isRepaired = false

    package init(_ damage: Damage, name: String, isRepaired: Bool = false) {
        kind = damage.kind
        detail = damage.detail
        self.name = name
        self.isRepaired = isRepaired
    }
}

/// What a check found.
package struct CheckReport: Codable, Sendable, Hashable {
    /// The most findings that are listed; the rest are only counted.
    package static let listLimit = 1000

    package var blobsChecked = 0
    package var bytesChecked: Int64 = 0
    /// Open uploads that were compared with the offsets clients were given.
    package var uploadsChecked = 0
    /// Blobs set aside as damaged, now or earlier, that heal when the same bytes are uploaded again.
    package var awaitingUpload = 0
    /// All findings, listed or not.
    package var findingCount = 0
    package var repairedCount = 0
    package var findings: [CheckFinding] = []

    package init() {}

    /// Whether nothing was found.
    package var isClean: Bool { findingCount == 0 }

    /// Counts a finding, and lists it while there is room.
    package mutating func add(_ finding: CheckFinding) {
        findingCount += 1
        if finding.isRepaired { repairedCount += 1 }
        if findings.count < Self.listLimit { findings.append(finding) }
    }
}

/// How far one scrub, a background check of all held blobs, has come.
package struct ScrubProgress: Codable, Sendable, Hashable {
    /// When it began, in seconds since 1970.
    package let began: Int64
    /// When this was noted, in seconds since 1970; of a complete scrub, its end.
    package let latest: Int64
    package let blobs: Int64
    package let bytes: Int64
    package let damaged: Int64

    package init(began: Int64, latest: Int64, blobs: Int64, bytes: Int64, damaged: Int64) {
        self.began = began
        self.latest = latest
        self.blobs = blobs
        self.bytes = bytes
        self.damaged = damaged
    }
}

/// The scrubs that a store remembers.
package struct ScrubHistory: Sendable, Hashable {
    /// The scrub under way, running or interrupted; nil if there is none.
    package var current: ScrubProgress?
    /// The last complete scrub; nil before the first.
    package var last: ScrubProgress?

    package init(current: ScrubProgress?, last: ScrubProgress?) {
        self.current = current
        self.last = last
    }
}
