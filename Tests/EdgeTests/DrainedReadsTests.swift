import Blobs
import Store
import Testing

@testable import Edge

/// Which of two stores answers a read, as a table: what was found here and there, and what is said.
@Suite struct DrainedReadsTests {
    private static let address = BlobHasher().address()

    private static func held(until seconds: Int64) -> BlobFinding {
        .held(
            HeldBlob(address: address, size: 0, sunset: Timestamp(seconds: seconds), content: MemoryContent([])))
    }

    /// A finding in words; of one that is held also until when, and whether it is kept.
    private static func text(_ finding: BlobFinding) -> String {
        switch finding {
        case .held(let blob): "held until \(blob.sunset.seconds)\(blob.isComplete ? "" : ", not kept")"
        case .gone(let reason): "gone: \(reason.rawValue)"
        case .damaged: "damaged"
        case .unknown: "unknown"
        case .unanswered(let fault): "unanswered: \(fault.rawValue)"
        case .unreachable(let stale): stale.map { "stale\($0.isComplete ? "" : ", not kept")" } ?? "unreachable"
        }
    }

    @Test func `only what nobody holds here is looked for there, unless the operator took it away`() {
        for finding in [BlobFinding.unknown, .gone(.expired), .gone(.revoked), .gone(.delivered)] {
            #expect(DrainedReads.isElsewhere(finding), "\(Self.text(finding))")
        }
        for finding in [Self.held(until: 1), .gone(.removed), .damaged, .unanswered(.busy), .unreachable(stale: nil)] {
            #expect(!DrainedReads.isElsewhere(finding), "\(Self.text(finding))")
        }
    }

    @Test func `what is held there is given and not kept; what nobody has is told as this store knows it`() {
        let rows: [(here: BlobFinding, there: BlobFinding, answer: String)] = [
            (.unknown, Self.held(until: 7), "held until 7, not kept"),
            (.gone(.revoked), Self.held(until: 7), "held until 7, not kept"),
            (.unknown, .unknown, "unknown"), (.gone(.revoked), .unknown, "gone: revoked"),
            (.gone(.revoked), .gone(.expired), "gone: revoked"), (.unknown, .gone(.expired), "gone: expired"),
            (.unknown, .damaged, "damaged"), (.gone(.expired), .damaged, "damaged"),
            // Nobody can say that it is gone everywhere.
            (.unknown, .unanswered(.unreachable), "unanswered: unreachable"),
            (.gone(.expired), .unanswered(.busy), "unanswered: busy"),
            (.unknown, .unreachable(stale: nil), "unreachable"),
        ]
        for row in rows {
            #expect(Self.text(DrainedReads.answer(row.here, there: row.there)) == row.answer, "\(row)")
        }
    }
}
