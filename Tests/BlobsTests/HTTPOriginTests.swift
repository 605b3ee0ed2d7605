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
