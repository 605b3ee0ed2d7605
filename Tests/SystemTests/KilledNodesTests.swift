import Foundation
import TestEngines
import TestSupport
import Testing

/// Three nodes of one store of which one after the other is killed, while clients upload and revoke at any of them.
@Suite(
    .enabled(if: Programs.areBuilt, "\(Programs.missing)"),
    .enabled(if: Engines.hasPostgres && Engines.hasObjects, "\(Engines.noSharedStore)"))
struct KilledNodesTests {
    private static let rounds = ProcessInfo.processInfo.environment["SATCHEL_SOAK"] == nil ? 6 : 60

    @Test func `whichever node is killed, what was acknowledged is there at each, and what was revoked at none`()
        async throws
    {
        let scene = try await NodesScene(nodes: 3)
        let crowd = NodesCrowd(scene)
        try await crowd.come {
            for round in 0..<Self.rounds {
                let number = Int.random(in: 0..<scene.count)
                try await crowd.waitForAnswers()
                await scene.kill(number)
                // With one that is down, and in the next round with none.
                if round % 2 == 0 { try await crowd.waitForAnswers() }
                try await scene.start(number)
            }
        }
        try await crowd.expectTruth(revokedAtLeast: Self.rounds)
    }
}
