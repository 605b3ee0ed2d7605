import Blobs
import Crypto
import Dispatch
import Files
import Foundation
import Synchronization

@testable import Tickets

/// Lines: the JSON of a header, the JSON of the claims, a token as it is, and then the bytes of a key file.
///
/// The two JSON texts are signed with a key that is known, so that what stands behind the signature is reached. Whatever
/// is taken names its holder and lasts no longer than a ticket may; whatever was not signed is not taken.
func fuzzTickets(_ bytes: [UInt8]) {
    var lines = Lines(bytes)
    let header = lines.next() ?? #"{"alg":"HS256","kid":"k"}"#
    let claims = lines.next() ?? "{}"
    let signed = sign("\(Base64URL.encode(header.utf8)).\(Base64URL.encode(claims.utf8))")
    if let ticket = ticket(signed) { checkTaken(ticket, header: header) }
    if let token = lines.next() {
        check(ticket(token) == nil || isSigned(token), "nobody makes a ticket without the key")
    }
    checkKeyFile(Array(lines.remaining().joined(separator: "\n").utf8))
}

private let secret = [UInt8](0..<32)
private let now = Timestamp(seconds: 1_800_000_000)
private let verifier = waiting { await TicketVerifier(keys: keys(), audience: "a") }

/// The one key, read from a file as the server does.
private func keys() async -> TicketKeys {
    let path = "/dev/shm/satchel-fuzz-\(getpid())"
    defer { _ = try? Folder.remove("\(path)/k.secret") }
    do {
        try Folder.make(path)
        let file = try OpenFile("\(path)/k.secret", .create(permissions: 0o600))
        try file.write(Array(Base64URL.encode(secret).utf8))
        return try await TicketKeys.load([path])
    } catch {
        preconditionFailure("the harness cannot work: \(error)")
    }
}

private func ticket(_ token: String) -> Ticket? {
    waiting { try? await verifier.ticket(token, now: now) }
}

private func checkTaken(_ ticket: Ticket, header: String) {
    check((1...256).contains(ticket.subject.utf8.count), "a ticket names its holder")
    check(ticket.entitlement.largestBytes ?? 0 >= 0, "no ticket is for less than nothing")
    check(
        ticket.mostRecipients.map { (1...LeaseTerms.recipientLimit).contains($0) } ?? true, "recipients as they may be")
    check(header.contains("HS256") || header.contains("\\u"), "a key has one algorithm")
}

private func sign(_ text: String) -> String {
    let code = HMAC<SHA256>.authenticationCode(for: Array(text.utf8), using: SymmetricKey(data: secret))
    return "\(text).\(Base64URL.encode(Array(code)))"
}

private func isSigned(_ token: String) -> Bool {
    token.lastIndex(of: ".").map { sign(String(token[..<$0])) == token } ?? false
}

private func checkKeyFile(_ bytes: [UInt8]) {
    guard bytes.count <= KeyMaterial.limitBytes, case .secret(let secret)? = try? KeyMaterial(bytes) else { return }
    check(secret.count >= KeyMaterial.secretBytes, "no secret is too short")
    guard case .secret(let again)? = try? KeyMaterial(Array((Base64URL.encode(secret) + "\n").utf8)) else {
        check(false, "a secret can be written in base64url")
        return
    }
    check(again == secret, "and is the same then")
}

/// Waits for what is done elsewhere: libFuzzer knows no tasks.
private func waiting<Result: Sendable>(_ body: @escaping @Sendable () async -> Result) -> Result {
    let done = DispatchSemaphore(value: 0)
    let box = Box<Result>()
    Task {
        let result = await body()
        box.value.withLock { $0 = result }
        done.signal()
    }
    done.wait()
    guard let result = box.value.withLock({ $0 }) else { preconditionFailure("the task has ended") }
    return result
}

private final class Box<Value: Sendable>: Sendable {
    let value = Mutex<Value?>(nil)
}
