import Blobs
import Files
import TestSupport
import Testing

@testable import Transfer

@Suite(.enabled(if: Peer.isAvailable, "python3 plays the server"))
struct HTTPClientTests {
    private static let size = 300_000
    private let blob = Peer.pattern(size)
    private let folder: TemporaryFolder
    private let peers = Peers()

    init() throws {
        folder = try TemporaryFolder()
    }

    private var address: BlobAddress {
        var hasher = BlobHasher()
        unsafe hasher.update(blob.span.bytes)
        return hasher.address()
    }

    private func settings(_ environment: [String: String] = [:]) -> TransferSettings {
        TransferSettings(connectTimeoutSeconds: 2, stallTimeoutSeconds: 2, environment: { environment[$0] })
    }

    private func client(_ environment: [String: String] = [:]) throws -> HTTPClient {
        try HTTPClient(settings: settings(environment))
    }

    private func request(_ method: HTTPRequest.Method, _ text: String) throws -> HTTPRequest {
        HTTPRequest(method, try #require(WebURL(text)))
    }

    @Test(arguments: ["127.1", "0x7f000001", "2130706433", "localhost"])
    func `no spelling of a private address is asked for through a proxy, where it has to be public`(host: String) throws
    {
        let proxy = try peers.start()
        var request = try request(.get, "http://\(host):1/\(address.hex)")
        request.requiresPublicAddress = true
        for environment in [[:], ["http_proxy": proxy.url]] {
            let error = #expect(throws: TransferError.self) { try client(environment).ask(request) }
            guard case .refusedName = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
        }
        #expect(proxy.log.isEmpty)
    }

    /// From an offset up to an end, or to that of the blob.
    private func part(_ offset: Int64 = 0, _ end: Int64 = Int64(size)) throws -> BlobPart {
        BlobPart(
            try #require(ByteRange(offset: offset, count: end - offset, within: Int64(Self.size))), of: Int64(Self.size)
        )
    }

    private func download(
        _ peer: Peer, offset: Int64 = 0, into file: borrowing OpenFile
    ) throws -> DownloadOutcome {
        try client().download(
            request(.get, "\(peer.url)/\(address.hex)"), try part(offset), into: file,
            entityTag: "\"\(address.hex)\"", progress: { _ in })
    }

    @Test func `a whole blob arrives, and every byte is counted`() throws {
        let peer = try peers.start("size=\(Self.size)")
        let file = try OpenFile(folder.path("blob"), .create(permissions: 0o600))
        var seen: Int64 = 0
        let outcome = try client().download(
            request(.get, "\(peer.url)/\(address.hex)"), try part(), into: file, entityTag: nil, progress: { seen = $0 }
        )
        guard case .complete = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(seen == Int64(Self.size))
        #expect(try bytes(ofFile: folder.path("blob")) == blob)
    }

    @Test(arguments: [(HTTPRequest.Method.post, true), (.patch, true), (.delete, false), (.get, false)])
    func `a request that could have a body says that it has none`(method: HTTPRequest.Method, isSaid: Bool) throws {
        let peer = try peers.start("hold=missing", "renew=missing", "revoke=missing", "lease=missing")
        let response = try client().ask(request(method, "\(peer.url)/\(address.hex)/lease"))
        #expect(response.status == 404)
        let line = try #require(peer.log.first)
        #expect(line.contains("\"content-length\": \"0\"") == isSaid)
        #expect(!line.contains("transfer-encoding") && !line.contains("100-continue"))
    }

    @Test(arguments: ["cut:100000", "nolength:100000"])
    func `after a cut the rest is asked for, and only the rest`(behaviour: String) throws {
        let peer = try peers.start("size=\(Self.size)", "blob=\(behaviour)")
        let file = try OpenFile(folder.path("blob"), .create(permissions: 0o600))
        guard case .broken(let error, let tag) = try download(peer, into: file) else {
            Issue.record("the first attempt was not cut")
            return
        }
        #expect(error.isTransient)
        #expect(tag == "\"\(address.hex)\"")
        #expect(try file.size() == 100_000)
        guard case .complete = try download(peer, offset: 90_000, into: file) else {
            Issue.record("the second attempt was not complete")
            return
        }
        #expect(try bytes(ofFile: folder.path("blob")) == blob)
        #expect(peer.log.last?.contains("bytes=90000-") == true)
        #expect(peer.log.last?.contains("if-range") == true)
    }

    @Test func `a server that sends the whole again starts the file again`() throws {
        let peer = try peers.start("size=\(Self.size)", "blob=whole")
        let file = try OpenFile(folder.path("blob"), .create(permissions: 0o600))
        unsafe try file.write([UInt8](repeating: 9, count: 50_000).span.bytes)
        guard case .complete = try download(peer, offset: 50_000, into: file) else {
            Issue.record("not complete")
            return
        }
        #expect(try bytes(ofFile: folder.path("blob")) == blob)
    }

    @Test(arguments: [("long", Int64(size)), ("longer", 0), ("html", 0)])
    func `a body of another length than the blob's is refused before it is written`(behaviour: String, mostBytes: Int64)
        throws
    {
        let peer = try peers.start("size=\(Self.size)", "blob=\(behaviour)")
        let file = try OpenFile(folder.path("blob"), .create(permissions: 0o600))
        #expect(throws: TransferError.self) { try download(peer, into: file) }
        #expect(try file.size() <= mostBytes)
    }

    @Test func `a part that was not asked for is refused`() throws {
        let peer = try peers.start("size=\(Self.size)", "blob=wrongpart")
        let file = try OpenFile(folder.path("blob"), .create(permissions: 0o600))
        #expect(throws: TransferError.self) { try download(peer, offset: 1000, into: file) }
    }

    @Test(arguments: ["ok", "whole"])
    func `bytes in the middle are replaced, and those around them stay, unless the whole comes`(behaviour: String)
        throws
    {
        let peer = try peers.start("size=\(Self.size)", "blob=\(behaviour)")
        let file = try OpenFile(folder.path("blob"), .create(permissions: 0o600))
        var wrong = blob
        for place in [10, 1000, 200_000] { wrong[place] ^= 1 }
        unsafe try file.write(wrong.span.bytes)
        var seen: Int64 = 0
        let outcome = try client().download(
            request(.get, "\(peer.url)/\(address.hex)"), try part(900, 1100), into: file, entityTag: nil,
            progress: { seen = $0 })
        guard case .complete = outcome else {
            Issue.record("\(outcome)")
            return
        }
        #expect(peer.log[0].contains("\"range\": \"bytes=900-1099\""))
        wrong[1000] ^= 1
        #expect(try bytes(ofFile: folder.path("blob")) == (behaviour == "ok" ? wrong : blob))
        #expect(seen == (behaviour == "ok" ? 1100 : Int64(Self.size)))
    }

    @Test func `a place that is not waited for is given up without its first byte, connected or not`() throws {
        let peer = try peers.start("size=\(Self.size)", "blob=stall,drip:5000")
        let file = try OpenFile(folder.path("blob"), .create(permissions: 0o600))
        var asked = try request(.get, "\(peer.url)/\(address.hex)")
        asked.firstByteMilliseconds = 300
        guard
            case .broken(.unreachable(_, let why), _) = try client().download(
                asked, try part(), into: file, entityTag: nil, progress: { _ in })
        else {
            Issue.record("it was waited for")
            return
        }
        #expect(why == "no answer within 300 ms")
        // With the first byte the usual limits hold.
        let slow = TransferSettings(stallTimeoutSeconds: 1, lowestDownloadRate: 1024, environment: { _ in nil })
        guard
            case .broken(.tooSlow, _) = try HTTPClient(settings: slow).download(
                asked, try part(), into: file, entityTag: nil, progress: { _ in })
        else {
            Issue.record("the first byte did not count")
            return
        }
    }

    @Test(arguments: [("gone:revoked", 410), ("missing", 404), ("busy:7", 503)])
    func `other answers come back as they are`(behaviour: String, status: Int) throws {
        let peer = try peers.start("size=\(Self.size)", "blob=\(behaviour)")
        let file = try OpenFile(folder.path("blob"), .create(permissions: 0o600))
        guard case .answered(let response) = try download(peer, into: file) else {
            Issue.record("no answer")
            return
        }
        #expect(response.status == status)
        #expect(response.mediaType == "application/problem+json")
        #expect(!response.body.isEmpty)
        #expect(try file.size() == 0)
    }

    @Test func `a redirect is an answer: nobody follows it here`() throws {
        let peer = try peers.start("size=\(Self.size)", "blob=redirect:/elsewhere")
        let response = try client().ask(request(.get, "\(peer.url)/\(address.hex)"))
        #expect(response.status == 302)
        #expect(response["location"] == "/elsewhere")
        #expect(peer.log.count == 1)
    }

    @Test(arguments: [
        "bighead", "bigproblem", "garbage", "stall", "drop",
    ])
    func `an answer without bounds, without sense or without end is an error`(behaviour: String) throws {
        let peer = try peers.start("blob=\(behaviour)")
        #expect(throws: TransferError.self) { try client().ask(request(.get, "\(peer.url)/\(address.hex)")) }
    }

    @Test func `a dead port is unreachable, an unknown name unresolved`() throws {
        let port = try Peer().port
        let error = #expect(throws: TransferError.self) { try client().ask(request(.get, "http://127.0.0.1:\(port)/")) }
        guard case .unreachable = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        let other = #expect(throws: TransferError.self) { try client().ask(request(.get, "http://no.invalid/")) }
        guard case .unresolved = other else {
            Issue.record("\(String(describing: other))")
            return
        }
    }

    @Test func `a stranger's host at a private address is refused, by number and by name`() throws {
        let peer = try peers.start()
        for host in ["127.0.0.1", "localhost"] {
            var asked = try request(.get, "http://\(host):\(peer.port)/")
            asked.requiresPublicAddress = true
            let question = asked
            let error = #expect(throws: TransferError.self) {
                // What a name resolves to is seen where the connection is made.
                try CurlHandle().perform(
                    question, CurlTransfer(question, .none, progress: { _ in }), uploadLength: nil, proxy: .direct,
                    settings: settings())
            }
            guard case .refusedAddress(_, let address) = error else {
                Issue.record("\(String(describing: error))")
                continue
            }
            #expect(address.isLoopback)
        }
        #expect(peer.log.isEmpty)
    }

