/// A curve of one channel: from the numbers of the device to light.
///
///     curv  4 type, 4 reserved, 4 count n, n × 2 values    ICC.1:2022, 10.6: none is the identity, one a gamma u8.8
///     para  4 type, 4 reserved, 2 kind, 2 reserved, values ICC.1:2022, 10.18: 1, 3, 4, 5 or 7 of s15.16
struct ToneCurve: Hashable {
    enum Shape: Hashable {
        case table([UInt16])
        /// The kind, and its values in units of 1/65536.
        case parameters(Int, [Int])
    }

    let shape: Shape
    /// Its bytes, with nothing else.
    let bytes: [UInt8]

    private static let parameterCounts = [1, 3, 4, 5, 7]

    /// Reads the curve at the start of `data`; what follows it is not looked at.
    init?(_ data: ArraySlice<UInt8>) {
        switch data.name(at: 0) {
        case "curv":
            guard let count = data.bigEndian32(at: 8), count <= data.count / 2,
                let values = data.piece(2 * count, at: 12)
            else { return nil }
            shape = .table((0..<count).compactMap { values.bigEndian16(at: 2 * $0).map(UInt16.init) })
            bytes = Array("curv".utf8) + [0, 0, 0, 0] + data.prefix(12).suffix(4) + values
        case "para":
            guard let kind = data.bigEndian16(at: 8), kind < Self.parameterCounts.count,
                let values = data.piece(4 * Self.parameterCounts[kind], at: 12)
            else { return nil }
            shape = .parameters(
                kind,
                (0..<values.count / 4).compactMap {
                    values.bigEndian32(at: 4 * $0).map { Int(Int32(truncatingIfNeeded: $0)) }
                })
            bytes = Array("para".utf8) + [0, 0, 0, 0, 0, UInt8(kind), 0, 0] + values
        default: return nil
        }
    }

    /// The light for `x` in 0…1; nil for exponents that no honest curve has.
    func value(at x: Double) -> Double? {
        switch shape {
        case .table(let table):
            switch table.count {
            case 0: return x
            case 1: return Power.of(x, Int(table[0]) * 256)
            default:
                let place = x * Double(table.count - 1)
                let index = min(Int(place), table.count - 2)
                let low = Double(table[index])
                return (low + (Double(table[index + 1]) - low) * (place - Double(index))) / 65535
            }
        case .parameters(let kind, let values):
            let numbers = values.map { Double($0) / 65536 }
            func power(_ base: Double) -> Double? { Power.of(max(base, 0), values[0]) }
            switch kind {
            case 0: return power(x)
            case 1, 2:
                let (a, b, c) = (numbers[1], numbers[2], kind == 2 ? numbers[3] : 0)
                return a * x + b >= 0 ? power(a * x + b).map { $0 + c } : c
            default:
                let (e, f) = kind == 4 ? (numbers[5], numbers[6]) : (0, 0)
                return x >= numbers[4] ? power(numbers[1] * x + numbers[2]).map { $0 + e } : numbers[3] * x + f
            }
        }
    }
}

/// Powers without a library of mathematics.
enum Power {
    /// `base` at least 0, to an exponent in units of 1/65536; nil unless that is from 0 to 16.
    static func of(_ base: Double, _ exponent: Int) -> Double? {
        guard exponent >= 0, exponent <= 16 << 16 else { return nil }
        var result = 1.0
        for _ in 0..<exponent >> 16 { result *= base }
        var root = base
        for bit in stride(from: 15, through: 0, by: -1) {
            root = root.squareRoot()
            if exponent >> bit & 1 == 1 { result *= root }
        }
        return result
    }
}
