/// An item of a `meta` box: a picture, a part of one, or something about it (ISO/IEC 14496-12, 8.11.6).
struct HEIFItem: Hashable {
    let id: UInt32
    let type: BoxType
    let isHidden: Bool
    let hasName: Bool
    let isProtected: Bool
    /// The media type of a `mime` item.
    let contentType: String

    /// The entry as the copy has it: without a name.
    func entry(version: UInt8) -> [UInt8] {
        let number = version == 2 ? BigEndian.bytes(UInt16(truncatingIfNeeded: id)) : BigEndian.bytes(id)
        return .fullBox("infe", version: version, flags: isHidden ? 1 : 0, number + [0, 0] + type.bytes + [0])
    }
}

/// Where an item's bytes lie (8.11.3).
struct HEIFLocation: Hashable {
    /// 0: in the file; 1: in `idat`; 2: in another item.
    let method: UInt64
    let dataReference: UInt64
    /// From the start of the file, or of `idat`'s payload; the length is 0 where the file does not say.
    let extents: [Extent]
    /// The entry's bytes.
    let entry: [UInt8]

    struct Extent: Hashable {
        let offset: UInt64
        let length: UInt64
    }

    var bytes: UInt64 { extents.reduce(0) { $0.addingReportingOverflow($1.length).partialValue } }
}

/// A reference from one item to others (8.11.12).
struct HEIFReference: Hashable {
    let type: BoxType
    let from: UInt32
    let to: [UInt32]
}

/// A property's place in `ipco`, from 1 on, and whether the item cannot be shown without (ISO/IEC 23008-12, 9.3).
struct HEIFAssociation: Hashable {
    let isEssential: Bool
    let index: Int
}
