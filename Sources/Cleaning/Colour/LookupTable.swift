/// A transform by tables between a device's colours and the connection space (ICC.1:2022, 10.10 to 10.13).
///
///     mft1  type, 4 reserved, inputs, outputs, grid, pad, 36 matrix, inputs × 256, grid^inputs × outputs, outputs × 256
///     mft2  the same to the matrix, entries n and m (2 each), then n × inputs, grid^inputs × outputs, m × outputs; 2 each
///     mAB   type, 4 reserved, inputs, outputs, 2 pad, offsets of B curves, matrix, M curves, grid, A curves; 0 is none
///     mBA   the same, with the B curves at the input
struct LookupTable {
    /// Its bytes, laid out anew without gaps.
    let bytes: [UInt8]

    init?(_ data: ArraySlice<UInt8>, inputs: Int, outputs: Int) {
        guard let type = data.name(at: 0), let channels = data.piece(2, at: 8),
            Array(channels) == [UInt8(inputs), UInt8(outputs)]
        else { return nil }
        let made: [UInt8]? =
            switch type {
            case "mft1": Self.tables(data, inputs, outputs, headerBytes: 48, 256, 256, unit: 1)
            case "mft2":
                if let first = data.bigEndian16(at: 48), let last = data.bigEndian16(at: 50),
                    (2...4096).contains(first), (2...4096).contains(last)
                {
                    Self.tables(data, inputs, outputs, headerBytes: 52, first, last, unit: 2)
                } else {
                    nil
                }
            case "mAB ": Self.elements(data, type, inputs, outputs, curves: (a: inputs, m: outputs, b: outputs))
            case "mBA ": Self.elements(data, type, inputs, outputs, curves: (a: outputs, m: inputs, b: inputs))
            default: nil
            }
        guard let made else { return nil }
        bytes = made
    }

    private static func tables(
        _ data: ArraySlice<UInt8>, _ inputs: Int, _ outputs: Int, headerBytes: Int, _ first: Int, _ last: Int, unit: Int
    ) -> [UInt8]? {
        guard let header = data.piece(headerBytes, at: 0) else { return nil }
        let grid = header[header.startIndex + 10]
        // At most 255^4 × 4 × 2 and 2 × 4096 × 4 × 2: this cannot overflow.
        let cells = (0..<inputs).reduce(outputs) { cells, _ in cells * Int(grid) }
        guard grid > 0, let body = data.piece((first * inputs + cells + last * outputs) * unit, at: headerBytes) else {
            return nil
        }
        return header.prefix(4) + [0, 0, 0, 0, UInt8(inputs), UInt8(outputs), grid, 0] + header.dropFirst(12) + body
    }

    private static func elements(
        _ data: ArraySlice<UInt8>, _ type: ChunkName, _ inputs: Int, _ outputs: Int,
        curves counts: (a: Int, m: Int, b: Int)
    ) -> [UInt8]? {
        let offsets = (0..<5).compactMap { data.bigEndian32(at: 12 + 4 * $0) }
        // The matrix and the M curves work in the connection space, which has three channels.
        guard offsets.count == 5, offsets[0] != 0, offsets[1] == 0 && offsets[2] == 0 || counts.m == 3,
            inputs == outputs || offsets[3] != 0, (offsets[3] == 0) == (offsets[4] == 0)
        else { return nil }
        var header = type.bytes + [0, 0, 0, 0, UInt8(inputs), UInt8(outputs), 0, 0]
        var body: [UInt8] = []
        for (element, offset) in offsets.enumerated() {
            if offset == 0 {
                header += [0, 0, 0, 0]
                continue
            }
            let made =
                switch element {
                case 0: curves(data, at: offset, count: counts.b)
                case 1: data.piece(48, at: offset).map { Array($0) }
                case 2: curves(data, at: offset, count: counts.m)
                case 3: grid(data, at: offset, inputs, outputs)
                default: curves(data, at: offset, count: counts.a)
                }
            guard let made, offset >= 32 else { return nil }
            header += UInt32(32 + body.count).bigEndianBytes
            body += made + [UInt8](repeating: 0, count: -made.count & 3)
        }
        return header + body
    }

    /// Curves one behind the other, each padded to four bytes.
    private static func curves(_ data: ArraySlice<UInt8>, at offset: Int, count: Int) -> [UInt8]? {
        var made: [UInt8] = []
        for _ in 0..<count {
            guard offset <= data.count - made.count, let curve = ToneCurve(data.dropFirst(offset + made.count)) else {
                return nil
            }
            made += curve.bytes + [UInt8](repeating: 0, count: -curve.bytes.count & 3)
        }
        return made
    }

    /// Sixteen bytes of grid points, the bytes of a value (1 or 2), three of padding, and the values.
    private static func grid(_ data: ArraySlice<UInt8>, at offset: Int, _ inputs: Int, _ outputs: Int) -> [UInt8]? {
        guard let header = data.piece(20, at: offset) else { return nil }
        let points = header.prefix(inputs)
        let unit = Int(header[header.startIndex + 16])
        let cells = points.reduce(outputs) { $0 * Int($1) }
        guard points.allSatisfy({ $0 > 0 }), unit == 1 || unit == 2,
            let values = data.piece(cells * unit, at: offset + 20)
        else { return nil }
        return points + [UInt8](repeating: 0, count: 16 - inputs) + [UInt8(unit), 0, 0, 0] + values
    }
}

extension UInt32 {
    var bigEndianBytes: [UInt8] { ChunkName(self).bytes }
}
