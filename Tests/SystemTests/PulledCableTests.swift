import Foundation
import TestEngines
import TestSupport
import Testing

/// Three nodes of one store, the database and the object store, each on a host of its own, and cables that are pulled while
/// clients upload and revoke at any node: nothing is refused there, packets vanish.
@Suite(
    .enabled(if: Programs.areBuilt, "\(Programs.missing)"),
    .enabled(if: Engines.hasPostgres && Engines.hasObjects, "\(Engines.noSharedStore)"),
    .enabled(if: HostNetwork.canBeMade, "\(HostNetwork.missing)"))
struct PulledCableTests {
    private static let rounds = ProcessInfo.processInfo.environment["SATCHEL_SOAK"] == nil ? 1 : 8

    /// What some nodes no longer reach.
    private enum Fault: CaseIterable {
        case databaseOfOne, storeOfOne, bothOfOne, databaseOfAll, storeOfAll

        var isOfAll: Bool { [.databaseOfAll, .storeOfAll].contains(self) }
        var takesDatabase: Bool { ![.storeOfOne, .storeOfAll].contains(self) }
        var takesStore: Bool { ![.databaseOfOne, .databaseOfAll].contains(self) }
    }

    @Test func `whichever cable is pulled, what was acknowledged is there at each node, and what was revoked at none`()
        async throws
    {
        let network = try await HostNetwork(hosts: 5)
        do {
            try await pullCables(of: network)
        } catch {
            await network.remove()
            throw error
        }
        await network.remove()
    }

    private func pullCables(of network: HostNetwork) async throws {
        let (database, store, hosts) = (network.hosts[0], network.hosts[1], Array(network.hosts[2...]))
        let postgres = try Engine(.postgres, behind: database.prefix, at: database.address)
        let objects = try Engine(
            Engines.hasCeph ? .ceph : .seaweedfs, behind: store.prefix, at: store.address)
        let scene = try await NodesScene(
            nodes: hosts.count, database: postgres.fact("connection"), objects: ObjectEngine(objects), on: hosts)
        let crowd = NodesCrowd(scene)
        try await crowd.come {
            for _ in 0..<Self.rounds {
                for fault in Fault.allCases.shuffled() {
                    try await crowd.waitForAnswers()
                    let nodes = fault.isOfAll ? Array(hosts.indices) : [Int.random(in: hosts.indices)]
                    let blob = try await crowd.takeReady()
                    let lost = (fault.takesDatabase ? [database] : []) + (fault.takesStore ? [store] : [])
                    for node in nodes { for other in lost { try await network.cut(hosts[node], from: other) } }
                    // A node without the object store serves what it has.
                    for node in nodes where fault.takesDatabase {
                        try await eventually { try await !scene.isReady(scene.serving[node]) }
                    }
                    try await crowd.waitForRefusal()
                    if !fault.isOfAll {
                        let other = scene.serving[(nodes[0] + 1) % hosts.count]
                        try await eventually { try await crowd.revoke(blob, at: other) }
                        // Whoever meets a node without the object store waits for as long as that may take.
                        try await crowd.waitForAnswers(4)
                    }
                    for node in nodes { for other in lost { try await network.join(hosts[node], with: other) } }
                    for node in scene.serving { try await eventually { try await scene.isReady(node) } }
                }
            }
        }
        try await crowd.expectTruth(revokedAtLeast: Fault.allCases.count)
        for node in scene.serving { #expect(await node.stop() == 0, "\(node.log)") }
        withExtendedLifetime((postgres, objects)) {}
    }
}
