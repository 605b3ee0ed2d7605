/// Edges of a picture, in pixels, each at least 1.
struct PixelSize: Hashable, Sendable {
    let width: Int
    let height: Int

    var longEdge: Int { max(width, height) }

    /// The size as displayed.
    func oriented(_ orientation: Orientation) -> PixelSize {
        orientation.swapsEdges ? PixelSize(width: height, height: width) : self
    }

    /// The size with the long edge brought down to `limit`, each edge rounded, the shape kept; never larger.
    func fitting(longEdge limit: Int) -> PixelSize {
        if longEdge <= limit { return self }
        // An edge has at most 65,535 pixels: the products fit many times over.
        func scaled(_ edge: Int) -> Int { max(1, (2 * edge * limit + longEdge) / (2 * longEdge)) }
        return PixelSize(width: scaled(width), height: scaled(height))
    }

    /// The eighths of this size at which libjpeg's inverse DCT should give the picture, for a filter that is to bring
    /// it down to `target`.
    ///
    /// The DCT's own reduction cuts off sharply, and averages code values rather than light; where the filter still
    /// has two sevenths to take away, none of that shows. Only halves are worth taking: libjpeg-turbo has no vector
    /// code for the sizes between.
    func decodingEighths(for target: PixelSize) -> Int {
        for eighths in [1, 2, 4] where 5 * longEdge * eighths >= 7 * target.longEdge * 8 { return eighths }
        return 8
    }
}
