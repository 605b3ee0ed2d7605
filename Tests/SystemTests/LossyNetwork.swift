import Foundation
import TestSupport

/// A network namespace with one end of a cable in it, and a rule that drops packets in both directions at random.
/// Two addresses of 10.0.0.0/8 are taken for as long as it lives.
final class LossyNetwork: Sendable {
    let name: String
    /// The address inside.
    let address: String
    private let device: String

    init(lossPerThousand loss: Int) async throws {
        let number = Int.random(in: 1..<60_000)
        name = "satchel-\(number)"
        device = "sat\(number)"
        let subnet = "10.201.\(number / 256).\(number % 256 / 4 * 4)".split(separator: ".").compactMap { Int($0) }
        let base = "\(subnet[0]).\(subnet[1]).\(subnet[2])"
        address = "\(base).\(subnet[3] + 2)"
        let inside = "ip netns exec \(name)"
        let script = """
            set -e
            ip netns add \(name)
            ip link add \(device) type veth peer name inner netns \(name)
            ip addr add \(base).\(subnet[3] + 1)/30 dev \(device); ip link set \(device) up
            \(inside) ip addr add \(address)/30 dev inner
            \(inside) ip link set inner up; \(inside) ip link set lo up
            \(inside) nft add table inet loss
            for hook in input output; do
                \(inside) nft add chain inet loss $hook "{ type filter hook $hook priority 0; }"
                \(inside) nft add rule inet loss $hook numgen random mod 1000 \\< \(loss) drop
            done
            """
        let made = try await run("/bin/sh", ["-c", script])
        guard made.status == 0 else {
            await remove()
            throw Server.NotReady(log: made.errors)
        }
    }

    /// Bytes that this machine has put on the cable, heads of packets and what went twice among them.
    func bytesSent() throws -> Int {
        let text = try String(contentsOfFile: "/sys/class/net/\(device)/statistics/tx_bytes", encoding: .utf8)
        return Int(text.filter(\.isNumber)) ?? 0
    }

    func remove() async {
        _ = try? await run("/bin/sh", ["-c", "ip link del \(device); ip netns del \(name)"])
    }
}

extension Journey {
    /// Starts a server inside the network.
    func serve(in network: LossyNetwork) async throws -> Server {
        try await Server(
            RunningCommand(
                "/usr/sbin/ip",
                [
                    "netns", "exec", network.name, Programs.path("satcheld"), "serve", "--listen",
                    "\(network.address):0", "--storage", storage, "--allow-anonymous-uploads",
                ], environment: environment(server: nil)))
    }
}