    @Test func `through a proxy a public host is fine wherever the proxy is, a private one is not`() throws {
        let peer = try peers.start("size=\(Self.size)")
        var asked = try request(.get, "http://1.1.1.1/\(address.hex)")
        asked.requiresPublicAddress = true
        let file = try OpenFile(folder.path("blob"), .create(permissions: 0o600))
        let outcome = try client(["http_proxy": peer.url]).download(
            asked, try part(), into: file, entityTag: nil, progress: { _ in })
        guard case .complete = outcome else {
            Issue.record("\(outcome)")
            return
        }
        asked.url = try #require(WebURL("http://10.0.0.1/\(address.hex)"))
        #expect(throws: TransferError.self) { try client(["http_proxy": peer.url]).ask(asked) }
        #expect(peer.log.count == 1)
    }

    @Test func `an upload waits for its 100, sends every byte and hears the answer`() throws {
        let peer = try peers.start()
        try write(blob, toFile: folder.path("blob"))
        let file = try OpenFile(folder.path("blob"), .read)
        var asked = try request(.put, "\(peer.url)/upload")
        asked.fields = [HTTPField("Expect", "100-continue"), HTTPField("X-SHA-256", address.hex)]
        let response = try client().upload(asked, file: file, size: Int64(Self.size), progress: { _ in })
        #expect(response.status == 201)
        #expect(String(decoding: response.body, as: UTF8.self).contains(address.hex))
        #expect(peer.log.last?.contains("100-continue") == true)
    }

