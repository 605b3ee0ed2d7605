import Blobs

@testable import Transfer

/// Lines: a URL, a reference as Location has it, Retry-After, an address, Content-Range, then the head of an answer.
///
/// What is read of a server's answer leads nowhere that was not checked: places written again are the same places.
func fuzzAnswers(_ bytes: [UInt8]) {
    var lines = Lines(bytes)
    let url = lines.next().flatMap { WebURL($0) }
    let reference = lines.next() ?? ""
    if let url {
        checkPlace(url)
        if let place = url.resolving(reference) { checkResolved(place) }
        checkPlace(url.appending("x"))
    }
    if let seconds = lines.next().flatMap({ RetryAfter.seconds($0, now: 1_800_000_000) }) {
        check(seconds >= 0, "nobody waits into the past")
    }
    if let address = lines.next().flatMap({ IPAddress($0) }) {
        check(IPAddress(address.description) == address, "an address written again is the same")
        check(!(address.isPublic && address.isLoopback), "this machine is not the open internet")
    }
    if let range = lines.next().flatMap({ ContentRangeHeader($0) }) {
        check(range.offset >= 0 && range.offset <= range.last && range.last < range.size, "a range lies in its whole")
    }
    checkHead(lines.remaining())
}

private func checkPlace(_ url: WebURL) {
    check(WebURL(url.description) == url, "a URL written again is the same")
    check(url.path.hasPrefix("/") && url.origin.port > 0 && !url.origin.host.isEmpty, "a URL leads somewhere")
    check(url.description.utf8.allSatisfy { (0x21...0x7e).contains($0) }, "a URL is plain ASCII")
}

private func checkResolved(_ place: WebURL) {
    checkPlace(place)
    let parts = place.path.split(separator: "/")
    check(!parts.contains("..") && !parts.contains("."), "no redirect climbs")
}

private func checkHead(_ lines: [String]) {
    var head = ResponseHead()
    for line in lines {
        guard head.take(Array((line + "\r\n").utf8)) else { return }
    }
    let response = head.response
    check(response.status == 0 || (100...999).contains(response.status), "a status has three digits")
    for field in response.fields {
        check(field.name == field.name.lowercased() && !field.name.contains(":"), "names are in lower case")
        check(!field.value.hasPrefix(" ") && !field.value.hasSuffix(" "), "values have no blanks around them")
        let count = response.fields.count { $0.name == field.name }
        check((response[field.name] != nil) == (count == 1), "a field that came twice is none")
    }
}
