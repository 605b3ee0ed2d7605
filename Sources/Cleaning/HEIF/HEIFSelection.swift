/// Decides which items of a picture stay: pictures by allow-list, what they are made of, alpha and gain map.
/// Thumbnails, maps of distances, mattes, Exif, XMP and everything unknown go.
struct HEIFSelection {
    private static let keptTypes: Set<BoxType> = ["hvc1", "av01", "grid", "iden", "iovl", "tmap"]
    static let alphaAndGain: Set<String> = [
        "urn:mpeg:hevc:2015:auxid:1", "urn:mpeg:mpegB:cicp:systems:auxiliary:alpha", "urn:mpeg:avc:2015:auxid:1",
        "urn:com:apple:photo:2020:aux:hdrgainmap",
    ]

    private(set) var kept: Set<UInt32> = []
    private(set) var removed: Set<RemovedMetadata> = []

    /// `auxiliaryTypes` has the names of `auxC` of items that have one.
    init(
        _ items: [HEIFItem], primary: UInt32, references: [HEIFReference], auxiliaryTypes: [UInt32: String]
    ) throws(CleaningError) {
        let derivations = references.filter { $0.type == "dimg" }
        let auxiliary = references.filter { $0.type == "auxl" }
        var dropped: Set<UInt32> = []
        for item in items {
            guard let words = Self.droppedAs(item, references, auxiliaryTypes) else { continue }
            guard item.id != primary else { throw .unsupported("a picture of the kind “\(item.type)”") }
            dropped.insert(item.id)
            removed.formUnion(words)
        }
        // Parts of what goes go with it, unless others are made of them, too; so do alpha and gain maps.
        let madeFrom = Dictionary(grouping: derivations.flatMap { each in each.to.map { ($0, each.from) } }, by: \.0)
        let belongsTo = Dictionary(grouping: auxiliary.flatMap { each in each.to.map { (each.from, $0) } }, by: \.0)
        var changes = true
        var rounds = 0
        while changes {
            changes = false
            rounds += 1
            guard rounds <= 64 else { throw .excessive("pictures made of pictures more than 64 deep") }
            for item in items where !dropped.contains(item.id) && item.id != primary {
                let users = (madeFrom[item.id] ?? []) + (belongsTo[item.id] ?? [])
                if !users.isEmpty, users.allSatisfy({ dropped.contains($0.1) }) {
                    dropped.insert(item.id)
                    changes = true
                }
            }
        }
        kept = Set(items.map(\.id)).subtracting(dropped)
        guard kept.contains(primary) else { throw .corrupt("its first picture is not there") }
        for derivation in derivations where kept.contains(derivation.from) {
            guard derivation.to.allSatisfy(kept.contains) else {
                throw .unsupported("a picture that is made of something else than pictures")
            }
        }
        guard !items.contains(where: { kept.contains($0.id) && $0.isProtected }) else {
            throw .unsupported("encryption")
        }
    }

    /// The words for an item that goes; nil where it stays for what it is.
    private static func droppedAs(
        _ item: HEIFItem, _ references: [HEIFReference], _ auxiliaryTypes: [UInt32: String]
    ) -> Set<RemovedMetadata>? {
        switch item.type {
        case "Exif": return [.exif]
        case "mime": return [item.contentType == "application/rdf+xml" ? .xmp : .other]
        case let type where !keptTypes.contains(type): return [.other]
        default: break
        }
        if references.contains(where: { $0.type == "thmb" && $0.from == item.id }) { return [.thumbnail] }
        if let type = auxiliaryTypes[item.id] {
            if alphaAndGain.contains(type) { return nil }
            return ["depth", "matte", "auxid:2", "disparity"].contains { type.contains($0) } ? [.depth] : [.other]
        }
        return references.contains { $0.type == "auxl" && $0.from == item.id } ? [.other] : nil
    }
}
