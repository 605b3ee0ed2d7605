import Blobs
import Crypto

extension Recipient {
    private static let label = Array("satchel-recipient".utf8) + [0]

    /// The name under which a person says "delivered" for one message.
    ///
    ///     first 16 bytes of HMAC-SHA-256(receipt secret, "satchel-recipient" ‖ 00 ‖ the person's secret)
    init(person: Secret, receipt: Secret) {
        let code = HMAC<SHA256>.authenticationCode(
            for: Self.label + person.bytes, using: SymmetricKey(data: receipt.bytes))
        guard let name = Recipient(bytes: Array(code.prefix(Self.byteCount))) else {
            preconditionFailure("a SHA-256 has more bytes than a name")
        }
        self = name
    }
}
