import Blobs

/// In what form a page travels (RFC 9110 §8.4.1).
package enum ContentCoding: Hashable, Sendable {
    case identity
    case gzip

    /// The one for a request with this Accept-Encoding (RFC 9110 §12.5.3): gzip where the client takes it at least as
    /// gladly as the bytes themselves. Who takes neither gets the latter, as the RFC permits.
    package init(accepted field: String?) {
        var gzip: Int64?
        var identity: Int64?
        var others: Int64?
        for item in (field ?? "").split(separator: ",") {
            let parts = item.split(separator: ";").map { $0.filter { $0 != " " && $0 != "\t" }.lowercased() }
            guard let name = parts.first, let weight = Self.weight(parts.dropFirst()) else { continue }
            switch name {
            case "gzip", "x-gzip": gzip = max(gzip ?? 0, weight)
            case "identity": identity = weight
            case "*": others = weight
            default: break
            }
        }
        let wish = gzip ?? others ?? 0
        self = wish > 0 && wish >= identity ?? 0 ? .gzip : .identity
    }

    /// The weight in the parameters of an item, in thousandths: 1000 where none is written, nil for what is no weight.
    private static func weight(_ parameters: some Collection<String>) -> Int64? {
        guard let parameter = parameters.first else { return 1000 }
        guard parameters.count == 1, parameter.hasPrefix("q=") else { return nil }
        let digits = parameter.dropFirst(2).split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = digits.count == 2 ? digits[1] : ""
        guard let whole = digits.first, whole == "0" || whole == "1", fraction.utf8.count <= 3,
            let thousandths = SaturatingDigits.parse(
                "\(whole)\(fraction)\(String(repeating: "0", count: 3 - fraction.utf8.count))"),
            thousandths <= 1000
        else { return nil }
        return thousandths
    }
}
