/// A QR code in half blocks, two rows of modules in one of text, with the light zone of four modules around it.
struct QRDrawing {
    private let code: QRCode
    /// Whether black and white are asked for, so that it looks the same on every terminal. Without colours the light
    /// modules are drawn, as for a terminal that writes light on dark.
    private let hasColours: Bool

    /// Modules of the light zone.
    private static let zone = 4

    init(_ code: QRCode, hasColours: Bool) {
        self.code = code
        self.hasColours = hasColours
    }

    /// How wide it is.
    var columns: Int { code.size + 2 * Self.zone }

    /// How high it is: a line holds two rows of modules.
    var rows: Int { (columns + 1) / 2 }

    /// The lines, each with its end.
    var text: String {
        stride(from: -Self.zone, to: code.size + Self.zone, by: 2).map { line($0) + "\n" }.joined()
    }

    private func line(_ row: Int) -> String {
        let blocks = (-Self.zone..<code.size + Self.zone).map { column in
            block(code.isDark(row, column) == hasColours, code.isDark(row + 1, column) == hasColours)
        }.joined()
        // Of the 256 colours these two are the same whatever a theme makes of the first sixteen.
        return hasColours ? "\u{1b}[38;5;16;48;5;231m\(blocks)\u{1b}[0m" : blocks
    }

    private func block(_ isTopDrawn: Bool, _ isBottomDrawn: Bool) -> String {
        switch (isTopDrawn, isBottomDrawn) {
        case (true, true): "█"
        case (true, false): "▀"
        case (false, true): "▄"
        case (false, false): " "
        }
    }
}
