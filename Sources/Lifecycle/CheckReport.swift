import Blobs

/// How a check is to be done.
package struct CheckOptions: Sendable, Codable {
    /// Set damaged files aside, so that the same bytes can be uploaded anew.
    package var repair = false

    package init(repair: Bool = false) {
        self.repair = repair
    }
}

/// What a check found.
package struct CheckReport: Codable, Sendable, Hashable {
    /// One thing that is not as it should be.
    package struct Finding: Codable, Sendable, Hashable {
        package enum Kind: String, Codable, Sendable {
            /// A row says that a blob is held, and its file is not there.
            case missing
            /// The file of a held blob has another size than its row says.
            case wrongSize
            /// The file of a held blob has other bytes than its address says.
            case wrongBytes
            /// A file that no row accounts for: garbage, which the next sweep takes.
            case orphan
            /// A name among the blobs that is no blob's.
            case stranger
        }

        package let kind: Kind
        /// The address in hexadecimal, or the name below blobs.v1.
        package let name: String
        package let detail: String
        /// Whether it was put right: the damaged file was set aside.
        package var isRepaired = false
    }

    /// The most findings that are listed one by one.
    package static let listLimit = 1000

    package var blobsChecked = 0
    package var bytesChecked: Int64 = 0
    /// Blobs set aside as damaged, now or earlier, that heal when somebody uploads the same bytes.
    package var awaitingUpload = 0
    /// All findings, listed or not.
    package var findingCount = 0
    package var repairedCount = 0
    package var findings: [Finding] = []

    /// Nothing was found.
    package var isClean: Bool { findingCount == 0 }

    mutating func add(_ finding: Finding) {
        findingCount += 1
        if finding.isRepaired { repairedCount += 1 }
        if findings.count < Self.listLimit { findings.append(finding) }
    }
}
