import Blobs
import Store
import StoreRules

/// Values that tests name by a number.
enum Sample {
    static func address(_ number: Int) -> BlobAddress {
        var hasher = BlobHasher()
        hasher.update(Array("blob \(number)".utf8))
        return hasher.address()
    }

    static func secret(_ number: Int) -> SecretHash {
        guard let hash = SecretHash(bytes: Sample.address(number &+ 1_000_000).bytes) else {
            preconditionFailure("32 bytes are a hash")
        }
        return hash
    }

    static func recipient(_ number: Int) -> Recipient {
        guard let recipient = Recipient(bytes: Sample.address(number &+ 2_000_000).bytes.prefix(16)) else {
            preconditionFailure("16 bytes are a recipient")
        }
        return recipient
    }

    static func seconds(_ count: Int64) -> Timestamp { Timestamp(seconds: count) }
}
