import Blobs
import HTTPTypes

extension BlobAddress {
    /// The one that blobs of harnesses without a store have.
    static let fuzzed: BlobAddress = {
        guard let address = BlobAddress(bytes: [UInt8](0..<32)) else { preconditionFailure("32 bytes are an address") }
        return address
    }()
}

/// Fields of a request from lines like `Name: value`; what is no field is passed over.
func fields(_ lines: [String]) -> HTTPFields {
    var fields = HTTPFields()
    for line in lines {
        let sides = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
        guard sides.count == 2, let name = HTTPField.Name(String(sides[0])) else { continue }
        fields.append(HTTPField(name: name, value: String(sides[1].drop { $0 == " " })))
    }
    return fields
}
