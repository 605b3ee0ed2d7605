import Cleaning

/// Rows of pixels with straight alpha as their last component.
enum AlphaRow {
    /// Puts a row of `components`, 2 or 4, on white; `output` has one component less. Code values are mixed, as browsers
    /// and viewers do.
    static func putOnWhite(_ row: [UInt8], components: Int, into output: inout [UInt8]) {
        let colours = components - 1
        let source = row.span
        var target = output.mutableSpan
        var (from, to) = (0, 0)
        while from < source.count {
            let alpha = Int(source[from + colours])
            for colour in 0..<colours {
                target[to + colour] = UInt8((Int(source[from + colour]) * alpha + 255 * (255 - alpha) + 127) / 255)
            }
            (from, to) = (from + components, to + colours)
        }
    }

    /// Whether a pixel of the row lets something through.
    static func isInUse(_ row: [UInt8], components: Int) -> Bool {
        let samples = row.span
        var index = components - 1
        while index < samples.count {
            if samples[index] != 255 { return true }
            index += components
        }
        return false
    }
}

extension Raster {
    /// The picture on white; itself if it has no alpha.
    func onWhite() -> Raster {
        guard hasAlpha else { return self }
        var result = Raster(size: size, components: components - 1)
        var row = [UInt8](repeating: 0, count: size.width * components)
        var flat = [UInt8](repeating: 0, count: size.width * (components - 1))
        for index in 0..<size.height {
            copyRow(index, displayed: .upright, into: &row)
            AlphaRow.putOnWhite(row, components: components, into: &flat)
            result.append(flat)
        }
        return result
    }
}
