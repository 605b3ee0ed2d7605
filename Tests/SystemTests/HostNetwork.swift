import Foundation
import TestSupport

/// Hosts of a test's own: network namespaces, each with one end of a cable whose other end is at a bridge of this machine.
/// This machine is at the bridge too; no way leads out of it. Sixteen addresses of 10.201.0.0/16 are taken for as long as
/// it lives.
final class HostNetwork: Sendable {
    static let canBeMade =
        geteuid() == 0
        && ["/usr/sbin/nft", "/usr/sbin/ip"].allSatisfy { FileManager.default.isExecutableFile(atPath: $0) }
    static let missing = "hosts of a test's own need root, and iproute2 and nftables"

    /// The system did not let it be made.
    struct Refused: Error { let why: String }

    struct Host: Sendable {
        let address: String
        /// Of its namespace.
        let name: String
        /// The bridge's end of its cable.
        fileprivate let device: String

        /// What stands before a command that runs there.
        var prefix: [String] { ["/usr/sbin/ip", "netns", "exec", name] }

        /// Starts a program there.
        func start(_ program: String, _ arguments: [String], environment: [String: String]) throws -> RunningCommand {
            let command = prefix + [program] + arguments
            return try RunningCommand(command[0], Array(command.dropFirst()), environment: environment)
        }
    }

    let hosts: [Host]
    private let bridge: String
    /// The address of this machine.
    private let own: String

    /// Makes a network of so many hosts, 13 at most, for as long as `body` takes.
    static func with<Value>(hosts count: Int, _ body: (HostNetwork) async throws -> Value) async throws -> Value {
        let network = try await HostNetwork(hosts: count)
        do {
            try await network.lay()
            let value = try await body(network)
            await network.remove()
            return value
        } catch {
            await network.remove()
            throw error
        }
    }

    /// Takes a bridge whose name is free, and with it the names and addresses of its hosts.
    private init(hosts count: Int) async throws {
        var number = Int.random(in: 0..<4096)
        for attempt in 1...10 {
            do {
                try await Self.shell("ip link add sat\(number) type bridge")
                break
            } catch {
                if attempt == 10 { throw error }
                number = Int.random(in: 0..<4096)
            }
        }
        let (prefix, first) = ("10.201.\(number / 16)", number % 16 * 16)
        let bridge = "sat\(number)"
        self.bridge = bridge
        own = "\(prefix).\(first + 1)"
        hosts = (0..<count).map { place in
            Host(
                address: "\(prefix).\(first + 2 + place)", name: "satchel-\(number)-\(place)",
                device: "\(bridge)-\(place)")
        }
    }

    /// Makes the hosts, and lays their cables.
    private func lay() async throws {
        var script = "ip addr add \(own)/28 dev \(bridge); ip link set \(bridge) up\n"
        for host in hosts {
            script += """
                ip netns add \(host.name)
                ip link add \(host.device) type veth peer name inner netns \(host.name)
                ip link set \(host.device) master \(bridge); ip link set \(host.device) up
                ip -n \(host.name) addr add \(host.address)/28 dev inner
                ip -n \(host.name) link set inner up; ip -n \(host.name) link set lo up

                """
        }
        try await Self.shell(script)
        guard hosts.count > 1 else { return }
        // A port where nobody listens refuses at once; a filter of this machine for bridges may keep packets back.
        let knock = hosts[1].prefix + ["timeout", "600", "/bin/bash", "-c", "</dev/tcp/\(hosts[0].address)/9"]
        if try await run(knock[0], Array(knock.dropFirst())).status == 124 {
            throw Refused(why: "no packet comes from one host to another: is forwarding filtered here?")
        }
    }

    /// Packets from and to a host are lost at random from now on.
    func lose(perThousand loss: Int, at host: Host) async throws {
        try await filter(host, table: "loss", input: "numgen random mod 1000 < \(loss)", output: nil)
    }

    /// From now on packets between two hosts vanish, as with a cable that is pulled: connections hang.
    func cut(_ host: Host, from other: Host) async throws {
        let address = other.address
        try await filter(
            host, table: Self.cutTable(other), input: "ip saddr \(address)", output: "ip daddr \(address)")
    }

    /// Puts in again what `cut` has pulled.
    func join(_ host: Host, with other: Host) async throws {
        try await Self.shell("ip netns exec \(host.name) nft delete table inet \(Self.cutTable(other))")
    }

    /// Bytes that others have sent to a host, heads of packets and what went twice among them.
    func bytesSent(to host: Host) throws -> Int {
        let text = try String(contentsOfFile: "/sys/class/net/\(host.device)/statistics/tx_bytes", encoding: .utf8)
        return Int(text.filter(\.isNumber)) ?? 0
    }

    private func remove() async {
        let names = hosts.map { "ip link del \($0.device); ip netns del \($0.name)" }
        _ = try? await run("/bin/sh", ["-c", (names + ["ip link del \(bridge)"]).joined(separator: "\n")])
    }

    private static func cutTable(_ other: Host) -> String { "cut_\(other.device.split(separator: "-")[1])" }

    /// Drops what comes to a host, and what leaves it, under these conditions; the first holds for both without a second.
    private func filter(_ host: Host, table: String, input: String, output: String?) async throws {
        let rules = [("input", input), ("output", output ?? input)].map { hook, condition in
            """
            nft add chain inet \(table) \(hook) '{ type filter hook \(hook) priority 0; }'
            nft add rule inet \(table) \(hook) '\(condition) drop'
            """
        }
        let script = (["set -e", "nft add table inet \(table)"] + rules).joined(separator: "\n")
        let made = try await run(host.prefix[0], Array(host.prefix.dropFirst()) + ["/bin/sh", "-c", script])
        guard made.status == 0 else { throw Refused(why: made.errors) }
    }

    private static func shell(_ script: String) async throws {
        let done = try await run("/bin/sh", ["-c", "set -e\n\(script)"])
        guard done.status == 0 else { throw Refused(why: done.errors) }
    }
}

extension Journey {
    /// Starts a server on a host of a network.
    func serve(at host: HostNetwork.Host) async throws -> Server {
        try await Server(
            host.start(
                Programs.path("satcheld"),
                [
                    "serve", "--listen", "\(host.address):0", "--storage", storage, "--allow-anonymous-uploads",
                ], environment: environment(server: nil)))
    }
}
