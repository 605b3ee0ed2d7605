import Blobs
import Crypto
import HTTPTypes
import Store

@testable import BlobHTTP
@testable import Tickets

/// Lines: a request target, Content-Length, Content-Type, Authorization, then the JSON of a header and of claims.
///
/// A path is one that can be written again, and only what the one secret has signed is let in: as long as it says, for as
/// many bytes, for people with proper names. The two JSON texts are signed, so that what stands behind the signature is
/// reached.
func fuzzSlots(_ bytes: [UInt8]) {
    var lines = Lines(bytes)
    let target = lines.next() ?? "/slots/d/s/f"
    let size = lines.next().flatMap { SaturatingDigits.parse($0) } ?? 1
    let type = lines.next()
    var fields = HTTPFields()
    if let authorization = lines.next() { fields[.authorization] = authorization }
    guard let (door, path) = SlotPath.parse(target: target) else { return }
    check((1...64).contains(door.utf8.count) && target.utf8.starts(with: "/slots/\(door)/".utf8), "a door has a name")
    guard let path else { return }
    checkPath(path)
    if let word = SlotWord(fields, target: target) {
        let grant = try? word.grant(for: path, size: size, contentType: type, secrets: [secret], now: now)
        check(grant == nil || isSigned(fields, target), "nobody opens a slot without the secret")
    }
    let header = lines.next() ?? #"{"alg":"HS256"}"#
    let signed = sign("\(Base64URL.encode(header.utf8)).\(Base64URL.encode((lines.next() ?? "{}").utf8))")
    if let grant = try? SlotWord.token(signed).grant(
        for: path, size: size, contentType: nil, secrets: [secret], now: now)
    {
        check(grant.end.map { $0 > now } ?? true, "no slot is over before it is filled")
        check(grant.user.map { $0.hasPrefix("xmpp:") && $0.utf8.count == 45 } ?? true, "people are named by a digest")
        check(path.text.utf8.contains(UInt8(ascii: "/")), "a path has a slot and a file")
    }
}

private let now = Timestamp(seconds: 1_800_000_000)
private let key = [UInt8](0..<32)
private let secret = SlotSecret(ofAnyLength: key)

private func checkPath(_ path: SlotPath) {
    check(!path.text.isEmpty && path.text.utf8.count <= SlotPath.limitBytes, "a path is no longer than it may be")
    let escaped = path.text.utf8.map { "%" + Hexadecimal.encode([$0]) }.joined()
    if escaped.utf8.count <= SlotPath.limitBytes {
        check(SlotPath(door: path.door, encoded: escaped) == path, "one path has one name, however it is written")
    }
    let segments = path.text.split(separator: "/", omittingEmptySubsequences: false)
    check(segments.allSatisfy { $0 != "" && $0 != "." && $0 != ".." }, "no segment leads elsewhere")
    check(SlotType(path: path.text).map { !$0.mediaType.contains("html") } ?? true, "nothing is shown that can run")
}

private func sign(_ text: String) -> String {
    let code = HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: SymmetricKey(data: key))
    return "\(text).\(Base64URL.encode(Array(code)))"
}

/// Whether any text of the request is one that the secret made: the fuzzer does not know it.
private func isSigned(_ fields: HTTPFields, _ target: String) -> Bool {
    guard let token = fields.bearerToken, let dot = token.lastIndex(of: ".") else { return false }
    return sign(String(token[..<dot])) == token
}
