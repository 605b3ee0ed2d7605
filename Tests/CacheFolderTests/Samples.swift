import Blobs
import CacheFolder
import TestSupport

/// An address that begins with these 48 bits.
func address(_ prefix: UInt64, _ tail: UInt64 = 0) -> BlobAddress {
    let words = [prefix << 16 | tail >> 48, tail, 0, 0]
    let bytes = words.flatMap { word in (0..<8).map { UInt8(truncatingIfNeeded: word >> (56 - 8 * $0)) } }
    guard let address = BlobAddress(bytes: bytes) else { preconditionFailure("32 bytes are an address") }
    return address
}

/// A moment so many seconds after one in 2027.
func time(_ seconds: Int64) -> Timestamp { Timestamp(seconds: 1_800_000_000 + seconds) }

/// An entry that ends in 30 days.
func entry(
    _ address: BlobAddress, size: Int64 = 1, arrived: Int64 = 0, read: Int64? = nil, reads: Int = 1,
    sunset: Int64 = 30 * 86_400, marked: Int64? = nil
) -> CacheEntry {
    var entry = CacheEntry(address: address, size: size, sunset: time(sunset), arrived: time(arrived), reads: reads)
    entry.lastRead = time(read ?? arrived)
    entry.marked = marked.map(time)
    return entry
}

extension CacheIndex {
    /// All entries, by address.
    var all: [BlobAddress: CacheEntry] {
        var all: [BlobAddress: CacheEntry] = [:]
        forEach { all[$0.address] = $0 }
        return all
    }
}

extension SeededGenerator {
    /// An entry of any kind.
    mutating func entry(_ address: BlobAddress) -> CacheEntry {
        var entry = CacheEntry(
            address: address, size: .random(in: 0...1 << 31, using: &self), sunset: moment(), arrived: moment(),
            reads: .random(in: 0...65_535, using: &self), isUnverified: .random(using: &self))
        entry.checked = moment()
        entry.lastRead = moment()
        if Int.random(in: 0..<4, using: &self) == 0 { entry.marked = moment() }
        return entry
    }

    private mutating func moment() -> Timestamp { time(.random(in: 0..<1_000_000, using: &self)) }
}
