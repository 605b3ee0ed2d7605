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
        let thumbnails = Set(references.lazy.filter { $0.type == "thmb" }.map(\.from))
        let auxiliaries = Set(auxiliary.map(\.from))
        var dropped: Set<UInt32> = []
        for item in items {
            guard let words = Self.droppedAs(item, thumbnails, auxiliaries, auxiliaryTypes) else { continue }
            guard item.id != primary else { throw .unsupported("a picture of the kind “\(item.type)”") }
            dropped.insert(item.id)
            removed.formUnion(words)
        }
        dropped.formUnion(Self.partsAlone(of: dropped, primary, derivations, auxiliary))
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

    /// Parts of what goes go with it, unless others are made of them, too; so do alpha and gain maps. Each reference is
    /// looked at once.
    private static func partsAlone(
        of dropped: Set<UInt32>, _ primary: UInt32, _ derivations: [HEIFReference], _ auxiliary: [HEIFReference]
    ) -> Set<UInt32> {
        var usersLeft: [UInt32: Int] = [:]
        var parts: [UInt32: [UInt32]] = [:]
        func note(_ part: UInt32, usedBy user: UInt32) {
            usersLeft[part, default: 0] += 1
            parts[user, default: []].append(part)
        }
        for each in derivations { for part in each.to { note(part, usedBy: each.from) } }
        for each in auxiliary { for user in each.to { note(each.from, usedBy: user) } }
        var alone: Set<UInt32> = []
        var waiting = Array(dropped)
        while let gone = waiting.popLast() {
            for part in parts[gone] ?? [] {
                let left = (usersLeft[part] ?? 0) - 1
                usersLeft[part] = left
                guard left == 0, part != primary, !dropped.contains(part) else { continue }
                if alone.insert(part).inserted { waiting.append(part) }
            }
        }
        return alone
    }

    /// The words for an item that goes; nil where it stays for what it is.
    private static func droppedAs(
        _ item: HEIFItem, _ thumbnails: Set<UInt32>, _ auxiliaries: Set<UInt32>, _ auxiliaryTypes: [UInt32: String]
    ) -> Set<RemovedMetadata>? {
        switch item.type {
        case "Exif": return [.exif]
        case "mime": return [item.contentType == "application/rdf+xml" ? .xmp : .other]
        case let type where !keptTypes.contains(type): return [.other]
        default: break
        }
        if thumbnails.contains(item.id) { return [.thumbnail] }
        if let type = auxiliaryTypes[item.id] {
            if alphaAndGain.contains(type) { return nil }
            return ["depth", "matte", "auxid:2", "disparity"].contains { type.contains($0) } ? [.depth] : [.other]
        }
        return auxiliaries.contains(item.id) ? [.other] : nil
    }
}
