import Blobs
import Crypto

/// Signs requests as AWS does (Signature Version 4): HMAC-SHA-256 over the method, path, query and fields of a request,
/// with a key that is made of a secret for one day, region and service.
///
///     canonical request    METHOD \n path \n query \n name:value \n … \n\n names \n digest of the body
///     string to sign       AWS4-HMAC-SHA256 \n time \n scope \n SHA-256 of the canonical request
///     key                  HMAC(HMAC(HMAC(HMAC("AWS4" + secret, day), region), "s3"), "aws4_request")
struct SignatureV4 {
    /// A request as it is signed. Field names are in lower case, values without blanks at their ends; `path` is written
    /// as in the request line.
    struct Request {
        var method: String
        var path: String
        /// Names and values as they are, not encoded.
        var query: [(name: String, value: String)] = []
        /// All fields that are to be signed, Host among them.
        var fields: [(name: String, value: String)]
        /// SHA-256 of the body in hexadecimal.
        var bodyDigest: String
    }

    let key: AccessKey
    let region: String
    private let algorithm = "AWS4-HMAC-SHA256"

    init(_ key: AccessKey, region: String) {
        self.key = key
        self.region = region
    }

    /// What goes with `request` at `time`: the fields `x-amz-date`, `x-amz-content-sha256`, perhaps
    /// `x-amz-security-token`, and `authorization`.
    func fields(for request: Request, at time: Timestamp) -> [(name: String, value: String)] {
        let written = HTTPDate.basic(time)
        let scope = [String(written.prefix(8)), region, "s3", "aws4_request"]
        var added = [("x-amz-content-sha256", request.bodyDigest), ("x-amz-date", written)]
        if let token = key.sessionToken { added.append(("x-amz-security-token", token)) }
        var request = request
        request.fields += added
        let path = scope.joined(separator: "/")
        let code = code(of: "\(algorithm)\n\(written)\n\(path)\n\(Self.digest(request))", scope)
        added.append(
            (
                "authorization",
                "\(algorithm) Credential=\(key.id)/\(path), SignedHeaders=\(Self.names(request)), "
                    + "Signature=\(Hexadecimal.encode(code))"
            ))
        return added
    }

    /// A query in the one form that is signed: encoded, and in the order of the bytes of its names, then values.
    static func text(of query: [(name: String, value: String)]) -> String {
        query.map { (encode($0.name), encode($0.value)) }.sorted { $0 < $1 }.map { "\($0)=\($1)" }
            .joined(separator: "&")
    }

    /// A text as it is written in a query or, part by part, in a path: everything but letters, digits and `-_.~` in
    /// percent signs and capital hexadecimal digits (RFC 3986 §2.1).
    static func encode(_ text: String) -> String {
        if text.utf8.allSatisfy(isUnreserved) { return text }
        var encoded: [UInt8] = []
        for byte in text.utf8 {
            if isUnreserved(byte) {
                encoded.append(byte)
            } else {
                encoded.append(UInt8(ascii: "%"))
                encoded += Hexadecimal.encode([byte]).uppercased().utf8
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
            || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: ".")
            || byte == UInt8(ascii: "~")
    }

    /// The text of which the digest is signed.
    static func canonical(_ request: Request) -> String {
        let fields = request.fields.sorted { $0.name < $1.name }.map { "\($0.name):\($0.value)\n" }.joined()
        return [request.method, request.path, text(of: request.query), fields, names(request), request.bodyDigest]
            .joined(separator: "\n")
    }

    private static func names(_ request: Request) -> String {
        request.fields.map(\.name).sorted().joined(separator: ";")
    }

    private static func digest(_ request: Request) -> String {
        Hexadecimal.encode(Array(SHA256.hash(data: Array(canonical(request).utf8))))
    }

    /// The code of `text` by a key that is good for `scope` only.
    private func code(of text: String, _ scope: [String]) -> [UInt8] {
        (scope + [text]).reduce(Array("AWS4\(key.secret)".utf8)) { code, part in
            Array(HMAC<SHA256>.authenticationCode(for: Array(part.utf8), using: SymmetricKey(data: code)))
        }
    }
}
