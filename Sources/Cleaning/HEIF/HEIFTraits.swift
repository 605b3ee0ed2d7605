/// What a picture file says about itself that no decoder tells, and that decides how it is encoded again.
package struct HEIFTraits: Hashable, Sendable {
    /// Chroma has as many samples as luma, in every picture that has any.
    package private(set) var hasFullChroma = false
    /// It has a gain map, which is lost in a JPEG.
    package private(set) var hasGainMap = false

    /// What is not understood is neither.
    package init(_ source: SourceBytes) {
        do throws(CleaningError) { try read(source) } catch { self = HEIFTraits() }
    }

    private init() {}

    private mutating func read(_ source: SourceBytes) throws(CleaningError) {
        let reader = BoxReader(source)
        var offset: Int64 = 0
        var meta: Box?
        while meta == nil, offset < source.count, let box = try reader.box(at: offset, end: source.count, depth: 0) {
            offset = box.range.upperBound
            if box.type == "meta" { meta = box }
        }
        guard let meta else { return }
        let children = try reader.children(of: meta, skipping: 4)
        let items = try HEIFTables.items(try children.required("iinf"), reader)
        let container = try reader.children(of: try children.required("iprp")).required("ipco")
        var chroma: [Bool] = []
        for property in try reader.children(of: container) {
            switch property.type {
            case "hvcC", "av1C":
                if let isFull = Self.isFull(property.type, try reader.bytes(property.payload)) { chroma.append(isFull) }
            case "auxC":
                let name = String(decoding: try reader.bytes(property.payload).dropFirst(4), as: UTF8.self)
                if name.contains("hdrgainmap") { hasGainMap = true }
            default: continue
            }
        }
        hasFullChroma = !chroma.isEmpty && chroma.allSatisfy { $0 }
        if items.contains(where: { $0.item.type == "tmap" }) { hasGainMap = true }
    }

    /// ISO/IEC 14496-15, 8.3.3: `chroma_format_idc`; AV1 ISOBMFF, 2.3.3: `monochrome` and subsampling. Nil for what has no
    /// chroma, as alpha and gain maps.
    private static func isFull(_ type: BoxType, _ bytes: [UInt8]) -> Bool? {
        if type == "hvcC" { return bytes.count > 16 && bytes[16] & 3 > 0 ? bytes[16] & 3 == 3 : nil }
        return bytes.count > 2 && bytes[2] & 0x10 == 0 ? bytes[2] & 0x0C == 0 : nil
    }
}
