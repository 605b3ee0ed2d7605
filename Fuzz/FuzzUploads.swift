import Blobs
import HTTPTypes
import Store

@testable import BlobHTTP

/// Lines: a target, then fields.
///
/// A target means one thing, however it is looked at; what is announced is within all limits, and says the same when
/// it is written again.
func fuzzUploads(_ bytes: [UInt8]) {
    var lines = Lines(bytes)
    checkTarget(lines.next() ?? "")
    let fields = fields(lines.remaining())
    if let announcement = try? UploadAnnouncement(put: fields, subject: "s") {
        check(announcement.size != nil, "a plain upload has a length")
        checkAgain(announcement)
    }
    if let announcement = try? UploadAnnouncement(head: fields, subject: "s") { checkAgain(announcement) }
    if let lifetime = try? fields.renewal() { check(lifetime.seconds > 0, "a lifetime is a while") }
    if let secret = try? fields.secret() {
        check(secret.base64url == fields[.satchelSecret], "a secret has one spelling")
    }
    if let token = fields.bearerToken { check(!token.hasPrefix(" "), "a token does not begin with blanks") }
}

/// What of a route is read on an event loop.
private func subject(of route: Route?) -> ReadSubject? {
    switch route {
    case .blob(let address): .blob(address)
    case .slot(_, let path?): .slot(path)
    default: nil
    }
}

private func checkTarget(_ target: String) {
    let route = Route(target: target)
    check(Route.reading(ofPath: target) == subject(of: route), "the quick way to a blob is the same way")
    let named = pathOfAbsoluteForm(target).flatMap { subject(of: Route(target: $0)) } ?? subject(of: route)
    check(Route.reading(ofTarget: target) == named, "a scheme and a host before a path change nothing")
    guard let route, route != .server else { return }
    check(!route.methods.isEmpty && target.hasPrefix("/"), "what has a name has a method")
    check(Route(target: target + "?again") == route || target.contains("?"), "a query means nothing")
}

/// What follows scheme and host; nil for a target in another form (RFC 9112 §3.2.2).
private func pathOfAbsoluteForm(_ target: String) -> String? {
    let parts = target.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
    guard parts.count == 4, ["http:", "https:"].contains(parts[0].lowercased()), parts[1].isEmpty,
        !parts[2].isEmpty, !parts[2].contains("?"), !parts[2].contains("#")
    else { return nil }
    return "/" + parts[3]
}

private func checkAgain(_ announcement: UploadAnnouncement) {
    let terms = announcement.terms
    check(announcement.size ?? 0 >= 0, "a size is no debt")
    check(terms.recipients.map { (1...LeaseTerms.recipientLimit).contains($0) } ?? true, "recipients within the limit")
    check(terms.receipts.count <= LeaseTerms.receiptLimit, "receipts within the limit")
    var fields = HTTPFields()
    fields[.xContentLength] = announcement.size.map { String($0) }
    fields[.xSHA256] = announcement.address?.hex
    fields[.satchelLifetime] = terms.lifetime.map { String($0.seconds) }
    fields[.satchelRecipients] = terms.recipients.map { String($0) }
    fields[.satchelOwner] = terms.owner?.base64url
    if !terms.receipts.isEmpty { fields[.satchelReceipt] = terms.receipts.map(\.base64url).joined(separator: ", ") }
    guard let again = try? UploadAnnouncement(head: fields, subject: "s") else {
        check(false, "what was announced can be announced again")
        return
    }
    check(
        again.size == announcement.size && again.address == announcement.address
            && again.terms.lifetime == terms.lifetime && again.terms.recipients == terms.recipients
            && again.terms.owner == terms.owner && again.terms.receipts == terms.receipts,
        "an announcement written again says the same")
}
