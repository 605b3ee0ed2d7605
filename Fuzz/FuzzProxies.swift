import Blobs
import HTTPTypes

@testable import BlobHTTP

/// Lines: a trusted range, the peer's address, the field's value, then a public URL and a Host.
///
/// Nobody whom we do not trust is believed, and what a client writes at the left of a field is never looked at.
func fuzzProxies(_ bytes: [UInt8]) {
    var lines = Lines(bytes)
    var proxies = TrustedProxies()
    if let range = lines.next().flatMap({ IPPrefix($0) }) { proxies.ranges = [range] }
    let peer = lines.next().flatMap { ClientAddress(text: $0) } ?? ClientAddress(bytes: [127, 0, 0, 1])
    let value = lines.next() ?? ""
    for field in [HTTPField.Name.xForwardedFor, .forwarded] {
        proxies.field = field
        checkBelief(in: proxies, peer: peer, value: value)
    }
    checkNames(url: lines.next() ?? "", host: lines.next() ?? "")
}

private func checkBelief(in proxies: TrustedProxies, peer: ClientAddress, value: String) {
    let client = proxies.client(peer: peer) { _ in value }
    let isTrusted = { (address: ClientAddress) in proxies.ranges.contains { address.isIn($0) } }
    if !isTrusted(peer) { check(client == peer, "strangers are not believed") }
    if !isTrusted(client), client != peer {
        let forged = proxies.client(peer: peer) { _ in "for=203.0.113.9, " + value }
        let listed = proxies.client(peer: peer) { _ in "203.0.113.9, " + value }
        check(forged == client && listed == client, "what stands further left changes nothing")
    }
    check(!client.subject.isEmpty && !client.abbreviated.isEmpty, "every client has a name")
    check(client.customer.customer == client.customer, "a customer is its own customer")
}

private func checkNames(url: String, host: String) {
    if let url = PublicURL(url) {
        check(PublicURL(url.description) == url, "a URL written again is the same")
        check(!url.path.hasSuffix("/"), "its path ends in a name")
    }
    if let authority = Authority(host) {
        check(authority.port.map { (0...65_535).contains($0) } ?? true, "a port is 16 bits")
        check(!authority.isLoopback || authority.host != "", "nothing is not this machine")
    }
}
