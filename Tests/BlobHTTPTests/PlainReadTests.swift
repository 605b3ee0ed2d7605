import Blobs
import NIOCore
import NIOEmbedded
import Testing

@testable import BlobHTTP

/// Reads that are recognised in the bytes as they came.
@Suite struct PlainReadTests {
    private static let digits = String(repeating: "0f", count: 16) + String(repeating: "9a", count: 16)

    private func read(_ text: String, limit: Int = 32 << 10) -> PlainRead? {
        PlainRead(Array(text.utf8).span, limit: limit)
    }

    private func get(_ fields: String, target: String = "/" + digits, method: String = "GET") -> String {
        "\(method) \(target) HTTP/1.1\r\n\(fields)\r\n"
    }

    @Test func `its address, its end and what it wants are those of the bytes`() throws {
        let text = get("Host: x\r\nAccept: */*\r\n")
        let plain = try #require(read(text + "GET /"))
        #expect(plain.subject == BlobAddress(hex: Self.digits).map { .blob($0) })
        #expect(!plain.isHead && plain.known == nil && plain.range == nil)
        #expect(plain.byteCount == text.utf8.count)
        #expect(read(get("host:x\r\n", method: "HEAD"))?.isHead == true)
        let known = read(get("Host: x\r\nIf-None-Match: \"\(Self.digits)\"\r\n"))?.known
        #expect(known == BlobAddress(hex: Self.digits))
        #expect(read(get("Host: x\r\nRANGE: bytes=5-1234567890123\r\n"))?.range == 5...1_234_567_890_123)
        #expect(read(get("Host: x\r\nconnection: Keep-Alive\t \r\n")) != nil)
    }

    @Test(arguments: [
        "", "Host: x\r\nHost: x\r\n", "Host: x\r\nIf-Match: *\r\n", "Host: x\r\nIf-None-Match: *\r\n",
        "Host: x\r\nRange: bytes=5-4\r\n", "Host: x\r\nRange: bytes=5-\r\n", "Host: x\r\nRange: bytes=0-1,3-4\r\n",
        "Host: x\r\nRange: bytes=0-1\r\nRange: bytes=0-1\r\n", "Host: x\r\nRange: bytes=0-9999999999999999999\r\n",
        "Host: x\r\nRange: bytes= 0-1\r\n", "Host: x\r\nIf-Range: \"\"\r\n", "Host: x\r\nExpect: 100-continue\r\n",
        "Host: x\r\nConnection: close\r\n", "Host: x\r\nConnection: keep-alive, x\r\n", "Host: x\r\nUpgrade: h2c\r\n",
        "Host: x\r\nContent-Length: 0\r\n", "Host: x\r\nTransfer-Encoding: chunked\r\n",
        "Host: x\r\nProxy-Connection: x\r\n", "Host: x\r\nSatchel-Reread: 1\r\n", "Host : x\r\n", " Host: x\r\n",
        "Host: x\r\n y\r\n", "Host: x\n", "Host: x\r\rX: y\r\n", "Host: \u{0}\r\n", "Host: é\r\n", "Host: \u{7f}\r\n",
        "Host\r\n", ": x\r\n",
    ]) func `whatever needs the decoder is left to it`(fields: String) {
        #expect(read(get(fields)) == nil)
    }

    @Test func `other methods, targets and versions are left to it, and so is what has not come`() {
        let host = "Host: x\r\n"
        let digits = Self.digits
        let short = String(digits.dropLast())
        var targets = ["/\(digits.uppercased())", "/\(digits).jpg", "/\(digits)?", "http://x/\(digits)", "//\(digits)"]
        targets += ["", "g", "`", ":", "/", "\u{e9}"].map { "/\(short)\($0)" }
        for target in targets { #expect(read(get(host, target: target)) == nil, "\(target)") }
        for method in ["PUT", "get", "HEADS", "OPTIONS"] {
            #expect(read(get(host, method: method)) == nil, "\(method)")
        }
        let text = get(host + "Accept: */*\r\n")
        #expect(read(text.replacing("1.1", with: "1.0")) == nil)
        for count in 0..<text.utf8.count {
            #expect(read(String(decoding: text.utf8.prefix(count), as: UTF8.self)) == nil)
        }
        #expect(read(text, limit: text.utf8.count) != nil && read(text, limit: text.utf8.count - 1) == nil)
    }

    @Test func `of a slot the target is, as it was written, however short the request`() {
        for target in [
            "/slots/chat/s1/a.jpg", "/slots/c/a", "/slots/chat/%C3%BC%20x/(1)~@:!$&'*+,;=-_.JPG",
            "/slots/c/a?v=[1]#\"|", "/slots/",
        ] {
            let text = get("Host:x\r\n", target: target)
            let read = read(text)
            #expect(read?.subject == .slot(target: 4..<4 + target.utf8.count), "\(target)")
            #expect(read?.byteCount == text.utf8.count)
        }
        #expect(read(get("Host: x\r\n", target: "/slots/c/a", method: "HEAD"))?.subject == .slot(target: 5..<15))
        let longest = "/slots/c/" + String(repeating: "a", count: PlainRead.targetLimit - 9)
        #expect(read(get("Host: x\r\n", target: longest)) != nil)
        let others = ["/slots", "/slots/c/a b", "/slots/c/a\t", "/slots/c/\u{7f}", "/slots/c/\u{1}"]
        for target in others + ["/slot/c/a", "/Slots/c/a", "/slots/c/\u{e9}", "http://x/slots/c/a", longest + "a"] {
            #expect(read(get("Host: x\r\n", target: target)) == nil, "\(target)")
        }
    }

    @Test func `of more fields than the decoder takes nothing is taken`() throws {
        for (count, isTaken) in [(256, true), (257, false)] {
            let text = get("Host: x\r\n" + String(repeating: "A:\r\n", count: count - 1))
            #expect((read(text) != nil) == isTaken, "\(count)")
            let channel = EmbeddedChannel()
            try channel.pipeline.syncOperations.addHandler(
                ByteToMessageHandler(HTTP1Pipeline.decoder(limits: ConnectionLimits())))
            #expect(((try? channel.writeInbound(ByteBuffer(string: text))) != nil) == isTaken, "\(count)")
            _ = try? channel.finish(acceptAlreadyClosed: true)
        }
    }

    @Test func `eight digits are looked at together, and every other byte is found`() {
        for place in 0..<64 {
            for byte in UInt8.min...UInt8.max {
                var bytes = Array(Self.digits.utf8)
                bytes[place] = byte
                let isDigit = Array("0123456789abcdef".utf8).contains(byte)
                let hex = BlobAddress(hexDigits: bytes.span)?.hex
                #expect(hex == (isDigit ? String(decoding: bytes, as: UTF8.self) : nil))
            }
        }
    }

    @Test func `its fields can be asked for, several of a name as one list`() throws {
        let bytes = Array(get("Host: x\r\nX-Forwarded-For: 192.0.2.1 \r\nx-forwarded-for: 192.0.2.2\r\nA:\r\n").utf8)
        let read = PlainRead(bytes.span, limit: 1 << 10)
        let plain = try #require(read)
        let values = ["x-forwarded-for", "a", "b"].map { plain.value(of: $0, in: bytes.span) }
        #expect(values == ["192.0.2.1,192.0.2.2", "", nil])
        let slot = Array("HEAD /slots/c/a HTTP/1.1\r\nX: 1\r\nHost: x\r\n\r\n".utf8)
        #expect(PlainRead(slot.span, limit: 1 << 10)?.value(of: "x", in: slot.span) == "1", "of the first field too")
    }
}
