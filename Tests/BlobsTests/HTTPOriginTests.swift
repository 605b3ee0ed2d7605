import Blobs
import Testing

@Suite struct HTTPOriginTests {
    @Test(
        arguments: [
            ("media.example", "media.example", nil), ("Media.Example:8443", "media.example", 8443),
            ("[::1]", "::1", nil), ("[2001:DB8::1]:80", "2001:db8::1", 80), ("h:0", "h", 0), (":80", "", 80),
        ] as [(String, String, UInt16?)])
    func `an authority is a host and perhaps a port`(text: String, host: String, port: UInt16?) throws {
        let authority = try #require(Authority(text))
        #expect(authority.host == host && authority.port == port)
        #expect(Authority(authority.description) == authority)
    }

    @Test(arguments: ["h:", "h:x", "h:65536", "h:-1", "::1", "[::1", "[::1]x", "[h]:80", "h:99999999999999999999"])
    func `what cannot be split into host and port is no authority`(text: String) { #expect(Authority(text) == nil) }

    @Test func `an origin is written without the port of its scheme`() {
        #expect("\(HTTPOrigin(scheme: .https, host: "h", port: 443))" == "https://h")
        #expect("\(HTTPOrigin(scheme: .http, host: "::1", port: 443))" == "http://[::1]:443")
        #expect(HTTPOrigin(scheme: .http, host: "localhost", port: 1).isLoopback)
    }
}

@Suite struct LocalTicketPlaceTests {
    private func paths(_ host: String, _ environment: [String: String]) -> [String] {
        LocalTicketPlace.paths(for: HTTPOrigin(scheme: .http, host: host, port: 8080)) { environment[$0] }
    }

    @Test func `a ticket lies in the runtime folder or in the store's, under its server's address and port`() {
        let runtime = ["XDG_RUNTIME_DIR": "/run/user/7"]
        let name = "127.0.0.1:8080.ticket"
        #expect(paths("127.0.0.1", runtime) == ["/run/user/7/satchel/\(name)", "storage/\(name)"])
        #expect(paths("::1", ["SATCHELD_STORAGE": "/srv/s"]) == ["/srv/s/[::1]:8080.ticket"])
        #expect(
            paths("localhost", ["XDG_RUNTIME_DIR": "relative"])
                == ["storage/127.0.0.1:8080.ticket", "storage/[::1]:8080.ticket"])
        #expect(paths("::ffff:127.0.0.2", [:]) == ["storage/127.0.0.2:8080.ticket"], "one name for each address")
    }

    @Test(arguments: ["media.example", "192.168.1.2", "::2", "localhost.example", "127.1", ""])
    func `no other machine has one`(host: String) {
        #expect(paths(host, ["XDG_RUNTIME_DIR": "/run/user/7"]).isEmpty)
    }
}