    @Test func `an upload that is refused sends no body`() throws {
        let peer = try peers.start("put=status:too-large/413")
        try write(blob, toFile: folder.path("blob"))
        let file = try OpenFile(folder.path("blob"), .read)
        var asked = try request(.put, "\(peer.url)/upload")
        asked.fields = [HTTPField("Expect", "100-continue")]
        var sent: Int64 = 0
        let response = try client().upload(asked, file: file, size: Int64(Self.size), progress: { sent = $0 })
        #expect(response.status == 413)
        #expect(sent == 0)
    }

    @Test func `an upload whose connection breaks is an error that passes`() throws {
        let peer = try peers.start("put=half")
        try write(blob, toFile: folder.path("blob"))
        let file = try OpenFile(folder.path("blob"), .read)
        let error = #expect(throws: TransferError.self) {
            try client().upload(
                request(.put, "\(peer.url)/upload"), file: file, size: Int64(Self.size), progress: { _ in })
        }
        #expect(error?.isTransient == true)
    }

    @Test func `a file that grew shorter is the file's error`() throws {
        let peer = try peers.start()
        try write([1, 2, 3], toFile: folder.path("blob"))
        let file = try OpenFile(folder.path("blob"), .read)
        let error = #expect(throws: TransferError.self) {
            try client().upload(
                request(.put, "\(peer.url)/upload"), file: file, size: Int64(Self.size), progress: { _ in })
        }
        guard case .file = error else {
            Issue.record("\(String(describing: error))")
            return
        }
    }
}
