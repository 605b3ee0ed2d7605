import Blobs
import Files
import FoundationEssentials
import Logging
import NIOCore
import NIOPosix
import ServiceLifecycle
import Store
import StoreRules
import TestSupport
import Testing
import Vault

@testable import satcheld

@Suite struct ControlTests {
    /// A store with a control socket beside it.
    private func withServer(_ body: (_ socket: String) async throws -> Void) async throws {
        let folder = try TemporaryFolder.inMemory()
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        var settings = VaultSettings()
        settings.ballastBytes = 0
        settings.keepFreeBytes = 0
        settings.threads = 2
        let vault = try await Vault.open(at: folder.path("store"), settings: settings, logger: logger)
        let socket = folder.path("control.sock")
        let (listening, listener) = AsyncStream.makeStream(of: Void.self)
        let server = ControlServer(
            path: socket,
            perform: { (request, progress) async throws(StoreError) in
                try await request.perform(on: vault, progress: progress)
            }, logger: logger
        ) { listener.finish() }
        let group = ServiceGroup(services: [server], logger: logger)
        let running = Task { try await group.run() }
        for await _ in listening {}
        do { try await body(socket) } catch { Issue.record(error) }
        await group.triggerGracefulShutdown()
        try await running.value
        await vault.close()
        #expect(try Folder.status(socket) == nil, "the socket goes with its server")
    }

    @Test func `each request gets the report it asks for`() async throws {
        try await withServer { socket in
            let address = try #require(BlobAddress(hex: String(repeating: "ab", count: 32)))
            let dryRun = try await ask(ControlRequest(collect: CollectOptions(dryRun: true)), at: socket)
            #expect(dryRun.collected?.dryRun == true && dryRun.checked == nil && dryRun.error == nil)
            #expect(try await ask(ControlRequest(check: CheckOptions()), at: socket).checked?.isClean == true)
            #expect(try await ask(ControlRequest(statistics: true), at: socket).statistics?.blobs == 0)
            let health = try await ask(ControlRequest(health: true), at: socket).health
            #expect(health != nil && health?.unreadiness == nil)
            let ban = RemoveOptions(address: address, action: .ban)
            #expect(try await ask(ControlRequest(remove: ban), at: socket).removed?.isBanned == true)
            let unban = RemoveOptions(address: address, action: .unban)
            #expect(try await ask(ControlRequest(remove: unban), at: socket).removed?.wasBanned == true)
            #expect(try await ask(ControlRequest(), at: socket).error != nil)
        }
    }

    @Test(arguments: ["{]\n", "[1]\n", #"{"collect": 7}"# + "\n", String(repeating: " ", count: 5000)])
    func `a caller that sends no request is dropped, and the next one is answered`(text: String) async throws {
        try await withServer { socket in
            let connection = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .connect(unixDomainSocketPath: socket) { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
                    }
                }
            try await connection.executeThenClose { inbound, outbound in
                try await outbound.write(ByteBuffer(string: text))
                for try await _ in inbound { Issue.record("an answer") }
            }
            #expect(try await ask(ControlRequest(statistics: true), at: socket).statistics != nil)
        }
    }

    @Test func `a line may come in pieces, and several at once`() throws {
        var lines = LineBuffer(byteLimit: 10)
        try lines.append(ByteBuffer(string: "ab"))
        #expect(lines.next() == nil)
        try lines.append(ByteBuffer(string: "c\nde\nf"))
        #expect(lines.next() == Array("abc".utf8))
        #expect(lines.next() == Array("de".utf8))
        #expect(lines.next() == nil)
        #expect(throws: ControlError.self) { try lines.append(ByteBuffer(string: "ghijklmnopq")) }
    }

    @Test func `a message survives its line`() throws {
        let address = try #require(BlobAddress(hex: String(repeating: "ef", count: 32)))
        var report = CheckReport()
        report.add(.init(Damage(.wrongSize, "3 bytes instead of 5"), name: address.hex, isRepaired: true))
        let reply = ControlReply(checked: report)
        let line = try reply.line()
        #expect(line.readableBytesView.last == UInt8(ascii: "\n"))
        let back = try JSONDecoder().decode(ControlReply.self, from: Data(line.readableBytesView))
        #expect(back.checked == report && back.progress == nil)
        let request = ControlRequest(remove: RemoveOptions(address: address, action: .takeDown))
        let again = try JSONDecoder().decode(ControlRequest.self, from: Data(try request.line().readableBytesView))
        #expect(again.remove?.target == .address(address) && again.remove?.action == .takeDown && again.collect == nil)
    }

    @Test func `a socket below a long path is reached all the same`() async throws {
        let short = try await ControlSocket.withShortPath("/tmp/a.sock") { $0 }
        #expect(short == "/tmp/a.sock")
        let folder = try TemporaryFolder()
        let deep = folder.path(String(repeating: "d", count: 120))
        try Folder.makeAll(deep)
        let path = try await ControlSocket.withShortPath("\(deep)/a.sock") { $0 }
        #expect(path.utf8.count <= 107 && path.hasSuffix("/a.sock"))
    }

    private func ask(_ request: ControlRequest, at socket: String) async throws -> ControlReply {
        try await ControlClient.ask(request, at: socket) { _ in }
    }
}
