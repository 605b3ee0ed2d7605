import Blobs
import Store

/// How a check is to be done.
package struct CheckOptions: Sendable, Codable {
    /// Set damaged files aside, and give uploads up that have lost what was told, so that the same bytes can come anew.
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
            /// The disk does not give the bytes of a held blob back.
            case unreadable
            /// A file that no row accounts for: garbage, which the next sweep takes.
            case orphan
            /// A name among the blobs that is no blob's.
            case stranger
            /// What was told of an open upload is not all there: nobody can go on with it.
            case lostUpload
        }

        package let kind: Kind
        /// The address in hexadecimal, the name below blobs.v1, or the first digits of an upload's id.
        package let name: String
        package let detail: String
        /// Whether it was put right: the damaged file was set aside, the upload given up.
        package var isRepaired = false
    }

    /// The most findings that are listed one by one.
    package static let listLimit = 1000

    package var blobsChecked = 0
    package var bytesChecked: Int64 = 0
    /// Open uploads whose files were compared with what was told of them.
    package var uploadsChecked = 0
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
