package import HTTPTypes
import Store

/// Names of fields in this API that swift-http-types does not define.
///
/// The literals are tokens (RFC 9110 §5.6.2); one that is not would stop the first test that runs.
extension HTTPField.Name {
    private static func known(_ name: String) -> HTTPField.Name {
        guard let known = HTTPField.Name(name) else { preconditionFailure("\(name) is no field name") }
        return known
    }

    package static let satchelLifetime = known("Satchel-Lifetime")
    package static let satchelRecipients = known("Satchel-Recipients")
    package static let satchelOwner = known("Satchel-Owner")
    package static let satchelReceipt = known("Satchel-Receipt")
    package static let satchelSecret = known("Satchel-Secret")
    package static let satchelPublicURL = known("Satchel-Public-URL")
    package static let xSHA256 = known("X-SHA-256")
    package static let xContentLength = known("X-Content-Length")
    static let xAccelBuffering = known("X-Accel-Buffering")
    package static let xReason = known("X-Reason")
    package static let xLimit = known("X-Limit")
    package static let xLimitName = known("X-Limit-Name")
    package static let reprDigest = known("Repr-Digest")
    package static let sunset = known("Sunset")
    package static let cacheStatus = known("Cache-Status")
    package static let cdnLoop = known("CDN-Loop")
    package static let satchelReread = known("Satchel-Reread")
    package static let forwarded = known("Forwarded")
    package static let xForwardedFor = known("X-Forwarded-For")
    package static let host = known("Host")
    package static let uploadDraftInteropVersion = known("Upload-Draft-Interop-Version")
    package static let uploadComplete = known("Upload-Complete")
    package static let uploadIncomplete = known("Upload-Incomplete")
    package static let uploadOffset = known("Upload-Offset")
    package static let uploadLength = known("Upload-Length")
    package static let uploadLimit = known("Upload-Limit")
    package static let uploadDeferLength = known("Upload-Defer-Length")
    package static let uploadMetadata = known("Upload-Metadata")
    package static let uploadChecksum = known("Upload-Checksum")
    package static let uploadConcat = known("Upload-Concat")
    package static let uploadExpires = known("Upload-Expires")
    package static let tusResumable = known("Tus-Resumable")
    package static let tusVersion = known("Tus-Version")
    package static let tusExtension = known("Tus-Extension")
    package static let tusMaxSize = known("Tus-Max-Size")
    package static let tusChecksumAlgorithm = known("Tus-Checksum-Algorithm")
    package static let acceptPatch = known("Accept-Patch")
    package static let xHTTPMethodOverride = known("X-HTTP-Method-Override")
    package static let referrerPolicy = known("Referrer-Policy")
    static let crossOriginOpenerPolicy = known("Cross-Origin-Opener-Policy")
    static let permissionsPolicy = known("Permissions-Policy")
}

extension BidirectionalCollection<UInt8> {
    /// Without spaces and tabs at both ends: OWS of RFC 9110 §5.6.3.
    package func trimmingBlanks() -> SubSequence {
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        var trimmed = self[...].drop(while: isBlank)
        while let last = trimmed.last, isBlank(last) { trimmed.removeLast() }
        return trimmed
    }
}
