package import Cleaning

/// The size of a picture in pixels, each edge at least 1.
package struct PixelSize: Hashable, Sendable {
    package let width: Int
    package let height: Int

    package init(width: Int, height: Int) { (self.width, self.height) = (width, height) }

    package var longEdge: Int { max(width, height) }

    /// The size as displayed.
    package func oriented(_ orientation: Orientation) -> PixelSize {
        orientation.swapsEdges ? PixelSize(width: height, height: width) : self
    }

    /// The size scaled down to a long edge of `limit`, proportions kept and edges rounded; never larger.
    package func fitting(longEdge limit: Int) -> PixelSize {
        if longEdge <= limit { return self }
        // An edge has at most 65,535 pixels: the products fit many times over.
        func scaled(_ edge: Int) -> Int { max(1, (2 * edge * limit + longEdge) / (2 * longEdge)) }
        return PixelSize(width: scaled(width), height: scaled(height))
    }

    /// The eighths of this size at which libjpeg should decode the picture, before a filter scales it to `target`.
    ///
    /// Scaling in the DCT cuts off sharply, and averages code values rather than light; as long as the filter still has
    /// to remove two sevenths, that is not visible. Only powers of two are worth it: libjpeg-turbo has no vector code
    /// for the sizes in between.
    func decodingEighths(for target: PixelSize) -> Int {
        for eighths in [1, 2, 4] where 5 * longEdge * eighths >= 7 * target.longEdge * 8 { return eighths }
        return 8
    }
}
